import { z } from 'zod';
import { attachmentStates } from '../../db/queries/attachments.js';
import { Moment, Uuid } from '../contract.js';
import { TicketNumber } from '../tickets/schema.js';
import { Upload } from './announcement.js';

export const AttachmentParams = z.object({ attachmentId: Uuid });

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

export const NewAttachmentView = z.strictObject({ ...AttachmentView.shape, upload: Upload }).meta({ id: 'NewAttachment' });

export const FileQuery = z.strictObject({ tenant: Uuid, expires: z.coerce.number().int(), signature: z.string().max(200) });
export type FileQuery = z.output<typeof FileQuery>;
