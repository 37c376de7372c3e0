/** The wire shapes of the audit. */
import { z } from 'zod';
import { actorPattern } from '../../domain/actor.js';
import { auditSources } from '../../domain/audit/entry.js';
import { commaList, Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

const Instant = z.iso.datetime({ offset: true });

export const AuditQuery = z.strictObject({
  actor: z.exactOptional(z.string().regex(actorPattern, 'must be user/<id>, customer/<id>, service/<id>, key/<id> or system/<name>')),
  action: z.exactOptional(commaList(z.string().regex(/^[A-Za-z_]+[.][A-Za-z_]+$/, 'must be an action such as ticket.resolve'))),
  subject: z.exactOptional(
    z
      .string()
      .regex(/^[a-z_]+[/][\w.:-]{1,128}$/, 'must be <kind>/<id>, such as ticket/TKT-3V7K9M2Q')
      .describe('`<kind>/<id>`: what it was done to'),
  ),
  from: z.exactOptional(Instant).describe('ISO 8601; what happened then counts'),
  to: z.exactOptional(Instant).describe('ISO 8601; what happened then does not count any more'),
  ...PageQuery,
});
export type AuditQuery = z.output<typeof AuditQuery>;

export const AuditEntryView = z
  .strictObject({
    id: Uuid,
    at: Moment,
    actor: z.string(),
    actingFor: z.string().nullable().describe('the customer a service acted for'),
    source: z.enum(auditSources),
    action: z.string(),
    subject: z.string(),
    changes: z.unknown().describe('ids, enumerations, numbers and instants; texts stand elsewhere'),
    reason: Uuid.nullable().describe('the text that says why'),
    requestId: z.string().nullable(),
    seq: z.int().nullable().describe('place in the chain; null: not sealed yet, which takes a few seconds'),
    hash: z.string().nullable().describe('SHA-256 of the line and the hash before it, in hex'),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryView = z.output<typeof AuditEntryView>;
export const AuditPage = pageSchema('AuditPage', AuditEntryView);

export const VerifyAudit = z
  .strictObject({ after: z.int().min(0).default(0).describe('goes on behind this line, as an answer before said in `next`') })
  .meta({ id: 'VerifyAudit' });
export type VerifyAudit = z.output<typeof VerifyAudit>;

export const AuditVerification = z
  .strictObject({
    ok: z.boolean().describe('every line looked at is as it was sealed'),
    checked: z.int(),
    firstBad: z.exactOptional(
      z.strictObject({
        seq: z.int(),
        id: Uuid.nullable().describe('null: of a line that is not there'),
        fault: z
          .enum(['missing', 'misplaced', 'unchained', 'altered'])
          .describe(
            'missing: no line of this number; misplaced: one too many; unchained: names another hash before it; altered: says something else',
          ),
      }),
    ),
    head: z.strictObject({ seq: z.int(), hash: z.string() }).describe('the last good line'),
    next: z.int().nullable().describe('there is more than one answer has time for: go on with this as `after`'),
    unsealed: z.int().describe('lines too new to have been looked at'),
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerification = z.output<typeof AuditVerification>;
