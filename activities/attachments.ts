/** The files of a mail to a customer. */
import { FileMissing } from '../db/files.js';
import type { FileStore } from '../db/files.js';
import type { MailFile } from '../db/queries/outbound-mail.js';
import type { MailAttachment } from './ports.js';

/** Most bytes of attachments one mail carries; base64 makes a third more of them. */
const attachmentLimit = 10 * 1024 * 1024;

/** In the order they were attached, as long as they fit; the others are named in the mail. */
export async function attachmentsOf(
  files: FileStore,
  list: readonly MailFile[],
): Promise<{ attachments: MailAttachment[]; omitted: string[] }> {
  const attachments: MailAttachment[] = [];
  const omitted: string[] = [];
  let total = 0;
  for (const { name, type, size, storageKey } of list) {
    const bytes = total + size > attachmentLimit ? null : await readOrNull(files, storageKey);
    if (bytes === null) {
      omitted.push(name);
      continue;
    }
    total += size;
    attachments.push({ name, type, bytes });
  }
  return { attachments, omitted };
}

/** A file that is gone for good must not hold back the words. */
async function readOrNull(files: FileStore, key: string): Promise<Buffer | null> {
  try {
    return await files.read(key);
  } catch (error) {
    if (error instanceof FileMissing) return null;
    throw error;
  }
}
