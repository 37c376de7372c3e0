/** The people of a tenant who sign in to work: their names, what they may reach, and how issuers name them. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TeamId, TenantId } from '../../domain/ids.js';
import type { IssuedName } from './identity.js';

export const userRoles = ['agent', 'lead', 'admin'] as const;
export type UserRole = (typeof userRoles)[number];

/** A role, and where it counts. */
export interface Membership {
  readonly role: UserRole;
  /** Product keys; null: every product of the tenant. */
  readonly products: readonly string[] | null;
  readonly teams: readonly string[];
}

export interface UserRecord extends Membership {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  readonly identities: readonly IssuedName[];
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = sql`a.id, a.name, a.email, a.role, a.products, a.active, a.revision, a.created_at, a.updated_at,
  array(select m.team_id from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id order by m.team_id) as teams,
  coalesce((select jsonb_agg(jsonb_build_object('issuer', i.issuer, 'subject', i.subject) order by i.issuer, i.subject) from identity i
    where i.tenant_id = a.tenant_id and i.owner_kind = 'user' and i.owner_id = a.id), '[]') as identities`;

/** One person, active or not. */
export async function findUser(tx: TenantTx, tenant: TenantId, id: string): Promise<UserRecord | undefined> {
  const { rows } = await sql<UserRecord>`select ${columns} from agent a where a.tenant_id = ${tenant} and a.id = ${id}`.execute(tx);
  return rows[0];
}

/** Keeps others from changing any person of the tenant until the transaction ends: whether an admin is left is a question about all of them. */
export async function lockUsers(tx: TenantTx, tenant: TenantId): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${tenant}/users`}, 0))`.execute(tx);
}

/** Whether somebody could still do what only admins may, everywhere. */
export async function hasAdmin(tx: TenantTx, tenant: TenantId): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (select from agent where tenant_id = ${tenant} and role = 'admin' and active and products is null) as found`.execute(tx);
  return rows[0]?.found === true;
}

export interface UserFilter {
  readonly email?: string;
  readonly role?: readonly string[];
  readonly active?: boolean;
}

/** People by id, one row more than `limit` when there are others. */
export async function listUsers(
  tx: TenantTx,
  tenant: TenantId,
  { email, role, active }: UserFilter,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<UserRecord[]> {
  const { rows } = await sql<UserRecord>`
    select ${columns} from agent a where a.tenant_id = ${tenant}
      ${email === undefined ? sql`` : sql`and lower(a.email) = lower(${email})`}
      ${role === undefined ? sql`` : sql`and a.role = any(${[...role]}::text[])`}
      ${active === undefined ? sql`` : sql`and a.active = ${active}`}
      ${after === undefined ? sql`` : sql`and a.id > ${after}::uuid`}
    order by a.id limit ${limit + 1}`.execute(tx);
  return rows;
}

/** @throws a unique violation when somebody has the address */
export async function insertUser(
  tx: TenantTx,
  tenant: TenantId,
  { id, name, email, membership }: { readonly id: string; readonly name: string; readonly email: string; readonly membership: Membership },
): Promise<void> {
  const { role, products, teams } = membership;
  await tx
    .insertInto('agent')
    .values({ tenantId: tenant, id, name, email, role, products: products === null ? null : [...products] })
    .execute();
  await joinTeams(tx, tenant, id, teams);
}

/** @throws a unique violation when somebody has the address */
export async function updateUser(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  fields: { readonly name?: string; readonly email?: string; readonly active?: boolean },
): Promise<void> {
  await tx
    .updateTable('agent')
    .set((eb) => ({ ...fields, revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}

/** Takes away what the person could reach and gives this instead. */
export async function replaceMembership(tx: TenantTx, tenant: TenantId, id: string, { role, products, teams }: Membership): Promise<void> {
  await tx
    .updateTable('agent')
    .set((eb) => ({ role, products: products === null ? null : [...products], revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
  await tx.deleteFrom('teamMember').where('tenantId', '=', tenant).where('agentId', '=', id).execute();
  await joinTeams(tx, tenant, id, teams);
}

async function joinTeams(tx: TenantTx, tenant: TenantId, agentId: string, teams: readonly string[]): Promise<void> {
  if (teams.length === 0) return;
  await tx
    .insertInto('teamMember')
    .values(teams.map((teamId) => ({ tenantId: tenant, teamId, agentId })))
    .execute();
}

/** Of these, those that do not exist. */
export async function unknownAmong(
  tx: TenantTx,
  tenant: TenantId,
  {
    products = [],
    teams = [],
    agents = [],
  }: { readonly products?: readonly string[]; readonly teams?: readonly string[]; readonly agents?: readonly string[] },
): Promise<{ readonly products: readonly string[]; readonly teams: readonly string[]; readonly agents: readonly string[] }> {
  const { rows } = await sql<{ products: string[]; teams: string[]; agents: string[] }>`select
    array(select unnest(${[...products]}::text[]) except select key from product where tenant_id = ${tenant}) as products,
    array(select unnest(${[...teams]}::uuid[]) except select id from team where tenant_id = ${tenant}) as teams,
    array(select unnest(${[...agents]}::uuid[]) except select id from agent where tenant_id = ${tenant}) as agents`.execute(tx);
  return rows[0] ?? { products: [], teams: [], agents: [] };
}

/** @throws a unique violation when a team has the name */
export async function insertTeam(
  tx: TenantTx,
  tenant: TenantId,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<void> {
  await tx.insertInto('team').values({ tenantId: tenant, id, name }).execute();
}

/** Writes the next revision. @returns false when `expected` is not the present one; @throws a unique violation when a team has the name */
export async function updateTeam(
  tx: TenantTx,
  tenant: TenantId,
  id: TeamId,
  expected: number,
  { name }: { readonly name?: string } = {},
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('team')
    .set((eb) => ({ ...(name === undefined ? {} : { name }), revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('revision', '=', expected)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Makes these the members of a team. @returns those who came or went */
export async function replaceMembers(tx: TenantTx, tenant: TenantId, team: TeamId, agents: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ agentId: string }>`
    with gone as (
      delete from team_member where tenant_id = ${tenant} and team_id = ${team} and agent_id <> all(${[...agents]}::uuid[]) returning agent_id
    ), come as (
      insert into team_member (tenant_id, team_id, agent_id) select ${tenant}, ${team}, unnest(${[...agents]}::uuid[])
      on conflict do nothing returning agent_id
    ), moved as (
      select agent_id from gone union select agent_id from come
    ), touched as (
      update agent set revision = revision + 1, updated_at = now() where tenant_id = ${tenant} and id in (select agent_id from moved)
    )
    select agent_id from moved order by agent_id`.execute(tx);
  return rows.map((row) => row.agentId);
}
