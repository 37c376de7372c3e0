import proto from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';

const { TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/**
 * Asks the server whether this process polls its queues; a process that is merely up works on nothing.
 *
 * @throws Error naming the queue without this process among its pollers
 */
export async function isPolling(
  { workflowService }: Pick<NativeConnection, 'workflowService'>,
  namespace: string,
  queues: readonly string[],
): Promise<void> {
  for (const name of queues) {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name },
      taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
    });
    const suffix = `:${process.pid}`;
    if (!(pollers ?? []).some((poller) => poller.identity?.endsWith(suffix))) throw new Error(`nobody polls ${name}`);
  }
}
