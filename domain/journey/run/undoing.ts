/** Undoing what was done, the last first, before a journey ends. Source: journeys.md, section 7. */
import { retryDelayMs, retryPolicy, timeLimits } from '../attempts.js';
import type { Draft } from './draft.js';
import type { Effect, ReportFields } from './effect.js';
import { abandonAll, endJourney } from './ending.js';
import type { JourneyState, Undoable } from './journey.js';
import { visitKey } from './names.js';
import { bodyOf } from './plan.js';
import type { Plan } from './plan.js';

/** Stops everything, then undoes. */
export function undoAll(draft: Draft): void {
  abandonAll(draft);
  draft.set({ undoing: { outcome: 'cancelled', asked: 0, spent: 0, ask: null, retryAt: null, error: null }, paused: null, leaving: null });
  undoNext(draft);
}

/** Undoes the last that is left, or ends. */
export function undoNext(draft: Draft): void {
  const { undoing, undoable } = draft.state;
  const last = undoable.at(-1);
  if (undoing === null) return;
  if (last === undefined) return endJourney(draft, { status: 'cancelled', outcome: undoing.outcome, result: null });
  const asked = undoing.asked + 1;
  const ask = { id: `${keyOf(last)}/undo.${asked}`, at: draft.at };
  draft.set({ undoing: { ...undoing, asked, spent: undoing.spent + 1, ask, retryAt: null, error: null } });
  const effect = undoEffect(draft.plan, draft.state);
  if (effect !== null) draft.want(effect);
}

const keyOf = ({ step, visit, item }: Undoable): string => visitKey(step, visit, item);

/** The action that is under way; null: none is. */
export function undoEffect(plan: Plan, { undoing, undoable, start }: JourneyState): Effect | null {
  const last = undoable.at(-1);
  if (undoing === null || undoing.ask === null || last === undefined) return null;
  const body = bodyOf(plan, last);
  return {
    kind: 'action',
    id: undoing.ask.id,
    step: last.step,
    visit: last.visit,
    item: last.item,
    attempt: undoing.spent,
    action: body.compensate ?? '',
    input: { ...last.input, ...last.output },
    timeoutMs: timeLimits(body.timeouts, plan.template.defaults?.timeouts).attemptMs,
    recipient: start.subject.id,
    undoes: true,
  };
}

/** The last one is undone, by its action or by hand. */
export function undone(draft: Draft, cause: 'action' | 'operator'): void {
  const { undoing, undoable } = draft.state;
  const last = undoable.at(-1);
  if (undoing === null || last === undefined) return;
  draft.recordOf(last, 'journey.step.compensated', { cause });
  if (undoing.error !== null) settleIncident(draft, last, cause === 'operator' ? 'complete_with' : 'retry');
  draft.set({ undoable: undoable.slice(0, -1), undoing: { ...undoing, spent: 0, ask: null, retryAt: null, error: null } });
  undoNext(draft);
}

export function undoFailed(draft: Draft, { error, retryable, unknown }: ReportFields['failed']): void {
  const { undoing, undoable } = draft.state;
  const last = undoable.at(-1);
  if (undoing === null || last === undefined) return;
  const policy = retryPolicy(bodyOf(draft.plan, last).retry, draft.plan.template.defaults?.retry);
  const isLast = policy.maxAttempts !== null && undoing.spent >= policy.maxAttempts;
  if (!isLast && retryable && unknown !== true && !policy.nonRetryable.includes(error)) {
    draft.set({ undoing: { ...undoing, ask: null, retryAt: draft.at + retryDelayMs(policy, undoing.spent) } });
    return;
  }
  draft.set({ undoing: { ...undoing, ask: null, error } });
  const detail = { error, attempts: undoing.spent };
  showIncident(draft, last, { code: 'compensation_failed', detail });
  draft.recordOf(last, 'journey.incident.opened', { reason: 'compensation_failed', detail });
}

/** Another budget for the one that failed. */
export function undoAgain(draft: Draft): void {
  const { undoing, undoable } = draft.state;
  const last = undoable.at(-1);
  if (undoing === null || last === undefined) return;
  settleIncident(draft, last, 'retry');
  draft.set({ undoing: { ...undoing, spent: 0, error: null } });
  undoNext(draft);
}

function settleIncident(draft: Draft, last: Undoable, how: string): void {
  showIncident(draft, last, null);
  draft.recordOf(last, 'journey.incident.resolved', { reason: 'compensation_failed', how });
}

/** The step whose work cannot be undone stands as parked. */
function showIncident(
  draft: Draft,
  { step, visit, item }: Undoable,
  incident: { readonly code: 'compensation_failed'; readonly detail: { readonly error: string; readonly attempts: number } } | null,
): void {
  const { last } = draft.past(step);
  if (last === null || last.visit !== visit || last.item !== item) return;
  const view = { ...last, state: incident === null ? ('completed' as const) : ('incident' as const), incident };
  draft.remember(step, { last: view, state: view.state });
  draft.show(view);
}
