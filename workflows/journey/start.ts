/** How a journey's workflow starts. */
import type { TenantId } from '../../domain/ids.js';
import type { JourneyStart } from '../../domain/journey/run/state.js';
import { searchAttributes, taskQueue } from '../names.js';
import { priorityKeys } from '../start.js';
import type { StartOptions } from '../start.js';

export const journeyWorkflowId = (journeyId: string): string => `journey/${journeyId}`;

/** Name of a journey's workflow, as the Web UI shows it. */
export const journeyWorkflowType = 'journeyWorkflow';

/** What a journey's workflow starts with; everything else comes with the `open` command. */
export interface JourneyRun extends Pick<JourneyStart, 'journeyId' | 'template' | 'entryKey'> {
  readonly tenant: TenantId;
  /** Task queue of actions and messages. */
  readonly outboundQueue: string;
  /** Commands and events of one run before it continues as new. */
  readonly continueAfter: number;
}

/** How every journey's workflow starts, whoever enters it; attributes given here cost nothing extra. */
export const journeyStartOptions = (
  { journeyId, tenant, template, entryKey }: Pick<JourneyRun, 'journeyId' | 'tenant' | 'template' | 'entryKey'>,
  { queueSuffix, continueAfter }: { readonly queueSuffix: string; readonly continueAfter: number },
): StartOptions<JourneyRun> => ({
  workflowId: journeyWorkflowId(journeyId),
  taskQueue: taskQueue('core', queueSuffix),
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  typedSearchAttributes: [
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.template, value: `${template.key}@${template.version}` },
    { key: searchAttributes.status, value: 'active' },
  ],
  staticSummary: `${template.key}@${template.version} · ${journeyId}`,
  priority: { priorityKey: priorityKeys.medium, fairnessKey: tenant },
  args: [{ journeyId, tenant, template, entryKey, outboundQueue: taskQueue('outbound', queueSuffix), continueAfter }],
});
