/** How bringing a batch of notices to staff starts. */
import type { TenantId, TicketId } from '../../domain/ids.js';
import { searchAttributes, taskQueue } from '../names.js';
import { priorityKeys } from '../start.js';
import type { StartOptions } from '../start.js';

/** What bringing a batch of notices to staff starts with. */
export interface NoticesStart {
  readonly tenant: TenantId;
  /** The id of the batch. */
  readonly batch: string;
  readonly outboundQueue: string;
}

/** Name of its workflow, as the Web UI shows it. */
export const noticesWorkflowType = 'noticesWorkflow';

/** How it starts, once. */
export const noticesStartOptions = (
  {
    tenant,
    batch,
    notices,
    tickets,
  }: Omit<NoticesStart, 'outboundQueue'> & { readonly notices: number; readonly tickets: readonly TicketId[] },
  queueSuffix: string,
): StartOptions<NoticesStart> => ({
  workflowId: `notices/${batch}`,
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [{ key: searchAttributes.tenant, value: tenant }],
  staticSummary: `${notices} notices to staff`,
  staticDetails: tickets.map((ticket) => `- ${ticket}`).join('\n'),
  priority: { priorityKey: priorityKeys.high, fairnessKey: tenant },
  args: [{ tenant, batch, outboundQueue: taskQueue('outbound', queueSuffix) }],
});
