/** Names that clients and workers share: task queues, search attributes, types of failures. They never change once used. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

const queues = { core: 'usher-core', outbound: 'usher-outbound' } as const;

/** Task queue of a kind of work; the suffix keeps several stacks on one server apart. */
export const taskQueue = (kind: keyof typeof queues, suffix = ''): string => `${queues[kind]}${suffix}`;

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

/**
 * Types of failures with which the server, not the ticket, ends an Update: its run continued as new or ended before the Update was worked on,
 * or before it was done. The same id sent again gets the answer.
 */
export const passedOver: readonly string[] = ['UnprocessedUpdate', 'AcceptedUpdateCompletedWorkflow'];
