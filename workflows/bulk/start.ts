/** How a batch starts that asks many instances the same. */
import type { TenantId } from '../../domain/ids.js';
import { jobStartOptions } from '../job/start.js';
import type { StartOptions } from '../start.js';

/** How fast a batch asks its instances. */
export interface BulkPace {
  /** Instances that may be on their way at once. */
  readonly window: number;
  /** Instances of one run; then it continues as new. */
  readonly pageSize: number;
  /** Between two questions to an instance that does not answer, in milliseconds, */
  readonly againMs: number;
  /** and how many there are before it counts as failed. */
  readonly asks: number;
}

/** No answer in 60 s: asked again; after 10 minutes: given up. A run has about 1,500 events. Source: journeys-change.md, section 6. */
export const usualBulkPace: BulkPace = { window: 50, pageSize: 200, againMs: 60_000, asks: 11 };

/** What a batch starts with. */
export interface BulkStart {
  readonly tenant: TenantId;
  /** The id of its job. */
  readonly batch: string;
  readonly pace: BulkPace;
}

export const bulkWorkflowId = (batch: string): string => `bulk/${batch}`;

/** Name of its workflow, as the Web UI shows it. */
export const bulkWorkflowType = 'bulkWorkflow';

/** How it starts, however often: one that was terminated may be started again, and asks only what has not settled. */
export const bulkStartOptions = (
  { tenant, batch, pace = usualBulkPace }: Omit<BulkStart, 'pace'> & Partial<Pick<BulkStart, 'pace'>>,
  queueSuffix: string,
): StartOptions<BulkStart> =>
  jobStartOptions({ workflowId: bulkWorkflowId(batch), summary: `bulk · ${batch}` }, { tenant, batch, pace }, queueSuffix);
