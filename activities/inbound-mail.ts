/** Reads a raw mail: what it says and what it brings. The other side writes every byte, so all is bounded and cleaned here. */
import { fileTypeFromBuffer } from 'file-type';
import PostalMime, { addressParser } from 'postal-mime';
import type { Address, Attachment, Email } from 'postal-mime';
import { fileName, manyLines, oneLine, ownMailbox, parseAddress, parseHeaders, valuesOf } from '../domain/messaging/headers.js';
import type { Header } from '../domain/messaging/headers.js';
import { cleanHtml, htmlToText } from '../domain/messaging/html.js';
import type { Mailbox } from './ports.js';

export interface InboundFile {
  readonly name: string;
  /** By its first bytes; what the sender says counts only where they tell nothing. */
  readonly type: string;
  readonly bytes: Uint8Array;
  /** A program: kept, but handed to nobody. */
  readonly executable: boolean;
}

export interface InboundMail {
  readonly headers: readonly Header[];
  /** The one address it comes from, in lower case; null when there is none, or several. */
  readonly sender: Mailbox | null;
  /** Others who got it, without our own mailboxes and the names under which it reached us. */
  readonly copied: readonly Mailbox[];
  readonly subject: string;
  readonly text: string;
  /** Sanitised; null: the mail is plain text. */
  readonly html: string | null;
  readonly files: readonly InboundFile[];
}

const limits = { subject: 300, text: 100_000, html: 500_000, name: 200, files: 50, fileBytes: 25 * 1024 * 1024, copied: 20 } as const;

/**
 * @param domain of our own mailboxes
 * @throws Error when it cannot be read: nested too deep, headers too large
 */
export async function readMail(raw: Uint8Array, domain: string): Promise<InboundMail> {
  const headers = parseHeaders(headerBlock(raw));
  const email = await PostalMime.parse(raw, { maxNestingDepth: 100, attachmentEncoding: 'arraybuffer' });
  const sender = senderOf(email);
  const html = email.html === undefined ? null : cleanHtml(email.html.slice(0, limits.html)).replaceAll('\u0000', '').trim();
  const files = await Promise.all(email.attachments.slice(0, limits.files).map(fileOf));
  return {
    headers,
    sender,
    copied: copiedBy(email, headers, sender, domain),
    subject: oneLine(email.subject ?? '', limits.subject),
    text: manyLines(email.text ?? (html === null ? '' : htmlToText(html)), limits.text).trim(),
    html,
    files: files.filter((file) => file.bytes.byteLength > 0 && file.bytes.byteLength <= limits.fileBytes),
  };
}

/** The mail up to its first empty line, one character per byte. */
function headerBlock(raw: Uint8Array): string {
  const text = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, 512 * 1024)).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  return end === null ? text : text.slice(0, end.index);
}

/** Several authors, or several From lines, are how a sender hides behind another. */
function senderOf(email: Email): Mailbox | null {
  const lines = email.headers.filter(({ key }) => key === 'from');
  const [line] = lines;
  if (line === undefined || lines.length > 1) return null;
  const authors = addressParser(line.value.slice(0, 2_000), { flatten: true });
  return authors.length === 1 ? mailboxOf(authors[0]) : null;
}

function copiedBy(email: Email, headers: readonly Header[], sender: Mailbox | null, domain: string): Mailbox[] {
  // A company's public address often stands in Cc and leads to us: writing to it would come back.
  const reachedAt = ['delivered-to', 'x-original-to', 'x-forwarded-to'].flatMap((name) =>
    valuesOf(headers, name).map((value) => value.toLowerCase()),
  );
  const found = new Map<string, Mailbox>();
  for (const entry of (email.cc ?? []).flatMap((address) => (address.group === undefined ? [address] : address.group))) {
    const mailbox = mailboxOf(entry);
    if (mailbox === null || mailbox.address === sender?.address || ownMailbox(mailbox.address, domain) !== null) continue;
    if (found.size < limits.copied && !reachedAt.some((value) => value.includes(mailbox.address))) found.set(mailbox.address, mailbox);
  }
  return [...found.values()];
}

function mailboxOf(entry: Address | undefined): Mailbox | null {
  const address = entry?.address === undefined ? null : parseAddress(entry.address);
  return address === null ? null : { name: oneLine(entry?.name ?? '', limits.name), address };
}

async function fileOf({ filename, mimeType, content }: Attachment): Promise<InboundFile> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
  const name = fileName(filename ?? '');
  const sniffed = await sniff(bytes);
  const declared = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/.test(mimeType)
    ? mimeType
    : 'application/octet-stream';
  return { name, type: sniffed ?? declared, bytes, executable: programTypes.has(sniffed ?? declared) || programNames.test(name) };
}

/** The first bytes decide; more of it is never looked at, and archives are never unpacked. */
async function sniff(bytes: Uint8Array): Promise<string | null> {
  try {
    return (await fileTypeFromBuffer(bytes.subarray(0, 65_536)))?.mime ?? null;
  } catch {
    return null;
  }
}

const programTypes = new Set([
  'application/x-msdownload',
  'application/x-elf',
  'application/x-mach-binary',
  'application/x-sharedlib',
  'application/x-executable',
  'application/x-msi',
  'application/x-ms-shortcut',
  'application/java-archive',
  'application/vnd.android.package-archive',
]);
const programNames = /\.(?:exe|com|scr|pif|bat|cmd|ps1|vbs|vbe|js|jse|wsf|wsh|hta|msi|msp|dll|cpl|lnk|jar|apk|app|reg|scf|iso|img)$/i;
