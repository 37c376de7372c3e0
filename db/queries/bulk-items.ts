/** The instances of a batch: whose turn it is, what each is asked, what came of it. Source: journeys-change.md, section 6. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { commandOf } from './bulk.js';
import type { BulkWords, StoredCommand } from './bulk.js';
import { visibleJourney } from './journey-scope.js';
import type { Principal } from '../../domain/access/principal.js';
import type { Actor, Role } from '../../domain/actor.js';
import type { BulkCommand, Place } from '../../domain/bulk/command.js';
import type { BulkOutcome } from '../../domain/bulk/outcome.js';
import type { TenantId } from '../../domain/ids.js';

export interface OpenItem {
  readonly n: number;
  readonly ref: string;
}

/** The next instances that have not settled, in their order. */
export async function listOpenItems(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<OpenItem[]> {
  const { rows } = await sql<OpenItem>`
    select n, ref from bulk_item
    where tenant_id = ${tenant} and job_id = ${id} and n > ${after} and outcome is null order by n limit ${limit}`.execute(tx);
  return rows;
}

/** An instance whose turn it is, and what it is to be asked. */
export interface ClaimedItem {
  readonly command: BulkCommand;
  readonly ref: string;
  /** The journey the instance is, or belongs to; null: PostgreSQL does not know it. */
  readonly journeyId: string | null;
  readonly place: Place | null;
  readonly words: BulkWords;
  readonly actor: Actor;
  readonly role: Role;
  readonly roles: readonly string[];
}

/** Takes an instance up, for the first time or again; undefined: it has settled. */
export async function claimItem(tx: TenantTx, tenant: TenantId, id: string, n: number): Promise<ClaimedItem | undefined> {
  const { rows } = await sql<
    StoredCommand & {
      ref: string;
      journeyId: string | null;
      step: string | null;
      visit: number | null;
      item: string | null;
      reason: string | null;
      comment: string | null;
      actor: string;
      role: Role;
      roles: string[];
    }
  >`
    with claimed as (
      update bulk_item set asked_at = coalesce(asked_at, now())
      where tenant_id = ${tenant} and job_id = ${id} and n = ${n} and outcome is null
      returning ref, step, visit, item
    )
    select c.ref, c.step, c.visit, c.item, j.target, j.verb, j.args, j.reason, j.comment, j.actor, j.role, j.roles,
      case j.target when 'journeys' then c.ref
        else (select h.journey_id from handoff h where h.tenant_id = j.tenant_id and h.id = c.ref) end as journey_id
    from claimed c join bulk_job j on j.tenant_id = ${tenant} and j.id = ${id}`.execute(tx);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { ref, journeyId, step, visit, item, reason, comment, actor, role, roles } = row;
  return {
    command: commandOf(row),
    ref,
    journeyId,
    place: step === null || visit === null ? null : { step, visit, item },
    words: { ...(reason === null ? {} : { reason }), ...(comment === null ? {} : { comment }) },
    actor,
    role,
    roles,
  };
}

/** Keeps what came of an instance; once known it is not changed. */
export async function settleItem(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  { n, outcome, code }: { readonly n: number; readonly outcome: BulkOutcome; readonly code: string },
): Promise<void> {
  await sql`
    update bulk_item set outcome = ${outcome}, code = ${code}, at = now()
    where tenant_id = ${tenant} and job_id = ${id} and n = ${n} and outcome is null`.execute(tx);
}

/** What PostgreSQL knows of an instance and of one command to it. */
export interface InstanceStanding {
  /** The command is in its log: it was accepted. */
  readonly isRecorded: boolean;
  readonly isOver: boolean;
}

export async function findStanding(
  tx: TenantTx,
  tenant: TenantId,
  { target, ref, commandId }: { readonly target: BulkCommand['target']; readonly ref: string; readonly commandId: string },
): Promise<InstanceStanding> {
  const isJourney = target === 'journeys';
  const table = sql.table(isJourney ? 'journey' : 'handoff');
  const subject = `${isJourney ? 'journey' : 'handoff'}/${ref}`;
  const { rows } = await sql<InstanceStanding>`
    select
      exists (select from event where tenant_id = ${tenant} and subject = ${subject} and command_id = ${commandId}) as is_recorded,
      coalesce((select ended_at is not null from ${table} where tenant_id = ${tenant} and id = ${ref}), false) as is_over`.execute(tx);
  return rows[0] ?? { isRecorded: false, isOver: false };
}

export interface BulkItem {
  readonly n: number;
  readonly ref: string;
  readonly outcome: BulkOutcome;
  readonly code: string;
}

/** What came of the instances the reader may see, in the order of their turns; one row more than `limit` when there are others. */
export async function listBulkItems(
  tx: TenantTx,
  reader: Principal,
  { id, target }: { readonly id: string; readonly target: BulkCommand['target'] },
  { outcome, after, limit }: { readonly outcome?: readonly BulkOutcome[]; readonly after?: number; readonly limit: number },
): Promise<BulkItem[]> {
  const { rows } = await sql<BulkItem>`
    select i.n, i.ref, i.outcome, i.code from bulk_item i
    where i.tenant_id = ${reader.tenant} and i.job_id = ${id} and i.n > ${after ?? 0}
      and ${outcome === undefined ? sql`i.outcome is not null` : sql`i.outcome = any(${[...outcome]}::text[])`}
      and exists (select from journey j where j.id = ${
        target === 'journeys' ? sql`i.ref` : sql`(select h.journey_id from handoff h where h.tenant_id = i.tenant_id and h.id = i.ref)`
      } and ${visibleJourney(reader)})
    order by i.n limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface BulkCount {
  readonly outcome: BulkOutcome;
  readonly code: string;
  readonly count: number;
}

/** How many instances came to what so far, by result and code. */
export async function countBulkItems(tx: TenantTx, tenant: TenantId, id: string): Promise<BulkCount[]> {
  const { rows } = await sql<BulkCount>`
    select outcome, code, count(*)::int as count from bulk_item
    where tenant_id = ${tenant} and job_id = ${id} and outcome is not null
    group by outcome, code order by outcome, code`.execute(tx);
  return rows;
}
