/** Pause and resume. Source: journeys.md, section 7. */
import { shift } from '../gate/ladder.js';
import { decided } from './approvals.js';
import type { JourneyCommandOf } from './command.js';
import type { Draft } from './draft.js';
import type { Report } from './effect.js';
import { tellExtras } from './extras.js';
import { tell } from './handoffs.js';
import type { Timers, Visit } from './visit.js';

export function pause(draft: Draft, { deadlines = 'shift', freezeTasks = true }: JourneyCommandOf<'pause'>): void {
  draft.set({ paused: { since: draft.at, deadlines, freezeTasks, facts: [], isStale: false } });
  draft.record('journey.paused', { deadlines, freezeTasks });
  const word = freezeTasks ? ({ kind: 'pause' } as const) : ({ kind: 'pause', freezeTasks } as const);
  for (const visit of draft.state.visits) if (visit.handoff !== null) tell(draft, visit, 'pause', word);
  tellExtras(draft, word);
}

/**
 * Goes on: deadlines move by the pause where they shift, as this command says or else the pause did, and what was decided meanwhile takes its way.
 *
 * @returns what was reported meanwhile, to be worked in now
 */
export function resume(draft: Draft, order: JourneyCommandOf<'resume'>): readonly Report[] {
  const { paused } = draft.state;
  if (paused === null) return [];
  const pausedMs = draft.at - paused.since;
  const { deadlines = paused.deadlines } = order;
  const shiftMs = deadlines === 'shift' ? pausedMs : 0;
  const { limitAt, undoing } = draft.state;
  draft.set({
    paused: null,
    limitAt: later(limitAt, shiftMs),
    undoing: undoing === null ? null : { ...undoing, retryAt: later(undoing.retryAt, shiftMs) },
  });
  draft.record('journey.resumed', { pausedMs, deadlines });
  for (const visit of draft.state.visits) {
    const moved = draft.put(shifted(visit, shiftMs));
    if (visit.handoff !== null) tell(draft, moved, 'resume', { kind: 'resume', shiftMs });
  }
  tellExtras(draft, { kind: 'resume', shiftMs });
  for (const { key } of draft.state.visits) {
    const visit = draft.visit(key);
    if (visit !== undefined && visit.phase === 'work' && visit.incident === null) decided(draft, visit);
  }
  draft.isChanged ||= paused.isStale;
  return paused.facts;
}

const later = (at: number | null, ms: number): number | null => (at === null ? null : at + ms);

function shifted(visit: Visit, ms: number): Visit {
  if (ms === 0) return visit;
  const { timers, effort, gate } = visit;
  const moved: Timers = Object.fromEntries(Object.entries(timers).map(([name, at]: [string, number]) => [name, at + ms]));
  return {
    ...visit,
    timers: moved,
    effort: effort === null ? null : { ...effort, retryAt: later(effort.retryAt, ms), totalAt: later(effort.totalAt, ms) },
    gate: gate === null ? null : shift(gate, ms),
  };
}
