/** Where Usher itself goes when a tenant names an address: to the public internet, over TLS. Source: security.md, section 4, T13. */
import { lookup as resolve } from 'node:dns';
import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { LookupFunction } from 'node:net';

/** What is not public: this network, loopback, private, shared, link-local, documentation, benchmarks, multicast, reserved. */
const inner = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  inner.addSubnet(net, prefix, 'ipv4');
/** Of IPv6 only what is given out as global unicast, less what carries IPv4 inside or is for documents. */
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  inner.addSubnet(net, prefix, 'ipv6');

/** @param address as a resolver or a parsed URL gives it */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return global6.check(address, 'ipv6') && !inner.check(address, 'ipv6');
  return isIP(address) === 4 && !inner.check(address, 'ipv4');
}

const ports = new Set(['', '443', '8443']);

/**
 * What is wrong with an address as it is written; where its name leads is looked at whenever it is used.
 *
 * @param anywhere lets pass whatever can be reached by HTTP, for a system of one's own
 * @returns null when nothing is
 */
export function unreachable(address: string, anywhere: boolean): string | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must be an https address';
  if (url.username !== '' || url.password !== '') return 'must not hold a name or password';
  if (url.hash !== '') return 'must not hold a fragment';
  if (anywhere) return null;
  if (url.protocol !== 'https:') return 'must be an https address';
  if (!ports.has(url.port)) return 'must have port 443 or 8443';
  const host = url.hostname.replace(/^\[|\]$|\.$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) return 'must be a public address';
  return host === 'localhost' || host.endsWith('.localhost') ? 'must be a public address' : null;
}

/** An address that may not be gone to. */
export class NotPublic extends Error {
  override readonly name = 'NotPublic';
}

/** Resolves once, looks at every address, and hands on those that were looked at. */
export const guardedLookup: LookupFunction = (host, options, done) => {
  resolve(host, { ...options, all: true }, (error, found) => {
    if (error !== null) return done(error, []);
    const refused = found.length === 0 || found.some(({ address }) => !isPublicAddress(address));
    const first = found[0];
    if (refused || first === undefined) return done(new NotPublic('the name leads to an address that is not public'), []);
    if (options.all === true) done(null, found);
    else done(null, first.address, first.family);
  });
};

/** Names are looked up in this time, or not at all. */
const lookupMs = 2_000;

/** What is wrong with where an address leads now; null when nothing is, or nobody can tell: it is looked at again whenever it is used. */
export async function leadsInside(address: string): Promise<string | null> {
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  const looked = new Promise<string | null>((told) => {
    guardedLookup(host, { all: true }, (error) => told(error instanceof NotPublic ? 'must lead to a public address' : null));
  });
  const late = AbortSignal.timeout(lookupMs);
  const timeout = new Promise<null>((told) => late.addEventListener('abort', () => told(null), { once: true }));
  return Promise.race([looked, timeout]);
}

export interface ReachOptions {
  readonly anywhere: boolean;
  readonly timeoutMs: number;
  readonly mostBytes: number;
}

/**
 * Gets a JSON document.
 *
 * @throws Error for anything but a 200 with JSON from where it was asked for: redirects are not followed
 */
export async function getJson(address: string, { anywhere, timeoutMs, mostBytes }: ReachOptions): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await asked(address, { method: 'GET', headers: { accept: 'application/json' }, anywhere, signal });
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`answered ${response.statusCode}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes: Buffer = Buffer.from(chunk);
    size += bytes.length;
    if (size > mostBytes) {
      response.destroy();
      throw new Error('the answer is too large');
    }
    chunks.push(bytes);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

interface Request {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly anywhere: boolean;
  readonly signal: AbortSignal;
}

/** Sends, and waits for the head of the answer. A connection of its own for each: a kept one would go where its name led before. */
async function asked(address: string, { method, headers, body, anywhere, signal }: Request): Promise<IncomingMessage> {
  const wrong = unreachable(address, anywhere);
  if (wrong !== null) throw new NotPublic(`the address ${wrong}`);
  const url = new URL(address);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const options = { method, signal, headers, agent: false, ...(anywhere ? {} : { lookup: guardedLookup }) };
  return new Promise((resolved, rejected) => {
    request(url, options, resolved).on('error', rejected).end(body);
  });
}

export interface Posted {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The beginning of what it said, as far as it came in time. */
  readonly text: string;
}

/**
 * Posts a JSON text. Its status is the answer, wherever it leads: redirects are not followed, and of the rest no more than `mostBytes` is read.
 *
 * @throws NotPublic; else whatever kept the head of an answer from coming
 */
export async function post(
  address: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  { anywhere, timeoutMs, mostBytes, signal: ending }: ReachOptions & { readonly signal?: AbortSignal },
): Promise<Posted> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = ending === undefined ? timeout : AbortSignal.any([timeout, ending]);
  const length = String(Buffer.byteLength(body));
  const all = { ...headers, 'content-type': 'application/json', 'content-length': length };
  const response = await asked(address, { method: 'POST', headers: all, body, anywhere, signal });
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'] ?? null,
    text: await beginning(response, mostBytes),
  };
}

/** What can be read of an answer; one that breaks off, or never ends, has been given all the same. */
async function beginning(response: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      const bytes: Buffer = Buffer.from(chunk);
      chunks.push(bytes);
      size += bytes.length;
      if (size >= mostBytes) break;
    }
  } catch {
    // The status stands.
  }
  response.destroy();
  return Buffer.concat(chunks).subarray(0, mostBytes).toString();
}
