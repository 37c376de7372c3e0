import { describe, expect, test } from 'vitest';
import { addresseePattern, planOf } from '../../../domain/sla/policy.js';
import { uuid } from '../../support/builders.js';
import { aPolicy, aRung } from '../../support/policies.js';

describe('what of a policy travels with a ticket', () => {
  const calendar = { id: 'office', revision: 7 };

  test('all that its clocks need, and the revisions it came from', () => {
    const rungs = [aRung()];
    const policy = aPolicy({ id: 'vip', reopen: 'restart', pauseOnApproval: ['resolution'], rungs });
    const { id, name: _name, match: _match, calendar: _choice, ...rest } = policy;
    const pause = {
      requester_wait: ['waiting_on_customer'],
      agent_work: ['waiting_on_customer', 'on_hold'],
      resolution: ['waiting_on_customer'],
    };
    expect(planOf(policy, 3, calendar)).toEqual({ ...rest, policy: id, set: 3, calendar, pause });
  });

  test('a matrix of its own stays as it is', () => {
    const pause = { resolution: ['on_hold'] } as const;
    expect(planOf(aPolicy({ pause }), 3, calendar).pause).toEqual(pause);
  });
});

// sla.md, section 6: assignee, lead, on-call, role, team, user.
test.each([
  ['assignee', true],
  ['lead', true],
  ['on-call', true],
  ['role:admin', true],
  ['role:customer', false],
  [`team:${uuid(1)}`, true],
  [`user:${uuid(1)}`, true],
  ['user:somebody', false],
  ['everybody', false],
])('%s names an addressee: %s', (text, expected) => {
  expect(addresseePattern.test(text)).toBe(expected);
});
