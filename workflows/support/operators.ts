/** What operators see of a ticket in the Web UI: search attributes, changed only when they change, and the current details. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toIso } from '../../domain/time.js';
import type { Due } from '../ticket/journal.js';
import { searchAttributes } from '../names.js';

/** Upserts what differs from what is shown, as one batch: an upsert writes as much as ten state transitions. */
export function showAttributes(ticket: Ticket): void {
  const shown = workflowInfo().typedSearchAttributes;
  const wanted = [
    { key: searchAttributes.status, value: ticket.status },
    { key: searchAttributes.priority, value: ticket.priority },
  ];
  const changed = wanted.filter(({ key, value }) => shown.get(key) !== value);
  if (changed.length > 0) upsertSearchAttributes(changed);
}

/** A short list: ids, enums and instants only, because details travel in addresses and logs. */
export function showDetails(
  ticket: Ticket,
  { pending, deliveries, due, last }: { pending: number; deliveries: readonly string[]; due: Due | null; last: string },
): void {
  const lines = [
    `- **${ticket.status}** · ${ticket.priority} · ${ticket.product}${ticket.category === null ? '' : ` · ${ticket.category}`}`,
    `- version ${ticket.version}, cycle ${ticket.cycle}, last: ${last}`,
    `- assignee: ${ticket.assignee ?? '–'}, team: ${ticket.team ?? '–'}`,
    due === null ? '- no timer' : `- timer: ${due.what} ends ${toIso(due.at)}`,
    ...(deliveries.length === 0 ? [] : [`- sending: ${deliveries.join(', ')}`]),
    ...(pending === 0 ? [] : [`- **${pending} changes wait for PostgreSQL**`]),
  ];
  setCurrentDetails(lines.join('\n'));
}
