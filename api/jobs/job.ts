/** What the routes of jobs know of a job, whatever it works on. Source: api.md, section 2. */
import type { Caller, Reader } from '../caller.js';
import type { Position } from '../cursor.js';
import type { JobItem, JobItemsQuery, JobResult, JobView } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import type { Control } from '../../workflows/job/messages.js';

/** Behind which job, or item, a page begins. */
export interface Behind {
  readonly after?: Position;
  readonly limit: number;
}

export interface Job {
  readonly view: JobView;
  /** Items the reader may see, each with its place in their order; one more than `limit` when there are others. */
  items(
    tx: TenantTx,
    reader: Reader,
    query: Pick<JobItemsQuery, 'outcome'> & Behind,
  ): Promise<readonly (JobItem & { readonly place: string })[]>;
  /** How many came to what, so far. */
  result(tx: TenantTx, reader: Reader): Promise<JobResult>;
  /** @throws Refusal `forbidden` when the caller may not control it */
  assertMayControl(caller: Caller): void;
  /** Pauses, resumes or cancels it, and waits until PostgreSQL says so. @throws CommandLost */
  control(caller: Caller, control: Control): Promise<void>;
}

/** One kind of jobs. */
export interface JobSource {
  /** Newest first, by when they started; one more than `limit` when there are others. */
  list(tx: TenantTx, reader: Reader, page: Behind): Promise<readonly Job[]>;
  find(tx: TenantTx, reader: Reader, id: string): Promise<Job | undefined>;
}
