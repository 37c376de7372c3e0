/** Events for readers: those from outside and those of our own log as one list, and what each led to. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { busColumns, busEventOf, logColumns, logJoins } from './journey-events.js';
import type { StoredEvent } from './journey-events.js';
import type { TenantId } from '../../domain/ids.js';
import { uuidPattern } from '../../domain/ids.js';
import type { BusEvent } from '../../domain/journey/entry/event.js';
import { plainJson } from '../../domain/journey/json.js';
import type { Json } from '../../domain/journey/json.js';

export interface EventRecord {
  readonly event: BusEvent;
  readonly receivedAt: Date;
  readonly state: 'pending' | 'routed';
  /** Of our own log; null: from outside. */
  readonly seq: number | null;
  /** Sort key of the list. */
  readonly position: string;
  readonly id: string;
}

interface Row extends StoredEvent {
  readonly state: string;
  readonly seq: number | null;
  readonly position: string;
}

const recordOf = (row: Row): EventRecord => ({
  event: busEventOf(row),
  receivedAt: row.cameAt,
  state: row.state === 'routed' ? 'routed' : 'pending',
  seq: row.seq,
  position: row.position,
  id: row.id,
});

const positionOf = (column: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position`;
const bus = sql`select ${busColumns}, i.state, null::int as seq, ${positionOf(sql`i.received_at`)} from inbound_event i`;
const log = sql`select ${logColumns}, e.routing as state, e.seq, ${positionOf(sql`e.recorded_at`)} from event e ${logJoins}`;

/** One event, whether it came from outside or we recorded it. */
export async function findEventRecord(tx: TenantTx, tenant: TenantId, id: string): Promise<EventRecord | undefined> {
  const own = uuidPattern.test(id) ? sql`e.id = ${id}::uuid` : sql`false`;
  const { rows } = await sql<Row>`
    ${bus} where i.tenant_id = ${tenant} and i.id = ${id}
    union all ${log} where e.tenant_id = ${tenant} and ${own}
    limit 1`.execute(tx);
  return rows[0] && recordOf(rows[0]);
}

export interface EventFilter {
  readonly type?: readonly string[];
  readonly subject?: string;
}

/**
 * Events from outside, newest first; with a subject those of our own log about it too. One row more than `limit` when there are others. Our own
 * log as a whole is followed by the live stream: as a list it would need an index that every ticket pays for.
 */
export async function listEventRecords(
  tx: TenantTx,
  tenant: TenantId,
  { type, subject }: EventFilter,
  { limit, after }: { readonly limit: number; readonly after?: { readonly position: string; readonly id: string } },
): Promise<EventRecord[]> {
  const filter = (types: RawBuilder<unknown>, place: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    ${type === undefined ? sql`` : sql`and ${types} = any(${[...type]}::text[])`}
    ${after === undefined ? sql`` : sql`and ${place} < (${after.position}::text::timestamptz, ${after.id}::text)`}`;
  const outside = sql`
    (${bus} where i.tenant_id = ${tenant} ${filter(sql`i.type`, sql`(i.received_at, i.id)`)} ${subject === undefined ? sql`` : sql`and ${aboutSubject(subject)}`}
      order by i.received_at desc, i.id desc limit ${limit + 1})`;
  const own = sql`
    union all
    (${log} where e.tenant_id = ${tenant} and e.subject = ${subject ?? ''} ${filter(sql`e.type`, sql`(e.recorded_at, e.id::text)`)}
      order by e.recorded_at desc, e.id::text desc limit ${limit + 1})`;
  const { rows } = await sql<Row>`
    select * from (${outside} ${subject === undefined ? sql`` : own}) found order by came_at desc, id desc limit ${limit + 1}`.execute(tx);
  return rows.map(recordOf);
}

/** An event from outside names its subjects in members of their own. */
function aboutSubject(subject: string): RawBuilder<unknown> {
  const [type, id] = [subject.slice(0, Math.max(0, subject.indexOf('/'))), subject.slice(subject.indexOf('/') + 1)];
  const members: Readonly<Record<string, string>> = { customer: 'customerId', lead: 'leadId', ticket: 'ticketId', journey: 'journeyId' };
  const member = Object.hasOwn(members, type) ? members[type] : undefined;
  return member === undefined ? sql`i.subject = ${subject}` : sql`(i.subject = ${subject} or ${sql.ref(`i.${member}`)} = ${id})`;
}

export interface EventEntry {
  readonly template: string;
  readonly version: number | null;
  readonly trigger: string | null;
  readonly result: 'started' | 'existing' | 'signalled' | 'refused';
  readonly reason: string | null;
  readonly journey: string | null;
  readonly detail: Json;
  readonly at: Date;
}

/** What triggers made of an event. */
export async function entriesOfEvent(tx: TenantTx, tenant: TenantId, id: string): Promise<EventEntry[]> {
  const { rows } = await sql<EventEntry>`
    select template_key as template, template_version as version, trigger_id as trigger, result, reason, journey_id as journey, detail, at
    from journey_entry where tenant_id = ${tenant} and event_id = ${id} order by at, template_key limit 100`.execute(tx);
  return rows.map((row) => ({ ...row, detail: plainJson(row.detail).value }));
}

export interface EventEffect {
  readonly journey: string;
  readonly seq: number;
  readonly type: string;
  readonly step: string | null;
  readonly outcome: string | null;
  readonly at: Date;
}

/** What journeys recorded because of an event, within an hour after it came: lines that name it. */
export async function effectsOfEvent(tx: TenantTx, tenant: TenantId, { event, receivedAt }: EventRecord): Promise<EventEffect[]> {
  const { rows } = await sql<EventEffect>`
    select e.journey_id as journey, e.seq, e.type, e.data ->> 'step' as step, e.data ->> 'outcome' as outcome, e.at
    from event e
    where e.tenant_id = ${tenant} and e.recorded_at between ${receivedAt} and ${receivedAt}::timestamptz + interval '1 hour'
      and e.journey_id is not null and e.data ->> 'eventId' = ${event.id}
    order by e.recorded_at, e.seq limit 100`.execute(tx);
  return rows;
}
