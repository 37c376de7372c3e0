/** Waits. Source: journeys.md, sections 2 and 13; scripts.md, section 3. */
import { describe, expect, test } from 'vitest';
import { number, run, text, to } from './driver.js';

const next = {
  transitions: [
    { to: 'done', outcome: 'met' },
    { to: 'gone', outcome: 'late' },
    { to: 'done', default: true },
  ],
};

test('for so long', () => {
  const journey = run({ one: { kind: 'wait', for: 'P2D', ...to('done') } });
  expect(journey.at('one')).toMatchObject({ state: 'open', dueAt: journey.now + 2 * 86_400_000 });
  expect(journey.emitted('journey.timer.scheduled')).toMatchObject([{ step: 'one', timer: 'elapse' }]);
  journey.to('+1d23h');
  expect(journey.stateOf('one')).toBe('open');
  journey.to('+2d');
  expect(journey.at('one')).toMatchObject({ state: 'completed', outcome: 'elapsed', cause: 'elapsed' });
  expect(journey.emitted('journey.ended')).toMatchObject([{ after: '+2d' }]);
});

describe('until', () => {
  test.each([
    ['an instant written out', { until: '2026-01-07T09:00:00Z' }, {}, '+2d'],
    ['a variable, less a day', { until: 'context.dueAt', offset: '-P1D', max: 'P30D' }, { dueAt: '2026-01-07T09:00:00Z' }, '+1d'],
    ['a variable in milliseconds', { until: 'input.at' }, { at: Date.parse('2026-01-05T10:00:00Z') }, '+1h'],
    ['an attribute of the subject', { until: 'subject.renewal' }, {}, '+1h30m'],
    ['a time of day', { until: { local: '10:30' } }, {}, '+1h30m'],
    ['a time of day that is past today', { until: { local: '08:00' } }, {}, '+23h'],
  ])('%s', (_, wait, input, after) => {
    const journey = run(
      { one: { kind: 'wait', ...wait, ...to('done') } },
      { input, attributes: { renewal: '2026-01-05T10:30:00Z' } },
      { context: { dueAt: text } },
    );
    journey.to('+20d');
    expect(journey.emitted('journey.step.completed', 'one')).toMatchObject([{ outcome: 'elapsed', after }]);
  });

  test('a time of day that is reached at the entry passes at once, like an instant that is past', () => {
    const journey = run({
      one: { kind: 'wait', until: { local: '09:00' }, ...to('two') },
      two: { kind: 'wait', until: '2020-01-01T00:00:00Z', ...to('done') },
    });
    expect(journey.view.status).toBe('completed');
    expect(journey.emitted('journey.timer.scheduled')).toEqual([]);
  });

  test('what is no instant parks it', () => {
    const journey = run(
      { one: { kind: 'wait', until: 'context.dueAt', max: 'P1D', ...to('done') } },
      { input: { dueAt: 'soon' } },
      { context: { dueAt: text } },
    );
    expect(journey.at('one')?.incident).toEqual({ code: 'requirement_missing', detail: { paths: ['context.dueAt'] } });
  });

  test('it is over after its longest time', () => {
    const journey = run({ one: { kind: 'wait', until: '2026-03-01T00:00:00Z', max: 'P2D', onMax: 'late', ...next } }).to('+60d');
    expect(journey.emitted('journey.step.completed', 'one')).toMatchObject([{ outcome: 'late', cause: 'max', after: '+2d' }]);
  });
});

describe('conditions', () => {
  const one = { kind: 'wait', condition: 'has(context.score) && context.score > 5', max: 'P7D', onMax: 'late', ...next };
  const open = (input = {}) => run({ one }, { input }, { context: { score: number } });

  test('S5: it becomes true on day 3 of 7', () => {
    const journey = open().to('+3d');
    journey.do('updateContext', { patch: { score: 9 } });
    expect(journey.at('one')).toMatchObject({ outcome: 'met', cause: 'condition' });
    journey.to('+30d');
    expect(journey.emitted('journey.ended')).toMatchObject([{ outcome: 'done', after: '+3d' }]);
  });

  test('S6: nothing happens for 7 days', () => {
    const journey = open().to('+30d');
    expect(journey.emitted('journey.step.completed', 'one')).toMatchObject([{ outcome: 'late', cause: 'max', after: '+7d' }]);
    expect(journey.view.outcome).toBe('gone');
  });

  test('already true passes without a timer', () => {
    const journey = open({ score: 6 });
    expect(journey.view.status).toBe('completed');
    expect(journey.emitted('journey.timer.scheduled')).toEqual([]);
  });

  test('a change that leaves it false waits on, each time it is asked once', () => {
    const journey = open();
    journey.do('updateContext', { patch: { score: 1 } });
    journey.do('updateContext', { patch: { score: 2 } });
    expect(journey.all('guards')).toHaveLength(3);
    expect(journey.stateOf('one')).toBe('open');
  });

  test('a change while it is being asked has it asked again', () => {
    const journey = run({ one }, { silent: ['guards'] }, { context: { score: number } });
    const [first] = journey.all('guards');
    journey.do('updateContext', { patch: { score: 9 } });
    expect(journey.all('guards')).toHaveLength(1);
    journey.tell({ kind: 'guards', effect: first?.id ?? '', choice: { chosen: null, trace: [] } });
    expect(journey.all('guards')).toHaveLength(2);
    expect(journey.all('guards')[1]?.data).toMatchObject({ context: { score: 9 } });
  });

  test('one without a value parks it', () => {
    const journey = run({ one: { ...one, condition: 'context.score > 5' } }, {}, { context: { score: number } });
    expect(journey.at('one')?.incident).toMatchObject({ code: 'guard_error', detail: { path: 'context.score' } });
  });

  test('an event lets it look again', () => {
    const journey = run({ one: { ...one, condition: 'subject.active == true' } }, { attributes: { active: false } });
    journey.attributes = { active: true };
    journey.say('crm:changed');
    expect(journey.at('one')).toMatchObject({ outcome: 'met', cause: 'condition' });
    expect(journey.emitted('journey.step.completed', 'one')).toMatchObject([{ cause: 'condition', eventId: 'e1' }]);
  });

  test('what a step before it left counts as a change', () => {
    const wait = { kind: 'wait', condition: 'has(steps.b.output.ok)', max: 'P1D', onMax: 'late', transitions: [{ to: '$join' }] };
    const journey = run(
      { all: { kind: 'parallel', branches: ['a', 'b'], ...to('done') }, a: wait, b: { kind: 'automated', action: 'x@1', ...to('$join') } },
      { results: { b: ['wait'] } },
    );
    journey.tell({ kind: 'done', effect: journey.asked('action').id, output: { ok: true } });
    expect(journey.at('a')).toMatchObject({ outcome: 'met' });
  });
});

describe('events', () => {
  const paid = { type: 'billing:paid', match: { 'event.customerId': 'subject.id' }, when: 'event.data.amount > 0' };
  const one = {
    kind: 'wait',
    event: [paid],
    max: 'P7D',
    onMax: 'late',
    output: { amount: 'event.data.amount' },
    transitions: [
      { to: 'done', outcome: 'received' },
      { to: 'gone', outcome: 'late' },
    ],
  };
  const open = (changes = {}, before = {}) => run({ ...before, one: { ...one, ...changes } }, {}, { context: { amount: number } });

  test('the first that fits completes it, and its data reach the variables', () => {
    const journey = open()
      .say('billing:paid', { amount: 0 })
      .say('other', { amount: 9 })
      .say('billing:paid', { amount: 9 }, { envelope: { customerId: 'C2' } });
    expect(journey.stateOf('one')).toBe('open');
    journey.to('+1d').say('billing:paid', { amount: 5 });
    expect(journey.at('one')).toMatchObject({ outcome: 'received', cause: 'event' });
    expect(journey.view).toMatchObject({ context: { amount: 5 }, outcome: 'done' });
    expect(journey.emitted('journey.step.completed', 'one')).toMatchObject([{ cause: 'event', eventId: 'e4' }]);
  });

  test('without a match it has to concern the subject', () => {
    const journey = open({ event: [{ type: 'billing:paid', outcome: 'received' }] }).say(
      'billing:paid',
      {},
      { envelope: { customerId: 'C2' } },
    );
    expect(journey.stateOf('one')).toBe('open');
    expect(journey.say('billing:paid').stateOf('one')).toBe('completed');
  });

  test('a guard without a value parks it', () => {
    expect(open().say('billing:paid').at('one')?.incident).toMatchObject({ code: 'guard_error', detail: { path: 'event.data.amount' } });
  });

  test('the same event twice counts once', () => {
    const loop = {
      ...one,
      transitions: [
        { to: 'one', outcome: 'received' },
        { to: 'gone', outcome: 'late' },
      ],
    };
    const journey = run({ one: loop }, {}, { context: { amount: number } });
    journey.say('billing:paid', { amount: 1 }, { id: 'p1' }).say('billing:paid', { amount: 1 }, { id: 'p1' });
    expect(journey.at('one')).toMatchObject({ visit: 2, state: 'open' });
  });

  const before = { kind: 'manual', ...to('one') };
  test.each([
    ['new', 'open'],
    ['since_entry', 'open'],
    ['since_start', 'completed'],
  ])('S7a: an event came before the wait, %s: %s', (consume, state) => {
    const journey = open({ consume }, { before }).to('+1h').say('billing:paid', { amount: 5 }, { isUnheard: true }).to('+2h');
    journey.do('advance', {});
    expect(journey.stateOf('one')).toBe(state);
    if (state === 'completed') expect(journey.emitted('journey.timer.scheduled')).toEqual([]);
  });

  test('new is what came after the entry, be it of the same instant as one before', () => {
    const journey = run(
      { before: { kind: 'wait', event: [{ type: 'billing:paid' }], max: 'P1D', onMax: 'received', ...to('one') }, one },
      {},
      { context: { amount: number } },
    );
    journey.say('billing:paid', { amount: 5 });
    expect([journey.stateOf('before'), journey.stateOf('one')]).toEqual(['completed', 'open']);
  });

  test('since_entry: what came between two visits counts, what an earlier visit consumed does not', () => {
    const loop = {
      ...one,
      consume: 'since_entry',
      transitions: [
        { to: 'between', outcome: 'received' },
        { to: 'gone', outcome: 'late' },
      ],
    };
    const journey = run({ one: loop, between: { kind: 'manual', ...to('one') } }, {}, { context: { amount: number } });
    journey.to('+1h').say('billing:paid', { amount: 1 }, { id: 'p1' });
    journey.do('advance', {});
    expect(journey.at('one')).toMatchObject({ visit: 2, state: 'open' });
    journey.to('+2h').say('billing:paid', { amount: 2 }, { id: 'p2' });
    journey.to('+3h').say('billing:paid', { amount: 3 }, { id: 'p3', isUnheard: true });
    journey.do('advance', {});
    expect(journey.at('one', 3)).toMatchObject({ state: 'completed' });
    journey.do('advance', {});
    expect(journey.at('one', 4)).toMatchObject({ state: 'open' });
  });

  test('the starting event is not among those since the start', () => {
    const startedBy = { id: 'e0', type: 'billing:paid', at: Date.parse('2026-01-05T09:00:00Z'), data: { amount: 5 } };
    const journey = run({ one: { ...one, consume: 'since_start' } }, { startedBy }, { context: { amount: number } });
    expect(journey.stateOf('one')).toBe('open');
  });

  test('it has looked back before its longest time may pass', () => {
    const journey = run({ one }, { silent: ['lookBack'] }, { context: { amount: number } }).to('+8d');
    expect(journey.stateOf('one')).toBe('open');
    journey.tell({ kind: 'found', effect: journey.asked('lookBack').id, events: [] }).to('+8d1s');
    expect(journey.at('one')).toMatchObject({ outcome: 'late' });
  });
});
