import { z } from 'zod';
import { effects, reprojectionOutcomes, reprojectionStates } from '../../domain/sla/preview.js';
import { commaList, Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

/** What a draft would do to open tickets. */
export const PolicySetPreview = z
  .strictObject({
    current: z.int().describe('revision the draft would replace; 0: none yet'),
    open: z.int().describe('open tickets'),
    looked: z.int().describe('open tickets that were looked at; each counts once below'),
    truncated: z.boolean().describe('there are more than could be looked at'),
    effects: z
      .array(
        z.strictObject({
          effect: z.enum(effects),
          count: z.int(),
          tickets: z.array(z.string()).describe('up to 100 numbers; none for `unchanged`'),
        }),
      )
      .describe('the gravest first; a ticket counts where its gravest clock does'),
    previewToken: z.string().describe('publishes this draft with `reproject`, as long as `current` is the newest revision'),
  })
  .meta({ id: 'SlaPolicySetPreview' });
export type PolicySetPreview = z.output<typeof PolicySetPreview>;

export const JobParams = z.object({ jobId: Uuid });
export const JobQuery = z.strictObject(PageQuery);
export type JobQuery = z.output<typeof JobQuery>;

/** Work on many things that goes on after its request was answered. */
export const JobView = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['sla_reprojection']).describe('`sla_reprojection`: a revision of the policies on its way to open tickets'),
    subject: z.string().describe('what it is about, such as `sla/policy-sets/3`'),
    state: z.enum([...reprojectionStates, 'failed']),
    total: z.int().describe('as far as is known; `ok` + `failed` + `skipped` once it has ended'),
    ok: z.int(),
    failed: z.int(),
    skipped: z.int().describe('over before their turn came, or left when it was cancelled'),
    startedAt: Moment,
    endedAt: Moment.nullable(),
  })
  .meta({ id: 'Job' });
export type JobView = z.output<typeof JobView>;
export const JobPage = pageSchema('JobPage', JobView);

export const JobItemsQuery = z.strictObject({
  ...PageQuery,
  outcome: z.exactOptional(commaList(z.enum(reprojectionOutcomes))).describe('what came of the ticket; one, or several by comma'),
});
export type JobItemsQuery = z.output<typeof JobItemsQuery>;

export const JobItem = z
  .strictObject({
    ref: z.string().describe('the ticket'),
    result: z.enum(['ok', 'failed', 'skipped']),
    code: z.string().describe('what came of it; why, if it failed'),
  })
  .meta({ id: 'JobItem' });
export type JobItem = z.output<typeof JobItem>;
export const JobItemPage = pageSchema('JobItemPage', JobItem);

/** What a job came to so far. */
export const JobResult = z
  .strictObject({
    revision: z.int().describe('of the policies'),
    outcomes: z.array(z.strictObject({ outcome: z.enum(reprojectionOutcomes), count: z.int() })).describe('tickets by what came of them'),
  })
  .meta({ id: 'JobResult' });
export type JobResult = z.output<typeof JobResult>;
