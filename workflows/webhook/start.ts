/** How bringing one event to one endpoint starts. */
import type { TenantId } from '../../domain/ids.js';
import { searchAttributes, taskQueue } from '../names.js';
import { priorityKeys } from '../start.js';
import type { StartOptions } from '../start.js';

/** What bringing one event to one endpoint starts with. */
export interface WebhookStart {
  readonly tenant: TenantId;
  readonly endpoint: string;
  /** The id of the delivery. */
  readonly delivery: string;
  /** Raised by each replay. */
  readonly round: number;
  /** Of the event. */
  readonly type: string;
  readonly outboundQueue: string;
}

const webhookWorkflowId = (endpoint: string, event: string): string => `webhook/${endpoint}/${event}`;

/** Name of its workflow, as the Web UI shows it. */
export const webhookWorkflowType = 'webhookWorkflow';

/** How it starts, however often: a replay takes the place of the run that waits for its next attempt. */
export const webhookStartOptions = (
  {
    event,
    subject,
    isReplay,
    ...start
  }: Omit<WebhookStart, 'outboundQueue'> & { readonly event: string; readonly subject: string; readonly isReplay: boolean },
  queueSuffix: string,
): StartOptions<WebhookStart> => ({
  workflowId: webhookWorkflowId(start.endpoint, event),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: isReplay ? 'TERMINATE_EXISTING' : 'USE_EXISTING',
  typedSearchAttributes: [{ key: searchAttributes.tenant, value: start.tenant }],
  staticSummary: `${start.type} · ${subject}`,
  priority: { priorityKey: priorityKeys.low, fairnessKey: start.tenant },
  args: [{ ...start, outboundQueue: taskQueue('outbound', queueSuffix) }],
});
