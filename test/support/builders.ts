/** Valid values that a test changes in the one thing it is about. Ids are fixed, so that failures read alike. */
import type { Envelope, OpenFields } from '../../domain/ticket/command.js';
import { asContentId, asCustomerId, asProductKey, asTenantId, asTicketId } from '../../domain/ids.js';
import { decide } from '../../domain/ticket/decide.js';
import type { Ticket, TicketSettings } from '../../domain/ticket/ticket.js';

export const noon = Date.UTC(2026, 0, 15, 12);

export const uuid = (number: number): string => `018f3b1e-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

export const tenant = asTenantId(uuid(1));
export const requester = asCustomerId(uuid(0x30));
export const opening = asContentId(uuid(0x100));

export const settings: TicketSettings = { reopenWindowS: 7 * 24 * 3600, mail: { acknowledgement: true, reply: true, resolved: true } };

export const anOpen = (changes: Partial<OpenFields> = {}): OpenFields => ({
  tenant,
  ticketId: asTicketId('TKT-00000001'),
  scope: 'test',
  product: asProductKey('demo'),
  channel: 'api',
  priority: 'medium',
  category: null,
  requester,
  copied: [],
  content: opening,
  settings,
  ...changes,
});

export const anEnvelope = (changes: Partial<Envelope> = {}): Envelope => ({
  commandId: 'command-1',
  actor: `user/${uuid(0x20)}`,
  role: 'admin',
  source: 'api',
  ...changes,
});

/** A ticket opened at noon, then changed by hand. */
export function aTicket(changes: Partial<Ticket> = {}): Ticket {
  const decision = decide(null, { kind: 'open', ...anEnvelope({ commandId: 'open' }), ...anOpen() }, noon);
  if (!decision.ok) throw new Error(`the builder's own ticket was refused: ${decision.code}`);
  return { ...decision.state, ...changes };
}
