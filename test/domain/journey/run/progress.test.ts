/** Progress. Source: journeys.md, section 3; scripts.md, section 3. */
import { expect, test } from 'vitest';
import { run, to } from './driver.js';
import type { Run } from './driver.js';

const task = (step: string, more: object = {}) => ({ kind: 'manual', ...to(step), ...more });
const advance = (journey: Run, ...steps: string[]): number[] =>
  steps.map((step) => {
    expect(journey.do('advance', { expectStep: step })).toBeNull();
    return journey.view.progress;
  });

test('five unit steps, the second open: 20', () => {
  const journey = run({ a: task('b'), b: task('c'), c: task('d'), d: task('e'), e: task('done') });
  expect(journey.view.progress).toBe(0);
  expect(advance(journey, 'a', 'b', 'c', 'd', 'e')).toEqual([20, 40, 60, 80, 100]);
});

test('weights 1, 2, 1, the third open: 75', () => {
  const journey = run({ a: task('b'), b: task('c', { progressWeight: 2 }), c: task('done') });
  expect(advance(journey, 'a', 'b')).toEqual([25, 75]);
});

test('ahead lies the heaviest way without repeats to a won end', () => {
  const fork = {
    kind: 'manual',
    transitions: [
      { to: 'short', outcome: 's' },
      { to: 'long', outcome: 'l' },
      { to: 'lostWay', outcome: 'x' },
    ],
  };
  const steps = {
    fork,
    short: task('done'),
    long: task('longer'),
    longer: task('done'),
    lostWay: task('l2'),
    l2: task('l3'),
    l3: task('l4'),
    l4: task('gone'),
  };
  const journey = run(steps);
  journey.do('advance', { outcome: 's' });
  // One done, one ahead; before it there were three.
  expect(journey.view.progress).toBe(50);
  const other = run(steps);
  other.do('advance', { outcome: 'l' });
  expect(other.view.progress).toBe(33);
});

test('where no won end can be reached, any end', () => {
  expect(advance(run({ a: task('b'), b: task('gone') }), 'a', 'b')).toEqual([50, 50]);
});

test('it never falls, and a step that is done again counts once', () => {
  const b = {
    kind: 'manual',
    transitions: [
      { to: 'a', outcome: 'back' },
      { to: 'c', outcome: 'on' },
    ],
  };
  const journey = run({ a: task('b'), b, c: task('done') });
  const seen = [journey.view.progress];
  for (const [step, outcome] of [['a'], ['b', 'back'], ['a'], ['b', 'on'], ['c']] as const) {
    journey.do('advance', { expectStep: step ?? '', ...(outcome === undefined ? {} : { outcome }) });
    seen.push(journey.view.progress);
  }
  expect(seen).toEqual([0, 33, 33, 33, 66, 100]);
});

test('99 is the most before a won end', () => {
  const journey = run({ a: task('b', { progressWeight: 1000 }), b: task('done', { progressWeight: 0.5 }) });
  expect(advance(journey, 'a')).toEqual([99]);
});

test('skipped and superseded steps count in neither', () => {
  const journey = run({ a: task('b'), b: task('c', { when: 'false' }), c: task('done') });
  expect(advance(journey, 'a')).toEqual([50]);
  const block = run({
    a: task('all'),
    all: { kind: 'parallel', branches: ['x', 'y'], join: 'any', ...to('c') },
    x: task('$join'),
    y: task('$join', { progressWeight: 3 }),
    c: task('done'),
  });
  expect(advance(block, 'a', 'x')).toEqual([20, 66]);
});

test('the branches that a join still needs add up', () => {
  const journey = run({
    a: task('all'),
    all: { kind: 'parallel', branches: ['x', 'y'], ...to('c') },
    x: task('x2'),
    x2: task('$join'),
    y: task('$join'),
    c: task('done'),
  });
  expect(advance(journey, 'a', 'x', 'y', 'x2')).toEqual([20, 40, 60, 80]);
});

test('blocks within blocks', () => {
  const steps = {
    outer: { kind: 'parallel', branches: ['inner', 'y'], ...to('done') },
    inner: { kind: 'parallel', branches: ['p', 'q'], ...to('$join') },
    p: task('$join'),
    q: task('$join'),
    y: task('$join'),
  };
  expect(advance(run({ a: task('outer'), ...steps }), 'a', 'p', 'q', 'y')).toEqual([25, 50, 75, 100]);
});

test('side steps of weight 0 change nothing', () => {
  const visit = { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P1D', onReturn: 'fix', ...to('done') };
  const journey = run({ a: task('visit'), visit, fix: task('visit', { progressWeight: 0 }) });
  expect(advance(journey, 'a')).toEqual([50]);
});

test('a cancel leaves it where it was', () => {
  const journey = run({ a: task('b'), b: task('done') });
  advance(journey, 'a');
  journey.do('cancel', {});
  expect(journey.view.progress).toBe(50);
});

test('a template where everything leads everywhere comes to an answer', () => {
  const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
  const steps = Object.fromEntries(
    names.map((name) => [name, { kind: 'manual', transitions: [...names, 'done'].map((other) => ({ to: other, outcome: other })) }]),
  );
  const journey = run(steps);
  for (const name of names.slice(1, 6)) journey.do('advance', { outcome: name });
  // What is done could all be done once more before the end.
  expect(journey.view.progress).toBe(0);
});
