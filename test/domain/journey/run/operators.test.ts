/** Repairing, pausing, undoing, exits and goals. Source: journeys.md, sections 2, 7, 11 and 13. */
import { describe, expect, test } from 'vitest';
import { number, run, text, to } from './driver.js';

const fails = { $fail: 'No', retryable: false } as const;
const call = { kind: 'automated', action: 'a@1', ...to('done') };
const task = (step: string) => ({ kind: 'manual', ...to(step) });

describe('repair', () => {
  test('S21: a retry of step 3 of 5 runs that one alone, with a full budget', () => {
    const chain = {
      a: { ...call, ...to('b') },
      b: { ...call, ...to('c') },
      c: { ...call, input: { x: 'context.x' }, retry: { maxAttempts: 2 }, ...to('d') },
      d: { ...call, ...to('e') },
      e: call,
    };
    const journey = run(
      chain,
      { results: { c: [{ $fail: 'Busy' }, { $fail: 'Busy' }, { $fail: 'Busy' }, {}] } },
      { context: { x: number } },
    ).to('+1m');
    expect(journey.at('c')).toMatchObject({ state: 'incident', attempts: 2 });
    journey.do('updateContext', { patch: { x: 4 } });
    expect(journey.try('retry', { step: 'c' })).toMatchObject({ ok: true, said: { version: 1 } });
    journey.do('retry', { step: 'c' });
    journey.to('+2m');
    expect(journey.at('c')).toMatchObject({ visit: 1, state: 'completed', attempts: 4 });
    expect(journey.all('action').map(({ step, attempt }) => `${step}${attempt}`)).toEqual(['a1', 'b1', 'c1', 'c2', 'c3', 'c4', 'd1', 'e1']);
    expect(journey.all('action').map(({ input }) => input['x'])).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      4,
      4,
      undefined,
      undefined,
    ]);
    expect(journey.emitted('journey.incident.resolved')).toMatchObject([{ step: 'c', reason: 'action_failed', how: 'retry' }]);
  });

  test('retry with another input', () => {
    const journey = run({ one: { ...call, input: { x: 'input.x' } } }, { input: { x: 1 }, results: { one: [fails, {}] } });
    journey.do('retry', { step: 'one', input: { x: 2 } });
    expect(journey.all('action').map(({ input }) => input['x'])).toEqual([1, 2]);
  });

  const verbs = [
    ['retry', {}],
    ['completeWith', { outcome: 'completed' }],
    ['skip', {}],
    ['goto', { to: 'done' }],
  ] as const;

  test.each(verbs)('%s needs an incident, a step and, but for retry, a reason', (verb, fields) => {
    const journey = run({ one: { ...call, skippable: true } }, { results: { one: ['wait'] } });
    expect(journey.do(verb, { step: 'one', ...fields })).toBe('no_incident');
    expect(journey.do(verb, { step: 'nope', ...fields })).toBe('unknown_step');
    expect(journey.try(verb, { step: 'one', ...fields, reason: undefined } as never)).toMatchObject({
      code: verb === 'retry' ? 'no_incident' : 'reason_required',
    });
    // The form of the Web UI cannot store a text.
    const byHand = { step: 'one', ...fields, reason: undefined, role: 'operator', source: 'operator' };
    expect(journey.try(verb, byHand as never)).toMatchObject({ code: 'no_incident' });
  });

  test('completeWith is checked like the step itself', () => {
    const form = { type: 'object', properties: { plan: { type: 'string' } }, required: ['plan'] };
    const one = {
      kind: 'manual',
      requires: [{ path: 'context.x' }],
      form,
      outcomes: ['yes', 'no'],
      transitions: [
        { to: 'done', outcome: 'yes' },
        { to: 'gone', outcome: 'no' },
      ],
    };
    const journey = run({ one }, {}, { context: { x: number, plan: text } });
    expect(journey.try('completeWith', { step: 'one', outcome: 'maybe' })).toMatchObject({
      code: 'unknown_outcome',
      members: { outcomes: ['yes', 'no'] },
    });
    expect(journey.try('completeWith', { step: 'one', outcome: 'yes' })).toMatchObject({
      code: 'output_invalid',
      members: { paths: ['/plan is required'] },
    });
    expect(journey.do('completeWith', { step: 'one', outcome: 'yes', output: { plan: 'a' } })).toBeNull();
    expect(journey.at('one')).toMatchObject({ state: 'completed', outcome: 'yes', cause: 'operator' });
    expect(journey.view).toMatchObject({ outcome: 'done', context: { plan: 'a' } });
  });

  test('skip takes the output made for it, where the template lets it', () => {
    const one = { ...call, output: { score: 'steps.one.output.score' }, skipOutput: { score: 7 } };
    const world = { results: { one: [fails] } };
    expect(run({ one }, world, { context: { score: number } }).do('skip', { step: 'one' })).toBe('not_skippable');
    const journey = run({ one: { ...one, skippable: true } }, world, { context: { score: number } });
    journey.do('skip', { step: 'one' });
    expect(journey.at('one')).toMatchObject({ state: 'skipped' });
    expect(journey.view).toMatchObject({ outcome: 'done', context: { score: 7 } });
  });

  test('goto leaves the parked step for another one', () => {
    const journey = run(
      { one: call, two: { ...task('done'), requires: [{ path: 'context.score' }] } },
      { results: { one: [fails] } },
      { context: { score: number } },
    );
    expect(journey.try('goto', { step: 'one', to: 'two', context: { score: 'x' } })).toMatchObject({ code: 'context_invalid' });
    expect(journey.do('goto', { step: 'one', to: 'nope' })).toBe('unknown_step');
    expect(journey.do('goto', { step: 'one', to: 'two', context: { score: 3 } })).toBeNull();
    expect([journey.stateOf('one'), journey.stateOf('two'), journey.view.status]).toEqual(['cancelled', 'open', 'active']);
    expect(journey.emitted('journey.modified')).toMatchObject([{ from: 'one', to: 'two', changed: ['score'] }]);
  });

  const block = {
    all: { kind: 'parallel', branches: ['a', 'x'], ...to('after') },
    a: { ...call, ...to('b') },
    b: task('$join'),
    x: task('$join'),
    after: task('done'),
  };

  test('goto within a branch stays in it; out of a block it leaves the whole block; into one is refused', () => {
    const world = { results: { a: [fails] } };
    const within = run(block, world);
    within.do('goto', { step: 'a', to: 'b' });
    within.do('advance', { expectStep: 'b' });
    within.do('advance', { expectStep: 'x' });
    expect(within.stateOf('after')).toBe('open');
    const out = run(block, world);
    out.do('goto', { step: 'a', to: 'after' });
    expect(['a', 'x', 'all', 'after'].map((step) => out.stateOf(step))).toEqual(['cancelled', 'cancelled', 'cancelled', 'open']);
    expect(run({ one: { ...call, ...to('all') }, ...block }, { results: { one: [fails] } }).do('goto', { step: 'one', to: 'b' })).toBe(
      'invalid_request',
    );
  });

  test('no_transition_matched: another outcome, or the same after a change', () => {
    const one = {
      kind: 'manual',
      outcomes: ['yes', 'no'],
      transitions: [
        { to: 'done', outcome: 'yes' },
        { to: 'gone', outcome: 'no', when: 'context.score > 5' },
      ],
    };
    const journey = run({ one }, { input: { score: 1 } }, { context: { score: number } });
    journey.do('advance', { outcome: 'no' });
    expect(journey.at('one')).toMatchObject({ state: 'incident', endedAt: null, incident: { code: 'no_transition_matched' } });
    expect(journey.view.openSteps).toEqual(['one']);
    journey.do('updateContext', { patch: { score: 9 } });
    journey.do('retry', { step: 'one' });
    expect(journey.view.outcome).toBe('gone');
  });

  test('a wait that parks when it has waited long enough begins anew', () => {
    const journey = run(
      { one: { kind: 'wait', condition: 'has(context.score)', max: 'P1D', onMax: 'incident', ...to('done') } },
      {},
      { context: { score: number } },
    ).to('+2d');
    expect(journey.at('one')?.incident).toMatchObject({ code: 'action_timeout', detail: { cause: 'max' } });
    journey.do('retry', { step: 'one' });
    expect(journey.at('one')).toMatchObject({ state: 'open', dueAt: journey.now + 86_400_000 });
  });

  test('what came while a step was parked for a reason that is not its own counts when it goes on', () => {
    const limits = { limits: { maxDuration: 'P1D' } };
    const visit = run(
      { one: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P9D', ...to('done') } },
      {},
      limits,
    ).to('+1d');
    visit.handoff('one.1', 'completed');
    expect(visit.stateOf('one')).toBe('incident');
    visit.do('retry', { step: 'one' });
    expect(visit.view.outcome).toBe('done');
    const child = run({ one: { kind: 'journey', key: 'other', ...to('done') } }, {}, limits).to('+1d');
    child.tell({ kind: 'childEnded', effect: child.all('openChild')[0]?.id ?? '', outcome: 'fine', result: 'won' });
    expect(child.stateOf('one')).toBe('incident');
    child.do('retry', { step: 'one' });
    expect(child.view.outcome).toBe('done');
    const event = run({ one: { kind: 'wait', event: [{ type: 'x' }], max: 'P9D', onMax: 'received', ...to('done') } }, {}, limits).to(
      '+2d',
    );
    event.say('x');
    expect(event.stateOf('one')).toBe('incident');
    event.do('retry', { step: 'one' });
    expect(event.at('one')).toMatchObject({ state: 'completed', cause: 'event' });
  });
});

const paid = {
  a: { ...call, compensate: 'refund@1', input: { x: 'input.x' }, ...to('b') },
  b: { ...call, compensate: 'release@1', ...to('c') },
  c: task('done'),
};
const bought = (undo = {}) => run(paid, { input: { x: 1 }, results: { a: [{ n: 5 }], ...undo } });

/** The release is refused three times. */
const stuck = () => {
  const journey = bought({ 'undo b': [{ $fail: 'Busy' }, { $fail: 'Busy' }, { $fail: 'Busy' }, {}] });
  journey.do('compensateAndEnd', {});
  return journey.to('+1h');
};

describe('undoing', () => {
  test('undoes what was completed, the last first, then is cancelled', () => {
    const journey = bought();
    expect(journey.do('compensateAndEnd', {})).toBeNull();
    expect(
      journey
        .all('action')
        .slice(2)
        .map(({ action, step, input, undoes }) => [action, step, input, undoes]),
    ).toEqual([
      ['release@1', 'b', {}, true],
      ['refund@1', 'a', { x: 1, n: 5 }, true],
    ]);
    expect(journey.emitted('journey.step.compensated').map(({ step }) => step)).toEqual(['b', 'a']);
    expect(journey.view).toMatchObject({ status: 'cancelled', result: null });
    expect(journey.stateOf('c')).toBe('cancelled');
  });

  test('what cannot be undone parks it; a retry tries again, by hand it counts as done', () => {
    const journey = stuck();
    expect(journey.at('b')).toMatchObject({
      state: 'incident',
      incident: { code: 'compensation_failed', detail: { error: 'Busy', attempts: 3 } },
    });
    expect(journey.view.status).toBe('incident');
    expect(journey.do('skip', { step: 'b' })).toBe('not_skippable');
    expect(journey.do('retry', { step: 'a' })).toBe('no_incident');
    expect(journey.do('retry', { step: 'b' })).toBeNull();
    expect(journey.view.status).toBe('cancelled');
    const byHand = stuck();
    expect(byHand.do('completeWith', { step: 'b', outcome: 'completed' })).toBeNull();
    expect(byHand.emitted('journey.step.compensated').map(({ step, cause }) => [step, cause])).toEqual([
      ['b', 'operator'],
      ['a', 'action'],
    ]);
    const given = stuck();
    given.do('cancel', {});
    expect(given.view.status).toBe('cancelled');
  });

  test('nothing to undo ends at once', () => {
    const journey = run({ c: task('done') });
    journey.do('compensateAndEnd', {});
    expect(journey.view.status).toBe('cancelled');
  });
});

describe('pause', () => {
  const wait = { one: { kind: 'wait', for: 'P5D', ...to('done') } };

  test('S10a: paused on day 2 of 5 for 3 days, shift: it wakes on day 8', () => {
    const journey = run(wait).to('+2d');
    journey.do('pause', { deadlines: 'shift' });
    expect(journey.view.status).toBe('paused');
    journey.to('+5d');
    journey.do('resume', {});
    journey.to('+30d');
    expect(journey.emitted('journey.ended')).toMatchObject([{ after: '+8d', outcome: 'done' }]);
    expect(journey.emitted('journey.resumed')).toMatchObject([{ pausedMs: 3 * 86_400_000, deadlines: 'shift' }]);
  });

  test('keep leaves the deadlines, and overdue ones fire at the resume', () => {
    const journey = run(wait).to('+2d');
    journey.do('pause', { deadlines: 'keep' });
    journey.to('+9d');
    expect(journey.view.status).toBe('paused');
    journey.do('resume', {});
    journey.to('+9d1s');
    expect(journey.emitted('journey.ended')).toMatchObject([{ after: '+9d' }]);
  });

  test.each([
    ['shift', 'keep', '+5d'],
    ['keep', 'shift', '+6d'],
  ] as const)('a pause that says %s, resumed with %s', (said, instead, after) => {
    const journey = run(wait).to('+2d');
    journey.do('pause', { deadlines: said });
    journey.to('+3d');
    journey.do('resume', { deadlines: instead });
    expect(journey.emitted('journey.resumed')).toMatchObject([{ deadlines: instead }]);
    journey.to('+9d');
    expect(journey.emitted('journey.step.completed', 'one')).toMatchObject([{ after }]);
  });

  test('a handoff whose people may go on stands still all the same, and is told how long', () => {
    const journey = run({ give: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P1D', ...to('done') } });
    journey.do('pause', { freezeTasks: false });
    journey.to('+1h');
    journey.do('resume', { deadlines: 'keep' });
    expect(journey.all('tellHandoff').map(({ word }) => word)).toEqual([
      { kind: 'pause', freezeTasks: false },
      { kind: 'resume', shiftMs: 0 },
    ]);
  });

  test('no timers, no commands; facts are kept and worked in at the resume', () => {
    const journey = run(
      {
        one: { ...call, ...to('two') },
        two: { kind: 'wait', event: [{ type: 'x' }], max: 'P9D', onMax: 'received', ...to('three') },
        three: task('done'),
      },
      { results: { one: ['wait'] } },
    );
    journey.do('pause', {});
    expect(['advance', 'claim', 'retry', 'pause'].map((verb) => journey.do(verb as 'claim', { step: 'one' }))).toEqual(
      Array(4).fill('journey_paused'),
    );
    journey
      .tell({ kind: 'done', effect: journey.asked('action').id, output: {} })
      .say('x')
      .say('x', {}, { id: 'e1' });
    expect([journey.stateOf('one'), journey.events.at(-1)?.type]).toEqual(['open', 'journey.paused']);
    journey.restart();
    expect(journey.open).toEqual([]);
    expect(journey.do('resume', {})).toBeNull();
    expect(journey.stateOf('one')).toBe('completed');
    expect(journey.do('resume', {})).toBe('journey_not_paused');
  });

  test('variables may change meanwhile; what they decide follows at the resume', () => {
    const journey = run(
      { one: { kind: 'wait', condition: 'has(context.score)', max: 'P9D', onMax: 'met', ...to('done') } },
      {},
      { context: { score: number } },
    );
    journey.do('pause', {});
    journey.do('updateContext', { patch: { score: 1 } });
    expect(journey.stateOf('one')).toBe('open');
    journey.do('resume', {});
    expect(journey.view.outcome).toBe('done');
  });

  test('tasks that are not frozen go on, and take their way at the resume', () => {
    const journey = run({
      agree: {
        kind: 'approval',
        approvers: { users: ['ann'] },
        quorum: 'any',
        within: 'P1D',
        onTimeout: 'reject',
        transitions: [
          { to: 'done', outcome: 'approved' },
          { to: 'gone', outcome: 'rejected' },
        ],
      },
    });
    journey.do('pause', { freezeTasks: false });
    expect(journey.do('vote', { step: 'agree', decision: 'approve', actor: 'user/ann' })).toBeNull();
    expect(journey.view.status).toBe('paused');
    journey.do('resume', {});
    expect(journey.view.outcome).toBe('done');
    const frozen = run({
      agree: {
        kind: 'approval',
        approvers: { users: ['ann'] },
        quorum: 'any',
        within: 'P1D',
        onTimeout: 'reject',
        transitions: [
          { to: 'done', outcome: 'approved' },
          { to: 'gone', outcome: 'rejected' },
        ],
      },
    });
    frozen.do('pause', {});
    expect(frozen.do('vote', { step: 'agree', decision: 'approve', actor: 'user/ann' })).toBe('journey_paused');
    frozen.to('+3d');
    frozen.do('resume', {});
    frozen.to('+9d');
    expect(frozen.emitted('approval.closed')).toMatchObject([{ outcome: 'rejected', after: '+4d' }]);
  });

  test('attempts, claims and handoffs stand still too', () => {
    const journey = run(
      {
        all: { kind: 'parallel', branches: ['a', 'b', 'c'], ...to('done') },
        a: { ...call, retry: { initial: 'PT1H', max: 'PT1H', maxAttempts: 2 }, ...to('$join') },
        b: { kind: 'manual', claimFor: 'PT2H', ...to('$join') },
        c: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P1D', ...to('$join') },
      },
      { results: { a: [{ $fail: 'Busy' }, {}] } },
    );
    journey.do('claim', { step: 'b' });
    journey.to('+30m');
    journey.do('pause', {});
    journey.to('+1d');
    journey.do('resume', {});
    journey.to('+3d');
    expect(journey.emitted('journey.step.completed', 'a')).toMatchObject([{ after: '+1d30m' }]);
    expect(journey.emitted('journey.task.assigned', 'b').at(-1)).toMatchObject({ reason: 'expired', after: '+1d1h30m' });
    expect(journey.all('tellHandoff').map(({ word }) => word)).toEqual([{ kind: 'pause' }, { kind: 'resume', shiftMs: 84_600_000 }]);
  });
});

describe('exits', () => {
  const exit = { id: 'left', on: 'crm:left', outcome: 'left', result: 'lost' };
  const one = { kind: 'wait', for: 'P30D', ...to('done') };

  test('S11: an exit event on day 1 of 30', () => {
    const journey = run({ one }, {}, { exits: [exit] })
      .to('+1d')
      .say('crm:left');
    expect(journey.view).toMatchObject({ status: 'completed', outcome: 'left', result: 'lost', progress: 0 });
    expect(journey.stateOf('one')).toBe('cancelled');
    expect(journey.emitted('journey.ended')).toMatchObject([{ after: '+1d', exit: 'left', eventId: 'e1' }]);
  });

  test('its match and guard have to hold, and the first in order counts', () => {
    const exits = [
      { ...exit, match: { 'event.data.plan': 'context.plan' }, when: 'event.data.n > 1' },
      { ...exit, id: 'other', outcome: 'other' },
    ];
    expect(
      run({ one }, { input: { plan: 'a' } }, { exits, context: { plan: text } }).say('crm:left', { plan: 'a', n: 2 }).view.outcome,
    ).toBe('left');
    expect(
      run({ one }, { input: { plan: 'a' } }, { exits, context: { plan: text } }).say('crm:left', { plan: 'b', n: 2 }).view.outcome,
    ).toBe('other');
  });

  test('an event serves open steps first', () => {
    const journey = run(
      { one: { kind: 'wait', event: [{ type: 'crm:left' }], max: 'P9D', onMax: 'received', ...to('two') }, two: task('done') },
      {},
      { exits: [exit] },
    );
    journey.say('crm:left');
    expect([journey.stateOf('one'), journey.view.status]).toEqual(['completed', 'active']);
    journey.say('crm:left');
    expect(journey.view.outcome).toBe('left');
  });

  test('an event that a step found in the log is no exit when its signal comes', () => {
    const journey = run(
      {
        zero: task('one'),
        one: { kind: 'wait', event: [{ type: 'crm:left' }], consume: 'since_start', max: 'P9D', onMax: 'received', ...to('two') },
        two: task('done'),
      },
      {},
      { exits: [exit] },
    );
    journey.say('crm:left', {}, { id: 'x1', isUnheard: true });
    journey.do('advance', {});
    expect(journey.stateOf('one')).toBe('completed');
    journey.say('crm:left', {}, { id: 'x1' });
    expect(journey.view.status).toBe('active');
  });

  test('without an event it is tested on each change', () => {
    const exits = [{ id: 'poor', when: 'context.score < 10', outcome: 'poor', result: 'lost' }];
    const journey = run({ one }, { input: { score: 50 } }, { exits, context: { score: number } });
    journey.do('updateContext', { patch: { score: 20 } });
    expect(journey.view.status).toBe('active');
    journey.do('updateContext', { patch: { score: 5 } });
    expect(journey.view.outcome).toBe('poor');
  });

  test('one without a value is an incident, not false', () => {
    const exits = [{ id: 'poor', when: 'context.score < 10', outcome: 'poor', result: 'lost' }];
    const journey = run({ one }, {}, { exits, context: { score: number, other: number } });
    journey.do('updateContext', { patch: { other: 1 } });
    expect(journey.at('one')?.incident).toMatchObject({ code: 'guard_error', detail: { path: 'context.score', exit: 'poor' } });
    journey.do('updateContext', { patch: { score: 50 } });
    journey.do('retry', { step: 'one' });
    journey.to('+30d');
    expect(journey.emitted('journey.ended')).toMatchObject([{ after: '+30d', outcome: 'done' }]);
  });

  test('waitForStep lets what is open finish, and nothing new begin', () => {
    const exits = [{ ...exit, waitForStep: true }];
    const journey = run(
      { all: { kind: 'parallel', branches: ['a', 'b'], ...to('done') }, a: task('c'), b: task('$join'), c: task('$join') },
      {},
      { exits },
    );
    journey.say('crm:left');
    expect(journey.view.status).toBe('active');
    journey.do('advance', { expectStep: 'a' });
    expect(journey.stateOf('c')).toBe('pending');
    journey.do('advance', { expectStep: 'b' });
    expect(journey.view).toMatchObject({ status: 'completed', outcome: 'left' });
    expect(journey.stateOf('all')).toBe('cancelled');
  });
});

describe('goals', () => {
  const goals = [
    { id: 'converted', event: 'crm:lead_converted', when: 'event.data.amount > 0', window: 'P30D', value: 'event.data.amount' },
  ];
  const one = { kind: 'wait', for: 'P5D', ...to('done') };

  test('count once, inside their window, also after the end', () => {
    const journey = run({ one }, {}, { goals }).say('crm:lead_converted', { amount: 0 }).to('+20d');
    expect(journey.view.status).toBe('completed');
    journey.say('crm:lead_converted', { amount: 9 }).say('crm:lead_converted', { amount: 7 });
    expect(journey.emitted('journey.goal.reached')).toMatchObject([{ goal: 'converted', value: 9, after: '+20d' }]);
    expect(journey.view).toMatchObject({ status: 'completed', outcome: 'done' });
  });

  test('not after their window', () => {
    const journey = run({ one }, {}, { goals }).to('+31d').say('crm:lead_converted', { amount: 9 });
    expect(journey.emitted('journey.goal.reached')).toEqual([]);
    expect(journey.all('weigh')).toEqual([]);
  });

  test('an event that serves a step counts as well', () => {
    const journey = run(
      { one: { kind: 'wait', event: [{ type: 'crm:lead_converted' }], max: 'P5D', onMax: 'received', ...to('two') }, two: task('done') },
      {},
      { goals },
    );
    journey.say('crm:lead_converted', { amount: 3 });
    expect([journey.stateOf('one'), journey.emitted('journey.goal.reached').length]).toEqual(['completed', 1]);
  });

  test('endsJourney ends it won', () => {
    const journey = run({ one }, {}, { goals: [{ ...goals[0], endsJourney: true }] }).say('crm:lead_converted', { amount: 3 });
    expect(journey.view).toMatchObject({ status: 'completed', result: 'won', outcome: 'converted', progress: 100 });
  });
});
