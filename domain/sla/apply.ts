/** What each fact does to the clocks. Source: sla.md, section 2 and R7–R25. */
import type { Priority, TicketStatus } from '../ticket/status.js';
import { second } from '../time.js';
import type { Instant } from '../time.js';
import { deadline, remainingS, wholeSecond } from './clock.js';
import type { Clock } from './clock.js';
import type { SlaFact } from './facts.js';
import { isAfterBreach, ladderOf, rungAfterMs } from './ladder.js';
import { rungsOf } from './ledger.js';
import { clockKinds, cycleKinds, replyKinds } from './policy.js';
import type { ClockKind, Rung, SlaPlan } from './policy.js';
import type { ClockStart, Posting } from './posting.js';
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
      return closed(posting, fact);
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

function opened(posting: Posting, { at, toldAt, receivedAt, by, status: first, priority: level }: FactOf<'opened'>): void {
  const originAt = Math.min(receivedAt, at);
  const customerAt = by === 'customer' ? originAt : null;
  posting.ledger = { ...posting.ledger, status: first, priority: level, cycleAt: originAt, customerAt, unansweredAt: customerAt };
  for (const kind of cycleKinds) start(posting, kind, { originAt, at, toldAt, cause: 'created' });
  startReplies(posting, { at, toldAt });
}

function customerMessage(posting: Posting, { at, toldAt, receivedAt }: FactOf<'customer_message'>): void {
  const { customerAt, unansweredAt } = posting.ledger;
  const originAt = Math.min(receivedAt, at);
  posting.ledger = { ...posting.ledger, customerAt: customerAt ?? originAt, unansweredAt: unansweredAt ?? originAt };
  startReplies(posting, { at, toldAt });
}

/** What the customer waits for. A ticket the desk opened has its first answer due from the customer's first message on (R8). */
function startReplies(posting: Posting, { at, toldAt }: Pick<ClockStart, 'at' | 'toldAt'>): void {
  const { unansweredAt, counts } = posting.ledger;
  if (unansweredAt === null) return;
  const options = { originAt: unansweredAt, at, toldAt, cause: 'customer_message' };
  if (awaitsFirst(posting) && counts.first_response === undefined) start(posting, 'first_response', options);
  if (awaitsNext(posting) && posting.open(['next_response']).length === 0) start(posting, 'next_response', options);
}

/** Nothing the customer wrote was answered yet. */
const awaitsFirst = ({ ledger: { customerAt, unansweredAt } }: Posting): boolean => unansweredAt !== null && unansweredAt === customerAt;

/** The oldest unanswered message has one clock; before the first answer only where the policy says so (R9). */
function awaitsNext(posting: Posting): boolean {
  const { plan, unansweredAt, deskAt, counts } = posting.ledger;
  if (unansweredAt === null) return false;
  if (plan?.counts.firstInNext === true || budgetOf(posting, 'first_response') === undefined) return true;
  return posting.open(['first_response']).length === 0 && (deskAt !== null || counts.first_response !== undefined);
}

function deskMessage(posting: Posting, { at, toldAt, receivedAt, by, resolves }: FactOf<'desk_message'>): void {
  const { plan } = posting.ledger;
  if (by !== 'agent' && (plan === null || !plan.counts[by])) return;
  const sentAt = Math.min(receivedAt, at);
  for (const clock of posting.open(replyKinds)) posting.fulfil(clock, at, sentAt);
  posting.ledger = { ...posting.ledger, unansweredAt: null, deskAt: sentAt };
  if (!resolves) start(posting, 'periodic_update', { originAt: sentAt, at, toldAt, cause: 'desk_message' });
}

function status(posting: Posting, { at, toldAt, to }: FactOf<'status'>): void {
  const from = posting.ledger.status;
  posting.ledger = { ...posting.ledger, status: to };
  if (to === 'resolved') return resolved(posting, at);
  if (from === 'resolved') {
    posting.ledger = { ...posting.ledger, cycleAt: at };
    reopened(posting, { at, toldAt });
    return startReplies(posting, { at, toldAt });
  }
  posting.applyCauses(at);
}

function resolved(posting: Posting, at: Instant): void {
  for (const clock of posting.open(cycleKinds)) posting.fulfil(clock, at, at);
  for (const clock of posting.open(replyKinds)) posting.cancel(clock, 'solved', at);
  posting.ledger = { ...posting.ledger, unansweredAt: null };
}

/** Source: sla.md, R24. */
function reopened(posting: Posting, { at, toldAt }: Pick<ClockStart, 'at' | 'toldAt'>): void {
  const { plan } = posting.ledger;
  for (const kind of cycleKinds) {
    const last = posting.last(kind);
    if (plan?.reopen === 'restart') start(posting, kind, { originAt: at, at, toldAt, cause: 'reopen' });
    else if (plan !== null && plan.reopen !== 'frozen' && last?.phase === 'fulfilled') resume(posting, last, { at, plan });
  }
}

/** The same instance goes on, under what the policy says by now; the time it was resolved counts only where the policy says so. */
function resume(posting: Posting, clock: Clock, { at, plan }: { at: Instant; plan: SlaPlan }): void {
  const budgetS = budgetOf(posting, clock.kind);
  if (budgetS === undefined) return;
  const causes = posting.causesOf(clock.kind, plan);
  const runs = plan.reopen === 'count_closed_time' || causes.length === 0;
  // Running since it was resolved: a deadline in between is found with its true instant; after that it may pause.
  const settled = plan.reopen === 'count_closed_time' ? clock : { ...posting.settled(clock, at), causes };
  const next = posting.put({
    ...settled,
    set: plan.set,
    policy: plan.policy,
    calendar: plan.calendar,
    phase: runs ? 'running' : 'paused',
    fulfilledAt: null,
    learned: { at, cause: 'reopen' },
  });
  const data = { cause: 'reopen', consumedS: next.consumedS, remainingS: remainingS(next, next.consumedS), dueAt: next.dueAt };
  posting.record('sla.resumed', next, data, at);
  if (clock.set !== plan.set || clock.policy !== plan.policy) retarget(posting, next, { budgetS, at, reason: 'policy' });
}

function closed(posting: Posting, { at, reason }: FactOf<'closed'>): void {
  for (const clock of posting.open()) posting.cancel(clock, reason, at);
  posting.ledger = { ...posting.ledger, status: 'closed', unansweredAt: null };
}

function priority(posting: Posting, { at, to, retarget: moves }: FactOf<'priority'>): void {
  const { rematchOn, plan, priority: from } = posting.ledger;
  posting.ledger = { ...posting.ledger, priority: to };
  if (plan === null) return;
  // Where another policy may match, its plan brings the new budgets.
  if (moves && !rematchOn.includes('priority')) realign(posting, { at, reason: 'priority' });
  leaveBehind(posting, { rungs: plan.rungs, priority: from }, at);
}

/** Brings clocks in line with the present plan and priority: budgets swapped, kinds gone cancelled, kinds new started (R18, R21). */
function realign(posting: Posting, { at, reason }: { at: Instant; reason: string }): void {
  realignOpen(posting, { at, reason });
  for (const kind of clockKinds) {
    const since = posting.open([kind]).length === 0 ? awaitedSince(posting, kind) : null;
    if (since !== null) comeBack(posting, kind, { since, at });
  }
}

/** Budgets and cancellations only. */
function realignOpen(posting: Posting, { at, reason }: { at: Instant; reason: string }): void {
  for (const clock of posting.open()) {
    const budgetS = budgetOf(posting, clock.kind);
    if (budgetS === undefined) posting.cancel(clock, 'not_in_policy', at);
    else retarget(posting, clock, { budgetS, at, reason });
  }
}

/** When that began which a clock of this kind, of which none is open, would wait for the end of; null: there is nothing to wait for. */
function awaitedSince(posting: Posting, kind: ClockKind): Instant | null {
  const { deskAt, cycleAt, unansweredAt } = posting.ledger;
  switch (kind) {
    case 'first_response':
      return awaitsFirst(posting) ? unansweredAt : null;
    case 'next_response':
      return awaitsNext(posting) ? unansweredAt : null;
    case 'periodic_update':
      // It stops at resolve, and reopening alone starts none.
      return deskAt !== null && deskAt >= cycleAt ? deskAt : null;
    case 'requester_wait':
    case 'agent_work':
    case 'resolution': {
      const last = posting.last(kind);
      return last === undefined || wasDropped(last) ? cycleAt : null;
    }
  }
}

/** Ended by a change of policy, not by what it waited for. */
const wasDropped = ({ reason }: Clock): boolean => reason === 'no_policy' || reason === 'not_in_policy';

/** Counts on where the policy dropped it, if it still waits for the same; else it begins now (R21). */
function comeBack(posting: Posting, kind: ClockKind, { since, at }: { since: Instant; at: Instant }): void {
  const last = posting.last(kind);
  const consumedS = last !== undefined && wasDropped(last) && last.since >= since ? last.consumedS : 0;
  const clock = start(posting, kind, { originAt: at, at, toldAt: at, cause: 'policy', consumedS });
  if (clock !== null && clock.consumedS >= clock.budgetS) posting.breach(clock, clock.originAt, 'retarget');
}

/** Source: sla.md, R6, R18, R19, R27. */
function retarget(posting: Posting, clock: Clock, { budgetS, at, reason }: { budgetS: number; at: Instant; reason: string }): void {
  if (budgetS === clock.budgetS) return;
  const from = clock.budgetS;
  const settled = { ...posting.settled(clock, at), budgetS };
  const behind = settled.breach === null ? rungsBehind(posting, settled, at) : settled.behind;
  const next = posting.put({ ...settled, behind });
  posting.record('sla.retargeted', next, { from, to: budgetS, reason, dueAt: next.dueAt }, at);
  if (next.breach === null && next.consumedS >= budgetS) posting.breach(next, wholeSecond(at), 'retarget');
}

/** Rungs a clock has passed without their having fired; what comes after a breach is passed only where there was one. */
function rungsBehind(posting: Posting, clock: Clock, at: Instant, known: readonly string[] = []): Clock['behind'] {
  const usedMs = posting.consumedBy(clock, wholeSecond(at)) * second;
  const rungs = ladderOf(rungsOf(posting.ledger), clock, posting.ledger.priority)
    .filter((rung) => !clock.fired.includes(rung.id) && (clock.breach !== null || !isAfterBreach(rung)))
    .filter((rung) => rungAfterMs(rung, clock) <= usedMs && !known.includes(rung.id));
  return rungs.length === 0 ? null : { at: wholeSecond(at), rungs: rungs.map(({ id }) => id) };
}

/** Rungs that another ladder or priority brings are due now where they would have been due earlier. */
function leaveBehind(posting: Posting, before: { readonly rungs: readonly Rung[]; readonly priority: Priority }, at: Instant): void {
  for (const clock of posting.open()) {
    const known = ladderOf(before.rungs, clock, before.priority).map(({ id }) => id);
    const already = clock.behind?.rungs ?? [];
    const behind = rungsBehind(posting, clock, at, [...known, ...already]);
    if (behind !== null) posting.put({ ...clock, behind: { ...behind, rungs: [...already, ...behind.rungs] } });
  }
}

function cause(posting: Posting, { at, cause: key, on }: FactOf<'cause'>): void {
  const { causes } = posting.ledger;
  if (causes.includes(key) === on) return;
  posting.ledger = { ...posting.ledger, causes: on ? [...causes, key] : causes.filter((one) => one !== key) };
  posting.applyCauses(at);
}

function override(posting: Posting, { at, clock, budgetS }: FactOf<'override'>): void {
  for (const found of posting.open().filter((one) => one.clock === clock)) retarget(posting, found, { budgetS, at, reason: 'override' });
}

function waive(posting: Posting, { at, clock }: FactOf<'waive'>): void {
  const found = posting.named(clock);
  if (found !== null) posting.record('sla.waived', posting.put({ ...found, waived: true }), {}, at);
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
  if (before !== null) leaveBehind(posting, { rungs: before.rungs, priority: posting.ledger.priority }, at);
  realign(posting, { at, reason });
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

function start(posting: Posting, kind: ClockKind, options: Omit<ClockStart, 'budgetS'>): Clock | null {
  const { plan, status: now } = posting.ledger;
  const budgetS = budgetOf(posting, kind);
  return plan === null || budgetS === undefined || isOver(now) ? null : posting.start(kind, plan, { ...options, budgetS });
}

/** Created resolved or closed: a policy is recorded, nothing is ever armed (R12). */
const isOver = (now: TicketStatus): boolean => now === 'resolved' || now === 'closed';
