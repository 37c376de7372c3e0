import { expect, test } from 'vitest';
import { layoutOf } from '../../../domain/journey/layout.js';
import { readTemplate } from '../../../domain/journey/reading.js';
import { templateShape } from '../../../domain/journey/schema.js';
import type { JourneyTemplate } from '../../../domain/journey/template.js';
import { aTemplate, block, chain, lost, manual, wait } from './builders.js';
import { everything } from './everything.js';

function read(template: object): JourneyTemplate {
  const found = readTemplate(template, templateShape).template;
  if (found === null) throw new Error('the template cannot be read');
  return found;
}
const rows = (template: JourneyTemplate) => Object.fromEntries(layoutOf(template).steps.map(({ id, y }) => [id, (y - 60) / 120]));

test('each step stands below what leads to it, ways back left out', () => {
  const template = read(
    aTemplate({
      ask: {
        ...manual,
        outcomes: ['yes', 'later', 'no'],
        transitions: [
          { to: 'done', outcome: 'yes' },
          { to: 'rest', outcome: 'later' },
          { to: 'lost', outcome: 'no' },
        ],
      },
      rest: { ...wait, transitions: [{ to: 'ask' }] },
      lost,
    }),
  );
  expect(rows(template)).toEqual({ ask: 0, rest: 1, lost: 1, done: 1 });
  const { ways } = layoutOf(template);
  expect(ways).toContainEqual({ from: 'rest', to: 'ask', kind: 'done', label: '' });
  expect(ways).toContainEqual({ from: 'ask', to: 'done', kind: 'done', label: 'yes' });
});

test('what follows a block stands below its branches', () => {
  const template = read(block({}));
  expect(rows(template)).toEqual({ split: 0, left: 1, right: 1, done: 2 });
  expect(layoutOf(template).ways.map(({ from, to, kind }) => `${from} ${kind} ${to}`)).toEqual([
    'split branch left',
    'split branch right',
    'left join done',
    'right join done',
  ]);
});

test('rows are centred, and everything lies within', () => {
  const { width, height, steps } = layoutOf(read(block({})));
  expect({ width, height }).toEqual({ width: 480, height: 360 });
  expect(steps.map(({ id, x }) => [id, x])).toEqual([
    ['split', 240],
    ['left', 120],
    ['right', 360],
    ['done', 240],
  ]);
});

test('states of an instance are kept, and steps left out are pending', () => {
  const { steps } = layoutOf(read(block({})), { split: 'open', left: 'completed' });
  expect(steps.map(({ id, state }) => [id, state])).toEqual([
    ['split', 'open'],
    ['left', 'completed'],
    ['right', 'pending'],
    ['done', 'pending'],
  ]);
});

test('a template with every kind of step, and one of five hundred in a row', () => {
  expect(
    layoutOf(everything)
      .steps.map(({ id }) => id)
      .toSorted(),
  ).toEqual(Object.keys(everything.steps).toSorted());
  expect(layoutOf(read(aTemplate(chain(499, wait)))).height).toBe(500 * 120);
});

test('ways to steps that are not there, and ends of branches that are in no block, lead nowhere', () => {
  const template = read(
    aTemplate({ one: { ...wait, transitions: [{ to: 'nowhere' }] }, two: { ...wait, transitions: [{ to: '$join' }] } }),
  );
  expect(layoutOf(template).ways).toEqual([]);
});
