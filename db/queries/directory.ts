/** People: who holds a key, agents, teams, customers. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { auditEntry, auditInsert } from './audit.js';
import type { Accountable } from './audit.js';
import { scoped } from './scope.js';
import type { Principal, Scope } from '../../domain/access/principal.js';
import { scopes } from '../../domain/access/principal.js';
import { asCustomerId, asProductKey, asTeamId, asTenantId } from '../../domain/ids.js';
import type { AgentId, CustomerId, ProductKey, TeamId, TenantId } from '../../domain/ids.js';

export interface KeyRecord {
  readonly tenant: TenantId;
  readonly id: string;
  readonly ownerKind: 'user' | 'customer' | 'service';
  readonly ownerId: string;
  /** Of those the owner's account has; null: all of them. */
  readonly scopes: readonly string[] | null;
  readonly products: readonly string[] | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** Networks it may be used from; null: from anywhere. */
  readonly addresses: readonly string[] | null;
}

/** The key with this SHA-256; the one question that is asked before the tenant is known. */
export async function findApiKey(db: Db, hash: Buffer): Promise<KeyRecord | undefined> {
  const { rows } = await sql<Omit<KeyRecord, 'tenant'> & { tenantId: string }>`select * from find_api_key(${hash})`.execute(db);
  const row = rows[0];
  return row === undefined ? undefined : { ...row, tenant: asTenantId(row.tenantId) };
}

/** Notes that a key is in use, to the minute. */
export async function touchApiKey(tx: TenantTx, tenant: TenantId, id: string): Promise<void> {
  await sql`update api_key set last_used_at = date_trunc('minute', now())
    where tenant_id = ${tenant} and id = ${id} and (last_used_at is null or last_used_at < date_trunc('minute', now()))`.execute(tx);
}

const knownScopes = (names: readonly string[]): Scope[] => scopes.filter((scope) => names.includes(scope));

const allOr = (products: readonly string[] | null): readonly ProductKey[] | '*' => (products === null ? '*' : products.map(asProductKey));

/** The person or account behind a key with what it may reach; undefined when it is gone or no longer active. */
export async function findPrincipal(
  tx: TenantTx,
  { tenant, ownerKind, ownerId }: Pick<KeyRecord, 'tenant' | 'ownerKind' | 'ownerId'>,
): Promise<Principal | undefined> {
  const base = { tenant, id: ownerId, actor: `${ownerKind}/${ownerId}`, teams: [], scopes: [], actingFor: null };
  switch (ownerKind) {
    case 'user': {
      const { rows } = await sql<{ role: 'agent' | 'lead' | 'admin'; products: string[] | null; teams: string[] }>`
        select role, products, array(select m.team_id from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id) as teams
        from agent a where a.tenant_id = ${tenant} and a.id = ${ownerId} and a.active`.execute(tx);
      const row = rows[0];
      return row && { ...base, role: row.role, products: allOr(row.products), teams: row.teams.map(asTeamId) };
    }
    case 'customer': {
      const row = await tx
        .selectFrom('customer')
        .select('id')
        .where('tenantId', '=', tenant)
        .where('id', '=', ownerId)
        .where('deletedAt', 'is', null)
        .executeTakeFirst();
      return row && { ...base, role: 'customer', products: '*' };
    }
    case 'service': {
      const row = await tx
        .selectFrom('serviceAccount')
        .select(['scopes', 'products'])
        .where('tenantId', '=', tenant)
        .where('id', '=', ownerId)
        .where('active', '=', true)
        .executeTakeFirst();
      return row && { ...base, role: 'service', products: allOr(row.products), scopes: knownScopes(row.scopes) };
    }
  }
}

export interface AgentRecord {
  readonly id: AgentId;
  readonly name: string;
  readonly email: string;
  readonly role: 'agent' | 'lead' | 'admin';
  readonly products: readonly string[] | null;
  readonly teams: readonly TeamId[];
  readonly active: boolean;
  readonly createdAt: Date;
}

const agentColumns = sql`a.id, a.name, a.email, a.role, a.products, a.active, a.created_at,
  array(select m.team_id from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id order by m.team_id) as teams`;

/** One agent, active or not. */
export async function findAgent(tx: TenantTx, tenant: TenantId, id: string): Promise<AgentRecord | undefined> {
  const { rows } = await sql<AgentRecord>`select ${agentColumns} from agent a where a.tenant_id = ${tenant} and a.id = ${id}`.execute(tx);
  return rows[0];
}

/** Agents by id, one row more than `limit` when there are others. */
export async function listAgents(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit, team }: { after?: string; limit: number; team?: string },
): Promise<AgentRecord[]> {
  const { rows } = await sql<AgentRecord>`
    select ${agentColumns} from agent a where a.tenant_id = ${tenant}
    ${after === undefined ? sql`` : sql`and a.id > ${after}::uuid`}
    ${team === undefined ? sql`` : sql`and exists (select from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id and m.team_id = ${team})`}
    order by a.id limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface TeamRecord {
  readonly id: TeamId;
  readonly name: string;
  readonly members: readonly string[];
  readonly revision: number;
  readonly createdAt: Date;
}

const teamColumns = sql`t.id, t.name, t.revision, t.created_at,
  array(select m.agent_id from team_member m where m.tenant_id = t.tenant_id and m.team_id = t.id order by m.agent_id) as members`;

export async function findTeam(tx: TenantTx, tenant: TenantId, id: string): Promise<TeamRecord | undefined> {
  const { rows } = await sql<TeamRecord>`select ${teamColumns} from team t where t.tenant_id = ${tenant} and t.id = ${id}`.execute(tx);
  return rows[0];
}

/** Teams by id, one row more than `limit` when there are others. */
export async function listTeams(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { after?: string; limit: number },
): Promise<TeamRecord[]> {
  const { rows } = await sql<TeamRecord>`
    select ${teamColumns} from team t where t.tenant_id = ${tenant} ${after === undefined ? sql`` : sql`and t.id > ${after}::uuid`}
    order by t.id limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface Assignment {
  readonly agent: {
    readonly role: string;
    readonly products: readonly string[] | null;
    readonly teams: readonly string[];
    readonly active: boolean;
  } | null;
  readonly teamExists: boolean;
}

/** What an assignment refers to, in one look: the agent with its reach, and whether the team exists. */
export async function findAssignment(
  tx: TenantTx,
  tenant: TenantId,
  { agent, team }: { agent: string | null; team: string | null },
): Promise<Assignment> {
  const { rows } = await sql<Assignment>`
    select
      (select jsonb_build_object('role', a.role, 'products', a.products, 'active', a.active,
          'teams', array(select m.team_id from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id))
        from agent a where a.tenant_id = ${tenant} and a.id = ${agent}::uuid) as agent,
      exists (select from team t where t.tenant_id = ${tenant} and t.id = ${team}::uuid) as team_exists`.execute(tx);
  return rows[0] ?? { agent: null, teamExists: false };
}

export const contactKinds = ['email', 'phone'] as const;
export type ContactKind = (typeof contactKinds)[number];

export interface Contact {
  readonly kind: ContactKind;
  readonly value: string;
}

export interface CustomerRecord {
  readonly id: CustomerId;
  readonly name: string | null;
  readonly externalId: string | null;
  /** What the tenant promises this customer; service-level policies may ask for it. */
  readonly tier: string | null;
  readonly contacts: readonly (Contact & { readonly verified: boolean; readonly bounced: boolean })[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const customerColumns = sql`c.id, c.name, c.external_id, c.tier, c.created_at, c.updated_at, coalesce((
  select jsonb_agg(jsonb_build_object('kind', k.kind, 'value', k.value, 'verified', k.verified, 'bounced', k.bounced) order by k.kind, k.value)
  from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id), '[]') as contacts`;

/** One customer who is not deleted. */
export async function findCustomer(tx: TenantTx, tenant: TenantId, id: string): Promise<CustomerRecord | undefined> {
  const { rows } = await sql<CustomerRecord>`
    select ${customerColumns} from customer c where c.tenant_id = ${tenant} and c.id = ${id} and c.deleted_at is null`.execute(tx);
  return rows[0];
}

export interface CustomerFilter {
  /** Part of a name, or the beginning of an address or number. */
  readonly text?: string;
  readonly email?: string;
  readonly phone?: string;
  readonly externalId?: string;
  readonly id?: string;
}

/** Customers, newest first; one row more than `limit` when there are others. */
export async function listCustomers(
  tx: TenantTx,
  tenant: TenantId,
  filter: CustomerFilter,
  { after, limit }: { after?: { readonly position: string; readonly id: string }; limit: number },
): Promise<(CustomerRecord & { readonly position: string })[]> {
  const text = filter.text === undefined ? undefined : literalPattern(filter.text);
  const { rows } = await sql<CustomerRecord & { position: string }>`
    select ${customerColumns}, to_char(c.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position
    from customer c
    where c.tenant_id = ${tenant} and c.deleted_at is null
      ${filter.id === undefined ? sql`` : sql`and c.id = ${filter.id}`}
      ${filter.externalId === undefined ? sql`` : sql`and c.external_id = ${filter.externalId}`}
      ${withContact('email', filter.email)} ${withContact('phone', filter.phone)}
      ${
        text === undefined
          ? sql``
          : sql`and (c.name ilike ${`%${text}%`} or exists (
              select from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.value ilike ${`${text}%`}))`
      }
      ${after === undefined ? sql`` : sql`and (c.created_at, c.id) < (${after.position}::text::timestamptz, ${after.id}::uuid)`}
    order by c.created_at desc, c.id desc limit ${limit + 1}`.execute(tx);
  return rows;
}

/** A condition on the customer `c`. */
const withContact = (kind: ContactKind, value: string | undefined): RawBuilder<unknown> =>
  value === undefined
    ? sql``
    : sql`and exists (select from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.kind = ${kind} and k.value = ${value})`;

/** Text that LIKE takes literally. */
const literalPattern = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`);

/** Customers by their contact points, each in the form it is stored in. */
export async function customersByContact(
  tx: TenantTx,
  tenant: TenantId,
  contacts: readonly Contact[],
): Promise<(Contact & { readonly customer: CustomerId })[]> {
  if (contacts.length === 0) return [];
  const { rows } = await sql<{ kind: ContactKind; value: string; customer: string }>`
    select k.kind, k.value, k.customer_id as customer from customer_contact k
    join jsonb_to_recordset(${JSON.stringify(contacts)}::jsonb) as w(kind text, value text) on k.kind = w.kind and k.value = w.value
    where k.tenant_id = ${tenant}`.execute(tx);
  return rows.map((row) => ({ ...row, customer: asCustomerId(row.customer) }));
}

export interface NewCustomer {
  readonly id: CustomerId;
  readonly name: string | null;
  readonly externalId: string | null;
  readonly tier?: string;
  readonly contacts: readonly Contact[];
}

/** New customers, and who answers for their being here. */
export interface Newcomers {
  readonly people: readonly NewCustomer[];
  readonly by: Accountable;
}

/**
 * Stores customers with their contact points, as the first parts of a WITH; nothing of it when a contact or external id belongs to somebody.
 *
 * @param condition nothing is written unless it holds
 */
export const customerInserts = ({ by, people }: Newcomers, condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  newcomer as (
    select * from jsonb_to_recordset(${JSON.stringify(people)}::jsonb) as g(id uuid, name text, "externalId" text, tier text, contacts jsonb) where ${condition}
  ), person as (
    insert into customer (tenant_id, id, name, external_id, tier) select ${by.tenant}, id, name, "externalId", tier from newcomer returning id
  ), contact as (
    insert into customer_contact (tenant_id, customer_id, kind, value)
    select ${by.tenant}, g.id, k.kind, k.value from newcomer g join person p on p.id = g.id, jsonb_to_recordset(g.contacts) as k(kind text, value text)
  ), welcomed as (
    ${auditInsert(
      by.tenant,
      people.map(({ id }) => auditEntry(by, { action: 'customer.created', subject: `customer/${id}` })),
      sql`where ${condition}`,
    )}
  )`;

/** As `customerInserts`, by itself. */
export async function insertCustomers(tx: TenantTx, newcomers: Newcomers): Promise<void> {
  if (newcomers.people.length > 0) await sql`with ${customerInserts(newcomers, sql`true`)} select 1`.execute(tx);
}

export interface CustomerEvent {
  readonly id: string;
  readonly at: Date;
  readonly position: string;
  readonly kind: 'ticket' | 'message';
  readonly ticket: string;
  readonly product: string;
  readonly subject: string | null;
  readonly status: string | null;
  readonly author: 'customer' | 'agent' | 'service' | 'system' | null;
  readonly text: string | null;
}

/** A customer's tickets and their public messages in one line of time, newest first, as far as the reader may see the tickets. */
export async function customerHistory(
  tx: TenantTx,
  reader: Principal,
  customer: string,
  { after, limit }: { after?: { readonly position: string; readonly id: string }; limit: number },
): Promise<CustomerEvent[]> {
  const { rows } = await sql<CustomerEvent>`
    with mine as (
      select t.id, t.product, t.subject, t.status, t.created_at from ticket t
      where ${scoped(reader, 't')} and t.requester_id = ${customer} and t.removed_at is null
    ), line as (
      select m.id as id, m.created_at as at, 'ticket' as kind, m.id as ticket, m.product, m.subject, m.status, null as author, null as text from mine m
      union all
      select c.id::text, c.created_at, 'message', m.id, m.product, null, null, c.author_kind, c.body
      from mine m join content c on c.tenant_id = ${reader.tenant} and c.ticket_id = m.id
      where c.kind in ('message', 'resolution') and c.visibility = 'public'
    )
    select line.*, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position from line
    ${after === undefined ? sql`` : sql`where (at, id) < (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by at desc, id desc limit ${limit + 1}`.execute(tx);
  return rows;
}
