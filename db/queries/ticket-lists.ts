/** Tickets found by what they are: pages, counts, search. */
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { TenantTx } from '../client.js';
import { scoped } from './scope.js';
import { isFrequent } from './word-share.js';
import { ticketColumns, ticketSource } from './ticket-record.js';
import type { TicketIncludes, TicketRecord } from './ticket-record.js';
import type { Principal } from '../../domain/access/principal.js';

/** A row of a list. */
export interface ListedTicket extends TicketRecord {
  /** Its sort key, for the cursor. */
  readonly position: string;
}

export const ticketSorts = ['createdAt', 'updatedAt', 'dueAt', 'priority'] as const;
export type TicketSort = (typeof ticketSorts)[number];

/** Each condition narrows; lists mean "one of". */
export interface TicketFilter {
  readonly product?: readonly string[];
  readonly status?: readonly string[];
  readonly priority?: readonly string[];
  readonly channel?: readonly string[];
  readonly category?: readonly string[];
  readonly team?: readonly string[];
  /** Agent ids; null stands for nobody. */
  readonly assignee?: readonly (string | null)[];
  readonly requester?: readonly string[];
  readonly tag?: readonly string[];
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  readonly updatedFrom?: Date;
  readonly updatedBefore?: Date;
  readonly escalationLevel?: readonly number[];
  readonly slaState?: readonly string[];
  readonly slaBreached?: boolean;
  readonly dueBefore?: Date;
  readonly customFields?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly includeRemoved?: boolean;
}

export interface TicketPage {
  readonly sort: TicketSort;
  readonly descending: boolean;
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly position: string; readonly id: string };
}

/** Most hits of a full-text search that are looked at, newest first. */
const mostHits = 5_000;
export const mostCounted = 10_000;
/** Stands for a missing sort key. */
const noPosition = '';

/** One page of the tickets the reader may see, those without the sort key last; one row more than `limit` when there is a next page. */
export async function listTickets(
  tx: TenantTx,
  reader: Principal,
  filter: TicketFilter,
  { sort, descending, limit, after }: TicketPage,
  include: TicketIncludes,
): Promise<ListedTicket[]> {
  const column: Record<TicketSort, RawBuilder<unknown>> = {
    createdAt: sql`t.created_at`,
    updatedAt: sql`t.updated_at`,
    dueAt: sql`t.due_at`,
    priority: sql`t.priority_rank`,
  };
  const type: Record<TicketSort, RawBuilder<unknown>> = {
    createdAt: sql`timestamptz`,
    updatedAt: sql`timestamptz`,
    dueAt: sql`timestamptz`,
    priority: sql`smallint`,
  };
  const direction = descending ? sql`desc` : sql`asc`;
  const behind = descending ? sql`<` : sql`>`;
  // Only a deadline may be missing; the other keys keep to the order of their indexes.
  const last = sort === 'dueAt' ? sql`nulls last` : sql``;
  const rest = (): RawBuilder<unknown> => {
    if (after === undefined) return sql``;
    if (after.position === noPosition) return sql`and ${column[sort]} is null and t.id ${behind} ${after.id}::text`;
    const next = sql`(${column[sort]}, t.id) ${behind} (${after.position}::text::${type[sort]}, ${after.id}::text)`;
    return sort === 'dueAt' ? sql`and (${next} or ${column[sort]} is null)` : sql`and ${next}`;
  };
  // Cursors carry instants as text, to the microsecond.
  const position: Record<TicketSort, RawBuilder<unknown>> = {
    createdAt: sql`to_char(t.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
    updatedAt: sql`to_char(t.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
    dueAt: sql`coalesce(to_char(t.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ${noPosition}::text)`,
    priority: sql`t.priority_rank::text`,
  };
  // Only in the order of an index does a page of a common word end early.
  const isWalked = sort === 'createdAt' || sort === 'updatedAt';
  const walks = filter.text !== undefined && isWalked && (await isFrequent(tx, reader.tenant, filter.text));
  const { rows } = await sql<ListedTicket>`
    select ${ticketColumns(reader, include)}, ${position[sort]} as position from ${ticketSource}
    where ${scoped(reader, 't')} ${conditions(reader, filter, walks)} ${rest()}
    order by ${column[sort]} ${direction} ${last}, t.id ${direction} limit ${limit + 1}`.execute(tx);
  return rows;
}

/** How many tickets match, counted up to one more than `mostCounted`. */
export async function countTickets(tx: TenantTx, reader: Principal, filter: TicketFilter): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (
      select 1 from ticket t where ${scoped(reader, 't')} ${conditions(reader, filter)} limit ${mostCounted + 1}
    ) as counted`.execute(tx);
  return rows[0]?.count ?? 0;
}

const among = (
  column: RawBuilder<unknown>,
  values: readonly (string | number)[] | undefined,
  type: RawBuilder<unknown>,
): RawBuilder<SqlBool>[] => (values === undefined ? [] : [sql<SqlBool>`${column} = any(${[...values]}::${type}[])`]);

/** @param walks whether a search goes through the tickets in order, instead of fetching its hits first */
function conditions(reader: Principal, filter: TicketFilter, walks = false): RawBuilder<unknown> {
  const parts: RawBuilder<SqlBool>[] = [
    ...(filter.includeRemoved === true ? [] : [sql<SqlBool>`t.removed_at is null`]),
    ...among(sql`t.product`, filter.product, sql`text`),
    ...among(sql`t.status`, filter.status, sql`text`),
    ...among(sql`t.priority`, filter.priority, sql`text`),
    ...among(sql`t.channel`, filter.channel, sql`text`),
    ...among(sql`t.category`, filter.category, sql`text`),
    ...among(sql`t.team_id`, filter.team, sql`uuid`),
    ...among(sql`t.requester_id`, filter.requester, sql`uuid`),
    ...(filter.assignee === undefined ? [] : [assignedTo(filter.assignee)]),
    ...(filter.tag === undefined ? [] : [sql<SqlBool>`t.tags && ${[...filter.tag]}::text[]`]),
    ...(filter.createdFrom === undefined ? [] : [sql<SqlBool>`t.created_at >= ${filter.createdFrom}`]),
    ...(filter.createdBefore === undefined ? [] : [sql<SqlBool>`t.created_at < ${filter.createdBefore}`]),
    ...(filter.updatedFrom === undefined ? [] : [sql<SqlBool>`t.updated_at >= ${filter.updatedFrom}`]),
    ...(filter.updatedBefore === undefined ? [] : [sql<SqlBool>`t.updated_at < ${filter.updatedBefore}`]),
    ...among(sql`t.escalation_level`, filter.escalationLevel, sql`smallint`),
    ...among(sql`t.sla_state`, filter.slaState, sql`text`),
    ...(filter.slaBreached === undefined ? [] : [sql<SqlBool>`t.sla_breached = ${filter.slaBreached}`]),
    ...(filter.dueBefore === undefined ? [] : [sql<SqlBool>`t.due_at < ${filter.dueBefore}`]),
    ...Object.entries(filter.customFields ?? {}).map(([key, value]) => sql<SqlBool>`t.custom_fields ->> ${key}::text = ${value}`),
    ...(filter.text === undefined ? [] : [found(reader, filter.text, walks)]),
  ];
  return parts.reduce<RawBuilder<unknown>>((all, part) => sql`${all} and ${part}`, sql``);
}

const found = ({ tenant }: Principal, text: string, walks: boolean): RawBuilder<SqlBool> =>
  walks
    ? sql<SqlBool>`t.search @@ websearch_to_tsquery('english', ${text})`
    : sql<SqlBool>`t.id in (select search_tickets(${tenant}::uuid, ${text}, ${mostHits}))`;

function assignedTo(ids: readonly (string | null)[]): RawBuilder<SqlBool> {
  const agents = ids.filter((id) => id !== null);
  const some = sql<SqlBool>`t.assignee_id = any(${agents}::uuid[])`;
  return ids.includes(null) ? sql<SqlBool>`(t.assignee_id is null or ${some})` : some;
}
