/** What was sent to webhook endpoints and is old, across tenants. Only the relay's role may delete. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { Db } from '../client.js';

/** Deliveries and their attempts are kept this long after they have come to an end, in days. */
const keptDays = 30;

const old = sql`now() - make_interval(days => ${keptDays})`;
/** One sweeper at a time deletes; the others leave it to him. */
const alone = sql<boolean>`(select pg_try_advisory_xact_lock(hashtext('usher sweep')))`;

/**
 * Deletes the oldest deliveries that have come to an end, with their attempts.
 *
 * @returns how many
 */
export async function deleteDeliveries(relay: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from webhook_delivery where ${alone} and (tenant_id, id) in (
      select tenant_id, id from webhook_delivery where settled_at < ${old} order by settled_at limit ${limit})`.execute(relay);
  return Number(numAffectedRows);
}

/** Deletes replays that are as old, and endpoints that were removed and of which nothing else is left. */
export async function deleteEndpoints(relay: Db): Promise<void> {
  await sql`
    delete from webhook_replay r where ${alone} and r.started_at < ${old} and not exists (
      select from webhook_delivery d where d.tenant_id = r.tenant_id and d.replay_id = r.id)`.execute(relay);
  await sql`
    delete from webhook_endpoint p where ${alone} and p.state = 'removed' and p.disabled_at < ${old}
      and not exists (select from webhook_delivery d where d.tenant_id = p.tenant_id and d.endpoint_id = p.id)
      and not exists (select from webhook_replay r where r.tenant_id = p.tenant_id and r.endpoint_id = p.id)`.execute(relay);
}
