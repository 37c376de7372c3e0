/** What activities ask of the outside world. The real ones are in `adapters/`, the worker wires them. */
import type { Instant } from '../domain/time.js';
import type { Actor, Role, Source } from '../domain/actor.js';
import type { ContentId, CustomerId, TenantId, TicketId } from '../domain/ids.js';
import type { OpenFields } from '../domain/ticket/command.js';

export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

export interface MailAttachment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** One mail to one recipient. */
export interface OutgoingMail {
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly replyTo: Mailbox;
  /** Sender of the envelope; null: the empty one, to which nobody answers. */
  readonly envelopeFrom: string | null;
  /** With angle brackets, as are the ones below. */
  readonly messageId: string;
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly text: string;
  /** null: plain text only. */
  readonly html: string | null;
  readonly attachments: readonly MailAttachment[];
}

export interface SendOptions {
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** Called once, at the point of no return: when it throws, nothing must be sent. */
  readonly beforeWire: () => Promise<void>;
}

export interface SendReceipt {
  /** The provider's own name for the mail, where it tells one. */
  readonly providerId: string | null;
  /** What the provider answered. */
  readonly text: string;
}

export interface SendErrorOptions extends ErrorOptions {
  /** Nobody was there to take it: it was certainly not sent. */
  readonly unreached?: boolean;
}

/** A send that did not end with the provider's yes. */
export class SendError extends Error {
  override readonly name = 'SendError';
  /** The provider's answer; null when it gave none. */
  readonly reply: ProviderReply | null;
  readonly unreached: boolean;

  constructor(text: string, reply: ProviderReply | null, { unreached = false, ...options }: SendErrorOptions = {}) {
    super(text, options);
    this.reply = reply;
    this.unreached = unreached;
  }
}

export interface SmtpReply {
  readonly kind: 'smtp';
  readonly code: number;
  /** RFC 3463, such as 5.1.1; null when the provider gives none. */
  readonly enhanced: string | null;
  /** About this mail or its recipient, not about the connection or our account. */
  readonly concernsMail: boolean;
}

export interface HttpReply {
  readonly kind: 'http';
  readonly status: number;
  /** The provider's own number of the fault; null when it gives none. */
  readonly code: number | null;
  /** How long it wants to be left alone. */
  readonly retryAfterMs: number | null;
}

export type ProviderReply = SmtpReply | HttpReply;

export interface EmailSender {
  /**
   * Sends one mail, in one attempt, never by itself again.
   *
   * @throws SendError; whatever `beforeWire` threw is its cause
   */
  send(mail: OutgoingMail, options: SendOptions): Promise<SendReceipt>;
}

/** One SMS to one recipient. */
export interface OutgoingSms {
  /** E.164. */
  readonly to: string;
  readonly text: string;
  /** Where, below the address of the API, the provider may report what becomes of it. */
  readonly reportPath: string | null;
}

export interface SmsSender {
  /**
   * Sends one SMS, in one attempt, never by itself again.
   *
   * @throws SendError; whatever `beforeWire` threw is its cause
   */
  send(sms: OutgoingSms, options: SendOptions): Promise<SendReceipt>;
  /**
   * Looks for a message among the newest to a number.
   *
   * @param reference a part of its text that no other message to that number has
   * @returns the provider's name for it; null when it knows of none
   * @throws SendError when it could not be asked
   */
  find(to: string, reference: string, signal: AbortSignal): Promise<string | null>;
}

/** Envelope of a command that a mail caused. */
export interface MailCommand {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  readonly commandId: string;
  readonly actor: Actor;
  readonly role: Role;
  readonly source: Source;
  /** When the mail server took it: clocks count from then. */
  readonly receivedAt: Instant;
}

export interface ReceivedFields {
  readonly content: ContentId;
  readonly author: CustomerId;
  readonly auto: boolean;
  readonly copied: readonly CustomerId[];
}

/** A ticket said no to a command, and will again. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

/** The two commands mail gives to tickets. The same `commandId` again gets the first answer. */
export interface TicketCommands {
  /**
   * @returns `taken`: a ticket, open or closed, was opened under that number before; by whom, its row tells
   * @throws CommandRefused; anything else may be tried again
   */
  open(command: MailCommand, fields: Omit<OpenFields, 'tenant' | 'ticketId'>): Promise<'opened' | 'taken'>;
  /**
   * @returns `closed`: its workflow is over
   * @throws CommandRefused; anything else may be tried again
   */
  receive(command: MailCommand, fields: ReceivedFields): Promise<'received' | 'closed'>;
}

/** A notice of a ticket did not arrive everywhere, or nobody knows. */
export interface NoticeEnd {
  readonly tenant: TenantId;
  readonly ticket: TicketId;
  /** Names it within the ticket. */
  readonly message: string;
  readonly outcome: 'failed' | 'unknown';
}

/** What batches of notices tell tickets. */
export interface NoticeTickets {
  /** A ticket that is over does not hear of it; the ledger has it all the same. */
  noticeEnded(end: NoticeEnd): Promise<void>;
}

/** What re-projection asks of tickets. */
export interface OpenTickets {
  /**
   * Moves a ticket to a published revision of the policies, and waits until its clocks follow. The same revision again gets the first answer.
   *
   * @returns `gone`: no workflow runs under its number
   * @throws CommandRefused; anything else may be tried again
   */
  replan(ticketId: TicketId, revision: number): Promise<'replanned' | 'gone'>;
}
