/** What a ticket shows of its clocks. Source: sla.md, end of section 3. */
import type { Instant } from '../time.js';
import { isOpenClock } from './clock.js';
import type { Clock } from './clock.js';

export const slaStates = ['ok', 'warned', 'breached', 'paused', 'none'] as const;
export type SlaState = (typeof slaStates)[number];

export interface SlaSummary {
  /** Revision of the policy set the ticket is pinned to; 0: none. */
  readonly set: number;
  readonly state: SlaState;
  /** Permanent: some clock was breached once. */
  readonly breached: boolean;
  /** Nearest deadline of a running clock not breached yet. */
  readonly dueAt: Instant | null;
}

/** Of a ticket without service levels. */
export const noSla: SlaSummary = { set: 0, state: 'none', breached: false, dueAt: null };

/**
 * Sums up the clocks: the worst of those open, the nearest deadline.
 *
 * @param before what was said last; a breach once said stays
 */
export function summaryOf(clocks: readonly Clock[], before: SlaSummary): SlaSummary {
  const open = clocks.filter(isOpenClock);
  const due = open.filter((clock) => clock.phase === 'running' && clock.breach === null).flatMap(({ dueAt }) => dueAt ?? []);
  return {
    set: before.set,
    state: stateOf(open),
    breached: before.breached || clocks.some(({ breach }) => breach !== null),
    dueAt: due.length === 0 ? null : Math.min(...due),
  };
}

function stateOf(open: readonly Clock[]): SlaState {
  if (open.length === 0) return 'none';
  if (open.some(({ breach }) => breach !== null)) return 'breached';
  // A rung that fired before the breach is a warning.
  if (open.some(({ fired }) => fired.length > 0)) return 'warned';
  return open.every(({ phase }) => phase === 'paused') ? 'paused' : 'ok';
}
