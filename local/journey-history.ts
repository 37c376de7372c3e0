/** What a workflow's history tells about the present: whether it rests, and what it waits for. */
import type { Client } from '@temporalio/client';
import type proto from '@temporalio/proto';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { Instant } from '../domain/time.js';

export interface Present {
  readonly isOver: boolean;
  /** Something is under way by itself. */
  readonly isBusy: boolean;
  /** When its timers fire, by the server's clock, to a few milliseconds. */
  readonly timers: readonly Instant[];
  /** Ids of the workflows it has started. */
  readonly children: readonly string[];
}

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;
type Id = HistoryEvent['eventId'];

/** @param isHeld an activity, by its id, that answers when its time has come */
export async function presentOf(client: Client, workflowId: string, isHeld: (activityId: string) => boolean): Promise<Present> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const open = new Set<string>();
  const timers = new Map<string, Instant>();
  const children: string[] = [];
  let isOver = false;
  for (const event of events ?? []) {
    const timer = event.timerStartedEventAttributes;
    if (timer?.timerId) timers.set(timer.timerId, tsToMs(event.eventTime) + tsToMs(timer.startToFireTimeout));
    const gone = event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes;
    if (gone?.timerId) timers.delete(gone.timerId);
    if (begins(event, isHeld)) open.add(String(event.eventId));
    for (const id of endsIn(event)) open.delete(String(id));
    const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
    if (child) children.push(child);
    isOver ||= isEnd(event);
  }
  return { isOver, isBusy: !isOver && open.size > 0, timers: isOver ? [] : [...timers.values()], children };
}

function begins(event: HistoryEvent, isHeld: (activityId: string) => boolean): boolean {
  const activity = event.activityTaskScheduledEventAttributes;
  if (activity) return !isHeld(activity.activityId ?? '');
  return Boolean(
    event.workflowTaskScheduledEventAttributes ??
    event.startChildWorkflowExecutionInitiatedEventAttributes ??
    event.signalExternalWorkflowExecutionInitiatedEventAttributes ??
    event.requestCancelExternalWorkflowExecutionInitiatedEventAttributes,
  );
}

/** The events that began what ends with this one. */
function endsIn(event: HistoryEvent): Id[] {
  const scheduled =
    event.workflowTaskCompletedEventAttributes ??
    event.workflowTaskFailedEventAttributes ??
    event.workflowTaskTimedOutEventAttributes ??
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  const initiated =
    event.childWorkflowExecutionStartedEventAttributes ??
    event.startChildWorkflowExecutionFailedEventAttributes ??
    event.externalWorkflowExecutionSignaledEventAttributes ??
    event.signalExternalWorkflowExecutionFailedEventAttributes ??
    event.externalWorkflowExecutionCancelRequestedEventAttributes ??
    event.requestCancelExternalWorkflowExecutionFailedEventAttributes;
  return [scheduled?.scheduledEventId, initiated?.initiatedEventId].filter((id) => id !== undefined && id !== null);
}

const isEnd = (event: HistoryEvent): boolean =>
  Boolean(
    event.workflowExecutionCompletedEventAttributes ??
    event.workflowExecutionFailedEventAttributes ??
    event.workflowExecutionTerminatedEventAttributes ??
    event.workflowExecutionCanceledEventAttributes ??
    event.workflowExecutionTimedOutEventAttributes,
  );
