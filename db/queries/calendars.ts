/** Calendars of service levels: revisions that are published once and never changed. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Actor } from '../../domain/actor.js';
import type { TeamId, TenantId } from '../../domain/ids.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import type { CalendarRef } from '../../domain/sla/policy.js';
import { CalendarBody } from '../../domain/sla/schema.js';

/** A calendar as one of its revisions says. */
export interface CalendarRecord {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly body: CalendarBody;
  readonly createdAt: Date;
  /** When the revision was published. */
  readonly publishedAt: Date;
  /** From then on nothing new may use it. */
  readonly retiredAt: Date | null;
}

type Row = Omit<CalendarRecord, 'body'> & { body: unknown };

const columns = sql`c.id, c.name, r.revision, r.body, c.created_at, r.created_at as published_at, c.retired_at`;
/** Joins the newest revision of each calendar `c`. */
const newest = sql`lateral (
  select * from sla_calendar_revision n where n.tenant_id = c.tenant_id and n.calendar_id = c.id order by n.revision desc limit 1) r on true`;

/** What is stored was checked; parsing fills in what a later version of Usher added. */
const read = (row: Row): CalendarRecord => ({ ...row, body: CalendarBody.parse(row.body) });

/** Calendars by id with their newest revisions; one row more than `limit` when there are others. */
export async function listCalendars(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { after?: string; limit: number },
): Promise<CalendarRecord[]> {
  const { rows } = await sql<Row>`
    select ${columns} from sla_calendar c join ${newest}
    where c.tenant_id = ${tenant} ${after === undefined ? sql`` : sql`and c.id > ${after}`} order by c.id limit ${limit + 1}`.execute(tx);
  return rows.map(read);
}

/** One calendar: the revision asked for, or the newest. */
export async function findCalendar(tx: TenantTx, tenant: TenantId, id: string, revision?: number): Promise<CalendarRecord | undefined> {
  const which =
    revision === undefined
      ? newest
      : sql`sla_calendar_revision r on r.tenant_id = c.tenant_id and r.calendar_id = c.id and r.revision = ${revision}`;
  const { rows } = await sql<Row>`
    select ${columns} from sla_calendar c join ${which} where c.tenant_id = ${tenant} and c.id = ${id}`.execute(tx);
  return rows[0] && read(rows[0]);
}

/** The revision a clock names, whoever asks; undefined when it was never published. */
export async function findCalendarBody(tx: TenantTx, tenant: TenantId, { id, revision }: CalendarRef): Promise<Calendar | undefined> {
  const row = await tx
    .selectFrom('slaCalendarRevision')
    .select('body')
    .where('tenantId', '=', tenant)
    .where('calendarId', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row && CalendarBody.parse(row.body);
}

/** What a new clock would run on at this moment. */
export interface LatestCalendars {
  /** Newest revision by calendar. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Calendar by team, for teams that have one. */
  readonly teams: ReadonlyMap<TeamId, string>;
}

/** The newest revision of every calendar, and which team keeps which. */
export async function latestCalendars(tx: TenantTx, tenant: TenantId): Promise<LatestCalendars> {
  const { rows } = await sql<{ calendar: string; revision: number; team: null } | { calendar: string; revision: null; team: TeamId }>`
    select calendar_id as calendar, max(revision) as revision, null::uuid as team
    from sla_calendar_revision where tenant_id = ${tenant} group by calendar_id
    union all select calendar_id, null, id from team where tenant_id = ${tenant} and calendar_id is not null`.execute(tx);
  return {
    revisions: new Map(rows.flatMap(({ calendar, revision }) => (revision === null ? [] : [[calendar, revision]]))),
    teams: new Map(rows.flatMap(({ calendar, team }) => (team === null ? [] : [[team, calendar]]))),
  };
}

export interface NewCalendar {
  readonly id: string;
  readonly name: string;
  readonly body: Calendar;
  readonly by: Actor;
}

/** Stores a calendar with its first revision; false when the id is taken. */
export async function createCalendar(tx: TenantTx, tenantId: TenantId, { id, name, body, by }: NewCalendar): Promise<boolean> {
  const made = await tx
    .insertInto('slaCalendar')
    .values({ tenantId, id, name })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (made.numInsertedOrUpdatedRows !== 1n) return false;
  await insertRevision(tx, tenantId, { id, revision: 1, body, by });
  return true;
}

/**
 * The newest revision of a calendar, kept as it is until the transaction ends: nobody publishes, retires or deletes it meanwhile.
 */
export async function lockCalendar(tx: TenantTx, tenant: TenantId, id: string): Promise<CalendarRecord | undefined> {
  // Locked by itself first: the newest revision is looked for only when nobody can add another.
  await sql`select from sla_calendar where tenant_id = ${tenant} and id = ${id} for update`.execute(tx);
  return findCalendar(tx, tenant, id);
}

/** Publishes a revision; the calendar is locked, and the number the next one. */
export async function insertRevision(
  tx: TenantTx,
  tenantId: TenantId,
  { id: calendarId, revision, body, by: createdBy }: CalendarRef & Pick<NewCalendar, 'body' | 'by'>,
): Promise<void> {
  await tx
    .insertInto('slaCalendarRevision')
    .values({ tenantId, calendarId, revision, body: JSON.stringify(body), createdBy })
    .execute();
}

/** Ends new uses of a calendar; what runs on it goes on. Again: nothing changes. */
export async function retireCalendar(tx: TenantTx, tenant: TenantId, id: string, at: Date): Promise<void> {
  await tx
    .updateTable('slaCalendar')
    .set({ retiredAt: at })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('retiredAt', 'is', null)
    .execute();
}

/**
 * Whether anything names a calendar: a revision of the policies, a team, an open ticket, or a clock, whose explanation needs it even when it is
 * over.
 */
export async function isCalendarUsed(tx: TenantTx, tenant: TenantId, id: string): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`
    select exists (
        select from sla_policy_set s, jsonb_array_elements(s.policies) p
        where s.tenant_id = ${tenant} and ${id} in (p -> 'calendar' ->> 'id', p -> 'calendar' ->> 'fallback'))
      or exists (select from team where tenant_id = ${tenant} and calendar_id = ${id})
      or exists (select from sla_clock where tenant_id = ${tenant} and calendar_id = ${id})
      or exists (select from sla_segment where tenant_id = ${tenant} and calendar_id = ${id})
      or exists (
        select from ticket where tenant_id = ${tenant} and status <> 'closed'
        and jsonb_path_exists(state -> 'sla', '$.**.calendar ? (@.id == $id)', jsonb_build_object('id', ${id}::text))) as used`.execute(tx);
  return rows[0]?.used ?? true;
}

/** Removes a calendar nothing uses, with its revisions. */
export async function deleteCalendar(tx: TenantTx, tenant: TenantId, id: string): Promise<void> {
  await tx.deleteFrom('slaCalendarRevision').where('tenantId', '=', tenant).where('calendarId', '=', id).execute();
  await tx.deleteFrom('slaCalendar').where('tenantId', '=', tenant).where('id', '=', id).execute();
}
