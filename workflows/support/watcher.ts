import { condition } from '@temporalio/workflow';
import type { Instant } from '../../domain/time.js';
import { now } from './clock.js';

export interface Due {
  readonly at: Instant;
  /** As operators read it in the timer's summary. */
  readonly what: string;
}

/** What does things by itself. */
export interface Watched {
  /** The nearest instant at which something happens; null: nothing is due. */
  nextDue(): Due | null;
  /** Does what is due. */
  fire(due: Due, now: Instant): void;
  isOver(): boolean;
}

/**
 * Sleeps to the nearest instant that matters and does what is due, with one timer. It wakes early only when the plan changes, and says in its
 * summary what it waits for.
 */
export async function watch(watched: Watched, subject: string, fired: () => void): Promise<void> {
  for (;;) {
    await condition(() => watched.nextDue() !== null || watched.isOver());
    const due = watched.nextDue();
    if (due === null) return;
    const remaining = due.at - now();
    const moved =
      remaining > 0 &&
      (await condition(() => watched.nextDue()?.at !== due.at, remaining, { summary: `${due.what} · ${subject}`.slice(0, 200) }));
    if (moved) continue;
    watched.fire(due, now());
    fired();
    if (watched.isOver()) return;
  }
}
