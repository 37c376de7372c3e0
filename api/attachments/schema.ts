import { z } from 'zod';
import { attachmentStates } from '../../db/queries/attachments.js';
import { Moment, Uuid } from '../contract.js';
import { TicketNumber } from '../tickets/schema.js';

/** Bytes of one file, and of all files of one ticket. Source: security.md, T24. */
export const mostBytes = 25 * 1024 * 1024;
export const mostBytesPerTicket = 100 * 1024 * 1024;

export const AttachmentParams = z.object({ attachmentId: Uuid });

export const CreateAttachment = z
  .strictObject({
    name: z.string().min(1).max(255),
    type: z
      .string()
      .max(127)
      .regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/, 'must be a media type in lower case, without parameters'),
    size: z.int().min(1).max(mostBytes),
    sha256: z.exactOptional(z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')),
  })
  .meta({ id: 'CreateAttachment' });
export type CreateAttachment = z.output<typeof CreateAttachment>;

export const AttachmentView = z
  .strictObject({
    id: Uuid,
    ticket: TicketNumber,
    message: Uuid.nullable().describe('the message it belongs to, once one took it'),
    name: z.string(),
    type: z.string(),
    size: z.int(),
    state: z.enum(attachmentStates),
    visibility: z.enum(['public', 'internal']),
    createdAt: Moment,
  })
  .meta({ id: 'Attachment' });
export type AttachmentView = z.output<typeof AttachmentView>;

export const NewAttachmentView = z
  .strictObject({
    ...AttachmentView.shape,
    upload: z.strictObject({
      url: z.url(),
      fields: z.record(z.string(), z.string()).describe('form fields to send before the part named file'),
      expiresAt: Moment,
    }),
  })
  .meta({ id: 'NewAttachment' });

export const FileQuery = z.strictObject({ tenant: Uuid, expires: z.coerce.number().int(), signature: z.string().max(200) });
export type FileQuery = z.output<typeof FileQuery>;
