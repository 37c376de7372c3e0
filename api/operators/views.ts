/** Ready-made views of the Web UI, as links. Source: temporal.md, section 7. */
import { ticketStatuses } from '../../domain/ticket/status.js';
import { failedItems } from '../../workflows/names.js';

export interface OperatorView {
  readonly name: string;
  readonly title: string;
  readonly query: string;
  /** Opens the query. */
  readonly open: string;
  /** Opens the query and keeps it among the browser's saved views; each opening keeps one more copy. */
  readonly keep: string;
}

// States only, never dates: a link is a fixed text.
const running = (condition: string): string => `ExecutionStatus="Running" AND ${condition}`;
const ticket = 'WorkflowType="ticketWorkflow"';
// Unquoted, the server takes it for a word of its own.
const status = '`Status`';

const queries: readonly (readonly [name: string, title: string, query: string])[] = [
  ['tickets', 'All open tickets', running(ticket)],
  ['urgent', 'Urgent tickets', running(`${ticket} AND Priority="urgent"`)],
  ['breached', 'Service level breached', running(`${ticket} AND SlaState="breached"`)],
  ['warned', 'Service level warned', running(`${ticket} AND SlaState="warned"`)],
  ['escalated', 'Escalated', running('EscalationLevel > 0')],
  ['ack_pending', 'Escalation waiting for acknowledgement', running(`${ticket} AND Stage="ack_pending"`)],
  ...ticketStatuses
    .filter((name) => name !== 'closed')
    .map((name) => [name, `Tickets: ${name.replaceAll('_', ' ')}`, running(`${ticket} AND ${status}="${name}"`)] as const),
  ['approvals', 'Waiting for approval', running(`${status}="awaiting_approval"`)],
  ['handoffs_late', 'Late handoffs', running(`WorkflowType="handoffWorkflow" AND ${status} IN ("expired","failed")`)],
  ['journeys_parked', 'Journeys parked', running(`WorkflowType="journeyWorkflow" AND ${status}="incident"`)],
  ['batches', 'Batches and re-projections under way', running(`WorkflowType IN ("bulkWorkflow","reprojectWorkflow")`)],
  [
    'batches_paused',
    'Batches and re-projections paused',
    running(`WorkflowType IN ("bulkWorkflow","reprojectWorkflow") AND ${status}="paused"`),
  ],
  ['batches_failed', 'Batches with instances that failed', running(`WorkflowType="bulkWorkflow" AND Stage="${failedItems}"`)],
  ['erasures', 'Erasures under way', running('WorkflowType="erasureWorkflow"')],
  ['notices', 'Notices to staff on their way', running('WorkflowType="noticesWorkflow"')],
  ['webhooks', 'Webhooks on their way', running('WorkflowType="webhookWorkflow"')],
  [
    'failing',
    'Failing workflow code',
    running('TemporalReportedProblems IN ("category=WorkflowTaskFailed","category=WorkflowTaskTimedOut")'),
  ],
];

/** The views, in the order they are shown. */
export const operatorViews = ({ url, namespace }: { readonly url: string; readonly namespace: string }): OperatorView[] =>
  queries.map(([name, title, query]) => {
    const open = `${url}/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encodeURIComponent(query)}`;
    return { name, title, query, open, keep: `${open}&savedQuery=${encodeURIComponent(`Usher: ${title}`)}` };
  });
