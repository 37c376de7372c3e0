import type { Log } from '../local/log.js';
import type { Desk } from './desk.js';
import type { Load } from './load.js';
import type { Arrivals } from './schedule.js';
import type { PartName } from './storm/parts.js';
import type { Target } from './target.js';

/** How long and how often things are measured. */
export interface Plan {
  /** Operations per second of the open rounds; of w4 one, of the creates beside a storm. */
  rates: readonly number[];
  /** Of each open round. */
  openSeconds: number;
  /** Of each closed round. */
  closedSeconds: number;
  /** Pairs of rounds in a comparison. */
  pairs: number;
  /** Before anything is measured: whichever is over first. */
  warmUp: { seconds: number; operations: number };
  /** Tickets whose history is counted. */
  sample: number;
  /** Open tickets held for the measurement of memory. */
  held: number;
  arrivals: Arrivals;
  deliveries: boolean;
  /** Of w5. */
  streams: number;
  /** Of w4. */
  parts: readonly PartName[];
  quick: boolean;
}

/** What every part of a run works with. */
export interface Bench {
  target: Target;
  desk: Desk;
  load: Load;
  plan: Plan;
  /** Of a system of our own. */
  engine: 'dev' | 'server';
  signal: AbortSignal;
  say: Log;
}
