/** Reads a JSON body within its limits before anything looks at it. Source: security.md, section 8. */
import type { Context, MiddlewareHandler } from 'hono';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';

const mostBytes = 256 * 1024;
const limits = { depth: 32, items: 1_000, keys: 200 } as const;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** @throws Refusal `too_large`, `media_type`, `malformed_json`, `too_deep`, `invalid_request` */
export const jsonBody: MiddlewareHandler<Env> = async (c, next) => {
  const bytes = await readLimited(c, mostBytes);
  if (bytes.length > 0) {
    const type = c.req.header('content-type') ?? '';
    if (!/^application\/(?:[a-z.-]+\+)?json\s*(?:;|$)/i.test(type)) throw new Refusal('media_type');
    check(parse(bytes), '', 0);
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
 * @throws Refusal `too_large`, `media_type`
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

/** @throws Refusal `too_large`, as soon as it is known */
async function readLimited(c: Context, most: number): Promise<Uint8Array> {
  const tooLarge = (): Refusal => new Refusal('too_large', { members: { limit: most } });
  if (Number(c.req.header('content-length') ?? 0) > most) throw tooLarge();
  const body: ReadableStream<Uint8Array> | null = c.req.raw.body;
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal('malformed_json');
  }
}

function check(value: unknown, pointer: string, depth: number): void {
  if (typeof value === 'string') return checkText(value, pointer);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= limits.depth) throw new Refusal('too_deep', { members: { limit: limits.depth } });
  const entries = Object.entries(value);
  const most = Array.isArray(value) ? limits.items : limits.keys;
  if (entries.length > most) throw new Refusal('too_deep', { members: { limit: most } });
  for (const [key, inner] of entries) {
    if (!Array.isArray(value)) {
      if (forbiddenKeys.has(key)) throw new Refusal('too_deep', { detail: 'A key of this name is never accepted.' });
      checkText(key, pointer);
    }
    check(inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
  }
}

/** Text no store could keep. */
function checkText(text: string, pointer: string): void {
  if (isStorable(text)) return;
  throw new Refusal('invalid_request', { errors: [{ pointer, code: 'invalid_text', message: 'must be well-formed Unicode without NUL' }] });
}

export const isStorable = (text: string): boolean => !text.includes('\u0000') && !/\p{Cs}/u.test(text);
