/** Service accounts: what programs sign in as. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { scopes as allScopes } from '../../domain/access/principal.js';
import type { Scope } from '../../domain/access/principal.js';
import type { TenantId } from '../../domain/ids.js';

export interface ServiceAccountFields {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Product keys; null: every product of the tenant. */
  readonly products: readonly string[] | null;
  readonly active: boolean;
}

export interface ServiceAccountRecord extends ServiceAccountFields {
  readonly id: string;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = ['id', 'name', 'scopes', 'products', 'active', 'revision', 'createdAt', 'updatedAt'] as const;
const read = <Row extends { scopes: string[] }>(row: Row) => ({ ...row, scopes: allScopes.filter((scope) => row.scopes.includes(scope)) });

/** One account, active or not; `lock` keeps others from changing it until the transaction ends. */
export async function findServiceAccount(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  lock = false,
): Promise<ServiceAccountRecord | undefined> {
  const row = await tx
    .selectFrom('serviceAccount')
    .select(columns)
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .$if(lock, (query) => query.forUpdate())
    .executeTakeFirst();
  return row && read(row);
}

/** Accounts by id, one row more than `limit` when there are others. */
export async function listServiceAccounts(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<ServiceAccountRecord[]> {
  const rows = await tx
    .selectFrom('serviceAccount')
    .select(columns)
    .where('tenantId', '=', tenant)
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  return rows.map(read);
}

const stored = ({ name, scopes, products, active }: ServiceAccountFields) => ({
  name,
  active,
  scopes: [...scopes],
  products: products === null ? null : [...products],
});

export async function insertServiceAccount(
  tx: TenantTx,
  tenant: TenantId,
  { id, ...fields }: ServiceAccountFields & { readonly id: string },
): Promise<void> {
  await tx
    .insertInto('serviceAccount')
    .values({ tenantId: tenant, id, ...stored(fields) })
    .execute();
}

/** Writes the next revision. */
export async function updateServiceAccount(tx: TenantTx, tenant: TenantId, id: string, fields: ServiceAccountFields): Promise<void> {
  await tx
    .updateTable('serviceAccount')
    .set((eb) => ({ ...stored(fields), revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}
