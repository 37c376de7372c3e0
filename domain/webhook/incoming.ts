/** Callbacks that others sign and we check. Source: api-surfaces.md, section 3; security.md, T16; Standard Webhooks 1.0.0. */
import type { Instant } from '../time.js';
import { hour, minute, second } from '../time.js';

/** Who signs how: Standard Webhooks, or HMAC over instant and body in headers of our own; Twilio, Mailgun and SendGrid as they do. */
export const hookProviders = ['standard', 'crm', 'twilio', 'mailgun', 'sendgrid'] as const;
export type HookProvider = (typeof hookProviders)[number];
/** Those who send us events. */
export type EventProvider = Extract<HookProvider, 'standard' | 'crm'>;

/** Those who bring mail. */
export type MailProvider = Extract<HookProvider, 'mailgun' | 'sendgrid'>;

/** What is that far ahead, or older than it may be, is somebody's repetition. */
const window = 5 * minute;

/**
 * How old a signature may be. Mailgun (8 hours) and SendGrid (72) go on trying to bring a mail with the signature they made first, and what is refused as old is
 * lost; that nobody else brings it again is seen by its id, which is remembered for longer.
 */
const oldest: Readonly<Record<EventProvider | MailProvider, number>> = {
  standard: window,
  crm: window,
  mailgun: 9 * hour,
  sendgrid: 73 * hour,
};

/** What a caller says of a callback in its headers. */
export interface SignedCallback {
  /** Null: the body says it. */
  readonly id: string | null;
  /** As it came; part of what is signed. */
  readonly timestamp: string;
  /** In base64 or hex, as the provider writes them. */
  readonly signatures: readonly string[];
}

/** Reads a header, or a field of a form; null: it is not there. */
type Header = (name: string) => string | null;

/** @returns null when a header is missing or has another form than it has to have */
export function readSigned(provider: EventProvider, header: Header): SignedCallback | null {
  return provider === 'standard' ? readStandard(header) : readPlain(header);
}

const visible = /^[!-~]{1,256}$/;
const seconds = /^[0-9]{1,12}$/;

function readStandard(header: Header): SignedCallback | null {
  const [id, timestamp, given] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')];
  if (id === null || timestamp === null || given === null || !visible.test(id) || !seconds.test(timestamp)) return null;
  const signatures = given
    .slice(0, 2_000)
    .split(' ')
    .flatMap((one) => (/^v1,[A-Za-z0-9+/]{43}=$/.test(one) ? [one.slice('v1,'.length)] : []));
  return signatures.length === 0 ? null : { id, timestamp, signatures };
}

function readPlain(header: Header): SignedCallback | null {
  const [timestamp, given] = [header('usher-timestamp'), header('usher-signature')];
  if (timestamp === null || given === null || !seconds.test(timestamp) || !/^[0-9a-f]{64}$/.test(given)) return null;
  return { id: null, timestamp, signatures: [given] };
}

/** What is signed; the body is the text as it came. */
export const callbackText = ({ id, timestamp }: SignedCallback, body: string): string =>
  id === null ? `${timestamp}.${body}` : `${id}.${timestamp}.${body}`;

/** Whether it was signed as lately as its provider may have signed it. */
export function isFresh(provider: keyof typeof oldest, { timestamp }: Pick<SignedCallback, 'timestamp'>, now: Instant): boolean {
  const age = now - Number(timestamp) * second;
  return age >= -window && age <= oldest[provider];
}

/** What a mail provider says of a mail it brings. */
export interface SignedMail {
  /** As it came; part of what is signed. */
  readonly timestamp: string;
  /** In hex by Mailgun, in base64 by SendGrid. */
  readonly signature: string;
}

/** From the headers of a callback of SendGrid. @returns null when one is missing or has another form than it has to have */
export function readSendGrid(header: Header): SignedMail | null {
  const [timestamp, signature] = [header('x-twilio-email-event-webhook-timestamp'), header('x-twilio-email-event-webhook-signature')];
  if (timestamp === null || signature === null || !seconds.test(timestamp) || !/^[A-Za-z0-9+/]{16,200}={0,2}$/.test(signature)) return null;
  return { timestamp, signature };
}

/** Mailgun's signature is over timestamp and token alone. */
export interface MailgunMail extends SignedMail {
  /** For this one time. */
  readonly token: string;
}

/** From the fields of a form of Mailgun. @returns null when one is missing or has another form than it has to have */
export function readMailgun(field: Header): MailgunMail | null {
  const [timestamp, token, signature] = [field('timestamp'), field('token'), field('signature')];
  if (timestamp === null || token === null || signature === null) return null;
  return seconds.test(timestamp) && /^[!-~]{16,128}$/.test(token) && /^[0-9a-f]{64}$/.test(signature)
    ? { timestamp, token, signature }
    : null;
}
