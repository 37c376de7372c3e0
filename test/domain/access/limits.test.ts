/** Numbers are typed out from security.md, section 8. */
import { describe, expect, test } from 'vitest';
import { countOfAddress, countsOf, hundredfold } from '../../../domain/access/limits.js';
import type { TenantLimits } from '../../../domain/access/limits.js';
import type { Principal } from '../../../domain/access/principal.js';
import { quotaOf, rateLimitHeaders, windowAt, windowEnd } from '../../../domain/access/quota.js';
import { noon, requester, tenant } from '../../support/builders.js';

const who = (role: Principal['role'], changes: Partial<Principal> = {}): Principal => ({
  tenant,
  actor: `user/${role}`,
  id: role,
  role,
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
  ...changes,
});
const quiet = { opensTicket: false, searches: false };
/** `name of most/window`, in order. */
const counts = (principal: Principal, asked: Partial<typeof quiet> = {}, limits: TenantLimits = {}): string[] =>
  countsOf({ principal, credential: 'key/k', limits }, { ...quiet, ...asked }).map(
    ({ name, of, most, windowS }) => `${name} ${of} ${most}/${windowS}`,
  );
const all = `tenant ${tenant} 12000/60`;

describe('a request counts against', () => {
  test.each(['agent', 'lead', 'admin'] as const)('the key of an %s: 600 a minute', (role) => {
    expect(counts(who(role))).toEqual(['staff key/k 600/60', all]);
  });

  test('the key of a service: 1,200 a minute', () => {
    expect(counts(who('service'))).toEqual(['service key/k 1200/60', all]);
  });

  test('the customer, whatever the key: 60 a minute', () => {
    expect(counts(who('customer', { id: requester }))).toEqual([`customer customer/${requester} 60/60`, all]);
  });

  test('the customer and the key, where a service acts for one', () => {
    const acting = who('customer', { id: requester, actingFor: requester });
    expect(counts(acting, { opensTicket: true })).toEqual([
      `customer customer/${requester} 60/60`,
      'service key/k 1200/60',
      `customerTickets customer/${requester} 20/3600`,
      'tickets key/k 120/60',
      all,
    ]);
  });

  test('searches: 60 a minute', () => {
    expect(counts(who('agent'), { searches: true })).toEqual(['staff key/k 600/60', 'search key/k 60/60', all]);
  });

  test('tickets opened: 20 an hour by a customer, 120 a minute by a key', () => {
    expect(counts(who('customer', { id: requester }), { opensTicket: true })).toContain(`customerTickets customer/${requester} 20/3600`);
    expect(counts(who('service'), { opensTicket: true })).toContain('tickets key/k 120/60');
  });

  test('an address that nobody is known at: 60 a minute', () => {
    expect(countOfAddress('198.51.100.7')).toEqual({ name: 'address', of: '198.51.100.7', tenant: null, most: 60, windowS: 60 });
  });
});

test('a tenant may have other numbers', () => {
  expect(counts(who('agent'), {}, { staff: 5, tenant: 7 })).toEqual(['staff key/k 5/60', `tenant ${tenant} 7/60`]);
  expect(counts(who('service'), {}, hundredfold)).toEqual(['service key/k 120000/60', `tenant ${tenant} 1200000/60`]);
});

describe('a window', () => {
  test('begins at a full minute of the clock, for everyone alike', () => {
    expect(windowAt(noon, 60)).toBe(windowAt(noon + 59_999, 60));
    expect(windowAt(noon + 60_000, 60)).toBe(windowAt(noon, 60) + 1);
    expect(windowEnd(windowAt(noon + 1, 60), 60)).toBe(noon + 60_000);
  });

  test('says what is left, and in how many seconds it begins anew', () => {
    const limit = { name: 'staff', most: 10, windowS: 60 };
    expect(quotaOf(limit, 3, noon)).toEqual({ ...limit, left: 7, resetS: 60 });
    expect(quotaOf(limit, 12, noon + 59_999)).toEqual({ ...limit, left: 0, resetS: 1 });
  });

  test('is told in two fields of structured headers', () => {
    const two = [
      quotaOf({ name: 'customer', most: 60, windowS: 60 }, 1, noon),
      quotaOf({ name: 'tenant', most: 9, windowS: 3_600 }, 2, noon),
    ];
    expect(rateLimitHeaders(two)).toEqual({
      'ratelimit-policy': '"customer";q=60;w=60, "tenant";q=9;w=3600',
      ratelimit: '"customer";r=59;t=60, "tenant";r=7;t=3600',
    });
  });
});
