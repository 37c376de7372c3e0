/** Writes what a ticket's workflow accepted: events, their audit, texts, planned mails and the row, all or nothing, in one statement. */
import { createHash } from 'node:crypto';
import type { TenantTx } from '../client.js';
import { eventKey, isRefused, isTaken } from './errors.js';
import { merged, slaValues } from './service-levels.js';
import { recordingOf, rewriting, slaParts } from './ticket-statement.js';
import type { RecordingPart } from './ticket-statement.js';
import { rowValues } from './ticket-row.js';
import type { Origin } from '../../domain/actor.js';
import { originOf } from '../../domain/actor.js';
import { auditEntries } from '../../domain/audit/entry.js';
import type { Members } from '../../domain/decision.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { PlannedMessage } from '../../domain/messaging/plan.js';
import type { SlaStep } from '../../domain/sla/desk.js';
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

export const eventSubject = (id: TicketId): string => `ticket/${id}`;

/** Some of the events were stored before; the transaction has to be rolled back. */
export class AlreadyRecorded extends Error {
  override readonly name = 'AlreadyRecorded';
}

/** The row holds texts of a history that was reset; the transaction has to be rolled back, and the row written whole. */
export class RowOfOtherTexts extends Error {
  override readonly name = 'RowOfOtherTexts';
}

/**
 * Records events with everything that follows from them, in one statement that keeps all of it or fails.
 *
 * @param whole the row is written with its texts, which is right whatever is there
 * @throws AlreadyRecorded when an event of that number exists
 * @throws RowOfOtherTexts unless it is written whole
 */
export async function recordTicket(tx: TenantTx, rows: ProjectionRows, whole = bringsTexts(rows)): Promise<void> {
  const { events, planned, ticket, sla } = rows;
  const subject = eventSubject(ticket.id);
  const lines = events.map((event) => ({ ...event, at: toIso(event.at) }));
  const audit = auditEntries(subject, lines);
  const parts: RecordingPart[] = [
    ...(audit.length > 0 ? (['audited'] as const) : []),
    ...(events.some(({ content }) => content !== null) ? (['linked'] as const) : []),
    ...(planned.length > 0 ? (['planned'] as const) : []),
    ...(sla === null ? [] : slaParts.filter((part) => sla[part].length > 0)),
    whole ? 'whole' : 'changed',
  ];
  try {
    await recordingOf(parts)(tx, {
      ...rowValues(ticket),
      subject,
      events: JSON.stringify(lines),
      audit: JSON.stringify(audit),
      planned: JSON.stringify(planned),
      ...slaValues(sla ?? noSla),
    });
  } catch (error) {
    if (isTaken(error, eventKey)) throw new AlreadyRecorded();
    if (isRefused(error)) throw new RowOfOtherTexts();
    throw error;
  }
}

const noSla: SlaStep = { clocks: [], segments: [], rungs: [], escalations: [], notices: [] };

/** Whether there is no row yet, or one of the events came with a text that the row holds. */
const bringsTexts = ({ events, ticket: { texts } }: ProjectionRows): boolean =>
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
  recordTicket(tx, rowsOf([step], step, newId), true);

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
export const rewriteTicket = (tx: TenantTx, ticket: Ticket): Promise<void> => rewriting(tx, rowValues(ticket));

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
