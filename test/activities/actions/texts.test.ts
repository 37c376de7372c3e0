/** What of a value may travel through Temporal. Source: journeys.md, section 1. */
import { describe, expect, test } from 'vitest';
import { contentIdsIn, declaredOf, withContents, withoutTexts } from '../../../activities/actions/texts.js';
import type { Json } from '../../../domain/journey/json.js';
import type { JsonSchema } from '../../../domain/journey/json-schema.js';

const keep = (value: Json, schema: JsonSchema = {}) => withoutTexts(value, schema, (path) => `id:${path}`);

describe('on the way out', () => {
  test.each<[string, Json, JsonSchema]>([
    ['numbers, truths and nothing', [1.5, true, null], {}],
    ['ids', 'SVC-0af.1:2_3', {}],
    ['instants', '2026-01-05T09:00:00Z', {}],
    ['values of an enumeration', 'all of it', { enum: ['all of it', 'none'] }],
    ['a constant', 'as agreed', { const: 'as agreed' }],
  ])('%s stay', (_, value, schema) => {
    expect(keep(value, schema)).toEqual({ value, texts: [], noIds: [] });
  });

  test.each<[string, Json, JsonSchema]>([
    ['a sentence', 'It works.', {}],
    ['a word with an accent', 'Zoë', {}],
    ['nothing but an empty text', '', {}],
    ['what is too long for an id', 'x'.repeat(129), {}],
    ['a word that is declared as text', 'Ada', { format: 'text' }],
  ])('%s is kept elsewhere', (_, value, schema) => {
    expect(keep(value, schema)).toEqual({ value: { $ref: 'id:' }, texts: [{ id: 'id:', text: value }], noIds: [] });
  });

  test('every text has a place of its own, however deep', () => {
    const schema: JsonSchema = {
      properties: { list: { items: { properties: { note: { format: 'text' } } } }, known: { enum: ['a b'] } },
      additionalProperties: { format: 'text' },
    };
    const { value, texts } = keep({ list: [{ note: 'x' }, { note: 'y' }], known: 'a b', 'a/b': 'z' }, schema);
    expect(value).toEqual({
      list: [{ note: { $ref: 'id:/list/0/note' } }, { note: { $ref: 'id:/list/1/note' } }],
      known: 'a b',
      'a/b': { $ref: 'id:/a~1b' },
    });
    expect(texts.map(({ text }) => text)).toEqual(['x', 'y', 'z']);
  });

  test('what is declared as an id and is none is told', () => {
    expect(keep({ agent: 'nobody at all' }, { properties: { agent: { format: 'id' } } })).toMatchObject({ texts: [], noIds: ['/agent'] });
  });

  test('what is not declared does not go at all', () => {
    expect(declaredOf({ a: 1, b: 2 }, { properties: { a: {} } })).toEqual({ a: 1 });
    expect(declaredOf({ a: 1, b: 2 }, {})).toEqual({ a: 1, b: 2 });
  });
});

describe('on the way in', () => {
  const value = { name: { $ref: 'c1' }, list: [{ $ref: 'c2' }, 'x'], both: { $ref: 'c3', more: 1 }, none: { $ref: 5 } };

  test('content ids are found, and nothing that looks like them', () => {
    expect(contentIdsIn(value)).toEqual(['c1', 'c2']);
  });

  test('and replaced by what lies behind them', () => {
    const contents = new Map<string, Json>([
      ['c1', 'Ada'],
      ['c2', { street: 'Main' }],
    ]);
    expect(withContents(value, contents)).toEqual({
      name: 'Ada',
      list: [{ street: 'Main' }, 'x'],
      both: { $ref: 'c3', more: 1 },
      none: { $ref: 5 },
    });
  });
});
