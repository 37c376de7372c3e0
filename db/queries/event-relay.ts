/** Events that journeys have not been told of: taken by one relay at a time, in order for each subject, and marked when it is done. Source: reliability.md, section 7. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import { asTenantId } from '../../domain/ids.js';
import type { Instance, Search } from '../../domain/journey/entry/correlation.js';
import { subjectTypes } from '../../domain/journey/template.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Whether any event waits that may be taken; asked often, and answered from small indexes. */
export async function isAnyWaiting(relay: Db): Promise<boolean> {
  const { rows } = await sql<{ waits: boolean }>`
    select exists (select from event where routing = 'pending' and (routing_lease_until is null or routing_lease_until <= now()))
      or exists (select from inbound_event where state = 'pending' and (lease_until is null or lease_until <= now())) as waits`.execute(
    relay,
  );
  return rows[0]?.waits === true;
}

/** An event that waits, from the bus or from our own log. */
export interface EventRef {
  readonly from: 'bus' | 'log';
  readonly tenant: TenantId;
  readonly id: string;
  readonly type: string;
  /** Whom it is about, `<type>/<id>`: what shares one of these is told in order. */
  readonly about: readonly string[];
  /** Attempts before this one. */
  readonly attempts: number;
  readonly cameAt: Instant;
}

interface WaitingRow {
  readonly source: 'bus' | 'log';
  readonly tenantId: string;
  readonly id: string;
  readonly type: string;
  readonly about: string[];
  readonly attempts: number;
  readonly cameAt: Date;
}

/** Attempts after which an event no longer holds up those behind it. */
const mostPatience = 20;

const about = (table: string): RawBuilder<unknown> => {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${table}.${name}`);
  return sql`array_remove(array['customer/' || ${column('customer_id')}, 'lead/' || ${column('lead_id')}, 'ticket/' || ${column('ticket_id')},
    'journey/' || ${column('journey_id')}, ${column('subject')}], null)`;
};

/**
 * Takes events that wait, across tenants, oldest first. Those that concern nobody are marked at once; the others are leased.
 *
 * One relay claims at a time, so that none takes an event while another holds an earlier one about the same subject. Only the relay's role may
 * ask; the database's clock counts.
 *
 * @param concerns which of the events are anybody's business, given what their tenants have published: read after the events, so nothing that
 * was published before one of them is missed
 * @returns `seen`: how many were looked at; null: another relay is claiming just now
 */
export async function claimEvents(
  relay: Db,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
  concerns: (events: readonly EventRef[], live: LiveVersions) => Promise<ReadonlySet<EventRef>>,
): Promise<{ readonly seen: number; readonly leased: readonly EventRef[] } | null> {
  return relay.transaction().execute(async (tx) => {
    const { rows: locks } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(hashtext('usher event relay')) as mine`.execute(
      tx,
    );
    if (locks[0]?.mine !== true) return null;
    const { rows } = await sql<WaitingRow>`
      with held as materialized (
        select o.tenant_id, o.received_at, o.id, ${about('o')} as about from inbound_event o
        where o.state = 'pending' and o.lease_until > now() and o.attempts between 1 and ${mostPatience}
      ), bus as (
        select i.tenant_id, i.id, i.type, ${about('i')} as about, i.attempts, i.received_at as came_at
        from inbound_event i
        where i.state = 'pending' and (i.lease_until is null or i.lease_until <= now())
          and not exists (
            select from held h
            where h.tenant_id = i.tenant_id and (h.received_at, h.id) < (i.received_at, i.id) and h.about && ${about('i')})
        order by i.received_at, i.id limit ${limit} for update of i skip locked
      ), log as (
        select e.tenant_id, e.id::text as id, e.type, array[e.subject] as about, e.routing_attempts as attempts, e.recorded_at as came_at, e.seq
        from event e
        where e.routing = 'pending' and (e.routing_lease_until is null or e.routing_lease_until <= now())
          and not exists (
            select from event o
            where o.tenant_id = e.tenant_id and o.subject = e.subject and o.seq < e.seq
              and o.routing = 'pending' and o.routing_lease_until > now() and o.routing_attempts between 1 and ${mostPatience})
        order by e.recorded_at, e.seq limit ${limit} for update of e skip locked
      )
      select * from (
        select 'bus' as source, tenant_id, id, type, about, attempts, came_at, 0 as seq from bus
        union all select 'log', tenant_id, id, type, about, attempts, came_at, seq from log
      ) waiting order by came_at, seq`.execute(tx);
    if (rows.length === 0) return { seen: 0, leased: [] };
    const refs = rows.map(eventRef);
    const wanted = await concerns(refs, await liveVersions(tx, [...new Set(refs.map(({ tenant }) => tenant))]));
    const leased = refs.filter((ref) => wanted.has(ref));
    await mark(
      tx,
      refs.filter((ref) => !wanted.has(ref)),
    );
    await lease(tx, leased, leaseMs);
    return { seen: rows.length, leased };
  });
}

const eventRef = ({ source, tenantId, cameAt, id, type, about: whom, attempts }: WaitingRow): EventRef => ({
  from: source,
  id,
  type,
  about: whom,
  attempts,
  tenant: asTenantId(tenantId),
  cameAt: cameAt.getTime(),
});

type Ref = Pick<EventRef, 'from' | 'tenant' | 'id'>;

const listed = (refs: readonly Ref[]): RawBuilder<unknown> =>
  sql`jsonb_to_recordset(${JSON.stringify(refs.map(({ tenant, id }) => ({ tenant, id })))}::jsonb) as r(tenant uuid, id text)`;

const ofLog = (refs: readonly Ref[]): RawBuilder<unknown> =>
  sql`jsonb_to_recordset(${JSON.stringify(refs.map(({ tenant, id }) => ({ tenant, id })))}::jsonb) as r(tenant uuid, id uuid)`;

const part = (refs: readonly Ref[], from: EventRef['from']): readonly Ref[] => refs.filter((ref) => ref.from === from);

/** Everybody was told. */
async function mark(tx: Db, refs: readonly Ref[]): Promise<void> {
  const [bus, log] = [part(refs, 'bus'), part(refs, 'log')];
  if (bus.length > 0) {
    await sql`update inbound_event i set state = 'routed', routed_at = now(), lease_until = null from ${listed(bus)}
      where i.tenant_id = r.tenant and i.id = r.id and i.state = 'pending'`.execute(tx);
  }
  if (log.length > 0) {
    await sql`update event e set routing = 'routed', routing_lease_until = null from ${ofLog(log)}
      where e.tenant_id = r.tenant and e.id = r.id and e.routing = 'pending'`.execute(tx);
  }
}

async function lease(tx: Db, refs: readonly Ref[], leaseMs: number): Promise<void> {
  const [bus, log] = [part(refs, 'bus'), part(refs, 'log')];
  const until = sql`now() + ${leaseMs} * interval '1 millisecond'`;
  if (bus.length > 0) {
    await sql`update inbound_event i set lease_until = ${until}, attempts = i.attempts + 1 from ${listed(bus)}
      where i.tenant_id = r.tenant and i.id = r.id`.execute(tx);
  }
  if (log.length > 0) {
    await sql`update event e set routing_lease_until = ${until}, routing_attempts = least(e.routing_attempts + 1, 1000) from ${ofLog(log)}
      where e.tenant_id = r.tenant and e.id = r.id`.execute(tx);
  }
}

/** Marks an event whose work is done; done twice, nothing changes. */
export const markRouted = (relay: Db, refs: readonly Ref[]): Promise<void> => mark(relay, refs);

/** Gives an event back, to be tried again after so many milliseconds. */
export async function postponeEvent(relay: Db, { from, tenant, id }: Ref, delayMs: number): Promise<void> {
  const until = sql`now() + ${delayMs} * interval '1 millisecond'`;
  const statement =
    from === 'bus'
      ? sql`update inbound_event set lease_until = ${until} where tenant_id = ${tenant} and id = ${id} and state = 'pending'`
      : sql`update event set routing_lease_until = ${until} where tenant_id = ${tenant} and id = ${id}::uuid and routing = 'pending'`;
  await statement.execute(relay);
}

/** A version whose instances may live, or that takes entries. */
export interface LiveVersion {
  readonly key: string;
  readonly version: number;
  readonly hash: string;
  /** Entries take it: the newest that is published. */
  readonly isNewest: boolean;
  readonly isPaused: boolean;
}

/** Of each tenant that was asked for every version that instances may run on. */
export type LiveVersions = ReadonlyMap<TenantId, readonly LiveVersion[]>;

/** What the tenants have published; under a tenant's own rules it sees nobody else's. */
export async function liveVersions(db: Db, tenants: readonly TenantId[]): Promise<LiveVersions> {
  const { rows } = await sql<LiveVersion & { readonly tenantId: TenantId }>`
    select v.tenant_id, v.key, v.version, v.hash, t.paused_at is not null as is_paused,
      v.status = 'published' and v.version = max(v.version) filter (where v.status = 'published') over (partition by v.tenant_id, v.key) as is_newest
    from journey_template_version v join journey_template t on t.tenant_id = v.tenant_id and t.key = v.key
    where v.tenant_id = any(${[...tenants]}::uuid[]) and v.status <> 'archived'
    order by v.key, v.version`.execute(db);
  const found = new Map<TenantId, LiveVersion[]>(tenants.map((tenant) => [tenant, []]));
  for (const { tenantId, ...version } of rows) found.get(tenantId)?.push(version);
  return found;
}

/** An instance an event may concern. */
export interface Concerned extends Instance {
  readonly template: { readonly key: string; readonly version: number };
  /** The event that started it; null: none did. */
  readonly startedBy: string | null;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
}

interface ConcernedRow {
  readonly id: string;
  readonly templateKey: string;
  readonly templateVersion: number;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly input: unknown;
  readonly context: unknown;
  readonly openSteps: string[];
  readonly triggerEventId: string | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

export interface ConcernQuery {
  readonly versions: readonly { readonly key: string; readonly version: number }[];
  readonly search: Search;
  /** Ended ones that started after this instant are looked at too; null: only open ones. */
  readonly endedSince: Instant | null;
}

/** Journeys of some versions that may be meant; not fewer than are. */
export async function findConcerned(tx: TenantTx, tenant: TenantId, { versions, search, endedSince }: ConcernQuery): Promise<Concerned[]> {
  if (versions.length === 0) return [];
  const { rows } = await sql<ConcernedRow>`
    select j.id, j.template_key, j.template_version, j.subject_type, j.subject_id, j.input, j.context, j.open_steps, j.trigger_event_id,
      j.started_at, j.ended_at
    from journey j
    join jsonb_to_recordset(${JSON.stringify(versions)}::jsonb) as v(key text, version int) on v.key = j.template_key and v.version = j.template_version
    where j.tenant_id = ${tenant}
      and (j.ended_at is null ${endedSince === null ? sql`` : sql`or j.started_at >= ${toIso(endedSince)}::timestamptz`})
      and ${meant(search)}
    order by j.started_at, j.id`.execute(tx);
  return rows.map((row) => ({
    journeyId: row.id,
    template: { key: row.templateKey, version: row.templateVersion },
    subject: { type: subjectTypes.find((type) => type === row.subjectType) ?? 'custom', id: row.subjectId },
    input: objectOf(row.input),
    context: objectOf(row.context),
    openSteps: row.openSteps,
    startedBy: row.triggerEventId,
    startedAt: row.startedAt.getTime(),
    endedAt: row.endedAt?.getTime() ?? null,
  }));
}

/** The predicate of a search: by the journey named, else by subject or by a value that is to be equal, as long as it can be seen. */
function meant({ journeyId, subjects, pairs, all }: Search): RawBuilder<unknown> {
  if (journeyId !== null) return sql`j.id = ${journeyId}`;
  if (all) return sql`true`;
  const equal = pairs.map(({ root, name, value }) => {
    const column = sql`${sql.ref(`j.${root}`)} -> ${name}`;
    return sql`(${column} = ${JSON.stringify(value)}::jsonb or ${column} ? '$ref')`;
  });
  return sql`(j.subject_id = any(${[...subjects]}::text[])${equal.map((one) => sql` or ${one}`).reduce((left, right) => sql`${left}${right}`, sql``)})`;
}

const objectOf = (stored: unknown): JsonObject => {
  const { value } = plainJson(stored);
  return isObject(value) ? value : {};
};

/** Keeps how a question about an event was answered first; a later answer does not count. */
export async function keepAnswer(
  tx: TenantTx,
  tenant: TenantId,
  { template, trigger, eventId }: { readonly template: string; readonly trigger: string; readonly eventId: string },
  answer: boolean,
  until: Instant,
): Promise<boolean> {
  const key = `answer/${eventId}`;
  await sql`
    insert into journey_dedupe (tenant_id, template_key, trigger_id, dedupe_key, event_id, until)
    values (${tenant}, ${template}, ${trigger}, ${key}, ${answer ? 'yes' : 'no'}, ${toIso(until)}::timestamptz)
    on conflict do nothing`.execute(tx);
  const row = await tx
    .selectFrom('journeyDedupe')
    .select('eventId')
    .where('tenantId', '=', tenant)
    .where('templateKey', '=', template)
    .where('triggerId', '=', trigger)
    .where('dedupeKey', '=', key)
    .executeTakeFirstOrThrow();
  return row.eventId === 'yes';
}

/** Waiting events: how many, and since when the oldest waits. */
export async function waitingEvents(relay: Db): Promise<{ readonly count: number; readonly oldestMs: number }> {
  const { rows } = await sql<{ count: number; oldestMs: number }>`
    select count(*)::int as count, coalesce(extract(epoch from now() - min(came)) * 1000, 0)::float8 as oldest_ms from (
      select received_at as came from inbound_event where state = 'pending'
      union all select recorded_at from event where routing = 'pending') waiting`.execute(relay);
  return rows[0] ?? { count: 0, oldestMs: 0 };
}

/** Every tenant. Only the relay's role may ask. */
export async function listTenants(relay: Db): Promise<TenantId[]> {
  const { rows } = await sql<{ tenantId: string }>`select tenant_id from tenant order by tenant_id`.execute(relay);
  return rows.map(({ tenantId }) => asTenantId(tenantId));
}
