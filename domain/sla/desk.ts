/**
 * A ticket together with its service levels: what a command, a plan or the passing of time does to both. The workflow, the simulator and the
 * tests call the same functions.
 */
import type { Refused, TicketCode } from '../decision.js';
import { Change } from '../ticket/change.js';
import type { TicketCommand } from '../ticket/command.js';
import { withEscalation } from '../ticket/escalation.js';
import type { Escalation } from '../ticket/escalation.js';
import type { TicketEvent } from '../ticket/event.js';
import type { Ticket } from '../ticket/ticket.js';
import type { Instant } from '../time.js';
import { applyFact } from './apply.js';
import { isOpenClock } from './clock.js';
import type { Clock, Segment } from './clock.js';
import { consider } from './commands.js';
import { factsOf } from './facts.js';
import type { SlaFact } from './facts.js';
import type { SlaDue } from './ladder.js';
import { suffices } from './ledger.js';
import type { Ledger } from './ledger.js';
import type { NoticeAbout, NoticeReason } from './notice.js';
import { nameOf, Posting } from './posting.js';
import type { FiredRung, Reassignment } from './posting.js';
import { addressed, armed, nextDue, settle } from './settle.js';
import { summaryOf } from './summary.js';

/** A notice to staff, as it is recorded before anybody is told. */
export interface PlannedNotice {
  /** Names it within the ticket. */
  readonly message: string;
  readonly about: NoticeAbout;
}

/** What of the service levels changed, as PostgreSQL is to see it. */
export interface SlaStep {
  readonly clocks: readonly Clock[];
  readonly segments: readonly Segment[];
  readonly rungs: readonly FiredRung[];
  readonly escalations: readonly Escalation[];
  readonly notices: readonly PlannedNotice[];
}

export interface Outcome {
  readonly ok: true;
  readonly ticket: Ticket;
  readonly ledger: Ledger;
  readonly events: readonly TicketEvent[];
  /** Null: nothing of them changed. */
  readonly sla: SlaStep | null;
  readonly reassignments: readonly Reassignment[];
}

/**
 * Decides one command and lets the clocks follow. Never throws.
 *
 * @param now the clocks count the command from the instant its channel received it, if that is earlier
 */
export function act(ticket: Ticket | null, ledger: Ledger, command: TicketCommand, now: Instant): Outcome | Refused<TicketCode> {
  const decision = consider(ticket, ledger, command, now);
  if (!decision.ok) return decision;
  const change = new Change(decision.state, now);
  change.events.push(...decision.events.map((event) => inFull(event, ledger)));
  const posting = new Posting(change, ledger, now);
  const before = ticket?.escalations ?? [];
  raised(posting, before);
  for (const fact of factsOf(decision.events, command, { at: happenedAt(command, ledger, now), toldAt: now })) take(posting, fact);
  settleUpTo(posting, now);
  return outcome(posting, before);
}

/** When the clocks count a command: as its channel received it, but not before what they know already. */
export const happenedAt = ({ receivedAt }: TicketCommand, ledger: Ledger, now: Instant): Instant =>
  Math.min(now, Math.max(receivedAt ?? now, latestOf(ledger)));

/** The latest instant the clocks know of, worked in or waiting. */
const latestOf = ({ lastAt, backlog }: Ledger): Instant => Math.max(lastAt, ...backlog.map(({ at }) => at));

/** A command knows the clock it is about by its name only; events name it in full. */
function inFull(event: TicketEvent, { clocks }: Ledger): TicketEvent {
  const clock = clocks.find((one) => one.clock === event.data['clock']);
  return clock === undefined ? event : { ...event, data: { ...nameOf(clock), ...event.data } };
}

/** Works facts in that no command brings: a plan, open hours, a pause. */
export function follow(ticket: Ticket, ledger: Ledger, facts: readonly SlaFact[], now: Instant): Outcome {
  const posting = new Posting(new Change(ticket, now), ledger, now);
  for (const fact of facts) take(posting, fact);
  settleUpTo(posting, now);
  return outcome(posting, ticket.escalations);
}

/** What is due next; null while what happened waits for plan or open hours. */
export const nearestOf = (ticket: Ticket, ledger: Ledger): SlaDue | null =>
  ledger.backlog.length > 0 ? null : nextDue({ ledger, change: { ticket } });

/**
 * Does what was due.
 *
 * @param until exclusive: what is due at an instant comes after what happens at it
 */
export function catchUp(ticket: Ticket, ledger: Ledger, now: Instant, until: Instant = now): Outcome {
  const posting = new Posting(new Change(ticket, now), ledger, now);
  settleUpTo(posting, until);
  return outcome(posting, ticket.escalations);
}

/** In order, each after what was due before it; what cannot be counted yet waits. */
function take(posting: Posting, fact: SlaFact): void {
  const { ledger } = posting;
  if (fact.kind === 'windows' || (fact.kind === 'planned' && !ledger.planned)) {
    supply(posting, fact);
  } else {
    posting.ledger = { ...ledger, backlog: [...ledger.backlog, { ...fact, at: Math.max(fact.at, latestOf(ledger)) }] };
  }
  drain(posting);
}

function drain(posting: Posting): void {
  for (;;) {
    const [fact, ...backlog] = posting.ledger.backlog;
    if (fact === undefined || !suffices({ ...posting.ledger, backlog: [] }, fact)) return;
    settle(posting, fact.at);
    posting.ledger = { ...posting.ledger, backlog };
    applyFact(posting, fact);
    workedIn(posting, fact.at);
    // What it brought to light may have been due before it.
    settle(posting, fact.at);
    posting.applyCauses(fact.at);
  }
}

/** What others wait for. That it came is nothing that happened to the ticket, unless open hours differ. */
function supply(posting: Posting, fact: SlaFact): void {
  settleUpTo(posting, fact.at);
  const told = posting.change.events.length;
  applyFact(posting, fact);
  if (posting.change.events.length > told) workedIn(posting, fact.at);
}

const workedIn = (posting: Posting, at: Instant): void => {
  posting.ledger = { ...posting.ledger, lastAt: Math.max(posting.ledger.lastAt, at) };
};

/** What happened comes first: while some of it waits, nothing that follows may be done. */
function settleUpTo(posting: Posting, until: Instant): void {
  if (posting.ledger.backlog.length === 0) settle(posting, until);
}

/** Escalations that people raise: their window begins, and whoever is asked is told. */
function raised(posting: Posting, before: readonly Escalation[]): void {
  for (const escalation of posting.change.ticket.escalations) {
    if (escalation.status !== 'pending' || before.some(({ n }) => n === escalation.n)) continue;
    const { ticket } = posting.change;
    posting.change.ticket = { ...ticket, escalations: withEscalation(ticket.escalations, armed(posting, escalation)) };
    posting.tellings.push({ reason: 'escalation', rung: null, escalation: escalation.n, to: [addressed(escalation)] });
  }
}

function outcome(posting: Posting, before: readonly Escalation[]): Outcome {
  closeObsolete(posting);
  const notices = combined(posting);
  const clocks = posting.ledger.clocks.filter(({ clock }) => posting.touched.has(clock));
  const { change, segments, rungs, reassignments } = posting;
  const sla = summaryOf(posting.ledger.clocks, change.ticket.sla);
  posting.forget();
  const { ledger } = posting;
  const ticket = { ...change.ticket, sla };
  const escalations = ticket.escalations.filter((escalation) => !before.includes(escalation));
  const changed = clocks.length + segments.length + rungs.length + escalations.length + notices.length > 0;
  const step = changed ? { clocks, segments, rungs, escalations, notices } : null;
  return { ok: true, ticket, ledger, events: change.events, sla: step, reassignments };
}

/** An escalation of a clock that is over needs nobody any more, unless somebody is at it. */
function closeObsolete(posting: Posting): void {
  for (const escalation of posting.change.ticket.escalations) {
    if (escalation.status !== 'pending' || escalation.from === null) continue;
    const clock = posting.named(escalation.from.clock);
    if (clock !== null && isOpenClock(clock)) continue;
    const closed = { ...escalation, status: 'closed', outcome: 'no_longer_needed', ackDueAt: null, closedAt: posting.now } as const;
    const escalations = withEscalation(posting.change.ticket.escalations, closed);
    posting.change.record('escalation.closed', { escalation: closed.n, outcome: closed.outcome }, { escalations });
  }
}

/** The gravest last. */
const severity: readonly NoticeReason[] = ['warning', 'breach', 'escalation', 'exhausted'];

/** One notice for what fell due of one clock at one wake, under the highest rung's key (R28); one for each escalation that is told of by itself. */
function combined(posting: Posting): PlannedNotice[] {
  const ofClocks = new Map<string, Group>();
  const alone: PlannedNotice[] = [];
  for (const { reason, rung, escalation, to } of posting.tellings) {
    if (rung === null) {
      const message = `notice/e${escalation}/${reason === 'exhausted' ? 'exhausted' : 'raised'}`;
      alone.push({ message, about: { clock: null, reason, escalation, rungs: [], to } });
    } else {
      ofClocks.set(rung.clock, joined(ofClocks.get(rung.clock), { reason, highest: rung, rungs: [rung], escalation, to }));
    }
  }
  return [...[...ofClocks.values()].map((group) => noticeOf(posting, group)), ...alone];
}

/** What one notice tells of a clock. */
interface Group extends Omit<NoticeAbout, 'clock' | 'rungs'> {
  readonly highest: FiredRung;
  readonly rungs: readonly FiredRung[];
}

const joined = (before: Group | undefined, next: Group): Group =>
  before === undefined
    ? next
    : {
        reason: severity.indexOf(next.reason) > severity.indexOf(before.reason) ? next.reason : before.reason,
        highest: next.highest,
        rungs: [...before.rungs, ...next.rungs],
        escalation: next.escalation ?? before.escalation,
        to: [...before.to, ...next.to],
      };

function noticeOf(posting: Posting, { reason, highest, rungs, escalation, to }: Group): PlannedNotice {
  const { clock, rung: into } = highest;
  const merged = rungs.slice(0, -1).map(({ rung }) => rung);
  if (merged.length > 0) {
    const recipients = new Set(to.flatMap((group) => group.to.map((addressee) => `${group.channel}/${addressee}`))).size;
    posting.record('sla.collapsed', posting.named(clock), { rungs: merged, into, recipients }, posting.now);
  }
  const told = rungs.map(({ rung, dueAt, lateMs }) => ({ rung, dueAt, lateMs }));
  return { message: `notice/${clock}/${into}`, about: { clock, reason, escalation, rungs: told, to } };
}
