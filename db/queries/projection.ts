/** Writes what a ticket's workflow accepted: events, their audit, texts, planned mails and the row, all or nothing, in one statement. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { v5 } from 'uuid';
import type { TenantTx } from '../client.js';
import { auditInsert } from './audit.js';
import { merged, recordSla } from './service-levels.js';
import type { Origin } from '../../domain/actor.js';
import { originOf } from '../../domain/actor.js';
import { auditEntries } from '../../domain/audit/entry.js';
import type { Members } from '../../domain/decision.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { PlannedMessage } from '../../domain/messaging/plan.js';
import type { SlaStep } from '../../domain/sla/desk.js';
import { awaitsAcknowledgement, levelOf } from '../../domain/ticket/escalation.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** One line of the event log, ready to be stored, with the command that led to it. */
export interface EventRow extends Origin {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly at: Instant;
  readonly actor: string;
  readonly role: string;
  readonly source: string;
  readonly commandId: string;
  readonly kind: string;
  readonly runId: string;
  /** Hex; tells a repeated attempt from another change under the same number. */
  readonly digest: string;
  readonly data: Members;
  readonly content: string | null;
}

export interface PlannedRow extends PlannedMessage {
  readonly id: string;
}

export interface ProjectionRows {
  readonly events: readonly EventRow[];
  readonly planned: readonly PlannedRow[];
  /** The ticket after the last event. */
  readonly ticket: Ticket;
  /** What of its service levels changed; null: nothing. */
  readonly sla: SlaStep | null;
}

/** The ticket's number as a UUIDv5, for callers whose ids are UUIDs. */
export const ticketUuid = (id: string): string => v5(`usher:ticket:${id}`, v5.URL);

export const eventSubject = (id: TicketId): string => `ticket/${id}`;

/** Some of the events were stored before; the transaction has to be rolled back. */
export class AlreadyRecorded extends Error {
  override readonly name = 'AlreadyRecorded';
}

/**
 * Records events with everything that follows from them.
 *
 * @throws AlreadyRecorded when an event of that number exists; nothing else of the statement may then be kept
 */
export async function recordTicket(tx: TenantTx, { events, planned, ticket, sla }: ProjectionRows): Promise<void> {
  const { tenant, id } = ticket;
  const lines = events.map((event) => ({ ...event, at: toIso(event.at) }));
  const ok = sql`where (select ok from complete)`;
  const { rows: counts } = await sql<{ inserted: number }>`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(lines)}::jsonb) as e(
        seq int, id uuid, type text, at timestamptz, actor text, role text, source text,
        "commandId" text, "runId" text, digest text, data jsonb, content uuid)
    ), recorded as (
      insert into event (tenant_id, subject, seq, id, type, at, product, actor, role, source, command_id, run_id, digest, data, content_id)
      select ${tenant}, ${eventSubject(id)}, seq, id, type, at, ${ticket.product}, actor, role, source, "commandId", "runId", decode(digest, 'hex'), data, content
      from given
      on conflict (tenant_id, subject, seq) do nothing
      returning seq
    ), complete as (
      select count(*) = ${events.length} as ok from recorded
    ), audited as (
      ${auditInsert(tenant, auditEntries(eventSubject(id), lines), ok)}
    ), linked as (
      update content c set ticket_id = ${id}, seq = g.seq, linked_at = g.at
      from given g
      -- The ids once more: a plan made while the table was small would otherwise go through all texts of the tenant.
      where c.tenant_id = ${tenant} and c.id = any(array(select content from given)) and c.id = g.content and c.ticket_id is null
        and (select ok from complete)
    ), planned as (
      insert into outbound_message (tenant_id, id, dedupe_key, ticket_id, message, template, recipient_id, content_id, automatic, cycle)
      select ${tenant}, p.id, p."dedupeKey", ${id}, p.message, p.template, p.recipient, p.content, p.automatic, p.cycle
      from jsonb_to_recordset(${JSON.stringify(planned)}::jsonb) as p(
        id uuid, "dedupeKey" text, message text, template text, recipient uuid, content uuid, automatic boolean, cycle int)
      where (select ok from complete)
      on conflict (tenant_id, dedupe_key) do nothing
    )${sla === null ? sql`` : recordSla(ticket, sla)}, written as (
      ${writeTicket(ticket, ok)}
    )
    select count(*)::int as inserted from recorded`.execute(tx);
  if (counts[0]?.inserted !== events.length) throw new AlreadyRecorded();
}

/** What steps of one ticket, oldest first, come to in rows. */
export function rowsOf(steps: readonly TicketStep[], last: TicketStep, newId: () => string): ProjectionRows {
  return {
    ticket: last.ticket,
    sla: merged(steps.flatMap((step) => step.sla ?? [])),
    events: steps.flatMap(eventRows(newId)),
    planned: steps.flatMap((step) => step.planned.map((message) => ({ ...message, id: newId() }))),
  };
}

/** Records one step in the caller's transaction: for what the API does to a ticket whose workflow is over. */
export const recordOnRow = (tx: TenantTx, step: TicketStep, newId: () => string): Promise<void> =>
  recordTicket(tx, rowsOf([step], step, newId));

const eventRows =
  (newId: () => string) =>
  (step: TicketStep): EventRow[] => {
    const { commandId, kind, actor, role, source, runId, at, events } = step;
    return events.map(({ version, type, data, content }) => ({
      ...originOf(step),
      seq: version,
      id: newId(),
      type,
      at,
      actor,
      role,
      source,
      commandId,
      kind,
      runId,
      digest: createHash('sha256')
        .update(JSON.stringify([commandId, kind, type, data, content ?? null]))
        .digest('hex'),
      data,
      content: content ?? null,
    }));
  };

/** Writes the row from the workflow's state although its version is stored already: the workflow wins over a lost attempt. */
export async function rewriteTicket(tx: TenantTx, ticket: Ticket): Promise<void> {
  await writeTicket(ticket, sql`where true`, sql`<=`).execute(tx);
}

/** The stored events of a subject from a number on, in order. */
export async function storedEvents(
  tx: TenantTx,
  tenant: TenantId,
  subject: string,
  from: number,
): Promise<{ seq: number; commandId: string; runId: string; digest: string }[]> {
  const rows = await tx
    .selectFrom('event')
    .select(['seq', 'commandId', 'runId', 'digest'])
    .where('tenantId', '=', tenant)
    .where('subject', '=', subject)
    .where('seq', '>=', from)
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({ ...row, digest: row.digest.toString('hex') }));
}

/** Inserts the row, or updates one of a lower version. Texts are read from content, and only when another row holds them than before. */
function writeTicket(ticket: Ticket, condition: ReturnType<typeof sql>, newer = sql`<`): ReturnType<typeof sql> {
  const { tenant, texts } = ticket;
  const held = (id: string): ReturnType<typeof sql> => sql`from content where tenant_id = ${tenant} and id = ${id}`;
  return sql`
    insert into ticket (tenant_id, id, uuid, product, scope, status, priority, category, channel, requester_id, copied, assignee_id, team_id,
      subject, description, tags, custom_fields, follow_up_of, version, cycle, created_at, updated_at,
      first_response_at, resolved_at, closed_at, reopen_until, wait_until, close_cause, removed_at,
      sla_state, sla_breached, due_at, escalation_level, ack_pending, state)
    select ${tenant}, ${ticket.id}, ${ticketUuid(ticket.id)}::uuid, ${ticket.product}, ${ticket.scope}, ${ticket.status}, ${ticket.priority}, ${ticket.category}, ${ticket.channel},
      ${ticket.requester}::uuid, ${[...ticket.copied]}::uuid[], ${ticket.assignee}::uuid, ${ticket.team}::uuid,
      (select coalesce(data->>'subject', subject) ${held(texts.subject)}),
      (select body ${held(texts.description)}),
      coalesce((select array(select jsonb_array_elements_text(data->'tags')) ${held(texts.tags)} and jsonb_typeof(data->'tags') = 'array'), '{}'),
      coalesce((select data->'customFields' ${held(texts.customFields)} and jsonb_typeof(data->'customFields') = 'object'), '{}'),
      ${ticket.links.followUpOf}, ${ticket.version}, ${ticket.cycle}, ${at(ticket.createdAt)}::timestamptz, ${at(ticket.updatedAt)}::timestamptz,
      ${at(ticket.firstResponseAt)}::timestamptz, ${at(ticket.resolvedAt)}::timestamptz, ${at(ticket.closedAt)}::timestamptz,
      ${at(ticket.reopenUntil)}::timestamptz, ${at(ticket.waitUntil)}::timestamptz, ${ticket.closeCause}, ${at(ticket.removedAt)}::timestamptz,
      ${ticket.sla.state}, ${ticket.sla.breached}, ${at(ticket.sla.dueAt)}::timestamptz, ${levelOf(ticket.escalations)}, ${awaitsAcknowledgement(ticket.escalations)},
      ${JSON.stringify(ticket)}::jsonb
    ${condition}
    on conflict (tenant_id, id) do update set
      status = excluded.status, priority = excluded.priority, category = excluded.category, copied = excluded.copied,
      assignee_id = excluded.assignee_id, team_id = excluded.team_id,
      ${kept('subject', 'subject')}, ${kept('description', 'description')}, ${kept('tags', 'tags')}, ${kept('custom_fields', 'customFields')},
      version = excluded.version, cycle = excluded.cycle, updated_at = excluded.updated_at, first_response_at = excluded.first_response_at,
      resolved_at = excluded.resolved_at, closed_at = excluded.closed_at, reopen_until = excluded.reopen_until, wait_until = excluded.wait_until,
      close_cause = excluded.close_cause, removed_at = excluded.removed_at,
      sla_state = excluded.sla_state, sla_breached = excluded.sla_breached, due_at = excluded.due_at,
      escalation_level = excluded.escalation_level, ack_pending = excluded.ack_pending, state = excluded.state
    where ticket.version ${newer} excluded.version`;
}

const at = (instant: Instant | null): string | null => (instant === null ? null : toIso(instant));

/** Takes the text that was read when another content row holds it than before; an unchanged reference keeps what the row has, so that erased text stays erased. */
const kept = (column: string, text: keyof Ticket['texts']): ReturnType<typeof sql> =>
  sql`${sql.id(column)} = case when ticket.state #>> ${`{texts,${text}}`} is distinct from excluded.state #>> ${`{texts,${text}}`}
        then excluded.${sql.id(column)} else ticket.${sql.id(column)} end`;
