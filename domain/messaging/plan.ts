/** Which mails follow from what happened to a ticket. Recorded before anything is sent. Source: reliability.md, R1 and R3. */
import { asCustomerId } from '../ids.js';
import type { ContentId, CustomerId } from '../ids.js';
import type { TicketEvent } from '../ticket/event.js';
import type { Ticket } from '../ticket/ticket.js';

export const mailTemplates = ['acknowledgement', 'reply', 'resolved'] as const;
export type MailTemplate = (typeof mailTemplates)[number];

/** Everything the ledger sends: mails to customers, and notices to staff. */
export const messageTemplates = [...mailTemplates, 'notice'] as const;
export type MessageTemplate = (typeof messageTemplates)[number];

export interface PlannedMessage {
  /** Names the message within its ticket; one delivery works through all its recipients. */
  readonly message: string;
  readonly template: MailTemplate;
  readonly recipient: CustomerId;
  /** The text to send; null: the template's own. */
  readonly content: ContentId | null;
  /** Written by the system, so marked as automatic mail. */
  readonly automatic: boolean;
  /** Resolution cycle it belongs to. */
  readonly cycle: number;
  /** Unique per tenant; holds no run, attempt or time, so that no repetition of the work sends twice. */
  readonly dedupeKey: string;
}

/**
 * Plans the mails for the events of one command.
 *
 * @param ticket as it is after the events
 * @returns one entry per recipient, in the order of the events; empty when the product sends no such mail
 */
export function planMessages(ticket: Ticket, events: readonly TicketEvent[]): PlannedMessage[] {
  const { mail } = ticket.settings;
  const replied = events.some((event) => event.type === 'message.sent');
  const to = (recipient: CustomerId, message: string, template: MailTemplate, content: ContentId | null): PlannedMessage => ({
    message,
    template,
    recipient,
    content,
    automatic: template !== 'reply',
    cycle: ticket.cycle,
    dedupeKey: `${ticket.id}/${message}/${recipient}`,
  });
  return events.flatMap((event) => {
    // Automatic mail is never answered: two machines would talk for ever.
    if (event.type === 'ticket.created' && mail.acknowledgement && event.data['auto'] !== true) {
      return [to(ticket.requester, 'acknowledgement', 'acknowledgement', event.content ?? null)];
    }
    if (event.type === 'message.sent' && mail.reply && event.content !== undefined) {
      const { content } = event;
      return recipients(event).map((recipient) => to(recipient, content, 'reply', content));
    }
    // A reply that resolves says so itself.
    if (event.type === 'ticket.resolved' && mail.resolved && !replied) {
      return [to(ticket.requester, `resolved.${ticket.cycle}`, 'resolved', event.content ?? null)];
    }
    return [];
  });
}

const recipients = ({ data: { to } }: TicketEvent): CustomerId[] => (Array.isArray(to) ? to.map(asCustomerId) : []);
