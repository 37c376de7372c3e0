/** Whatever is sent, something sensible is said of it. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { plainJson } from '../../../domain/journey/json.js';
import { repeatedKeys } from '../../../domain/journey/repeated-keys.js';
import { ActionsBody, TemplateBody } from '../../../domain/journey/schema.js';
import { stepKinds } from '../../../domain/journey/step.js';
import type { JourneyTemplate } from '../../../domain/journey/template.js';
import { aTemplate, call, findings, wait } from './builders.js';
import { everything } from './everything.js';

const codes = (template: unknown): string[] => findings(template).map(([code, path]) => `${code} ${path}`);

describe('one fault does not hide another', () => {
  test.each<[string, unknown, string[]]>([
    ['nothing at all', {}, ['J001 /key', 'J001 /name', 'J001 /category', 'J001 /subject', 'J001 /steps', 'J010 /start']],
    ['a start of another type', aTemplate({}, { start: 5, limits: { maxDuration: 'P1Y' } }), ['J001 /start', 'J040 /limits/maxDuration']],
    [
      'no steps',
      aTemplate({}, { steps: 5, limits: { maxDuration: 'P1Y' }, goals: [{ id: 'g', event: 'e' }] }),
      ['J001 /steps', 'J040 /limits/maxDuration'],
    ],
    [
      'a step of no kind, and what lies beyond',
      aTemplate({ odd: { kind: 'odd' }, one: { ...wait, for: 'P0D', when: 'steps.odd.output.x == 5' } }),
      ['J001 /steps/odd/kind', 'J040 /steps/one/for'],
    ],
    [
      'transitions of the wrong shape',
      aTemplate({ one: { ...call, transitions: [{ to: 5 }, { to: 6 }] }, two: { ...wait, for: 'P0D' } }),
      ['J001 /steps/one/transitions/0/to', 'J001 /steps/one/transitions/1/to', 'J040 /steps/two/for'],
    ],
    [
      'a wait without its time',
      aTemplate({ one: { kind: 'wait', for: 5, offset: 'P0D', transitions: [{ to: 'done' }] } }),
      ['J001 /steps/one/for', 'J040 /steps/one/offset'],
    ],
    [
      'a field within',
      aTemplate({ one: { ...call, retry: { maxAttempts: 0, initial: 'P0D' } } }),
      ['J001 /steps/one/retry/maxAttempts', 'J040 /steps/one/retry/initial'],
    ],
    [
      'input that could not be read',
      aTemplate({ one: { ...wait, when: 'input.x.y == 5', for: 'P0D' } }, { input: 5 }),
      ['J001 /input', 'J040 /steps/one/for'],
    ],
    [
      'a variable that could not be read',
      aTemplate(
        { one: { ...call, output: { score: 'context.score.x' }, requires: [{ path: 'context.other' }] } },
        { context: { score: 5 } },
      ),
      ['J001 /context/score', 'J023 /steps/one/requires/0/path'],
    ],
    [
      'data that could not be read',
      aTemplate(
        {
          one: {
            kind: 'handoff',
            from: 'crm',
            to: 'field-ops',
            mode: 'automatic',
            requiredData: ['score', 'other'],
            transitions: [{ to: 'done' }],
          },
        },
        { context: { score: 5 } },
      ),
      ['J001 /context/score', 'J056 /steps/one/requiredData/1'],
    ],
    [
      'a field nobody knows in a list',
      aTemplate({ one: { ...call, transitions: [{ to: 'done', tto: 5 }] } }),
      ['J002 /steps/one/transitions/0/tto'],
    ],
    [
      'an item of the wrong shape beside others',
      aTemplate({ one: { ...call, transitions: [{ to: 'done', outcome: 5 }, { to: 'elsewhere' }] } }),
      ['J001 /steps/one/transitions/0/outcome', 'J011 /steps/one/transitions/1/to'],
    ],
    ['stages that could not be read', aTemplate({ one: { ...wait, stage: 'early' } }, { stages: [5] }), ['J001 /stages/0']],
    ['triggers that could not be read', aTemplate({}, { triggers: [5, { id: 't', kind: 'event' }] }), ['J001 /triggers/0']],
    [
      'an assignee that could not be read',
      aTemplate({ one: { kind: 'manual', assign: 5, transitions: [{ to: 'done' }] } }),
      ['J001 /steps/one/assign'],
    ],
    ['an action that could not be read', aTemplate({ one: { ...call, action: 'crm.qualify' } }), ['J001 /steps/one/action']],
    [
      'a gate that could not be read',
      aTemplate({ one: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'approve', approval: 5, transitions: [{ to: 'done' }] } }),
      ['J001 /steps/one/approval'],
    ],
    [
      'too deep',
      aTemplate({}, { description: Array.from({ length: 70 }).reduce((inner) => [inner], 0) }),
      [`J001 /description${'/0'.repeat(63)}`, 'J001 /description'],
    ],
  ])('%s', (_, template, said) => {
    expect(codes(template)).toEqual(said);
  });

  test('values are shown short, and lists and objects by name', () => {
    expect(findings(aTemplate({}, { name: ['x'], description: {} })).map(([, , message]) => message)).toEqual([
      '`name` must be text (got a list)',
      '`description` must be text (got an object)',
    ]);
  });
});

describe('plain JSON', () => {
  test('of a value is a copy', () => {
    const value = { a: [1, 'x', null, { b: true }], none: undefined };
    expect(plainJson(value)).toEqual({ value: { a: [1, 'x', null, { b: true }] }, faults: [] });
    expect(plainJson(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ value: { a: 1 }, faults: [] });
  });

  test.each<[string, unknown, string]>([
    ['a function', { a: () => 5 }, '/a'],
    ['a symbol in a list', [Symbol('x')], '/0'],
    ['no number', { a: { b: Number.NaN } }, '/a/b'],
    ['a big number', [5n], '/0'],
    ['an instance', { 'a/b~c': new Map() }, '/a~1b~0c'],
    ['nothing', undefined, ''],
  ])('is not %s', (_, value, path) => {
    expect(plainJson(value).faults).toEqual([{ path, fault: 'not_json' }]);
  });

  test('a loop ends', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(plainJson(value).faults).toEqual([{ path: '/self'.repeat(64), fault: 'too_deep' }]);
  });
});

test.each<[string, string[]]>([
  ['{"a":{"x":1,"x":[{"y":2}]},"b":[1,{"c":[],"c":{}}],"a":3}', ['/a/x', '/b/1/c', '/a']],
  ['{"steps":{"contact":{"kind":"end"},"cont\\u0061ct":{"kind":"end"}}}', ['/steps/contact']],
  ['{"a":"a","b":["a","a"],"c":{"a":"b"}}', []],
  ['["a","a"]', []],
  ['{"a" 5, "\\x": 1, "\\x": 2', ['/\\x'.replace('\\x', '"\\x"')]],
  ['not json }]', []],
  ['', []],
])('keys that stand twice in %s', (text, found) => {
  expect(repeatedKeys(text)).toEqual(found);
});

describe('the schema', () => {
  type DeepReadonly<T> = T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

  test('says what the types say', () => {
    expectTypeOf<z.output<typeof TemplateBody>>().toExtend<JourneyTemplate>();
    expectTypeOf<JourneyTemplate>().toExtend<DeepReadonly<z.output<typeof TemplateBody>>>();
    expect(TemplateBody.parse(everything)).toEqual(everything);
  });

  test('knows every kind of step', () => {
    const kinds = new Set(Object.values(everything.steps).map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(stepKinds.toSorted());
  });

  test('becomes a JSON Schema', () => {
    const { $schema, $defs = {} } = z.toJSONSchema(TemplateBody);
    expect($schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect($defs['JourneyTemplate']).toMatchObject({
      type: 'object',
      required: ['key', 'name', 'category', 'subject', 'start', 'steps'],
      additionalProperties: false,
    });
  });

  test('of actions', () => {
    expect(ActionsBody.safeParse({ 'crm.qualify@1': { input: { type: 'object' }, output: {}, effect: 'once' } }).success).toBe(true);
    expect(ActionsBody.safeParse({ 'crm.qualify': {} }).success).toBe(false);
    expect(ActionsBody.safeParse({ 'crm.qualify@1': { effect: 'twice' } }).success).toBe(false);
  });
});
