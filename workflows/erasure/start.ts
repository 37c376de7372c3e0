/** How the erasure of a person starts. */
import type { CustomerId, TenantId } from '../../domain/ids.js';
import { jobStartOptions } from '../job/start.js';
import type { StartOptions } from '../start.js';

/** How an erasure goes through what a person left. */
export interface ErasurePace {
  /** Tickets or journeys of one activity. */
  readonly pageSize: number;
  /** Rest between two passes, in milliseconds: what was on its way when the person was marked has arrived by then. */
  readonly settleMs: number;
}

/** A page has 25 s, and each of its commands 8 s; ten go at once. A request to the API has 5 s. */
export const usualErasurePace: ErasurePace = { pageSize: 20, settleMs: 6_000 };

/** What the erasure of a person starts with. */
export interface ErasureStart {
  readonly tenant: TenantId;
  readonly customer: CustomerId;
  /** The request that was confirmed. */
  readonly erasure: string;
  readonly pace: ErasurePace;
}

const erasureWorkflowId = (customer: CustomerId): string => `erasure/${customer}`;

/** Name of its workflow, as the Web UI shows it. */
export const erasureWorkflowType = 'erasureWorkflow';

/** How it starts, however often: one that was terminated may be started again, and does only what is left. */
export const erasureStartOptions = (
  { tenant, customer, erasure, pace = usualErasurePace }: Omit<ErasureStart, 'pace'> & Partial<Pick<ErasureStart, 'pace'>>,
  queueSuffix: string,
): StartOptions<ErasureStart> =>
  jobStartOptions(
    { workflowId: erasureWorkflowId(customer), summary: `erasure · ${erasure}` },
    { tenant, customer, erasure, pace },
    queueSuffix,
  );
