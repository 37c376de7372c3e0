/** One ticket: who may see it and what of it, whether it is there, what came after it. What a reader may not see is not loaded. */
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Contact } from './directory.js';
import { currentRevision } from './policy-sets.js';
import { eventSubject } from './projection.js';
import { scoped } from './scope.js';
import { noIncludes, ticketColumns, ticketSource } from './ticket-record.js';
import type { TicketIncludes, TicketRecord } from './ticket-record.js';
import type { Principal } from '../../domain/access/principal.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import type { AgentId, CustomerId, ProductKey, TeamId, TenantId, TicketId } from '../../domain/ids.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId, asTicketId } from '../../domain/ids.js';
import type { TicketStatus } from '../../domain/ticket/status.js';
import { upToDate } from '../../domain/ticket/ticket.js';
import type { Ticket, TicketTexts } from '../../domain/ticket/ticket.js';

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

/** A ticket before a change: what its reader sees of it, and what tells how it looks afterwards. */
export interface WholeTicket extends TicketFacts {
  readonly record: TicketRecord;
  /** Which content row holds each of the record's texts. */
  readonly texts: TicketTexts;
  /** The product's own names of statuses. */
  readonly statusLabels: Readonly<Partial<Record<TicketStatus, string>>>;
  /** The product's categories; none: any will do. */
  readonly categories: readonly string[];
}

/** One ticket the reader may see, or undefined: absent and foreign look alike. */
export async function findTicket(
  tx: TenantTx,
  reader: Principal,
  id: TicketId,
  { include = noIncludes, removed = false }: { include?: TicketIncludes; removed?: boolean } = {},
): Promise<TicketRecord | undefined> {
  const { rows } = await sql<TicketRecord>`
    select ${ticketColumns(reader, include)} from ${ticketSource}
    where ${scoped(reader, 't')} and t.id = ${id} ${removed ? sql`` : sql`and t.removed_at is null`}`.execute(tx);
  return rows[0];
}

/** A ticket by its number, or by the UUID made from it. */
export type TicketKey = TicketId | { readonly uuid: string };

const keyed = (key: TicketKey): RawBuilder<SqlBool> => (typeof key === 'string' ? sql`t.id = ${key}` : sql`t.uuid = ${key.uuid}`);

/** What decides on permissions, for one ticket the reader may see; removed ones only where asked for. */
export async function findTicketFacts(
  tx: TenantTx,
  reader: Principal,
  key: TicketKey,
  { removed = false }: { removed?: boolean } = {},
): Promise<TicketFacts | undefined> {
  const { rows } = await sql<FactsRow>`
    select t.id, t.product, t.status, t.requester_id as requester, t.assignee_id as assignee, t.team_id as team, t.version, t.custom_fields,
      t.removed_at is not null as removed
    from ticket t where ${scoped(reader, 't')} and ${keyed(key)} ${removed ? sql`` : sql`and t.removed_at is null`}`.execute(tx);
  return rows[0] && factsOf(rows[0]);
}

/** The same ticket with all its reader sees of it. */
export async function findWholeTicket(
  tx: TenantTx,
  reader: Principal,
  key: TicketKey,
  { removed = false }: { removed?: boolean } = {},
): Promise<WholeTicket | undefined> {
  const { rows } = await sql<FactsRow & TicketRecord & Pick<WholeTicket, 'texts' | 'statusLabels' | 'categories'>>`
    select ${ticketColumns(reader, noIncludes)}, t.removed_at is not null as removed, t.state -> 'texts' as texts,
      coalesce(p.settings -> 'statusLabels', '{}') as status_labels, coalesce(p.settings -> 'categories', '[]') as categories
    from ${ticketSource} where ${scoped(reader, 't')} and ${keyed(key)} ${removed ? sql`` : sql`and t.removed_at is null`}`.execute(tx);
  const row = rows[0];
  if (row === undefined) return undefined;
  const { removed: _removed, texts, statusLabels, categories, ...record } = row;
  return { ...factsOf(row), record, texts, statusLabels, categories };
}

type FactsRow = Omit<TicketFacts, 'id' | 'product' | 'requester' | 'assignee' | 'team'> &
  Pick<TicketRecord, 'id' | 'product' | 'requester' | 'assignee' | 'team'>;

const factsOf = ({ id, product, status, requester, assignee, team, version, customFields, removed }: FactsRow): TicketFacts => ({
  id: asTicketId(id),
  product: asProductKey(product),
  status,
  requester: asCustomerId(requester),
  assignee: assignee === null ? null : asAgentId(assignee),
  team: team === null ? null : asTeamId(team),
  version,
  customFields,
  removed,
});

/** The scope a ticket was created under, whoever asks: to tell one's own create from a number that is taken. */
export async function findCreated(tx: TenantTx, tenant: TenantId, id: TicketId): Promise<{ scope: string } | undefined> {
  return tx.selectFrom('ticket').select('scope').where('tenantId', '=', tenant).where('id', '=', id).executeTakeFirst();
}

export interface CreateFacts {
  readonly settings: ProductSettings;
  /** Newest policy set of the tenant; 0: none. */
  readonly policySet: number;
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
    select p.settings, ${currentRevision(sql`p.tenant_id`)} as policy_set,
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
  return row === undefined ? undefined : upToDate(row.state as unknown as Ticket);
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
