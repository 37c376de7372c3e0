import { z } from 'zod';
import { Faults } from './faults.js';

/**
 * How the SMS provider misbehaves on demand. Source: reliability.md, section 6.
 *
 * - `reject`: answered with 400 and Twilio's 21610, nothing taken.
 * - `throttle`: answered with 429 and Twilio's 20429, nothing taken; `delayMs` becomes Retry-After, in whole seconds.
 * - `error_before`, `error_after`: answered with 503, or taken and answered with 500, both as a page and not as JSON.
 * - `delay`: taken, and answered after `delayMs`.
 * - `park`: held, without an answer, until the faults change; then taken as usual, unless its sender has gone.
 * - `reset_before`, `reset_after`: the connection breaks without an answer, before or after the message is taken.
 * - `execute_then_timeout`: taken and never answered.
 * - `list_error`: questions for the list are answered with 503; sending works.
 */
export const SmsFaultRule = z.strictObject({
  mode: z.enum([
    'ok',
    'reject',
    'throttle',
    'error_before',
    'error_after',
    'delay',
    'park',
    'reset_before',
    'reset_after',
    'execute_then_timeout',
    'list_error',
  ]),
  /** Part of a recipient's number; without it every message is meant. */
  match: z.exactOptional(z.string().min(1)),
  /** How often it applies; without it until cleared. */
  times: z.exactOptional(z.int().min(1)),
  delayMs: z.exactOptional(z.int().min(0).max(600_000)),
});
export type SmsFaultRule = z.output<typeof SmsFaultRule>;

/** The faults in force. */
export class SmsFaults extends Faults<SmsFaultRule> {
  /** The fault for a message. Counts as a hit. */
  forMessage(to: string): SmsFaultRule | undefined {
    return this.take([to], (mode) => mode !== 'list_error');
  }

  /** The fault for a question for the list. Counts as a hit. */
  forList(to: string): SmsFaultRule | undefined {
    return this.take([to], (mode) => mode === 'list_error');
  }
}
