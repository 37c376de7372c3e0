/** The wire shapes of jobs: work on many things that goes on after its request was answered. */
import { z } from 'zod';
import { bulkOutcomes } from '../../domain/bulk/outcome.js';
import { reprojectionOutcomes } from '../../domain/sla/preview.js';
import { commaList, Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

export const JobParams = z.object({ jobId: Uuid });
export const JobQuery = z.strictObject(PageQuery);
export type JobQuery = z.output<typeof JobQuery>;

export const JobView = z
  .strictObject({
    id: z.string(),
    kind: z
      .enum(['sla_reprojection', 'journeys_bulk', 'handoffs_bulk', 'webhook_replay'])
      .describe(
        '`sla_reprojection`: a revision of the policies on its way to open tickets; `…_bulk`: one verb for many journeys or handoffs; `webhook_replay`: events sent to an endpoint again',
      ),
    subject: z.string().describe('what it is about, such as `sla/policy-sets/3` or `journeys/pause`'),
    state: z.enum(['running', 'paused', 'done', 'failed', 'cancelled']),
    total: z.int().describe('as far as is known; `ok` + `failed` + `skipped` once it has ended'),
    ok: z.int(),
    failed: z.int(),
    skipped: z.int().describe('not concerned, over before their turn came, or left when it was cancelled'),
    startedAt: Moment,
    endedAt: Moment.nullable().describe('of one that is cancelled: when those that were under way had answered'),
  })
  .meta({ id: 'Job' });
export type JobView = z.output<typeof JobView>;
export const JobPage = pageSchema('JobPage', JobView);

const results = z.enum(bulkOutcomes);
export const JobItemsQuery = z.strictObject({
  ...PageQuery,
  outcome: z
    .exactOptional(commaList(z.enum([...new Set([...bulkOutcomes, ...reprojectionOutcomes])])))
    .describe('what came of the item: a result, or of tickets what became of their clocks; one, or several by comma'),
});
export type JobItemsQuery = z.output<typeof JobItemsQuery>;

export const JobItem = z
  .strictObject({
    ref: z.string().describe('the ticket, the journey, the handoff or the delivery'),
    result: results,
    code: z.string().describe('what came of it; why, if it failed or was skipped'),
  })
  .meta({ id: 'JobItem' });
export type JobItem = z.output<typeof JobItem>;
export const JobItemPage = pageSchema('JobItemPage', JobItem);

/** What a job came to so far. */
export const JobResult = z
  .strictObject({
    revision: z.exactOptional(z.int()).describe('of the policies, if it is about them'),
    verb: z.exactOptional(z.string()).describe('of the batch, if it is one'),
    outcomes: z
      .array(z.strictObject({ result: results, outcome: z.string(), count: z.int() }))
      .describe('items by what came of them; of a batch `outcome` is the code of its items'),
  })
  .meta({ id: 'JobResult' });
export type JobResult = z.output<typeof JobResult>;
