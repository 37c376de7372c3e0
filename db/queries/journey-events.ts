/** Events as journeys see them: what the bus brought, and lines of our own log. Source: journeys.md, section 11. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import { uuidPattern } from '../../domain/ids.js';
import type { BusEvent } from '../../domain/journey/entry/event.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** A row of either table, under the names of both. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly cameAt: Date;
  readonly at: Date;
  readonly subject: string | null;
  readonly customerId: string | null;
  readonly leadId: string | null;
  readonly ticketId: string | null;
  readonly journeyId: string | null;
  readonly ofJourney: string | null;
  readonly entity: string | null;
  readonly data: unknown;
}

/** What the bus brought; when it came is what counts, not what its sender's clock says. */
export const busColumns = sql`
  i.id, i.type, i.source, i.received_at as came_at, i.at, i.subject, i.customer_id, i.lead_id, i.ticket_id, i.journey_id,
  null::text as of_journey, null::text as entity, i.data`;

/**
 * A line of our own log; `j` is the journey it tells of, `t` the ticket it is about. A line of a ticket is about its requester too, one of a
 * journey about the journey's subject.
 */
export const logColumns = sql`
  e.id::text as id, e.type, 'usher' as source, e.recorded_at as came_at, e.at, e.subject,
  case when e.entity like 'customer/%' then substr(e.entity, 10) else t.requester_id::text end as customer_id,
  case when e.entity like 'lead/%' then substr(e.entity, 6) end as lead_id,
  case when e.entity like 'ticket/%' then substr(e.entity, 8) when e.subject like 'ticket/%' then substr(e.subject, 8) end as ticket_id,
  null::text as journey_id, e.journey_id as of_journey, e.entity,
  case when j.id is null then e.data else e.data || jsonb_build_object('template', j.template_key) end as data`;

export const logJoins = sql`
  left join ticket t on t.tenant_id = e.tenant_id and e.subject like 'ticket/%' and t.id = substr(e.subject, 8)
  left join journey j on j.tenant_id = e.tenant_id and j.id = e.journey_id`;

/** @throws nothing: data that are no object count as empty */
export function busEventOf(row: StoredEvent): BusEvent {
  const { value } = plainJson(row.data);
  return {
    id: row.id,
    type: row.type,
    source: row.source,
    at: row.cameAt.getTime(),
    time: row.at.getTime(),
    ...given('subject', row.subject),
    ...given('customerId', row.customerId),
    ...given('leadId', row.leadId),
    ...given('ticketId', row.ticketId),
    ...given('journeyId', row.journeyId),
    ...given('ofJourney', row.ofJourney),
    ...given('entityId', row.entity),
    data: isObject(value) ? value : {},
  };
}

const given = <Name extends string>(name: Name, value: string | null): { readonly [Key in Name]?: string } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one member is named by the argument
  (value === null ? {} : { [name]: value }) as { readonly [Key in Name]?: string };

/** One event, whether the bus brought it or we recorded it. */
export async function findEvent(tx: TenantTx, tenant: TenantId, id: string): Promise<BusEvent | undefined> {
  const own = uuidPattern.test(id) ? sql`e.id = ${id}::uuid` : sql`false`;
  const { rows } = await sql<StoredEvent>`
    select ${busColumns} from inbound_event i where i.tenant_id = ${tenant} and i.id = ${id}
    union all
    select ${logColumns} from event e ${logJoins} where e.tenant_id = ${tenant} and ${own}
    limit 1`.execute(tx);
  return rows[0] === undefined ? undefined : busEventOf(rows[0]);
}

export interface EventQuery {
  readonly types: readonly string[];
  /** When they came, not when they happened. */
  readonly since: Instant;
}

/** Looking back ends here: more of a type is nothing a step waits for. */
const most = 1_000;

/** Events of some types since an instant, oldest first. */
export async function listEvents(tx: TenantTx, tenant: TenantId, { types, since }: EventQuery): Promise<BusEvent[]> {
  if (types.length === 0) return [];
  const wanted = (alias: string, came: string): RawBuilder<unknown> =>
    sql`${sql.ref(`${alias}.tenantId`)} = ${tenant} and ${sql.ref(`${alias}.type`)} = any(${[...types]}::text[])
      and ${sql.ref(`${alias}.${came}`)} >= ${toIso(since)}::timestamptz`;
  const ofBus = wanted('i', 'receivedAt');
  const ofLog = wanted('e', 'recordedAt');
  // Mostly there are none, and to find that out costs a tenth of what planning the other question does. The order is what makes it begin at the
  // instant instead of reading all there ever was.
  const some = await sql<{ some: boolean }>`
    select (select true from inbound_event i where ${ofBus} order by i.received_at limit 1) is true
      or (select true from event e where ${ofLog} order by e.recorded_at limit 1) is true as some`.execute(tx);
  if (some.rows[0]?.some !== true) return [];
  const { rows } = await sql<StoredEvent>`
    select * from (
      select ${busColumns} from inbound_event i where ${ofBus}
      union all
      select ${logColumns} from event e ${logJoins} where ${ofLog}
    ) found order by came_at, id limit ${most}`.execute(tx);
  return rows.map(busEventOf);
}
