/** Whether a planned mail may still go out: asked in the transaction that begins the sending. Source: reliability.md, R6; security.md, T19. */
import type { MailTemplate } from './plan.js';
import type { TicketStatus } from '../ticket/status.js';

/** Acknowledgements per recipient and hour, and automatic mails per ticket and hour. */
const mailLimits = { acknowledgementsPerRecipient: 1, automaticPerTicket: 10 } as const;

export const suppressionReasons = [
  'ticket_removed',
  'customer_deleted',
  'mail_off',
  'reopened',
  'text_erased',
  'no_address',
  'address_bounced',
  'own_address',
  'invalid_address',
  'acknowledged_recently',
  'ticket_mail_limit',
] as const;
export type SuppressionReason = (typeof suppressionReasons)[number];

export interface SuppressionFacts {
  readonly template: MailTemplate;
  readonly automatic: boolean;
  /** Resolution cycle for which the mail was planned. */
  readonly cycle: number;
  readonly ticket: { readonly removed: boolean; readonly status: TicketStatus; readonly cycle: number; readonly openedByMail: boolean };
  readonly customerDeleted: boolean;
  /** The text it was to bring is gone. */
  readonly textErased: boolean;
  /** `ours`: one of our own mailboxes; `invalid`: not one plain address. */
  readonly address: 'good' | 'bounced' | 'ours' | 'invalid' | 'none';
  /** The product sends this mail today. */
  readonly switchedOn: boolean;
  /** In the last hour, this mail not counted. */
  readonly lastHour: { readonly acknowledgementsToRecipient: number; readonly automaticOfTicket: number };
}

/** Why the mail must not go out any more; null: it may. */
export function reasonAgainst(facts: SuppressionFacts): SuppressionReason | null {
  const { template, automatic, ticket, address, lastHour } = facts;
  if (ticket.removed) return 'ticket_removed';
  if (facts.customerDeleted) return 'customer_deleted';
  if (!facts.switchedOn) return 'mail_off';
  if (template === 'resolved' && !(['resolved', 'closed'].includes(ticket.status) && ticket.cycle === facts.cycle)) return 'reopened';
  if (facts.textErased) return 'text_erased';
  if (address === 'none') return 'no_address';
  if (address === 'bounced') return 'address_bounced';
  if (address === 'ours') return 'own_address';
  if (address === 'invalid') return 'invalid_address';
  if (!automatic) return null;
  const acknowledges = template === 'acknowledgement' && ticket.openedByMail;
  if (acknowledges && lastHour.acknowledgementsToRecipient >= mailLimits.acknowledgementsPerRecipient) return 'acknowledged_recently';
  return lastHour.automaticOfTicket >= mailLimits.automaticPerTicket ? 'ticket_mail_limit' : null;
}
