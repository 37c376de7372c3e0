/** What happened on a ticket and what was said there. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { deliveryList, readDelivery } from './deliveries.js';
import type { DeliveryRecord, StoredDelivery } from './deliveries.js';
import { eventSubject } from './projection.js';
import { scoped } from './scope.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TenantId, TicketId } from '../../domain/ids.js';

export interface EventRecord {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly source: string;
  readonly commandId: string;
  readonly product: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly content: string | null;
  /** Only for a timeline: the name behind the actor and the text the event brought. */
  readonly actorName?: string | null;
  readonly text?: string | null;
}

/** The event log of one ticket from a version on, oldest first; one row more than `limit` when there are others. */
export async function listEvents(
  tx: TenantTx,
  tenant: TenantId,
  id: TicketId,
  { after, limit, readable }: { after: number; limit: number; readable: false | { readonly notes: boolean } },
): Promise<EventRecord[]> {
  const extra = readable
    ? sql`, ${readable.notes ? sql`c.body` : sql`case when c.kind = 'note' then null else c.body end`} as text, coalesce(
        (select a.name from agent a where a.tenant_id = e.tenant_id and e.actor = 'user/' || a.id),
        (select k.name from customer k where k.tenant_id = e.tenant_id and e.actor = 'customer/' || k.id),
        (select s.name from service_account s where s.tenant_id = e.tenant_id and e.actor = 'service/' || s.id)) as actor_name`
    : sql``;
  const { rows } = await sql<EventRecord>`
    select e.id, e.seq, e.type, e.at, e.actor, e.role, e.source, e.command_id, e.product, e.data, e.content_id as content ${extra}
    from event e ${readable ? sql`left join content c on c.tenant_id = e.tenant_id and c.id = e.content_id` : sql``}
    where e.tenant_id = ${tenant} and e.subject = ${eventSubject(id)} and e.seq > ${after}
    order by e.seq limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface MessageRecord {
  readonly id: string;
  readonly ticket: string;
  readonly version: number;
  readonly kind: 'opening' | 'message' | 'note' | 'resolution';
  readonly visibility: 'public' | 'internal';
  readonly authorKind: 'customer' | 'agent' | 'service' | 'system';
  readonly authorId: string | null;
  readonly authorName: string | null;
  readonly channel: string | null;
  readonly auto: boolean;
  readonly body: string | null;
  readonly html: string | null;
  readonly createdAt: Date;
  readonly attachments: readonly {
    readonly id: string;
    readonly name: string;
    readonly type: string;
    readonly size: number;
    readonly state: string;
  }[];
}

/** The columns of a message; `c` is its content row. */
const messageColumns = (staff: boolean): RawBuilder<unknown> => sql`
  c.id, c.ticket_id as ticket, c.seq as version, c.kind, c.visibility, c.author_kind, c.author_id, c.channel, c.auto, c.body, c.html, c.created_at,
  case c.author_kind
    when 'agent' then (select a.name from agent a where a.tenant_id = c.tenant_id and a.id = c.author_id)
    when 'customer' then (select k.name from customer k where k.tenant_id = c.tenant_id and k.id = c.author_id)
    when 'service' then (select s.name from service_account s where s.tenant_id = c.tenant_id and s.id = c.author_id)
  end as author_name,
  coalesce((
    select jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'type', f.type, 'size', f.size, 'state', f.state) order by f.id)
    from attachment f where f.tenant_id = c.tenant_id and f.content_id = c.id ${staff ? sql`` : sql`and f.state = 'clean' and f.visibility = 'public'`}
  ), '[]') as attachments`;

/**
 * Messages of tickets the reader may see, oldest first.
 *
 * @param kinds what the reader may see of them; notes belong to staff
 */
export async function listMessages(
  tx: TenantTx,
  reader: Principal,
  ids: readonly string[],
  kinds: readonly MessageRecord['kind'][],
  { after = 0, limit }: { after?: number; limit: number },
): Promise<MessageRecord[]> {
  const staff = reader.role !== 'customer';
  const { rows } = await sql<MessageRecord>`
    select m.* from unnest(${[...ids]}::text[]) as wanted(id)
    join ticket t on t.id = wanted.id and ${scoped(reader, 't')}
    cross join lateral (
      select ${messageColumns(staff)} from content c
      where c.tenant_id = ${reader.tenant} and c.ticket_id = t.id and c.kind = any(${[...kinds]}::text[]) and c.seq > ${after}
        ${staff ? sql`` : sql`and c.visibility = 'public'`}
      order by c.seq limit ${limit + 1}
    ) m
    order by m.ticket, m.version`.execute(tx);
  return rows;
}

/** One message of a ticket the reader may see, with what is planned or done to deliver it. */
export async function findMessage(
  tx: TenantTx,
  reader: Principal,
  id: string,
): Promise<(MessageRecord & { readonly deliveries: readonly DeliveryRecord[] }) | undefined> {
  const staff = reader.role !== 'customer';
  const { rows } = await sql<MessageRecord & { deliveries: StoredDelivery[] }>`
    select ${messageColumns(staff)}, ${deliveryList(reader)} as deliveries
    from content c join ticket t on t.tenant_id = c.tenant_id and t.id = c.ticket_id
    where ${scoped(reader, 't')} and c.id = ${id} ${staff ? sql`` : sql`and c.visibility = 'public'`}`.execute(tx);
  const row = rows[0];
  return row && { ...row, deliveries: row.deliveries.map(readDelivery) };
}
