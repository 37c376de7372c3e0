/** Steps that work by themselves: attempts, their delays and limits, and what follows when they are used up. Source: journeys.md, section 2. */
import { retryDelayMs, retryPolicy, timeLimits } from '../attempts.js';
import type { RetryPolicy, TimeLimits } from '../attempts.js';
import { changed } from './context.js';
import type { Draft } from './draft.js';
import type { ReportFields } from './effect.js';
import { park } from './incident.js';
import { complete } from './leave.js';
import { bodyOf } from './plan.js';
import type { Plan } from './plan.js';
import { hush } from './stop.js';
import type { Effort, Visit } from './visit.js';

const policyOf = (plan: Plan, visit: Visit): RetryPolicy => retryPolicy(bodyOf(plan, visit).retry, plan.template.defaults?.retry);
const limitsOf = (plan: Plan, visit: Visit): TimeLimits => timeLimits(bodyOf(plan, visit).timeouts, plan.template.defaults?.timeouts);

/** Begins with a full budget; earlier attempts of the visit keep their numbers. */
export function beginAttempts(draft: Draft, visit: Visit): void {
  const { totalMs } = limitsOf(draft.plan, visit);
  const { begun = 0, dropped = [] } = visit.effort ?? {};
  const effort: Effort = { begun, spent: 0, retryAt: null, totalAt: totalMs === null ? null : draft.at + totalMs, dropped };
  attempt(draft, { ...visit, effort }, effort);
}

/** Begins the next attempt. */
export function attempt(draft: Draft, visit: Visit, before: Effort): void {
  const effort = { ...before, begun: before.begun + 1, spent: before.spent + 1, retryAt: null };
  const { attemptMs } = limitsOf(draft.plan, visit);
  const timeoutMs = effort.totalAt === null ? attemptMs : Math.min(attemptMs, effort.totalAt - draft.at);
  const next = { ...visit, effort };
  if (bodyOf(draft.plan, visit).kind === 'journey') draft.ask(next, { to: 'child' });
  else draft.ask(next, { to: 'action', attempt: effort.begun, timeoutMs });
}

/** An attempt has failed: another one follows, or nothing does. */
export function attemptFailed(draft: Draft, visit: Visit, { error, retryable, unknown, effect }: ReportFields['failed']): void {
  const { effort } = visit;
  if (effort === null) return;
  const policy = policyOf(draft.plan, visit);
  // Whoever gave no answer in time may still give one.
  const dropped = error === timedOut ? [...effort.dropped, effect] : effort.dropped;
  const failed = { ...visit, effort: { ...effort, dropped } };
  if (unknown === true) return park(draft, failed, 'action_unknown', { error, attempts: effort.begun });
  const isLast = policy.maxAttempts !== null && effort.spent >= policy.maxAttempts;
  if (isLast || !retryable || policy.nonRetryable.includes(error)) return exhausted(draft, failed, error);
  const retryAt = draft.at + retryDelayMs(policy, effort.spent);
  draft.put({ ...failed, effort: { ...failed.effort, retryAt } });
}

/** The name of the error of an attempt that did not answer in time. */
const timedOut = 'timeout';

/** The time for all attempts together is over; one that runs is cut. */
export const cutShort = (draft: Draft, visit: Visit): void => exhausted(draft, hush(draft, visit), timedOut);

/** It is not tried again: somebody catches it, or it did not matter, or it is an incident. */
function exhausted(draft: Draft, visit: Visit, error: string): void {
  const { catch: catches = [], optional = false } = bodyOf(draft.plan, visit);
  const caught = catches.find(({ errors }) => errors.includes(error) || errors.includes('*'));
  if (caught !== undefined) {
    const noted = caught.as === undefined ? null : changed(draft.plan, draft.state.context, { [caught.as]: error }, false);
    if (noted?.ok === true) {
      draft.set({ context: noted.context });
      draft.isChanged = true;
    }
    return complete(draft, visit, { state: 'failed', cause: 'action', reason: error, to: caught.to });
  }
  if (optional) return complete(draft, visit, { state: 'failed', cause: 'action', reason: error });
  const attempts = visit.effort?.begun ?? 0;
  park(draft, visit, error === timedOut ? 'action_timeout' : 'action_failed', { error, attempts });
}

/** A result nobody waits for any more is kept, and changes nothing. */
export function noteLate(
  draft: Draft,
  said: ({ readonly kind: 'done' } & ReportFields['done']) | ({ readonly kind: 'failed' } & ReportFields['failed']),
): void {
  const { effect, kind } = said;
  const late = {
    effect,
    at: draft.at,
    kind,
    ...(said.kind === 'failed' ? { error: said.error } : { output: said.output }),
  };
  const visit = draft.state.visits.find(({ effort }) => effort?.dropped.includes(effect) === true);
  if (visit?.effort !== undefined && visit.effort !== null) {
    const dropped = visit.effort.dropped.filter((one) => one !== effect);
    const noted = draft.put({ ...visit, late, effort: { ...visit.effort, dropped } });
    draft.recordOf(noted, 'journey.step.late_result', { effect, result: kind });
    return;
  }
  for (const [step, { dropped, last }] of Object.entries(draft.state.past)) {
    if (last === null || !dropped.includes(effect)) continue;
    const noted = { ...last, lateResult: late };
    draft.remember(step, { last: noted, dropped: dropped.filter((one) => one !== effect) });
    draft.show(noted);
    draft.recordOf(last, 'journey.step.late_result', { effect, result: kind });
    return;
  }
}
