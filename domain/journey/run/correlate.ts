/** Events reach what waits for them: open steps first, else exits, goals always. Source: journeys.md, section 11. */
import type { Json, JsonObject } from '../json.js';
import { candidatesFor, exitRef, goalRef, isOpen, outcomeBy } from './candidates.js';
import { dataOf } from './data.js';
import type { Draft } from './draft.js';
import type { EffectOf, OccurredEvent, ReportFields } from './effect.js';
import { endJourney, leaveBy } from './ending.js';
import { park, parkNewest } from './incident.js';
import type { JourneyState } from './journey.js';
import { complete } from './leave.js';
import type { Plan } from './plan.js';
import { faultIn } from './traces.js';
import type { AskOf, Visit } from './visit.js';
import { fallAsleep } from './waits.js';

/** Events that are remembered, so that none counts twice. */
const kept = 100;

type Verdict = ReportFields['weighed']['verdicts'][number];

/** An event was delivered. They are weighed one after another: what one does decides what the next one finds. */
export function hear(draft: Draft, event: OccurredEvent): void {
  const { heard, inbox } = draft.state;
  if (heard.last.some(({ id }) => id === event.id)) return;
  const n = heard.count + 1;
  draft.set({ heard: { count: n, last: [...heard.last, { id: event.id, n }].slice(-kept) }, inbox: [...inbox, event] });
}

/** Puts the next event on the scales; those that can serve nothing are let go. */
export function weighNext(draft: Draft): boolean {
  const { inbox, weighing } = draft.state;
  const [event, ...rest] = inbox;
  if (event === undefined || weighing !== null) return false;
  const effect = weighEffect(draft.plan, draft.state, event, draft.at);
  if (effect.candidates.length === 0) {
    draft.set({ inbox: rest });
    return true;
  }
  draft.set({ weighing: { id: effect.id, at: draft.at } });
  draft.want(effect);
  return false;
}

export function weighEffect(plan: Plan, state: JourneyState, event: OccurredEvent, at: number): EffectOf<'weigh'> {
  const all = candidatesFor(plan, state, event, at);
  const candidates = state.served.includes(event.id) ? all.filter(({ ref }) => !ref.startsWith('exit/')) : all;
  return { kind: 'weigh', id: `event/${event.id}`, eventId: event.id, candidates, data: dataOf(state, at) };
}

/** The first event has been weighed. */
export function weighed(draft: Draft, { verdicts, trace }: ReportFields['weighed']): void {
  const [event, ...rest] = draft.state.inbox;
  draft.set({ inbox: rest, weighing: null });
  if (event === undefined) return;
  const detail = faultIn({ trace }) ?? {};
  let isServed = draft.state.served.includes(event.id);
  for (const verdict of verdicts.filter(({ ref }) => !isApart(ref))) {
    const visit = draft.visit(keyIn(verdict.ref));
    if (visit === undefined || !isOpen(visit)) continue;
    if (verdict.taken) {
      serve(draft, visit, verdict, event);
      isServed = true;
    } else if (verdict.fault !== null) park(draft, visit, 'guard_error', detail);
  }
  if (!isServed) exitBy(draft, verdicts, event, detail);
  for (const verdict of verdicts) reachGoal(draft, verdict, event, detail);
}

const isApart = (ref: string): boolean => ref.startsWith('exit/') || ref.startsWith('goal/');
/** `<step>.<visit>/event.0` → `<step>.<visit>`. */
const keyIn = (ref: string): string => ref.slice(0, ref.indexOf('/'));

/** Its name is a path, no variable's. */
const isRead = ([name]: readonly [string, Json]): boolean => /[.[]/.test(name);

/** An event completes a step, or a condition that it made true does. */
function serve(draft: Draft, visit: Visit, { ref, output }: Verdict, event: OccurredEvent): void {
  if (ref.endsWith('/condition')) return complete(draft, visit, { cause: 'condition', outcome: 'met' }, event.id);
  const values = Object.entries(output);
  const { consumed } = draft.past(visit.step);
  if (visit.item === null) draft.remember(visit.step, { consumed: [...consumed, event.id].slice(-kept) });
  const given: JsonObject = Object.fromEntries(values.filter((one) => !isRead(one)));
  const reads: JsonObject = Object.fromEntries(values.filter(isRead));
  complete(draft, visit, { cause: 'event', outcome: outcomeBy(draft.plan, visit, ref), output: given, fills: true, reads }, event.id);
}

/** The first exit in order; one whose guard has no value is no exit, and no reason to try the next. */
function exitBy(draft: Draft, verdicts: readonly Verdict[], event: OccurredEvent, detail: JsonObject): void {
  const { exits = [] } = draft.plan.template;
  if (draft.state.end !== null || draft.state.undoing !== null || draft.state.leaving !== null) return;
  for (const exit of exits) {
    const verdict = verdicts.find(({ ref }) => ref === exitRef(exit));
    if (verdict === undefined) continue;
    if (verdict.taken) return leaveBy(draft, exit, event.id);
    if (verdict.fault !== null) return parkNewest(draft, 'guard_error', { ...detail, exit: exit.id });
  }
}

function reachGoal(draft: Draft, { ref, taken, fault, output }: Verdict, event: OccurredEvent, detail: JsonObject): void {
  const goal = (draft.plan.template.goals ?? []).find((one) => goalRef(one) === ref);
  if (goal === undefined || draft.state.goals.includes(goal.id)) return;
  if (fault !== null && draft.state.end === null) parkNewest(draft, 'guard_error', { ...detail, goal: goal.id });
  if (!taken) return;
  draft.set({ goals: [...draft.state.goals, goal.id] });
  const value = output['value'];
  draft.record('journey.goal.reached', { goal: goal.id, eventId: event.id, ...(value === undefined ? {} : { value }) });
  if (goal.endsJourney === true) endJourney(draft, { status: 'completed', outcome: goal.id, result: 'won', data: { goal: goal.id } });
}

/** Events were found that may have come before the step looked; they are weighed for it alone, the oldest first. */
export function found(draft: Draft, visit: Visit, events: readonly OccurredEvent[]): void {
  const { consumed } = draft.past(visit.step);
  lookNext(draft, { ...visit, look: events.filter(({ id }) => !consumed.includes(id)) });
}

function lookNext(draft: Draft, visit: Visit): void {
  const [event, ...look] = visit.look;
  if (event === undefined) return fallAsleep(draft, draft.put(visit));
  draft.ask({ ...visit, look }, { to: 'look', event });
}

/** One of them has been weighed. */
export function looked(draft: Draft, visit: Visit, { event }: AskOf<'look'>, { verdicts, trace }: ReportFields['weighed']): void {
  const taken = verdicts.find((verdict) => verdict.taken);
  if (taken !== undefined) {
    draft.set({ served: [...draft.state.served, event.id].slice(-kept) });
    return serve(draft, visit, taken, event);
  }
  const fault = faultIn({ trace });
  if (verdicts.some((verdict) => verdict.fault !== null)) return park(draft, visit, 'guard_error', fault ?? {});
  lookNext(draft, visit);
}
