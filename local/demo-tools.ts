/** What the demonstration acts with: the API as a person, mail as a customer, and patience. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { createDb, withTenant } from '../db/client.js';
import { demo, newApiKey } from '../db/seed.js';
import { MailSummary } from './mail-store.js';
import { infoName } from './state-folder.js';

/** Something did not come as it should; the message says what. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

const Running = z.object({
  apiUrl: z.string(),
  webUiUrl: z.string(),
  namespace: z.string(),
  smtpUrl: z.string(),
  mailUrl: z.string(),
  databaseUrl: z.string(),
  product: z.string(),
  credentials: z.object({ lead: z.string(), agent: z.string() }),
});
export type Running = z.output<typeof Running>;

/**
 * Finds the stack that runs on this state folder.
 *
 * @throws DemoError when none does
 */
export async function findRunning(stateDir: string): Promise<Running> {
  const nothing = new DemoError(`No Usher runs on ${stateDir}. Start one with npm start, then run npm run demo in another terminal.`);
  const text = await readFile(join(stateDir, infoName), 'utf8').catch(() => {
    throw nothing;
  });
  const running = Running.parse(JSON.parse(text));
  await fetch(running.mailUrl, { signal: AbortSignal.timeout(5_000) }).catch(() => {
    throw nothing;
  });
  return running;
}

/**
 * Asks until there is an answer.
 *
 * @throws DemoError when none comes in time
 */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new DemoError(`${what}: nothing in ${limitMs / 1_000} s. The logs are in the state folder, under logs/.`);
    await sleep(200);
  }
}

/** The API as one person sees it. */
export interface Person {
  get<T>(path: string, shape: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<T>;
}

/** @param key an API key */
export function personWith(apiUrl: string, key: string): Person {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(new URL(path, apiUrl), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new DemoError(`${method} ${path} was answered with ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  return {
    get: async (path, shape) => shape.parse(await call('GET', path)),
    post: async (path, body, shape) => shape.parse(await call('POST', path, body)),
  };
}

/** One mail that Usher has sent. */
export interface Received {
  link: string;
  subject: string;
  messageId: string;
  /** Where an answer to it goes. */
  replyTo: string;
}

const Detail = z.object({ subject: z.string(), messageId: z.string(), replyTo: z.string() });

/** An object, because a plain string would be read as a list of addresses. */
const plain = (address: string) => ({ name: '', address });

/** A customer with nothing but a mail program. */
export class Correspondent {
  readonly address: string;
  readonly #running: Running;
  readonly #seen = new Set<string>();

  constructor(running: Running, address: string) {
    this.#running = running;
    this.address = address;
  }

  /** Sends by SMTP, as any mail program does. */
  async write(to: string, subject: string, text: string, answerTo?: Received): Promise<void> {
    const { hostname, port } = new URL(this.#running.smtpUrl);
    const transport = createTransport({
      host: hostname,
      port: Number(port),
      secure: false,
      ignoreTLS: true,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const thread = answerTo === undefined ? {} : { inReplyTo: answerTo.messageId, references: answerTo.messageId };
    try {
      await transport.sendMail({ from: plain(this.address), to: plain(to), subject, text, ...thread });
    } catch (error) {
      throw new DemoError(`The mail to ${to} was not taken: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  answer(mail: Received, text: string): Promise<void> {
    return this.write(mail.replyTo, `Re: ${mail.subject}`, text, mail);
  }

  /** The next mail to this customer that has not been looked at yet. */
  receive(what: string): Promise<Received> {
    const { mailUrl } = this.#running;
    return until(what, async () => {
      const list = z.array(MailSummary).parse(await fetchJson(`${mailUrl}/api/messages?to=${encodeURIComponent(this.address)}`));
      const next = list.findLast(({ id }) => !this.#seen.has(id));
      if (next === undefined) return undefined;
      this.#seen.add(next.id);
      const mail = Detail.parse(await fetchJson(`${mailUrl}/api/messages/${next.id}`));
      return { ...mail, link: `${mailUrl}/#${next.id}` };
    });
  }
}

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new DemoError(`${url} was answered with ${response.status}`);
  return response.json();
}

/** Gives a customer a key for the API, as a customer portal would hold it. */
export async function giveKey({ databaseUrl, apiUrl }: Running, customerId: string): Promise<Person> {
  const key = newApiKey();
  const db = createDb({ url: databaseUrl, role: 'usher_app', pool: 1, name: 'usher-demo', onBroken: () => undefined });
  const hash = createHash('sha256').update(key).digest();
  const row = { tenantId: demo.tenant, id: customerId, hash, prefix: key.slice(0, 8), ownerKind: 'customer', ownerId: customerId };
  try {
    await withTenant(db, demo.tenant, (tx) => tx.insertInto('apiKey').values(row).execute());
  } finally {
    await db.destroy();
  }
  return personWith(apiUrl, key);
}
