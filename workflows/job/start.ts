/** How a job starts: work through many things of a tenant that is safe to begin again. */
import type { TenantId } from '../../domain/ids.js';
import { searchAttributes, taskQueue } from '../names.js';
import { priorityKeys } from '../start.js';
import type { StartOptions } from '../start.js';

/** However often it is started, one runs; one that was terminated may be started again. */
export const jobStartOptions = <Start extends { readonly tenant: TenantId }>(
  { workflowId, summary }: { readonly workflowId: string; readonly summary: string },
  start: Start,
  queueSuffix: string,
): StartOptions<Start> => ({
  workflowId,
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: searchAttributes.tenant, value: start.tenant },
    { key: searchAttributes.status, value: 'running' },
  ],
  staticSummary: summary,
  priority: { priorityKey: priorityKeys.bulk, fairnessKey: start.tenant },
  args: [start],
});
