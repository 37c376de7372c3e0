/** Starts the workflows of erasures. */
import type { Client } from '@temporalio/client';
import type { CustomerId, TenantId } from '../../domain/ids.js';
import type { erasureWorkflow } from '../../workflows/erasure/erasure.workflow.js';
import { erasureStartOptions, erasureWorkflowType } from '../../workflows/erasure/start.js';
import { translate } from '../commands.js';

/** How the API talks to erasures. Every call ends by its deadline (epoch milliseconds). */
export interface ErasureEngine {
  /** Starts one, or finds it running. It waits until its confirmation is in PostgreSQL. @throws CommandLost */
  start(erasure: { readonly tenant: TenantId; readonly customer: CustomerId; readonly erasure: string }, deadline: number): Promise<void>;
}

/** The real thing. */
export const createErasureEngine = (client: Client, { queueSuffix }: { readonly queueSuffix: string }): ErasureEngine => ({
  async start(erasure, deadline) {
    try {
      await client.withDeadline(deadline, () =>
        client.workflow.start<typeof erasureWorkflow>(erasureWorkflowType, erasureStartOptions(erasure, queueSuffix)),
      );
    } catch (error) {
      throw translate(error);
    }
  },
});
