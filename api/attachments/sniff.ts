import { fileTypeFromBuffer } from 'file-type';

/** Types without marks of their own: text, which must then be text. */
const plain = /^text\/(?:plain|csv|markdown|calendar|vcard)$|^application\/(?:json|x-ndjson)$|^message\/rfc822$/;

/** Whether the bytes are what they are said to be. Source: security.md, T24. */
export async function matchesType(bytes: Uint8Array, declared: string): Promise<boolean> {
  const found = await fileTypeFromBuffer(bytes);
  if (found !== undefined) return found.mime === declared;
  return plain.test(declared) && isText(bytes);
}

function isText(bytes: Uint8Array): boolean {
  try {
    return !new TextDecoder('utf-8', { fatal: true }).decode(bytes).includes('\u0000');
  } catch {
    return false;
  }
}
