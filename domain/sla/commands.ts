/** Commands about the clocks themselves: pausing by hand, another target, waiving a breach. Source: sla.md, R6, R16, R18. */
import { refused } from '../decision.js';
import { Change } from '../ticket/change.js';
import type { TicketCommand } from '../ticket/command.js';
import { decide } from '../ticket/decide.js';
import type { TicketDecision } from '../ticket/decide.js';
import { isClosed } from '../ticket/ticket.js';
import type { Ticket } from '../ticket/ticket.js';
import type { Instant } from '../time.js';
import { isOpenClock, outcomeOf } from './clock.js';
import type { Clock } from './clock.js';
import type { SlaFact } from './facts.js';
import type { Ledger } from './ledger.js';

/** Decides one command on a ticket with its clocks; everything that is not about clocks is the ticket's own matter. */
export function consider(ticket: Ticket | null, ledger: Ledger, command: TicketCommand, now: Instant): TicketDecision {
  switch (command.kind) {
    case 'pauseClocks':
    case 'resumeClocks':
    case 'overrideTarget':
    case 'waive':
      return considerClocks(ticket, ledger, command, now);
    default:
      return decide(ticket, command, now);
  }
}

type ClockCommand = Extract<TicketCommand, { kind: 'pauseClocks' | 'resumeClocks' | 'overrideTarget' | 'waive' }>;

function considerClocks(ticket: Ticket | null, ledger: Ledger, command: ClockCommand, now: Instant): TicketDecision {
  if (ticket === null) return refused('ticket.not_found');
  if (command.expectedVersion !== undefined && command.expectedVersion !== ticket.version) {
    return refused('version_mismatch', { current: ticket.version });
  }
  const change = new Change(ticket, now);
  if (command.kind === 'waive') {
    const clock = find(ledger, command.clock);
    if (clock === undefined || outcomeOf(clock) !== 'breached') return refused('sla.unknown_clock', { clock: command.clock });
    const waived = clock.waived || waiting(ledger, 'waive').some((fact) => fact.clock === command.clock);
    return waived ? change.accepted() : note(change, command);
  }
  if (isClosed(ticket)) return refused('ticket.closed');
  if (command.kind === 'overrideTarget') {
    const clock = find(ledger, command.clock);
    if (clock === undefined || !isOpenClock(clock)) return refused('sla.unknown_clock', { clock: command.clock });
    const waitingTarget = waiting(ledger, 'override').findLast((fact) => fact.clock === command.clock);
    return (waitingTarget ?? clock).budgetS === command.budgetS ? change.accepted() : note(change, command);
  }
  const waitingPause = waiting(ledger, 'cause').findLast(({ cause }) => cause === 'manual');
  const paused = waitingPause?.on ?? ledger.causes.includes('manual');
  return paused === (command.kind === 'pauseClocks') ? change.accepted() : note(change, command);
}

/** What is accepted already, and waits to be worked into the clocks. */
const waiting = <Kind extends SlaFact['kind']>({ backlog }: Ledger, kind: Kind): Extract<SlaFact, { kind: Kind }>[] =>
  backlog.filter((fact): fact is Extract<SlaFact, { kind: Kind }> => fact.kind === kind);

const find = (ledger: Ledger, clock: string): Clock | undefined => ledger.clocks.find((one) => one.clock === clock);

/** Who did it and why; what it did to the clocks follows as their own events. */
const note = (change: Change, { kind, reason }: ClockCommand): TicketDecision =>
  change.record('ticket.updated', { changed: ['clocks'], action: kind, reason: reason ?? null }, {}, reason).accepted();
