/** What was sent to webhook endpoints and is old. Only the relay's role may delete, and row rules do not hold it to a tenant. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { Db } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface DeletedDeliveries {
  readonly deliveries: number;
  /** Their attempts, which go with them. */
  readonly attempts: number;
}

/** Deletes a tenant's deliveries that came to an end before an instant, the oldest first; one that is opened again meanwhile stays. */
export async function deleteDeliveries(relay: Db, tenant: TenantId, before: Instant, limit: number): Promise<DeletedDeliveries> {
  const old = sql`settled_at < ${toIso(before)}::timestamptz`;
  const { rows } = await sql<DeletedDeliveries>`
    with gone as (
      delete from webhook_delivery where tenant_id = ${tenant} and ${old} and id in (
        select id from webhook_delivery where tenant_id = ${tenant} and ${old} order by settled_at limit ${limit})
      returning tries
    )
    select count(*)::int as deliveries, coalesce(sum(tries), 0)::int as attempts from gone`.execute(relay);
  return rows[0] ?? { deliveries: 0, attempts: 0 };
}

export interface DeletedEndpoints {
  readonly replays: number;
  readonly endpoints: number;
}

/** Deletes a tenant's replays from before an instant, and endpoints that were removed before it, of which nothing else is left. */
export async function deleteEndpoints(relay: Db, tenant: TenantId, before: Instant): Promise<DeletedEndpoints> {
  const { numAffectedRows: replays = 0n } = await sql`
    delete from webhook_replay r where r.tenant_id = ${tenant} and r.started_at < ${toIso(before)}::timestamptz and not exists (
      select from webhook_delivery d where d.tenant_id = r.tenant_id and d.replay_id = r.id)`.execute(relay);
  const { numAffectedRows: endpoints = 0n } = await sql`
    delete from webhook_endpoint p where p.tenant_id = ${tenant} and p.state = 'removed' and p.disabled_at < ${toIso(before)}::timestamptz
      and not exists (select from webhook_delivery d where d.tenant_id = p.tenant_id and d.endpoint_id = p.id)
      and not exists (select from webhook_replay r where r.tenant_id = p.tenant_id and r.endpoint_id = p.id)`.execute(relay);
  return { replays: Number(replays), endpoints: Number(endpoints) };
}
