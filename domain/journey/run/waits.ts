/** Waits: they register, look at the present, then sleep. Source: journeys.md, section 2. */
import { fromIso } from '../../time.js';
import type { Instant } from '../../time.js';
import type { Choice } from '../expression.js';
import type { Json } from '../json.js';
import { awaited } from './candidates.js';
import { read } from './data.js';
import type { Draft } from './draft.js';
import { sceneOf } from './effects.js';
import { follow } from './follow.js';
import { park } from './incident.js';
import { complete } from './leave.js';
import { bodyOf } from './plan.js';
import type { BodyOf } from './plan.js';
import { faultIn, traceOf } from './traces.js';
import type { Visit } from './visit.js';

export function beginWait(draft: Draft, visit: Visit, body: BodyOf<'wait'>): void {
  const max = body.max === undefined ? {} : { maxAt: draft.at + body.max };
  const end = endOf(draft, visit, body);
  if (end === undefined) return park(draft, visit, 'requirement_missing', { paths: typeof body.until === 'string' ? [body.until] : [] });
  const waiting = draft.put({ ...visit, isAsleep: false, timers: { ...visit.timers, ...max, ...(end === null ? {} : { elapseAt: end }) } });
  if (end !== null && end <= draft.at) return complete(draft, waiting, { cause: 'elapsed', outcome: 'elapsed' });
  let asking = waiting;
  if (typeof body.until === 'object') asking = draft.ask(asking, { to: 'until' });
  if (awaited(draft.plan, visit).length > 0) asking = draft.ask(asking, { to: 'lookBack' });
  if (body.condition !== undefined) asking = draft.ask(asking, { to: 'condition' });
  fallAsleep(draft, asking);
}

/** When it is over by itself; null: that is found out, or never; undefined: what it names is no instant. */
function endOf(draft: Draft, visit: Visit, body: BodyOf<'wait'>): Instant | null | undefined {
  const { until, offset = 0 } = body;
  if (body.for !== undefined) return draft.at + body.for;
  if (typeof until !== 'string') return null;
  const at = instantOf(/^\d{4}-/.test(until) ? until : read(until, sceneOf(draft.state, visit, draft.at), visit.found));
  return at === undefined ? undefined : at + offset;
}

function instantOf(value: Json | undefined): Instant | undefined {
  const at = typeof value === 'string' ? fromIso(value) : value;
  return typeof at === 'number' && Number.isFinite(at) ? at : undefined;
}

/** The time of day has been worked out. */
export function untilKnown(draft: Draft, visit: Visit, at: Instant | null): void {
  const body = bodyOf(draft.plan, visit);
  const offset = body.kind === 'wait' ? (body.offset ?? 0) : 0;
  const elapseAt = (at ?? draft.at) + offset;
  if (elapseAt <= draft.at) complete(draft, visit, { cause: 'elapsed', outcome: 'elapsed' });
  else fallAsleep(draft, draft.put({ ...visit, timers: { ...visit.timers, elapseAt } }));
}

/** Sleeps as soon as nothing is left to look at. */
export function fallAsleep(draft: Draft, visit: Visit): void {
  const isLooking = visit.asks.some(({ to }) => to === 'until' || to === 'lookBack' || to === 'look' || to === 'condition');
  if (isLooking || visit.isAsleep || bodyOf(draft.plan, visit).kind !== 'wait') return;
  const asleep = draft.put({ ...visit, isAsleep: true });
  const { elapseAt, maxAt } = visit.timers;
  const dueAt = Math.min(elapseAt ?? Infinity, maxAt ?? Infinity);
  if (Number.isFinite(dueAt)) draft.recordOf(asleep, 'journey.timer.scheduled', { dueAt, timer: dueAt === elapseAt ? 'elapse' : 'max' });
}

export function conditionAnswered(draft: Draft, visit: Visit, choice: Choice): void {
  if (choice.chosen !== null) return complete(draft, visit, { cause: 'condition', outcome: 'met', trace: traceOf(choice.trace) });
  const fault = faultIn(choice);
  if (fault !== null) return park(draft, visit, 'guard_error', fault);
  if (visit.isStale) draft.ask({ ...visit, isStale: false }, { to: 'condition' });
  else fallAsleep(draft, visit);
}

/** Something it may depend on has changed. */
export function askAgain(draft: Draft, visit: Visit): void {
  const body = bodyOf(draft.plan, visit);
  if (body.kind !== 'wait' || body.condition === undefined) return;
  const asked = visit.asks.find(({ to }) => to === 'condition');
  if (asked === undefined) draft.ask(visit, { to: 'condition' });
  else if (draft.isFresh(asked.id)) draft.renew(visit, asked);
  else draft.put({ ...visit, isStale: true });
}

export const elapsed = (draft: Draft, visit: Visit): void => complete(draft, visit, { cause: 'elapsed', outcome: 'elapsed' });

/** It has waited as long as it may. */
export function waitedEnough(draft: Draft, visit: Visit): void {
  const body = bodyOf(draft.plan, visit);
  const word = body.kind === 'wait' ? body.onMax : undefined;
  if (word === undefined) complete(draft, visit, { cause: 'max', outcome: 'timeout' });
  else follow(draft, visit, word, { cause: 'max', outcome: 'timeout', incident: 'action_timeout', detail: { cause: 'max' } });
}
