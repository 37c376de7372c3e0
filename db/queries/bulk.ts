/** Batches: what was previewed, and how far a job is. Source: journeys-change.md, section 6. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Actor, Role } from '../../domain/actor.js';
import type { BulkCommand } from '../../domain/bulk/command.js';
import type { BulkState, BulkTotals } from '../../domain/bulk/outcome.js';
import { refusedWith } from '../../domain/bulk/outcome.js';
import type { Foreseen } from '../../domain/bulk/preview.js';
import type { TenantId } from '../../domain/ids.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** What is told in words; absent: nothing. */
export interface BulkWords {
  readonly reason?: string;
  readonly comment?: string;
}

export interface NewPreview {
  readonly id: string;
  readonly command: BulkCommand;
  readonly words: BulkWords;
  readonly filter: JsonObject;
  readonly actor: Actor;
  readonly role: Role;
  /** Role and team keys. */
  readonly roles: readonly string[];
  readonly expiresAt: Instant;
}

/** Keeps a preview with its instances; those that would not even be asked are settled with it. */
export async function storePreview(
  tx: TenantTx,
  tenant: TenantId,
  { id, command, words, filter, actor, role, roles, expiresAt }: NewPreview,
  items: readonly Foreseen[],
): Promise<void> {
  const rows = items.map(({ ref, forecast: { code, place, isFinal } }, index) => ({
    n: index + 1,
    ref,
    step: place?.step ?? null,
    visit: place?.visit ?? null,
    item: place?.item ?? null,
    ...(isFinal && code !== null ? refusedWith(code) : {}),
  }));
  await sql`
    with job as (
      insert into bulk_job (tenant_id, id, target, verb, args, filter, reason, comment, actor, role, roles, total, expires_at)
      values (${tenant}, ${id}, ${command.target}, ${command.verb}, ${JSON.stringify(command.args)}, ${JSON.stringify(filter)},
        ${words.reason ?? null}, ${words.comment ?? null}, ${actor}, ${role}, ${[...roles]}::text[], ${items.length}, ${toIso(expiresAt)})
    )
    insert into bulk_item (tenant_id, job_id, n, ref, step, visit, item, outcome, code, at)
    select ${tenant}, ${id}, n, ref, step, visit, item, outcome, code, case when outcome is not null then now() end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as i(
      n int, ref text, step text, visit int, item text, outcome text, code text)`.execute(tx);
}

export interface PreviewRecord {
  readonly id: string;
  readonly command: BulkCommand;
  readonly filter: JsonObject;
  readonly by: Actor;
  readonly state: BulkState;
  readonly expiresAt: Instant;
}

/** A preview, which nobody else starts until the transaction ends. */
export async function lockPreview(tx: TenantTx, tenant: TenantId, id: string): Promise<PreviewRecord | undefined> {
  const { rows } = await sql<StoredCommand & { filter: JsonObject; actor: string; state: BulkState; expiresAt: Date }>`
    select id, target, verb, args, filter, actor, state, expires_at from bulk_job
    where tenant_id = ${tenant} and id = ${id} for update`.execute(tx);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { filter, actor: by, state, expiresAt } = row;
  return { id, command: commandOf(row), filter, by, state, expiresAt: expiresAt.getTime() };
}

/** A command as its columns hold it. */
export interface StoredCommand {
  readonly target: string;
  readonly verb: string;
  readonly args: JsonObject;
}

/** Only `storePreview` writes these columns, from a command. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const commandOf = ({ target, verb, args }: StoredCommand): BulkCommand => ({ target, verb, args }) as unknown as BulkCommand;

/** Makes a job of a preview. */
export async function startBatch(tx: TenantTx, tenant: TenantId, id: string, rate: number): Promise<void> {
  await sql`
    update bulk_job set state = 'running', rate = ${rate}, started_at = date_trunc('milliseconds', now()), updated_at = now()
    where tenant_id = ${tenant} and id = ${id} and state = 'previewed'`.execute(tx);
}

export interface BulkRecord extends BulkTotals {
  readonly id: string;
  readonly command: BulkCommand;
  readonly by: Actor;
  readonly state: Exclude<BulkState, 'previewed'>;
  /** Instances begun a second. */
  readonly rate: number;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

type JobRow = StoredCommand & Omit<BulkRecord, 'command' | 'by'> & { readonly actor: string };

const jobColumns = sql`
  j.id, j.target, j.verb, j.args, j.actor, j.state, j.rate, j.total, j.started_at, j.ended_at, c.ok, c.failed, c.skipped`;
const counted = sql`
  cross join lateral (
    select count(*) filter (where i.outcome = 'ok')::int as ok, count(*) filter (where i.outcome = 'failed')::int as failed,
      count(*) filter (where i.outcome = 'skipped')::int as skipped
    from bulk_item i where i.tenant_id = j.tenant_id and i.job_id = j.id) c`;

const recordOf = ({ target, verb, args, actor, ...rest }: JobRow): BulkRecord => ({
  ...rest,
  command: commandOf({ target, verb, args }),
  by: actor,
});

/** A batch that was started; what is only a preview is not there. */
export async function findBatch(tx: TenantTx, tenant: TenantId, id: string): Promise<BulkRecord | undefined> {
  const { rows } = await sql<JobRow>`
    select ${jobColumns} from bulk_job j ${counted}
    where j.tenant_id = ${tenant} and j.id = ${id} and j.started_at is not null`.execute(tx);
  return rows.map(recordOf)[0];
}

/** Behind which job a page begins. */
export interface JobPosition {
  readonly startedAt: string;
  readonly id: string;
}

/** Batches that were started, newest first; one row more than `limit` when there are others. */
export async function listBatches(
  tx: TenantTx,
  tenant: TenantId,
  { before, limit }: { readonly before?: JobPosition; readonly limit: number },
): Promise<BulkRecord[]> {
  const { rows } = await sql<JobRow>`
    select ${jobColumns} from (
      select * from bulk_job
      where tenant_id = ${tenant} and started_at is not null
        ${before === undefined ? sql`` : sql`and (started_at, id) < (${before.startedAt}::text::timestamptz, ${before.id}::uuid)`}
      order by started_at desc, id desc limit ${limit + 1}) j ${counted}
    order by j.started_at desc, j.id desc`.execute(tx);
  return rows.map(recordOf);
}

/** Notes that a job runs, pauses or is cancelled; then what was never asked is left out at once. One that has ended stays as it is. */
export async function markBatch(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  state: Extract<BulkState, 'running' | 'paused' | 'cancelled'>,
): Promise<void> {
  await sql`
    update bulk_job set state = ${state}, updated_at = now()
    where tenant_id = ${tenant} and id = ${id} and state in ('running', 'paused')`.execute(tx);
  if (state !== 'cancelled') return;
  await sql`
    update bulk_item i set outcome = 'skipped', code = 'cancelled', at = now()
    from bulk_job j
    where i.tenant_id = ${tenant} and i.job_id = ${id} and i.outcome is null and i.asked_at is null
      and j.tenant_id = i.tenant_id and j.id = i.job_id and j.state = 'cancelled'`.execute(tx);
}

/**
 * Ends a job whose every instance has settled: that its figures add up is what the statement asks.
 *
 * @returns whether it has ended, now or before
 */
export async function endBatch(tx: TenantTx, tenant: TenantId, id: string): Promise<boolean> {
  await sql`
    update bulk_job j set state = case when state = 'cancelled' then state else 'done' end, ended_at = now(), updated_at = now()
    where tenant_id = ${tenant} and id = ${id} and ended_at is null and started_at is not null and not exists (
      select from bulk_item i where i.tenant_id = j.tenant_id and i.job_id = j.id and i.outcome is null)`.execute(tx);
  const { rows } = await sql<{ ended: boolean }>`
    select ended_at is not null as ended from bulk_job where tenant_id = ${tenant} and id = ${id}`.execute(tx);
  return rows[0]?.ended ?? false;
}
