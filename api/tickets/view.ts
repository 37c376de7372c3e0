/** Tickets and messages as callers read them. */
import { ticketUuid } from '../../db/queries/ticket-row.js';
import type { TicketRecord } from '../../db/queries/ticket-record.js';
import type { MessageRecord } from '../../db/queries/timeline.js';
import type { TicketStatus } from '../../domain/ticket/status.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toIso } from '../../domain/time.js';
import type { AcceptedTicket, MessageView, TicketView } from './schema.js';

const labels: Readonly<Record<TicketStatus, string>> = {
  new: 'New',
  in_progress: 'In progress',
  waiting_on_customer: 'Waiting on customer',
  on_hold: 'On hold',
  resolved: 'Resolved',
  closed: 'Closed',
};

export const iso = (date: Date): string => date.toISOString();
export const isoOrNull = (date: Date | null): string | null => (date === null ? null : date.toISOString());

export interface Inclusions {
  readonly messages?: readonly MessageRecord[];
  readonly links?: readonly {
    readonly id: string;
    readonly subject: string | null;
    readonly status: TicketStatus;
    readonly product: string;
  }[];
}

/** A stored ticket as the reader it was loaded for may see it. */
export function ticketView(row: TicketRecord, { messages, links }: Inclusions = {}): TicketView {
  const included = {
    ...(row.requesterDetails === undefined ? {} : { requester: copyRequester(row.requesterDetails) }),
    ...(row.assigneeDetails === undefined ? {} : { assignee: row.assigneeDetails === null ? null : { ...row.assigneeDetails } }),
    ...(messages === undefined ? {} : { messages: messages.map(messageView) }),
    ...(links === undefined ? {} : { links: [...links] }),
  };
  const base = {
    id: row.id,
    uuid: ticketUuid(row.id),
    product: row.product,
    subject: row.subject,
    description: row.description,
    status: row.status,
    statusLabel: row.statusLabel ?? labels[row.status],
    priority: row.priority,
    category: row.category,
    channel: row.channel,
    tags: [...row.tags],
    customFields: plainFields(row.customFields),
    requester: row.requester,
    assignee: row.assignee,
    team: row.team,
    firstResponseAt: isoOrNull(row.firstResponseAt),
    resolvedAt: isoOrNull(row.resolvedAt),
    closedAt: isoOrNull(row.closedAt),
    reopenUntil: isoOrNull(row.reopenUntil),
    links: { followUpOf: row.followUpOf, followUps: [...row.followUps] },
    version: row.version,
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
    ...(Object.keys(included).length > 0 ? { included } : {}),
  };
  if (row.escalationLevel === undefined || row.slaState === undefined) return base;
  return {
    ...base,
    escalationLevel: row.escalationLevel,
    slaState: asSlaState(row.slaState),
    slaBreached: row.slaBreached ?? false,
    dueAt: isoOrNull(row.dueAt ?? null),
    ...(row.removedAt ? { removedAt: iso(row.removedAt) } : {}),
  };
}

const copyRequester = ({ emails, phones, ...rest }: NonNullable<TicketRecord['requesterDetails']>) => ({
  ...rest,
  emails: [...emails],
  phones: [...phones],
});

const slaStates = ['ok', 'warned', 'breached', 'paused', 'none'] as const;
const asSlaState = (text: string): (typeof slaStates)[number] => slaStates.find((state) => state === text) ?? 'none';

const plainFields = (fields: Readonly<Record<string, unknown>>): Record<string, string | number | boolean | null> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null,
    ]),
  );

/** The ticket as its workflow answered: everything but texts. */
export const acceptedView = (ticket: Ticket): AcceptedTicket => ({
  id: ticket.id,
  uuid: ticketUuid(ticket.id),
  product: ticket.product,
  status: ticket.status,
  statusLabel: labels[ticket.status],
  priority: ticket.priority,
  category: ticket.category,
  channel: ticket.channel,
  requester: ticket.requester,
  assignee: ticket.assignee,
  team: ticket.team,
  firstResponseAt: instant(ticket.firstResponseAt),
  resolvedAt: instant(ticket.resolvedAt),
  closedAt: instant(ticket.closedAt),
  reopenUntil: instant(ticket.reopenUntil),
  version: ticket.version,
  createdAt: toIso(ticket.createdAt),
  updatedAt: toIso(ticket.updatedAt),
});

const instant = (at: number | null): string | null => (at === null ? null : toIso(at));

export const messageView = (row: MessageRecord): MessageView => ({
  id: row.id,
  ticket: row.ticket,
  version: row.version,
  kind: row.kind,
  visibility: row.visibility,
  author: { kind: row.authorKind, id: row.authorId, name: row.authorName },
  channel: row.channel,
  auto: row.auto,
  body: row.body,
  html: row.html,
  attachments: row.attachments.map((file) => ({ ...file })),
  createdAt: iso(row.createdAt),
});
