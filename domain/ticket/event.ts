/** What is recorded when a ticket changes; each raises the version by one. Names are those of the public event log. */
import type { ContentId } from '../ids.js';
import type { SlaEventType } from '../sla/event.js';
import type { Members } from '../decision.js';

export type TicketEventType =
  | 'ticket.created'
  | 'ticket.updated'
  | 'ticket.assigned'
  | 'ticket.status_changed'
  | 'ticket.resolved'
  | 'ticket.reopened'
  | 'ticket.closed'
  | 'ticket.removed'
  | 'ticket.restored'
  | 'ticket.rebased'
  | 'message.received'
  | 'message.sent'
  | 'message.failed'
  | 'message.unknown'
  | 'note.added'
  | 'escalation.requested'
  | 'escalation.opened'
  | 'escalation.sent_back'
  | 'escalation.resolved'
  | 'escalation.closed'
  | SlaEventType;

export interface TicketEvent {
  readonly type: TicketEventType;
  readonly version: number;
  /** Ids, enums, numbers, instants, names of changed fields; never text. */
  readonly data: Members;
  /** The text the event brought; linked to the ticket when the event is recorded. */
  readonly content?: ContentId;
}
