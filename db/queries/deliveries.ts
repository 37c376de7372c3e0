/** What became of a message on its way out. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { scoped } from './scope.js';
import type { Principal } from '../../domain/access/principal.js';

export interface DeliveryRecord {
  readonly id: string;
  readonly template: string;
  readonly recipient: string;
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly delivery: string | null;
  readonly attempts: number;
  readonly errorCode: string | null;
  readonly possibleDuplicate: boolean;
  readonly sentAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type StoredDelivery = Omit<DeliveryRecord, 'sentAt' | 'createdAt' | 'updatedAt'> &
  Record<'createdAt' | 'updatedAt', string> & { readonly sentAt: string | null };

/** The deliveries of the content row `c` as JSON; customers get those to themselves. */
export const deliveryList = (reader: Principal): RawBuilder<unknown> => sql`coalesce((
  select jsonb_agg(jsonb_build_object('id', o.id, 'template', o.template, 'recipient', o.recipient_id, 'channel', o.channel, 'state', o.state,
    'reason', o.reason, 'delivery', o.delivery, 'attempts', o.attempts, 'errorCode', o.error_code, 'possibleDuplicate', o.possible_duplicate,
    'sentAt', o.sent_at, 'createdAt', o.created_at, 'updatedAt', o.updated_at) order by o.id)
  from outbound_message o
  where o.tenant_id = c.tenant_id and o.ticket_id = c.ticket_id and o.content_id = c.id
    ${reader.role === 'customer' ? sql`and o.recipient_id = ${reader.id}` : sql``}), '[]')`;

/** JSON holds instants as text. */
export const readDelivery = (row: StoredDelivery): DeliveryRecord => ({
  ...row,
  sentAt: row.sentAt === null ? null : new Date(row.sentAt),
  createdAt: new Date(row.createdAt),
  updatedAt: new Date(row.updatedAt),
});

/**
 * Deliveries of one message of a ticket the reader may see.
 *
 * @returns undefined when the reader may not see the message
 */
export async function findDeliveries(tx: TenantTx, reader: Principal, message: string): Promise<DeliveryRecord[] | undefined> {
  const { rows } = await sql<{ deliveries: StoredDelivery[] }>`
    select ${deliveryList(reader)} as deliveries
    from content c join ticket t on t.tenant_id = c.tenant_id and t.id = c.ticket_id
    where ${scoped(reader, 't')} and t.removed_at is null and c.id = ${message} and c.kind in ('opening', 'message', 'resolution')
      ${reader.role === 'customer' ? sql`and c.visibility = 'public'` : sql``}`.execute(tx);
  return rows[0]?.deliveries.map(readDelivery);
}
