/** API keys for those who manage them; nothing here has ever seen one whole. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import type { KeyRecord } from './directory.js';

export type KeyOwner = Pick<KeyRecord, 'ownerKind' | 'ownerId'>;

export interface ApiKeyRecord extends KeyOwner {
  readonly id: string;
  readonly prefix: string;
  readonly name: string | null;
  readonly scopes: readonly string[] | null;
  readonly products: readonly string[] | null;
  readonly addresses: readonly string[] | null;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly replacedBy: string | null;
}

export interface NewApiKey extends KeyOwner {
  readonly id: string;
  /** SHA-256. */
  readonly hash: Buffer;
  readonly prefix: string;
  readonly name: string;
  readonly scopes: readonly string[] | null;
  readonly products: readonly string[] | null;
  /** Networks it may be used from; null: from anywhere. */
  readonly addresses: readonly string[] | null;
  readonly createdBy: string;
  readonly expiresAt: Date;
}

const columns = sql`id, owner_kind, owner_id, prefix, name, scopes, products, addresses, created_by, created_at, expires_at, revoked_at, last_used_at, replaced_by`;

/** One key; `lock` keeps others from changing it until the transaction ends. */
export async function findKey(tx: TenantTx, tenant: TenantId, id: string, lock = false): Promise<ApiKeyRecord | undefined> {
  const { rows } = await sql<ApiKeyRecord>`
    select ${columns} from api_key where tenant_id = ${tenant} and id = ${id} ${lock ? sql`for update` : sql``}`.execute(tx);
  return rows[0];
}

/** Keys by id, one row more than `limit` when there are others. */
export async function listKeys(
  tx: TenantTx,
  tenant: TenantId,
  owner: KeyOwner | undefined,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<ApiKeyRecord[]> {
  const theirs: RawBuilder<unknown> =
    owner === undefined ? sql`` : sql`and owner_kind = ${owner.ownerKind} and owner_id = ${owner.ownerId}`;
  const { rows } = await sql<ApiKeyRecord>`
    select ${columns} from api_key where tenant_id = ${tenant} ${theirs} ${after === undefined ? sql`` : sql`and id > ${after}::uuid`}
    order by id limit ${limit + 1}`.execute(tx);
  return rows;
}

export async function insertKey(tx: TenantTx, tenant: TenantId, { scopes, products, addresses, ...rest }: NewApiKey): Promise<void> {
  const limits = { scopes: listOf(scopes), products: listOf(products), addresses: listOf(addresses) };
  await tx
    .insertInto('apiKey')
    .values({ tenantId: tenant, ...rest, ...limits })
    .execute();
}

const listOf = (names: readonly string[] | null): string[] | null => (names === null ? null : [...names]);

/** Lets a key go on until its successor is in use; what would end sooner still does. */
export async function supersedeKey(tx: TenantTx, tenant: TenantId, id: string, successor: string, until: Date): Promise<void> {
  await sql`
    update api_key set replaced_by = ${successor}, expires_at = least(expires_at, ${until}::timestamptz)
    where tenant_id = ${tenant} and id = ${id}`.execute(tx);
}

/** @returns false when it was revoked before */
export async function revokeKey(tx: TenantTx, tenant: TenantId, id: string, at: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('apiKey')
    .set({ revokedAt: at })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('revokedAt', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
