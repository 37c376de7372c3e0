/**
 * Keeps what hangs from holding up what does not: after several calls in a row that failed slowly, further ones fail at once for a while.
 *
 * A workflow task waits for its local activities and keeps its place meanwhile. With a database that neither answers nor refuses, a few
 * tickets would hold every place for three seconds each, and no command of any other would be accepted.
 */
import type { Instant } from '../domain/time.js';

export interface BreakerOptions {
  /** A failure counts when it took at least so long, in milliseconds: one that came at once held up nobody. */
  readonly slowMs: number;
  /** Slow failures in a row, */
  readonly failures: number;
  /** after which calls fail at once for so long, in milliseconds; then one is let through to see. */
  readonly pauseMs: number;
  readonly now: () => Instant;
  /** What a call fails with that is not made. */
  readonly refusal: () => Error;
}

/** @returns runs a call, or fails at once */
export function createBreaker({
  slowMs,
  failures,
  pauseMs,
  now,
  refusal,
}: BreakerOptions): <Result>(call: () => Promise<Result>) => Promise<Result> {
  let inARow = 0;
  let closedUntil: Instant | null = null;
  return async (call) => {
    const begun = now();
    if (closedUntil !== null) {
      if (begun < closedUntil) throw refusal();
      // The one that looks; the others wait for what it finds.
      closedUntil = begun + pauseMs;
    }
    try {
      const result = await call();
      inARow = 0;
      closedUntil = null;
      return result;
    } catch (error) {
      const isSlow = now() - begun >= slowMs;
      inARow = isSlow ? inARow + 1 : 0;
      closedUntil = inARow >= failures ? now() + pauseMs : null;
      throw error;
    }
  };
}
