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

/** The urgent first, bulk work last. */
const priorityKeys: Readonly<Record<Priority, number>> = { urgent: 1, high: 2, medium: 3, low: 4 };
const bulkPriority = 5;

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

/** How fast open tickets are moved to another revision of the policies. */
export interface Pace {
  /** Tickets asked by one activity, */
  readonly pageSize: number;
  /** which begins at most this often, in milliseconds. */
  readonly pageMs: number;
  /** Rest before the second pass, in milliseconds: tickets being opened when the revision was published are there by then. */
  readonly settleMs: number;
  /** Pages of one run before it continues as new. */
  readonly pagesPerRun: number;
}

/** At most 50 tickets a second; a run has about 2,400 events. Source: sla.md, section 5. */
export const usualPace: Pace = { pageSize: 25, pageMs: 500, settleMs: 10_000, pagesPerRun: 200 };

/** What bringing a revision of the policies to open tickets starts with. */
export interface ReprojectionStart {
  readonly tenant: TenantId;
  readonly revision: number;
  readonly pace: Pace;
}

export const reprojectionWorkflowId = (tenant: TenantId, revision: number): string => `reproject/${tenant}/${revision}`;

/** Name of its workflow, as the Web UI shows it. */
export const reprojectionWorkflowType = 'reprojectWorkflow';

export interface ReprojectionStartOptions {
  workflowId: string;
  taskQueue: string;
  workflowIdReusePolicy: 'ALLOW_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  priority: TaskPriority;
  args: [ReprojectionStart];
}

/** How it starts, however often: one that was terminated may be started again, and asks only the tickets that are left. */
export const reprojectionStartOptions = (
  { tenant, revision, pace = usualPace }: Omit<ReprojectionStart, 'pace'> & Partial<Pick<ReprojectionStart, 'pace'>>,
  queueSuffix: string,
): ReprojectionStartOptions => ({
  workflowId: reprojectionWorkflowId(tenant, revision),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.status, value: 'running' },
  ],
  staticSummary: `policies, revision ${revision}, to open tickets`,
  priority: { priorityKey: bulkPriority, fairnessKey: tenant },
  args: [{ tenant, revision, pace }],
});
