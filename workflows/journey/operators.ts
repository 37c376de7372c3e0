/** What operators see of a journey in the Web UI: search attributes, changed only when they change, and the current details. */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { JourneyView } from '../../domain/journey/run/record.js';
import type { VisitView } from '../../domain/journey/run/state.js';
import { toDate, toIso } from '../../domain/time.js';
import { searchAttributes } from '../names.js';
import type { Journal } from './journal.js';

/** Details travel in an address: what is beyond is left out. */
const mostSteps = 15;

/** Brings both up to date. */
export function show(journal: Journal, last: string): void {
  const view = journal.view();
  if (view === null) return;
  showAttributes(view);
  showDetails(view, journal, last);
}

/** As one batch: an upsert writes as much as ten state transitions. */
function showAttributes({ status, awaitsApproval, stage, deadline }: JourneyView): void {
  const shown = workflowInfo().typedSearchAttributes;
  const state = status === 'active' && awaitsApproval ? 'awaiting_approval' : status;
  const changed: SearchAttributeUpdatePair[] = [];
  if (shown.get(searchAttributes.status) !== state) changed.push({ key: searchAttributes.status, value: state });
  if ((shown.get(searchAttributes.stage) ?? null) !== stage) changed.push({ key: searchAttributes.stage, value: stage });
  // Of what nobody can be late for, a mere wait, the next instant is in the details: it changes with every step.
  if ((shown.get(searchAttributes.dueAt)?.getTime() ?? null) !== deadline)
    changed.push({ key: searchAttributes.dueAt, value: deadline === null ? null : toDate(deadline) });
  if (changed.length > 0) upsertSearchAttributes(changed);
}

/** A short list: ids, enums and instants only. */
function showDetails(view: JourneyView, journal: Journal, last: string): void {
  const { start, status, result, outcome, stage, progress, version } = view;
  const due = journal.nextDue();
  const open = journal.visits().filter(({ endedAt }) => endedAt === null);
  const parked = open.filter(({ incident }) => incident !== null);
  const lines = [
    `- **${status}**${result === null ? '' : ` · ${result}`}${outcome === null ? '' : ` · ${outcome}`} · ${start.template.key}@${start.template.version}`,
    `- ${stage ?? 'no stage'}, ${progress} %, version ${version}, last: ${last}`,
    `- ${start.subject.type} ${start.subject.id}`,
    due === null ? '- no timer' : `- timer: ${due.what} ends ${toIso(due.at)}`,
    ...open.slice(0, mostSteps).map(stepLine),
    ...(open.length > mostSteps ? [`- … and ${open.length - mostSteps} more steps`] : []),
    ...parked.slice(0, mostSteps).map(repairLine),
    ...(journal.pending.length === 0 ? [] : [`- **${journal.pending.length} changes wait for PostgreSQL**`]),
    ...journal.lastEvents().map(({ seq, type, at }) => `- v${seq} ${type} ${toIso(at)}`),
  ];
  setCurrentDetails(lines.join('\n').slice(0, 4_000));
}

function stepLine({ step, visit, item, state, dueAt, attempts, task }: VisitView): string {
  const name = item === null ? `${step} ${visit}` : `${step} ${visit} (${item})`;
  const tried = attempts === 0 ? '' : `, ${attempts} attempts`;
  const whose = task === undefined ? '' : `, ${task.assignee ?? [...task.roles, ...task.people].join(' or ')}`;
  return `- ${name}: ${state}${tried}${whose}${dueAt === null ? '' : `, due ${toIso(dueAt)}`}`;
}

/** How to go on, with the Updates of this page. */
function repairLine({ step, visit, incident }: VisitView): string {
  return `- **${incident?.code ?? ''}** at ${step} ${visit}: retry, completeWith, skip or goto with \`{"actor":"user/<your id>","step":"${step}"}\``;
}
