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
import type { FiredRung, Reassignment, Telling } from './posting.js';
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
    // What waits, waits for this.
    settleUpTo(posting, fact.at);
    apply(posting, fact);
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
    apply(posting, fact);
    // What it brought to light may have been due before it.
    settle(posting, fact.at);
    posting.applyCauses(fact.at);
  }
}

function apply(posting: Posting, fact: SlaFact): void {
  applyFact(posting, fact);
  posting.ledger = { ...posting.ledger, lastAt: Math.max(posting.ledger.lastAt, fact.at) };
}

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
    const clock = posting.ledger.clocks.find((one) => one.clock === escalation.from?.clock);
    if (clock !== undefined && isOpenClock(clock)) continue;
    const closed = { ...escalation, status: 'closed', outcome: 'no_longer_needed', ackDueAt: null, closedAt: posting.now } as const;
    const escalations = withEscalation(posting.change.ticket.escalations, closed);
    posting.change.record('escalation.closed', { escalation: closed.n, outcome: closed.outcome }, { escalations });
  }
}

const severity: readonly NoticeReason[] = ['warning', 'breach', 'escalation', 'exhausted'];

/** One notice for what fell due of one clock at one wake, under the highest rung's key (R28). */
function combined(posting: Posting): PlannedNotice[] {
  const groups = new Map<string, Telling[]>();
  for (const telling of posting.tellings) {
    const key = telling.rung === null ? `e${telling.escalation ?? 0}/${telling.reason}` : telling.rung.clock;
    groups.set(key, [...(groups.get(key) ?? []), telling]);
  }
  return [...groups.values()].map((tellings) => {
    const rungs = tellings.flatMap(({ rung }) => rung ?? []);
    const highest = rungs.at(-1);
    const reason = severity.findLast((one) => tellings.some((telling) => telling.reason === one)) ?? 'warning';
    const escalation = tellings.findLast((telling) => telling.escalation !== null)?.escalation ?? null;
    const to = tellings.flatMap((telling) => telling.to);
    const message =
      highest === undefined
        ? `notice/e${escalation ?? 0}/${reason === 'exhausted' ? 'exhausted' : 'raised'}`
        : `notice/${highest.clock}/${highest.rung}`;
    if (highest !== undefined && rungs.length > 1) {
      const recipients = new Set(to.flatMap((group) => group.to.map((addressee) => `${group.channel}/${addressee}`))).size;
      const clock = posting.ledger.clocks.find((one) => one.clock === highest.clock) ?? null;
      posting.record(
        'sla.collapsed',
        clock,
        { rungs: rungs.slice(0, -1).map(({ rung }) => rung), into: highest.rung, recipients },
        posting.now,
      );
    }
    const told = rungs.map(({ rung, dueAt, lateMs }) => ({ rung, dueAt, lateMs }));
    return { message, about: { clock: highest?.clock ?? null, reason, escalation, rungs: told, to } };
  });
}
