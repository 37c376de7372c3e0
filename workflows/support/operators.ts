/** What operators see of a ticket in the Web UI: search attributes, changed only when they change, and the current details. */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { isOpenClock } from '../../domain/sla/clock.js';
import type { Clock } from '../../domain/sla/clock.js';
import { awaitsAcknowledgement, isOpenEscalation, levelOf } from '../../domain/ticket/escalation.js';
import type { Escalation } from '../../domain/ticket/escalation.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toDate, toIso } from '../../domain/time.js';
import type { Due } from '../ticket/journal.js';
import { searchAttributes } from '../names.js';

/** Upserts what differs from what is shown, as one batch: an upsert writes as much as ten state transitions. */
export function showAttributes(ticket: Ticket): void {
  const shown = workflowInfo().typedSearchAttributes;
  const { sla, escalations } = ticket;
  const changed: SearchAttributeUpdatePair[] = [];
  if (shown.get(searchAttributes.status) !== ticket.status) changed.push({ key: searchAttributes.status, value: ticket.status });
  if (shown.get(searchAttributes.priority) !== ticket.priority) changed.push({ key: searchAttributes.priority, value: ticket.priority });
  // What was never shown says as much as "none": a ticket without service levels pays for no upsert.
  if ((shown.get(searchAttributes.slaState) ?? 'none') !== sla.state) changed.push({ key: searchAttributes.slaState, value: sla.state });
  const dueAt = sla.dueAt === null ? null : toDate(sla.dueAt);
  if ((shown.get(searchAttributes.dueAt)?.getTime() ?? null) !== sla.dueAt) changed.push({ key: searchAttributes.dueAt, value: dueAt });
  const level = levelOf(escalations);
  if ((shown.get(searchAttributes.escalationLevel) ?? 0) !== level) changed.push({ key: searchAttributes.escalationLevel, value: level });
  const stage = awaitsAcknowledgement(escalations) ? 'ack_pending' : null;
  if ((shown.get(searchAttributes.stage) ?? null) !== stage) changed.push({ key: searchAttributes.stage, value: stage });
  if (changed.length > 0) upsertSearchAttributes(changed);
}

/** A short list: ids, enums and instants only, because details travel in addresses and logs. */
export function showDetails(
  ticket: Ticket,
  {
    pending,
    deliveries,
    due,
    clocks,
    last,
  }: { pending: number; deliveries: readonly string[]; due: Due | null; clocks: readonly Clock[]; last: string },
): void {
  const { escalations } = ticket;
  const lines = [
    `- **${ticket.status}** · ${ticket.priority} · ${ticket.product}${ticket.category === null ? '' : ` · ${ticket.category}`}`,
    `- version ${ticket.version}, cycle ${ticket.cycle}, last: ${last}`,
    `- assignee: ${ticket.assignee ?? '–'}, team: ${ticket.team ?? '–'}`,
    due === null ? '- no timer' : `- timer: ${due.what} ends ${toIso(due.at)}`,
    ...clocks.filter(isOpenClock).map(clockLine),
    ...escalations.filter(isOpenEscalation).map(escalationLine),
    ...(deliveries.length === 0 ? [] : [`- sending: ${deliveries.join(', ')}`]),
    ...(pending === 0 ? [] : [`- **${pending} changes wait for PostgreSQL**`]),
  ];
  setCurrentDetails(lines.join('\n'));
}

function clockLine({ clock, phase, dueAt, breach, causes }: Clock): string {
  const state = breach === null ? phase : `**breached** ${toIso(breach.at)}, ${phase}`;
  const paused = causes.length === 0 ? '' : ` (${causes.join(', ')})`;
  return `- ${clock}: ${state}${paused}${dueAt === null || breach !== null ? '' : `, due ${toIso(dueAt)}`}`;
}

const escalationLine = ({ n, level, to, status, ackDueAt }: Escalation): string =>
  `- escalation e${n}: level ${level} to ${to.kind}, ${status}${ackDueAt === null ? '' : `, to be acknowledged by ${toIso(ackDueAt)}`}`;
