/** Signatures that tie a mail to its ticket: in our Message-IDs and in the reply address. Source: security.md, section 5 and T17. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SigningKey } from '../domain/access/signing-key.js';
import { base32, parseTicketId } from '../domain/ids.js';
import type { CustomerId, TenantId, TicketId } from '../domain/ids.js';

export interface ReplyIdentity {
  readonly tenant: TenantId;
  readonly ticket: TicketId;
  readonly participant: CustomerId;
}

export interface MailIdentity {
  readonly tenant: TenantId;
  readonly ticket: TicketId;
  /** Id of the ledger row. */
  readonly outbound: string;
}

export interface MailTokens {
  /** 26 characters, lower case; also right when its letters change their case. */
  replyToken(identity: ReplyIdentity): string;
  /** Whether one of the participants was given this token for this ticket. */
  isReplyToken(token: string, tenant: TenantId, ticket: TicketId, participants: readonly CustomerId[]): boolean;
  /** With angle brackets. */
  messageId(identity: MailIdentity): string;
  /** What one of our own Message-IDs says; null when it is not ours, of another tenant, or changed. */
  readMessageId(tenant: TenantId, messageId: string): { readonly ticket: TicketId; readonly outbound: string } | null;
}

const tokenBytes = 16;
const tokenText = '[0-9A-HJKMNP-TV-Z]{26}';
const ownId = new RegExp(`^<(TKT-[0-9A-HJKMNP-TV-Z]{8})[.]([0-9A-F]{32})[.](${tokenText})@[^<>\\s@]{1,253}>$`, 'i');

/**
 * Signs and checks with HMAC-SHA256, cut to 128 bits.
 *
 * @param keys the first signs, all verify; at least one
 * @param domain right-hand side of our Message-IDs
 */
export function createMailTokens(keys: readonly SigningKey[], domain: string): MailTokens {
  const [first] = keys;
  if (first === undefined) throw new Error('at least one signing key is needed');
  return {
    replyToken: (identity) => reply(identity, first),
    isReplyToken: (token, tenant, ticket, participants) =>
      participants.some((participant) => keys.some((key) => isEqual(reply({ tenant, ticket, participant }, key), token))),
    messageId: (identity) =>
      `<${identity.ticket.toLowerCase()}.${identity.outbound.replaceAll('-', '')}.${mail(identity, first)}@${domain}>`,
    readMessageId(tenant, messageId) {
      const [, number, hex, token] = ownId.exec(messageId) ?? [];
      if (number === undefined || hex === undefined || token === undefined) return null;
      const ticket = parseTicketId(number);
      if (ticket === null) return null;
      const outbound = hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      return keys.some((key) => isEqual(mail({ tenant, ticket, outbound }, key), token)) ? { ticket, outbound } : null;
    },
  };
}

const reply = ({ tenant, ticket, participant }: ReplyIdentity, key: SigningKey): string =>
  sign(key, ['reply', tenant, ticket, participant]);
const mail = ({ tenant, ticket, outbound }: MailIdentity, key: SigningKey): string => sign(key, ['message-id', tenant, ticket, outbound]);

/** The parts are joined by a character none of them holds, so that no two lists read alike; the key's id is one of them. */
function sign(key: SigningKey, parts: readonly string[]): string {
  const digest = createHmac('sha256', key.secret)
    .update([...parts, key.id].join('\u001f'))
    .digest();
  return base32(digest.subarray(0, tokenBytes)).toLowerCase();
}

function isEqual(expected: string, given: string): boolean {
  const left = Buffer.from(expected);
  const right = Buffer.from(given.toLowerCase());
  return left.length === right.length && timingSafeEqual(left, right);
}
