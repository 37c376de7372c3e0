/** Mail over SMTP: one recipient, one attempt per mail; connections are kept for the next one. Source: reliability.md, R3 and section 7. */
import { Transform } from 'node:stream';
import { createTransport } from 'nodemailer';
import SMTPPool from 'nodemailer/lib/smtp-pool';
import { SendError } from '../ports.js';
import type { EmailSender, OutgoingMail, SendReceipt, SmtpReply } from '../ports.js';

export interface SmtpOptions {
  /** `smtp://` or `smtps://` with an account where one is needed. */
  readonly url: string;
}

/** Milliseconds; all far below the limit of one attempt, which the signal draws. */
const timeouts = { connectionTimeout: 8_000, greetingTimeout: 8_000, dnsTimeout: 5_000, socketTimeout: 18_000, socketCloseTimeout: 1_000 };
/** What a mail server commonly lets one client have at once. */
const maxConnections = 20;
/** A greeting and an encrypted channel cost more than a mail: mails that follow within this time share them. */
const idleTimeout = 5_000;

/** Commands whose refusal is about the mail or its recipient. */
const mailCommands = /^(MAIL FROM|RCPT TO|DATA)/;

/** Goes first through the point of no return of its mail; only the first call may. */
class Passage {
  refused: unknown;
  private passed = false;
  private readonly beforeWire: () => Promise<void>;

  constructor(beforeWire: () => Promise<void>) {
    this.beforeWire = beforeWire;
  }

  /** @throws what the hook throws; Error when the mail comes here once more: it would be sent twice */
  async pass(): Promise<void> {
    if (this.passed) throw new Error('a mail passes the wire once');
    this.passed = true;
    try {
      await this.beforeWire();
    } catch (error) {
      this.refused = error;
      throw error;
    }
  }
}

export interface SmtpEmail extends EmailSender {
  /** Closes the connections that are kept. */
  close(): void;
}

/** Mail through the relay of the URL. A mail that a kept connection never took goes by another one; none ever goes by itself again. */
export function createSmtpEmail({ url }: SmtpOptions): SmtpEmail {
  const passages = new WeakMap<AbortSignal, Passage>();
  const transport = createTransport(new SMTPPool({ url, ...timeouts, maxConnections, idleTimeout, maxRequeues: 1 }));
  transport.use('stream', ({ data, message }, done) => {
    const passage = data.signal === undefined ? undefined : passages.get(data.signal);
    // A stream of its own for each connection that is tried.
    message.transform(() => gate(() => (passage === undefined ? Promise.reject(new Error('a mail without its passage')) : passage.pass())));
    done();
  });
  return {
    async send(mail, options) {
      // A signal of its own tells the mail's passage from those of others that are under way.
      const signal = AbortSignal.any([options.signal]);
      const passage = new Passage(options.beforeWire);
      passages.set(signal, passage);
      try {
        return receipt(await transport.sendMail({ ...composed(mail), signal }));
      } catch (error) {
        if (passage.refused !== undefined) throw new SendError('stopped before the wire', null, { cause: passage.refused });
        throw sendError(error);
      }
    },
    close: () => transport.close(),
  };
}

/** Lets the mail through and holds back its end, and with it the final dot, until the hook is done. */
const gate = (hook: () => Promise<void>): Transform =>
  new Transform({
    transform(chunk, _encoding, done) {
      done(null, chunk);
    },
    flush(done) {
      hook().then(
        () => done(),
        (error: unknown) => done(error instanceof Error ? error : new Error('stopped', { cause: error })),
      );
    },
  });

/** Addresses as objects only: nodemailer reads text as a list, and a second recipient hides in one. */
const composed = (mail: OutgoingMail) => ({
  from: { ...mail.from },
  to: { ...mail.to },
  replyTo: { ...mail.replyTo },
  envelope: {
    from: mail.envelopeFrom === null ? '' : { name: '', address: mail.envelopeFrom },
    to: { name: '', address: mail.to.address },
  },
  messageId: mail.messageId,
  ...(mail.inReplyTo === null ? {} : { inReplyTo: mail.inReplyTo }),
  references: [...mail.references],
  headers: { ...mail.headers },
  subject: mail.subject,
  text: mail.text,
  ...(mail.html === null ? {} : { html: mail.html }),
  attachments: mail.attachments.map(({ name, type, bytes }) => ({ filename: name, contentType: type, content: Buffer.from(bytes) })),
  disableFileAccess: true,
  disableUrlAccess: true,
  xMailer: false as const,
});

interface SentInfo {
  readonly response: string;
  readonly accepted: readonly string[];
}

function receipt({ response, accepted }: SentInfo): SendReceipt {
  // With one recipient a refusal rejects; should it ever not, the mail must not count as sent.
  if (accepted.length === 0) throw new SendError(response, replyOf(response, true));
  return { providerId: /\b(?:queued as|id=)\s*([A-Za-z0-9._-]{1,128})/i.exec(response)?.[1] ?? null, text: response };
}

function sendError(error: unknown): SendError {
  if (error instanceof SendError) return error;
  if (!(error instanceof Error)) return new SendError('unknown failure', null, { cause: error });
  const response = 'response' in error && typeof error.response === 'string' ? error.response : '';
  const command = 'command' in error && typeof error.command === 'string' ? error.command : '';
  return new SendError(error.message, replyOf(response, mailCommands.test(command)), { cause: error });
}

/** The code the server answered with; without one nothing is certain. */
function replyOf(response: string, concernsMail: boolean): SmtpReply | null {
  const [, code, enhanced] = /^([45]\d{2})(?:[ -]([45]\.\d{1,3}\.\d{1,3})\b)?/.exec(response) ?? [];
  return code === undefined ? null : { kind: 'smtp', code: Number(code), enhanced: enhanced ?? null, concernsMail };
}
