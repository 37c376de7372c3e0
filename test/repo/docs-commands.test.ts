/** The commands that docs/operators.md shows for the Web UI have the shape their workflow asks for. */
import { expect, test } from 'vitest';
import { verbs } from '../../domain/ticket/command.js';
import { shapeErrors } from '../../domain/ticket/shape.js';
import { read } from '../support/repo.js';

const rows = [...read('docs/operators.md').matchAll(/^\| `(\w+)`\s*\| `(\{.*\})`\s*\|$/gm)].map(([, name = '', data = '']) => ({
  name,
  data,
}));
/** The API's alone. */
const withheld = ['open', 'remove', 'restore'];
const id = '018f3b1e-0000-7000-8000-000000000001';

test('every verb an operator may send is shown', () => {
  expect(rows.map(({ name }) => name).toSorted()).toEqual(verbs.filter((verb) => !withheld.includes(verb)).toSorted());
});

test.each(rows)('$name takes its example', ({ name, data }) => {
  const verb = verbs.find((known) => known === name);
  if (verb === undefined) throw new Error(`${name} is no verb`);
  expect(shapeErrors(verb, JSON.parse(data.replaceAll(/<[^>]*>/g, id)))).toEqual([]);
});
