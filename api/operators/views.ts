/** Ready-made views of the Web UI, as links. Source: temporal.md, section 7. */
import { ticketStatuses } from '../../domain/ticket/status.js';

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

const queries: readonly (readonly [name: string, title: string, query: string])[] = [
  ['tickets', 'All open tickets', running(ticket)],
  ['urgent', 'Urgent tickets', running(`${ticket} AND Priority="urgent"`)],
  ['breached', 'Service level breached', running(`${ticket} AND SlaState="breached"`)],
  ['warned', 'Service level warned', running(`${ticket} AND SlaState="warned"`)],
  ['escalated', 'Escalated', running('EscalationLevel > 0')],
  ['ack_pending', 'Escalation waiting for acknowledgement', running(`${ticket} AND Stage="ack_pending"`)],
  ...ticketStatuses
    .filter((status) => status !== 'closed')
    .map((status) => [status, `Tickets: ${status.replaceAll('_', ' ')}`, running(`${ticket} AND Status="${status}"`)] as const),
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
