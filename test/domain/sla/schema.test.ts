import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Calendar } from '../../../domain/sla/calendar.js';
import type { Policy } from '../../../domain/sla/policy.js';
import { CalendarBody, policiesOf, PolicyBody, PolicySetBody } from '../../../domain/sla/schema.js';
import { uuid } from '../../support/builders.js';
import { aPolicy, aRung } from '../../support/policies.js';

const smallest = { id: 'standard', name: 'Standard', calendar: { use: 'policy', id: '24x7' }, targets: { resolution: { high: 3600 } } };
const week = { zone: 'Europe/Berlin', weekly: { mon: [['09:00', '17:00']] } };

const issueOf = (schema: typeof CalendarBody | typeof PolicyBody | typeof PolicySetBody, given: unknown): string | undefined => {
  const issue = schema.safeParse(given).error?.issues[0];
  return issue === undefined ? undefined : [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys : [])].join('/');
};

test('a calendar is what the rules about calendars expect', () => {
  expect(CalendarBody.parse(week)).toEqual({ ...week, overrides: {} });
  expectTypeOf<CalendarBody>().toExtend<Calendar>();
  expect(CalendarBody.safeParse({ ...week, overrides: { '2026-12-25': [] } }).success).toBe(true);
});

test('what is left out of a policy has its default', () => {
  expect(PolicyBody.parse(smallest)).toEqual({
    ...smallest,
    match: [],
    pause: 'default',
    pauseOnApproval: [],
    reopen: 'resume',
    counts: { bot: false, call: false, firstInNext: false },
    rungs: [],
  });
});

test('every policy that has a type has a form, and comes back as it is', () => {
  const policies: Policy[] = [
    aPolicy({
      match: [{ field: 'customer_tier', op: 'not_in', values: ['free'] }],
      calendar: { use: 'team', fallback: 'office' },
      pause: { resolution: ['waiting_on_customer', 'on_hold'], next_response: [] },
      pauseOnApproval: ['resolution', 'agent_work'],
      reopen: 'count_closed_time',
      rungs: [
        aRung({ id: 'A1', when: { before: 60 }, level: 2, priorities: ['urgent'] }),
        aRung({ id: 'b', when: 'at_breach', actions: [{ reassign: {} }, { raise_priority: { to: 'urgent', retarget: false } }] }),
        aRung({
          id: 'c',
          when: { after: 60 },
          whilePaused: true,
          actions: [{ open_escalation: { to: { kind: 'team' }, ackWithin: 60 } }],
        }),
      ],
    }),
  ];
  expect(policiesOf(PolicySetBody.parse({ policies }))).toEqual(policies);
});

test('what rules judge has a form first: they name the fault', () => {
  expect(CalendarBody.safeParse({ zone: 'Nowhere', weekly: { mon: [['25:00', '18:60']] }, overrides: { never: [] } }).success).toBe(true);
  const odd = { ...smallest, targets: { resolution: { high: -5 } }, rungs: [aRung({ when: { percent: 500 }, level: 77 })] };
  expect(PolicyBody.safeParse(odd).success).toBe(true);
});

describe('refused', () => {
  test.each<[unknown, string]>([
    [{ weekly: {} }, 'zone'],
    [{ zone: 'UTC' }, 'weekly'],
    [{ ...week, weekly: { monday: [] } }, 'weekly/monday'],
    [{ ...week, weekly: { mon: ['09:00'] } }, 'weekly/mon/0'],
    [{ ...week, weekly: { mon: [['09:00', '12:00', '13:00']] } }, 'weekly/mon/0'],
    [{ ...week, weekly: { mon: Array.from({ length: 25 }, () => ['09:00', '17:00']) } }, 'weekly/mon'],
    [{ ...week, overrides: Object.fromEntries(Array.from({ length: 1831 }, (_, day) => [`d${day}`, []])) }, 'overrides'],
    [{ ...week, holidays: [] }, 'holidays'],
  ])('calendar %#', (given, path) => {
    expect(issueOf(CalendarBody, given)).toBe(path);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ id: 'Not a key' }, 'id'],
    [{ name: '' }, 'name'],
    [{ calendar: { use: 'policy' } }, 'calendar'],
    [{ targets: { speed: { high: 1 } } }, 'targets/speed'],
    [{ targets: { resolution: { blocker: 1 } } }, 'targets/resolution/blocker'],
    [{ targets: { resolution: { high: 1.5 } } }, 'targets/resolution/high'],
    [{ match: [{ field: 'weather', op: 'in', values: [] }] }, 'match/0/field'],
    [{ match: [{ field: 'tags', op: 'any', values: Array.from({ length: 51 }, String) }] }, 'match/0/values'],
    [{ pause: 'sometimes' }, 'pause'],
    [{ pauseOnApproval: ['refund'] }, 'pauseOnApproval/0'],
    [{ reopen: 'never' }, 'reopen'],
    [{ counts: { mail: true } }, 'counts/mail'],
    [{ rungs: Array.from({ length: 31 }, (_, index) => aRung({ id: `r${index}` })) }, 'rungs'],
    [{ rungs: [{ ...aRung(), id: 'a/b' }] }, 'rungs/0/id'],
    [{ rungs: [{ ...aRung(), when: { hours: 1 } }] }, 'rungs/0/when'],
    [{ rungs: [{ ...aRung(), actions: [{ shout: {} }] }] }, 'rungs/0/actions/0'],
    [{ rungs: [{ ...aRung(), actions: [{ reassign: { team: 'Support' } }] }] }, 'rungs/0/actions/0/reassign/team'],
    [{ rungs: [{ ...aRung(), actions: [{ reassign: { team: uuid(1), skills: [] } }] }] }, 'rungs/0/actions/0/reassign/skills'],
    [{ extra: 1 }, 'extra'],
  ])('policy %j', (changes, path) => {
    expect(issueOf(PolicyBody, { ...smallest, ...changes })).toBe(path);
  });

  test('more than 200 policies', () => {
    expect(issueOf(PolicySetBody, { policies: Array.from({ length: 201 }, (_, index) => ({ ...smallest, id: `p${index}` })) })).toBe(
      'policies',
    );
  });
});
