import { refused } from '../decision.js';
import type { Decision, Refused, TicketCode } from '../decision.js';
import type { ContentId, CustomerId } from '../ids.js';
import { noSla } from '../sla/summary.js';
import { day, second, year } from '../time.js';
import type { Instant } from '../time.js';
import { Change } from './change.js';
import type { Command, CommandFields, Envelope, TicketCommand } from './command.js';
import type { TicketEvent } from './event.js';
import { closeEscalations, decideEscalation } from './escalate.js';
import { mayMove, moves } from './status.js';
import type { TicketStatus } from './status.js';
import { isClosed, maxCopied } from './ticket.js';
import type { Ticket } from './ticket.js';

export type TicketDecision = Decision<Ticket, TicketEvent, TicketCode>;

/** Reopenings by mail allowed within a day; more are stored without reopening. Source: service-desk.md, section 3. */
const mailReopensPerDay = 3;
/** A removed ticket can be restored this long. */
const restoreWithin = 30 * day;

/**
 * Decides one command on one ticket.
 *
 * @param ticket null before `open`
 * @param now epoch milliseconds; the only source of time in here
 * @returns the ticket afterwards and the events to record, in order, each with the next version (none when nothing changes);
 *   or a refusal by code. Never throws.
 * Source: service-desk.md, section 1.
 */
export function decide(ticket: Ticket | null, command: TicketCommand, now: Instant): TicketDecision {
  if (command.kind === 'open') return open(ticket, command, now);
  if (ticket === null) return refused('ticket.not_found');
  if (command.expectedVersion !== undefined && command.expectedVersion !== ticket.version) {
    return refused('version_mismatch', { current: ticket.version });
  }
  if (command.kind === 'deliveryEnded') {
    return new Change(ticket, now).record(`message.${command.outcome}`, { message: command.message }).accepted();
  }
  if (command.kind === 'remove') return remove(ticket, command, now);
  if (command.kind === 'restore') return restore(ticket, command, now);
  if (isClosed(ticket)) return refused('ticket.closed');
  return decideOpen(ticket, command, now);
}

type LivingCommand = Exclude<TicketCommand, { kind: 'open' | 'deliveryEnded' | 'remove' | 'restore' }>;

function decideOpen(ticket: Ticket, command: LivingCommand, now: Instant): TicketDecision {
  const change = new Change(ticket, now);
  switch (command.kind) {
    case 'reply':
      return reply(change, command, now);
    case 'receive':
      return receive(change, command, now);
    case 'note':
      return change.record('note.added', { author: command.actor }, {}, command.content).accepted();
    case 'edit':
      return edit(change, command, now);
    case 'assign':
      return assign(change, command);
    case 'claim':
      return assign(change, { agent: command.agent, ifUnassigned: true });
    case 'unassign':
      return ticket.assignee === null
        ? change.accepted()
        : reassign(change, { assignee: null, team: ticket.team }, command.reason).accepted();
    case 'priority':
      return edit(change, command, now);
    case 'start':
      return ticket.status === 'resolved'
        ? illegal(ticket, 'in_progress')
        : moveTo(change, 'in_progress', { cause: command.cause ?? 'command', reason: command.reason }, now);
    case 'awaitCustomer':
      return wait(change, 'waiting_on_customer', command, now);
    case 'hold':
      return wait(change, 'on_hold', command, now);
    case 'resolve':
      return moveTo(change, 'resolved', { cause: 'command', reason: command.resolution }, now);
    case 'reopen':
      return ticket.status === 'resolved' || ticket.status === 'in_progress'
        ? moveTo(change, 'in_progress', { cause: 'command', reason: command.reason }, now)
        : illegal(ticket, 'in_progress');
    case 'close':
      return close(change, command, now);
    case 'replan':
      return change.ticket.sla.set === command.set ? change.accepted() : pin(change, command.set);
    case 'pauseClocks':
    case 'resumeClocks':
    case 'overrideTarget':
    case 'waive':
      return change.accepted(); // what they do, they do to the clocks
    default:
      return decideEscalation(change, command, now);
  }
}

/** Another revision of the policies holds from now on; what it does to the clocks follows. */
const pin = (change: Change, set: number): TicketDecision =>
  change.record('ticket.updated', { changed: ['policySet'], policySet: set }, { sla: { ...change.ticket.sla, set } }).accepted();

function open(ticket: Ticket | null, command: Command<'open'>, now: Instant): TicketDecision {
  // The journal answers a repeated command id before it asks here: who arrives with another scope wants another ticket.
  if (ticket !== null) return refused('ticket.id_taken');
  const opened: Ticket = {
    tenant: command.tenant,
    id: command.ticketId,
    product: command.product,
    scope: command.scope,
    status: command.status ?? 'new',
    priority: command.priority,
    category: command.category,
    channel: command.channel,
    requester: command.requester,
    copied: others(command.requester, command.copied),
    assignee: null,
    team: command.team ?? null,
    texts: { subject: command.content, description: command.content, tags: command.content, customFields: command.content },
    links: { followUpOf: command.followUpOf ?? null },
    settings: command.settings,
    version: 0,
    cycle: 1,
    createdAt: now,
    updatedAt: now,
    firstResponseAt: null,
    resolvedAt: null,
    closedAt: null,
    reopenUntil: null,
    waitUntil: null,
    closeCause: null,
    removedAt: null,
    lastPublicMessage: command.content,
    mailReopens: [],
    escalations: [],
    sla: { ...noSla, set: command.sla?.set ?? 0 },
  };
  const data = {
    product: opened.product,
    status: opened.status,
    priority: opened.priority,
    category: opened.category,
    channel: opened.channel,
    requester: opened.requester,
    team: opened.team,
    followUpOf: opened.links.followUpOf,
    auto: command.auto ?? false,
  };
  return new Change(opened, now).record('ticket.created', data, {}, command.content).accepted();
}

function reply(change: Change, command: Command<'reply'>, now: Instant): TicketDecision {
  const { ticket } = change;
  const stale = command.basedOn !== undefined && command.basedOn !== ticket.lastPublicMessage;
  if (stale && command.force !== true) return refused('ticket.stale_reply', { last: ticket.lastPublicMessage });
  if (command.then !== undefined && command.then !== ticket.status && !mayMove(ticket.status, command.then)) {
    return illegal(ticket, command.then);
  }
  change.record(
    'message.sent',
    { author: command.actor, to: command.to ?? [ticket.requester, ...ticket.copied] },
    {
      lastPublicMessage: command.content,
      copied: others(ticket.requester, [...ticket.copied, ...(command.to ?? [])]),
      firstResponseAt: ticket.firstResponseAt ?? now,
      // Each later public message of the desk gives the customer the whole window again.
      ...(ticket.status === 'resolved' ? { reopenUntil: windowEnd(ticket, now) } : {}),
    },
    command.content,
  );
  if (command.then !== undefined) return moveTo(change, command.then, { cause: 'reply' }, now);
  return ticket.status === 'new' ? moveTo(change, 'in_progress', { cause: 'reply' }, now) : change.accepted();
}

function receive(change: Change, command: Command<'receive'>, now: Instant): TicketDecision {
  const { ticket } = change;
  const recent = ticket.mailReopens.filter((at) => at > now - day);
  const mayReopen = command.source !== 'mail' || recent.length < mailReopensPerDay;
  const held = ticket.status === 'resolved' && command.auto !== true && !mayReopen;
  change.record(
    'message.received',
    { author: command.author, auto: command.auto ?? false, held },
    { lastPublicMessage: command.content, copied: others(ticket.requester, [...ticket.copied, ...(command.copied ?? [])]) },
    command.content,
  );
  if (command.auto === true || held) return change.accepted();
  if (ticket.status === 'waiting_on_customer') return moveTo(change, 'in_progress', { cause: 'customer_message' }, now);
  if (ticket.status !== 'resolved') return change.accepted();
  if (command.source === 'mail') change.ticket = { ...change.ticket, mailReopens: [...recent, now] };
  return moveTo(change, 'in_progress', { cause: 'customer_message' }, now);
}

type EditParts = CommandFields['edit'] & Pick<Envelope, 'role'>;

/** All or nothing, in the order fields, priority, team, assignee, status. Source: api.md, section 5. */
function edit(change: Change, parts: EditParts, now: Instant): TicketDecision {
  const { ticket } = change;
  const changed: string[] = [];
  const patch: { -readonly [Key in keyof Ticket]?: Ticket[Key] } = {};
  const { fields } = parts;
  if (fields !== undefined) {
    const named = parts.changed ?? [];
    patch.texts = { ...ticket.texts, ...Object.fromEntries(named.map((field) => [field, fields])) };
    changed.push(...named);
  }
  if (parts.category !== undefined && parts.category !== ticket.category) {
    patch.category = parts.category;
    changed.push('category');
  }
  if (parts.priority !== undefined && parts.priority !== ticket.priority) {
    patch.priority = parts.priority;
    changed.push('priority');
  }
  if (changed.length > 0) {
    const priority = patch.priority === undefined ? {} : { priorityFrom: ticket.priority, priorityTo: patch.priority };
    change.record('ticket.updated', { changed, ...priority, reason: parts.reason ?? null }, patch, fields ?? parts.reason);
  }
  const team = parts.team === undefined ? ticket.team : parts.team;
  const assignee = parts.assignee === undefined ? ticket.assignee : parts.assignee;
  if (team !== ticket.team || assignee !== ticket.assignee) reassign(change, { assignee, team }, undefined);
  if (parts.status === undefined) return change.accepted();
  return byStatus(change, parts.status, parts, now);
}

/** The verb that leads to a status. */
function byStatus(change: Change, status: TicketStatus, parts: EditParts, now: Instant): TicketDecision {
  switch (status) {
    case 'waiting_on_customer':
    case 'on_hold':
      return wait(change, status, parts, now);
    case 'closed':
      return close(change, { role: parts.role }, now);
    case 'new':
      return change.ticket.status === 'new' ? change.accepted() : illegal(change.ticket, 'new');
    case 'in_progress':
    case 'resolved':
      return moveTo(change, status, { cause: 'command' }, now);
  }
}

function assign(change: Change, command: Pick<Command<'assign'>, 'agent' | 'team' | 'ifUnassigned' | 'reason'>): TicketDecision {
  const { ticket } = change;
  const assignee = command.agent ?? (command.team === undefined || command.team === ticket.team ? ticket.assignee : null);
  const team = command.team ?? ticket.team;
  if (command.ifUnassigned === true && ticket.assignee !== null && ticket.assignee !== assignee) {
    return refused('ticket.already_assigned', { assignee: ticket.assignee });
  }
  if (assignee === ticket.assignee && team === ticket.team) return change.accepted();
  return reassign(change, { assignee, team }, command.reason).accepted();
}

function reassign(change: Change, to: Pick<Ticket, 'assignee' | 'team'>, reason: ContentId | undefined): Change {
  const { assignee: from, team: fromTeam } = change.ticket;
  const data = { assignee: to.assignee, team: to.team, from, fromTeam, reason: reason ?? null };
  return change.record('ticket.assigned', data, to, reason);
}

function wait(
  change: Change,
  status: 'waiting_on_customer' | 'on_hold',
  { until, reason }: { readonly until?: Instant; readonly reason?: ContentId },
  now: Instant,
): TicketDecision {
  if (until !== undefined && (until <= now || until > now + year)) return refused('invalid_request', { field: 'until' });
  const { ticket } = change;
  if (ticket.status !== status) return moveTo(change, status, { cause: 'command', reason, until }, now);
  if (until === undefined || until === ticket.waitUntil) return change.accepted();
  return change.record('ticket.updated', { changed: ['waitUntil'], until }, { waitUntil: until }, reason).accepted();
}

function close(change: Change, command: Pick<Command<'close'>, 'cause' | 'reason' | 'role'>, now: Instant): TicketDecision {
  const { ticket } = change;
  const { cause } = command;
  const direct = cause !== undefined && cause !== 'window';
  if (!direct && !mayMove(ticket.status, 'closed')) return illegal(ticket, 'closed');
  const closeCause = cause ?? (command.role === 'customer' ? 'customer' : 'staff');
  closeEscalations(change, now);
  return change
    .record(
      'ticket.closed',
      { from: ticket.status, cause: closeCause },
      { status: 'closed', closedAt: now, closeCause, reopenUntil: null, waitUntil: null },
      command.reason,
    )
    .accepted();
}

interface Move {
  readonly cause: 'command' | 'reply' | 'customer_message' | 'until';
  readonly reason?: ContentId | undefined;
  readonly until?: Instant | undefined;
}

/** Moves by the table; staying is no change. Leaving a status drops what belonged to it. */
function moveTo(change: Change, to: Exclude<TicketStatus, 'new' | 'closed'>, { cause, reason, until }: Move, now: Instant): TicketDecision {
  const { ticket } = change;
  const from = ticket.status;
  if (from === to) return change.accepted();
  if (!mayMove(from, to)) return illegal(ticket, to);
  const patch = { status: to, waitUntil: until ?? null, reopenUntil: null };
  if (to === 'resolved') {
    const resolved = { ...patch, resolvedAt: now, reopenUntil: windowEnd(ticket, now) };
    return change.record('ticket.resolved', { from, cause, cycle: ticket.cycle, resolution: reason ?? null }, resolved, reason).accepted();
  }
  if (from === 'resolved') {
    const cycle = ticket.cycle + 1;
    return change
      .record('ticket.reopened', { cause, cycle, reason: reason ?? null }, { ...patch, cycle, resolvedAt: null }, reason)
      .accepted();
  }
  return change
    .record('ticket.status_changed', { from, to, cause, until: until ?? null, reason: reason ?? null }, patch, reason)
    .accepted();
}

function remove(ticket: Ticket, command: Command<'remove'>, now: Instant): TicketDecision {
  if (!isClosed(ticket)) return refused('ticket.not_closed');
  const change = new Change(ticket, now);
  if (ticket.removedAt !== null) return change.accepted();
  return change.record('ticket.removed', { reason: command.reason ?? null }, { removedAt: now }, command.reason).accepted();
}

function restore(ticket: Ticket, command: Command<'restore'>, now: Instant): TicketDecision {
  if (!isClosed(ticket)) return refused('ticket.not_closed');
  const change = new Change(ticket, now);
  if (ticket.removedAt === null) return change.accepted();
  if (now > ticket.removedAt + restoreWithin) return refused('ticket.restore_expired');
  return change.record('ticket.restored', { reason: command.reason ?? null }, { removedAt: null }, command.reason).accepted();
}

const windowEnd = (ticket: Ticket, now: Instant): Instant => now + ticket.settings.reopenWindowS * second;

const illegal = (ticket: Ticket, to: TicketStatus): Refused<TicketCode> =>
  refused('ticket.illegal_move', { from: ticket.status, to, allowed: moves[ticket.status] });

const others = (requester: CustomerId, people: readonly CustomerId[]): CustomerId[] =>
  [...new Set(people)].filter((person) => person !== requester).slice(0, maxCopied);
