/** Writes what a ticket's workflow accepted: events, their audit, texts, planned mails and the row, all or nothing, in one statement. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
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
  const whole = bringsTexts(events, ticket);
  const { rows: counts } = await sql<{ inserted: number; written: number }>`
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
      ${whole ? writeTicket(ticket, ok) : updateTicket(ticket)}
    )
    select (select count(*)::int from recorded) as inserted, (select count(*)::int from written) as written`.execute(tx);
  if (counts[0]?.inserted !== events.length) throw new AlreadyRecorded();
  // The row holds texts of a history that was reset.
  if (!whole && counts[0].written === 0) await writeTicket(ticket, sql`where true`).execute(tx);
}

/** Whether there is no row yet, or one of the events came with a text that the row holds. */
const bringsTexts = (events: readonly EventRow[], { texts }: Ticket): boolean =>
  events.some(({ seq, content }) => seq === 1 || (content !== null && Object.values(texts).includes(content)));

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

/** What of a ticket's row changes with its events; the texts apart, which are read from content. */
const changing = (ticket: Ticket): readonly (readonly [column: string, value: RawBuilder<unknown>])[] => [
  ['status', sql`${ticket.status}`],
  ['priority', sql`${ticket.priority}`],
  ['category', sql`${ticket.category}`],
  ['copied', sql`${[...ticket.copied]}::uuid[]`],
  ['assignee_id', sql`${ticket.assignee}::uuid`],
  ['team_id', sql`${ticket.team}::uuid`],
  ['version', sql`${ticket.version}::int`],
  ['cycle', sql`${ticket.cycle}::int`],
  ['updated_at', at(ticket.updatedAt)],
  ['first_response_at', at(ticket.firstResponseAt)],
  ['resolved_at', at(ticket.resolvedAt)],
  ['closed_at', at(ticket.closedAt)],
  ['reopen_until', at(ticket.reopenUntil)],
  ['wait_until', at(ticket.waitUntil)],
  ['close_cause', sql`${ticket.closeCause}`],
  ['removed_at', at(ticket.removedAt)],
  ['sla_state', sql`${ticket.sla.state}`],
  ['sla_breached', sql`${ticket.sla.breached}`],
  ['due_at', at(ticket.sla.dueAt)],
  ['escalation_level', sql`${levelOf(ticket.escalations)}::smallint`],
  ['ack_pending', sql`${awaitsAcknowledgement(ticket.escalations)}`],
  ['state', sql`${JSON.stringify(ticket)}::jsonb`],
];

/**
 * Writes a row that holds these texts already. Without them in the statement PostgreSQL need not make their search vector again, which
 * for a long description takes longer than all the rest.
 */
const updateTicket = (ticket: Ticket): RawBuilder<unknown> => sql`
  update ticket set ${sql.join(changing(ticket).map(([column, value]) => sql`${sql.id(column)} = ${value}`))}
  where tenant_id = ${ticket.tenant} and id = ${ticket.id} and version < ${ticket.version} and state->'texts' = ${JSON.stringify(ticket.texts)}::jsonb
    and (select ok from complete)
  returning id`;

/** Inserts the row, or updates one of a lower version. Texts are read from content, and only when another row holds them than before. */
function writeTicket(ticket: Ticket, condition: RawBuilder<unknown>, newer = sql`<`): RawBuilder<unknown> {
  const { tenant, texts } = ticket;
  const held = (id: string): RawBuilder<unknown> => sql`from content where tenant_id = ${tenant} and id = ${id}`;
  const values = changing(ticket);
  return sql`
    insert into ticket (tenant_id, id, uuid, product, scope, channel, requester_id, follow_up_of, created_at, subject, description, tags, custom_fields,
      ${sql.join(values.map(([column]) => sql.id(column)))})
    select ${tenant}, ${ticket.id}, ${ticketUuid(ticket.id)}::uuid, ${ticket.product}, ${ticket.scope}, ${ticket.channel}, ${ticket.requester}::uuid,
      ${ticket.links.followUpOf}, ${at(ticket.createdAt)},
      (select coalesce(data->>'subject', subject) ${held(texts.subject)}),
      (select body ${held(texts.description)}),
      coalesce((select array(select jsonb_array_elements_text(data->'tags')) ${held(texts.tags)} and jsonb_typeof(data->'tags') = 'array'), '{}'),
      coalesce((select data->'customFields' ${held(texts.customFields)} and jsonb_typeof(data->'customFields') = 'object'), '{}'),
      ${sql.join(values.map(([, value]) => value))}
    ${condition}
    on conflict (tenant_id, id) do update set
      ${kept('subject', 'subject')}, ${kept('description', 'description')}, ${kept('tags', 'tags')}, ${kept('custom_fields', 'customFields')},
      ${sql.join(values.map(([column]) => sql`${sql.id(column)} = excluded.${sql.id(column)}`))}
    where ticket.version ${newer} excluded.version
    returning id`;
}

const at = (instant: Instant | null): RawBuilder<unknown> => sql`${instant === null ? null : toIso(instant)}::timestamptz`;

/** Takes the text that was read when another content row holds it than before; an unchanged reference keeps what the row has, so that erased text stays erased. */
const kept = (column: string, text: keyof Ticket['texts']): RawBuilder<unknown> =>
  sql`${sql.id(column)} = case when ticket.state #>> ${`{texts,${text}}`} is distinct from excluded.state #>> ${`{texts,${text}}`}
        then excluded.${sql.id(column)} else ticket.${sql.id(column)} end`;
