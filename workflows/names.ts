/** Names that clients and workers share: task queues, workflow ids, search attributes. They never change once used. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Priority as TaskPriority, SearchAttributePair } from '@temporalio/common';
import type { ProductKey, TenantId, TicketId } from '../domain/ids.js';
import type { Priority, TicketStatus } from '../domain/ticket/status.js';

const queues = { core: 'usher-core', outbound: 'usher-outbound' } as const;

/** Task queue of a kind of work; the suffix keeps several stacks on one server apart. */
export const taskQueue = (kind: keyof typeof queues, suffix = ''): string => `${queues[kind]}${suffix}`;

export const ticketWorkflowId = (id: TicketId): string => `ticket/${id}`;

/** The ten attributes operators filter and sort by; the worker registers what is missing. */
export const searchAttributes = {
  tenant: defineSearchAttributeKey('Tenant', SearchAttributeType.KEYWORD),
  product: defineSearchAttributeKey('Product', SearchAttributeType.KEYWORD),
  priority: defineSearchAttributeKey('Priority', SearchAttributeType.KEYWORD),
  template: defineSearchAttributeKey('Template', SearchAttributeType.KEYWORD),
  status: defineSearchAttributeKey('Status', SearchAttributeType.KEYWORD),
  slaState: defineSearchAttributeKey('SlaState', SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey('Stage', SearchAttributeType.KEYWORD),
  handoffTo: defineSearchAttributeKey('HandoffTo', SearchAttributeType.KEYWORD),
  escalationLevel: defineSearchAttributeKey('EscalationLevel', SearchAttributeType.INT),
  dueAt: defineSearchAttributeKey('DueAt', SearchAttributeType.DATETIME),
} as const;

/** What a ticket's workflow starts with; everything else comes with the `open` command. */
export interface TicketStart {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** Task queue of deliveries. */
  readonly outboundQueue: string;
  /** Commands of one run before it continues as new. */
  readonly continueAfter: number;
}

/**
 * Types of failures with which the server, not the ticket, ends an Update: its run continued as new or ended before the Update was worked on,
 * or before it was done. The same id sent again gets the answer.
 */
export const passedOver: readonly string[] = ['UnprocessedUpdate', 'AcceptedUpdateCompletedWorkflow'];

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

export interface TicketStartOptions {
  workflowId: string;
  taskQueue: string;
  workflowIdReusePolicy: 'REJECT_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  priority: TaskPriority;
  args: [TicketStart];
}

/** The urgent first; 5 is left to bulk work and sweeps. */
const priorityKeys: Readonly<Record<Priority, number>> = { urgent: 1, high: 2, medium: 3, low: 4 };

/** How every ticket's workflow starts, whoever opens the ticket; attributes given here cost nothing extra. */
export const ticketStartOptions = (facts: TicketStartFacts): TicketStartOptions => {
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
