/** What the HTTP client makes of whatever a package does, asked of the process that stands in for the packages. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PackageError } from '../../../activities/actions/ports.js';
import { createPackageHttp } from '../../../activities/adapters/package-http.js';
import { freePort } from '../../../local/ports.js';
import type { BehaviourRule } from '../../../local/packages/behaviour.js';
import type { PackagesPart } from '../../../local/stack-parts.js';
import { startPackagesPart } from './packages.js';

let packages: PackagesPart;

beforeAll(async () => {
  packages = await startPackagesPart();
});
afterAll(() => packages.stop());
beforeEach(() => packages.clear());

const never = new AbortController().signal;
const path = '/crm/leads/qualify';

interface Ask {
  readonly url?: string | null;
  readonly body?: Record<string, string | number>;
  readonly key?: string;
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
}

const ask = ({ url = packages.url, body = { leadId: 'L-1' }, key = 'journey/JRN-1/s/1', signal = never, patienceMs = 60_000 }: Ask = {}) =>
  createPackageHttp({ url, patienceMs })(path, body, { key, signal });

async function fault(asking: Promise<unknown>): Promise<Pick<PackageError, 'fault' | 'code' | 'ambiguous'>> {
  const error: unknown = await asking.then(
    (answer) => new Error(`it answered ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof PackageError)) throw error;
  return { fault: error.fault, code: error.code, ambiguous: error.ambiguous };
}

const executed = async (): Promise<number> => (await packages.calls()).filter((call) => call.executed).length;

describe('an answer', () => {
  test('comes back as JSON, and the key goes along', async () => {
    const answer = await ask({ body: { leadId: 'L-1', leadScore: 85 } });
    expect(answer).toEqual({ leadId: 'L-1', score: 85, qualified: true });
    expect(await packages.calls()).toEqual([
      { path, key: 'journey/JRN-1/s/1', body: { leadId: 'L-1', leadScore: 85 }, executed: true, at: expect.any(String) },
    ]);
  });

  test('is the same for the same key, and nothing is done twice', async () => {
    const first = await ask();
    expect(await ask()).toEqual(first);
    expect(await packages.calls()).toHaveLength(2);
    expect(await executed()).toBe(1);
  });
});

describe('a clear no', () => {
  test.each<[string, BehaviourRule, Awaited<ReturnType<typeof fault>>]>([
    ['a bad request', { path, status: 400, code: 'lead_gone' }, { fault: 'rejected', code: 'lead_gone', ambiguous: false }],
    ['a conflict', { path, status: 409 }, { fault: 'rejected', code: 'told_to_fail', ambiguous: false }],
    ['our login', { path, status: 401 }, { fault: 'rejected', code: 'told_to_fail', ambiguous: false }],
    ['a redirect, which is not followed', { path, status: 307 }, { fault: 'rejected', code: 'told_to_fail', ambiguous: false }],
    ['a request that took too long', { path, status: 408 }, { fault: 'unavailable', code: null, ambiguous: false }],
    ['too many at once', { path, status: 429 }, { fault: 'unavailable', code: null, ambiguous: false }],
  ])('%s', async (_, rule, expected) => {
    await packages.behave(rule);
    expect(await fault(ask())).toEqual(expected);
    expect(await executed()).toBe(0);
  });

  test('a code that is no code is not repeated', async () => {
    await packages.behave({ path, status: 422, code: 'Lead "Ada" is unknown' });
    expect(await fault(ask())).toEqual({ fault: 'rejected', code: null, ambiguous: false });
  });
});

describe('certainly nothing done', () => {
  test('nobody listens', async () => {
    expect(await fault(ask({ url: `http://127.0.0.1:${await freePort()}` }))).toEqual({
      fault: 'unavailable',
      code: null,
      ambiguous: false,
    });
  });

  test('no such host', async () => {
    expect(await fault(ask({ url: 'http://packages.invalid' }))).toMatchObject({ ambiguous: false });
  });

  test('what listens there does not speak TLS', async () => {
    expect(await fault(ask({ url: packages.url.replace('http:', 'https:') }))).toEqual({
      fault: 'unavailable',
      code: null,
      ambiguous: false,
    });
  });

  test('nobody has said where it is', async () => {
    expect(await fault(ask({ url: null }))).toEqual({ fault: 'not_configured', code: null, ambiguous: false });
  });

  test('the attempt was over before it began', async () => {
    expect(await fault(ask({ signal: AbortSignal.abort() }))).toEqual({ fault: 'timeout', code: null, ambiguous: false });
    expect(await packages.calls()).toEqual([]);
  });
});

describe('nobody can say', () => {
  test.each<[string, BehaviourRule, number, string]>([
    ['a fault of theirs', { path, status: 500 }, 0, 'unavailable'],
    ['a gateway that gave up', { path, status: 504 }, 0, 'unavailable'],
    ['the connection breaks before', { path, drop: 'before' }, 0, 'unavailable'],
    ['the connection breaks after', { path, drop: 'after' }, 1, 'unavailable'],
    ['silence before', { path, hang: 'before' }, 0, 'timeout'],
    ['silence after', { path, hang: 'after' }, 1, 'timeout'],
    ['too late', { path, delayMs: 3_000 }, 1, 'timeout'],
    ['a page instead of JSON', { path, answer: 'html' }, 1, 'unreadable'],
    ['more than anybody reads', { path, answer: 'huge' }, 1, 'unreadable'],
  ])('%s', async (_, rule, effects, expected) => {
    await packages.behave(rule);
    expect(await fault(ask({ patienceMs: expected === 'timeout' ? 2_000 : 60_000 }))).toEqual({
      fault: expected,
      code: null,
      ambiguous: true,
    });
    await expect.poll(executed).toBe(effects);
  });

  test('the attempt ends while it waits', async () => {
    await packages.behave({ path, hang: 'before' });
    const ending = new AbortController();
    const asking = fault(ask({ signal: ending.signal }));
    await expect.poll(() => packages.calls()).toHaveLength(1);
    ending.abort();
    expect(await asking).toEqual({ fault: 'timeout', code: null, ambiguous: true });
  });
});

test('a no is a no, even when its reasons break off; so is a yes that breaks off no yes', async () => {
  // The stand-in speaks too well for this.
  const replies = ['HTTP/1.1 404 Not Found', 'HTTP/1.1 200 OK'];
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(`${replies.shift()}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"code":`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await fault(ask({ url }))).toEqual({ fault: 'rejected', code: null, ambiguous: false });
  expect(await fault(ask({ url }))).toEqual({ fault: 'unavailable', code: null, ambiguous: true });
  await new Promise((resolve) => server.close(resolve));
});

test('a login in the address is sent, and is no part of the path', async () => {
  let head = '';
  const server = createServer((socket) => {
    socket.once('data', (data) => {
      head = data.toString();
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await ask({ url: `http://desk:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}/base/` });
  expect(head).toMatch(/^POST \/base\/crm\/leads\/qualify HTTP\/1\.1\r\n/);
  expect(head.toLowerCase()).toContain(`authorization: basic ${Buffer.from('desk:s3cret').toString('base64')}`.toLowerCase());
  await new Promise((resolve) => server.close(resolve));
});
