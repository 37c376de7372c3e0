/** Steps that a person does: whose they are, who has taken them. Source: journeys.md, sections 2 and 9. */
import type { ReportFields } from './effect.js';
import { awaited } from './candidates.js';
import type { Draft } from './draft.js';
import { park } from './incident.js';
import { bodyOf } from './plan.js';
import type { BodyOf } from './plan.js';
import { faultDetail } from './traces.js';
import type { Visit } from './visit.js';

export function beginTask(draft: Draft, visit: Visit, { assign = {}, due }: BodyOf<'manual'>): void {
  const { users = [], roles = [], expr } = assign;
  const kept = visit.task?.assignee ?? null;
  const task = { people: users, roles, assignee: kept };
  const timers = due === undefined ? visit.timers : { ...visit.timers, dueAt: visit.timers.dueAt ?? draft.at + due };
  const open = draft.put({ ...visit, task, timers });
  draft.recordOf(open, 'journey.task.assigned', { people: users, roles, ...(kept === null ? {} : { assignee: kept }) });
  const asking = expr === undefined ? open : draft.ask(open, { to: 'assignees' });
  if (awaited(draft.plan, visit).length > 0) draft.ask(asking, { to: 'lookBack' });
}

/** Those an expression names have been found. */
export function assigneesFound(draft: Draft, visit: Visit, { people, fault }: ReportFields['people']): void {
  const body = bodyOf(draft.plan, visit);
  if (fault !== null)
    return park(draft, visit, 'guard_error', faultDetail((body.kind === 'manual' ? body.assign?.expr : undefined) ?? null, fault));
  if (visit.task === null) return;
  const all = [...new Set([...visit.task.people, ...people.map(({ id }) => id)])];
  const found = draft.put({ ...visit, task: { ...visit.task, people: all } });
  draft.recordOf(found, 'journey.task.assigned', { people: all, roles: visit.task.roles });
}

/** A claim lasts so long, and no longer. */
export function claimExpired(draft: Draft, visit: Visit): void {
  const { claimUntil: _, ...timers } = visit.timers;
  if (visit.task === null) return;
  const { people, roles } = visit.task;
  draft.put({ ...visit, timers, task: { people, roles, assignee: null } });
  draft.recordOf(visit, 'journey.task.assigned', { people, roles, assignee: null, reason: 'expired' });
}
