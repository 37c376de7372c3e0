import type { Instant } from '../../domain/time.js';

/** A value as a case file writes it; a list of clock instances is the only list. */
export type Shown = string | number | boolean | null | readonly string[];

/** One thing that came out differently. */
export interface Difference {
  /** Of the expectation. */
  readonly line: number;
  /** When it was looked at; null where a case has no instants. */
  readonly at: Instant | null;
  /** The clock instance, or null. */
  readonly clock: string | null;
  /** The rung, when it is about one. */
  readonly rung: string | null;
  readonly field: string;
  readonly expected: Shown;
  readonly got: Shown;
}
