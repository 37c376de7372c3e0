/** What each fact does to the clocks. Source: sla.md, section 2 and R7–R25. */
import type { TicketStatus } from '../ticket/status.js';
import type { Instant } from '../time.js';
import { deadline, isOpenClock, outcomeOf, wholeSecond } from './clock.js';
import type { CancelReason, Clock } from './clock.js';
import type { SlaFact } from './facts.js';
import { ladderOf, rungAfterMs } from './ladder.js';
import { clockKinds, cycleKinds, replyKinds } from './policy.js';
import type { ClockKind, SlaPlan } from './policy.js';
import type { Posting } from './posting.js';
import { sameBetween } from './windows.js';

type FactOf<Kind extends SlaFact['kind']> = Extract<SlaFact, { kind: Kind }>;

/** Works one fact into the ledger; what was due before it has been settled. */
export function applyFact(posting: Posting, fact: SlaFact): void {
  switch (fact.kind) {
    case 'opened':
      return opened(posting, fact);
    case 'customer_message':
      return customerMessage(posting, fact);
    case 'desk_message':
      return deskMessage(posting, fact);
    case 'status':
      return status(posting, fact);
    case 'closed':
      return cancelOpen(posting, fact.reason, fact.at);
    case 'priority':
      return priority(posting, fact);
    case 'cause':
      return cause(posting, fact);
    case 'override':
      return override(posting, fact);
    case 'waive':
      return waive(posting, fact);
    case 'planned':
      return planned(posting, fact);
    case 'windows':
      return refreshed(posting, fact);
  }
}

function opened(posting: Posting, { at, receivedAt, by, status: first, priority: level }: FactOf<'opened'>): void {
  const originAt = Math.min(receivedAt, at);
  const customerAt = by === 'customer' ? originAt : null;
  posting.ledger = { ...posting.ledger, status: first, priority: level, originAt, customerAt, unansweredAt: customerAt };
  for (const kind of cycleKinds) start(posting, kind, { originAt, at, cause: 'created' });
  startReplies(posting, at);
}

function customerMessage(posting: Posting, { at, receivedAt }: FactOf<'customer_message'>): void {
  const { customerAt, unansweredAt } = posting.ledger;
  const originAt = Math.min(receivedAt, at);
  posting.ledger = { ...posting.ledger, customerAt: customerAt ?? originAt, unansweredAt: unansweredAt ?? originAt };
  startReplies(posting, at);
}

/** What the customer waits for. A ticket the desk opened has its first answer due from the customer's first message on (R8). */
function startReplies(posting: Posting, at: Instant): void {
  const { customerAt, unansweredAt, counts } = posting.ledger;
  if (unansweredAt !== null && unansweredAt === customerAt && (counts.first_response ?? 0) === 0) {
    start(posting, 'first_response', { originAt: unansweredAt, at, cause: 'customer_message' });
  }
  startNextResponse(posting, at);
}

/** The oldest unanswered message has one clock; before the first answer only where the policy says so (R9). */
function startNextResponse(posting: Posting, at: Instant): void {
  const { plan, unansweredAt } = posting.ledger;
  if (plan === null || unansweredAt === null || posting.open(['next_response']).length > 0) return;
  const first = posting.last('first_response');
  const firstIsOver = first !== undefined && !isOpenClock(first);
  if (!plan.counts.firstInNext && !firstIsOver && budgetOf(posting, 'first_response') !== undefined) return;
  start(posting, 'next_response', { originAt: unansweredAt, at, cause: 'customer_message' });
}

function deskMessage(posting: Posting, { at, receivedAt, by, resolves }: FactOf<'desk_message'>): void {
  const { plan } = posting.ledger;
  if (by !== 'agent' && (plan === null || !plan.counts[by])) return;
  const sentAt = Math.min(receivedAt, at);
  for (const clock of posting.open(replyKinds)) posting.fulfil(clock, at, sentAt);
  posting.ledger = { ...posting.ledger, unansweredAt: null, deskAt: sentAt };
  if (!resolves && posting.ledger.status !== 'resolved') start(posting, 'periodic_update', { originAt: sentAt, at, cause: 'desk_message' });
}

function status(posting: Posting, { at, to }: FactOf<'status'>): void {
  const from = posting.ledger.status;
  posting.ledger = { ...posting.ledger, status: to };
  if (to === 'resolved') return resolved(posting, at);
  if (from === 'resolved') {
    reopened(posting, at);
    return startReplies(posting, at);
  }
  posting.applyCauses(at);
}

function resolved(posting: Posting, at: Instant): void {
  for (const clock of posting.open(cycleKinds)) posting.fulfil(clock, at, at);
  for (const clock of posting.open(replyKinds)) posting.cancel(clock, 'solved', at);
  posting.ledger = { ...posting.ledger, unansweredAt: null };
}

/** Source: sla.md, R24. */
function reopened(posting: Posting, at: Instant): void {
  const mode = posting.ledger.plan?.reopen;
  if (mode === undefined || mode === 'frozen') return;
  for (const kind of cycleKinds) {
    const last = posting.last(kind);
    if (mode === 'restart') start(posting, kind, { originAt: at, at, cause: 'reopen' });
    else if (last?.phase === 'fulfilled') resume(posting, last, { at, countClosed: mode === 'count_closed_time' });
  }
}

/** The same instance goes on; the time it was resolved counts only where the policy says so. */
function resume(posting: Posting, clock: Clock, { at, countClosed }: { at: Instant; countClosed: boolean }): void {
  const causes = posting.causesOf(clock.kind);
  const again = { fulfilledAt: null, learned: { at, cause: 'reopen' } } as const;
  // Running again since it was resolved: a deadline in between is found with its true instant.
  const counted = countClosed ? { ...clock, ...again, phase: 'running' as const } : { ...posting.settled(clock, at), ...again };
  const settled = countClosed && causes.length > 0 ? posting.settled(counted, at) : counted;
  const next = posting.put({ ...settled, causes, phase: causes.length === 0 ? 'running' : 'paused' });
  const data = { cause: 'reopen', consumedS: next.consumedS, remainingS: next.budgetS - next.consumedS, dueAt: next.dueAt };
  posting.record('sla.resumed', next, data, at);
}

function cancelOpen(posting: Posting, reason: CancelReason, at: Instant): void {
  for (const clock of posting.open()) posting.cancel(clock, reason, at);
  posting.ledger = { ...posting.ledger, unansweredAt: null };
}

function priority(posting: Posting, { at, to, retarget: moves }: FactOf<'priority'>): void {
  const { rematchOn, plan } = posting.ledger;
  posting.ledger = { ...posting.ledger, priority: to };
  // Where another policy may match, its plan brings the new budgets.
  if (plan === null || !moves || rematchOn.includes('priority')) return;
  realign(posting, { at, reason: 'priority', gone: 'not_in_policy' });
}

/** Brings clocks in line with the present plan and priority: budgets swapped, kinds gone cancelled, kinds new started (R18, R21). */
function realign(posting: Posting, { at, reason, gone }: { at: Instant; reason: string; gone: CancelReason }): void {
  for (const clock of posting.open()) {
    const budgetS = budgetOf(posting, clock.kind);
    if (budgetS === undefined) posting.cancel(clock, gone, at);
    else retarget(posting, clock, { budgetS, at, reason });
  }
  for (const kind of clockKinds) {
    if (posting.open([kind]).length === 0 && isMissing(posting, kind)) comeBack(posting, kind, at);
  }
}

/** Whether a clock of this kind would run now, had the plan been this one from the start. */
function isMissing(posting: Posting, kind: ClockKind): boolean {
  const { status: now, customerAt, unansweredAt, deskAt, plan } = posting.ledger;
  if (budgetOf(posting, kind) === undefined || plan === null || now === 'resolved' || now === 'closed') return false;
  const last = posting.last(kind);
  switch (kind) {
    case 'first_response':
      return customerAt !== null && deskAt === null && (last === undefined || wasDropped(last));
    case 'next_response':
      return unansweredAt !== null && (plan.counts.firstInNext || deskAt !== null || budgetOf(posting, 'first_response') === undefined);
    case 'periodic_update':
      return deskAt !== null;
    case 'requester_wait':
    case 'agent_work':
    case 'resolution':
      return last === undefined || wasDropped(last);
  }
}

/** Ended by a change of policy, not by what it waited for. */
const wasDropped = ({ phase, reason }: Clock): boolean => phase === 'cancelled' && (reason === 'no_policy' || reason === 'not_in_policy');

/** Counts on where the policy dropped it; a kind never seen begins now (R21). */
function comeBack(posting: Posting, kind: ClockKind, at: Instant): void {
  const last = posting.last(kind);
  const consumedS = last !== undefined && wasDropped(last) ? last.consumedS : 0;
  start(posting, kind, { originAt: at, at, cause: 'policy', consumedS });
}

/** Source: sla.md, R6, R18, R19, R27. */
function retarget(posting: Posting, clock: Clock, { budgetS, at, reason }: { budgetS: number; at: Instant; reason: string }): void {
  if (budgetS === clock.budgetS) return;
  const from = clock.budgetS;
  const settled = { ...posting.settled(clock, at), budgetS };
  const behind = settled.breach === null ? rungsBehind(posting, settled) : [];
  const next = posting.put(behind.length === 0 ? settled : { ...settled, behind: { at: wholeSecond(at), rungs: behind } });
  posting.record('sla.retargeted', next, { from, to: budgetS, reason, dueAt: next.dueAt }, at);
  if (next.breach === null && next.consumedS >= budgetS) posting.breach(next, wholeSecond(at), 'retarget');
}

const rungsBehind = (posting: Posting, clock: Clock): string[] =>
  ladderOf(posting.ledger.plan?.rungs ?? [], clock, posting.ledger.priority)
    .filter((rung) => !clock.fired.includes(rung.id) && rungAfterMs(rung, clock) <= clock.consumedS * 1000)
    .map(({ id }) => id);

function cause(posting: Posting, { at, cause: key, on }: FactOf<'cause'>): void {
  const { causes } = posting.ledger;
  if (causes.includes(key) === on) return;
  posting.ledger = { ...posting.ledger, causes: on ? [...causes, key] : causes.filter((one) => one !== key) };
  posting.applyCauses(at);
}

function override(posting: Posting, { at, clock, budgetS }: FactOf<'override'>): void {
  const found = posting.open().find((one) => one.clock === clock);
  if (found !== undefined) retarget(posting, found, { budgetS, at, reason: 'override' });
}

function waive(posting: Posting, { at, clock }: FactOf<'waive'>): void {
  const found = posting.ledger.clocks.find((one) => one.clock === clock);
  if (found === undefined || found.waived || outcomeOf(found) !== 'breached') return;
  posting.record('sla.waived', posting.put({ ...found, waived: true }), {}, at);
}

/** Another plan, or none. What was measured stays measured (R20): the old calendar closes the stretch before the new one goes on. */
function planned(posting: Posting, { at, plan, windows, rematchOn, teamCalendar, reason }: FactOf<'planned'>): void {
  const before = posting.ledger.plan;
  if (!posting.ledger.planned) {
    // The first plan: what happened since the ticket opened waits in the backlog, and starts its clocks.
    posting.ledger = { ...posting.ledger, planned: true, plan, windows, rematchOn, teamCalendar };
    return;
  }
  if (plan === null) {
    for (const clock of posting.open()) posting.cancel(clock, 'no_policy', at);
    posting.ledger = { ...posting.ledger, planned: true, plan, windows, rematchOn, teamCalendar };
    return;
  }
  const moved = before !== null && !sameCalendar(before, plan);
  if (before !== null && posting.ledger.windows !== null) {
    // Budgets first, by the hours in force so far; then the hours.
    posting.ledger = { ...posting.ledger, plan: { ...plan, calendar: before.calendar } };
    realignOpen(posting, { at, reason });
  }
  const closing = moved ? posting.open().map((clock) => posting.settled(clock, at)) : posting.open();
  posting.ledger = { ...posting.ledger, planned: true, plan, windows, rematchOn, teamCalendar };
  for (const clock of closing) {
    if (!moved && clock.set === plan.set && clock.policy === plan.policy) continue;
    const next = posting.put({ ...clock, set: plan.set, policy: plan.policy, calendar: plan.calendar });
    if (moved) recalendared(posting, next, { from: before.calendar, reason, at });
  }
  realign(posting, { at, reason, gone: 'not_in_policy' });
  posting.applyCauses(at);
}

/** Budgets and cancellations only: what is new starts under the new calendar. */
function realignOpen(posting: Posting, { at, reason }: { at: Instant; reason: string }): void {
  for (const clock of posting.open()) {
    const budgetS = budgetOf(posting, clock.kind);
    if (budgetS === undefined) posting.cancel(clock, 'not_in_policy', at);
    else retarget(posting, clock, { budgetS, at, reason });
  }
}

/** More open hours of the same calendar; where they differ ahead, the zone's rules have changed. */
function refreshed(posting: Posting, { at, windows }: FactOf<'windows'>): void {
  const { windows: before, plan } = posting.ledger;
  if (plan === null) return;
  const differs = before !== null && at < before.until && !sameBetween(before, windows, at, Math.min(before.until, windows.until));
  const closing = differs ? posting.open().map((clock) => posting.settled(clock, at)) : posting.open();
  posting.ledger = { ...posting.ledger, windows };
  for (const clock of closing) {
    if (!differs && deadline(clock, windows) === clock.dueAt) continue;
    const next = posting.put(clock);
    if (differs) recalendared(posting, next, { from: plan.calendar, reason: 'zone_data', at });
  }
}

function recalendared(
  posting: Posting,
  clock: Clock,
  { from, reason, at }: { from: SlaPlan['calendar']; reason: string; at: Instant },
): void {
  const data = { from: `${from.id}.${from.revision}`, to: `${clock.calendar.id}.${clock.calendar.revision}`, reason, dueAt: clock.dueAt };
  posting.record('sla.recalendared', clock, data, at);
}

const sameCalendar = (one: SlaPlan, other: SlaPlan): boolean =>
  one.calendar.id === other.calendar.id && one.calendar.revision === other.calendar.revision;

const budgetOf = ({ ledger: { plan, priority: level } }: Posting, kind: ClockKind): number | undefined => plan?.targets[kind]?.[level];

function start(
  posting: Posting,
  kind: ClockKind,
  options: { readonly originAt: Instant; readonly at: Instant; readonly cause: string; readonly consumedS?: number },
): void {
  const budgetS = budgetOf(posting, kind);
  const { status: now } = posting.ledger;
  if (budgetS !== undefined && !isOver(now)) posting.start(kind, { ...options, budgetS });
}

/** Created resolved or closed: a policy is recorded, nothing is ever armed (R12). */
const isOver = (now: TicketStatus): boolean => now === 'resolved' || now === 'closed';
