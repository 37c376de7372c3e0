/** Which open journeys an event concerns, and whether one of them takes it. Source: journeys.md, section 11; scripts.md, section 3. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concerns, consumes, earsOf, searchFor } from '../../../../domain/journey/entry/correlation.js';
import type { Ear, Instance } from '../../../../domain/journey/entry/correlation.js';
import { goalWindowMs, reachedGoals } from '../../../../domain/journey/entry/goals.js';
import { day } from '../../../../domain/time.js';
import type { Json } from '../../../../domain/journey/json.js';
import { on } from '../builders.js';
import { anEvent, compiled, guards, noon } from './scene.js';

const anInstance = (changes: Partial<Instance> = {}): Instance => ({
  journeyId: 'JRN-1',
  subject: { type: 'customer', id: 'C1' },
  input: {},
  context: {},
  openSteps: ['wait'],
  ...changes,
});
const anEar = (changes: Partial<Ear> = {}): Ear => ({ kind: 'step', step: 'wait', match: null, when: null, ...changes });

test('a template listens with its waits, completions, items, exits and goals', () => {
  const template = compiled(
    {
      exits: [
        { id: 'gone', on: 'x', outcome: 'gone', result: 'lost' },
        { id: 'late', when: 'true', outcome: 'late', result: null },
      ],
      goals: [{ id: 'won', event: 'y', when: 'true' }],
    },
    {
      wait: {
        kind: 'wait',
        event: [{ type: 'x', match: { 'event.a': 'context.a' } }],
        completeOn: [{ type: 'z' }],
        max: 'P1D',
        onMax: 'incident',
        ...on,
      },
      each: { kind: 'forEach', items: 'input.items', do: { kind: 'manual', assign: {}, completeOn: [{ type: 'x', when: 'true' }] }, ...on },
      plain: { kind: 'decision', ...on },
      person: { kind: 'manual', assign: {}, ...on },
      sleep: { kind: 'wait', for: 'P1D', ...on },
    },
  );
  expect(Object.fromEntries(earsOf(template))).toEqual({
    x: [
      { kind: 'exit', step: null, match: null, when: null },
      { kind: 'step', step: 'wait', match: { 'event.a': 'context.a' }, when: null },
      { kind: 'step', step: 'each', match: null, when: 'true' },
    ],
    y: [{ kind: 'goal', step: null, match: null, when: 'true' }],
    z: [{ kind: 'step', step: 'wait', match: null, when: null }],
  });
});

test('what reads attributes of the subject listens to their changes', () => {
  const exits = [
    { id: 'gone', when: 'subject.plan == "none"', outcome: 'gone', result: 'lost' },
    { id: 'named', on: 'x', when: 'subject.plan == "none"', outcome: 'gone', result: 'lost' },
  ];
  const steps = {
    wait: { kind: 'wait', condition: 'subject.score > 1', max: 'P1D', onMax: 'incident', ...on },
    other: { kind: 'wait', condition: 'context.score > 1', max: 'P1D', onMax: 'incident', ...on },
  };
  const watching = [
    { kind: 'exit', step: null, match: null, when: 'subject.plan == "none"' },
    { kind: 'step', step: 'wait', match: null, when: 'subject.score > 1' },
  ];
  const ofCustomers = earsOf(compiled({ exits }, steps));
  expect([...ofCustomers.keys()]).toEqual(['usher.subject_changed', 'x']);
  expect(ofCustomers.get('usher.subject_changed')).toEqual(watching);
  const ofTickets = earsOf(compiled({ exits, subject: { type: 'ticket', id: 'input.ticketId' } }, steps));
  for (const type of [
    'ticket.updated',
    'ticket.assigned',
    'ticket.status_changed',
    'ticket.resolved',
    'ticket.reopened',
    'ticket.closed',
  ]) {
    expect(ofTickets.get(type), type).toEqual(watching);
  }
  // What cannot be seen from here takes no event away from a trigger.
  const change = anEvent({ type: 'usher.subject_changed', subject: 'customer/C1' });
  expect(consumes(change, watching as Ear[], anInstance(), guards, noon)).toBe(false);
});

describe('an event concerns', () => {
  const matching = anEar({ match: { 'event.data.order': 'context.order' } });
  test.each([
    ['its subject', anEvent(), [anEar()], anInstance(), true],
    ['nobody else', anEvent({ customerId: 'C2' }), [anEar()], anInstance(), false],
    ['no template without an ear', anEvent(), [], anInstance(), false],
    ['the journey it names', anEvent({ customerId: 'C2', journeyId: 'JRN-1' }), [anEar()], anInstance(), true],
    ['only the journey it names', anEvent({ journeyId: 'JRN-2' }), [anEar()], anInstance(), false],
    [
      'what is declared to be equal',
      anEvent({ customerId: 'C2', data: { order: 'O1' } }),
      [matching],
      anInstance({ context: { order: 'O1' } }),
      true,
    ],
    ['not what is declared and differs', anEvent({ data: { order: 'O2' } }), [matching], anInstance({ context: { order: 'O1' } }), false],
    ['not what is declared and absent', anEvent(), [matching], anInstance(), false],
    [
      'what lies in a text, perhaps',
      anEvent({ data: { order: 'O2' } }),
      [matching],
      anInstance({ context: { order: { $ref: 'c' } } }),
      true,
    ],
    [
      'an order by its data',
      anEvent({ customerId: 'C9', data: { orderId: 'O1' } }),
      [anEar()],
      anInstance({ subject: { type: 'order', id: 'O1' } }),
      true,
    ],
  ])('%s', (_, event, ears, instance, answer) => {
    expect(concerns(event, ears, instance)).toBe(answer);
  });
});

describe('an instance takes an event', () => {
  test.each([
    ['by an open step', [anEar()], {}, true],
    ['not by a step that is not open', [anEar({ step: 'other' })], {}, false],
    ['by an exit at any time', [anEar({ kind: 'exit', step: null })], { openSteps: [] }, true],
    ['not by a goal', [anEar({ kind: 'goal', step: null })], {}, false],
    ['when its guard holds', [anEar({ when: 'context.score > 5.0' })], { context: { score: 6 } }, true],
    ['not when its guard does not hold', [anEar({ when: 'context.score > 5.0' })], { context: { score: 1 } }, false],
    ['not when its guard has no value', [anEar({ when: 'context.score > 5.0' })], {}, false],
    ['not when nothing is equal', [anEar({ match: { 'event.customerId': 'context.id' } })], { context: { id: 'C2' } }, false],
    ['not when another subject is meant', [anEar()], { subject: { type: 'customer', id: 'C2' } }, false],
  ] as const)('%s', (_, ears, changes, answer) => {
    expect(consumes(anEvent(), ears, anInstance(changes), guards, noon)).toBe(answer);
  });

  test('not one that is meant for another journey', () => {
    expect(consumes(anEvent({ journeyId: 'JRN-2' }), [anEar({ kind: 'exit' })], anInstance(), guards, noon)).toBe(false);
  });
});

describe('what is looked for', () => {
  test.each([
    [
      'subjects',
      anEvent({ leadId: 'L1', data: { orderId: 'O1' } }),
      [anEar()],
      { journeyId: null, subjects: ['C1', 'L1', 'O1'], pairs: [], all: false },
    ],
    ['the journey named', anEvent({ journeyId: 'JRN-1' }), [anEar()], { journeyId: 'JRN-1', subjects: ['C1'], pairs: [], all: false }],
    [
      'a pair that SQL can see',
      anEvent({ data: { order: 'O1' } }),
      [anEar({ match: { 'event.id': 'journey.id', 'event.data.order': 'context.order' } })],
      { pairs: [{ root: 'context', name: 'order', value: 'O1' }], all: false },
    ],
    [
      'nothing where the event lacks a member',
      anEvent(),
      [anEar({ match: { 'event.data.order': 'context.order' } })],
      { pairs: [], all: false },
    ],
    ['nothing for a match without pairs', anEvent(), [anEar({ match: {} })], { pairs: [], all: false }],
    [
      'everything where SQL cannot see it',
      anEvent(),
      [anEar({ match: { 'event.customerId': 'steps.a.output.id' } })],
      { pairs: [], all: true },
    ],
  ])('%s', (_, event, ears, search) => {
    expect(searchFor(event, ears)).toMatchObject(search);
  });

  const id = fc.constantFrom('A', 'B');
  const event = fc.record({ customerId: id, leadId: id, data: fc.record({ order: id }, { requiredKeys: [] }) }, { requiredKeys: ['data'] });
  const ear = fc.record({
    kind: fc.constantFrom('step', 'exit'),
    match: fc.option(
      fc.constantFrom({ 'event.data.order': 'context.order' }, { 'event.customerId': 'input.customer' }, { 'event.leadId': 'subject.id' }),
    ),
  });
  const instance = fc.record({
    subject: fc.record({ type: fc.constantFrom('customer', 'lead', 'order'), id }),
    context: fc.record({ order: fc.oneof(id, fc.constant({ $ref: 'c' })) }, { requiredKeys: [] }),
    input: fc.record({ customer: id }, { requiredKeys: [] }),
  });

  test('finds every journey that is concerned', () => {
    fc.assert(
      fc.property(event, fc.array(ear, { minLength: 1, maxLength: 3 }), instance, (given, kinds, known) => {
        const ears = kinds.map((one) => anEar(one));
        const { customerId: _its, ...bare } = anEvent();
        const occurred = { ...bare, ...given };
        const candidate = anInstance(known);
        if (!concerns(occurred, ears, candidate)) return;
        const { subjects, pairs, all } = searchFor(occurred, ears);
        const isSeen = pairs.some(({ root, name, value }) => {
          const theirs = candidate[root][name];
          return theirs === value || (typeof theirs === 'object' && theirs !== null);
        });
        expect(all || isSeen || subjects.includes(candidate.subject.id)).toBe(true);
      }),
    );
  });
});

const paid = (at: number, amount: Json = 10) => anEvent({ type: 'paid', at, data: { amount } });

describe('goals of a journey that is over', () => {
  const template = compiled({
    goals: [
      { id: 'plain', event: 'paid' },
      { id: 'short', event: 'paid', window: 'P1D', value: 'event.data.amount' },
      { id: 'big', event: 'paid', when: 'event.data.amount > 50.0', match: { 'event.customerId': 'input.customerId' } },
      { id: 'other', event: 'left' },
    ],
  });
  const over = { ...anInstance({ input: { customerId: 'C1' } }), startedAt: noon };
  const reached = (event: ReturnType<typeof paid>) => reachedGoals(template, event, over, guards, event.at);

  test('count inside their window', () => {
    expect(reached(paid(noon + day))).toEqual([
      { goal: 'plain', value: null },
      { goal: 'short', value: 10 },
    ]);
    expect(reached(paid(noon + day + 1)).map(({ goal }) => goal)).toEqual(['plain']);
    expect(reached(paid(noon + goalWindowMs)).map(({ goal }) => goal)).toEqual(['plain']);
    expect(reached(paid(noon + goalWindowMs + 1))).toEqual([]);
  });

  test('ask their guard and their match', () => {
    expect(reached(paid(noon + 2 * day, 60)).map(({ goal }) => goal)).toEqual(['plain', 'big']);
  });

  test('have a value only where it is a number', () => {
    expect(reached(paid(noon, 'much')).find(({ goal }) => goal === 'short')).toEqual({ goal: 'short', value: null });
  });

  test('are not those of another journey', () => {
    expect(reached({ ...paid(noon), journeyId: 'JRN-2' })).toEqual([]);
    expect(reachedGoals(compiled(), paid(noon), over, guards, noon)).toEqual([]);
  });
});
