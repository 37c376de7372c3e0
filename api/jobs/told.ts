/** Telling the engine something about a job. */
import type { Caller } from '../caller.js';
import { CommandLost } from '../commands.js';
import { Refusal } from '../errors.js';

/** @throws Refusal for whatever kept the engine from answering */
export async function told(caller: Caller, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof CommandLost)) throw error;
    if (error.kind === 'unavailable') throw new Refusal('engine_unavailable');
    if (error.kind === 'busy') throw new Refusal('engine_busy');
    throw new Refusal('command_unconfirmed', { members: { idempotencyKey: caller.key } });
  }
}
