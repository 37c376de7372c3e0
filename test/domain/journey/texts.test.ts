/** Texts stay outside of journeys, behind content ids. Source: journeys.md, section 1. */
import { expect, test } from 'vitest';
import { contentIdsIn, withContents, withoutTexts } from '../../../domain/journey/texts.js';

const schema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'id' },
    note: { type: 'string', format: 'text' },
    tone: { enum: ['very calm'] },
    fixed: { const: 'a text' },
    list: { type: 'array', items: { type: 'string', format: 'text' } },
    who: { type: 'object', additionalProperties: { type: 'string', format: 'id' } },
    secret: { type: 'number' },
  },
} as const;

test('ids, numbers, truths and words of a list travel; every other text is kept', () => {
  const value = {
    id: 'A-1',
    note: 'short',
    tone: 'very calm',
    fixed: 'a text',
    list: ['one'],
    who: { a: 'B 1' },
    free: 'two words',
    n: 1,
    b: true,
    z: null,
    secret: 5,
  };
  const kept = withoutTexts(
    value,
    schema,
    (path) => `c${path}`,
    (path) => path === '/secret' || path === '/z',
  );
  expect(kept.value).toEqual({
    ...value,
    note: { $ref: 'c/note' },
    list: [{ $ref: 'c/list/0' }],
    free: { $ref: 'c/free' },
    secret: { $ref: 'c/secret' },
  });
  expect(kept.texts).toEqual([
    { id: 'c/note', text: 'short' },
    { id: 'c/list/0', text: 'one' },
    { id: 'c/free', text: 'two words' },
    { id: 'c/secret', text: 5 },
  ]);
  expect(kept.noIds).toEqual(['/who/a']);
});

test('nothing is personal unless somebody says so', () => {
  expect(withoutTexts({ a: ['A1'] }, {}, (path) => path)).toEqual({ value: { a: ['A1'] }, texts: [], noIds: [] });
});

test('what was kept comes back in its place, and nothing where it is gone', () => {
  const value = { a: [{ $ref: 'c1' }, 'x'], b: { c: { $ref: 'c2' } }, n: 1 };
  expect(contentIdsIn(value)).toEqual(['c1', 'c2']);
  expect(withContents(value, new Map([['c1', 'one']]))).toEqual({ a: ['one', 'x'], b: { c: null }, n: 1 });
});
