/**
 * Calls of a package over HTTP: one POST of JSON, one answer of JSON, in one attempt. Redirects are not followed, answers are bounded.
 * Source: reliability.md, R3 and section 3; security.md, T13.
 */
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { PackageError } from '../actions/ports.js';
import type { PackageCall } from '../actions/ports.js';

export interface PackageHttpOptions {
  /** Where the package is; operations lie below it. It may hold a login, sent as HTTP Basic. Null: nowhere. */
  readonly url: string | null;
  /** Milliseconds of one call, from its first byte to the last of the answer. */
  readonly patienceMs?: number;
  /** Longest answer that is read. */
  readonly mostBytes?: number;
}

/** Posts to a path below the package's address. */
export type PackagePost = (path: string, body: JsonObject, call: PackageCall) => Promise<JsonObject>;

const defaults = { patienceMs: 15_000, mostBytes: 64 * 1024 } as const;
/** Not done, and worth another try: request timeout, too early, too many. */
const busy: readonly number[] = [408, 425, 429];

/** @returns a function that throws PackageError, and nothing else */
export function createPackageHttp({
  url,
  patienceMs = defaults.patienceMs,
  mostBytes = defaults.mostBytes,
}: PackageHttpOptions): PackagePost {
  if (url === null) return () => Promise.reject(new PackageError('not_configured', 'nobody has said where the package is'));
  const base = url.replace(/\/$/, '');
  return async (path, body, { key, signal }) => {
    const patience = AbortSignal.timeout(patienceMs);
    const answer = await exchange(new URL(base + path), JSON.stringify(body), {
      key,
      signal: AbortSignal.any([signal, patience]),
      mostBytes,
    });
    return judged(answer);
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  /** Null: longer than may be read, or lost. */
  readonly text: string | null;
}

interface Limits extends PackageCall {
  readonly mostBytes: number;
}

/** A connection of its own for each call: a kept one that the other side has just closed would look like a lost answer. */
function exchange(url: URL, body: string, { key, signal, mostBytes }: Limits): Promise<Answer> {
  return new Promise((resolve, reject) => {
    /** Until there is a connection, no byte of the request can have arrived. */
    let reached = false;
    const fail = (error: unknown): void => reject(lost(error, reached, signal));
    if (signal.aborted) return fail(signal.reason);
    const headers = {
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'idempotency-key': key,
      'user-agent': 'usher',
    };
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request: ClientRequest = send(url, { method: 'POST', agent: false, headers, signal }, (response) => {
      const { statusCode: status = 0 } = response;
      const answer = (text: string | null): void => resolve({ status, type: response.headers['content-type'] ?? '', text });
      read(response, mostBytes).then(
        (text) => {
          if (text === null) request.destroy();
          answer(text);
        },
        // A no is a no, even if its reasons are lost on the way.
        (error: unknown) => (status >= 300 && status < 500 ? answer(null) : fail(error)),
      );
    });
    request.on('error', fail);
    request.on('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        reached = true;
      });
    });
    request.end(body);
  });
}

async function read(response: IncomingMessage, mostBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) throw new Error('bytes are never decoded here');
    size += chunk.byteLength;
    if (size > mostBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function lost(error: unknown, reached: boolean, signal: AbortSignal): PackageError {
  const text = error instanceof Error ? error.message : 'unknown failure';
  return new PackageError(signal.aborted ? 'timeout' : 'unavailable', text, { cause: error, ambiguous: reached });
}

/** Any answer below 500 is certain; from 500 on the package may have done what it was asked. */
function judged({ status, type, text }: Answer): JsonObject {
  const body = /^application\/(?:[\w.-]+\+)?json\b/i.test(type) && text !== null ? parse(text) : null;
  if (status >= 200 && status < 300) {
    if (body !== null) return body;
    throw new PackageError('unreadable', `a yes that cannot be read (${status}, ${type === '' ? 'no type' : type})`, { ambiguous: true });
  }
  if (status >= 500) throw new PackageError('unavailable', `answered ${status}`, { ambiguous: true });
  if (busy.includes(status)) throw new PackageError('unavailable', `answered ${status}`);
  throw new PackageError('rejected', `answered ${status}`, { code: codeIn(body) });
}

function parse(text: string): JsonObject | null {
  try {
    const { value, faults } = plainJson(JSON.parse(text));
    return faults.length === 0 && isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The package's word for its refusal, as problem details and most others carry it. */
function codeIn(body: JsonObject | null): string | null {
  const code = body?.['code'];
  return typeof code === 'string' && /^[A-Za-z0-9_.:-]{1,100}$/.test(code) ? code : null;
}
