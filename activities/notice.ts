/** Turns a claimed notice into a mail or an SMS to a member of the staff. Source: sla.md, section 6; reliability.md, R3 and R4. */
import type { ClaimedNotice } from '../db/queries/notice-claim.js';
import { base32 } from '../domain/ids.js';
import type { TicketId } from '../domain/ids.js';
import { oneLine, parseAddress, supportAddress } from '../domain/messaging/headers.js';
import { noticeHtml, noticeSms, noticeSubject, noticeText } from '../domain/messaging/notice-words.js';
import type { NoticeLink } from '../domain/messaging/notice-words.js';
import { marks } from './compose.js';
import { SendError } from './ports.js';
import type { EmailSender, OutgoingMail, OutgoingSms, SendOptions, SendReceipt, SmsSender } from './ports.js';

export interface NoticeSenders {
  readonly email: EmailSender;
  /** null: SMS is not set up. */
  readonly sms: SmsSender | null;
  /** Domain of our own addresses. */
  readonly mailDomain: string;
  /** Where a ticket can be looked at. */
  readonly links: (ticket: TicketId) => readonly NoticeLink[];
}

/** Tells an SMS from others to the same number: 40 bits of its ledger row's id, the same at each attempt. */
export const referenceOf = (outbound: string): string => base32(Buffer.from(outbound.replaceAll('-', ''), 'hex').subarray(-5));

/** Sends by the channel that the notice was claimed for, once. */
export function sendNotice(senders: NoticeSenders, notice: ClaimedNotice, options: SendOptions): Promise<SendReceipt> {
  if (notice.channel === 'email') return senders.email.send(composeNotice(senders, notice), options);
  if (senders.sms === null) throw new SendError('SMS is not set up', null);
  return senders.sms.send(composeSms(senders, notice), options);
}

/** @throws Error when the agent's address is none; the claim has looked */
function composeNotice({ mailDomain, links }: NoticeSenders, notice: ClaimedNotice): OutgoingMail {
  const { ticket, product, recipient, repeats, messageId } = notice;
  const to = parseAddress(recipient.address);
  if (to === null) throw new Error('the recipient has no usable address');
  const words = { ...notice, links: links(ticket.id) };
  const desk = { name: oneLine(product.fromName, 100), address: supportAddress(product.key, mailDomain) };
  return {
    from: desk,
    to: { name: oneLine(recipient.name, 100), address: to },
    replyTo: desk,
    envelopeFrom: null,
    messageId,
    inReplyTo: null,
    references: [],
    headers: { ...marks(ticket.id, true), ...(repeats ? { 'Usher-Possible-Duplicate': '1' } : {}) },
    subject: noticeSubject(words),
    text: noticeText(words),
    html: noticeHtml(words),
    attachments: [],
  };
}

/** An SMS has no headers: that it may be a repetition is in the ledger alone. */
const composeSms = ({ links }: NoticeSenders, notice: ClaimedNotice): OutgoingSms => ({
  to: notice.recipient.phone ?? '',
  text: noticeSms({ ...notice, links: links(notice.ticket.id) }, referenceOf(notice.id)),
  reportPath: notice.reportPath,
});
