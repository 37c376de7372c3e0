/** Reading what a mail's header says, and cleaning what goes into one. Every pattern is bounded, for the other side writes the input. */
import { keyPattern, parseTicketId, asProductKey } from '../ids.js';
import type { ProductKey, TicketId } from '../ids.js';

export interface Header {
  /** Lower case. */
  readonly name: string;
  /** Unfolded, not decoded. */
  readonly value: string;
}

const longestValue = 20_000;
const mostHeaders = 1_000;

/**
 * The header lines of a mail, in order.
 *
 * @param block the mail up to its first empty line, one character per byte
 * @returns lines that are no header are left out; at most 1,000, each cut at 20,000 characters
 */
export function parseHeaders(block: string): Header[] {
  const headers: { name: string; value: string }[] = [];
  for (const line of block.split(/\r\n|\r|\n/)) {
    if (line === '' || headers.length >= mostHeaders) break;
    const last = headers.at(-1);
    if (/^[ \t]/.test(line)) {
      if (last !== undefined && last.value.length < longestValue) last.value += ` ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase();
    if (/^[\x21-\x39\x3b-\x7e]{1,100}$/.test(name)) headers.push({ name, value: line.slice(colon + 1, colon + 1 + longestValue).trim() });
  }
  return headers.map(({ name, value }) => ({ name, value: value.slice(0, longestValue) }));
}

/** All values under a name, in order. */
export const valuesOf = (headers: readonly Header[], name: string): string[] =>
  headers.filter((header) => header.name === name).map((header) => header.value);

/** The first value under a name. */
export const valueOf = (headers: readonly Header[], name: string): string | undefined =>
  headers.find((header) => header.name === name)?.value;

const mostIds = 100;

/** The Message-IDs of a header value, in order, with angle brackets; at most 100. */
export const messageIdsIn = (value: string): string[] =>
  (value.slice(0, longestValue).match(/<[^<>\s\p{Cc}]{1,500}>/gu) ?? []).slice(0, mostIds);

const asciiLocal = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}$/;
const hostName = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){0,20}[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u;

/**
 * The one address a text is, in lower case.
 *
 * @returns null when it is none, or more than one, or holds what does not belong into an address
 */
export function parseAddress(text: string): string | null {
  if (text.length > 254) return null;
  const at = text.lastIndexOf('@');
  const [local, host] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  return asciiLocal.test(local) && hostName.test(host) ? text.toLowerCase() : null;
}

/** One of our own mailboxes: a product's, or the answer address of a ticket, which proves nothing until its token is checked. */
export type OwnMailbox =
  | { readonly kind: 'support'; readonly product: ProductKey }
  | { readonly kind: 'reply'; readonly ticket: TicketId; readonly token: string };

/** What an address stands for here; null: not one of ours. The domain counts in any letter case. */
export function ownMailbox(address: string, domain: string): OwnMailbox | null {
  const at = address.lastIndexOf('@');
  if (address.slice(at + 1).toLowerCase() !== domain.toLowerCase()) return null;
  const [, kind, rest = ''] = /^(support|reply)\+([^@]{1,128})$/.exec(address.slice(0, Math.max(at, 0)).toLowerCase()) ?? [];
  if (kind === 'support') return keyPattern.test(rest) ? { kind: 'support', product: asProductKey(rest) } : null;
  const [, number, token] = /^(tkt-[0-9a-z]{8})\.([0-9a-z]{26})$/.exec(rest) ?? [];
  const ticket = number === undefined ? null : parseTicketId(number);
  return kind === undefined || ticket === null || token === undefined ? null : { kind: 'reply', ticket, token };
}

export const supportAddress = (product: ProductKey, domain: string): string => `support+${product}@${domain}`;

/** At most 64 characters before the @; letter case does not matter. */
export const replyAddress = (ticket: TicketId, token: string, domain: string): string => `reply+${ticket.toLowerCase()}.${token}@${domain}`;

/** Where our mailboxes may stand; what the gateway said about the delivery comes before what the sender wrote. */
const addressedBy = ['delivered-to', 'x-original-to', 'to', 'cc'] as const;

/** Our mailboxes a mail was sent to, each once, in the order of trust. */
export function ownMailboxesOf(headers: readonly Header[], domain: string): OwnMailbox[] {
  const addresses = addressedBy
    .flatMap((name) => valuesOf(headers, name))
    .flatMap((value) => value.match(/[^\s<>()@,;:"[\]\\]{1,128}@[^\s<>()@,;:"[\]\\]{1,253}/g) ?? []);
  const found = new Map<string, OwnMailbox>();
  for (const address of addresses) {
    const mailbox = ownMailbox(address, domain);
    if (mailbox !== null && !found.has(address.toLowerCase())) found.set(address.toLowerCase(), mailbox);
  }
  return [...found.values()];
}

/** A text on one line: no control, direction or other invisible characters, single spaces, at most so many characters. */
export const oneLine = (text: string, most: number): string =>
  cut(
    text
      .slice(0, most * 4)
      .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
      .replaceAll(/\p{Cf}+/gu, '')
      .replaceAll(/ {2,}/g, ' ')
      .trim(),
    most,
  );

/** A text of several lines: newline and tab are its only control characters; at most so many characters. */
export const manyLines = (text: string, most: number): string =>
  cut(
    text
      .slice(0, most * 2)
      .replaceAll(/\r\n?/g, '\n')
      .replaceAll(/[^\P{Cc}\n\t]/gu, ''),
    most,
  );

/** Cuts without halving a character. */
const cut = (text: string, most: number): string => (text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/, ''));

/** A file name: the last part of a path, on one line, without what a shell or a header takes for its own. */
export function fileName(text: string): string {
  const last = text.slice(0, 4_000).replace(/^.*[/\\]/s, '');
  const clean = oneLine(last, 150)
    .replaceAll(/[<>:"|?*;]/g, '_')
    .replace(/^[. ]+/, '')
    .replace(/[. ]+$/, '');
  return clean === '' ? 'attachment' : clean;
}

const replyPrefix = /^(?:re|aw|wg|fw|fwd|sv|vs|antw|tr|rv)(?:\[\d{1,3}\])?:\s*/i;
const ticketTag = /\[TKT-[0-9A-Z]{8}\]\s*/gi;

/** The subject without ticket numbers and marks of answering or forwarding. */
export function bareSubject(subject: string): string {
  let text = oneLine(subject, 300).replaceAll(ticketTag, '').trim();
  for (let rest = text.replace(replyPrefix, ''); rest !== text; rest = text.replace(replyPrefix, '')) text = rest;
  return text;
}
