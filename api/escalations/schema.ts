/** The wire shapes of escalations. */
import { z } from 'zod';
import { Lines } from '../../domain/configuration/schema.js';
import { escalationOutcomes, escalationStatuses, escalationTargets } from '../../domain/ticket/escalation.js';
import { commaList, Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';
import { HistoryEntry, Reason, TicketNumber } from '../tickets/schema.js';

const EscalationNumber = z
  .string()
  .regex(/^TKT-[0-9A-HJKMNP-TV-Z]{8}[.]e[1-9][0-9]*$/)
  .meta({ id: 'EscalationNumber', examples: ['TKT-3V7K9M2Q.e1'] });
export const EscalationParams = z.object({
  escalationId: z.string().describe('ticket number and .e1, .e2, … for its first, second, …, in any letter case'),
});

const TargetKind = z.enum(escalationTargets);

export const EscalateBody = z
  .strictObject({
    to: z
      .exactOptional(z.strictObject({ kind: TargetKind, id: z.exactOptional(Uuid) }))
      .describe(
        'id: a user for specialist, a team for team; left out, the leads choose, and the ticket’s own team is asked. Customers only ask',
      ),
    level: z.exactOptional(z.int().min(1).max(9)).describe('1 when left out'),
    reason: Reason,
    takeOver: z.exactOptional(z.boolean()).describe('whoever acknowledges gets the ticket'),
  })
  .meta({ id: 'EscalateBody' });
export type EscalateBody = z.output<typeof EscalateBody>;

export const AcknowledgeBody = z
  .strictObject({ takeOver: z.exactOptional(z.boolean()).describe('take the ticket, too; as it was raised when left out') })
  .meta({ id: 'AcknowledgeBody' });
export type AcknowledgeBody = z.output<typeof AcknowledgeBody>;
export const ResolveEscalationBody = z
  .strictObject({ outcome: z.enum(escalationOutcomes), text: Lines(10_000) })
  .meta({ id: 'ResolveEscalationBody' });
export type ResolveEscalationBody = z.output<typeof ResolveEscalationBody>;
export const SendBackBody = z.strictObject({ reason: Reason }).meta({ id: 'SendBackBody' });

const TicketRef = z.string().regex(/^[Tt][Kk][Tt]-[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{8}$/, 'must be a ticket number');

export const EscalationsQuery = z.strictObject({
  product: z.exactOptional(commaList(storable.min(1).max(64))).describe('keys by comma, or *; not needed with ticket'),
  status: z.exactOptional(commaList(z.enum(escalationStatuses))),
  to: z.exactOptional(commaList(TargetKind)),
  level: z.exactOptional(commaList(z.enum(['1', '2', '3', '4', '5', '6', '7', '8', '9']))),
  ticket: z.exactOptional(commaList(TicketRef)),
  mine: z
    .exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] }))
    .describe('true: those that wait for me, and those I acknowledged'),
  ...PageQuery,
});
export type EscalationsQuery = z.output<typeof EscalationsQuery>;

const escalation = {
  id: EscalationNumber,
  ticket: TicketNumber,
  subject: z.literal('ticket').describe('what was escalated'),
  product: z.string(),
  level: z.int(),
  to: z.strictObject({ kind: TargetKind, id: Uuid.nullable() }),
  status: z.enum(escalationStatuses),
  reason: z.string().nullable(),
  raisedBy: z.string().describe('actor; system/sla: a rung of the ladder'),
  from: z.strictObject({ clock: z.string(), rung: z.string() }).nullable().describe('the rung that raised it; null: a person did'),
  takeOver: z.boolean(),
  ackDueAt: Moment.nullable().describe('until when somebody has to acknowledge it'),
  owner: z.string().nullable().describe('actor who acknowledged it'),
  acknowledgedAt: Moment.nullable(),
  outcome: z.enum([...escalationOutcomes, 'withdrawn', 'no_longer_needed', 'ticket_closed']).nullable(),
  outcomeText: z.string().nullable(),
  createdAt: Moment,
  resolvedAt: Moment.nullable(),
  closedAt: Moment.nullable(),
};

export const EscalationSummary = z.strictObject(escalation).meta({ id: 'EscalationSummary' });
export type EscalationSummary = z.output<typeof EscalationSummary>;
export const EscalationPage = pageSchema('EscalationPage', EscalationSummary);

export const EscalationView = z
  .strictObject({ ...escalation, history: z.array(HistoryEntry).describe('every step with its actor, oldest first') })
  .meta({ id: 'Escalation' });
export type EscalationView = z.output<typeof EscalationView>;

/** Accepted without waiting for the result. */
export const AcceptedEscalation = z.strictObject({ id: EscalationNumber, commandId: z.string() }).meta({ id: 'AcceptedEscalation' });
