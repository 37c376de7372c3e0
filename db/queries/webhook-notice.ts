/** The mail that tells the owner of an endpoint that it was disabled: claimed, and recorded. Source: api-surfaces.md, section 2; reliability.md, R3. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { DisabledCause } from './webhook-endpoints.js';
import type { TenantId } from '../../domain/ids.js';
import { toDate } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface OwnerNotice {
  readonly cause: DisabledCause;
  readonly description: string;
  readonly url: string;
  readonly disabledAt: Instant;
  /** An earlier mail may have gone out: nobody knows. */
  readonly repeats: boolean;
  /** Since when; an attempt that has the mail may still be at it. */
  readonly wiredAt: Instant | null;
  /** Who made it, or else the admin who has been there longest; null: nobody is there. */
  readonly recipient: { readonly name: string; readonly email: string } | null;
}

/** @returns null when there is nothing to tell, or it was told */
export async function findOwnerNotice(tx: TenantTx, tenant: TenantId, endpoint: string): Promise<OwnerNotice | null> {
  const { rows } = await sql<{
    cause: DisabledCause;
    description: string;
    url: string;
    disabledAt: Date;
    told: string;
    toldAt: Date | null;
    name: string | null;
    email: string | null;
  }>`
    select p.cause, p.description, p.url, p.disabled_at, p.told, p.told_at, a.name, a.email
    from webhook_endpoint p
    left join lateral (
      select a.name, a.email from agent a
      where a.tenant_id = p.tenant_id and a.active and (p.created_by = 'user/' || a.id::text or (a.role = 'admin' and a.products is null))
      order by p.created_by = 'user/' || a.id::text desc, a.created_at, a.id limit 1) a on true
    where p.tenant_id = ${tenant} and p.id = ${endpoint} and p.state = 'disabled' and p.told in ('planned', 'wired')`.execute(tx);
  const [row] = rows;
  if (row === undefined) return null;
  const { cause, description, url, disabledAt, told, toldAt, name, email } = row;
  return {
    cause,
    description,
    url,
    disabledAt: disabledAt.getTime(),
    repeats: told === 'wired',
    wiredAt: toldAt?.getTime() ?? null,
    recipient: name === null || email === null ? null : { name, email },
  };
}

type Told = 'planned' | 'wired' | 'repeated' | 'sent' | 'failed' | 'unknown';

/** Notes how far the mail is; false when it is not where it was left any more. */
export async function markTold(
  tx: TenantTx,
  tenant: TenantId,
  endpoint: string,
  { from, to }: { readonly from: Told; readonly to: Told },
  now: Instant,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('webhookEndpoint')
    .set({ told: to, toldAt: toDate(now) })
    .where('tenantId', '=', tenant)
    .where('id', '=', endpoint)
    .where('told', '=', from)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
