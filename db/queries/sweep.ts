/** What nobody needs any more, across tenants. Only the relay's role may ask and delete. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from '../client.js';

/** Texts that no ticket took, and answers kept for repetitions, are kept this long, in hours. */
const keptHours = 24;

const old = (column: RawBuilder<unknown>): RawBuilder<boolean> => sql`${column} < now() - make_interval(hours => ${keptHours})`;

/** One sweeper at a time deletes; the others leave it to him. */
const alone = sql<boolean>`(select pg_try_advisory_xact_lock(hashtext('usher sweep')))`;

/** A text that no ticket has taken, as it stood when it was looked at. */
export interface StrayText {
  readonly tenant: string;
  readonly id: string;
  /** Changes with each write of the row. */
  readonly written: string;
}

/** Old texts that no ticket has taken, the oldest first. */
export async function strayTexts(relay: Db, limit: number): Promise<StrayText[]> {
  const { rows } = await sql<StrayText>`
    select tenant_id as tenant, id, xmin::text as written from content
    where ticket_id is null and ${old(sql`created_at`)} order by created_at limit ${limit}`.execute(relay);
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
    where ${alone} and c.tenant_id = s.tenant and c.id = s.id and c.ticket_id is null and c.xmin::text = s.written`.execute(relay);
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
