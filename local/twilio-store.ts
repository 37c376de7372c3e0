import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const keptMessages = 5_000;

/** One SMS as it was taken. */
export const SmsMessage = z.object({
  /** `SM` and 32 hex digits. */
  sid: z.string(),
  to: z.string(),
  from: z.string(),
  body: z.string(),
  receivedAt: z.string(),
});
export type SmsMessage = z.output<typeof SmsMessage>;

/** The taken messages: one line of JSON each, in a file that survives restarts; the newest 5,000 are kept in memory. */
export class SmsStore {
  readonly #file: string;
  #newestFirst: SmsMessage[];

  private constructor(file: string, newestFirst: SmsMessage[]) {
    this.#file = file;
    this.#newestFirst = newestFirst;
  }

  /** Reads what the folder holds; a line that cannot be read is left out. */
  static async open(dir: string): Promise<SmsStore> {
    await mkdir(dir, { recursive: true });
    const file = join(dir, 'messages.jsonl');
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(-keptMessages - 1);
    const found = lines.flatMap((line) => {
      const parsed = SmsMessage.safeParse(readLine(line));
      return parsed.success ? [parsed.data] : [];
    });
    return new SmsStore(file, found.toReversed());
  }

  async add(message: Pick<SmsMessage, 'to' | 'from' | 'body'>): Promise<SmsMessage> {
    const taken: SmsMessage = { sid: `SM${randomBytes(16).toString('hex')}`, ...message, receivedAt: new Date().toISOString() };
    this.#newestFirst.unshift(taken);
    this.#newestFirst.splice(keptMessages);
    await appendFile(this.#file, `${JSON.stringify(taken)}\n`);
    return taken;
  }

  /** @param to part of a recipient's number; without it all messages, newest first */
  list(to?: string): SmsMessage[] {
    return to === undefined ? [...this.#newestFirst] : this.#newestFirst.filter((message) => message.to.includes(to));
  }

  find(sid: string): SmsMessage | undefined {
    return this.#newestFirst.find((message) => message.sid === sid);
  }

  async clear(): Promise<void> {
    this.#newestFirst = [];
    await rm(this.#file, { force: true });
  }
}

function readLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
