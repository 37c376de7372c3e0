/** The offer to the receiving package, and its acceptance: by its activity or by one of its people. Source: journeys.md, sections 8 and 10; scripts.md, section 3. */
import { retryDelayMs, retryPolicy } from '../journey/attempts.js';
import type { JsonObject } from '../journey/json.js';
import type { ReportFields } from '../journey/run/effect.js';
import { minute, second } from '../time.js';
import type { Instant } from '../time.js';
import type { Draft } from './draft.js';
import { park, reject } from './ends.js';
import { isAutomatic } from './ledger.js';
import type { HandoffLedger } from './ledger.js';

type Rules = HandoffLedger['start']['rules'];

/** In all, unless the step says otherwise. */
const acceptanceMs = 5 * minute;
/** An attempt never takes longer. */
const longestAttemptMs = 25 * second;
/** The receiver's word for no. */
const refusal = 'handoff_refused';

const policyOf = ({ retry }: Rules): ReturnType<typeof retryPolicy> => retryPolicy(retry, { initial: 30 * second });
const totalOf = ({ timeouts }: Rules): number => timeouts?.total ?? acceptanceMs;
const attemptOf = ({ timeouts }: Rules): number => Math.min(timeouts?.attempt ?? longestAttemptMs, longestAttemptMs);

/** Offers it to the receiver; until it is accepted the sender owns it. */
export function offer(draft: Draft): void {
  const { rules, now: at } = draft;
  const automatic = isAutomatic(rules);
  const timers = automatic
    ? { totalAt: at + totalOf(rules), retryAt: at }
    : rules.acceptWithin === undefined
      ? {}
      : { acceptAt: at + rules.acceptWithin };
  draft.change({ owner: rules.from, assignee: null, candidates: null, timers, spent: 0 });
  draft.move('offered', 'handoff.offered', { automatic, dueAt: timers.totalAt ?? timers.acceptAt ?? null });
  // Nothing new begins in a pause: the first attempt is due when it is over.
  if (automatic && draft.ledger.paused === null) attempt(draft);
  if (!automatic && rules.assign?.expr !== undefined) draft.ask({ to: 'assignees' });
}

/** Begins the next attempt at an automatic acceptance. */
export function attempt(draft: Draft): void {
  const { timers, attempts, spent } = draft.ledger;
  const { retryAt: _begun, ...rest } = timers;
  // Besides the retry only the end of all attempts is awaited.
  const left = Object.values(rest).map((until: Instant) => until - draft.now);
  draft.change({ timers: rest, attempts: attempts + 1, spent: spent + 1 });
  draft.ask({ to: 'acceptance', attempt: attempts + 1, timeoutMs: Math.min(attemptOf(draft.rules), ...left) });
}

/** Takes the answer of an attempt that did not succeed: another one, or none. */
export function attemptFailed(draft: Draft, { error, retryable, unknown }: ReportFields['failed']): void {
  const { rules, ledger, now } = draft;
  const policy = policyOf(rules);
  if (error === refusal) reject(draft, refusal);
  else if (unknown === true) park(draft, 'failed', 'action_unknown', now, { error });
  else if (!retryable || policy.nonRetryable.includes(error)) park(draft, 'failed', 'action_failed', now, { error });
  else if (policy.maxAttempts !== null && ledger.spent >= policy.maxAttempts) park(draft, 'failed', 'handoff_timeout', now, { error });
  else {
    draft.change({ timers: { ...ledger.timers, retryAt: now + retryDelayMs(policy, ledger.spent) } });
    draft.tell();
  }
}

/** Accepted: ownership moves to the receiver, and its leg begins. */
export function accept(draft: Draft, output: JsonObject | null): void {
  const { rules, now } = draft;
  draft.forget(() => true);
  const timers = rules.completeWithin === undefined ? {} : { completeAt: now + rules.completeWithin };
  draft.change({ owner: rules.to, timers });
  const told = { ...(rules.waitFor === 'accept' ? { outcome: 'accepted' } : {}), ...(output === null ? {} : { output }) };
  draft.move('accepted', 'handoff.accepted', { owner: rules.to, dueAt: timers.completeAt ?? null }, told);
}
