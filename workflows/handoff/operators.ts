/** What operators see of a handoff in the Web UI: search attributes, changed only when they change, and the current details. */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { toDate, toIso } from '../../domain/time.js';
import { searchAttributes } from '../names.js';
import type { Journal } from './journal.js';

/** Brings both up to date; ids, enums and instants only. */
export function show(journal: Journal, last: string): void {
  const { state, from, to, mode, owner, assignee, missing, dueAt, attempts, version } = journal.view();
  const shown = workflowInfo().typedSearchAttributes;
  const changed: SearchAttributeUpdatePair[] = [];
  if (shown.get(searchAttributes.status) !== state) changed.push({ key: searchAttributes.status, value: state });
  if ((shown.get(searchAttributes.dueAt)?.getTime() ?? null) !== dueAt)
    changed.push({ key: searchAttributes.dueAt, value: dueAt === null ? null : toDate(dueAt) });
  if (changed.length > 0) upsertSearchAttributes(changed);

  const due = journal.nextDue();
  const incident = journal.incident();
  const lines = [
    `- **${state}** · ${from} → ${to} · ${mode}`,
    `- version ${version}, last: ${last}`,
    `- the clock is ${owner}'s; assignee: ${assignee ?? '–'}${attempts === 0 ? '' : `, ${attempts} attempts`}`,
    due === null ? '- no timer' : `- timer: ${due.what} ends ${toIso(due.at)}`,
    ...(missing.length === 0 ? [] : [`- missing: ${missing.join(', ')}`]),
    ...(incident === null ? [] : [`- **${incident}**: retry or cancel with \`{"actor":"user/<your id>"}\``]),
    ...(journal.pending.length === 0 ? [] : [`- **${journal.pending.length} changes wait for PostgreSQL**`]),
    ...journal.lastEvents().map(({ seq, type, at }) => `- v${seq} ${type} ${toIso(at)}`),
  ];
  setCurrentDetails(lines.join('\n').slice(0, 4_000));
}
