import type { Reader } from '../caller.js';
import { newFileKey } from '../../db/files.js';
import type { NewAttachment } from '../../db/queries/attachments.js';
import type { TicketId } from '../../domain/ids.js';
import type { CreateAttachment } from './announcement.js';

/** The row that waits for the bytes of a file. */
export const announced = (
  { principal }: Reader,
  { id, ticket, message }: { readonly id: string; readonly ticket: TicketId; readonly message: string | null },
  { name, type, size, sha256 }: CreateAttachment,
): NewAttachment => ({
  id,
  ticket,
  message,
  name: cleanName(name),
  type,
  size,
  sha256: sha256 ?? null,
  visibility: 'public',
  storageKey: newFileKey('attachment'),
  createdBy: principal.role === 'customer' ? `customer/${principal.id}` : principal.actor,
});

/** A file name without path, control and direction characters. */
function cleanName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? '';
  const clean = base.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '').trim();
  return /^\.*$/.test(clean) ? 'file' : clean;
}
