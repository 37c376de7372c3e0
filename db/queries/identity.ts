/** Identity providers of a tenant, and the people it knows by them. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import type { KnownPeople, TokenAlgorithm, TokenType } from '../../domain/access/token.js';
import { tokenAlgorithms } from '../../domain/access/token.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';

/** How tokens of one issuer are checked for one tenant. */
export interface TrustedIssuer {
  readonly tenant: TenantId;
  readonly tenantKey: string;
  readonly id: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly TokenAlgorithm[];
  /** Null: as the issuer's discovery document says. */
  readonly jwksUri: string | null;
  readonly tokenType: TokenType;
  readonly leewayS: number;
  readonly people: KnownPeople;
  readonly linkByEmail: boolean;
  readonly revision: number;
}

const known = (names: readonly string[]): TokenAlgorithm[] => tokenAlgorithms.filter((name) => names.includes(name));

/** Active providers with this issuer, of all tenants: asked before the tenant is known. */
export async function findTrustedIssuers(db: Db, issuer: string): Promise<TrustedIssuer[]> {
  const { rows } = await sql<TrustedIssuer & { tenantId: string }>`select * from find_identity_providers(${issuer})`.execute(db);
  return rows.map((row) => ({ ...row, tenant: asTenantId(row.tenantId), algorithms: known(row.algorithms) }));
}

export interface ProviderFields {
  readonly name: string;
  readonly audience: string;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly jwksUri: string | null;
  readonly tokenType: TokenType;
  readonly leewayS: number;
  readonly people: KnownPeople;
  readonly linkByEmail: boolean;
  readonly active: boolean;
}

export interface ProviderRecord extends ProviderFields {
  readonly id: string;
  readonly issuer: string;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = sql`id, name, issuer, audience, algorithms, jwks_uri, token_type, leeway_s, people, link_by_email, active, revision, created_at, updated_at`;
const read = (row: ProviderRecord): ProviderRecord => ({ ...row, algorithms: known(row.algorithms) });

/** One provider; `lock` keeps others from changing it until the transaction ends. */
export async function findProvider(tx: TenantTx, tenant: TenantId, id: string, lock = false): Promise<ProviderRecord | undefined> {
  const { rows } = await sql<ProviderRecord>`
    select ${columns} from identity_provider where tenant_id = ${tenant} and id = ${id} ${lock ? sql`for update` : sql``}`.execute(tx);
  return rows[0] && read(rows[0]);
}

/** Providers by id, one row more than `limit` when there are others. */
export async function listProviders(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<ProviderRecord[]> {
  const { rows } = await sql<ProviderRecord>`
    select ${columns} from identity_provider where tenant_id = ${tenant} ${after === undefined ? sql`` : sql`and id > ${after}::uuid`}
    order by id limit ${limit + 1}`.execute(tx);
  return rows.map(read);
}

/** @throws a unique violation when the tenant has this issuer already */
export async function insertProvider(
  tx: TenantTx,
  tenant: TenantId,
  { algorithms, ...fields }: ProviderFields & { readonly id: string; readonly issuer: string },
): Promise<void> {
  await tx
    .insertInto('identityProvider')
    .values({ tenantId: tenant, ...fields, algorithms: [...algorithms] })
    .execute();
}

/** Writes the next revision. */
export async function updateProvider(tx: TenantTx, tenant: TenantId, id: string, { algorithms, ...fields }: ProviderFields): Promise<void> {
  await tx
    .updateTable('identityProvider')
    .set((eb) => ({ ...fields, algorithms: [...algorithms], revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}

/** Whom the tenant knew by it, it knows no more: whoever takes the issuer's name later begins anew. */
export async function deleteProvider(tx: TenantTx, tenant: TenantId, { id, issuer }: Pick<ProviderRecord, 'id' | 'issuer'>): Promise<void> {
  await tx.deleteFrom('identity').where('tenantId', '=', tenant).where('issuer', '=', issuer).execute();
  await tx.deleteFrom('identityProvider').where('tenantId', '=', tenant).where('id', '=', id).execute();
}

export interface Owner {
  readonly ownerKind: 'user' | 'customer';
  readonly ownerId: string;
}

export interface IssuedName {
  readonly issuer: string;
  readonly subject: string;
}

/** Whom an issuer means by a subject; undefined: nobody the tenant knows. */
export async function findIdentity(tx: TenantTx, tenant: TenantId, { issuer, subject }: IssuedName): Promise<Owner | undefined> {
  const { rows } = await sql<Owner>`
    select owner_kind, owner_id from identity where tenant_id = ${tenant} and issuer = ${issuer} and subject = ${subject}`.execute(tx);
  return rows[0];
}

/**
 * The person with this address whom the issuer has not named yet: who has a name there keeps it, also when another comes with the address.
 *
 * @returns undefined when there is none, or more than one customer has the address in some spelling
 */
export async function findUnnamed(
  tx: TenantTx,
  tenant: TenantId,
  { issuer, email, people }: { readonly issuer: string; readonly email: string; readonly people: KnownPeople },
): Promise<Owner | undefined> {
  const free = (kind: 'user' | 'customer', id: 'a.id' | 'k.customer_id') => sql`not exists (
    select from identity i where i.tenant_id = ${tenant} and i.issuer = ${issuer} and i.owner_kind = ${kind} and i.owner_id = ${sql.ref(id)})`;
  if (people !== 'customers') {
    const { rows } = await sql<{ id: string }>`
      select a.id from agent a where a.tenant_id = ${tenant} and lower(a.email) = ${email} and a.active and ${free('user', 'a.id')} limit 2`.execute(
      tx,
    );
    if (rows[0] !== undefined) return rows.length === 1 ? { ownerKind: 'user', ownerId: rows[0].id } : undefined;
  }
  if (people === 'users') return undefined;
  const { rows } = await sql<{ id: string }>`
    select k.customer_id as id from customer_contact k join customer c on c.tenant_id = k.tenant_id and c.id = k.customer_id
    where k.tenant_id = ${tenant} and k.kind = 'email' and k.value = ${email} and k.verified and c.deleted_at is null
      and ${free('customer', 'k.customer_id')} limit 2`.execute(tx);
  return rows.length === 1 && rows[0] !== undefined ? { ownerKind: 'customer', ownerId: rows[0].id } : undefined;
}

/** @returns false when the subject or the person was linked by somebody else meanwhile */
export async function linkIdentity(tx: TenantTx, tenant: TenantId, { issuer, subject }: IssuedName, owner: Owner): Promise<boolean> {
  const { numInsertedOrUpdatedRows: added = 0n } = await tx
    .insertInto('identity')
    .values({ tenantId: tenant, issuer, subject, ...owner })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return added > 0n;
}

/** Makes these the names of a person. @throws a unique violation when somebody else has one of them */
export async function replaceIdentities(tx: TenantTx, tenant: TenantId, owner: Owner, names: readonly IssuedName[]): Promise<void> {
  await tx
    .deleteFrom('identity')
    .where('tenantId', '=', tenant)
    .where('ownerKind', '=', owner.ownerKind)
    .where('ownerId', '=', owner.ownerId)
    .execute();
  if (names.length === 0) return;
  await tx
    .insertInto('identity')
    .values(names.map(({ issuer, subject }) => ({ tenantId: tenant, issuer, subject, ...owner })))
    .execute();
}
