/** Identifiers carry their kind in the type, so that a customer is never passed where an agent belongs. */

declare const brand: unique symbol;
type Branded<Kind extends string> = string & { readonly [brand]: Kind };

export type TenantId = Branded<'tenant'>;
export type TicketId = Branded<'ticket'>;
export type ProductKey = Branded<'product'>;
export type CustomerId = Branded<'customer'>;
export type AgentId = Branded<'agent'>;
export type TeamId = Branded<'team'>;
export type ContentId = Branded<'content'>;

// The casts below are the only way from text to an id; each caller has checked the text or read it from where only ids are kept.
export const asTenantId = (text: string): TenantId => text as TenantId;
export const asTicketId = (text: string): TicketId => text as TicketId;
export const asProductKey = (text: string): ProductKey => text as ProductKey;
export const asCustomerId = (text: string): CustomerId => text as CustomerId;
export const asAgentId = (text: string): AgentId => text as AgentId;
export const asTeamId = (text: string): TeamId => text as TeamId;
export const asContentId = (text: string): ContentId => text as ContentId;

/** Lower-case UUID of any version. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `TKT-` and eight characters of Crockford's base32 (no I, L, O, U). */
export const ticketIdPattern = /^TKT-[0-9A-HJKMNP-TV-Z]{8}$/;

/** Product and team keys: lower-case words joined by `-` or `_`. */
export const keyPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Crockford base32 of the given bytes, most significant bits first; a last group is filled with zero bits. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += crockford.charAt((buffer >> bits) & 31);
    }
    buffer &= (1 << bits) - 1;
  }
  if (bits > 0) text += crockford.charAt((buffer << (5 - bits)) & 31);
  return text;
}

/**
 * The ticket number made of 40 bits.
 *
 * @param bytes at least five bytes; the first five count
 */
export const ticketIdFrom = (bytes: Uint8Array): TicketId => asTicketId(`TKT-${base32(bytes.subarray(0, 5))}`);

/** The ticket id behind what a caller wrote, in any letter case; null when it is none. */
export function parseTicketId(text: string): TicketId | null {
  const upper = text.toUpperCase();
  return ticketIdPattern.test(upper) ? asTicketId(upper) : null;
}
