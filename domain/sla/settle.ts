/** Does what is due: breaches, rungs with their actions, acknowledgement windows that end. Source: sla.md, sections 1 and 6, R26–R30. */
import { decide } from '../ticket/decide.js';
import { levelOf, opened, withEscalation } from '../ticket/escalation.js';
import type { Escalation, EscalationTarget } from '../ticket/escalation.js';
import type { Ticket } from '../ticket/ticket.js';
import { second } from '../time.js';
import type { Instant } from '../time.js';
import { applyFact } from './apply.js';
import { isOpenClock, remainingS, wholeSecond } from './clock.js';
import type { Clock } from './clock.js';
import { factsOf } from './facts.js';
import { ladderOf, nearestDue } from './ladder.js';
import type { SlaDue } from './ladder.js';
import { rungsOf } from './ledger.js';
import type { Ledger } from './ledger.js';
import type { NoticeGroup } from './notice.js';
import type { Addressee, Rung } from './policy.js';
import type { FiredRung, Posting } from './posting.js';
import { walk } from './windows.js';

/** What is due next on the posting's ticket. */
export function nextDue({ ledger, change }: { ledger: Ledger; change: { ticket: Ticket } }): SlaDue | null {
  const { clocks, priority, windows } = ledger;
  return nearestDue(clocks, rungsOf(ledger), { priority, escalations: change.ticket.escalations, windows });
}

/** Does everything due before an instant, in order; it is told as late by how much later than due it is posted. */
export function settle(posting: Posting, until: Instant): void {
  for (let due = nextDue(posting); due !== null && due.at < until; due = nextDue(posting)) {
    perform(posting, due);
    posting.ledger = { ...posting.ledger, lastAt: Math.max(posting.ledger.lastAt, due.at) };
  }
}

function perform(posting: Posting, due: SlaDue): void {
  switch (due.kind) {
    case 'breach': {
      const { clock, at } = due;
      const cause = at < clock.learned.at ? clock.learned.cause : 'deadline';
      return posting.breach(clock, at, cause);
    }
    case 'rung':
      fire(posting, due, 'rung');
      return;
    case 'unacknowledged':
      return unacknowledged(posting, due.escalation, due.at);
  }
}

/** Claims a rung and carries out what it says; a rung at or below the ticket's level only notes that. */
function fire(
  posting: Posting,
  { clock: found, rung, at }: { clock: Clock; rung: Rung; at: Instant },
  cause: 'rung' | 'unacknowledged',
): FiredRung['outcome'] {
  const { now } = posting;
  const clock = posting.put({ ...found, fired: [...found.fired, rung.id] });
  const lateMs = Math.max(0, now - at);
  const record = (outcome: FiredRung['outcome']): FiredRung => {
    const fired = { clock: clock.clock, rung: rung.id, dueAt: at, firedAt: now, lateMs, outcome };
    posting.rungs.push(fired);
    return fired;
  };
  const level = rung.level ?? 1;
  const escalated = { rung: rung.id, level, rungDueAt: at, lateMs, cause };
  if (rung.level !== undefined && rung.level <= levelOf(posting.change.ticket.escalations)) {
    posting.record('sla.escalated', clock, { ...escalated, escalation: null, to: null, outcome: 'already_at_level' }, now);
    return record('already_at_level').outcome;
  }
  if (clock.breach === null) {
    const left = remainingS(clock, posting.consumedBy(clock, wholeSecond(at)));
    posting.record('sla.warned', clock, { rung: rung.id, rungDueAt: at, lateMs, remainingS: left }, now);
  }
  const escalation = openEscalation(posting, { rung, clock, level });
  if (escalation !== null) {
    posting.record('sla.escalated', clock, { ...escalated, escalation: escalation.n, to: escalation.to.kind, outcome: 'opened' }, now);
  } else if (clock.breach !== null) {
    posting.record('sla.escalated', clock, { ...escalated, escalation: null, to: null, outcome: 'notified' }, now);
  }
  const fired = record(escalation !== null ? 'opened' : clock.breach === null ? 'warned' : 'notified');
  const to = [...noticesOf(rung), ...(escalation === null ? [] : [addressed(escalation)])];
  const reason = escalation !== null ? 'escalation' : clock.breach === null ? 'warning' : 'breach';
  if (to.length > 0) posting.tellings.push({ reason, rung: fired, escalation: escalation?.n ?? null, to });
  actOn(posting, { rung, clock, at });
  return fired.outcome;
}

const noticesOf = ({ actions }: Rung): NoticeGroup[] => actions.flatMap((action) => ('notify' in action ? [action.notify] : []));

/** Whoever an escalation asks is told of it, by mail; where it names nobody, the lead knows whom to send. */
export const addressed = ({ to }: Pick<Escalation, 'to'>): NoticeGroup => ({ channel: 'email', to: [addresseeOf(to)] });

function addresseeOf({ kind, id }: EscalationTarget): Addressee {
  if (kind === 'admin') return 'role:admin';
  if (kind === 'lead' || id === undefined) return 'lead';
  return kind === 'team' ? `team:${id}` : `user:${id}`;
}

function openEscalation(posting: Posting, { rung, clock, level }: { rung: Rung; clock: Clock; level: number }): Escalation | null {
  const action = rung.actions.find((one) => 'open_escalation' in one);
  if (action === undefined || !('open_escalation' in action)) return null;
  const { to, ackWithin } = action.open_escalation;
  const before = posting.change.ticket.escalations;
  const from = { clock: clock.clock, rung: rung.id };
  const opening = { level, to, raisedBy: 'system/sla', reason: null, from, ackWithinS: ackWithin, takeOver: false };
  const escalation = armed(posting, opened(opening, before, posting.now));
  posting.change.ticket = { ...posting.change.ticket, escalations: withEscalation(before, escalation) };
  return escalation;
}

/** Lets the window for the acknowledgement begin, in open time where the ticket has open hours. */
export function armed({ ledger: { windows }, now }: Pick<Posting, 'ledger' | 'now'>, escalation: Escalation): Escalation {
  const { ackWithinS } = escalation;
  if (ackWithinS === null) return escalation;
  const from = wholeSecond(now);
  const end = windows === null ? null : walk(windows, from, ackWithinS * second);
  return { ...escalation, ackDueAt: end ?? from + ackWithinS * second };
}

function actOn(posting: Posting, { rung, clock, at }: { rung: Rung; clock: Clock; at: Instant }): void {
  for (const action of rung.actions) {
    if ('raise_priority' in action) raisePriority(posting, { ...action.raise_priority, rung, clock, at });
    if ('reassign' in action) {
      posting.reassignments.push({ clock: clock.clock, rung: rung.id, team: action.reassign.team ?? null });
    }
  }
}

const ranks = { low: 1, medium: 2, high: 3, urgent: 4 } as const;

/**
 * Up only; targets stay unless the rung says otherwise, so that an escalation does not breach its own clock. The clocks count it from when
 * the rung was due, so that what falls due after that comes out alike however late it is.
 */
function raisePriority(
  posting: Posting,
  { to, retarget = false, rung, clock, at }: { to: keyof typeof ranks; retarget?: boolean; rung: Rung; clock: Clock; at: Instant },
): void {
  const { now } = posting;
  const { ticket } = posting.change;
  if (ranks[ticket.priority] >= ranks[to]) return;
  const command = {
    kind: 'priority',
    priority: to,
    keepTargets: !retarget,
    commandId: `sla/${clock.clock}/${rung.id}`,
    actor: 'system/sla',
    role: 'system',
    source: 'system',
  } as const;
  const decision = decide(ticket, command, now);
  if (!decision.ok) return;
  posting.change.append(decision);
  for (const fact of factsOf(decision.events, command, { at, toldAt: at })) applyFact(posting, fact);
}

/** Nobody acknowledged in time: the ladder's next rung runs now; after the last, the fallback recipient is told, once. */
function unacknowledged(posting: Posting, escalation: Escalation, at: Instant): void {
  const { ticket } = posting.change;
  posting.change.ticket = { ...ticket, escalations: withEscalation(ticket.escalations, { ...escalation, ackDueAt: null }) };
  const { from } = escalation;
  const clock = from === null ? null : posting.named(from.clock);
  if (from === null || clock === null) return exhausted(posting, escalation, null);
  if (!isOpenClock(clock)) return; // needed by nobody any more
  let { fired } = clock;
  for (const rung of rungsAfter(posting, clock, from.rung)) {
    const outcome = fire(posting, { clock: { ...clock, fired }, rung, at }, 'unacknowledged');
    if (outcome !== 'already_at_level') return;
    fired = [...fired, rung.id];
  }
  exhausted(posting, escalation, clock);
}

/** By its place among all rungs: the one before may have raised the priority, and be no rung of the present one. */
function rungsAfter({ ledger }: Posting, clock: Clock, rung: string): Rung[] {
  const rungs = rungsOf(ledger);
  const place = rungs.findIndex(({ id }) => id === rung);
  return ladderOf(rungs.slice(place + 1), clock, ledger.priority).filter(({ id }) => !clock.fired.includes(id));
}

function exhausted(posting: Posting, { n, level, to, from }: Escalation, clock: Clock | null): void {
  const data = { rung: from?.rung ?? null, level, escalation: n, to: to.kind, cause: 'unacknowledged', outcome: 'exhausted' };
  posting.record('sla.escalated', clock, data, posting.now);
  posting.tellings.push({ reason: 'exhausted', rung: null, escalation: n, to: [] });
}
