/** Starts and controls the workflows of batches. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Actor } from '../../domain/actor.js';
import type { TenantId } from '../../domain/ids.js';
import type { bulkWorkflow } from '../../workflows/bulk/bulk.workflow.js';
import { updates } from '../../workflows/bulk/messages.js';
import type { Control } from '../../workflows/job/messages.js';
import { bulkStartOptions, bulkWorkflowType } from '../../workflows/bulk/start.js';
import { translate } from '../commands.js';

export interface BatchControl {
  readonly tenant: TenantId;
  readonly batch: string;
  readonly control: Control;
  readonly actor: Actor;
  readonly commandId: string;
}

/** How the API talks to batches. Every call ends by its deadline (epoch milliseconds). */
export interface BulkEngine {
  /** Starts one, or finds it running. It waits until it is in PostgreSQL. @throws CommandLost */
  start(tenant: TenantId, batch: string, deadline: number): Promise<void>;
  /** Pauses, resumes or cancels one, and waits until PostgreSQL says so. One that somebody terminated is started again first. @throws CommandLost */
  control(request: BatchControl, deadline: number): Promise<void>;
}

/** The real thing. */
export function createBulkEngine(client: Client, { queueSuffix }: { readonly queueSuffix: string }): BulkEngine {
  const within = async (deadline: number, call: () => Promise<unknown>): Promise<void> => {
    try {
      await client.withDeadline(deadline, call);
    } catch (error) {
      throw translate(error);
    }
  };
  return {
    start: (tenant, batch, deadline) =>
      within(deadline, () =>
        client.workflow.start<typeof bulkWorkflow>(bulkWorkflowType, bulkStartOptions({ tenant, batch }, queueSuffix)),
      ),
    control: ({ tenant, batch, control, actor, commandId }, deadline) =>
      within(deadline, () =>
        client.workflow.executeUpdateWithStart(updates[control], {
          startWorkflowOperation: new WithStartWorkflowOperation<typeof bulkWorkflow>(
            bulkWorkflowType,
            bulkStartOptions({ tenant, batch }, queueSuffix),
          ),
          args: [{ actor }],
          updateId: commandId,
        }),
      ),
  };
}
