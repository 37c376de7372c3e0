/** Reads a JSON body within its limits before anything looks at it. Source: security.md, section 8. */
import type { Context, MiddlewareHandler } from 'hono';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';

const mostBytes = 256 * 1024;
/** A body, or a form with a file, may be on its way this long. */
const receiveWithin = 30_000;
const limits = { depth: 32, items: 1_000, keys: 200 };
type Limits = typeof limits;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Receives a JSON body, before a connection to the database is held for the request: a slow sender must hold up nobody else. Nothing looks at
 * it yet, and what is wrong with it is said when its turn comes.
 */
export const receiveBody: MiddlewareHandler<Env> = async (c, next) => {
  c.set('body', await readLimited(c, mostBytes).catch(asRefusal));
  const { now, answerWithin } = c.var.deps;
  const receivedAt = now();
  c.set('receivedAt', receivedAt);
  c.set('deadline', receivedAt + answerWithin);
  await next();
};

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  throw error;
}

/**
 * Reads what was received.
 *
 * @param most what the body may hold beyond what bodies usually may
 * @throws Refusal `too_large`, `request_timeout`, `media_type`, `malformed_json`, `too_deep`, `invalid_request`
 */
export const jsonBody =
  (most: Partial<Limits> = {}): MiddlewareHandler<Env> =>
  async (c, next) => {
    const bytes = c.var.body;
    if (bytes instanceof Refusal) throw bytes;
    if (bytes.length > 0) {
      const type = c.req.header('content-type') ?? '';
      if (!/^application\/(?:[a-z.-]+\+)?json\s*(?:;|$)/i.test(type)) throw new Refusal('media_type');
      check(parse(bytes), { ...limits, ...most }, '', 0);
    } else if (c.req.header('content-type') !== undefined) {
      // The body is optional and absent: what follows must not try to parse nothing.
      c.req.raw.headers.delete('content-type');
    }
    // The framework keeps promises here, whatever its type says; the body itself can be read only once.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    c.req.bodyCache.text = Promise.resolve(new TextDecoder().decode(bytes)) as unknown as string;
    await next();
  };

/**
 * The parts of a form.
 *
 * @throws Refusal `too_large`, `request_timeout`, `media_type`
 */
export async function limitedForm(c: Context, most: number): Promise<Record<string, string | File | (string | File)[]>> {
  const bytes = await readLimited(c, most);
  // Kept as a promise, whatever its type says; the form is read from it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  c.req.bodyCache.arrayBuffer = Promise.resolve(Uint8Array.from(bytes).buffer) as unknown as ArrayBuffer;
  try {
    return await c.req.parseBody();
  } catch {
    throw new Refusal('media_type');
  }
}

/**
 * The bytes of a body as they came.
 *
 * @param within milliseconds it may take
 * @throws Refusal `too_large`, as soon as it is known; `request_timeout`
 */
export async function readLimited(c: Context, most: number, within = receiveWithin): Promise<Uint8Array> {
  const tooLarge = (): Refusal => new Refusal('too_large', { members: { limit: most } });
  const announced = Number(c.req.header('content-length') ?? Number.NaN);
  if (announced > most) throw tooLarge();
  // No more than was announced can come in; as a stream the same bytes cost several times as much.
  if (announced >= 0) return new Uint8Array(await inTime(c.req.raw.arrayBuffer(), within));
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of receive(c, within)) {
    size += chunk.byteLength;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The body as it comes in.
 *
 * @param within milliseconds it may take
 * @throws Refusal `request_timeout`
 */
export async function* receive(c: Context, within: number): AsyncGenerator<Uint8Array> {
  const body: ReadableStream<Uint8Array> | null = c.req.raw.body;
  if (body === null) return;
  const reader = body.getReader();
  const end = Date.now() + within;
  for (;;) {
    const { done, value } = await inTime(reader.read(), end - Date.now());
    if (done) return;
    yield value;
  }
}

/** The connection lives on, for the answer; what comes in later is nobody's. */
async function inTime<T>(reading: Promise<T>, within: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal('request_timeout', { headers: { connection: 'close' } })), within);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
    reading.catch(() => undefined);
  }
}

/**
 * What bytes say, within the limits of bodies.
 *
 * @throws Refusal `malformed_json`, `too_deep`, `invalid_request`
 */
export function readJson(bytes: Uint8Array): unknown {
  const value = parse(bytes);
  check(value, limits, '', 0);
  return value;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal('malformed_json');
  }
}

function check(value: unknown, limit: Limits, pointer: string, depth: number): void {
  if (typeof value === 'string') return checkText(value, pointer);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= limit.depth) throw new Refusal('too_deep', { members: { limit: limit.depth } });
  const entries = Object.entries(value);
  const most = Array.isArray(value) ? limit.items : limit.keys;
  if (entries.length > most) throw new Refusal('too_deep', { members: { limit: most } });
  for (const [key, inner] of entries) {
    if (!Array.isArray(value)) {
      if (forbiddenKeys.has(key)) throw new Refusal('too_deep', { detail: 'A key of this name is never accepted.' });
      checkText(key, pointer);
    }
    check(inner, limit, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
  }
}

/** Text no store could keep. */
function checkText(text: string, pointer: string): void {
  if (isStorable(text)) return;
  throw new Refusal('invalid_request', { errors: [{ pointer, code: 'invalid_text', message: 'must be well-formed Unicode without NUL' }] });
}

export const isStorable = (text: string): boolean => !text.includes('\u0000') && !/\p{Cs}/u.test(text);
