/** What is due next, and doing it. Source: journeys.md, sections 2, 7 and 9. */
import type { Instant } from '../../time.js';
import { gateDue } from './approvals.js';
import { attempt, cutShort } from './attempting.js';
import type { Draft } from './draft.js';
import { parkNewest } from './incident.js';
import type { JourneyState } from './journey.js';
import type { Plan } from './plan.js';
import { breached, warned } from './sla.js';
import { claimExpired } from './tasks.js';
import { alarmsOf, soonest } from './timers.js';
import type { AlarmKind } from './timers.js';
import { undoNext } from './undoing.js';
import type { VisitKey } from './visit.js';
import { elapsed, waitedEnough } from './waits.js';

export interface Due {
  readonly at: Instant;
  readonly kind: AlarmKind | 'undo' | 'limit';
  readonly key: VisitKey | null;
  readonly step: string | null;
}

/** A journey that is paused or over stands still. */
export function nextOf(plan: Plan, state: JourneyState): Due | null {
  if (state.end !== null || state.paused !== null) return null;
  const { limitAt, undoing, undoable } = state;
  let next: Due | null = null;
  const consider = (due: Due): void => {
    if (next === null || due.at < next.at) next = due;
  };
  for (const visit of state.visits) {
    const alarm = soonest(alarmsOf(plan, visit));
    if (alarm !== null) consider({ ...alarm, key: visit.key, step: visit.step });
  }
  const retryAt = undoing?.retryAt ?? null;
  if (retryAt !== null) consider({ at: retryAt, kind: 'undo', key: null, step: undoable.at(-1)?.step ?? null });
  if (limitAt !== null && undoing === null) consider({ at: limitAt, kind: 'limit', key: null, step: null });
  return next;
}

const words: Readonly<Record<Due['kind'], string>> = {
  total: 'last attempt',
  retry: 'retry',
  elapse: 'wait',
  gate: 'approval',
  max: 'wait',
  warn: 'warning',
  breach: 'target',
  claim: 'claim',
  undo: 'undo',
  limit: 'longest duration',
};

/** For the timer's summary. */
export const inSummary = ({ kind, step }: Due): string => (step === null ? words[kind] : `${words[kind]} · ${step}`);

/** Does what is due; the draft stands at its instant. */
export function fire(draft: Draft, { kind, key }: Due): void {
  if (kind === 'undo') return undoNext(draft);
  if (kind === 'limit') {
    draft.set({ limitAt: null });
    return parkNewest(draft, 'max_duration', { limitMs: draft.plan.maxDurationMs });
  }
  const visit = draft.visit(key ?? '');
  if (visit === undefined) return;
  switch (kind) {
    case 'total':
      return cutShort(draft, visit);
    case 'retry':
      return visit.effort === null ? undefined : attempt(draft, visit, visit.effort);
    case 'elapse':
      return elapsed(draft, visit);
    case 'gate':
      return gateDue(draft, visit);
    case 'max':
      return waitedEnough(draft, visit);
    case 'warn':
      return warned(draft, visit);
    case 'breach':
      return breached(draft, visit);
    case 'claim':
      return claimExpired(draft, visit);
  }
}
