/** What people read of escalations, and who may see which: everybody who sees the ticket, and whoever is asked. */
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { TenantTx } from '../client.js';
import { eventSubject } from './projection.js';
import { scoped } from './scope.js';
import type { TicketFacts } from './tickets.js';
import type { EventRecord } from './timeline.js';
import type { Principal } from '../../domain/access/principal.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId, asTicketId } from '../../domain/ids.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { Escalation, EscalationStatus, EscalationTargetKind } from '../../domain/ticket/escalation.js';
import type { TicketStatus } from '../../domain/ticket/status.js';

/** An escalation with its words; instants as dates. */
export interface EscalationRecord {
  readonly ticket: TicketId;
  readonly n: number;
  readonly product: string;
  readonly level: number;
  readonly toKind: EscalationTargetKind;
  readonly toId: string | null;
  readonly status: EscalationStatus;
  readonly reason: string | null;
  readonly raisedBy: string;
  readonly takeOver: boolean;
  /** The rung that opened it, of which clock; null: a person did. */
  readonly clock: string | null;
  readonly rung: string | null;
  readonly ackDueAt: Date | null;
  /** Who acknowledged it. */
  readonly owner: string | null;
  readonly acknowledgedAt: Date | null;
  readonly resolvedAt: Date | null;
  readonly closedAt: Date | null;
  readonly outcome: Escalation['outcome'];
  readonly outcomeText: string | null;
  readonly createdAt: Date;
}

export interface ListedEscalation extends EscalationRecord {
  /** When it was raised, to the microsecond: for the cursor. */
  readonly position: string;
}

/** An escalation before something is done with it. */
export interface WholeEscalation {
  readonly record: EscalationRecord;
  /** Its ticket. */
  readonly facts: TicketFacts;
  /** Whether it asks the reader. */
  readonly addressed: boolean;
}

/** Each condition narrows; lists mean "one of". */
export interface EscalationFilter {
  readonly product?: readonly string[];
  readonly status?: readonly string[];
  readonly to?: readonly string[];
  readonly level?: readonly number[];
  readonly ticket?: readonly string[];
  /** Those that wait for the reader, and those the reader acknowledged. */
  readonly mine?: boolean;
}

export interface EscalationPage {
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly position: string; readonly ticket: string; readonly n: number };
}

const columns = sql`e.ticket_id as ticket, e.n, e.product, e.level, e.to_kind, e.to_id, e.status, reason.body as reason, e.raised_by, e.take_over,
  e.clock, e.rung, e.ack_due_at, e.acknowledged_by as owner, e.acknowledged_at, e.resolved_at, e.closed_at, e.outcome,
  outcome.body as outcome_text, e.created_at`;

const source = sql`escalation e
  join ticket t on t.tenant_id = e.tenant_id and t.id = e.ticket_id
  left join content reason on reason.tenant_id = e.tenant_id and reason.id = e.reason_id
  left join content outcome on outcome.tenant_id = e.tenant_id and outcome.id = e.outcome_id`;

/** Whether the escalation `e` of ticket `t` asks the reader: by name, by team, by role. Where it names nobody, the leads decide whom to send. */
function addressed({ id, role, teams }: Principal): RawBuilder<SqlBool> {
  const mine = sql`${[...teams]}::uuid[]`;
  const byName = sql`(e.to_kind = 'specialist' and e.to_id = ${id}::uuid) or (e.to_kind = 'team' and coalesce(e.to_id, t.team_id) = any(${mine}))`;
  switch (role) {
    case 'agent':
      return sql<SqlBool>`(${byName})`;
    case 'lead':
      return sql<SqlBool>`(${byName} or ((e.to_kind = 'lead' or (e.to_kind = 'specialist' and e.to_id is null))
        and (t.team_id is null or t.team_id = any(${mine}))))`;
    case 'admin':
      return sql<SqlBool>`(${byName} or e.to_kind = 'admin')`;
    case 'customer':
    case 'service':
      return sql<SqlBool>`false`;
  }
}

/** A colleague of another team who is asked sees what is asked, of a product that is theirs; the ticket itself stays with its team. */
function visible(reader: Principal): RawBuilder<SqlBool> {
  const product = reader.products === '*' ? sql`true` : sql`t.product = any(${[...reader.products]}::text[])`;
  return sql<SqlBool>`t.removed_at is null and (${scoped(reader, 't')} or (t.tenant_id = ${reader.tenant} and ${product} and ${addressed(reader)}))`;
}

const among = (
  column: RawBuilder<unknown>,
  values: readonly (string | number)[] | undefined,
  type: RawBuilder<unknown>,
): RawBuilder<unknown> => (values === undefined ? sql`` : sql`and ${column} = any(${[...values]}::${type}[])`);

/** Escalations the reader may see, newest first; one row more than `limit` when there is a next page. */
export async function listEscalations(
  tx: TenantTx,
  reader: Principal,
  { product, status, to, level, ticket, mine }: EscalationFilter,
  { limit, after }: EscalationPage,
): Promise<ListedEscalation[]> {
  const rest =
    after === undefined
      ? sql``
      : sql`and (e.created_at, e.ticket_id, e.n) < (${after.position}::text::timestamptz, ${after.ticket}::text, ${after.n}::int)`;
  const own = sql`and (e.acknowledged_by = ${reader.actor} or (e.status = 'pending' and ${addressed(reader)}))`;
  const { rows } = await sql<ListedEscalation>`
    select ${columns}, to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position from ${source}
    where ${visible(reader)} ${among(sql`e.product`, product, sql`text`)} ${among(sql`e.status`, status, sql`text`)}
      ${among(sql`e.to_kind`, to, sql`text`)} ${among(sql`e.level`, level, sql`smallint`)} ${among(sql`e.ticket_id`, ticket, sql`text`)}
      ${mine === true ? own : sql``} ${rest}
    order by e.created_at desc, e.ticket_id desc, e.n desc limit ${limit + 1}`.execute(tx);
  return rows;
}

interface FactsRow {
  readonly ticketStatus: TicketStatus;
  readonly requester: string;
  readonly assignee: string | null;
  readonly team: string | null;
  readonly version: number;
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly addressed: boolean;
}

/** One escalation the reader may see, or undefined: absent and foreign look alike. */
export async function findEscalation(
  tx: TenantTx,
  reader: Principal,
  { ticket, n }: { readonly ticket: TicketId; readonly n: number },
): Promise<WholeEscalation | undefined> {
  const { rows } = await sql<EscalationRecord & FactsRow>`
    select ${columns}, t.status as ticket_status, t.requester_id as requester, t.assignee_id as assignee, t.team_id as team, t.version,
      t.custom_fields, coalesce(${addressed(reader)}, false) as addressed
    from ${source} where ${visible(reader)} and e.ticket_id = ${ticket} and e.n = ${n}`.execute(tx);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { ticketStatus: status, requester, assignee, team, version, customFields, addressed: asked, ...record } = row;
  const facts: TicketFacts = {
    id: asTicketId(record.ticket),
    product: asProductKey(record.product),
    status,
    requester: asCustomerId(requester),
    assignee: assignee === null ? null : asAgentId(assignee),
    team: team === null ? null : asTeamId(team),
    version,
    customFields,
    removed: false,
  };
  return { record, facts, addressed: asked };
}

/** What happened to one escalation, oldest first, with names and words. */
export async function listEscalationEvents(
  tx: TenantTx,
  tenant: TenantId,
  { ticket, n }: { readonly ticket: TicketId; readonly n: number },
): Promise<EventRecord[]> {
  const { rows } = await sql<EventRecord>`
    select e.id, e.seq, e.type, e.at, e.actor, e.role, e.source, e.command_id, e.product, e.data, e.content_id as content, c.body as text,
      coalesce(
        (select a.name from agent a where a.tenant_id = e.tenant_id and e.actor = 'user/' || a.id),
        (select s.name from service_account s where s.tenant_id = e.tenant_id and e.actor = 'service/' || s.id)) as actor_name
    from event e left join content c on c.tenant_id = e.tenant_id and c.id = e.content_id
    where e.tenant_id = ${tenant} and e.subject = ${eventSubject(ticket)} and e.data ->> 'escalation' = ${String(n)}
    order by e.seq`.execute(tx);
  return rows;
}
