/** The wire shapes of batches: one verb for many journeys or handoffs. Source: journeys-change.md, section 6. */
import { z } from 'zod';
import { handoffBulkVerbs, journeyBulkVerbs } from '../../domain/bulk/command.js';
import { skipCodes } from '../../domain/bulk/outcome.js';
import { handoffStates } from '../../domain/journey/run/effect.js';
import { incidentCodes, journeyStatuses } from '../../domain/journey/run/state.js';
import { Moment, storable, Uuid } from '../contract.js';
import { Comment, JourneyId, Name, Package, StepId, Values } from '../journeys/schema.js';
import { Reason } from '../tickets/schema.js';

/** More would make a body that is refused for its size. */
const mostIds = 1_000;
const some = <Schema extends z.ZodType>(item: Schema) => z.array(item).min(1).max(50);

const JourneyFilter = z
  .strictObject({
    ids: z.exactOptional(z.array(JourneyId).min(1).max(mostIds)),
    template: z.exactOptional(StepId).describe('its key'),
    version: z.exactOptional(z.int().min(1).max(2_147_483_647)).describe('of the template'),
    status: z.exactOptional(some(z.enum(journeyStatuses))),
    stage: z.exactOptional(storable.min(1).max(64)),
    step: z.exactOptional(StepId).describe('one that is open or parked'),
    incident: z.exactOptional(some(z.enum(incidentCodes))).describe('codes of open incidents'),
    subject: z.exactOptional(z.strictObject({ type: storable.min(1).max(64), id: storable.min(1).max(128) })),
  })
  .refine((filter) => Object.keys(filter).length > 0, 'must name at least one condition')
  .describe('all that is named must fit; without `ids` and `status` only journeys that have not ended')
  .meta({ id: 'JourneyBulkFilter' });

/** `<journey>.<step>.<visit>`. */
const HandoffId = z.string().regex(/^JRN-[0-9A-HJKMNP-TV-Z]{16}[.][A-Za-z0-9_-]{1,64}[.][1-9][0-9]{0,5}$/, 'must be the id of a handoff');
const HandoffFilter = z
  .strictObject({
    ids: z.exactOptional(z.array(HandoffId).min(1).max(mostIds)),
    state: z.exactOptional(some(z.enum(handoffStates))),
    from: z.exactOptional(Package),
    to: z.exactOptional(Package),
    journey: z.exactOptional(JourneyId),
    template: z.exactOptional(StepId).describe('its key'),
    step: z.exactOptional(StepId),
  })
  .refine((filter) => Object.keys(filter).length > 0, 'must name at least one condition')
  .describe('all that is named must fit; without `ids` and `state` only handoffs that have not ended')
  .meta({ id: 'HandoffBulkFilter' });

const step = z.exactOptional(StepId).describe('the one that is parked, or voted on, when left out');
/** Whether a reason is there is not a question of form: without one the caller may not. */
const reason = z.exactOptional(Reason);
const comment = z.exactOptional(Comment);
const onBehalfOf = z.exactOptional(Uuid).describe('a user whose vote was delegated to the caller');
const plain = (what: string) => Values.describe(`${what}: numbers, truths and ids, the same for each journey; texts are not possible here`);

const journeys = { filter: JourneyFilter };
const none = z.strictObject({ reason });
/** Of a later version: named, so that asking for it is told apart from a mistake. */
const later = <const Verb extends 'migrate' | 'modify'>(verb: Verb) =>
  z.strictObject({ verb: z.literal(verb).describe('not available yet'), args: z.exactOptional(Values), filter: z.exactOptional(Values) });

export const JourneyBulkBody = z
  .discriminatedUnion('verb', [
    z.strictObject({
      verb: z.literal('retry'),
      args: z.strictObject({ step, input: z.exactOptional(plain('replaces input of the step')), reason }).default({}),
      ...journeys,
    }),
    z.strictObject({
      verb: z.literal('complete_with'),
      args: z.strictObject({ step, outcome: Name, output: z.exactOptional(plain('what the step leaves')), reason }),
      ...journeys,
    }),
    z.strictObject({ verb: z.literal('skip'), args: z.strictObject({ step, reason }).default({}), ...journeys }),
    z.strictObject({ verb: z.literal('cancel'), args: none.default({}), ...journeys }),
    z.strictObject({ verb: z.literal('compensate_and_end'), args: none.default({}), ...journeys }),
    z.strictObject({
      verb: z.literal('pause'),
      args: z
        .strictObject({
          deadlines: z.exactOptional(z.enum(['shift', 'keep'])),
          freezeTasks: z.exactOptional(z.boolean()),
          reason,
        })
        .default({}),
      ...journeys,
    }),
    z.strictObject({
      verb: z.literal('resume'),
      args: z.strictObject({ deadlines: z.exactOptional(z.enum(['shift', 'keep'])), reason }).default({}),
      ...journeys,
    }),
    z.strictObject({
      verb: z.literal('vote'),
      args: z.strictObject({ step, decision: z.enum(['approve', 'reject']), comment, onBehalfOf }),
      ...journeys,
    }),
    later('migrate'),
    later('modify'),
  ])
  .meta({ id: 'JourneyBulk' });
export type JourneyBulkBody = z.output<typeof JourneyBulkBody>;

const handoffs = { filter: HandoffFilter };
export const HandoffBulkBody = z
  .discriminatedUnion('verb', [
    z.strictObject({ verb: z.literal('approve'), args: z.strictObject({ comment, onBehalfOf }).default({}), ...handoffs }),
    z.strictObject({
      verb: z.literal('reject'),
      args: z
        .strictObject({
          reason: z.exactOptional(Name).describe('a code such as `no_capacity`; needed by those that are offered'),
          comment: comment.describe('needed by those that are voted on'),
          onBehalfOf,
        })
        .default({}),
      ...handoffs,
    }),
    z.strictObject({ verb: z.literal('retry'), args: z.strictObject({}).default({}), ...handoffs }),
    z.strictObject({ verb: z.literal('reassign'), args: z.strictObject({ to: Uuid.describe('a user') }), ...handoffs }),
    z.strictObject({ verb: z.literal('cancel'), args: z.strictObject({ comment }).default({}), ...handoffs }),
  ])
  .meta({ id: 'HandoffBulk' });
export type HandoffBulkBody = z.output<typeof HandoffBulkBody>;

const Code = z.enum(skipCodes);
export const BulkPreview = z
  .strictObject({
    verb: z.enum([...new Set([...journeyBulkVerbs, ...handoffBulkVerbs])]),
    total: z.int().describe('what the filter finds now; these and no others are asked'),
    wouldApply: z.int(),
    wouldSkip: z.array(z.strictObject({ code: Code, count: z.int() })).describe('and why, the most frequent first'),
    sample: z.array(z.strictObject({ ref: z.string(), code: Code.nullable().describe('null: it would be done') })).describe('up to 20'),
    previewToken: z.string().describe('starts exactly this, once; good for an hour and for nobody else'),
    expiresAt: Moment,
  })
  .describe('as far as is known now; each instance decides when its turn comes')
  .meta({ id: 'BulkPreview' });
export type BulkPreview = z.output<typeof BulkPreview>;

/** As many as one worker takes without making others wait. */
const mostRate = 50;
export const StartBulkBody = z
  .strictObject({
    previewToken: z.exactOptional(z.string().max(200)),
    rate: z.int().min(1).max(mostRate).default(20).describe('instances begun a second'),
  })
  .meta({ id: 'StartBulk' });
export type StartBulkBody = z.output<typeof StartBulkBody>;
