/** Bringing a revision of the policies to open tickets: the job, what it asked of which ticket, and what came of it. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { scoped } from './scope.js';
import type { Principal } from '../../domain/access/principal.js';
import type { Actor } from '../../domain/actor.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { Clock } from '../../domain/sla/clock.js';
import type { ReprojectionCounts, ReprojectionOutcome, ReprojectionState } from '../../domain/sla/preview.js';
import type { TicketStatus } from '../../domain/ticket/status.js';

export interface ReprojectionRecord {
  /** The job as callers know it. */
  readonly id: string;
  readonly revision: number;
  readonly state: ReprojectionState;
  /** Open tickets under an older revision when it was published. */
  readonly total: number;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly counts: ReprojectionCounts;
}

/** Pinned to an older revision of the policies. */
const isBehind = (revision: number): RawBuilder<boolean> =>
  sql`(t.status <> 'closed' and coalesce((t.state -> 'sla' ->> 'set')::int, 0) < ${revision})`;

/** Starts the job of a revision that is published in the same transaction; none other is under way. */
export async function insertReprojection(
  tx: TenantTx,
  tenant: TenantId,
  { id, revision, by }: { readonly id: string; readonly revision: number; readonly by: Actor },
): Promise<void> {
  await sql`
    insert into sla_reprojection (tenant_id, revision, id, state, total, started_by)
    select ${tenant}, ${revision}, ${id}, 'running', count(*), ${by} from ticket t where t.tenant_id = ${tenant} and ${isBehind(revision)}`.execute(
    tx,
  );
}

/** The revision that is being brought to open tickets right now; undefined: none. */
export async function revisionUnderWay(tx: TenantTx, tenant: TenantId): Promise<number | undefined> {
  const row = await tx
    .selectFrom('slaReprojection')
    .select('revision')
    .where('tenantId', '=', tenant)
    .where('state', 'in', ['running', 'paused'])
    .executeTakeFirst();
  return row?.revision;
}

const columns = sql`
  j.id, j.revision, j.state, j.total, j.started_at, j.ended_at,
  coalesce((
    select jsonb_object_agg(o.outcome, o.number) from (
      select r.outcome, count(*) as number from sla_reprojection_ticket r
      where r.tenant_id = j.tenant_id and r.revision = j.revision and r.outcome is not null group by r.outcome) o), '{}') as counts`;

/** The job of a revision; undefined when it was published for new tickets only, or not at all. */
export async function findReprojection(tx: TenantTx, tenant: TenantId, revision: number): Promise<ReprojectionRecord | undefined> {
  const { rows } = await sql<ReprojectionRecord>`
    select ${columns} from sla_reprojection j where j.tenant_id = ${tenant} and j.revision = ${revision}`.execute(tx);
  return rows[0];
}

/** A job by the id callers know. */
export async function findReprojectionJob(tx: TenantTx, tenant: TenantId, id: string): Promise<ReprojectionRecord | undefined> {
  const { rows } = await sql<ReprojectionRecord>`
    select ${columns} from sla_reprojection j where j.tenant_id = ${tenant} and j.id = ${id}`.execute(tx);
  return rows[0];
}

/** As precise as callers are told. */
const inMs = sql`date_trunc('milliseconds', j.started_at)`;

/** Jobs, newest first; one row more than `limit` when there are others. */
export async function listReprojections(
  tx: TenantTx,
  tenant: TenantId,
  { before, limit }: { readonly before?: { readonly startedAt: string; readonly id: string }; readonly limit: number },
): Promise<ReprojectionRecord[]> {
  const { rows } = await sql<ReprojectionRecord>`
    select ${columns} from sla_reprojection j
    where j.tenant_id = ${tenant} ${
      before === undefined ? sql`` : sql`and (${inMs}, j.id) < (${before.startedAt}::text::timestamptz, ${before.id}::uuid)`
    }
    order by ${inMs} desc, j.id desc limit ${limit + 1}`.execute(tx);
  return rows;
}

/** Notes how far a job is; one that has ended stays ended. */
export async function markReprojection(tx: TenantTx, tenant: TenantId, revision: number, state: ReprojectionState): Promise<void> {
  await sql`
    update sla_reprojection set state = ${state}, updated_at = now(),
      ended_at = case when ${state} in ('done', 'cancelled') then now() end
    where tenant_id = ${tenant} and revision = ${revision} and state in ('running', 'paused')`.execute(tx);
}

/** A ticket to be asked, with its clocks as they were before it was asked first. */
export interface ReprojectionClaim {
  readonly ticket: TicketId;
  readonly before: readonly Clock[];
}

/**
 * The next tickets to ask, by id: those behind, and those that were asked and have not come to a good end. What their clocks were is kept now,
 * so that asking again compares with the same.
 */
export async function claimReprojection(
  tx: TenantTx,
  tenant: TenantId,
  { revision, after, limit }: { readonly revision: number; readonly after: TicketId | null; readonly limit: number },
): Promise<ReprojectionClaim[]> {
  const { rows } = await sql<ReprojectionClaim>`
    with behind as (
      select t.id from ticket t
      where t.tenant_id = ${tenant} and t.id > ${after ?? ''} and ${isBehind(revision)} and not exists (
        select from sla_reprojection_ticket r where r.tenant_id = t.tenant_id and r.revision = ${revision} and r.ticket_id = t.id)
      order by t.id limit ${limit}
    ), asked as (
      select r.ticket_id as id, r.before from sla_reprojection_ticket r
      where r.tenant_id = ${tenant} and r.revision = ${revision} and r.ticket_id > ${after ?? ''} and (r.outcome is null or r.outcome = 'failed')
      order by r.ticket_id limit ${limit}
    ), page as (
      select id, null::jsonb as before from behind union all select id, before from asked order by id limit ${limit}
    ), claimed as (
      insert into sla_reprojection_ticket (tenant_id, revision, ticket_id, before)
      select ${tenant}, ${revision}, p.id, ${clocksOf(sql`p.id`, tenant)} from page p where p.before is null
      on conflict (tenant_id, revision, ticket_id) do update set before = sla_reprojection_ticket.before
      returning ticket_id as id, before
    )
    select p.id as ticket, coalesce(p.before, c.before, '[]') as before from page p left join claimed c on c.id = p.id order by p.id`.execute(
    tx,
  );
  return rows;
}

const clocksOf = (ticket: RawBuilder<unknown>, tenant: TenantId): RawBuilder<unknown> => sql`
  coalesce((select jsonb_agg(k.state) from sla_clock k where k.tenant_id = ${tenant} and k.ticket_id = ${ticket}), '[]')`;

/** A ticket after it was asked. */
export interface ReplannedTicket {
  readonly ticket: TicketId;
  readonly status: TicketStatus;
  /** Revision of the policies it is pinned to. */
  readonly set: number;
  readonly clocks: readonly Clock[];
}

/** Some tickets as they are now, in no order. */
export async function findReplanned(tx: TenantTx, tenant: TenantId, ids: readonly TicketId[]): Promise<ReplannedTicket[]> {
  const { rows } = await sql<ReplannedTicket>`
    select t.id as ticket, t.status, coalesce((t.state -> 'sla' ->> 'set')::int, 0) as set, ${clocksOf(sql`t.id`, tenant)} as clocks
    from ticket t where t.tenant_id = ${tenant} and t.id = any(${[...ids]}::text[])`.execute(tx);
  return rows;
}

export interface SettledTicket {
  readonly ticket: TicketId;
  readonly outcome: ReprojectionOutcome;
  /** Why it failed; null otherwise. */
  readonly code: string | null;
}

/** Keeps what came of tickets; an outcome once known is not changed, but that a ticket failed. */
export async function settleReprojection(
  tx: TenantTx,
  tenant: TenantId,
  revision: number,
  settled: readonly SettledTicket[],
): Promise<void> {
  await sql`
    update sla_reprojection_ticket r set outcome = s.outcome, code = s.code, at = now(),
      before = case when s.outcome = 'failed' then r.before end
    from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb) as s(ticket text, outcome text, code text)
    where r.tenant_id = ${tenant} and r.revision = ${revision} and r.ticket_id = s.ticket and (r.outcome is null or r.outcome = 'failed')`.execute(
    tx,
  );
}

export interface ReprojectionItem extends SettledTicket {
  readonly at: Date;
}

/** What came of the tickets the reader may see, by id; one row more than `limit` when there are others. */
export async function listReprojectionItems(
  tx: TenantTx,
  reader: Principal,
  revision: number,
  { outcome, after, limit }: { readonly outcome?: readonly ReprojectionOutcome[]; readonly after?: string; readonly limit: number },
): Promise<ReprojectionItem[]> {
  const { rows } = await sql<ReprojectionItem>`
    select r.ticket_id as ticket, r.outcome, r.code, r.at
    from sla_reprojection_ticket r join ticket t on t.tenant_id = r.tenant_id and t.id = r.ticket_id
    where r.tenant_id = ${reader.tenant} and r.revision = ${revision} and ${scoped(reader, 't')}
      and ${outcome === undefined ? sql`r.outcome is not null` : sql`r.outcome = any(${[...outcome]}::text[])`}
      ${after === undefined ? sql`` : sql`and r.ticket_id > ${after}`}
    order by r.ticket_id limit ${limit + 1}`.execute(tx);
  return rows;
}
