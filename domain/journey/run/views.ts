/** A visit and a vote as readers see them. */
import { openOutcomes } from './open-outcomes.js';
import { bodyOf } from './plan.js';
import type { Plan } from './plan.js';
import { personOf } from './names.js';
import type { JourneyState } from './journey.js';
import type { GateView, JourneyView } from './record.js';
import { statusOf } from './status.js';
import type { TaskView, VisitView } from './state.js';
import { deadlineOf, earliest, visibleDue } from './timers.js';
import type { Visit } from './visit.js';

export function visitView(plan: Plan, visit: Visit): VisitView {
  const { step, item, state, stage, enteredAt, endedAt, ending, effort, handoff, incident, late } = visit;
  const isOver = endedAt !== null;
  const output = ending !== null && Object.keys(ending.output).length > 0 ? { output: ending.output } : {};
  return {
    step,
    visit: visit.visit,
    item,
    state,
    stage,
    enteredAt,
    endedAt,
    outcome: ending?.outcome ?? null,
    cause: ending?.cause ?? null,
    dueAt: isOver ? null : visibleDue(visit),
    attempts: effort?.begun ?? handoff?.attempts ?? 0,
    incident: incident === null ? null : { code: incident.code, detail: incident.detail },
    ...(visit.task === null ? {} : { task: taskView(plan, visit, visit.task) }),
    ...output,
    ...(late === null ? {} : { lateResult: late }),
  };
}

const taskView = (plan: Plan, visit: Visit, { people, roles, assignee }: NonNullable<Visit['task']>): TaskView => ({
  people,
  roles,
  assignee: assignee === null ? null : personOf(assignee),
  claimedUntil: visit.timers.claimUntil ?? null,
  outcomes: bodyOf(plan, visit).kind === 'approval' ? ['approved', 'rejected'] : openOutcomes(plan, visit),
});

export const gateView = ({ step, visit, gate }: Visit): readonly GateView[] => (gate === null ? [] : [{ step, visit, gate }]);

/** A journey as readers see it. */
export function journeyView(state: JourneyState): JourneyView {
  const { start, end, visits, context } = state;
  const open = visits.filter(isShown);
  const own = open.filter(({ item }) => item === null);
  const leaf = own.findLast(({ branches }) => branches === null) ?? own.at(-1);
  return {
    start,
    status: statusOf(state),
    result: end?.result ?? null,
    outcome: end?.outcome ?? null,
    stage: state.stage,
    progress: state.progress,
    currentStep: leaf?.step ?? null,
    openSteps: [...new Set(own.map(({ step }) => step))],
    context,
    dueAt: earliest(open.map(visibleDue)),
    deadline: earliest(open.map(deadlineOf)),
    awaitsApproval: open.some(({ gate, handoff }) => gate?.outcome === null || handoff?.state === 'awaiting_approval'),
    version: state.version,
    lastActivity: state.lastActivity,
    endedAt: end?.at ?? null,
  };
}

/** Open or parked, and not on its way out. */
const isShown = ({ endedAt }: Visit): boolean => endedAt === null;
