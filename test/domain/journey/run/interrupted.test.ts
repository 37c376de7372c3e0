/** Steps that are parked for a reason that is not their own, and expressions without a value wherever they stand. Source: journeys.md, sections 5 and 7. */
import { describe, expect, test } from 'vitest';
import { gatesOf } from '../../../../domain/journey/run/reduce.js';
import { number, run, to } from './driver.js';
import type { World } from './driver.js';

/** Parked after a day, whatever it does. */
const parked = (step: object, world: World = {}, more: Record<string, unknown> = {}, changes = {}) => {
  const journey = run({ one: { ...to('done'), ...step }, ...more }, world, { limits: { maxDuration: 'P1D' }, ...changes }).to('+1d');
  expect(journey.emitted('journey.incident.opened')).toMatchObject([{ reason: 'max_duration', after: '+1d' }]);
  return journey;
};

describe('a step that is parked from outside goes on where it was', () => {
  test('an action is begun anew', () => {
    const journey = parked({ kind: 'automated', action: 'a@1', timeouts: { attempt: 'P2D' } }, { results: { one: ['wait', {}] } });
    expect(journey.all('dropAction')).toHaveLength(1);
    journey.do('retry', { step: 'one' });
    expect([journey.view.outcome, journey.at('one')?.attempts]).toEqual(['done', 2]);
  });

  test('a message is asked for again', () => {
    const journey = parked({ kind: 'touchpoint', channel: 'email', template: 'x' }, { touchpoints: ['wait', 'sent'] });
    journey.do('retry', { step: 'one' });
    expect(journey.at('one')).toMatchObject({ outcome: 'sent' });
  });

  test('a child that runs is waited for', () => {
    const journey = parked({ kind: 'journey', key: 'other' });
    journey.do('retry', { step: 'one' });
    expect(journey.all('openChild')).toHaveLength(1);
    journey.tell({ kind: 'childEnded', effect: journey.all('openChild')[0]?.id ?? '', outcome: 'fine', result: 'won' });
    expect(journey.view.outcome).toBe('done');
  });

  test('a vote stands as it was, and people who were on their way are looked up again', () => {
    const agree = {
      kind: 'approval',
      approvers: { users: ['ann'] },
      quorum: 'all',
      within: 'P9D',
      onTimeout: 'incident',
      escalation: [{ after: 'PT23H', action: 'add', to: { users: ['bea'] } }],
    };
    const journey = run({ one: { ...agree, ...to('done') } }, { silent: ['people'] }, { limits: { maxDuration: 'P1D' } });
    journey.tell({ kind: 'people', effect: journey.asked('people').id, people: [{ id: 'ann', roles: [] }], fault: null }).to('+1d');
    expect(journey.stateOf('one')).toBe('incident');
    expect(gatesOf(journey.state)).toMatchObject([{ step: 'one', visit: 1, gate: { round: 1, required: 1 } }]);
    journey.do('retry', { step: 'one' });
    expect(journey.all('people').map(({ who }) => who.users)).toEqual([['ann'], ['bea'], ['bea']]);
    journey.tell({ kind: 'people', effect: journey.all('people')[2]?.id ?? '', people: [{ id: 'bea', roles: [] }], fault: null });
    expect(gatesOf(journey.state)).toMatchObject([{ gate: { required: 2, outcome: null } }]);
  });

  test('a vote that had not opened opens', () => {
    const journey = run(
      { one: { kind: 'approval', approvers: { users: ['ann'] }, quorum: 'any', ...to('done') } },
      { silent: ['people'] },
      { limits: { maxDuration: 'P1D' } },
    ).to('+1d');
    journey.do('retry', { step: 'one' });
    journey.tell({ kind: 'people', effect: journey.all('people')[1]?.id ?? '', people: [{ id: 'ann', roles: [] }], fault: null });
    expect(journey.emitted('approval.opened')).toHaveLength(1);
  });

  test('a list begins what is left', () => {
    const journey = parked(
      { kind: 'forEach', items: 'input.items', maxConcurrency: 1, do: { kind: 'automated', action: 'a@1', timeouts: { attempt: 'P2D' } } },
      { input: { items: ['x', 'y'] }, results: { 'one.x': ['wait'], 'one.y': [{}] } },
    );
    journey.tell({ kind: 'done', effect: 'one.1.x/action.1', output: {} });
    expect(journey.at('one', 1, 'y')).toBeUndefined();
    journey.do('retry', { step: 'one' });
    expect(journey.view.outcome).toBe('done');
  });

  test('a time of day that was being worked out, an attribute that was being looked up', () => {
    const local = run(
      { one: { kind: 'wait', until: { local: '10:00' }, ...to('done') } },
      { silent: ['localTime'] },
      { limits: { maxDuration: 'P1D' } },
    ).to('+1d');
    local.do('retry', { step: 'one' });
    local.tell({ kind: 'instant', effect: local.all('localTime')[1]?.id ?? '', at: local.now + 5 }).to('+2d');
    expect(local.view.outcome).toBe('done');
    const lookup = run(
      { one: { kind: 'manual', input: { plan: 'subject.plan' }, ...to('done') } },
      { silent: ['values'] },
      { limits: { maxDuration: 'P1D' } },
    ).to('+1d');
    lookup.do('retry', { step: 'one' });
    lookup.tell({ kind: 'values', effect: lookup.all('values')[1]?.id ?? '', values: {} });
    expect(lookup.emitted('journey.step.entered', 'one')).toHaveLength(1);
  });

  test('a guard on the way in, a guard on the way out', () => {
    for (const [step, index] of [
      [{ kind: 'manual', when: 'true' }, 1],
      [
        {
          kind: 'decision',
          transitions: [
            { to: 'done', when: 'true' },
            { to: 'gone', default: true },
          ],
        },
        1,
      ],
    ] as const) {
      const journey = run({ one: { ...to('done'), ...step } }, { silent: ['guards'] }, { limits: { maxDuration: 'P1D' } }).to('+1d');
      expect(journey.stateOf('one')).toBe('incident');
      journey.do('retry', { step: 'one' });
      journey.tell({ kind: 'guards', effect: journey.all('guards')[index]?.id ?? '', choice: { chosen: 0, trace: [] } });
      expect(journey.view.status === 'completed' || journey.stateOf('one') === 'open').toBe(true);
    }
  });

  test('its promises are kept in sight meanwhile, and lead nowhere', () => {
    const journey = parked({ kind: 'manual', sla: { target: 'P2D', onBreach: 'route:gone' } }).to('+3d');
    expect(journey.emitted('journey.step.breached')).toMatchObject([{ after: '+2d' }]);
    expect(journey.stateOf('one')).toBe('incident');
  });
});

describe('expressions without a value', () => {
  const missing = 'context.score > 1';
  const context = { context: { score: number } };
  const guardError = { code: 'guard_error', detail: { expression: missing, path: 'context.score', reason: 'missing' } };

  test('on the way in', () => {
    const journey = run({ one: { kind: 'manual', when: missing, ...to('done') } }, {}, context);
    expect(journey.at('one')?.incident).toEqual(guardError);
    journey.do('updateContext', { patch: { score: 5 } });
    journey.do('retry', { step: 'one' });
    expect(journey.stateOf('one')).toBe('open');
  });

  test('of an event that was found, of an exit with an event, of a goal', () => {
    const wait = {
      kind: 'wait',
      event: [{ type: 'x', when: missing }],
      consume: 'since_start',
      max: 'P1D',
      onMax: 'received',
      ...to('done'),
    };
    const journey = run({ zero: { kind: 'manual', ...to('one') }, one: wait }, {}, context).say('x', {}, { isUnheard: true });
    journey.do('advance', {});
    expect(journey.at('one')?.incident).toEqual(guardError);
    const exits = [{ id: 'left', on: 'x', when: missing, outcome: 'left', result: 'lost' }];
    const exit = run({ one: { kind: 'manual', ...to('done') } }, {}, { ...context, exits }).say('x');
    expect(exit.at('one')?.incident).toMatchObject({ code: 'guard_error', detail: { exit: 'left', path: 'context.score' } });
    const goals = [{ id: 'goal', event: 'x', when: missing }];
    const goal = run({ one: { kind: 'manual', ...to('done') } }, {}, { ...context, goals }).say('x');
    expect(goal.at('one')?.incident).toMatchObject({ code: 'guard_error', detail: { goal: 'goal' } });
  });

  test('of people', () => {
    const task = run({ one: { kind: 'manual', assign: { expr: 'context.people' }, ...to('done') } });
    expect(task.at('one')?.incident).toMatchObject({ code: 'guard_error', detail: { expression: 'context.people' } });
    const gate = { kind: 'approval', quorum: 'all', within: 'P2D', onTimeout: 'incident', ...to('done') };
    expect(run({ one: { ...gate, approvers: { expr: 'context.people' } } }).at('one')?.incident).toMatchObject({
      code: 'guard_error',
      detail: { expression: 'context.people' },
    });
    const rung = run({
      one: { ...gate, approvers: { users: ['ann'] }, escalation: [{ after: 'P1D', action: 'add', to: { expr: 'context.people' } }] },
    }).to('+1d');
    expect(rung.at('one')?.incident).toMatchObject({ code: 'guard_error' });
  });

  test('of an item it is a failure of that item', () => {
    const journey = run(
      { one: { kind: 'forEach', items: 'input.items', tolerateFailures: 1, do: { kind: 'manual', when: 'item.n > 1' }, ...to('done') } },
      { input: { items: [{ id: 'a' }, { id: 'b', n: 0 }] } },
    );
    expect([journey.at('one', 1, 'a')?.state, journey.at('one', 1, 'b')?.state, journey.view.outcome]).toEqual([
      'failed',
      'skipped',
      'done',
    ]);
  });
});

test('a breach may answer a vote', () => {
  const gate = {
    kind: 'approval',
    approvers: { users: ['ann'] },
    quorum: 'any',
    transitions: [
      { to: 'done', outcome: 'approved' },
      { to: 'gone', outcome: 'rejected' },
    ],
  };
  expect(run({ one: { ...gate, sla: { target: 'PT1H', onBreach: 'approve' } } }).to('+1h').view.outcome).toBe('done');
  expect(run({ one: { ...gate, sla: { target: 'PT1H', onBreach: 'reject' } } }).to('+1h').view.outcome).toBe('gone');
});

test('a message that cannot be sent at all is a failed one', () => {
  const journey = run({ one: { kind: 'touchpoint', channel: 'email', template: 'x', ...to('done') } }, { touchpoints: ['wait'] });
  journey.tell({ kind: 'failed', effect: journey.asked('touchpoint').id, error: 'unknown_template', retryable: false });
  expect(journey.at('one')).toMatchObject({ state: 'completed', outcome: 'failed' });
});

test('values that only others know reach variables, personal ones as references', () => {
  const one = { kind: 'automated', output: { tier: 'subject.tier', email: 'subject.email', at: 'now' }, ...to('done') };
  const journey = run(
    { one },
    { attributes: { tier: 3, email: 'a@b.c' }, silent: ['values'] },
    { context: { tier: number, email: { schema: { type: 'string' }, pii: true }, at: { schema: { type: 'string' } } } },
  );
  expect(journey.asked('values')).toMatchObject({
    paths: { 'subject.tier': 'subject.tier', 'subject.email': 'subject.email' },
    pii: ['subject.email'],
  });
  journey.tell({ kind: 'values', effect: journey.asked('values').id, values: { 'subject.tier': 3, 'subject.email': { $ref: 'c1' } } });
  expect(journey.view.context).toEqual({ tier: 3, email: { $ref: 'c1' }, at: '2026-01-05T09:00:00.000Z' });
});

test('approvals are tasks too: one of those asked may take it, for so long', () => {
  const journey = run(
    { one: { kind: 'approval', approvers: { roles: ['boss'] }, quorum: 'any', claimFor: 'PT1H', ...to('done') } },
    { people: { ann: ['boss'] } },
  );
  expect(journey.at('one')?.task).toMatchObject({ people: ['ann'], roles: ['boss'], outcomes: ['approved', 'rejected'] });
  expect(journey.do('claim', { step: 'one', actor: 'user/eve', role: 'agent', roles: [] })).toBe('forbidden');
  expect(journey.do('claim', { step: 'one', actor: 'user/ann', role: 'agent', roles: [] })).toBeNull();
  expect(journey.do('advance', {})).toBe('nothing_to_advance');
  journey.to('+1h');
  expect(journey.at('one')?.task?.assignee).toBeNull();
});

test('cancelling calls off the handoffs apart from the steps', () => {
  const journey = run({ one: { kind: 'manual', ...to('done') } });
  journey.do('createHandoff', { from: 'crm', to: 'field-ops', mode: 'accept' });
  journey.handoff('_extra.1', 'offered').handoff('_extra.1', 'accepted');
  journey.do('cancel', {});
  expect(journey.all('tellHandoff')).toMatchObject([{ handoff: 'JRN-0000000000000001._extra.1', word: { kind: 'cancel' } }]);
});

test('a skip calls the handoff off, an advance completes it', () => {
  const journey = run({ one: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'automatic', skippable: true, ...to('done') } });
  journey.handoff('one.1', 'failed', { incident: 'handoff_timeout' });
  journey.do('skip', { step: 'one' });
  expect(journey.all('tellHandoff')).toMatchObject([{ word: { kind: 'cancel' } }]);
});

test('a jump to a step that is gone, and a branch that ends outside of a block', () => {
  expect(run({ one: { kind: 'manual', ...to('nowhere') } }).do('advance', {})).toBeNull();
  const journey = run({ one: { kind: 'manual', ...to('$join') } });
  journey.do('advance', {});
  expect(journey.at('one')?.incident).toMatchObject({ code: 'no_transition_matched', detail: { to: '$join' } });
});

test('when undoing waits between two attempts, a pause moves it too, and a new run asks again', () => {
  const journey = run(
    {
      a: { kind: 'automated', action: 'a@1', compensate: 'u@1', retry: { initial: 'PT1H', max: 'PT1H' }, ...to('b') },
      b: { kind: 'manual', ...to('done') },
    },
    { results: { 'undo a': [{ $fail: 'Busy' }, 'wait'] } },
  );
  journey.do('compensateAndEnd', {});
  journey.do('pause', {});
  journey.to('+1d');
  journey.do('resume', {});
  journey.to('+1d30m');
  expect(journey.open).toEqual([]);
  journey.to('+1d1h').restart();
  expect(journey.open).toMatchObject([{ kind: 'action', action: 'u@1', attempt: 2 }]);
  journey.tell({ kind: 'done', effect: journey.asked('action').id, output: {} });
  expect(journey.view.status).toBe('cancelled');
});
