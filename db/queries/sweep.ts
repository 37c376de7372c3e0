/** What nobody needs any more, across tenants. Only the relay's role may ask and delete. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from '../client.js';

/** Texts that nothing took, and answers kept for repetitions, are kept this long, in hours. */
const keptHours = 24;

const old = (column: RawBuilder<unknown>): RawBuilder<boolean> => sql`${column} < now() - make_interval(hours => ${keptHours})`;

/** One sweeper at a time deletes; the others leave it to him. */
const alone = sql<boolean>`(select pg_try_advisory_xact_lock(hashtext('usher sweep')))`;

/** A text that no ticket and no journey has taken, as it stood when it was looked at. */
export interface StrayText {
  readonly tenant: string;
  readonly id: string;
  /** Changes with each write of the row. */
  readonly written: string;
}

/** Old texts that nothing has taken, the oldest first. */
export async function strayTexts(relay: Db, limit: number): Promise<StrayText[]> {
  const { rows } = await sql<StrayText>`
    select tenant_id as tenant, id, xmin::text as written from content
    where ticket_id is null and linked_at is null and ${old(sql`created_at`)} order by created_at limit ${limit}`.execute(relay);
  return rows;
}

/**
 * Deletes those that are still as they were.
 *
 * @returns how many
 */
export async function deleteTexts(relay: Db, texts: readonly StrayText[]): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from content c using jsonb_to_recordset(${JSON.stringify(texts)}::jsonb) as s(tenant uuid, id uuid, written text)
    where ${alone} and c.tenant_id = s.tenant and c.id = s.id and c.ticket_id is null and c.linked_at is null and c.xmin::text = s.written`.execute(
    relay,
  );
  return Number(numAffectedRows);
}

/**
 * Deletes the oldest answers that were kept for repetitions; never one whose request is under way.
 *
 * @returns how many
 */
export async function deleteAnswers(relay: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from idempotency where ${alone} and (tenant_id, scope) in (
      select tenant_id, scope from idempotency where ${old(sql`created_at`)} and lease_until <= now() order by created_at limit ${limit})`.execute(
    relay,
  );
  return Number(numAffectedRows);
}

/**
 * Deletes previews of batches that nobody started in time, the oldest first, with their instances.
 *
 * @returns how many
 */
export async function deletePreviews(relay: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from bulk_job where ${alone} and (tenant_id, id) in (
      select tenant_id, id from bulk_job where state = 'previewed' and expires_at < now() order by expires_at limit ${limit})`.execute(
    relay,
  );
  return Number(numAffectedRows);
}

/**
 * Deletes keys of events whose window is over.
 *
 * @returns how many
 */
export async function deleteDedupeKeys(relay: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from journey_dedupe where ${alone} and (tenant_id, template_key, trigger_id, dedupe_key) in (
      select tenant_id, template_key, trigger_id, dedupe_key from journey_dedupe where until < now() order by until limit ${limit})`.execute(
    relay,
  );
  return Number(numAffectedRows);
}

/** Ids of callbacks are remembered this long. Source: security.md, T16. */
const receiptDays = 30;

/**
 * Deletes ids of callbacks that nobody can send again.
 *
 * @returns how many
 */
export async function deleteReceipts(relay: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from hook_receipt where ${alone} and (tenant_id, provider, id) in (
      select tenant_id, provider, id from hook_receipt where received_at < now() - make_interval(days => ${receiptDays})
      order by received_at limit ${limit})`.execute(relay);
  return Number(numAffectedRows);
}
