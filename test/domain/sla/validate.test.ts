import { describe, expect, test } from 'vitest';
import { asAgentId, asTeamId } from '../../../domain/ids.js';
import type { MatchCondition, Policy, Rung, RungAction } from '../../../domain/sla/policy.js';
import { policyProblems } from '../../../domain/sla/validate.js';
import type { KnownNames } from '../../../domain/sla/validate.js';
import { uuid } from '../../support/builders.js';
import { aPolicy, aRung } from '../../support/policies.js';

const team = asTeamId(uuid(0x10));
const emptyTeam = asTeamId(uuid(0x11));
const user = asAgentId(uuid(0x20));
const nobody = asAgentId(uuid(0xff));

/** One agent in one of two teams, nobody else; on the calendar `rare` only an hour of open time passes in five years. */
const known = (changes: Partial<KnownNames> = {}): KnownNames => ({
  calendars: new Map([
    ['office', { retired: false }],
    ['rare', { retired: false }],
    ['old', { retired: true }],
  ]),
  users: new Map([[user, 'agent']]),
  teams: new Map([
    [team, 1],
    [emptyTeam, 0],
  ]),
  products: new Set(['demo']),
  fallbackRecipient: false,
  reaches: (calendar, openS) => openS <= (calendar === 'rare' ? 3600 : 100_000_000),
  ...changes,
});

const problems = (policy: Partial<Policy>, changes?: Partial<KnownNames>): (readonly [string, string])[] =>
  policyProblems([aPolicy(policy)], known(changes)).map(({ field, rule }) => [field, rule]);
const withRung = (rung: Partial<Rung>, changes?: Partial<KnownNames>) => problems({ rungs: [aRung(rung)] }, changes);
const withAction = (action: RungAction, changes?: Partial<KnownNames>) => withRung({ actions: [action] }, changes);
const notify = (...to: string[]): RungAction => ({ notify: { to, channel: 'email' } });

test('a set without fault', () => {
  const rungs: Rung[] = [
    aRung({ id: 'a', when: { percent: 1 } }),
    aRung({ id: 'b', when: { percent: 100 }, level: 1, priorities: ['urgent'] }),
    aRung({ id: 'c', when: { before: 28_799 }, actions: [notify('assignee', 'lead', 'role:agent', `team:${team}`, `user:${user}`)] }),
    aRung({
      id: 'd',
      when: 'at_breach',
      level: 9,
      actions: [{ reassign: { team } }, { raise_priority: { to: 'urgent', retarget: true } }],
    }),
    aRung({
      id: 'e',
      when: { after: 1 },
      whilePaused: true,
      actions: [{ reassign: {} }, { open_escalation: { to: { kind: 'team', id: team }, ackWithin: 1 } }],
    }),
  ];
  const match: MatchCondition[] = [
    { field: 'product', op: 'in', values: ['demo'] },
    { field: 'priority', op: 'not_in', values: ['low'] },
    { field: 'channel', op: 'in', values: ['email', 'sms'] },
    { field: 'category', op: 'in', values: ['Anything'] },
    { field: 'tags', op: 'any', values: ['vip'] },
    { field: 'tags', op: 'all', values: ['vip'] },
    { field: 'tags', op: 'none', values: ['vip'] },
  ];
  const set = [
    aPolicy({ rungs, match }),
    aPolicy({ id: 'team', calendar: { use: 'team', fallback: 'office' } }),
    aPolicy({ id: 'off', targets: {} }),
  ];
  expect(policyProblems(set, known())).toEqual([]);
  expect(policyProblems([], known())).toEqual([]);
});

describe('conditions', () => {
  test.each<[MatchCondition, string, string]>([
    [{ field: 'tags', op: 'in', values: ['vip'] }, 'op', 'op_for_field'],
    [{ field: 'tags', op: 'not_in', values: ['vip'] }, 'op', 'op_for_field'],
    [{ field: 'category', op: 'any', values: ['Billing'] }, 'op', 'op_for_field'],
    [{ field: 'product', op: 'all', values: ['demo'] }, 'op', 'op_for_field'],
    [{ field: 'customer_tier', op: 'none', values: ['gold'] }, 'op', 'op_for_field'],
    [{ field: 'category', op: 'in', values: [] }, 'values', 'no_value'],
    [{ field: 'priority', op: 'in', values: ['urgent', 'blocker'] }, 'values/1', 'unknown_value'],
    [{ field: 'channel', op: 'not_in', values: ['fax'] }, 'values/0', 'unknown_value'],
    [{ field: 'product', op: 'in', values: ['demo', 'gone'] }, 'values/1', 'unknown_product'],
  ])('%j', (condition, field, rule) => {
    expect(problems({ match: [{ field: 'category', op: 'in', values: ['Billing'] }, condition] })).toEqual([
      [`/policies/0/match/1/${field}`, rule],
    ]);
  });
});

describe('calendars', () => {
  test.each<[Policy['calendar'], string, string]>([
    [{ use: 'policy', id: 'nowhere' }, 'id', 'unknown_calendar'],
    [{ use: 'policy', id: 'old' }, 'id', 'retired_calendar'],
    [{ use: 'team', fallback: 'nowhere' }, 'fallback', 'unknown_calendar'],
    [{ use: 'team', fallback: 'old' }, 'fallback', 'retired_calendar'],
  ])('%j', (calendar, field, rule) => {
    expect(problems({ calendar })).toEqual([[`/policies/0/calendar/${field}`, rule]]);
  });
});

test('budgets are positive and lie within five years of their calendar', () => {
  const targets = { first_response: { low: 0, high: -5 }, resolution: { urgent: 3601, high: 3600 } };
  expect(problems({ targets })).toEqual([
    ['/policies/0/targets/first_response/low', 'not_positive'],
    ['/policies/0/targets/first_response/high', 'not_positive'],
  ]);
  expect(problems({ targets: { resolution: targets.resolution }, calendar: { use: 'policy', id: 'rare' } })).toEqual([
    ['/policies/0/targets/resolution/urgent', 'sla_horizon_exceeded'],
  ]);
});

test('ids are used once, of policies in the set and of rungs in a policy', () => {
  const twice = aPolicy({ rungs: [aRung(), aRung({ id: 'other' }), aRung()] });
  expect(policyProblems([twice, aPolicy({ id: 'b', rungs: [aRung()] }), aPolicy()], known())).toEqual([
    { field: '/policies/2/id', rule: 'duplicate_id' },
    { field: '/policies/0/rungs/2/id', rule: 'duplicate_id' },
  ]);
});

describe('rungs', () => {
  test.each<[Partial<Rung>, string, string]>([
    [{ when: { percent: 0 } }, 'when/percent', 'percent_range'],
    [{ when: { percent: 101 } }, 'when/percent', 'percent_range'],
    [{ when: { before: 0 } }, 'when/before', 'not_positive'],
    [{ when: { before: 28_800 } }, 'when/before', 'before_target'],
    [{ when: { after: 0 } }, 'when/after', 'not_positive'],
    [{ when: { after: -1 } }, 'when/after', 'not_positive'],
    [{ when: { after: 100_000_000 } }, 'when/after', 'sla_horizon_exceeded'],
    [{ level: 0 }, 'level', 'level_range'],
    [{ level: 10 }, 'level', 'level_range'],
    [{ whilePaused: true }, 'whilePaused', 'before_breach'],
    [{ whilePaused: true, when: 'at_breach' }, 'whilePaused', 'before_breach'],
    [{ priorities: [] }, 'priorities', 'no_value'],
    [{ actions: [] }, 'actions', 'no_action'],
    [{ clock: 'agent_work' }, 'clock', 'no_target'],
    [{ clock: 'agent_work', priorities: ['high'] }, 'clock', 'no_target'],
  ])('%j', (rung, field, rule) => {
    expect(withRung(rung)).toEqual([[`/policies/0/rungs/0/${field}`, rule]]);
  });

  test('that pause with the clock may say so anywhere', () => {
    expect(withRung({ whilePaused: false })).toEqual([]);
  });

  const targets = { resolution: { low: 7200, urgent: 600 }, periodic_update: {} };

  test('a warning is measured against every budget it can meet', () => {
    expect(problems({ targets, rungs: [aRung({ when: { before: 600 } })] })).toEqual([
      ['/policies/0/rungs/0/when/before', 'before_target'],
    ]);
    expect(problems({ targets, rungs: [aRung({ when: { before: 600 }, priorities: ['low'] })] })).toEqual([]);
  });

  test('priorities without a target are named', () => {
    expect(problems({ targets, rungs: [aRung({ priorities: ['low', 'high'] })] })).toEqual([
      ['/policies/0/rungs/0/priorities/1', 'no_target'],
    ]);
    expect(problems({ targets, rungs: [aRung({ clock: 'periodic_update' })] })).toEqual([['/policies/0/rungs/0/clock', 'no_target']]);
  });

  test('time on a calendar nobody knows is not measured', () => {
    const calendar = { use: 'policy', id: 'nowhere' } as const;
    expect(problems({ calendar, rungs: [aRung({ when: { after: 100_000_000 } })] })).toEqual([
      ['/policies/0/calendar/id', 'unknown_calendar'],
    ]);
  });
});

describe('actions', () => {
  const at = '/policies/0/rungs/0/actions/0';

  test.each<[RungAction, string, string]>([
    [notify(), 'notify/to', 'no_addressee'],
    [notify('assignee', 'boss'), 'notify/to/1', 'unknown_addressee'],
    [notify('user:someone'), 'notify/to/0', 'unknown_addressee'],
    [notify('role:boss'), 'notify/to/0', 'unknown_role'],
    [notify(`user:${nobody}`), 'notify/to/0', 'unknown_user'],
    [notify(`team:${nobody}`), 'notify/to/0', 'unknown_team'],
    [{ reassign: { team: asTeamId(nobody) } }, 'reassign/team', 'unknown_team'],
    [{ open_escalation: { to: { kind: 'team', id: nobody }, ackWithin: 60 } }, 'open_escalation/to/id', 'unknown_team'],
    [{ open_escalation: { to: { kind: 'specialist', id: nobody }, ackWithin: 60 } }, 'open_escalation/to/id', 'unknown_user'],
    [{ open_escalation: { to: { kind: 'admin', id: user }, ackWithin: 60 } }, 'open_escalation/to/id', 'id_for_kind'],
    [{ open_escalation: { to: { kind: 'lead', id: user }, ackWithin: 60 } }, 'open_escalation/to/id', 'id_for_kind'],
    [{ open_escalation: { to: { kind: 'team' }, ackWithin: 0 } }, 'open_escalation/ackWithin', 'not_positive'],
    [{ open_escalation: { to: { kind: 'specialist' }, ackWithin: 100_000_000 } }, 'open_escalation/ackWithin', 'sla_horizon_exceeded'],
  ])('%j', (action, field, rule) => {
    expect(withAction(action)).toEqual([[`${at}/${field}`, rule]]);
    expect(withAction(action, { fallbackRecipient: true })).toEqual([[`${at}/${field}`, rule]]);
  });

  test('an acknowledgement is due after the rung, however late that is', () => {
    const rungs = [aRung({ when: { after: 3600 }, actions: [{ open_escalation: { to: { kind: 'team' }, ackWithin: 1 } }] })];
    expect(problems({ rungs }, { reaches: (_calendar, openS) => openS <= 28_800 + 3600 })).toEqual([
      [`${at}/open_escalation/ackWithin`, 'sla_horizon_exceeded'],
    ]);
  });

  test('a target that comes with a raised priority has to exist', () => {
    const targets = { resolution: { low: 7200 } };
    const raise = (retarget?: boolean) =>
      problems({
        targets,
        rungs: [aRung({ actions: [{ raise_priority: { to: 'urgent', ...(retarget === undefined ? {} : { retarget }) } }] })],
      });
    expect(raise(true)).toEqual([[`${at}/raise_priority/to`, 'no_target']]);
    expect([raise(false), raise()]).toEqual([[], []]);
  });

  const nobodyThere: RungAction[] = [
    notify(`team:${emptyTeam}`),
    notify('role:admin', 'lead'),
    notify('role:lead'),
    notify('on-call'),
    notify('on-call', `team:${emptyTeam}`),
    { open_escalation: { to: { kind: 'admin' }, ackWithin: 60 } },
    { open_escalation: { to: { kind: 'lead' }, ackWithin: 60 } },
    { open_escalation: { to: { kind: 'team', id: emptyTeam }, ackWithin: 60 } },
  ];
  test.each(nobodyThere)('%j reaches nobody, unless there is a fallback recipient', (action) => {
    const field = 'notify' in action ? `${at}/notify/to` : `${at}/open_escalation/to`;
    expect(withAction(action)).toEqual([[field, 'names_nobody']]);
    expect(withAction(action, { fallbackRecipient: true })).toEqual([]);
  });

  test('one who can be reached is enough', () => {
    expect(withAction(notify('on-call', `user:${user}`))).toEqual([]);
    expect(withAction(notify(`team:${emptyTeam}`, 'assignee'))).toEqual([]);
    const staff = new Map([
      [user, 'admin'],
      [nobody, 'lead'],
    ]);
    for (const action of nobodyThere.slice(1, 3)) expect(withAction(action, { users: staff })).toEqual([]);
    for (const action of nobodyThere.slice(5, 7)) expect(withAction(action, { users: staff })).toEqual([]);
  });
});

test('all faults are told at once, each with its place', () => {
  const bad = aPolicy({
    calendar: { use: 'policy', id: 'nowhere' },
    targets: { resolution: { high: 0 } },
    rungs: [aRung({ when: { percent: 500 }, level: 12, actions: [notify()] })],
  });
  expect(policyProblems([aPolicy({ id: 'fine' }), bad], known()).map(({ field }) => field)).toEqual([
    '/policies/1/calendar/id',
    '/policies/1/targets/resolution/high',
    '/policies/1/rungs/0/when/percent',
    '/policies/1/rungs/0/level',
    '/policies/1/rungs/0/actions/0/notify/to',
  ]);
});
