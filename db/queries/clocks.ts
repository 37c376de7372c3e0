/** What people read of a ticket's clocks: as the workflow last said them, and what is kept of their story. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { eventSubject } from './projection.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { Clock, Segment } from '../../domain/sla/clock.js';
import type { ClockChange } from '../../domain/sla/explain.js';

/** Every clock the ticket ever had, in order of origin. */
export async function listClocks(tx: TenantTx, tenant: TenantId, ticket: TicketId): Promise<Clock[]> {
  const rows = await tx
    .selectFrom('slaClock')
    .select('state')
    .where('tenantId', '=', tenant)
    .where('ticketId', '=', ticket)
    .orderBy('originAt')
    .orderBy('clock')
    .execute();
  return rows.map(({ state }) => asClock(state));
}

/**
 * One clock of a ticket.
 *
 * @param clock such as `resolution#1`
 */
export async function findClock(tx: TenantTx, tenant: TenantId, ticket: TicketId, clock: string): Promise<Clock | undefined> {
  const row = await tx
    .selectFrom('slaClock')
    .select('state')
    .where('tenantId', '=', tenant)
    .where('ticketId', '=', ticket)
    .where('clock', '=', clock)
    .executeTakeFirst();
  return row && asClock(row.state);
}

/** The column is written by the projection alone, from a Clock. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asClock = (state: unknown): Clock => state as Clock;

/** A rung that fired. */
export interface RungRecord {
  readonly rung: string;
  readonly dueAt: Date;
  readonly firedAt: Date;
  readonly lateMs: number;
  readonly outcome: string;
  /** To whom the notice that told of it went, by each channel. */
  readonly recipients: number;
}

/** What led to a clock's present state, oldest first. */
export interface ClockStory {
  readonly segments: readonly Segment[];
  readonly changes: readonly (ClockChange & { readonly actor: string })[];
  readonly rungs: readonly RungRecord[];
}

/** What is kept of one clock besides its state. */
export async function findClockStory(tx: TenantTx, tenant: TenantId, ticket: TicketId, clock: string): Promise<ClockStory> {
  const stored = await tx
    .selectFrom('slaSegment')
    .select(['n', 'fromAt', 'toAt', 'state', 'causes', 'calendarId', 'calendarRevision', 'openS', 'wallS', 'consumedAfterS'])
    .where('tenantId', '=', tenant)
    .where('ticketId', '=', ticket)
    .where('clock', '=', clock)
    .orderBy('n')
    .execute();
  const { rows: changed } = await sql<StoredChange>`
    select type, data, actor from event
    where tenant_id = ${tenant} and subject = ${eventSubject(ticket)} and type in ('sla.retargeted', 'sla.recalendared')
      and data ->> 'clock' = ${clock}
    order by seq`.execute(tx);
  const { rows: rungs } = await sql<RungRecord>`
    select r.rung, r.due_at, r.fired_at, r.late_ms::float8 as late_ms, r.outcome, (
      select count(*)::int from outbound_message o
      where o.tenant_id = r.tenant_id and o.ticket_id = r.ticket_id and o.message = r.message) as recipients
    from sla_rung r
    where r.tenant_id = ${tenant} and r.ticket_id = ${ticket} and r.clock = ${clock}
    order by r.due_at, r.fired_at, r.rung`.execute(tx);
  const segments = stored.map(({ fromAt, toAt, calendarId, calendarRevision, state, ...row }): Segment => ({
    ...row,
    clock,
    from: fromAt.getTime(),
    to: toAt.getTime(),
    state: segmentStates.find((name) => name === state) ?? 'closed',
    calendar: { id: calendarId, revision: calendarRevision },
  }));
  return { segments, changes: changed.map(changeOf), rungs };
}

const segmentStates = ['running', 'paused', 'closed'] as const;

/** As `sla.retargeted` and `sla.recalendared` say it. */
interface StoredChange {
  readonly type: 'sla.retargeted' | 'sla.recalendared';
  readonly data: { readonly at: number; readonly from: number | string; readonly to: number | string; readonly reason: string };
  readonly actor: string;
}

function changeOf({ type, data: { at, from, to, reason }, actor }: StoredChange): ClockStory['changes'][number] {
  return type === 'sla.retargeted'
    ? { type: 'retarget', at, from: Number(from), to: Number(to), reason, actor }
    : { type: 'recalendar', at, from: String(from), to: String(to), reason, actor };
}
