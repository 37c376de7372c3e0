/** Endpoints that events of a tenant are sent to, for those who manage them. Source: api-surfaces.md, section 2. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import { testType } from '../../domain/webhook/schedule.js';
import type { GivenUp } from '../../domain/webhook/schedule.js';

export interface EndpointFields {
  readonly url: string;
  /** Event types, beginnings such as `ticket.*`, or `*` for all. */
  readonly types: readonly string[];
  /** Only events about its tickets; null: all of the tenant. */
  readonly product: string | null;
  readonly description: string;
  readonly includeText: boolean;
}

/** `admin`: somebody wanted it so. */
export type DisabledCause = 'admin' | GivenUp;

export interface EndpointRecord extends EndpointFields {
  readonly id: string;
  readonly state: 'active' | 'disabled';
  readonly cause: DisabledCause | null;
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly succeededAt: Date | null;
  readonly disabledAt: Date | null;
  /** Until then the secret before the present one signs too. */
  readonly oldSecretUntil: Date | null;
  readonly createdBy: string;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = sql`id, url, types, product, description, include_text, state, cause, failures, succeeded_at, disabled_at, old_secret_until,
  created_by, revision, created_at, updated_at`;

/** One endpoint; `lock` keeps others from changing it until the transaction ends. */
export async function findEndpoint(tx: TenantTx, tenant: TenantId, id: string, lock = false): Promise<EndpointRecord | undefined> {
  const { rows } = await sql<EndpointRecord>`
    select ${columns} from webhook_endpoint
    where tenant_id = ${tenant} and id = ${id} and state <> 'removed' ${lock ? sql`for update` : sql``}`.execute(tx);
  return rows[0];
}

/** Endpoints by id, one row more than `limit` when there are others. */
export async function listEndpoints(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<EndpointRecord[]> {
  const { rows } = await sql<EndpointRecord>`
    select ${columns} from webhook_endpoint
    where tenant_id = ${tenant} and state <> 'removed' ${after === undefined ? sql`` : sql`and id > ${after}::uuid`}
    order by id limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface NewEndpoint extends EndpointFields {
  readonly id: string;
  /** Sealed. */
  readonly secret: Buffer;
  readonly createdBy: string;
}

/** The first endpoint of a tenant hears of what is published from now on. */
export async function insertEndpoint(tx: TenantTx, tenant: TenantId, { types, ...fields }: NewEndpoint): Promise<void> {
  await sql`
    insert into webhook_cursor (tenant_id, position)
    select ${tenant}, coalesce((select position from stream_head where tenant_id = ${tenant}), 0)
    on conflict (tenant_id) do nothing`.execute(tx);
  await tx
    .insertInto('webhookEndpoint')
    .values({ tenantId: tenant, ...fields, types: [...types] })
    .execute();
}

/** Writes the next revision. */
export async function updateEndpoint(tx: TenantTx, tenant: TenantId, id: string, { types, ...fields }: EndpointFields): Promise<void> {
  await tx
    .updateTable('webhookEndpoint')
    .set((eb) => ({ ...fields, types: [...types], revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}

/** Puts another secret in the place of the present one, which goes on signing beside it until then. */
export async function replaceSecret(tx: TenantTx, tenant: TenantId, id: string, secret: Buffer, until: Date): Promise<void> {
  await sql`
    update webhook_endpoint set old_secret = secret, old_secret_until = ${until}, secret = ${secret}, updated_at = now()
    where tenant_id = ${tenant} and id = ${id}`.execute(tx);
}

/** Sends nothing there any more; what was on its way is dropped. By itself it also plans that the owner is told. */
export async function disableEndpoint(tx: TenantTx, tenant: TenantId, id: string, cause: DisabledCause, at: Date): Promise<void> {
  await sql`
    update webhook_endpoint set state = 'disabled', cause = ${cause}, disabled_at = ${at}, updated_at = ${at},
      told = ${cause === 'admin' ? null : 'planned'}
    where tenant_id = ${tenant} and id = ${id} and state = 'active'`.execute(tx);
  await dropOpen(tx, tenant, id, 'disabled', at);
}

/** Sends there what comes from now on. */
export async function enableEndpoint(tx: TenantTx, tenant: TenantId, id: string, at: Date): Promise<void> {
  await sql`
    update webhook_endpoint set state = 'active', cause = null, disabled_at = null, enabled_at = ${at}, failures = 0, told = null, updated_at = ${at}
    where tenant_id = ${tenant} and id = ${id} and state = 'disabled'`.execute(tx);
}

/** Its secrets are gone at once; what was sent there is swept when it is old. */
export async function removeEndpoint(tx: TenantTx, tenant: TenantId, id: string, at: Date): Promise<void> {
  await sql`
    update webhook_endpoint set state = 'removed', disabled_at = ${at}, secret = '', old_secret = null, old_secret_until = null, url = '',
      description = '', told = null, updated_at = ${at}
    where tenant_id = ${tenant} and id = ${id}`.execute(tx);
  await dropOpen(tx, tenant, id, 'removed', at);
}

/** A test is no business of the order, and goes on while the endpoint is only disabled. */
async function dropOpen(tx: TenantTx, tenant: TenantId, id: string, reason: 'disabled' | 'removed', at: Date): Promise<void> {
  await sql`
    update webhook_delivery set state = 'dropped', reason = ${reason}, settled_at = ${at}, next_at = null, lease_token = null, lease_until = null
    where tenant_id = ${tenant} and endpoint_id = ${id} and state in ('waiting', 'pending')
      ${reason === 'removed' ? sql`` : sql`and type <> ${testType}`}`.execute(tx);
}
