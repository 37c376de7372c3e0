/** Gives events of the log their position in the live stream, when they are committed and in no other order. Only the relay's role may ask. */
import { sql } from 'kysely';
import type { Db } from '../client.js';

/** What listeners are told on this channel: ids of the tenants that have something new, by comma; nothing at all when there are too many. */
export const streamChannel = 'usher_stream';
/** PostgreSQL takes no more than 8,000 bytes; an id and a comma are 37. */
const mostNamed = 200;
/** Positions are kept this long. Source: security.md, section 6. */
export const keptHours = 24;

/** Whether any event waits; asked often, and answered from an index that is mostly empty. */
export async function isAnyUnpublished(relay: Db): Promise<boolean> {
  const { rows } = await sql<{ waits: boolean }>`select exists (select from stream_event where position is null) as waits`.execute(relay);
  return rows[0]?.waits === true;
}

/**
 * Publishes events that wait, across tenants, in the order in which they were written; of one subject that is the order of their numbers,
 * since nobody writes a number before the one below it is committed. What commits late gets its position late, and is never passed over.
 *
 * One relay publishes at a time; listeners are told once for all of it.
 *
 * @returns how many; null: another relay is publishing just now
 */
export async function publishEvents(relay: Db, limit: number): Promise<number | null> {
  return relay.transaction().execute(async (tx) => {
    // By itself, so that the statement behind it sees all that the relay before has done.
    const { rows: locks } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(hashtext('usher stream')) as mine`.execute(tx);
    if (locks[0]?.mine !== true) return null;
    const { rows } = await sql<{ published: number }>`
      with waiting as (
        select w.id, w.tenant_id, row_number() over (partition by w.tenant_id order by w.id) as n, count(*) over (partition by w.tenant_id) as total
        from (select id, tenant_id from stream_event where position is null order by id limit ${limit}) w
      ), head as (
        insert into stream_head (tenant_id, position) select tenant_id, count(*) from waiting group by tenant_id
        on conflict (tenant_id) do update set position = stream_head.position + excluded.position
        returning tenant_id, position
      ), published as (
        update stream_event s set position = h.position - w.total + w.n, published_at = now()
        from waiting w join head h on h.tenant_id = w.tenant_id
        where s.id = w.id and s.position is null
        returning 1
      ), told as (
        select pg_notify(${streamChannel}, case when count(*) > ${mostNamed} then '' else string_agg(tenant_id::text, ',') end)
        from head having count(*) > 0
      )
      select (select count(*) from published)::int as published from (select 1) one left join told on true`.execute(tx);
    return rows[0]?.published ?? 0;
  });
}

/**
 * Forgets positions that are older than a day, of each tenant the oldest first; none that webhooks have not been made of.
 *
 * @returns how many
 */
export async function forgetPositions(relay: Db, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    with old as (
      select o.tenant_id, o.position from stream_head h cross join lateral (
        select s.tenant_id, s.position, s.published_at from stream_event s
        where s.tenant_id = h.tenant_id and s.position is not null order by s.position limit ${limit}
      ) o
      left join webhook_cursor w on w.tenant_id = h.tenant_id
      where o.position <= coalesce(w.position, o.position) and o.published_at < now() - make_interval(hours => ${keptHours}) limit ${limit}
    )
    delete from stream_event s using old o where s.tenant_id = o.tenant_id and s.position = o.position`.execute(relay);
  return Number(numAffectedRows);
}
