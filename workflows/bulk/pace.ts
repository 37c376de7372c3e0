/** So many instances are begun a second, and no more. */
import type { Instant } from '../../domain/time.js';
import { second } from '../../domain/time.js';

/** A second, and how many were begun in it. */
export interface Turns {
  readonly since: Instant;
  readonly count: number;
}

/** As if nobody had ever had a turn. */
export const noTurns: Turns = { since: 0, count: 0 };

/** How long the next one has to wait, in milliseconds. */
export function restOf({ since, count }: Turns, rate: number, now: Instant): number {
  return count < rate ? 0 : Math.max(0, since + second - now);
}

/** The turns with one more; the first one behind a second begins another. */
export function withOne({ since, count }: Turns, now: Instant): Turns {
  return now - since < second ? { since, count: count + 1 } : { since: now, count: 1 };
}
