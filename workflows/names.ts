/** Names that clients and workers share: task queues, workflow ids, search attributes. They never change once used. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { TenantId, TicketId } from '../domain/ids.js';

export const namespaceRetention = { days: 30 } as const;

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
