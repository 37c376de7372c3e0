/** When something happens by itself. Source: journeys.md, section 2. */
import { nextGateDue } from '../gate/ladder.js';
import type { Instant } from '../../time.js';
import { gateRules } from './effects.js';
import { bodyOf } from './plan.js';
import type { Plan } from './plan.js';
import type { Visit } from './visit.js';

/** In the order in which simultaneous ones are done: what completes a step in time comes before what says it is late. */
export const alarmKinds = ['total', 'retry', 'elapse', 'gate', 'max', 'warn', 'breach', 'claim'] as const;
export type AlarmKind = (typeof alarmKinds)[number];

export interface Alarm {
  readonly at: Instant;
  readonly kind: AlarmKind;
}

const alarm = (kind: AlarmKind, at: Instant | null | undefined): readonly Alarm[] =>
  at === null || at === undefined ? [] : [{ at, kind }];

/** What may happen by itself in a visit. A parked step stands still. */
export function alarmsOf(plan: Plan, visit: Visit): readonly Alarm[] {
  const { timers, effort, gate, phase, incident, ending } = visit;
  // Whoever parks a step does not stop the clock of what was promised.
  const promised = ending === null ? [...alarm('warn', timers.warnAt), ...alarm('breach', timers.breachAt)] : [];
  if (phase !== 'work' || incident !== null) return promised;
  // A wait looks at the present before it sleeps.
  const isAwake = bodyOf(plan, visit).kind === 'wait' && !visit.isAsleep;
  return [
    ...alarm('total', effort?.totalAt),
    ...alarm('retry', effort?.retryAt),
    ...(isAwake ? [] : [...alarm('elapse', timers.elapseAt), ...alarm('max', timers.maxAt)]),
    ...alarm('gate', gate === null ? null : nextGateDue(gateRules(bodyOf(plan, visit)), gate)),
    ...promised,
    ...alarm('claim', timers.claimUntil),
  ];
}

/** The soonest; of simultaneous ones the first in order. */
export const soonest = (alarms: readonly Alarm[]): Alarm | null =>
  alarms.reduce<Alarm | null>((first, next) => {
    const isSooner = first === null || next.at < first.at || (next.at === first.at && rank(next) < rank(first));
    return isSooner ? next : first;
  }, null);
const rank = ({ kind }: Alarm): number => alarmKinds.indexOf(kind);

/** The instant from which somebody is late. */
export const deadlineOf = (visit: Visit): Instant | null => earliest(deadlinesOf(visit));

/** The instant readers are shown: until when somebody has time, or when it goes on. */
export function visibleDue(visit: Visit): Instant | null {
  const { timers, effort } = visit;
  return earliest([...deadlinesOf(visit), timers.elapseAt, timers.maxAt, effort?.retryAt, effort?.totalAt]);
}

const deadlinesOf = ({ timers, handoff, gate }: Visit): readonly (Instant | null | undefined)[] => [
  timers.dueAt,
  timers.breachAt,
  handoff?.dueAt,
  gate?.outcome === null ? gate.dueAt : null,
];

/** @returns null: there is none */
export function earliest(instants: readonly (Instant | null | undefined)[]): Instant | null {
  const all = instants.filter((at) => typeof at === 'number');
  return all.length === 0 ? null : Math.min(...all);
}
