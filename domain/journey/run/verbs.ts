/** What people do at steps that are theirs, and what callers tell a journey. Source: journeys.md, sections 3, 8 and 9. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import { delegate } from '../gate/delegation.js';
import type { GateAnswer } from '../gate/gate.js';
import { vote } from '../gate/vote.js';
import { own } from '../json.js';
import { barredFrom } from './advance.js';
import { isBeingRead, judged } from './approvals.js';
import { isOpen } from './candidates.js';
import type { JourneyCode, JourneyCommandOf } from './command.js';
import { changed, contextRefused, filling, merged } from './context.js';
import type { Draft } from './draft.js';
import { gateRules } from './effects.js';
import { personOf } from './names.js';
import { bodyOf, isStep, stepOf } from './plan.js';
import type { Visit } from './visit.js';

type Answer = Refused<JourneyCode> | undefined;

export function updateContext(draft: Draft, { patch }: JourneyCommandOf<'updateContext'>): Answer {
  const result = changed(draft.plan, draft.state.context, merged(draft.state.context, patch), true);
  if (!result.ok) return contextRefused(result);
  if (result.names.length === 0) return undefined;
  draft.set({ context: result.context });
  draft.isChanged = true;
  draft.record('journey.context.changed', { changed: result.names });
  return undefined;
}

/** Fills what is empty; what is there stays. */
export function attach(draft: Draft, { input, eventId }: JourneyCommandOf<'attach'>): Answer {
  const { context } = draft.state;
  const empty = Object.entries(filling(draft.plan, input)).filter(([name]) => (own(context, name) ?? null) === null);
  const result = changed(draft.plan, context, Object.fromEntries(empty), true);
  if (!result.ok) return contextRefused(result);
  draft.set({ context: result.context });
  draft.isChanged ||= result.names.length > 0;
  draft.record('journey.context.changed', { changed: result.names, reason: 'attached', ...(eventId === undefined ? {} : { eventId }) });
  return undefined;
}

interface At {
  readonly step: string;
  readonly visit?: number;
  readonly item?: string;
}

/** The open visit a command means: the newest of its step. */
export const openVisit = ({ state }: Draft, { step, visit, item }: At): Visit | undefined =>
  state.visits.findLast(
    (one) => one.step === step && one.visit === (visit ?? one.visit) && (item === undefined || one.item === item) && isOpen(one),
  );

/** A task is taken by one person at a time. */
export function claim(draft: Draft, order: JourneyCommandOf<'claim'>): Answer {
  const visit = openVisit(draft, order);
  if (visit === undefined || visit.task === null) return notOpen(draft, order);
  const person = personOf(order.actor);
  const { assignee } = visit.task;
  if (assignee !== null && assignee !== person) return refused('already_claimed', { assignee });
  const barred = order.role === 'agent' ? barredFrom(visit, person, order.roles) : undefined;
  if (barred !== undefined) return barred;
  const body = bodyOf(draft.plan, visit);
  const claimFor = body.kind === 'manual' || body.kind === 'approval' ? body.claimFor : undefined;
  give(draft, visit, person, claimFor === undefined ? null : draft.at + claimFor);
  return undefined;
}

export function unclaim(draft: Draft, order: JourneyCommandOf<'unclaim'>): Answer {
  const visit = openVisit(draft, order);
  if (visit === undefined || visit.task === null) return notOpen(draft, order);
  const { assignee } = visit.task;
  if (assignee === null) return refused('not_claimed');
  if (order.role === 'agent' && assignee !== personOf(order.actor)) return refused('already_claimed', { assignee });
  give(draft, visit, null, null);
  return undefined;
}

export function assign(draft: Draft, order: JourneyCommandOf<'assign'>): Answer {
  const visit = openVisit(draft, order);
  if (visit === undefined || visit.task === null) return notOpen(draft, order);
  if (order.role === 'agent') {
    const barred = barredFrom(visit, personOf(order.actor), order.roles);
    if (barred !== undefined) return barred;
  }
  give(draft, visit, order.to, null);
  return undefined;
}

function give(draft: Draft, visit: Visit, assignee: string | null, until: number | null): void {
  const { claimUntil: _, ...timers } = visit.timers;
  const { people = [], roles = [] } = visit.task ?? {};
  const next = draft.put({
    ...visit,
    task: { people, roles, assignee },
    timers: until === null ? timers : { ...timers, claimUntil: until },
  });
  draft.recordOf(next, 'journey.task.assigned', { people, roles, assignee, ...(until === null ? {} : { until }) });
}

export function castVote(draft: Draft, order: JourneyCommandOf<'vote'>): Answer {
  const { decision, comment = null, onBehalfOf = null, roles = [] } = order;
  return atGate(draft, order, (visit, gate) =>
    vote(gateRules(bodyOf(draft.plan, visit)), gate, { by: personOf(order.actor), roles, decision, comment, onBehalfOf, now: draft.at }),
  );
}

/** A vote given into other hands, and with it the tasks that are the delegator's alone; of a task, that task. */
export function delegateTo(draft: Draft, order: JourneyCommandOf<'delegate'>): Answer {
  const { to, toRoles = [], until = null } = order;
  const task = openVisit(draft, order);
  const person = personOf(order.actor);
  if (task !== undefined && bodyOf(draft.plan, task).kind === 'manual') {
    const barred = order.role === 'agent' ? barredFrom(task, person, order.roles) : undefined;
    if (barred !== undefined) return barred;
    give(draft, task, to, until);
    return undefined;
  }
  const refusal = atGate(draft, order, (visit, gate) =>
    delegate(gateRules(bodyOf(draft.plan, visit)), gate, { by: person, to, toRoles, until, now: draft.at }),
  );
  if (refusal !== undefined) return refusal;
  for (const visit of draft.state.visits) if (isOpen(visit) && isAloneOf(visit, person)) give(draft, visit, to, until);
  return undefined;
}

/** Whether a task is taken by a person, or names nobody else. */
function isAloneOf({ task }: Visit, person: string): boolean {
  if (task === null || task.assignee !== null) return task?.assignee === person;
  return task.roles.length === 0 && task.people.length === 1 && task.people[0] === person;
}

type AtGate = (visit: Visit, gate: NonNullable<Visit['gate']>) => GateAnswer;

/** Does something at an open vote; of one that is over, callers learn how it ended. */
function atGate(draft: Draft, order: At, act: AtGate): Answer {
  const visit = openVisit(draft, order);
  if (visit === undefined) return voteOver(draft, order) ?? notOpen(draft, order);
  if (visit.gate === null || isBeingRead(visit)) return notOpen(draft, order);
  const answer = act(visit, visit.gate);
  if (!answer.ok) return answer;
  judged(draft, visit, answer);
  return undefined;
}

/** That a vote is over, and how it ended; whether its step was left, is on its way or is parked. */
export function voteOver(draft: Draft, { step, visit }: At): Answer {
  if (stepOf(draft.plan, step).kind !== 'approval') return undefined;
  const here = draft.state.visits.findLast((one) => one.step === step && one.visit === (visit ?? one.visit));
  const { last } = draft.past(step);
  const outcome = here === undefined ? last && (last.outcome ?? last.state) : here.gate?.outcome;
  return outcome == null ? undefined : refused('approval_closed', { outcome });
}

const notOpen = (draft: Draft, { step }: At): Answer =>
  isStep(draft.plan, step) ? refused('step_not_open', { step }) : refused('unknown_step', { step });
