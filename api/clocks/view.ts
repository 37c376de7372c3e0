/** Clocks as staff reads them. */
import { iso } from '../tickets/view.js';
import { clockName } from './names.js';
import type { ClockExplanation, ClockView } from './schema.js';
import type { ClockStory, RungRecord } from '../../db/queries/clocks.js';
import { outcomeOf, remainingS } from '../../domain/sla/clock.js';
import type { Clock } from '../../domain/sla/clock.js';
import type { Stretch } from '../../domain/sla/explain.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** A clock at the moment it is read. */
export interface ClockNow {
  readonly clock: Clock;
  /** Used up by now. */
  readonly consumedS: number;
  /** Of a paused one. */
  readonly dueIfResumedNow: Instant | null;
}

const instant = (at: Instant | null): string | null => (at === null ? null : toIso(at));

/** What the list and the explanation both say. */
const base = (clock: Clock, consumedS: number) => ({
  clock: clockName(clock.clock),
  kind: clock.kind,
  phase: clock.phase,
  policy: clock.policy,
  policyRevision: clock.set,
  calendar: clock.calendar.id,
  calendarRevision: clock.calendar.revision,
  originAt: toIso(clock.originAt),
  budgetS: clock.budgetS,
  consumedS,
  dueAt: instant(clock.dueAt),
  breachedAt: instant(clock.breach?.at ?? null),
  breachCause: clock.breach?.cause ?? null,
  lateMs: clock.breach?.lateMs ?? null,
  fulfilledAt: instant(clock.fulfilledAt),
  outcome: outcomeOf(clock),
  overrunS: clock.breach === null ? null : Math.max(0, consumedS - clock.breach.budgetS),
  waived: clock.waived,
});

export function clockView({ clock, consumedS, dueIfResumedNow }: ClockNow): ClockView {
  const left = remainingS(clock, consumedS);
  const over = clock.phase === 'fulfilled' || clock.phase === 'cancelled';
  return {
    ...base(clock, consumedS),
    remainingS: left,
    dueIfResumedNow: instant(dueIfResumedNow),
    causes: [...clock.causes],
    runningSince: clock.phase === 'running' ? toIso(clock.since) : null,
    endedAt: over ? toIso(clock.since) : null,
    reason: clock.reason,
    spareS: outcomeOf(clock) === 'met' ? left : null,
    fired: [...clock.fired],
  };
}

/** What an explanation is made of, besides the clock. */
export interface Explained extends Pick<ClockExplanation, 'zone' | 'sentence' | 'check' | 'carriedS'> {
  readonly clock: Clock;
  readonly consumedS: number;
  readonly stretches: readonly Stretch[];
  readonly changes: ClockStory['changes'];
  readonly rungs: ClockStory['rungs'];
}

export const explanationView = ({ clock, consumedS, stretches, changes, rungs, ...said }: Explained): ClockExplanation => ({
  ...base(clock, consumedS),
  ...said,
  segments: stretches.map(({ from, to, state, causes, calendar, openS, wallS, consumedAfterS }) => ({
    from: toIso(from),
    to: toIso(to),
    state,
    causes: [...causes],
    calendar: calendar.id,
    calendarRevision: calendar.revision,
    openS,
    wallS,
    consumedAfterS,
  })),
  changes: changes.map((change) => ({ ...change, at: toIso(change.at) })),
  rungs: rungs.map(rungView),
});

const outcomes = ['warned', 'notified', 'opened', 'already_at_level'] as const;

const rungView = ({ rung, dueAt, firedAt, lateMs, outcome, recipients }: RungRecord): ClockExplanation['rungs'][number] => ({
  rung,
  dueAt: iso(dueAt),
  firedAt: iso(firedAt),
  lateMs,
  outcome: outcomes.find((name) => name === outcome) ?? 'notified',
  recipients,
});
