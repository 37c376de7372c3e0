/** Turns a claimed ledger row into a mail: addresses, thread, marks and words. */
import { parseAddress, oneLine, replyAddress, supportAddress } from '../domain/messaging/headers.js';
import type { ClaimedMail } from '../db/queries/outbound-mail.js';
import type { TicketId } from '../domain/ids.js';
import type { TicketStatus } from '../domain/ticket/status.js';
import type { MailTokens } from './mail-tokens.js';
import type { MailAttachment, OutgoingMail } from './ports.js';
import { renderMail } from '../domain/messaging/template.js';

/** Says to our own intake, in whatever form it comes back, that this mail is ours. */
const loopHeader = 'X-Usher-Loop';

/** Marks of a mail that no person wrote (RFC 3834). */
const automaticHeaders = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' } as const;

/** Headers of a mail about a ticket. */
export const marks = (ticket: TicketId, automatic: boolean): Record<string, string> => ({
  [loopHeader]: ticket,
  ...(automatic ? automaticHeaders : {}),
});

export interface ComposeContext {
  readonly domain: string;
  readonly tokens: MailTokens;
  readonly attachments: readonly MailAttachment[];
  /** Names of attachments that are too large. */
  readonly omitted: readonly string[];
}

export interface ComposedMail {
  readonly mail: OutgoingMail;
  /** The product's own template failed. */
  readonly fellBack: boolean;
}

/** @throws Error when the recipient's address is none; what is stored as an address was checked before */
export function composeMail(claimed: ClaimedMail, { domain, tokens, attachments, omitted }: ComposeContext): ComposedMail {
  const { tenant, ticket, product, recipient, template, automatic, text } = claimed;
  const { settings } = product;
  const to = parseAddress(recipient.address);
  if (to === null) throw new Error('the recipient has no usable address');
  const reply = replyAddress(ticket.id, tokens.replyToken({ tenant, ticket: ticket.id, participant: recipient.id }), domain);
  const {
    subject,
    text: body,
    html,
    fellBack,
  } = renderMail(template, settings.templates[template], {
    ticket: { number: ticket.id, subject: ticket.subject, status: settings.statusLabels[ticket.status] ?? statusNames[ticket.status] },
    customer: { name: recipient.name ?? '' },
    product: { name: product.name },
    agent: { name: text?.author ?? '' },
    message: text === null ? null : { text: text.body, html: text.html },
    reopenWithin: inWords(settings.reopenWindowS),
    omitted,
  });
  const mail: OutgoingMail = {
    from: { name: oneLine(settings.fromName, 100), address: supportAddress(product.key, domain) },
    to: { name: oneLine(recipient.name ?? '', 100), address: to },
    replyTo: { name: oneLine(settings.fromName, 100), address: reply },
    // Nobody answers the empty sender, so two machines cannot talk for ever; a person's mail that bounces comes back to its ticket.
    envelopeFrom: automatic ? null : reply,
    messageId: claimed.messageId,
    inReplyTo: claimed.inReplyTo,
    references: claimed.references,
    headers: marks(ticket.id, automatic),
    subject,
    text: body,
    html,
    attachments,
  };
  return { mail, fellBack };
}

const statusNames: Readonly<Record<TicketStatus, string>> = {
  new: 'New',
  in_progress: 'In progress',
  waiting_on_customer: 'Waiting for you',
  on_hold: 'On hold',
  resolved: 'Resolved',
  closed: 'Closed',
};

/** A length of time in the largest unit that divides it; empty for none. */
function inWords(seconds: number): string {
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const;
  for (const [name, length] of units) {
    if (seconds < length || seconds % length !== 0) continue;
    const count = seconds / length;
    return `${count} ${name}${count === 1 ? '' : 's'}`;
  }
  return '';
}
