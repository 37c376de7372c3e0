/** Brings published events to endpoints: whom each goes to, and whose turn it is. Source: api-surfaces.md, section 2. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { slotsOf, testType } from '../../domain/webhook/schedule.js';
import { typeMatches } from './webhook-deliveries.js';

/** What waits to be done. */
export interface WebhookWork {
  /** Tenants with events that were not brought to their endpoints. */
  readonly behind: readonly TenantId[];
  /** Tenants with deliveries to be opened again. */
  readonly replaying: readonly TenantId[];
  /** Whether any delivery waits to be started. */
  readonly waiting: boolean;
}

/** Pending deliveries whose attempt is overdue by so much have lost their workflow. */
const overdue = sql`now() - interval '10 minutes'`;

/** Asked often, and answered from small tables and partial indexes. Only the relay's role may ask. */
export async function findWebhookWork(relay: Db): Promise<WebhookWork> {
  const { rows } = await sql<{ behind: string[] | null; replaying: string[] | null; waiting: boolean }>`
    select
      (select array_agg(c.tenant_id) from webhook_cursor c join stream_head h on h.tenant_id = c.tenant_id where h.position > c.position) as behind,
      (select array_agg(distinct r.tenant_id) from webhook_replay r where r.state = 'running') as replaying,
      exists (select from webhook_delivery where state = 'waiting' and (lease_until is null or lease_until <= now()))
        or exists (select from webhook_delivery where state = 'pending' and next_at < ${overdue} and (lease_until is null or lease_until <= now()))
        as waiting`.execute(relay);
  const { behind, replaying, waiting } = rows[0] ?? { behind: null, replaying: null, waiting: false };
  return { behind: (behind ?? []).map(asTenantId), replaying: (replaying ?? []).map(asTenantId), waiting };
}

/**
 * Makes a delivery of each published event for each endpoint that asked for it, in the order of the stream, and each once. One that is
 * disabled gets those it would have got as dropped: a replay can open them.
 *
 * @returns how many events were looked at, and how many deliveries made; null: another relay is at this tenant
 */
export async function fanOut(
  tx: TenantTx,
  tenant: TenantId,
  limit: number,
): Promise<{ readonly seen: number; readonly made: number } | null> {
  const { rows } = await sql<{ seen: number; made: number }>`
    with cursor as materialized (
      select c.position from webhook_cursor c where c.tenant_id = ${tenant} for update skip locked
    ), endpoint as materialized (
      select p.id, p.types, p.product, p.state = 'active' as active from webhook_endpoint p
      where p.tenant_id = ${tenant} and p.state <> 'removed' for share
    ), seen as materialized (
      select s.position, s.event_id from cursor c join stream_event s on s.tenant_id = ${tenant} and s.position > c.position
      order by s.position limit ${limit}
    ), made as (
      insert into webhook_delivery (tenant_id, endpoint_id, event_id, type, subject, seq, event_at, state, reason, settled_at)
      select e.tenant_id, p.id, e.id, e.type, e.subject, e.seq, e.recorded_at, case when p.active then 'waiting' else 'dropped' end,
        case when not p.active then 'disabled' end, case when not p.active then now() end
      from seen s
      join event e on e.tenant_id = ${tenant} and e.id = s.event_id
      left join journey j on j.tenant_id = e.tenant_id and j.id = e.journey_id
      left join ticket t on t.tenant_id = e.tenant_id
        and t.id = case when e.subject like 'ticket/%' then substr(e.subject, 8) when j.subject_type = 'ticket' then j.subject_id end
      cross join endpoint p
      where e.type <> ${testType} and (p.product is null or p.product = t.product) and ${typeMatches(sql`e.type`, sql`p.types`)}
      order by s.position, p.id
      on conflict (tenant_id, endpoint_id, event_id) do nothing
      returning 1
    )
    update webhook_cursor c set position = (select max(position) from seen)
    where c.tenant_id = ${tenant} and exists (select from seen)
    returning (select count(*) from seen)::int as seen, (select count(*) from made)::int as made`.execute(tx);
  return rows[0] ?? null;
}

/** A delivery whose turn has come. */
export interface DueDelivery {
  readonly tenant: TenantId;
  readonly id: string;
  readonly endpoint: string;
  readonly event: string;
  readonly type: string;
  readonly subject: string;
  readonly round: number;
  /** It was opened again: a run of before may be there still. */
  readonly isReplay: boolean;
}

/**
 * Takes deliveries whose turn has come, across tenants: of each endpoint as many as it has places free, of each subject none before an earlier
 * event is through or has failed often enough. What is taken and not marked as started is given out again after the lease.
 *
 * One relay at a time; only its role may ask.
 *
 * @returns null: another relay is at it
 */
export async function releaseDeliveries(
  relay: Db,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
): Promise<DueDelivery[] | null> {
  return relay.transaction().execute(async (tx) => {
    const { rows: locks } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(hashtext('usher webhooks')) as mine`.execute(tx);
    if (locks[0]?.mine !== true) return null;
    const { rows } = await sql<Omit<DueDelivery, 'tenant' | 'isReplay'> & { tenantId: string }>`
      with busy as (
        select tenant_id, endpoint_id, count(*)::int as count from webhook_delivery where lease_until is not null and lease_until > now()
        group by tenant_id, endpoint_id
      ), place as (
        select p.tenant_id, p.id, p.state,
          case when p.failures >= ${slowFrom} then ${slotsOf(slowFrom)}::int else ${slotsOf(0)}::int end - coalesce(b.count, 0) as free
        from webhook_endpoint p left join busy b on b.tenant_id = p.tenant_id and b.endpoint_id = p.id
        where p.state <> 'removed'
          and exists (select from webhook_delivery w where w.tenant_id = p.tenant_id and w.endpoint_id = p.id and w.state = 'waiting')
      ), due as (
        select d.tenant_id, d.id from place f cross join lateral (
          select w.tenant_id, w.id, w.n from webhook_delivery w
          where w.tenant_id = f.tenant_id and w.endpoint_id = f.id and w.state = 'waiting' and (w.lease_until is null or w.lease_until <= now())
            and (w.type = ${testType} or (f.state = 'active' and not exists (
              select from webhook_delivery h
              where h.tenant_id = w.tenant_id and h.endpoint_id = w.endpoint_id and h.subject = w.subject and h.seq < w.seq and h.holds)))
          order by w.n limit greatest(f.free, 0)
        ) d
        union all (
          select o.tenant_id, o.id from webhook_delivery o
          where o.state = 'pending' and o.next_at < ${overdue} and (o.lease_until is null or o.lease_until <= now())
          order by o.next_at limit 20)
        limit ${limit}
      )
      update webhook_delivery d set lease_until = now() + ${leaseMs} * interval '1 millisecond', lease_token = null from due
      where d.tenant_id = due.tenant_id and d.id = due.id and d.state in ('waiting', 'pending') and (d.lease_until is null or d.lease_until <= now())
      returning d.tenant_id, d.id, d.endpoint_id as endpoint, d.event_id as event, d.type, d.subject, d.round`.execute(tx);
    return rows.map(({ tenantId, ...due }) => ({ ...due, tenant: asTenantId(tenantId), isReplay: due.round > 1 }));
  });
}

/** Failures in a row from which on an endpoint is asked by one at a time. */
const slowFrom = 10;

type Ref = Pick<DueDelivery, 'tenant' | 'id'>;

/** Their workflows run; one that has made its attempt already says so itself. */
export async function markStarted(relay: Db, refs: readonly Ref[]): Promise<void> {
  if (refs.length === 0) return;
  await sql`
    update webhook_delivery d set state = 'pending', next_at = now() from ${listed(refs)}
    where d.tenant_id = r.tenant and d.id = r.id and (d.state = 'waiting' or d.next_at < ${overdue})`.execute(relay);
}

/** Their workflows could not be started. */
export async function giveBack(relay: Db, refs: readonly Ref[]): Promise<void> {
  if (refs.length === 0) return;
  await sql`
    update webhook_delivery d set lease_until = null from ${listed(refs)}
    where d.tenant_id = r.tenant and d.id = r.id and d.lease_token is null`.execute(relay);
}

const listed = (refs: readonly Ref[]) =>
  sql`jsonb_to_recordset(${JSON.stringify(refs.map(({ tenant, id }) => ({ tenant, id })))}::jsonb) as r(tenant uuid, id uuid)`;
