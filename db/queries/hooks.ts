/** Hooks: where others send us signed events. Source: api-surfaces.md, section 3. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { HookProvider } from '../../domain/webhook/incoming.js';

/** What a callback is checked with. */
export interface SignedHook {
  readonly tenant: TenantId;
  readonly id: string;
  readonly provider: HookProvider;
  readonly name: string;
  /** The present secret, and the one before while it counts, as they are stored. */
  readonly sealed: readonly Buffer[];
}

/** The hook of an address; asked before the tenant is known. */
export async function findSignedHook(
  db: Db,
  { tenant, provider, name }: { readonly tenant: string; readonly provider: HookProvider; readonly name: string },
  now: Date,
): Promise<SignedHook | undefined> {
  const { rows } = await sql<{ tenantId: string; id: string; secret: Buffer; oldSecret: Buffer | null; oldSecretUntil: Date | null }>`
    select * from find_hook(${tenant}, ${provider}, ${name})`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { tenantId, id, secret, oldSecret, oldSecretUntil } = row;
  const isOldGood = oldSecret !== null && oldSecretUntil !== null && oldSecretUntil > now;
  return { tenant: asTenantId(tenantId), id, provider, name, sealed: isOldGood ? [secret, oldSecret] : [secret] };
}

export interface HookRecord {
  readonly id: string;
  readonly provider: HookProvider;
  readonly name: string;
  readonly description: string;
  readonly oldSecretUntil: Date | null;
  readonly createdBy: string;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Of the tenant, as its address names it. */
  readonly tenantKey: string;
}

/** Below the address of the API. */
export const hookPath = ({ provider, tenantKey, name }: Pick<HookRecord, 'provider' | 'name' | 'tenantKey'>): string =>
  `/v1/hooks/${provider}/${tenantKey}.${name}`;

const columns = sql`h.id, h.provider, h.name, h.description, h.old_secret_until, h.created_by, h.revision, h.created_at, h.updated_at,
  (select t.key from tenant t where t.tenant_id = h.tenant_id) as tenant_key`;

/** One hook; `lock` keeps others from changing it until the transaction ends. */
export async function findHook(tx: TenantTx, tenant: TenantId, id: string, lock = false): Promise<HookRecord | undefined> {
  const { rows } = await sql<HookRecord>`
    select ${columns} from hook h where h.tenant_id = ${tenant} and h.id = ${id} ${lock ? sql`for update of h` : sql``}`.execute(tx);
  return rows[0];
}

/** Where Twilio reports what becomes of SMS: the tenant's oldest hook for it; null when there is none. */
export async function findReportPath(tx: TenantTx, tenant: TenantId): Promise<string | null> {
  const { rows } = await sql<Pick<HookRecord, 'provider' | 'name' | 'tenantKey'>>`
    select ${columns} from hook h where h.tenant_id = ${tenant} and h.provider = 'twilio' order by h.id limit 1`.execute(tx);
  return rows[0] === undefined ? null : hookPath(rows[0]);
}

/** Hooks by id, one row more than `limit` when there are others. */
export async function listHooks(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<HookRecord[]> {
  const { rows } = await sql<HookRecord>`
    select ${columns} from hook h where h.tenant_id = ${tenant} ${after === undefined ? sql`` : sql`and h.id > ${after}::uuid`}
    order by h.id limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface NewHook {
  readonly id: string;
  readonly provider: HookProvider;
  readonly name: string;
  readonly description: string;
  /** Sealed. */
  readonly secret: Buffer;
  readonly createdBy: string;
}

/** @throws a unique violation when the tenant has one of this provider and name */
export async function insertHook(tx: TenantTx, tenant: TenantId, fields: NewHook): Promise<void> {
  await tx
    .insertInto('hook')
    .values({ tenantId: tenant, ...fields })
    .execute();
}

/** Puts another secret in the place of the present one, which counts beside it until then. */
export async function replaceHookSecret(tx: TenantTx, tenant: TenantId, id: string, secret: Buffer, until: Date): Promise<void> {
  await sql`
    update hook set old_secret = secret, old_secret_until = ${until}, secret = ${secret}, revision = revision + 1, updated_at = now()
    where tenant_id = ${tenant} and id = ${id}`.execute(tx);
}

export async function deleteHook(tx: TenantTx, tenant: TenantId, id: string): Promise<void> {
  await tx.deleteFrom('hook').where('tenantId', '=', tenant).where('id', '=', id).execute();
}
