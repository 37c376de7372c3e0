/** A ticket after a command, told from what was read before it and what its workflow answered: nothing is read again. */
import type { ContentRow } from '../../db/queries/content.js';
import type { TicketRecord } from '../../db/queries/ticket-record.js';
import type { WholeTicket } from '../../db/queries/tickets.js';
import type { Principal } from '../../domain/access/principal.js';
import { levelOf } from '../../domain/ticket/escalation.js';
import { upToDate } from '../../domain/ticket/ticket.js';
import type { Ticket } from '../../domain/ticket/ticket.js';

/** What a workflow does not know of its ticket: words. */
export interface Known {
  /** The ticket as it was read; null: the command opened it. */
  readonly before: Pick<WholeTicket, 'record' | 'texts'> | null;
  /** Texts stored for the command. */
  readonly written: readonly ContentRow[];
  readonly statusLabels: WholeTicket['statusLabels'];
}

/**
 * The row as the projection writes it.
 *
 * @returns null when the ticket holds texts that are not known here, because somebody else changed them meanwhile
 */
export function recordAfter(reader: Principal, ticket: Ticket, { before, written, statusLabels }: Known): TicketRecord | null {
  const texts = textsOf(ticket, before, written);
  if (texts === null) return null;
  const { id, product, status, priority, category, channel, requester, assignee, team, links, version } = ticket;
  return {
    ...texts,
    id,
    product,
    status,
    statusLabel: statusLabels[status] ?? null,
    priority,
    category,
    channel,
    requester,
    assignee,
    team,
    firstResponseAt: dateOf(ticket.firstResponseAt),
    resolvedAt: dateOf(ticket.resolvedAt),
    closedAt: dateOf(ticket.closedAt),
    reopenUntil: dateOf(ticket.reopenUntil),
    followUpOf: links.followUpOf,
    followUps: before?.record.followUps ?? [],
    version,
    createdAt: new Date(ticket.createdAt),
    updatedAt: new Date(ticket.updatedAt),
    ...(reader.role === 'customer' ? {} : staffOnly(ticket)),
  };
}

type Texts = Pick<TicketRecord, 'subject' | 'description' | 'tags' | 'customFields'>;

/** Each text from the content row that holds it: one that was read, or one that was stored for the command. */
function textsOf({ texts: held }: Ticket, before: Known['before'], written: readonly ContentRow[]): Texts | null {
  const read = <Name extends keyof Texts>(name: Name, of: (row: ContentRow) => Texts[Name]): { readonly value: Texts[Name] } | null => {
    if (before !== null && before.texts[name] === held[name]) return { value: before.record[name] };
    const row = written.find(({ id }) => id === held[name]);
    return row === undefined ? null : { value: of(row) };
  };
  const subject = read('subject', (row) => row.data?.subject ?? row.subject ?? null);
  const description = read('description', (row) => row.body ?? null);
  const tags = read('tags', (row) => row.data?.tags ?? []);
  const customFields = read('customFields', (row) => row.data?.customFields ?? {});
  if (subject === null || description === null || tags === null || customFields === null) return null;
  return { subject: subject.value, description: description.value, tags: tags.value, customFields: customFields.value };
}

type StaffOnly = Pick<TicketRecord, 'escalationLevel' | 'slaState' | 'slaBreached' | 'dueAt' | 'removedAt'>;

/** What customers do not read. A ticket that takes commands is not removed. */
function staffOnly(ticket: Ticket): StaffOnly {
  const { sla, escalations } = upToDate(ticket);
  return {
    escalationLevel: levelOf(escalations),
    slaState: sla.state,
    slaBreached: sla.breached,
    dueAt: dateOf(sla.dueAt),
    removedAt: null,
  };
}

const dateOf = (instant: number | null): Date | null => (instant === null ? null : new Date(instant));
