import { z } from 'zod';
import { Faults } from './faults.js';

/**
 * How the mail server misbehaves on demand. Source: reliability.md, section 6.
 *
 * - `reject`, `tempfail`: the recipient is answered with 550 or 451.
 * - `delay`: the final dot is answered after `delayMs`.
 * - `park`: the mail is held, without an answer, until the faults change; then it is taken as usual, unless its sender has gone.
 * - `reset_before`: the connection breaks before the mail is asked for.
 * - `reset_after`: the mail is taken, then the connection breaks without an answer.
 * - `execute_then_timeout`: the mail is taken and never answered.
 */
export const FaultRule = z.strictObject({
  mode: z.enum(['ok', 'reject', 'tempfail', 'delay', 'reset_before', 'reset_after', 'park', 'execute_then_timeout']),
  /** Part of a recipient's address; without it every mail is meant. */
  match: z.exactOptional(z.string().min(1)),
  /** How often it applies; without it until cleared. */
  times: z.exactOptional(z.int().min(1)),
  delayMs: z.exactOptional(z.int().min(0).max(600_000)),
});
export type FaultRule = z.output<typeof FaultRule>;
export type FaultMode = FaultRule['mode'];

const atRecipient: readonly FaultMode[] = ['reject', 'tempfail'];

/** The faults in force. */
export class MailFaults extends Faults<FaultRule> {
  /** The fault for one recipient, when it is one that answers recipients. Counts as a hit. */
  forRecipient(recipient: string): FaultRule | undefined {
    return this.take([recipient], (mode) => atRecipient.includes(mode));
  }

  /** The fault for the mail itself. Counts as a hit. */
  forMail(recipients: readonly string[]): FaultRule | undefined {
    return this.take(recipients, (mode) => !atRecipient.includes(mode));
  }
}
