/** T10: who asks too much is told so, and when to come again; nobody else notices. Source: security.md, section 8. */
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { addressOf, isNetwork, neighbourhood, networksOf } from '../../api/limits/address.js';
import { createLimiter } from '../../api/limits/limiter.js';
import type { SharedLimiter } from '../../api/limits/limiter.js';
import { shareCounts } from '../../db/queries/request-limits.js';
import { countOfAddress, countsOf } from '../../domain/access/limits.js';
import type { TenantLimits } from '../../domain/access/limits.js';
import { hour, minute } from '../../domain/time.js';
import { demo, foreignAdmin, otherTenant, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const base = '/v1/request-limits';
/** Each test has a minute of its own. */
beforeEach(() => later(minute));
afterAll(() => {
  vi.useRealTimers();
});

/** Sets the limits of the demo tenant; what is asked from then on is in a minute of its own. */
async function limited(limits: TenantLimits): Promise<void> {
  const present = await stage.call('admin', 'GET', base);
  const put = await stage.call('admin', 'PUT', base, limits, { 'if-match': present.headers.get('etag') ?? '' });
  expect(put.status, JSON.stringify(put.body)).toBe(200);
  later(minute);
}

/** From a full hour on: some limits count by the hour of the clock, and none is to be over in the midst of a test. */
let clock = Math.ceil(Date.now() / hour) * hour;
/** Time stands still but for this, so that a minute is never over by chance. */
function later(by: number): void {
  clock += by;
  vi.useFakeTimers({ toFake: ['Date'], now: clock });
}
const ask = (who: Who, path = '/v1/agents', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'GET', path, undefined, headers);
const code = ({ status, body }: Reply): unknown => (status < 400 ? status : body.code);

const open = async (who: Who) => {
  const requester = who === 'customer' ? {} : { requester: { customerId: demo.customers[0] } };
  const made = await stage.call(who, 'POST', '/v1/tickets', {
    product: 'demo',
    subject: 's',
    description: 'd',
    channel: 'web',
    ...requester,
  });
  return code(made);
};

describe('a limit', () => {
  test('T10: is told with every answer, and refuses once it is reached, until its time is over', async () => {
    await limited({ staff: 3, tenant: 1_000 });
    const first = await ask('agent');
    expect([first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([
      '"staff";q=3;w=60, "tenant";q=1000;w=60',
      '"staff";r=2;t=60, "tenant";r=999;t=60',
    ]);
    later(20_000);
    await ask('agent');
    await ask('agent');
    const refused = await ask('agent');
    expect([refused.status, refused.body.code, refused.body.limit]).toEqual([429, 'rate_limited', 'staff']);
    expect([refused.headers.get('retry-after'), refused.headers.get('ratelimit')]).toEqual(['40', '"staff";r=0;t=40, "tenant";r=997;t=40']);
    expect((await ask('lead')).status).toBe(200);
    expect(await stage.metrics.registry.getSingleMetricAsString('usher_rate_limited_total')).toContain('limit="staff"} 1');
    later(40_000);
    expect((await ask('agent')).status).toBe(200);
  });

  test('T10: of all of a tenant is nobody else’s', async () => {
    await limited({ tenant: 2 });
    expect([code(await ask('agent')), code(await ask('lead')), code(await ask('service', '/v1/tickets?product=demo'))]).toEqual([
      200,
      200,
      'rate_limited',
    ]);
    expect((await ask('foreign')).status).toBe(200);
    await freed();
  });

  test('T10: of a customer counts whoever asks for them', async () => {
    await limited({ customer: 2 });
    const acting = { 'usher-acting-for': `customer/${demo.customers[0]}` };
    const path = '/v1/tickets?product=demo';
    expect([code(await ask('customer', path)), code(await ask('service', path, acting)), code(await ask('customer', path))]).toEqual([
      200,
      200,
      'rate_limited',
    ]);
    expect((await ask('stranger', path)).status).toBe(200);
    expect((await ask('service', path)).status).toBe(200);
  });

  test('T10: of searches leaves other questions free', async () => {
    await limited({ search: 1 });
    const search = '/v1/tickets?product=demo&q=printer';
    expect([
      code(await ask('agent', search)),
      code(await ask('agent', search)),
      code(await ask('agent', '/v1/tickets?product=demo')),
    ]).toEqual([200, 'rate_limited', 200]);
  });

  test('T10: of tickets opened is the customer’s by the hour, and the key’s by the minute', async () => {
    await limited({ customerTickets: 1, tickets: 1 });
    expect([await open('customer'), await open('customer'), await open('service'), await open('service')]).toEqual([
      201,
      'rate_limited',
      201,
      'rate_limited',
    ]);
    later(minute);
    expect([await open('customer'), await open('service')]).toEqual(['rate_limited', 201]);
    later(60 * minute);
    expect(await open('customer')).toBe(201);
  });
});

/** As at first, by a minute in which nothing was asked yet. */
async function freed(): Promise<void> {
  later(minute);
  await limited({});
}

describe('the limits of a tenant', () => {
  test('are as usual until somebody says otherwise, by revisions', async () => {
    const usual = await stage.call('foreign', 'GET', base);
    expect(usual.body).toEqual({ service: 1_200, staff: 600, customer: 60, tenant: 12_000, search: 60, customerTickets: 20, tickets: 120 });
    expect((await stage.call('foreign', 'GET', base, undefined, { 'if-none-match': usual.headers.get('etag') ?? '' })).status).toBe(304);
    expect((await stage.call('foreign', 'PUT', base, { staff: 700 })).body.code).toBe('version_required');
    expect((await stage.call('foreign', 'PUT', base, { staff: 700 }, { 'if-match': '"9"' })).body).toMatchObject({
      code: 'version_mismatch',
      current: 1,
    });
    const put = await stage.call('foreign', 'PUT', base, { staff: 700 }, { 'if-match': '"1"' });
    expect([put.body.staff, put.body.service, put.headers.get('etag')]).toEqual([700, 1_200, '"2"']);
    expect((await stage.call('foreign', 'GET', base)).headers.get('ratelimit-policy')).toContain('"staff";q=700;w=60');
    const events = await stage.sql(
      (tx) => tx.selectFrom('event').select(['type', 'actor']).where('subject', '=', `tenant/${otherTenant}`).execute(),
      otherTenant,
    );
    expect(events).toEqual([{ type: 'request_limits.replaced', actor: `user/${foreignAdmin}` }]);
  });

  test.each([{ staff: 0 }, { staff: 1.5 }, { staff: '600' }, { exports: 1 }, { customer: 1e9 }])('%j is no limit', async (body) => {
    expect((await stage.call('foreign', 'PUT', base, body, { 'if-match': '"1"' })).body.code).toBe('invalid_request');
  });
});

/** A request over a connection. */
const from = (address: string, path: string, headers: Record<string, string> = {}) =>
  stage.app.request(`http://api.test${path}`, { headers }, { incoming: { socket: { remoteAddress: address } } });

describe('an address', () => {
  test('T10: that nobody is known at has its own limit, and whoever is known there notices nothing', async () => {
    await freed();
    const replies = [];
    for (let n = 0; n < 61; n += 1) replies.push(await from('198.51.100.7', n % 2 === 0 ? '/v1/agents' : '/problems/not_found'));
    expect(replies.slice(0, 60).map(({ status }) => status)).toEqual(Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? 401 : 200)));
    const last = replies[60];
    expect([last?.status, last?.headers.get('ratelimit-policy')]).toEqual([429, '"address";q=60;w=60']);
    const known = { authorization: `Bearer ${stage.keys.admin}` };
    expect((await from('198.51.100.7', '/v1/agents', known)).status).toBe(200);
    expect((await from('198.51.100.8', '/v1/agents')).status).toBe(401);
  });

  test('T10: a link that carries its proof counts only where it proves nothing', async () => {
    later(minute);
    const link = '/v1/files/018f3b1e-0000-7000-8000-0000000000ff?tenant=018f3b1e-0000-7000-8000-000000000001&expires=1&signature=k1.x';
    for (let n = 0; n < 60; n += 1) await from('198.51.100.9', link);
    expect((await from('198.51.100.9', link)).status).toBe(429);
  });

  test.each([
    ['T30: no proxy is trusted unless it is named', '192.0.2.1', '203.0.113.9', [], '192.0.2.1'],
    ['T30: a trusted proxy says whom it heard from', '192.0.2.1', '203.0.113.9', ['192.0.2.0/24'], '203.0.113.9'],
    [
      'T30: what stands before the last proxy we do not trust may be anybody’s words',
      '192.0.2.1',
      '1.2.3.4, 203.0.113.9, 192.0.2.5',
      ['192.0.2.0/24'],
      '203.0.113.9',
    ],
    ['T30: what is no address is nobody’s', '192.0.2.1', '203.0.113.9, unknown', ['192.0.2.0/24'], '192.0.2.1'],
    ['T30: a proxy that names nobody speaks for itself', '192.0.2.1', undefined, ['192.0.2.1'], '192.0.2.1'],
    ['T30: IPv4 written as IPv6 is IPv4', '::ffff:192.0.2.1', '203.0.113.9', ['192.0.2.1'], '203.0.113.9'],
  ])('%s', (_name, socket, forwarded, proxies, expected) => {
    const c = {
      env: { incoming: { socket: { remoteAddress: socket } } },
      req: { header: (name: string) => (name === 'x-forwarded-for' ? forwarded : undefined) },
    } as unknown as Parameters<typeof addressOf>[0];
    expect(addressOf(c, networksOf(proxies))).toBe(expected);
  });

  test('an IPv6 address counts with its neighbours', () => {
    expect(['2001:db8:1:2:3:4:5:6', '2001:DB8:1:2::9', '2001:0db8:0001:0002::'].map(neighbourhood)).toEqual(
      Array.from({ length: 3 }, () => '2001:db8:1:2::/64'),
    );
    expect(neighbourhood('::1')).toBe('0:0:0:0::/64');
    expect(neighbourhood('198.51.100.7')).toBe('198.51.100.7');
  });

  test.each([
    ['10.0.0.0/8', true],
    ['2001:db8::/32', true],
    ['192.0.2.1', true],
    ['10.0.0.0/33', false],
    ['10.0.0.0/8/8', false],
    ['10.0.0.0/', false],
    ['example.com', false],
    ['', false],
  ])('%s as a network: %s', (text, expected) => {
    expect(isNetwork(text)).toBe(expected);
  });
});

describe('a key that is bound to addresses', () => {
  test('T8: is worth nothing from elsewhere', async () => {
    await freed();
    const made = await stage.call('admin', 'POST', '/v1/api-keys', {
      owner: `service/${demo.service}`,
      name: 'Shop',
      addresses: ['203.0.113.0/24', '2001:db8::1'],
    });
    expect(made.body.addresses).toEqual(['203.0.113.0/24', '2001:db8::1']);
    const key = { authorization: `Bearer ${made.body.key}` };
    const at = async (address: string) => (await from(address, '/v1/tickets?product=demo', key)).status;
    expect([await at('203.0.113.77'), await at('2001:db8::1'), await at('203.0.114.1'), await at('2001:db8::2')]).toEqual([
      200, 200, 401, 401,
    ]);
    expect((await stage.call('nobody', 'GET', '/v1/tickets?product=demo', undefined, key)).status).toBe(401);
    const rotated = await stage.call('admin', 'POST', `/v1/api-keys/${made.body.id}/rotate`);
    expect(rotated.body.addresses).toEqual(made.body.addresses);
  });

  test.each([[['example.com']], [['10.0.0.0/99']], [[]], ['10.0.0.0/8']])('%j are no addresses', async (addresses) => {
    const made = await stage.call('admin', 'POST', '/v1/api-keys', { owner: `service/${demo.service}`, name: 'Shop', addresses });
    expect(made.body.code).toBe('invalid_request');
  });
});

describe('several processes', () => {
  const principal = {
    tenant: demo.tenant,
    actor: 'service/s',
    id: 's',
    role: 'service',
    products: '*',
    teams: [],
    scopes: [],
    actingFor: null,
  } as const;
  let keys = 0;
  /** What one request of a service counts against, where its tenant allows so many. */
  const countsWith = (service: number) => {
    const [count] = countsOf({ principal, credential: `key/${keys}`, limits: { service } }, { opensTicket: false, searches: false });
    return count === undefined ? [] : [count];
  };
  const warned: unknown[] = [];
  const log = { warn: (...args: unknown[]) => void warned.push(args), info: () => undefined };
  const aProcess = (store = shareCounts.bind(null, stage.db)): SharedLimiter =>
    createLimiter({ now: () => clock, log, replicas: 2, store });
  const takes = (limiter: SharedLimiter, times: number, most: number): boolean[] =>
    Array.from({ length: times }, () => limiter.take(countsWith(most)).reached === null);
  beforeEach(() => {
    keys += 1;
    warned.length = 0;
  });

  test('T10: add up what they counted', async () => {
    await using one = aProcess((counts) => shareCounts(stage.db, counts));
    await using other = aProcess((counts) => shareCounts(stage.db, counts));
    expect(takes(one, 3, 5)).toEqual([true, true, true]);
    expect(takes(other, 1, 5)).toEqual([true]);
    await one.share();
    await other.share();
    expect(takes(other, 2, 5)).toEqual([true, false]);
    await other.share();
    expect(takes(one, 3, 5)).toEqual([true, true, false]);
    later(minute);
    expect(takes(one, 1, 5)).toEqual([true]);
  });

  test('T10: go on by themselves while PostgreSQL is away, and let through rather than refuse', async () => {
    let isAway = true;
    await using one = aProcess((counts) => (isAway ? Promise.reject(new Error('away')) : shareCounts(stage.db, counts)));
    await using other = aProcess((counts) => shareCounts(stage.db, counts));
    takes(other, 4, 4);
    await other.share();
    expect(takes(one, 2, 4)).toEqual([true, true]);
    await one.share();
    await one.share();
    expect(warned).toHaveLength(1);
    expect(takes(one, 1, 4)).toEqual([true]);
    isAway = false;
    await one.share();
    expect(takes(one, 1, 4)).toEqual([false]);
  });

  test('T10: each allows its part of what belongs to no tenant', () => {
    const limiter = aProcess(() => Promise.resolve([]));
    const allowed = Array.from({ length: 40 }, () => limiter.take([countOfAddress('198.51.100.7')]).reached === null);
    expect(allowed.filter(Boolean)).toHaveLength(30);
  });

  test('T10: however many there are, only so many counts are kept', () => {
    const limiter = createLimiter({ now: () => clock, log, replicas: 1, store: () => Promise.resolve([]) });
    const one = [{ ...countOfAddress('first'), most: 1 }];
    expect(limiter.take(one).reached).toBeNull();
    expect(limiter.take(one).reached?.name).toBe('address');
    for (let n = 0; n < 50_000; n += 1) limiter.look([countOfAddress(String(n))]);
    expect(limiter.take(one).reached).toBeNull();
  });
});
