/** What the starts of all kinds of workflows have in common. */
import type { Priority as TaskPriority, SearchAttributePair } from '@temporalio/common';
import type { Priority } from '../domain/ticket/status.js';

/** How a workflow starts, for whoever starts it. */
export interface StartOptions<Start> {
  workflowId: string;
  taskQueue: string;
  workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING' | 'TERMINATE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  staticDetails?: string;
  priority: TaskPriority;
  args: [Start];
}

/** Which tasks a worker takes first: the urgent, bulk work last. */
export const priorityKeys: Readonly<Record<Priority | 'bulk', number>> = { urgent: 1, high: 2, medium: 3, low: 4, bulk: 5 };
