/** How bringing a revision of the policies to open tickets starts. */
import type { TenantId } from '../../domain/ids.js';
import { jobStartOptions } from '../job/start.js';
import type { StartOptions } from '../start.js';

/** How fast open tickets are moved to another revision of the policies. */
export interface Pace {
  /** Tickets asked by one activity, */
  readonly pageSize: number;
  /** which begins at most this often, in milliseconds. */
  readonly pageMs: number;
  /** Rest before the second pass, in milliseconds: tickets being opened when the revision was published are there by then. */
  readonly settleMs: number;
  /** Pages of one run before it continues as new. */
  readonly pagesPerRun: number;
}

/** At most 50 tickets a second; a run has about 2,400 events. Source: sla.md, section 5. */
export const usualPace: Pace = { pageSize: 25, pageMs: 500, settleMs: 10_000, pagesPerRun: 200 };

/** What bringing a revision of the policies to open tickets starts with. */
export interface ReprojectionStart {
  readonly tenant: TenantId;
  readonly revision: number;
  readonly pace: Pace;
}

export const reprojectionWorkflowId = (tenant: TenantId, revision: number): string => `reproject/${tenant}/${revision}`;

/** Name of its workflow, as the Web UI shows it. */
export const reprojectionWorkflowType = 'reprojectWorkflow';

/** How it starts, however often: one that was terminated may be started again, and asks only the tickets that are left. */
export const reprojectionStartOptions = (
  { tenant, revision, pace = usualPace }: Omit<ReprojectionStart, 'pace'> & Partial<Pick<ReprojectionStart, 'pace'>>,
  queueSuffix: string,
): StartOptions<ReprojectionStart> =>
  jobStartOptions(
    { workflowId: reprojectionWorkflowId(tenant, revision), summary: `policies, revision ${revision}, to open tickets` },
    { tenant, revision, pace },
    queueSuffix,
  );
