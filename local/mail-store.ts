import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { z } from 'zod';

const keptMessages = 5_000;
const headerBytes = 256 * 1024;

/** One caught mail as the list shows it. */
export const MailSummary = z.object({
  id: z.string(),
  /** The address in the From header; of the envelope when there is none. */
  from: z.string(),
  /** The recipients of the envelope, joined by ", ". */
  to: z.string(),
  subject: z.string(),
  messageId: z.string().nullable(),
  inReplyTo: z.string().nullable(),
  receivedAt: z.string(),
});
export type MailSummary = z.output<typeof MailSummary>;

/** One caught mail, taken apart. */
export interface MailDetail extends MailSummary {
  text: string | null;
  html: string | null;
  replyTo: string | null;
  headers: { name: string; value: string }[];
  attachments: { filename: string; mimeType: string; bytes: number }[];
}

export interface Envelope {
  from: string;
  to: readonly string[];
}

/** The caught mails: one `.eml` and one `.json` each, in a folder that survives restarts; the newest 5,000 are kept. */
export class MailStore {
  readonly #dir: string;
  #newestFirst: MailSummary[];
  #lastStamp = 0;

  private constructor(dir: string, newestFirst: MailSummary[]) {
    this.#dir = dir;
    this.#newestFirst = newestFirst;
  }

  /** Reads what the folder holds; a file that cannot be read is left out. */
  static async open(dir: string): Promise<MailStore> {
    await mkdir(dir, { recursive: true });
    const names = (await readdir(dir))
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .toReversed();
    const found: MailSummary[] = [];
    for (const name of names) {
      const parsed = MailSummary.safeParse(await readJson(join(dir, name)));
      if (parsed.success) found.push(parsed.data);
    }
    return new MailStore(dir, found);
  }

  /** Keeps a mail as it came; past the newest 5,000 the oldest go. */
  async add(mail: Buffer, envelope: Envelope): Promise<MailSummary> {
    const now = Date.now();
    const summary = { id: this.#nextId(now), ...(await summarise(mail, envelope)), receivedAt: new Date(now).toISOString() };
    await writeFile(this.#path(summary.id, 'eml'), mail);
    // Last, and whole or not at all: a mail is caught when this is there.
    const meta = this.#path(summary.id, 'json');
    await writeFile(`${meta}.new`, JSON.stringify(summary));
    await rename(`${meta}.new`, meta);
    this.#newestFirst.unshift(summary);
    for (const old of this.#newestFirst.splice(keptMessages)) await this.#remove(old.id);
    return summary;
  }

  /** @param to part of a recipient's address; without it all mails, newest first */
  list(to?: string): MailSummary[] {
    const wanted = to?.toLowerCase();
    return wanted === undefined ? [...this.#newestFirst] : this.#newestFirst.filter((mail) => mail.to.toLowerCase().includes(wanted));
  }

  async raw(id: string): Promise<Buffer | undefined> {
    return this.#has(id) ? readFile(this.#path(id, 'eml')) : undefined;
  }

  async detail(id: string): Promise<MailDetail | undefined> {
    const summary = this.#newestFirst.find((mail) => mail.id === id);
    const raw = await this.raw(id);
    if (summary === undefined || raw === undefined) return undefined;
    const mail = await PostalMime.parse(raw).catch(() => undefined); // refuses mails nested too deep; the raw view still shows them
    return {
      ...summary,
      text: mail?.text ?? null,
      html: mail?.html ?? null,
      replyTo: mail?.replyTo?.[0]?.address ?? null,
      headers: (mail?.headers ?? []).map(({ key, value }) => ({ name: key, value })),
      attachments: (mail?.attachments ?? []).map(({ filename, mimeType, content }) => ({
        filename: filename ?? 'unnamed',
        mimeType,
        bytes: typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength,
      })),
    };
  }

  async clear(): Promise<void> {
    const removed = this.#newestFirst;
    this.#newestFirst = [];
    for (const mail of removed) await this.#remove(mail.id);
  }

  #has(id: string): boolean {
    return this.#newestFirst.some((mail) => mail.id === id);
  }

  #path(id: string, kind: 'eml' | 'json'): string {
    return join(this.#dir, `${id}.${kind}`);
  }

  /** Sorts by arrival, also within a millisecond and after a restart. */
  #nextId(now: number): string {
    this.#lastStamp = Math.max(now, this.#lastStamp + 1);
    return `${this.#lastStamp.toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}`;
  }

  async #remove(id: string): Promise<void> {
    await rm(this.#path(id, 'json'), { force: true });
    await rm(this.#path(id, 'eml'), { force: true });
  }
}

async function summarise(mail: Buffer, envelope: Envelope): Promise<Omit<MailSummary, 'id' | 'receivedAt'>> {
  const start = mail.subarray(0, headerBytes);
  const end = start.indexOf('\r\n\r\n');
  const parsed = await PostalMime.parse(end < 0 ? start : start.subarray(0, end + 4)).catch(() => undefined);
  return {
    from: parsed?.from?.address ?? envelope.from,
    to: envelope.to.join(', '),
    subject: parsed?.subject ?? '',
    messageId: parsed?.messageId ?? null,
    inReplyTo: parsed?.inReplyTo ?? null,
  };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
