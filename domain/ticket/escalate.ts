/** What commands do to the escalations of a ticket. Source: service-desk.md, section 4. */
import type { Actor } from '../actor.js';
import type { Decision, TicketCode } from '../decision.js';
import { refused } from '../decision.js';
import type { AgentId, ContentId } from '../ids.js';
import type { Instant } from '../time.js';
import type { Change } from './change.js';
import type { TicketCommand } from './command.js';
import { movable, opened, withEscalation } from './escalation.js';
import type { Escalation, EscalationStatus } from './escalation.js';
import type { TicketEvent, TicketEventType } from './event.js';
import type { Ticket } from './ticket.js';

export type EscalationCommand = Extract<TicketCommand, { kind: 'escalate' | `${string}Escalation` }>;

type EscalationDecision = Decision<Ticket, TicketEvent, TicketCode>;

/** Decides a command about escalations on an open ticket; the moves are those of the table in `escalation.ts`. */
export function decideEscalation(change: Change, command: EscalationCommand, now: Instant): EscalationDecision {
  switch (command.kind) {
    case 'escalate':
      return escalate(change, command, now);
    case 'acknowledgeEscalation':
      return acknowledge(change, command, now);
    case 'resolveEscalation':
      return move(change, command, 'resolved', (escalation) => {
        const patch = { outcome: command.outcome, outcomeText: command.text, resolvedAt: now };
        replace(change, { ...escalation, ...patch, status: 'resolved' }, 'escalation.resolved', { outcome: command.outcome }, command.text);
        giveBack(change, escalation, command.actor);
      });
    case 'sendBackEscalation':
      return move(change, command, 'in_progress', (escalation) => {
        if (escalation.status !== 'resolved') return refused('escalation.illegal_move', { from: escalation.status, to: 'in_progress' });
        const patch = { outcome: null, outcomeText: null, resolvedAt: null, status: 'in_progress' } as const;
        replace(change, { ...escalation, ...patch }, 'escalation.sent_back', { reason: command.reason }, command.reason);
        return undefined;
      });
    case 'withdrawEscalation':
      return move(change, command, 'closed', (escalation) => {
        if (escalation.status !== 'pending') return refused('escalation.illegal_move', { from: escalation.status, to: 'closed' });
        end(change, escalation, { outcome: 'withdrawn', now });
        return undefined;
      });
    case 'closeEscalation':
      return move(change, command, 'closed', (escalation) => {
        if (escalation.status === 'pending') return refused('escalation.illegal_move', { from: escalation.status, to: 'closed' });
        end(change, escalation, { outcome: escalation.outcome, now });
        return undefined;
      });
  }
}

/** A customer may only ask. */
function escalate(change: Change, command: Extract<EscalationCommand, { kind: 'escalate' }>, now: Instant): EscalationDecision {
  const { reason = null, actor, role, to = { kind: 'lead' }, level = 1, takeOver = false, ackWithinS = null } = command;
  if (role === 'customer') {
    return change.record('escalation.requested', { reason, by: actor }, {}, reason ?? undefined).accepted();
  }
  const before = change.ticket.escalations;
  const escalation = opened({ level, to, raisedBy: actor, reason, from: null, ackWithinS, takeOver }, before, now);
  const data = { level, to: to.kind, toId: to.id ?? null, reason, takeOver };
  replace(change, escalation, 'escalation.opened', data, reason ?? undefined);
  return change.accepted();
}

function acknowledge(
  change: Change,
  command: Extract<EscalationCommand, { kind: 'acknowledgeEscalation' }>,
  now: Instant,
): EscalationDecision {
  const { actor, agent } = command;
  return move(change, command, 'in_progress', (escalation) => {
    // Sent back ones are in progress again by another verb: acknowledging is for those that wait.
    if (escalation.status !== 'pending') return refused('escalation.illegal_move', { from: escalation.status, to: 'in_progress' });
    const takes = (command.takeOver ?? escalation.takeOver) && agent !== undefined && agent !== change.ticket.assignee;
    const formerAssignee = takes ? change.ticket.assignee : null;
    const afterS = Math.floor((now - escalation.createdAt) / 1000);
    const next: Escalation = { ...escalation, status: 'in_progress', ackDueAt: null, owner: actor, acknowledgedAt: now, formerAssignee };
    replace(change, { ...next, takeOver: takes }, 'sla.acknowledged', { actor, afterS, clock: escalation.from?.clock ?? null, at: now });
    if (takes) assign(change, agent, actor);
    return undefined;
  });
}

/** The ticket closes, and with it what was asked for it. */
export function closeEscalations(change: Change, now: Instant): void {
  for (const escalation of change.ticket.escalations) {
    if (escalation.status !== 'closed') end(change, escalation, { outcome: escalation.outcome ?? 'ticket_closed', now });
  }
}

function move(
  change: Change,
  { escalation }: { readonly escalation: number },
  to: EscalationStatus,
  apply: (found: Escalation) => EscalationDecision | undefined | void,
): EscalationDecision {
  const found = movable(change.ticket.escalations, escalation, to);
  return found.ok ? (apply(found.escalation) ?? change.accepted()) : found;
}

function end(change: Change, escalation: Escalation, { outcome, now }: { outcome: Escalation['outcome']; now: Instant }): void {
  replace(change, { ...escalation, status: 'closed', ackDueAt: null, outcome, closedAt: now }, 'escalation.closed', { outcome });
}

function replace(
  change: Change,
  escalation: Escalation,
  type: TicketEventType,
  data: Parameters<Change['record']>[1],
  content?: ContentId,
): void {
  const escalations = withEscalation(change.ticket.escalations, escalation);
  change.record(type, { escalation: escalation.n, ...data }, { escalations }, content);
}

/** The ticket goes back to whoever had it. */
function giveBack(change: Change, { takeOver, formerAssignee }: Escalation, by: Actor): void {
  if (takeOver && formerAssignee !== null && formerAssignee !== change.ticket.assignee) assign(change, formerAssignee, by);
}

function assign(change: Change, assignee: AgentId, by: Actor): void {
  const { assignee: from, team } = change.ticket;
  change.record('ticket.assigned', { assignee, team, from, fromTeam: team, reason: null, by }, { assignee });
}
