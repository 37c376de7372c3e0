/** The wire shapes of approvals. */
import { z } from 'zod';
import { commaList, Moment, PageQuery, pageSchema, Uuid } from '../contract.js';
import { Comment, Id, JourneyId } from '../journeys/schema.js';

export const ApprovalParams = z.object({ approvalId: z.string().describe('`<journey>.<step>.<visit>`') });
const states = ['open', 'closed'] as const;
const decisions = ['approve', 'reject'] as const;

export const ApprovalsQuery = z.strictObject({
  state: z.exactOptional(commaList(z.enum(states))),
  journey: z.exactOptional(commaList(JourneyId)),
  mine: z.exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).describe('true: those that await my vote'),
  ...PageQuery,
});
export type ApprovalsQuery = z.output<typeof ApprovalsQuery>;

export const ApprovalView = z
  .strictObject({
    id: z.string(),
    journey: JourneyId,
    handoff: z.string().nullable().describe('the handoff it decides about; null: a step'),
    step: z.string(),
    visit: z.int(),
    round: z.int(),
    state: z.enum(states),
    outcome: z.enum(['approved', 'rejected', 'timeout', 'cancelled']).nullable(),
    cause: z.enum(['vote', 'timeout', 'cancelled']).nullable(),
    requester: z.string().nullable(),
    eligible: z.array(z.strictObject({ id: z.string(), roles: z.array(z.string()) })),
    required: z.int().describe('votes for it that are needed'),
    votes: z.array(
      z.strictObject({
        by: z.string(),
        onBehalfOf: z.string().nullable(),
        decision: z.enum(decisions),
        at: Moment,
        comment: z.string().nullable(),
        round: z.int(),
        void: z.boolean().describe('of a round whose evidence has changed'),
      }),
    ),
    delegations: z.array(z.strictObject({ from: z.string(), to: z.string(), at: Moment, until: Moment.nullable() })),
    escalations: z.array(z.strictObject({ rung: z.int(), at: Moment })),
    evidenceHash: z.string().nullable(),
    awaitsMe: z.boolean(),
    openedAt: Moment,
    dueAt: Moment.nullable(),
    closedAt: Moment.nullable(),
  })
  .meta({ id: 'Approval' });
export type ApprovalView = z.output<typeof ApprovalView>;
export const ApprovalPage = pageSchema('ApprovalPage', ApprovalView);
export const AcceptedVote = z.strictObject({ id: z.string(), commandId: z.string() }).meta({ id: 'AcceptedVote' });

export const VoteBody = z
  .strictObject({
    decision: z.enum(decisions),
    comment: z.exactOptional(Comment),
    onBehalfOf: z.exactOptional(Id).describe('the person who delegated the vote'),
  })
  .meta({ id: 'Vote' });
export type VoteBody = z.output<typeof VoteBody>;
export const DelegateBody = z
  .strictObject({
    to: Uuid.describe('a user'),
    until: z.exactOptional(z.iso.datetime()).describe('as long as the vote is open when left out'),
  })
  .meta({ id: 'Delegate' });
export type DelegateBody = z.output<typeof DelegateBody>;
