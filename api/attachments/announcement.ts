/** What is said of a file before its bytes come, and where they go. */
import { z } from 'zod';
import { Moment } from '../contract.js';

/** Bytes of one file, and of all files of one ticket. Source: security.md, T24. */
export const mostBytes = 25 * 1024 * 1024;
export const mostBytesPerTicket = 100 * 1024 * 1024;

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

export const Upload = z
  .strictObject({
    url: z.url(),
    fields: z.record(z.string(), z.string()).describe('form fields to send before the part named file'),
    expiresAt: Moment,
  })
  .meta({ id: 'Upload' });
export type Upload = z.output<typeof Upload>;
