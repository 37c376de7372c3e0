/** What an event may serve: open steps first, then exits, and goals always. Source: journeys.md, section 11. */
import { eventOutcome, doneOutcome, manualOutcomes } from '../outcomes.js';
import type { CompleteOn, Mapping } from '../step.js';
import type { Exit, Goal } from '../template.js';
import { day } from '../../time.js';
import type { Instant } from '../../time.js';
import { personal } from './context.js';
import { isForeign, itemOf } from './data.js';
import type { Candidate, OccurredEvent } from './effect.js';
import type { JourneyState } from './journey.js';
import { authoredStep, bodyOf, stepOf } from './plan.js';
import type { CompiledBody, Plan } from './plan.js';
import type { Visit } from './visit.js';

/** An event that an open step waits for. */
interface Awaited {
  readonly ref: string;
  readonly on: CompleteOn<string>;
  /** From when on it counts. */
  readonly consume: 'new' | 'since_entry' | 'since_start';
}

/** Every event that completes the step of a visit. */
export function awaited(plan: Plan, visit: Visit): readonly Awaited[] {
  const body = bodyOf(plan, visit);
  const list = (field: string, events: readonly CompleteOn<string>[] | undefined, consume: Awaited['consume']): Awaited[] =>
    (events ?? []).map((on, index) => ({ ref: `${visit.key}/${field}.${index}`, on, consume }));
  return [
    ...(body.kind === 'wait' ? list('event', body.event, body.consume ?? 'new') : []),
    ...('completeOn' in body ? list('completeOn', body.completeOn, 'new') : []),
  ];
}

/** Whether a visit waits for what may come: it is being worked on, and is not parked. */
export const isOpen = ({ phase, incident }: Visit): boolean => phase === 'work' && incident === null;

/** What an event may serve in one visit; one that was found in the log only where it is not too old. */
export function candidatesAt(plan: Plan, state: JourneyState, visit: Visit, event: OccurredEvent, isFound = false): readonly Candidate[] {
  const counts = (consume: Awaited['consume']): boolean => !isFound || countsFor(consume, state, visit, event);
  const body = bodyOf(plan, visit);
  const item = itemOf(state, visit);
  const withItem = item === undefined ? {} : { item };
  const events = awaited(plan, visit)
    .filter(({ on, consume }) => on.type === event.type && counts(consume))
    .map(({ ref, on }): Candidate => {
      const output = { ...on.output, ...eventReads(body) };
      const pii = personal(plan, Object.keys(on.output ?? {}));
      return { ref, match: on.match ?? null, when: on.when ?? null, output, ...(pii.length === 0 ? {} : { pii }), ...withItem };
    });
  if (isFound || body.kind !== 'wait' || body.condition === undefined) return events;
  return [...events, { ref: `${visit.key}/condition`, match: null, when: body.condition, output: {}, ...withItem }];
}

/** What was heard before the visit opened is not new to it, be it of the same instant. */
function countsFor(consume: Awaited['consume'], { past, heard }: JourneyState, visit: Visit, event: OccurredEvent): boolean {
  if (consume === 'since_start') return true;
  if (consume === 'since_entry') return event.at >= (past[visit.step]?.firstAt ?? visit.enteredAt);
  return event.at >= visit.enteredAt && !heard.last.some(({ id, n }) => id === event.id && n <= visit.heard);
}

/** Paths into the event that the step's own mapping reads, each under its own name. */
const eventReads = ({ output = {} }: CompiledBody): Mapping =>
  Object.fromEntries(
    Object.values(output)
      .filter((path) => isForeign(path) && !path.startsWith('subject'))
      .map((path) => [path, path]),
  );

export const exitRef = ({ id }: Pick<Exit<string>, 'id'>): string => `exit/${id}`;
export const goalRef = ({ id }: Pick<Goal<string, number>, 'id'>): string => `goal/${id}`;

/** Everything an event may serve now, in order of precedence. */
export function candidatesFor(plan: Plan, state: JourneyState, event: OccurredEvent, now: Instant): readonly Candidate[] {
  const { exits = [], goals = [] } = plan.template;
  const steps = state.visits.filter(isOpen).flatMap((visit) => candidatesAt(plan, state, visit, event));
  const isRunning = state.end === null && state.undoing === null;
  return [
    ...(isRunning ? steps : []),
    ...(isRunning && state.leaving === null
      ? exits.filter(({ on, when }) => on === event.type || (on === undefined && when !== undefined))
      : []
    ).map((exit): Candidate => ({ ref: exitRef(exit), match: exit.match ?? null, when: exit.when ?? null, output: {} })),
    ...goals
      .filter((goal) => goal.event === event.type && !state.goals.includes(goal.id) && isInWindow(state, goal, Math.min(event.at, now)))
      .map((goal): Candidate => ({
        ref: goalRef(goal),
        match: goal.match ?? null,
        when: goal.when ?? null,
        output: goal.value === undefined ? {} : { value: goal.value },
      })),
  ];
}

/** Thirty days from the start, unless the goal says otherwise. */
const isInWindow = ({ start }: JourneyState, { window = 30 * day }: Goal<string, number>, at: Instant): boolean =>
  at <= start.startedAt + window;

/** How a step comes out by an event. */
export function outcomeBy(plan: Plan, visit: Visit, ref: string): string {
  const body = bodyOf(plan, visit);
  const on = awaited(plan, visit).find((one) => one.ref === ref)?.on;
  if (on === undefined) return 'met';
  return eventOutcome({ type: on.type, ...(on.outcome === undefined ? {} : { outcome: on.outcome }) }, fallback(plan, visit, body));
}

function fallback(plan: Plan, visit: Visit, body: CompiledBody): string {
  const step = authoredStep({ ...stepOf(plan, visit.step), ...body });
  if (step.kind === 'handoff') return doneOutcome(step);
  if (step.kind !== 'manual') return 'received';
  const { completeOn: _, ...own } = step;
  const chosen = manualOutcomes(own);
  return chosen.length === 1 ? (chosen[0] ?? 'completed') : 'completed';
}
