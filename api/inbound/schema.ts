import { z } from 'zod';
import { quarantineCauses } from '../../domain/messaging/thread.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';
import { Reason } from '../tickets/schema.js';

/** A raw mail may have this many bytes; of a larger one only the header is kept. Source: security.md, section 8. */
export const mostBytes = 25 * 1024 * 1024;

export const RawMail = z.string().meta({ format: 'binary', description: 'one mail as received, RFC 5322' });

export const InboundReceipt = z.strictObject({ id: Uuid, result: z.enum(['accepted', 'duplicate']) }).meta({ id: 'InboundReceipt' });
export type InboundReceipt = z.output<typeof InboundReceipt>;

export const InboundParams = z.object({ inboundId: Uuid });

export const QuarantineQuery = z.strictObject(PageQuery);
export type QuarantineQuery = z.output<typeof QuarantineQuery>;

export const QuarantinedMail = z
  .strictObject({
    id: Uuid,
    cause: z.enum(quarantineCauses),
    detail: z.string().nullable().describe('what more is known of the cause, as a code'),
    sender: z.string().nullable(),
    subject: z.string().nullable(),
    product: z.string().nullable(),
    size: z.int().describe('bytes as received'),
    receivedAt: Moment,
  })
  .meta({ id: 'QuarantinedMail' });
export type QuarantinedMail = z.output<typeof QuarantinedMail>;

export const QuarantinePage = pageSchema('QuarantinePage', QuarantinedMail);

export const QuarantineDecision = z.strictObject({ reason: Reason }).meta({ id: 'QuarantineDecision' });
export type QuarantineDecision = z.output<typeof QuarantineDecision>;

export const QuarantineOutcome = z.strictObject({ id: Uuid, state: z.enum(['released', 'discarded']) }).meta({ id: 'QuarantineOutcome' });
