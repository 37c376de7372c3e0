/** How long a tenant keeps things, and what was swept when. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { recordAudit } from './audit.js';
import { asTenantId, asTicketId } from '../../domain/ids.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { ErasedRows } from '../../domain/privacy/erasure.js';
import { retentionFrom } from '../../domain/privacy/retention.js';
import type { Retention } from '../../domain/privacy/retention.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface RetentionSettings extends Retention {
  readonly revision: number;
}

interface Stored {
  readonly stored: unknown;
  readonly revision: number;
}

function read(row: Stored | undefined): RetentionSettings {
  const { value } = plainJson(row?.stored ?? {});
  return { ...retentionFrom(isObject(value) ? value : {}), revision: row?.revision ?? 0 };
}

/** The tenant's settings, whoever asks; the revision is that of all its settings. */
export async function findRetention(tx: TenantTx, tenant: TenantId): Promise<RetentionSettings> {
  const { rows } = await sql<Stored>`
    select settings -> 'retention' as stored, settings_revision as revision from tenant where tenant_id = ${tenant}`.execute(tx);
  return read(rows[0]);
}

/**
 * Publishes settings as the next revision.
 *
 * @returns null when `expected` is not the present one
 */
export async function replaceRetention(
  tx: TenantTx,
  tenant: TenantId,
  expected: number,
  { rawMailDays, closedTicketDays, journeyEntryDays, webhookDays, auditDays }: Retention,
): Promise<RetentionSettings | null> {
  const settings = JSON.stringify({ retention: { rawMailDays, closedTicketDays, journeyEntryDays, webhookDays, auditDays } });
  const { rows } = await sql<Stored>`
    update tenant set settings_revision = settings_revision + 1, settings = settings || ${settings}::jsonb
    where tenant_id = ${tenant} and settings_revision = ${expected}
    returning settings -> 'retention' as stored, settings_revision as revision`.execute(tx);
  return rows[0] === undefined ? null : read(rows[0]);
}

/** Every tenant. Only the relay's role may ask. */
export async function listTenants(relay: Db): Promise<TenantId[]> {
  const { rows } = await sql<{ tenantId: string }>`select tenant_id from tenant order by tenant_id`.execute(relay);
  return rows.map(({ tenantId }) => asTenantId(tenantId));
}

/** A sweep that has not ended by then was lost; another one takes its day over. */
const lostAfterHours = 1;

/** Takes the day's sweep of a tenant. @returns false when it was swept today, or somebody is at it */
export async function claimSweep(tx: TenantTx, tenant: TenantId): Promise<boolean> {
  const { rows } = await sql`
    insert into retention_sweep as s (tenant_id, day) values (${tenant}, (now() at time zone 'UTC')::date)
    on conflict (tenant_id, day) do update set started_at = now()
    where s.ended_at is null and s.started_at < now() - make_interval(hours => ${lostAfterHours})
    returning day`.execute(tx);
  return rows.length > 0;
}

/** Records what a sweep came to, with its line of the audit. */
export async function endSweep(tx: TenantTx, tenant: TenantId, counts: ErasedRows): Promise<void> {
  await sql`
    update retention_sweep set ended_at = now(), counts = ${JSON.stringify(counts)}::jsonb
    where tenant_id = ${tenant} and day = (select max(day) from retention_sweep where tenant_id = ${tenant} and ended_at is null)`.execute(
    tx,
  );
  const line = { action: 'retention.swept', subject: `tenant/${tenant}`, changes: counts };
  await recordAudit(tx, { tenant, actor: 'system/retention', source: 'worker' }, line);
}

export interface SweepRecord {
  /** As `2026-01-31`, in UTC. */
  readonly day: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly counts: ErasedRows;
}

/** Sweeps of a tenant, newest first; one row more than `limit` when there are others. */
export async function listSweeps(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<SweepRecord[]> {
  const { rows } = await sql<SweepRecord>`
    select to_char(day, 'YYYY-MM-DD') as day, started_at, ended_at, counts from retention_sweep
    where tenant_id = ${tenant} ${after === undefined ? sql`` : sql`and day < ${after}::date`}
    order by day desc limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface OldMail {
  readonly id: string;
  readonly rawKey: string;
}

/** Mails from before an instant whose bytes are still kept and that nobody has to work off, by id. */
export async function oldMails(tx: TenantTx, tenant: TenantId, before: Instant, limit: number): Promise<OldMail[]> {
  const { rows } = await sql<OldMail>`
    select id, raw_key from inbound_message
    where tenant_id = ${tenant} and erased_at is null and state <> 'received' and received_at < ${toIso(before)}::timestamptz
    order by id limit ${limit}`.execute(tx);
  return rows;
}

/** Notes that the bytes of mails are gone; whoever has not looked at one by then cannot any more. */
export async function markMailsGone(tx: TenantTx, tenant: TenantId, ids: readonly string[]): Promise<void> {
  await sql`
    update inbound_message set erased_at = now(), state = case state when 'quarantined' then 'discarded' else state end, updated_at = now()
    where tenant_id = ${tenant} and id = any(${[...ids]}::uuid[])`.execute(tx);
}

/** Tickets that were closed before an instant and still have their texts, by number. */
export async function oldTickets(
  tx: TenantTx,
  tenant: TenantId,
  before: Instant,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<TicketId[]> {
  const { rows } = await sql<{ id: string }>`
    select id from ticket
    where tenant_id = ${tenant} and status = 'closed' and erased_at is null and closed_at < ${toIso(before)}::timestamptz and id > ${after}
    order by id limit ${limit}`.execute(tx);
  return rows.map(({ id }) => asTicketId(id));
}

/** Forgets who entered journeys before an instant. @returns how many lines */
export async function deleteEntries(tx: TenantTx, tenant: TenantId, before: Instant, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from journey_entry where tenant_id = ${tenant} and id in (
      select id from journey_entry where tenant_id = ${tenant} and at < ${toIso(before)}::timestamptz order by id limit ${limit})`.execute(
    tx,
  );
  return Number(numAffectedRows);
}
