/** What one ticket cost the workflow engine, counted from what the engine has kept. */
import type { WorkflowHandle } from '@temporalio/client';
import { median } from './samples.js';

export interface TicketCounts {
  /** State transitions of all kinds. */
  transitions: number;
  events: number;
  /** Completed workflow tasks. */
  tasks: number;
  /** Search-attribute upserts. */
  upserts: number;
  /** Share of the tasks after the first that went to the worker's own queue, where the workflow is cached. */
  cached: number;
}

/** Number of temporal.api.enums.v1.TaskQueueKind. */
const stickyKind = 2;

export async function countTicket(handle: Pick<WorkflowHandle, 'describe' | 'fetchHistory'>): Promise<TicketCounts> {
  const [{ raw }, history] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  const events = history.events ?? [];
  const scheduled = events.flatMap((event) => event.workflowTaskScheduledEventAttributes ?? []);
  const later = scheduled.slice(1);
  return {
    transitions: Number(raw.workflowExecutionInfo?.stateTransitionCount ?? 0),
    events: events.length,
    tasks: events.filter((event) => event.workflowTaskCompletedEventAttributes).length,
    upserts: events.filter((event) => event.upsertWorkflowSearchAttributesEventAttributes).length,
    cached: later.length === 0 ? 1 : later.filter(({ taskQueue }) => Number(taskQueue?.kind) === stickyKind).length / later.length,
  };
}

/** The median of each count. */
export const medianCounts = (all: readonly TicketCounts[]): TicketCounts => ({
  transitions: median(all.map((one) => one.transitions)),
  events: median(all.map((one) => one.events)),
  tasks: median(all.map((one) => one.tasks)),
  upserts: median(all.map((one) => one.upserts)),
  cached: all.reduce((sum, one) => sum + one.cached, 0) / Math.max(1, all.length),
});
