/** Blocks, lists, child journeys and messages. Source: journeys.md, sections 2 and 13; scripts.md, section 3. */
import { describe, expect, test } from 'vitest';
import { number, run, to } from './driver.js';

const call = (step = '$join') => ({ kind: 'automated', action: 'a@1', ...to(step) });
const task = (step = '$join') => ({ kind: 'manual', ...to(step) });

describe('parallel', () => {
  test('all: goes on with the last branch', () => {
    const journey = run({
      all: { kind: 'parallel', branches: ['a', 'b'], ...to('done') },
      a: task(),
      b: { kind: 'wait', for: 'P1D', ...to('$join') },
    });
    expect([journey.view.openSteps, journey.view.currentStep]).toEqual([['all', 'a', 'b'], 'b']);
    journey.do('advance', {});
    expect([journey.stateOf('a'), journey.stateOf('all')]).toEqual(['completed', 'open']);
    journey.to('+1d');
    expect(journey.at('all')).toMatchObject({ state: 'completed', cause: 'join' });
    expect(journey.view.outcome).toBe('done');
  });

  test('any: the losers are cancelled with all they had asked for', () => {
    const journey = run(
      {
        first: { kind: 'parallel', branches: ['a', 'b', 'c', 'd'], join: 'any', ...to('rest') },
        a: task(),
        b: call(),
        c: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P1D', ...to('$join') },
        d: { kind: 'journey', key: 'child', ...to('$join') },
        rest: task('done'),
      },
      { results: { b: ['wait'] } },
    );
    journey.do('advance', {});
    expect(['a', 'b', 'c', 'd'].map((step) => journey.stateOf(step))).toEqual(['completed', 'superseded', 'superseded', 'superseded']);
    expect(journey.all('dropAction')).toHaveLength(1);
    expect(journey.all('tellHandoff')).toMatchObject([{ word: { kind: 'cancel' } }]);
    expect(journey.all('cancelChild')).toMatchObject([{ journey: 'JRN-child' }]);
    expect(journey.view.openSteps).toEqual(['rest']);
    journey.tell({ kind: 'done', effect: journey.asked('action').id, output: {} });
    expect(journey.at('b')).toMatchObject({ state: 'superseded', lateResult: { kind: 'done' } });
  });

  test('two of three', () => {
    const journey = run({ some: { kind: 'parallel', branches: ['a', 'b', 'c'], join: 2, ...to('done') }, a: task(), b: task(), c: task() });
    journey.do('advance', { expectStep: 'c' });
    expect(journey.view.status).toBe('active');
    journey.do('advance', { expectStep: 'a' });
    expect([journey.view.outcome, journey.stateOf('b')]).toEqual(['done', 'superseded']);
  });

  test('branches that end at once supersede those that have not begun', () => {
    const journey = run({
      first: { kind: 'parallel', branches: ['a', 'b'], join: 'any', ...to('done') },
      a: { kind: 'automated', ...to('$join') },
      b: task(),
    });
    expect([journey.view.status, journey.stateOf('b')]).toEqual(['completed', 'superseded']);
  });

  test('blocks in blocks', () => {
    const journey = run({
      outer: { kind: 'parallel', branches: ['inner', 'x'], ...to('done') },
      inner: { kind: 'parallel', branches: ['deepest', 'b'], join: 'any', ...to('after') },
      deepest: { kind: 'parallel', branches: ['c', 'd'], ...to('$join') },
      b: task(),
      c: task(),
      d: task(),
      after: task(),
      x: task(),
    });
    expect(journey.view.openSteps).toEqual(['outer', 'inner', 'x', 'deepest', 'b', 'c', 'd']);
    journey.do('advance', { expectStep: 'b' });
    expect(['deepest', 'c', 'd', 'inner'].map((step) => journey.stateOf(step))).toEqual([
      'superseded',
      'superseded',
      'superseded',
      'completed',
    ]);
    journey.do('advance', { expectStep: 'after' });
    journey.do('advance', { expectStep: 'x' });
    expect(journey.view.outcome).toBe('done');
  });

  test('an incident parks its branch, the others go on', () => {
    const journey = run(
      { all: { kind: 'parallel', branches: ['a', 'b'], ...to('done') }, a: call(), b: task() },
      { results: { a: [{ $fail: 'No', retryable: false }, {}] } },
    );
    journey.do('advance', {});
    expect([journey.stateOf('a'), journey.stateOf('b'), journey.view.status]).toEqual(['incident', 'completed', 'incident']);
    journey.do('retry', { step: 'a' });
    expect(journey.view.outcome).toBe('done');
  });

  test('an end in a branch ends it all', () => {
    const journey = run({ all: { kind: 'parallel', branches: ['a', 'b'], ...to('done') }, a: task('gone'), b: task() });
    journey.do('advance', { expectStep: 'a' });
    expect([journey.view.outcome, journey.stateOf('b'), journey.stateOf('all')]).toEqual(['gone', 'cancelled', 'cancelled']);
  });
});

const list = (changes = {}, step: object = { kind: 'automated', action: 'a@1', input: { who: 'item.id', all: 'item' } }) => ({
  each: { kind: 'forEach', items: 'input.items', do: step, ...changes, ...to('done') },
});

describe('forEach', () => {
  test('runs so many at a time, each with its item', () => {
    const items = ['i1', 'i2', 'i3', 'i4'];
    const journey = run(list({ maxConcurrency: 2 }), { input: { items }, results: { each: ['wait'] } });
    const running = () => journey.state.visits.flatMap(({ item }) => item ?? []);
    expect(running()).toEqual(['i1', 'i2']);
    const answer = (item: string) => journey.tell({ kind: 'done', effect: `each.1.${item}/action.1`, output: {} });
    answer('i2');
    expect(running()).toEqual(['i1', 'i3']);
    answer('i1');
    answer('i3');
    expect(journey.at('each')?.state).toBe('open');
    answer('i4');
    expect(journey.at('each')).toMatchObject({
      state: 'completed',
      cause: 'join',
      output: { items: 4, completed: 4, skipped: 0, failed: [] },
    });
    expect(journey.all('action').map(({ item, input }) => [item, input['all']])).toEqual(items.map((item) => [item, item]));
  });

  test('five at a time without a word; no items are done at once', () => {
    const journey = run(list(), { input: { items: [1, 2, 3, 4, 5, 6, 7] }, results: { each: ['wait'] } });
    expect(journey.open).toHaveLength(5);
    expect(run(list(), { input: { items: [] } }).view.outcome).toBe('done');
  });

  test('items are named by themselves or their id, else by number', () => {
    const journey = run(list({ maxConcurrency: 9 }), {
      input: { items: ['a', { id: 'b' }, 'a', { x: 1 }, 'no name', 7] },
      results: { each: ['wait'] },
    });
    expect(journey.all('action').map(({ item }) => item)).toEqual(['a', 'b', '#3', '#4', '#5', '7']);
  });

  test('the failure that is one too many parks the list: what runs finishes, nothing new begins', () => {
    const journey = run(list({ maxConcurrency: 2, tolerateFailures: 1 }), {
      input: { items: ['i1', 'i2', 'i3', 'i4', 'i5'] },
      results: {
        'each.i1': [{ $fail: 'No', retryable: false }, {}],
        'each.i2': [{ $fail: 'No', retryable: false }, {}],
        'each.i3': ['wait'],
        each: [{}],
      },
    });
    expect(journey.at('each')).toMatchObject({
      state: 'incident',
      incident: { code: 'action_failed', detail: { item: 'i2', failed: ['i1', 'i2'], tolerateFailures: 1 } },
    });
    journey.tell({ kind: 'done', effect: 'each.1.i3/action.1', output: {} });
    expect(journey.at('each', 1, 'i4')).toBeUndefined();
    expect(journey.at('each', 1, 'i1')).toMatchObject({ state: 'failed' });
    journey.do('retry', { step: 'each' });
    expect(journey.at('each')).toMatchObject({ state: 'completed', output: { items: 5, completed: 5, failed: [] } });
  });

  test('failures within tolerance, optional items and skipped ones', () => {
    const step = { kind: 'automated', action: 'a@1', when: 'item != "i3"' };
    const world = { input: { items: ['i1', 'i2', 'i3'] }, results: { 'each.i1': [{ $fail: 'No', retryable: false }] } };
    expect(run(list({ tolerateFailures: 1 }, step), world).at('each')?.output).toEqual({
      items: 3,
      completed: 1,
      skipped: 1,
      failed: ['i1'],
    });
    expect(run(list({}, { ...step, optional: true }), world).at('each')?.output).toEqual({
      items: 3,
      completed: 2,
      skipped: 1,
      failed: [],
    });
  });

  test('what is no list, or too long', () => {
    expect(run(list(), { input: { items: 'x' } }).at('each')?.incident).toMatchObject({ code: 'requirement_missing' });
    const items = Array.from({ length: 501 }, (_, index) => index);
    expect(run(list(), { input: { items } }).at('each')?.incident).toMatchObject({ detail: { limit: 500 } });
  });

  test('a caught failure of an item leads out of the list', () => {
    const step = { kind: 'automated', action: 'a@1', retry: { maxAttempts: 1 }, catch: [{ errors: ['No'], to: 'help' }] };
    const journey = run(
      { ...list({ maxConcurrency: 2 }, step), help: task('done') },
      { input: { items: ['i1', 'i2'] }, results: { 'each.i1': ['wait'], 'each.i2': [{ $fail: 'No' }] } },
    );
    expect([journey.stateOf('help'), journey.at('each')?.state, journey.at('each', 1, 'i1')?.state]).toEqual([
      'open',
      'failed',
      'superseded',
    ]);
  });

  test('tasks for items are told apart by their item', () => {
    const journey = run(list({}, { kind: 'manual' }), { input: { items: ['i1', 'i2'] } });
    expect(journey.do('advance', {})).toBe('ambiguous');
    expect(journey.do('claim', { step: 'each', item: 'i2' })).toBeNull();
    expect(journey.at('each', 1, 'i2')?.task?.assignee).toBe('ada');
    expect(journey.do('advance', { item: 'i2' })).toBeNull();
    expect(journey.do('advance', {})).toBeNull();
    expect(journey.view.outcome).toBe('done');
  });

  test('handoffs of items have names of their own', () => {
    const journey = run(list({}, { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P1D' }), {
      input: { items: ['i1', 'i2'] },
    });
    expect(journey.all('openHandoff').map(({ start }) => [start.step, start.visit, start.item])).toEqual([
      ['each', 1, 'i1'],
      ['each', 1, 'i2'],
    ]);
    journey.handoff('each.1.i1', 'completed').handoff('each.1.i2', 'completed');
    expect(journey.view.outcome).toBe('done');
  });
});

describe('child journeys', () => {
  const child = {
    kind: 'journey',
    key: 'other',
    version: 2,
    input: { who: 'input.customerId' },
    transitions: [
      { to: 'done', outcome: 'fine' },
      { to: 'gone', default: true },
    ],
  };

  test('the step takes the outcome of the child', () => {
    const journey = run({ child }, { input: { customerId: 'C1' } });
    const id = journey.all('openChild')[0]?.id ?? '';
    expect(journey.all('openChild')[0]).toMatchObject({ key: 'other', version: 2, input: { who: 'C1' } });
    expect(journey.stateOf('child')).toBe('open');
    journey.tell({ kind: 'childEnded', effect: id, outcome: 'fine', result: 'won' });
    expect(journey.at('child')).toMatchObject({ outcome: 'fine', cause: 'child', output: { outcome: 'fine', result: 'won' } });
    expect([journey.view.outcome, journey.all('cancelChild')]).toEqual(['done', []]);
  });

  test('one that may not start is tried again, then an incident', () => {
    const journey = run({ child: { ...child, retry: { maxAttempts: 2 } } }, { silent: ['openChild'] });
    journey.tell({ kind: 'failed', effect: journey.asked('openChild').id, error: 'capacity', retryable: true }).to('+1s');
    expect(journey.open).toHaveLength(2);
    journey.tell({ kind: 'failed', effect: journey.open[1]?.id ?? '', error: 'capacity', retryable: true });
    expect(journey.at('child')?.incident).toMatchObject({ code: 'action_failed', detail: { error: 'capacity', attempts: 2 } });
  });

  test('one that begins after it was called off is cancelled', () => {
    const journey = run({ child }, { silent: ['openChild'] });
    journey.do('cancel', {});
    journey.tell({ kind: 'childStarted', effect: journey.asked('openChild').id, journey: 'JRN-9' });
    expect(journey.all('cancelChild')).toMatchObject([{ journey: 'JRN-9' }]);
  });
});

describe('touchpoints', () => {
  const mail = { kind: 'touchpoint', channel: 'email', template: 'hello', ...to('done') };

  test.each(['sent', 'capped', 'failed'] as const)('%s: the journey goes on', (outcome) => {
    const journey = run({ mail }, { touchpoints: [outcome] }, { defaults: { frequencyCap: { count: 2, per: 'week' } } });
    expect(journey.at('mail')).toMatchObject({ state: 'completed', outcome });
    expect(journey.all('touchpoint')[0]).toMatchObject({
      channel: 'email',
      template: 'hello',
      notBefore: null,
      cap: { count: 2, per: 'week' },
    });
  });

  test('S13: due at 05:30 it is held to 06:00, and the next step is not blocked', () => {
    const journey = run({
      night: { kind: 'wait', until: { local: '05:30' }, ...to('mail') },
      mail: { ...mail, quietHours: { from: '22:00', to: '06:00' }, ...to('rest') },
      rest: task('done'),
    });
    journey.to('+20h30m');
    expect(journey.at('mail')).toMatchObject({ state: 'completed', outcome: 'held' });
    expect(journey.asked('touchpoint').notBefore).toBe(Date.parse('2026-01-06T06:00:00Z'));
    expect(journey.stateOf('rest')).toBe('open');
    journey.restart();
    expect(journey.asked('touchpoint').notBefore).toBe(Date.parse('2026-01-06T06:00:00Z'));
    journey.tell({ kind: 'done', effect: journey.asked('touchpoint').id, output: {}, outcome: 'sent' });
    expect(journey.state.held).toEqual([]);
  });

  test('with advance false it waits for the message', () => {
    const journey = run({ mail: { ...mail, quietHours: { from: '08:00', to: '10:00' }, advance: false } });
    expect(journey.stateOf('mail')).toBe('open');
    journey.tell({ kind: 'done', effect: journey.asked('touchpoint').id, output: {}, outcome: 'sent' });
    expect(journey.at('mail')).toMatchObject({ outcome: 'sent' });
  });

  test('a held message goes with a journey that is cancelled', () => {
    const journey = run({ mail: { ...mail, quietHours: { from: '08:00', to: '10:00' }, ...to('rest') }, rest: task('done') });
    journey.do('cancel', {});
    expect(journey.all('dropAction')).toMatchObject([{ action: journey.asked('touchpoint').id }]);
  });
});

describe('service levels of a step', () => {
  const one = { kind: 'manual', sla: { target: 'PT10H' }, ...to('done') };

  test('warns at four fifths, then breaches; nothing else happens', () => {
    const journey = run({ one }).to('+2d');
    expect(journey.emitted('journey.step.warned')).toMatchObject([{ step: 'one', after: '+8h' }]);
    expect(journey.emitted('journey.step.breached')).toMatchObject([{ step: 'one', after: '+10h' }]);
    expect(journey.stateOf('one')).toBe('open');
  });

  test('counts open time where the template has a calendar', () => {
    const journey = run({ one }, { openHours: 17 }, { defaults: { calendar: 'office' } }).to('+3d');
    expect(journey.all('openTime')).toMatchObject([{ calendar: 'office', amountsMs: [28_800_000, 36_000_000] }]);
    expect(journey.emitted('journey.step.breached')).toMatchObject([{ after: '+17h' }]);
  });

  test.each([
    ['incident', 'incident', 'pending'],
    ['route:help', 'completed', 'open'],
    ['late', 'completed', 'open'],
  ])('onBreach %s', (onBreach, state, help) => {
    const journey = run({
      one: {
        ...one,
        sla: { target: 'PT10H', warnAt: 0.5, onBreach },
        transitions: [
          { to: 'help', outcome: 'late' },
          { to: 'done', outcome: 'completed' },
        ],
      },
      help: task('done'),
    }).to('+10h');
    expect([journey.at('one', 1)?.state, journey.stateOf('help')]).toEqual([state, help]);
    expect(journey.emitted('journey.step.warned')).toMatchObject([{ after: '+5h' }]);
  });

  test('what is parked for being late goes on as it was', () => {
    const journey = run({ one: { kind: 'wait', for: 'P1D', sla: { target: 'PT10H', onBreach: 'incident' }, ...to('done') } }).to('+12h');
    expect(journey.at('one')?.incident?.code).toBe('action_timeout');
    journey.do('retry', { step: 'one' });
    journey.to('+1d');
    expect(journey.emitted('journey.ended')).toMatchObject([{ after: '+1d' }]);
  });

  test('done in time is not late, be it at the last instant', () => {
    const journey = run({ one: { kind: 'wait', for: 'PT10H', sla: { target: 'PT10H' }, ...to('two') }, two: task('done') }).to('+2d');
    expect(journey.emitted('journey.step.breached')).toEqual([]);
  });
});

test('a number of a variable is what an item leaves', () => {
  const journey = run(
    {
      each: {
        kind: 'forEach',
        items: 'input.items',
        do: { kind: 'automated', action: 'a@1', output: { last: 'steps.each.output.n' } },
        ...to('done'),
      },
    },
    { input: { items: [1, 2] }, results: { 'each.1': [{ n: 5 }], 'each.2': [{ n: 6 }] } },
    { context: { last: number } },
  );
  expect(journey.view.context).toEqual({ last: 6 });
});
