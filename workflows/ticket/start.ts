/** How a ticket's workflow starts. */
import type { ProductKey, TenantId, TicketId } from '../../domain/ids.js';
import type { Priority, TicketStatus } from '../../domain/ticket/status.js';
import { searchAttributes, taskQueue } from '../names.js';
import { priorityKeys } from '../start.js';
import type { StartOptions } from '../start.js';

export const ticketWorkflowId = (id: TicketId): string => `ticket/${id}`;

/** What a ticket's workflow starts with; everything else comes with the `open` command. */
export interface TicketStart {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** Task queue of deliveries. */
  readonly outboundQueue: string;
  /** Commands of one run before it continues as new. */
  readonly continueAfter: number;
}

/** Name of the ticket's workflow, as the Web UI shows it. */
export const ticketWorkflowType = 'ticketWorkflow';

/** What `ticketStartOptions` is made from. */
export interface TicketStartFacts {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  readonly product: ProductKey;
  readonly priority: Priority;
  readonly status: TicketStatus;
  readonly queueSuffix: string;
  readonly continueAfter: number;
}

/** How every ticket's workflow starts, whoever opens the ticket; attributes given here cost nothing extra. */
export const ticketStartOptions = (facts: TicketStartFacts): StartOptions<TicketStart> => {
  const { tenant, ticketId, product, priority, status, queueSuffix, continueAfter } = facts;
  return {
    workflowId: ticketWorkflowId(ticketId),
    taskQueue: taskQueue('core', queueSuffix),
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [
      { key: searchAttributes.tenant, value: tenant },
      { key: searchAttributes.product, value: product },
      { key: searchAttributes.priority, value: priority },
      { key: searchAttributes.status, value: status },
    ],
    staticSummary: `${priority} · ${ticketId} · ${product}`,
    priority: { priorityKey: priorityKeys[priority], fairnessKey: tenant },
    args: [{ tenant, ticketId, outboundQueue: taskQueue('outbound', queueSuffix), continueAfter }],
  };
};
