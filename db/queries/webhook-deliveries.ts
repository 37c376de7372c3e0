/** What was sent to endpoints and what came of it, for those who manage them; and sending it again. Source: api-surfaces.md, section 2. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Actor } from '../../domain/actor.js';
import type { TenantId } from '../../domain/ids.js';
import { testType } from '../../domain/webhook/schedule.js';
import type { DeliveryState } from '../../domain/webhook/schedule.js';

export interface DeliveryRecord {
  readonly id: string;
  /** Its place in the order of the stream. */
  readonly position: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly type: string;
  readonly subject: string;
  readonly seq: number;
  readonly state: DeliveryState;
  /** Why it was dropped. */
  readonly reason: string | null;
  /** Attempts so far. */
  readonly tries: number;
  readonly nextAt: Date | null;
  readonly createdAt: Date;
  readonly settledAt: Date | null;
}

const columns = sql`d.id, d.n::text as position, d.endpoint_id, d.event_id, d.type, d.subject, d.seq, d.state, d.reason, d.tries, d.next_at,
  d.created_at, d.settled_at`;

export async function findDelivery(tx: TenantTx, tenant: TenantId, id: string): Promise<DeliveryRecord | undefined> {
  const { rows } = await sql<DeliveryRecord>`
    select ${columns} from webhook_delivery d join webhook_endpoint p on p.tenant_id = d.tenant_id and p.id = d.endpoint_id
    where d.tenant_id = ${tenant} and d.id = ${id} and p.state <> 'removed'`.execute(tx);
  return rows[0];
}

export interface DeliveryFilter {
  readonly states?: readonly DeliveryState[];
  /** Event types, or beginnings such as `ticket.*`. */
  readonly types?: readonly string[];
  /** When they were planned: from, and until before. */
  readonly from?: string;
  readonly until?: string;
}

/** Deliveries to one endpoint, newest first, one row more than `limit` when there are others. */
export async function listDeliveries(
  tx: TenantTx,
  tenant: TenantId,
  endpoint: string,
  { states, types, from, until }: DeliveryFilter,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<DeliveryRecord[]> {
  const conditions = [
    sql`d.tenant_id = ${tenant} and d.endpoint_id = ${endpoint}`,
    ...(after === undefined ? [] : [sql`d.n < ${after}::bigint`]),
    ...(states === undefined ? [] : [sql`d.state = any(${[...states]}::text[])`]),
    ...(types === undefined ? [] : [typeMatches(sql`d.type`, sql`${[...types]}::text[]`)]),
    ...(from === undefined ? [] : [sql`d.created_at >= ${from}::timestamptz`]),
    ...(until === undefined ? [] : [sql`d.created_at < ${until}::timestamptz`]),
  ];
  const { rows } = await sql<DeliveryRecord>`
    select ${columns} from webhook_delivery d where ${sql.join(conditions, sql` and `)} order by d.n desc limit ${limit + 1}`.execute(tx);
  return rows;
}

/** Whether a type is among patterns: whole types, beginnings such as `ticket.*`, or `*` for all. */
export const typeMatches = (type: RawBuilder<unknown>, patterns: RawBuilder<unknown>): RawBuilder<boolean> => sql`exists (
  select from unnest(${patterns}) as wanted(pattern)
  where pattern = '*' or pattern = ${type} or (right(pattern, 2) = '.*' and starts_with(${type}, left(pattern, -1))))`;

export interface AttemptRecord {
  readonly n: number;
  readonly startedAt: Date;
  readonly durationMs: number | null;
  /** Null: under way, or its worker died in it. */
  readonly outcome: 'succeeded' | 'failed' | 'gone' | null;
  readonly code: string | null;
  readonly status: number | null;
  /** The beginning of what the receiver said. */
  readonly answer: string | null;
}

/** Attempts of a delivery in their order, the newest 100. */
export async function listAttempts(tx: TenantTx, tenant: TenantId, delivery: string): Promise<AttemptRecord[]> {
  const { rows } = await sql<AttemptRecord>`
    select n, started_at, duration_ms, outcome, code, status, answer from webhook_attempt
    where tenant_id = ${tenant} and delivery_id = ${delivery} order by n desc limit 100`.execute(tx);
  return rows.toReversed();
}

/** An event that only tries an endpoint out. @returns the id of its delivery */
export async function insertTest(
  tx: TenantTx,
  tenant: TenantId,
  endpoint: string,
  event: { readonly id: string; readonly seq: number },
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into webhook_delivery (tenant_id, endpoint_id, event_id, type, subject, seq, event_at, state)
    values (${tenant}, ${endpoint}, ${event.id}, ${testType}, ${`webhook_endpoint/${endpoint}`}, ${event.seq}, now(), 'waiting')
    returning id`.execute(tx);
  const [made] = rows;
  if (made === undefined) throw new Error('a delivery just stored is not there');
  return made.id;
}

/** Opens deliveries again: their attempts begin anew, under the same event id. One under way ends first. */
const reopen = (replay: string | null): RawBuilder<unknown> => sql`
  state = 'waiting', reason = null, round = d.round + 1, failed = 0, next_at = null, settled_at = null, replay_id = ${replay}::uuid`;

export async function replayOne(tx: TenantTx, tenant: TenantId, id: string): Promise<void> {
  await sql`update webhook_delivery d set ${reopen(null)} where d.tenant_id = ${tenant} and d.id = ${id}`.execute(tx);
}

export interface NewReplay {
  readonly id: string;
  readonly endpointId: string;
  readonly from: string;
  readonly until: string;
  readonly types: readonly string[] | null;
  readonly startedBy: Actor;
}

/** Deliveries `d` of events recorded in a time, with the types asked for; tests are no events of the desk. */
const inRange = (tenant: TenantId, { endpointId, from, until, types }: Pick<NewReplay, 'endpointId' | 'from' | 'until' | 'types'>) => sql`
  d.tenant_id = ${tenant} and d.endpoint_id = ${endpointId} and d.type <> ${testType}
  and d.event_at >= ${from}::timestamptz and d.event_at < ${until}::timestamptz
  ${types === null ? sql`` : sql`and ${typeMatches(sql`d.type`, sql`${[...types]}::text[]`)}`}`;

/** Notes that deliveries are to be opened again; pages of them are turned afterwards. */
export async function insertReplay(tx: TenantTx, tenant: TenantId, replay: NewReplay): Promise<void> {
  const { id, endpointId, from, until, types, startedBy } = replay;
  await sql`
    insert into webhook_replay (tenant_id, id, endpoint_id, from_at, until_at, types, total, started_by)
    select ${tenant}, ${id}, ${endpointId}, ${from}::timestamptz, ${until}::timestamptz, ${types === null ? null : [...types]}::text[],
      (select count(*) from webhook_delivery d where ${inRange(tenant, replay)})::int, ${startedBy}`.execute(tx);
}

/**
 * Opens the next deliveries of a tenant's running replays again, in the order of the stream.
 *
 * @returns how many; null: nothing runs, or another is at it
 */
export async function turnReplayPage(tx: TenantTx, tenant: TenantId, limit: number): Promise<number | null> {
  const { rows: found } = await sql<{
    id: string;
    endpointId: string;
    from: string;
    until: string;
    types: string[] | null;
    behind: string;
  }>`
    select id, endpoint_id, from_at::text as from, until_at::text as until, types, behind::text as behind from webhook_replay
    where tenant_id = ${tenant} and state = 'running' order by started_at, id limit 1 for update skip locked`.execute(tx);
  const [replay] = found;
  if (replay === undefined) return null;
  const { rows } = await sql<{ opened: number }>`
    with page as (
      select d.id, d.n from webhook_delivery d where ${inRange(tenant, replay)} and d.n > ${replay.behind}::bigint order by d.n limit ${limit}
    ), opened as (
      update webhook_delivery d set ${reopen(replay.id)} from page where d.tenant_id = ${tenant} and d.id = page.id
      returning 1
    )
    update webhook_replay r set behind = greatest(r.behind, coalesce((select max(n) from page), 0)),
      state = case when (select count(*) from page) < ${limit} then 'done' else r.state end
    where r.tenant_id = ${tenant} and r.id = ${replay.id}
    returning (select count(*) from opened)::int as opened`.execute(tx);
  return rows[0]?.opened ?? 0;
}

export interface ReplayRecord {
  readonly id: string;
  readonly endpointId: string;
  readonly state: 'running' | 'paused' | 'done' | 'cancelled';
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  /** Opened again, and not settled. */
  readonly open: number;
  readonly startedBy: Actor;
  readonly startedAt: Date;
  /** When the last of them settled. */
  readonly settledAt: Date | null;
}

const replayColumns = sql`r.id, r.endpoint_id, r.state, r.total, r.started_by, r.started_at, c.ok, c.failed, c.open, c.settled_at`;
const counted = sql`
  cross join lateral (
    select count(*) filter (where d.state = 'succeeded')::int as ok, count(*) filter (where d.state = 'failed')::int as failed,
      count(*) filter (where d.settled_at is null)::int as open, max(d.settled_at) as settled_at
    from webhook_delivery d where d.tenant_id = r.tenant_id and d.replay_id = r.id) c`;

export async function findReplay(tx: TenantTx, tenant: TenantId, id: string): Promise<ReplayRecord | undefined> {
  const { rows } = await sql<ReplayRecord>`
    select ${replayColumns} from webhook_replay r ${counted} where r.tenant_id = ${tenant} and r.id = ${id}`.execute(tx);
  return rows[0];
}

/** Newest first; one row more than `limit` when there are others. */
export async function listReplays(
  tx: TenantTx,
  tenant: TenantId,
  { before, limit }: { readonly before?: { readonly startedAt: string; readonly id: string }; readonly limit: number },
): Promise<ReplayRecord[]> {
  const { rows } = await sql<ReplayRecord>`
    select ${replayColumns} from (
      select * from webhook_replay
      where tenant_id = ${tenant}
        ${before === undefined ? sql`` : sql`and (started_at, id) < (${before.startedAt}::text::timestamptz, ${before.id}::uuid)`}
      order by started_at desc, id desc limit ${limit + 1}) r ${counted}
    order by r.started_at desc, r.id desc`.execute(tx);
  return rows;
}

/** What is not opened yet stays as it is, until it is resumed; one that is cancelled drops what has not been sent. */
export async function controlReplay(tx: TenantTx, tenant: TenantId, id: string, state: 'running' | 'paused' | 'cancelled'): Promise<void> {
  await sql`
    update webhook_replay set state = ${state}
    where tenant_id = ${tenant} and id = ${id} and state in ('running', 'paused')`.execute(tx);
  if (state !== 'cancelled') return;
  await sql`
    update webhook_delivery d set state = 'dropped', reason = 'cancelled', settled_at = now(), next_at = null
    where d.tenant_id = ${tenant} and d.replay_id = ${id} and d.state = 'waiting' and d.lease_until is null
      and exists (select from webhook_replay r where r.tenant_id = d.tenant_id and r.id = d.replay_id and r.state = 'cancelled')`.execute(
    tx,
  );
}

export interface ReplayItem {
  readonly id: string;
  readonly position: string;
  readonly state: DeliveryState;
  readonly reason: string | null;
}

/** Deliveries of a replay that have settled, in order; one row more than `limit` when there are others. */
export async function listReplayItems(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  { states, after, limit }: { readonly states?: readonly DeliveryState[]; readonly after?: string; readonly limit: number },
): Promise<ReplayItem[]> {
  const { rows } = await sql<ReplayItem>`
    select d.id, d.n::text as position, d.state, d.reason from webhook_delivery d
    where d.tenant_id = ${tenant} and d.replay_id = ${id} and d.settled_at is not null
      ${states === undefined ? sql`` : sql`and d.state = any(${[...states]}::text[])`}
      ${after === undefined ? sql`` : sql`and d.n > ${after}::bigint`}
    order by d.n limit ${limit + 1}`.execute(tx);
  return rows;
}
