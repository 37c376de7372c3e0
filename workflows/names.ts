/** Names that clients and workers share: task queues, workflow ids, search attributes. They never change once used. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Priority as TaskPriority, SearchAttributePair } from '@temporalio/common';
import type { CustomerId, ProductKey, TenantId, TicketId } from '../domain/ids.js';
import { handoffIdOf } from '../domain/handoff/ledger.js';
import type { HandoffStart } from '../domain/journey/run/effect.js';
import type { JourneyStart } from '../domain/journey/run/state.js';
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

/** The stage of a batch of which some instances could not do what was asked. */
export const failedItems = 'failed_items';

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

/** How fast a batch asks its instances. */
export interface BulkPace {
  /** Instances that may be on their way at once. */
  readonly window: number;
  /** Instances of one run; then it continues as new. */
  readonly pageSize: number;
  /** Between two questions to an instance that does not answer, in milliseconds, */
  readonly againMs: number;
  /** and how many there are before it counts as failed. */
  readonly asks: number;
}

/** No answer in 60 s: asked again; after 10 minutes: given up. A run has about 1,500 events. Source: journeys-change.md, section 6. */
export const usualBulkPace: BulkPace = { window: 50, pageSize: 200, againMs: 60_000, asks: 11 };

/** What a batch starts with. */
export interface BulkStart {
  readonly tenant: TenantId;
  /** The id of its job. */
  readonly batch: string;
  readonly pace: BulkPace;
}

export const bulkWorkflowId = (batch: string): string => `bulk/${batch}`;

/** Name of its workflow, as the Web UI shows it. */
export const bulkWorkflowType = 'bulkWorkflow';

export interface BulkStartOptions extends Omit<ReprojectionStartOptions, 'args'> {
  args: [BulkStart];
}

/** How it starts, however often: one that was terminated may be started again, and asks only what has not settled. */
export const bulkStartOptions = (
  { tenant, batch, pace = usualBulkPace }: Omit<BulkStart, 'pace'> & Partial<Pick<BulkStart, 'pace'>>,
  queueSuffix: string,
): BulkStartOptions => ({
  workflowId: bulkWorkflowId(batch),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.status, value: 'running' },
  ],
  staticSummary: `bulk · ${batch}`,
  priority: { priorityKey: bulkPriority, fairnessKey: tenant },
  args: [{ tenant, batch, pace }],
});

/** How an erasure goes through what a person left. */
export interface ErasurePace {
  /** Tickets or journeys of one activity. */
  readonly pageSize: number;
  /** Rest between two passes, in milliseconds: what was on its way when the person was marked has arrived by then. */
  readonly settleMs: number;
}

/** A page has 25 s, and each of its commands 8 s; ten go at once. A request to the API has 5 s. */
export const usualErasurePace: ErasurePace = { pageSize: 20, settleMs: 6_000 };

/** What the erasure of a person starts with. */
export interface ErasureStart {
  readonly tenant: TenantId;
  readonly customer: CustomerId;
  /** The request that was confirmed. */
  readonly erasure: string;
  readonly pace: ErasurePace;
}

const erasureWorkflowId = (customer: CustomerId): string => `erasure/${customer}`;

/** Name of its workflow, as the Web UI shows it. */
export const erasureWorkflowType = 'erasureWorkflow';

export interface ErasureStartOptions extends Omit<ReprojectionStartOptions, 'args'> {
  args: [ErasureStart];
}

/** How it starts, however often: one that was terminated may be started again, and does only what is left. */
export const erasureStartOptions = (
  { tenant, customer, erasure, pace = usualErasurePace }: Omit<ErasureStart, 'pace'> & Partial<Pick<ErasureStart, 'pace'>>,
  queueSuffix: string,
): ErasureStartOptions => ({
  workflowId: erasureWorkflowId(customer),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.status, value: 'running' },
  ],
  staticSummary: `erasure · ${erasure}`,
  priority: { priorityKey: bulkPriority, fairnessKey: tenant },
  args: [{ tenant, customer, erasure, pace }],
});

export const journeyWorkflowId = (journeyId: string): string => `journey/${journeyId}`;

/** Name of a journey's workflow, as the Web UI shows it. */
export const journeyWorkflowType = 'journeyWorkflow';

/** What a journey's workflow starts with; everything else comes with the `open` command. */
export interface JourneyRun extends Pick<JourneyStart, 'journeyId' | 'template' | 'entryKey'> {
  readonly tenant: TenantId;
  /** Task queue of actions and messages. */
  readonly outboundQueue: string;
  /** Commands and events of one run before it continues as new. */
  readonly continueAfter: number;
}

export interface JourneyStartOptions {
  workflowId: string;
  taskQueue: string;
  workflowIdReusePolicy: 'REJECT_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  priority: TaskPriority;
  args: [JourneyRun];
}

/** How every journey's workflow starts, whoever enters it; attributes given here cost nothing extra. */
export const journeyStartOptions = (
  { journeyId, tenant, template, entryKey }: Pick<JourneyRun, 'journeyId' | 'tenant' | 'template' | 'entryKey'>,
  { queueSuffix, continueAfter }: { readonly queueSuffix: string; readonly continueAfter: number },
): JourneyStartOptions => ({
  workflowId: journeyWorkflowId(journeyId),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.template, value: `${template.key}@${template.version}` },
    { key: searchAttributes.status, value: 'active' },
  ],
  staticSummary: `${template.key}@${template.version} · ${journeyId}`,
  priority: { priorityKey: priorityKeys.medium, fairnessKey: tenant },
  args: [{ journeyId, tenant, template, entryKey, outboundQueue: taskQueue('outbound', queueSuffix), continueAfter }],
});

/** The id of a handoff, `<journey>.<step>.<visit>`, as that of its workflow, `handoff/<journey>/<step>/<visit>`. */
export const handoffWorkflowId = (handoffId: string): string => `handoff/${handoffId.replaceAll('.', '/')}`;

/** Name of a handoff's workflow, as the Web UI shows it. */
export const handoffWorkflowType = 'handoffWorkflow';

/** What a handoff's workflow starts with. */
export interface HandoffRun {
  readonly start: HandoffStart;
  readonly tenant: TenantId;
  /** Of the journey, for what its template says of people and times. */
  readonly template: JourneyStart['template'];
  readonly subject: JourneyStart['subject'];
  readonly outboundQueue: string;
  readonly continueAfter: number;
}

export interface HandoffStartOptions {
  workflowId: string;
  workflowIdReusePolicy: 'REJECT_DUPLICATE';
  parentClosePolicy: 'ABANDON';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  priority: TaskPriority;
  args: [HandoffRun];
}

/** How every handoff starts, as the child of its journey and on the same queue. */
export const handoffStartOptions = (run: HandoffRun): HandoffStartOptions => {
  const { start, tenant, template } = run;
  const { journeyId, step, visit, rules } = start;
  return {
    workflowId: handoffWorkflowId(handoffIdOf(start)),
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    // The server takes it for an end when the journey continues as new, so the journey itself asks its handoffs to end when it is over.
    parentClosePolicy: 'ABANDON',
    typedSearchAttributes: [
      { key: searchAttributes.tenant, value: tenant },
      { key: searchAttributes.template, value: `${template.key}@${template.version}` },
      { key: searchAttributes.handoffTo, value: rules.to },
      { key: searchAttributes.status, value: 'created' },
    ],
    staticSummary: `${rules.from} → ${rules.to} · ${step} ${visit} · ${journeyId}`,
    priority: { priorityKey: priorityKeys.medium, fairnessKey: tenant },
    args: [run],
  };
};

/** What a schedule of a template starts with each time. */
export interface JourneyScheduleStart {
  readonly tenant: TenantId;
  readonly template: string;
  readonly trigger: string;
}

/** All schedules of a stack's journeys begin so; what begins so and is wanted no more is deleted. */
export const journeySchedulePrefix = (queueSuffix: string): string => `journey-schedule${queueSuffix}/`;

export const journeyScheduleId = ({ tenant, template, trigger }: JourneyScheduleStart, queueSuffix: string): string =>
  `${journeySchedulePrefix(queueSuffix)}${tenant}/${template}/${trigger}`;

/** Name of the workflow that a schedule starts, as the Web UI shows it. */
export const journeyScheduleWorkflowType = 'journeyScheduleWorkflow';

/** What bringing one event to one endpoint starts with. */
export interface WebhookStart {
  readonly tenant: TenantId;
  readonly endpoint: string;
  /** The id of the delivery. */
  readonly delivery: string;
  /** Raised by each replay. */
  readonly round: number;
  /** Of the event. */
  readonly type: string;
  readonly outboundQueue: string;
}

const webhookWorkflowId = (endpoint: string, event: string): string => `webhook/${endpoint}/${event}`;

/** Name of its workflow, as the Web UI shows it. */
export const webhookWorkflowType = 'webhookWorkflow';

export interface WebhookStartOptions {
  workflowId: string;
  taskQueue: string;
  workflowIdReusePolicy: 'ALLOW_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING' | 'TERMINATE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  priority: TaskPriority;
  args: [WebhookStart];
}

/** How it starts, however often: a replay takes the place of the run that waits for its next attempt. */
export const webhookStartOptions = (
  {
    event,
    subject,
    isReplay,
    ...start
  }: Omit<WebhookStart, 'outboundQueue'> & { readonly event: string; readonly subject: string; readonly isReplay: boolean },
  queueSuffix: string,
): WebhookStartOptions => ({
  workflowId: webhookWorkflowId(start.endpoint, event),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: isReplay ? 'TERMINATE_EXISTING' : 'USE_EXISTING',
  typedSearchAttributes: [{ key: searchAttributes.tenant, value: start.tenant }],
  staticSummary: `${start.type} · ${subject}`,
  priority: { priorityKey: priorityKeys.low, fairnessKey: start.tenant },
  args: [{ ...start, outboundQueue: taskQueue('outbound', queueSuffix) }],
});

/** What bringing a batch of notices to staff starts with. */
export interface NoticesStart {
  readonly tenant: TenantId;
  /** The id of the batch. */
  readonly batch: string;
  readonly outboundQueue: string;
}

/** Name of its workflow, as the Web UI shows it. */
export const noticesWorkflowType = 'noticesWorkflow';

export interface NoticesStartOptions {
  workflowId: string;
  taskQueue: string;
  workflowIdReusePolicy: 'REJECT_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  /** The tickets they are of. */
  staticDetails: string;
  priority: TaskPriority;
  args: [NoticesStart];
}

/** How it starts, once. */
export const noticesStartOptions = (
  {
    tenant,
    batch,
    notices,
    tickets,
  }: Omit<NoticesStart, 'outboundQueue'> & { readonly notices: number; readonly tickets: readonly TicketId[] },
  queueSuffix: string,
): NoticesStartOptions => ({
  workflowId: `notices/${batch}`,
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [{ key: searchAttributes.tenant, value: tenant }],
  staticSummary: `${notices} notices to staff`,
  staticDetails: tickets.map((ticket) => `- ${ticket}`).join('\n'),
  priority: { priorityKey: priorityKeys.high, fairnessKey: tenant },
  args: [{ tenant, batch, outboundQueue: taskQueue('outbound', queueSuffix) }],
});
