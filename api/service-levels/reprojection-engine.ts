/** Starts and controls the workflow that brings a revision of the policies to open tickets. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Actor } from '../../domain/actor.js';
import type { TenantId } from '../../domain/ids.js';
import { reprojectionStartOptions, reprojectionWorkflowType } from '../../workflows/reproject/start.js';
import { updates } from '../../workflows/reproject/messages.js';
import type { Control } from '../../workflows/job/messages.js';
import type { reprojectWorkflow } from '../../workflows/reproject/reproject.workflow.js';
import { translate } from '../commands.js';

export interface ReprojectionControl {
  readonly tenant: TenantId;
  readonly revision: number;
  readonly control: Control;
  readonly actor: Actor;
  readonly commandId: string;
}

/** How the API talks to re-projections. Every call ends by its deadline (epoch milliseconds). */
export interface ReprojectionEngine {
  /** Starts one, or finds it running. It waits until its revision is in PostgreSQL. @throws CommandLost */
  start(tenant: TenantId, revision: number, deadline: number): Promise<void>;
  /** Pauses, resumes or cancels one, and waits until PostgreSQL says so. One that somebody terminated is started again first. @throws CommandLost */
  control(request: ReprojectionControl, deadline: number): Promise<void>;
}

/** The real thing. */
export function createReprojectionEngine(client: Client, { queueSuffix }: { readonly queueSuffix: string }): ReprojectionEngine {
  const within = async (deadline: number, call: () => Promise<unknown>): Promise<void> => {
    try {
      await client.withDeadline(deadline, call);
    } catch (error) {
      throw translate(error);
    }
  };
  return {
    start: (tenant, revision, deadline) =>
      within(deadline, () =>
        client.workflow.start<typeof reprojectWorkflow>(
          reprojectionWorkflowType,
          reprojectionStartOptions({ tenant, revision }, queueSuffix),
        ),
      ),
    control: ({ tenant, revision, control, actor, commandId }, deadline) =>
      within(deadline, () =>
        client.workflow.executeUpdateWithStart(updates[control], {
          startWorkflowOperation: new WithStartWorkflowOperation<typeof reprojectWorkflow>(
            reprojectionWorkflowType,
            reprojectionStartOptions({ tenant, revision }, queueSuffix),
          ),
          args: [{ actor }],
          updateId: commandId,
        }),
      ),
  };
}
