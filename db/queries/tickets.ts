/** What people read of tickets. What a reader may not see is not loaded. */
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { TenantTx } from '../client.js';
import { deliveryList, readDelivery } from './deliveries.js';
import type { DeliveryRecord, StoredDelivery } from './deliveries.js';
import type { Contact } from './directory.js';
import { scoped } from './scope.js';
import { eventSubject } from './projection.js';
import type { Principal } from '../../domain/access/principal.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import type { AgentId, CustomerId, ProductKey, TeamId, TenantId, TicketId } from '../../domain/ids.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId, asTicketId } from '../../domain/ids.js';
import type { Priority, TicketStatus } from '../../domain/ticket/status.js';
import type { Ticket } from '../../domain/ticket/ticket.js';

/** The few facts of a ticket that decide who may do what with it. */
export interface TicketFacts {
  readonly id: TicketId;
  readonly product: ProductKey;
  readonly status: TicketStatus;
  readonly requester: CustomerId;
  readonly assignee: AgentId | null;
  readonly team: TeamId | null;
  readonly version: number;
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly removed: boolean;
}

/** A ticket as stored, for its public view; instants as dates. */
export interface TicketRecord {
  readonly id: string;
  readonly product: string;
  readonly subject: string | null;
  readonly description: string | null;
  readonly status: TicketStatus;
  /** The product's own name of the status; null: the usual one. */
  readonly statusLabel: string | null;
  readonly priority: Priority;
  readonly category: string | null;
  readonly channel: string;
  readonly tags: readonly string[];
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly requester: string;
  readonly assignee: string | null;
  readonly team: string | null;
  readonly firstResponseAt: Date | null;
  readonly resolvedAt: Date | null;
  readonly closedAt: Date | null;
  readonly reopenUntil: Date | null;
  readonly followUpOf: string | null;
  readonly followUps: readonly string[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Staff only. */
  readonly escalationLevel?: number;
  readonly slaState?: string;
  readonly dueAt?: Date | null;
  readonly removedAt?: Date | null;
  /** Only when asked for. */
  readonly requesterDetails?: {
    readonly id: string;
    readonly name: string | null;
    readonly emails: readonly string[];
    readonly phones: readonly string[];
  };
  readonly assigneeDetails?: { readonly id: string; readonly name: string; readonly email?: string } | null;
  /** The sort key of the row, for the cursor. */
  readonly position: string;
}

export const ticketSorts = ['createdAt', 'updatedAt', 'priority'] as const;
export type TicketSort = (typeof ticketSorts)[number];

/** Each condition narrows; lists mean "one of". */
export interface TicketFilter {
  readonly product?: readonly string[];
  readonly status?: readonly string[];
  readonly priority?: readonly string[];
  readonly channel?: readonly string[];
  readonly category?: readonly string[];
  readonly team?: readonly string[];
  /** Agent ids; null stands for nobody. */
  readonly assignee?: readonly (string | null)[];
  readonly requester?: readonly string[];
  readonly tag?: readonly string[];
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  readonly updatedFrom?: Date;
  readonly updatedBefore?: Date;
  readonly customFields?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly includeRemoved?: boolean;
}

export interface TicketPage {
  readonly sort: TicketSort;
  readonly descending: boolean;
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly position: string; readonly id: string };
}

export interface TicketIncludes {
  readonly requester: boolean;
  readonly assignee: boolean;
}

/** Most hits of a full-text search that are looked at, newest first. */
const mostHits = 5_000;
export const mostCounted = 10_000;

const isStaff = (reader: Principal): boolean => reader.role !== 'customer';

/** The columns of the view; `t` is the ticket, `p` its product. Cursors carry the position as text, to the microsecond. */
function columns(reader: Principal, sort: TicketSort, include: TicketIncludes): RawBuilder<unknown> {
  const positions: Record<TicketSort, RawBuilder<unknown>> = {
    createdAt: sql`to_char(t.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
    updatedAt: sql`to_char(t.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
    priority: sql`t.priority_rank::text`,
  };
  const own = isStaff(reader) ? sql`` : sql` and f.requester_id = ${reader.id}`;
  return sql`
    t.id, t.product, t.subject, t.description, t.status, p.settings -> 'statusLabels' ->> t.status as status_label, t.priority, t.category,
    t.channel, t.tags, t.custom_fields, t.requester_id as requester, t.assignee_id as assignee, t.team_id as team, t.first_response_at,
    t.resolved_at, t.closed_at, t.reopen_until, t.follow_up_of, t.version, t.created_at, t.updated_at, ${positions[sort]} as position,
    array(select f.id from ticket f where f.tenant_id = t.tenant_id and f.follow_up_of = t.id and f.removed_at is null${own} order by f.id) as follow_ups
    ${isStaff(reader) ? sql`, t.escalation_level, t.sla_state, t.due_at, t.removed_at` : sql``}
    ${include.requester ? sql`, ${requesterObject(reader)} as requester_details` : sql``}
    ${include.assignee ? sql`, ${assigneeObject(reader)} as assignee_details` : sql``}`;
}

const requesterObject = (reader: Principal): RawBuilder<unknown> => sql`(
  select jsonb_build_object('id', c.id, 'name', c.name,
    'emails', coalesce((select jsonb_agg(k.value order by k.value) from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.kind = 'email'), '[]'),
    'phones', coalesce((select jsonb_agg(k.value order by k.value) from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.kind = 'phone'), '[]'))
  from customer c where c.tenant_id = ${reader.tenant} and c.id = t.requester_id)`;

const assigneeObject = (reader: Principal): RawBuilder<unknown> => sql`(
  select jsonb_build_object('id', a.id, 'name', a.name) ${isStaff(reader) ? sql`|| jsonb_build_object('email', a.email)` : sql``}
  from agent a where a.tenant_id = ${reader.tenant} and a.id = t.assignee_id)`;

const source = sql`ticket t join product p on p.tenant_id = t.tenant_id and p.key = t.product`;

const noIncludes: TicketIncludes = { requester: false, assignee: false };

/** One ticket the reader may see, or undefined: absent and foreign look alike. */
export async function findTicket(
  tx: TenantTx,
  reader: Principal,
  id: TicketId,
  { include = noIncludes, removed = false }: { include?: TicketIncludes; removed?: boolean } = {},
): Promise<TicketRecord | undefined> {
  const { rows } = await sql<TicketRecord>`
    select ${columns(reader, 'updatedAt', include)} from ${source}
    where ${scoped(reader, 't')} and t.id = ${id} ${removed ? sql`` : sql`and t.removed_at is null`}`.execute(tx);
  return rows[0];
}

/** One page of the tickets the reader may see; one row more than `limit` when there is a next page. */
export async function listTickets(
  tx: TenantTx,
  reader: Principal,
  filter: TicketFilter,
  { sort, descending, limit, after }: TicketPage,
  include: TicketIncludes,
): Promise<TicketRecord[]> {
  const column: Record<TicketSort, RawBuilder<unknown>> = {
    createdAt: sql`t.created_at`,
    updatedAt: sql`t.updated_at`,
    priority: sql`t.priority_rank`,
  };
  const type: Record<TicketSort, RawBuilder<unknown>> = {
    createdAt: sql`timestamptz`,
    updatedAt: sql`timestamptz`,
    priority: sql`smallint`,
  };
  const direction = descending ? sql`desc` : sql`asc`;
  const rest =
    after === undefined
      ? sql``
      : sql`and (${column[sort]}, t.id) ${descending ? sql`<` : sql`>`} (${after.position}::text::${type[sort]}, ${after.id}::text)`;
  const { rows } = await sql<TicketRecord>`
    select ${columns(reader, sort, include)} from ${source}
    where ${scoped(reader, 't')} ${conditions(reader, filter)} ${rest}
    order by ${column[sort]} ${direction}, t.id ${direction} limit ${limit + 1}`.execute(tx);
  return rows;
}

/** How many tickets match, counted up to one more than `mostCounted`. */
export async function countTickets(tx: TenantTx, reader: Principal, filter: TicketFilter): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (
      select 1 from ticket t where ${scoped(reader, 't')} ${conditions(reader, filter)} limit ${mostCounted + 1}
    ) as counted`.execute(tx);
  return rows[0]?.count ?? 0;
}

const among = (column: RawBuilder<unknown>, values: readonly string[] | undefined, type: RawBuilder<unknown>): RawBuilder<SqlBool>[] =>
  values === undefined ? [] : [sql<SqlBool>`${column} = any(${[...values]}::${type}[])`];

function conditions(reader: Principal, filter: TicketFilter): RawBuilder<unknown> {
  const parts: RawBuilder<SqlBool>[] = [
    ...(filter.includeRemoved === true ? [] : [sql<SqlBool>`t.removed_at is null`]),
    ...among(sql`t.product`, filter.product, sql`text`),
    ...among(sql`t.status`, filter.status, sql`text`),
    ...among(sql`t.priority`, filter.priority, sql`text`),
    ...among(sql`t.channel`, filter.channel, sql`text`),
    ...among(sql`t.category`, filter.category, sql`text`),
    ...among(sql`t.team_id`, filter.team, sql`uuid`),
    ...among(sql`t.requester_id`, filter.requester, sql`uuid`),
    ...(filter.assignee === undefined ? [] : [assignedTo(filter.assignee)]),
    ...(filter.tag === undefined ? [] : [sql<SqlBool>`t.tags && ${[...filter.tag]}::text[]`]),
    ...(filter.createdFrom === undefined ? [] : [sql<SqlBool>`t.created_at >= ${filter.createdFrom}`]),
    ...(filter.createdBefore === undefined ? [] : [sql<SqlBool>`t.created_at < ${filter.createdBefore}`]),
    ...(filter.updatedFrom === undefined ? [] : [sql<SqlBool>`t.updated_at >= ${filter.updatedFrom}`]),
    ...(filter.updatedBefore === undefined ? [] : [sql<SqlBool>`t.updated_at < ${filter.updatedBefore}`]),
    ...Object.entries(filter.customFields ?? {}).map(([key, value]) => sql<SqlBool>`t.custom_fields ->> ${key}::text = ${value}`),
    ...(filter.text === undefined
      ? []
      : [sql<SqlBool>`t.id in (select search_tickets(${reader.tenant}::uuid, ${filter.text}, ${mostHits}))`]),
  ];
  return parts.reduce<RawBuilder<unknown>>((all, part) => sql`${all} and ${part}`, sql``);
}

function assignedTo(ids: readonly (string | null)[]): RawBuilder<SqlBool> {
  const agents = ids.filter((id) => id !== null);
  const some = sql<SqlBool>`t.assignee_id = any(${agents}::uuid[])`;
  return ids.includes(null) ? sql<SqlBool>`(t.assignee_id is null or ${some})` : some;
}

/** What decides on permissions, for one ticket the reader may see; removed ones only where asked for. */
export async function findTicketFacts(
  tx: TenantTx,
  reader: Principal,
  id: TicketId | { readonly uuid: string },
  { removed = false }: { removed?: boolean } = {},
): Promise<TicketFacts | undefined> {
  const which = typeof id === 'string' ? sql`t.id = ${id}` : sql`t.uuid = ${id.uuid}`;
  const { rows } = await sql<
    Omit<TicketFacts, 'id'> & { id: string; product: string; requester: string; assignee: string | null; team: string | null }
  >`
    select t.id, t.product, t.status, t.requester_id as requester, t.assignee_id as assignee, t.team_id as team, t.version, t.custom_fields,
      t.removed_at is not null as removed
    from ticket t where ${scoped(reader, 't')} and ${which} ${removed ? sql`` : sql`and t.removed_at is null`}`.execute(tx);
  const row = rows[0];
  return row === undefined
    ? undefined
    : {
        ...row,
        id: asTicketId(row.id),
        product: asProductKey(row.product),
        requester: asCustomerId(row.requester),
        assignee: row.assignee === null ? null : asAgentId(row.assignee),
        team: row.team === null ? null : asTeamId(row.team),
      };
}

/** The scope a ticket was created under, whoever asks: to tell one's own create from a number that is taken. */
export async function findCreated(tx: TenantTx, tenant: TenantId, id: TicketId): Promise<{ scope: string } | undefined> {
  return tx.selectFrom('ticket').select('scope').where('tenantId', '=', tenant).where('id', '=', id).executeTakeFirst();
}

export interface CreateFacts {
  readonly settings: ProductSettings;
  /** Whether the customer named by id is there. */
  readonly customerExists: boolean;
  /** Who has which of the given contact points. */
  readonly contacts: readonly (Contact & { readonly customer: CustomerId })[];
  /** The scope behind the number the create would take first; null: the number is free. */
  readonly takenBy: string | null;
}

/** All a create has to know, in one look; undefined when there is no such product. */
export async function findCreateFacts(
  tx: TenantTx,
  tenant: TenantId,
  { product, customer, contacts, ticketId }: { product: string; customer: string | null; contacts: readonly Contact[]; ticketId: TicketId },
): Promise<CreateFacts | undefined> {
  const { rows } = await sql<Omit<CreateFacts, 'settings'> & { settings: unknown }>`
    select p.settings,
      exists (select from customer c where c.tenant_id = p.tenant_id and c.id = ${customer}::uuid and c.deleted_at is null) as customer_exists,
      coalesce((
        select jsonb_agg(jsonb_build_object('kind', k.kind, 'value', k.value, 'customer', k.customer_id))
        from customer_contact k join jsonb_to_recordset(${JSON.stringify(contacts)}::jsonb) as w(kind text, value text) on k.kind = w.kind and k.value = w.value
        where k.tenant_id = p.tenant_id
      ), '[]') as contacts,
      (select t.scope from ticket t where t.tenant_id = p.tenant_id and t.id = ${ticketId}) as taken_by
    from product p where p.tenant_id = ${tenant} and p.key = ${product}`.execute(tx);
  const row = rows[0];
  return row === undefined ? undefined : { ...row, settings: ProductSettings.parse(row.settings) };
}

/** Whether a command is in the log already, and what continues a ticket that is over. */
export async function lookAfterEnd(
  tx: TenantTx,
  tenant: TenantId,
  id: TicketId,
  commandId: string,
): Promise<{ exists: boolean; done: boolean; followUp: string | null }> {
  const { rows } = await sql<{ exists: boolean; done: boolean; followUp: string | null }>`
    select exists (select from ticket where tenant_id = ${tenant} and id = ${id}) as exists,
      exists (select from event where tenant_id = ${tenant} and subject = ${eventSubject(id)} and command_id = ${commandId}) as done,
      (select f.id from ticket f where f.tenant_id = ${tenant} and f.follow_up_of = ${id} and f.removed_at is null
        order by f.created_at desc limit 1) as follow_up`.execute(tx);
  return rows[0] ?? { exists: false, done: false, followUp: null };
}

/** Locks a ticket whose workflow is over, for a change the API makes itself. */
export async function lockTicket(tx: TenantTx, tenant: TenantId, id: TicketId): Promise<Ticket | undefined> {
  const row = await tx
    .selectFrom('ticket')
    .select('state')
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  // The column is written by the projection alone, from a Ticket.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return row === undefined ? undefined : (row.state as unknown as Ticket);
}

export interface EventRecord {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly source: string;
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
    select e.id, e.seq, e.type, e.at, e.actor, e.role, e.source, e.data, e.content_id as content ${extra}
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
  const staff = isStaff(reader);
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
  const staff = isStaff(reader);
  const { rows } = await sql<MessageRecord & { deliveries: StoredDelivery[] }>`
    select ${messageColumns(staff)}, ${deliveryList(reader)} as deliveries
    from content c join ticket t on t.tenant_id = c.tenant_id and t.id = c.ticket_id
    where ${scoped(reader, 't')} and c.id = ${id} ${staff ? sql`` : sql`and c.visibility = 'public'`}`.execute(tx);
  const row = rows[0];
  return row && { ...row, deliveries: row.deliveries.map(readDelivery) };
}

/** Other tickets by number, as much as the reader may see of them. */
export async function linkedTickets(
  tx: TenantTx,
  reader: Principal,
  ids: readonly string[],
): Promise<{ id: string; subject: string | null; status: TicketStatus; product: string }[]> {
  const { rows } = await sql<{ id: string; subject: string | null; status: TicketStatus; product: string }>`
    select t.id, t.subject, t.status, t.product from ticket t
    where ${scoped(reader, 't')} and t.removed_at is null and t.id = any(${[...ids]}::text[])`.execute(tx);
  return rows;
}
