import { describe, expect, test } from 'vitest';
import { explainMatch, matchPolicy, rematchFields, usesTeamCalendar } from '../../../domain/sla/match.js';
import type { MatchFacts } from '../../../domain/sla/match.js';
import type { MatchCondition } from '../../../domain/sla/policy.js';
import { aPolicy } from '../../support/policies.js';

const facts: MatchFacts = {
  product: 'demo',
  priority: 'high',
  category: 'Billing',
  channel: 'email',
  customerTier: 'gold',
  tags: ['vip', 'refund'],
};
const unset: MatchFacts = { ...facts, category: null, customerTier: null, tags: [] };

const matches = (condition: MatchCondition, given = facts): boolean => matchPolicy([aPolicy({ match: [condition] })], given) !== null;

describe('one condition', () => {
  test.each([
    ['product', 'demo', 'other'],
    ['priority', 'high', 'low'],
    ['category', 'Billing', 'Technical'],
    ['channel', 'email', 'phone'],
    ['customer_tier', 'gold', 'silver'],
  ] as const)('on %s', (field, mine, another) => {
    expect(matches({ field, op: 'in', values: [another, mine] })).toBe(true);
    expect(matches({ field, op: 'in', values: [another] })).toBe(false);
    expect(matches({ field, op: 'not_in', values: [another] })).toBe(true);
    expect(matches({ field, op: 'not_in', values: [another, mine] })).toBe(false);
  });

  test.each(['category', 'customer_tier'] as const)('an unset %s is in no list', (field) => {
    expect(matches({ field, op: 'in', values: ['Billing', 'gold'] }, unset)).toBe(false);
    expect(matches({ field, op: 'not_in', values: ['Billing', 'gold'] }, unset)).toBe(true);
  });

  test.each([
    // op, values, with the tags vip and refund, without any
    ['any', ['vip', 'new'], true, false],
    ['any', ['new'], false, false],
    ['all', ['vip', 'refund'], true, false],
    ['all', ['vip', 'new'], false, false],
    ['none', ['new'], true, true],
    ['none', ['new', 'vip'], false, true],
  ] as const)('tags: %s of %j', (op, values, tagged, untagged) => {
    expect([matches({ field: 'tags', op, values }), matches({ field: 'tags', op, values }, unset)]).toEqual([tagged, untagged]);
  });
});

const urgent = aPolicy({ id: 'urgent', match: [{ field: 'priority', op: 'in', values: ['urgent'] }] });
const billing = aPolicy({
  id: 'billing',
  match: [
    { field: 'category', op: 'in', values: ['Billing'] },
    { field: 'tags', op: 'none', values: ['spam'] },
  ],
});
const rest = aPolicy({ id: 'rest' });

test('the first policy whose conditions all hold wins', () => {
  expect(matchPolicy([urgent, billing, rest], facts)?.policy.id).toBe('billing');
  expect(matchPolicy([urgent, rest, billing], facts)?.policy.id).toBe('rest');
  expect(matchPolicy([urgent, billing, rest], { ...facts, tags: ['spam'] })?.policy.id).toBe('rest');
  expect(matchPolicy([urgent], facts)).toBeNull();
  expect(matchPolicy([], facts)).toBeNull();
});

test('says which conditions kept the policies before from matching', () => {
  expect(matchPolicy([urgent, billing, rest], facts)?.why).toEqual([
    { policy: 'urgent', matches: false, failed: [{ field: 'priority', op: 'in', values: ['urgent'] }] },
    { policy: 'billing', matches: true, failed: [] },
  ]);
});

test('explains every policy, those after the winner too', () => {
  const nothing = { ...facts, category: 'Technical', tags: ['spam'] };
  expect(explainMatch([urgent, billing, rest], nothing).map(({ policy, matches: fits, failed }) => [policy, fits, failed.length])).toEqual([
    ['urgent', false, 1],
    ['billing', false, 2],
    ['rest', true, 0],
  ]);
});

test('names the fields a match depends on, and whether a team can change it', () => {
  expect(rematchFields([urgent, billing, rest])).toEqual(['priority', 'category', 'tags']);
  expect(rematchFields([rest])).toEqual([]);
  expect(usesTeamCalendar([urgent, rest])).toBe(false);
  expect(usesTeamCalendar([urgent, aPolicy({ calendar: { use: 'team', fallback: '24x7' } })])).toBe(true);
});
