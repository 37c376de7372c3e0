import type { Comparison, Spread } from './raw-start.js';
import type { Round } from './rounds.js';
import type { TicketCounts } from './counts.js';
import type { Deliveries } from './deliveries.js';
import type { Kept } from './lost.js';
import type { Memory } from './memory.js';
import type { StatementCounts } from './statements.js';

/** Everything one run has found out. What could not be measured is absent. */
export interface Findings {
  workload: 'w1' | 'w3';
  rounds: Round[];
  /** Operations per second at saturation: the highest of the closed rounds. */
  ceiling: number;
  comparison: Comparison;
  /** Answered well, and there. */
  kept: Kept;
  /** Median of a sample. */
  counts: TicketCounts;
  /** What a delivery adds to a life; with deliveries only. */
  delivery?: { transitions: number; events: number; perLife: number; states: Deliveries['states'] };
  /** Bytes of the write-ahead log per operation in the open rounds, as PostgreSQL is set up. */
  logBytes: Spread;
  /** What should have been measured and failed, with the reason. */
  unmeasured: string[];
  memory?: Memory;
  statements?: StatementCounts;
}
