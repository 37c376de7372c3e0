/** Lets time pass on a server where nobody works. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Instant } from '../domain/time.js';
import type { TimeSkippingServer } from './time-skipping-server.js';

/** Longer no leap takes. */
const patience = 500;

/**
 * Passes to an instant. The server never lets go of its clock again when a workflow tells something to one that is over; as nobody works, whatever holds it is
 * of that kind.
 */
export async function skipTo(server: TimeSkippingServer, until: Instant): Promise<void> {
  const passed = server.passTo(until).then(() => true);
  for (;;) {
    if (until - (await server.now()) <= patience || (await Promise.race([passed, pause(patience, false)]))) break;
    await server.overlookOneTask();
  }
  await passed;
}
