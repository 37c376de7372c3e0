import { condition } from '@temporalio/workflow';
import { now } from '../support/clock.js';
import type { Journal } from './journal.js';

/**
 * Sleeps to the nearest instant that matters and does what is due. One timer for the whole ticket; it wakes early only when the plan
 * changes, and says in its summary what it waits for.
 */
export async function watch(journal: Journal, subject: string, fired: () => void): Promise<void> {
  // Before the first command there is nothing to plan from; within the same task it usually has come already.
  for (;;) {
    await condition(() => journal.nextDue(now()) !== null);
    const due = journal.nextDue(now());
    if (due === null) continue;
    const remaining = due.at - now();
    const moved =
      remaining > 0 && (await condition(() => journal.nextDue(now())?.at !== due.at, remaining, { summary: `${due.what} · ${subject}` }));
    if (moved) continue;
    journal.fire(due, now());
    fired();
    if (journal.isOver()) return;
  }
}
