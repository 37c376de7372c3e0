/** The wire shapes of handoffs. */
import { z } from 'zod';
import { handoffStates } from '../../domain/journey/run/effect.js';
import { packages } from '../../domain/journey/template.js';
import { commaList, Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';
import { Comment, Id, JourneyId, Name, Values } from '../journeys/schema.js';

export const HandoffParams = z.object({ handoffId: z.string().describe('`<journey>.<step>.<visit>`') });
const modes = ['automatic', 'accept', 'approve'] as const;

export const HandoffsQuery = z.strictObject({
  state: z.exactOptional(commaList(z.enum(handoffStates))),
  from: z.exactOptional(commaList(storable.min(1).max(64))).describe('packages'),
  to: z.exactOptional(commaList(storable.min(1).max(64))).describe('packages'),
  journey: z.exactOptional(commaList(JourneyId)),
  mine: z.exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).describe('true: open ones that I have, or may take'),
  ...PageQuery,
});
export type HandoffsQuery = z.output<typeof HandoffsQuery>;

const handoff = {
  id: z.string(),
  journey: JourneyId,
  step: z.string(),
  visit: z.int(),
  extra: z.boolean().describe('apart from the steps of the template; it does not move the journey'),
  state: z.enum(handoffStates),
  from: z.string(),
  to: z.string(),
  mode: z.enum(modes),
  owner: z.string().describe('the package whose clock runs'),
  assignee: z.string().nullable(),
  people: z.array(z.string()).describe('ids of those who may take it, beside the receiving package’s'),
  roles: z.array(z.string()),
  data: Values,
  missing: z.array(z.string()).describe('required data that are not there yet'),
  outcome: z.string().nullable(),
  reason: z.string().nullable().describe('code of a refusal or return'),
  approval: z.string().nullable().describe('id of its vote'),
  dueAt: Moment.nullable(),
  attempts: z.int(),
  version: z.int(),
  createdAt: Moment,
  endedAt: Moment.nullable(),
};
export const HandoffView = z.strictObject(handoff).meta({ id: 'Handoff' });
export type HandoffView = z.output<typeof HandoffView>;
export const HandoffPage = pageSchema('HandoffPage', HandoffView);
export const AcceptedHandoff = z.strictObject({ id: z.string(), commandId: z.string() }).meta({ id: 'AcceptedHandoff' });

const Duration = z.string().min(2).max(64).describe('ISO 8601');
const people = z.strictObject({
  users: z.exactOptional(z.array(Name).max(100)),
  roles: z.exactOptional(z.array(Name).max(100)),
  expr: z.exactOptional(storable.min(1).max(2_000)),
});
/** What a step of kind handoff may say besides; checked as one. */
const further = {
  then: z.exactOptional(z.enum(['automatic', 'accept'])),
  assign: z.exactOptional(people),
  acceptWithin: z.exactOptional(Duration),
  completeWithin: z.exactOptional(Duration),
  claimFor: z.exactOptional(Duration),
  waitFor: z.exactOptional(z.enum(['complete', 'accept'])),
  completeAs: z.exactOptional(Name),
  onTimeout: z.exactOptional(Name),
  approval: z.exactOptional(z.looseObject({})).describe('the vote of mode `approve`; left out: any lead or admin decides'),
};
const common = {
  journeyId: storable.max(64),
  stepId: z.exactOptional(storable.min(1).max(64)).describe('of the template: the handoff this step has; any other name makes one apart'),
  data: z.exactOptional(Values),
  requiredData: z.exactOptional(z.array(Name).max(100)).describe('names; what `data` leaves out is taken from the variables'),
  ...further,
};
const Package = storable.max(64).describe(`one of ${packages.join(', ')}`);
const seedModes = { automatic: 'automatic', manual: 'accept', approval: 'approve' } as const;
export const CreateHandoff = z
  .union([
    z.strictObject({ ...common, from: Package, to: Package, mode: z.exactOptional(z.enum(modes)) }),
    z
      .strictObject({
        ...common,
        fromPackage: Package,
        toPackage: Package,
        handoffType: z.exactOptional(z.enum(['automatic', 'manual', 'approval'])),
      })
      .transform(({ fromPackage, toPackage, handoffType, ...rest }) => ({
        ...rest,
        from: fromPackage,
        to: toPackage,
        ...(handoffType === undefined ? {} : { mode: seedModes[handoffType] }),
      })),
  ])
  .meta({ id: 'CreateHandoff' });
export type CreateHandoff = z.output<typeof CreateHandoff>;

const Code = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be a code such as no_capacity')
  .describe('a code such as no_capacity or no_access');
const behalf = { onBehalfOf: z.exactOptional(Id).describe('the person who delegated the vote') };
export const RejectBody = z
  .strictObject({
    reason: z.exactOptional(Code).describe('needed at an offer'),
    comment: z.exactOptional(Comment).describe('needed at an open vote'),
    ...behalf,
  })
  .meta({ id: 'RejectHandoff' });
export type RejectBody = z.output<typeof RejectBody>;
export const ReturnBody = z
  .strictObject({ reason: z.exactOptional(Code), comment: z.exactOptional(Comment) })
  .meta({ id: 'ReturnHandoff' });
export type ReturnBody = z.output<typeof ReturnBody>;
export const ApproveBody = z.strictObject({ comment: z.exactOptional(Comment), ...behalf }).meta({ id: 'ApproveHandoff' });
export type ApproveBody = z.output<typeof ApproveBody>;
export const CompleteBody = z
  .strictObject({ outcome: z.exactOptional(Name), output: z.exactOptional(Values) })
  .meta({ id: 'CompleteHandoff' });
export type CompleteBody = z.output<typeof CompleteBody>;
export const CancelBody = z.strictObject({ comment: z.exactOptional(Comment) }).meta({ id: 'CancelHandoff' });
export type CancelBody = z.output<typeof CancelBody>;
export const AssignBody = z.strictObject({ to: Uuid.describe('a user') }).meta({ id: 'AssignHandoff' });
export type AssignBody = z.output<typeof AssignBody>;
