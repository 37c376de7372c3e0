/** How steps come out, what the words of their routes mean, and what is certain to have run. Source: journeys.md, sections 2, 8 and 9; scripts.md, section 2. */
import { describe, expect, test } from 'vitest';
import { blocksOf, certainBefore, neededBranches } from '../../../domain/journey/blocks.js';
import { graphOf, walkingOrder } from '../../../domain/journey/graph.js';
import { directionOf, doneOutcome, eventOutcome, manualOutcomes, outcomesOf } from '../../../domain/journey/outcomes.js';
import type { Direction } from '../../../domain/journey/outcomes.js';
import type { Handoff, Parallel, Step } from '../../../domain/journey/step.js';
import type { JourneyTemplate } from '../../../domain/journey/template.js';
import { done, handoff, vote, wait } from './builders.js';

const as = (step: object): Step => step as Step;
const isStep = (name: string): boolean => ['two', 'late'].includes(name);

describe('words', () => {
  const step = as({ ...wait, transitions: [{ to: 'done', outcome: 'late' }, { to: 'done' }] });
  test.each<[string, boolean, Direction]>([
    ['incident', false, { kind: 'incident' }],
    ['route:two', false, { kind: 'step', to: 'two' }],
    ['two', false, { kind: 'step', to: 'two' }],
    // A step and an outcome with a transition of its own.
    ['late', false, { kind: 'outcome', outcome: 'late' }],
    ['elsewhere', false, { kind: 'outcome', outcome: 'elsewhere' }],
    ['approve', true, { kind: 'approve' }],
    ['reject', true, { kind: 'reject' }],
    ['approve', false, { kind: 'outcome', outcome: 'approve' }],
  ])('%s (of a vote: %s)', (word, votes, direction) => {
    expect(directionOf(word, step, isStep, votes)).toEqual(direction);
  });
});

test.each<[string, object, readonly string[]]>([
  ['none named', { transitions: [{ to: 'done' }] }, ['completed']],
  [
    'by its transitions',
    {
      transitions: [
        { to: 'done', outcome: 'yes' },
        { to: 'done', outcome: 'no' },
      ],
    },
    ['yes', 'no'],
  ],
  ['by itself', { outcomes: ['fine'], transitions: [{ to: 'done' }] }, ['fine']],
  ['an event takes the only one', { outcomes: ['fine'], completeOn: [{ type: 'e' }] }, ['fine']],
  [
    'an event among several',
    { outcomes: ['fine', 'bad'], completeOn: [{ type: 'e' }, { type: 'f', outcome: 'bad' }] },
    ['fine', 'bad', 'completed'],
  ],
])('outcomes of a manual step: %s', (_, step, outcomes) => {
  expect(manualOutcomes({ kind: 'manual', ...step })).toEqual(outcomes);
});

test('the outcome of an event', () => {
  expect([eventOutcome({ type: 'e', outcome: 'left' }, 'received'), eventOutcome({ type: 'e' }, 'received')]).toEqual(['left', 'received']);
});

test.each<[object, string]>([
  [{}, 'completed'],
  [{ completeAs: 'installed' }, 'installed'],
  [{ waitFor: 'accept', completeAs: 'installed' }, 'accepted'],
])('a handoff %j is done as %s', (changes, outcome) => {
  expect(doneOutcome({ ...handoff, ...changes } as Handoff)).toBe(outcome);
});

test.each<[string, object, readonly string[], readonly string[]]>([
  ['approval', vote, ['approved', 'rejected'], ['timeout']],
  ['automatic handoff', handoff, ['completed'], ['rejected', 'returned']],
  [
    'handoff to people',
    { ...handoff, mode: 'accept', onTimeout: 'incident' },
    ['completed', 'rejected', 'returned'],
    ['rejected', 'returned'],
  ],
  ['handoff after a vote', { ...handoff, mode: 'approve' }, ['completed', 'rejected'], ['rejected', 'returned']],
  ['handoff with a way back', { ...handoff, mode: 'accept', onReturn: 'two' }, ['completed'], ['rejected', 'returned']],
  ['wait', wait, ['elapsed'], []],
  ['wait for a condition', { kind: 'wait', condition: 'true', max: 'P1D', onMax: 'gone' }, ['met', 'gone'], ['timeout']],
  [
    'wait for an event',
    { kind: 'wait', event: [{ type: 'e' }, { type: 'f', outcome: 'paid' }], max: 'P1D', onMax: 'two' },
    ['received', 'paid'],
    ['timeout'],
  ],
  ['touchpoint', { kind: 'touchpoint', channel: 'email', template: 't' }, ['sent', 'held', 'capped', 'failed'], []],
  ['automated step', { kind: 'automated', sla: { target: 'PT1H', onBreach: 'slow' } }, ['slow'], ['completed']],
])('outcomes of a step: %s', (_, step, certain, possible) => {
  expect(outcomesOf(as(step), isStep)).toEqual({ certain, possible, open: false });
});

test.each<[Parallel['join'], number]>([
  [undefined, 3],
  ['all', 3],
  ['any', 1],
  [2, 2],
  [9, 3],
  [0, 1],
])('of three branches a join of %j needs %i', (join, count) => {
  expect(neededBranches({ kind: 'parallel', branches: ['a', 'b', 'c'], ...(join === undefined ? {} : { join }) })).toBe(count);
});

const to = (...targets: string[]): Step => ({ kind: 'decision', transitions: targets.map((target) => ({ to: target })) });
const template = (steps: Record<string, Step>, start = 'a'): JourneyTemplate => ({
  key: 'sample',
  name: 'Sample',
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  start,
  steps,
});

const certain = (steps: Record<string, Step>): string[] => {
  const graph = graphOf(template(steps));
  const isCertain = certainBefore(graph, 'a', blocksOf(graph, 'a'));
  const ids = Object.keys(steps);
  return ids.flatMap((later) => ids.flatMap((earlier) => (isCertain(earlier, later) ? [`${earlier} before ${later}`] : [])));
};

describe('what is certain to have run', () => {
  test('in a row, whatever the order of writing', () => {
    expect(certain({ c: done, b: to('c'), a: to('b') })).toEqual(['b before c', 'a before c', 'a before b']);
  });

  test('on two ways only what both pass', () => {
    expect(certain({ a: to('b', 'c'), b: to('d'), c: to('d'), d: done })).toEqual(['a before b', 'a before c', 'a before d']);
  });

  test('in a loop what leads into it', () => {
    expect(certain({ a: to('b'), b: to('c'), c: to('b', 'd'), d: done })).toEqual([
      'a before b',
      'a before c',
      'b before c',
      'a before d',
      'b before d',
      'c before d',
    ]);
  });

  test.each<[Parallel['join'], string[]]>([
    ['all', ['a before d', 'b before d', 'c before d']],
    ['any', ['a before d']],
  ])('behind a join of %s', (join, said) => {
    const steps = certain({
      a: { kind: 'parallel', branches: ['b', 'c'], join: join ?? 'all', transitions: [{ to: 'd' }] },
      b: to('$join'),
      c: to('$join'),
      d: done,
    });
    expect(steps.filter((pair) => pair.endsWith(' d'))).toEqual(said);
  });

  test('of a step nobody knows nothing', () => {
    const graph = graphOf(template({ a: done }));
    const isCertain = certainBefore(graph, 'a', []);
    expect([isCertain('nobody', 'a'), isCertain('a', 'nobody')]).toEqual([false, false]);
  });

  test('steps are walked before those they lead to, and what nothing leads to last', () => {
    const graph = graphOf(template({ lone: to('a'), d: done, c: to('b', 'd'), b: to('c', 'gone'), a: to('b', '$join') }));
    expect(walkingOrder(graph, 'a').map(([id]) => id)).toEqual(['a', 'b', 'c', 'd', 'lone']);
    expect(walkingOrder(graph, 'gone')).toHaveLength(5);
  });
});
