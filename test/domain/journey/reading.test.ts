/** Whatever is sent, something sensible is said of it. */
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { plainJson } from '../../../domain/journey/json.js';
import { repeatedKeys } from '../../../domain/journey/repeated-keys.js';
import { ActionsBody, TemplateBody } from '../../../domain/journey/schema.js';
import { stepKinds } from '../../../domain/journey/step.js';
import type { JourneyTemplate } from '../../../domain/journey/template.js';
import { validate } from '../../../domain/journey/validate.js';
import { aTemplate, call, done, findings, surroundings, wait } from './builders.js';
import { everything } from './everything.js';

describe('one fault does not hide another', () => {
  const codes = (template: unknown): string[] => findings(template).map(([code, path]) => `${code} ${path}`);

  test.each<[string, unknown, string[]]>([
    ['nothing at all', {}, ['J001 /category', 'J001 /key', 'J001 /name', 'J001 /steps', 'J001 /subject', 'J010 /start']],
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
      '`description` must be text (got an object)',
      '`name` must be text (got a list)',
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
    const schema = z.toJSONSchema(TemplateBody);
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['key', 'name', 'category', 'subject', 'start', 'steps'],
    });
  });

  test('of actions', () => {
    expect(ActionsBody.safeParse({ 'crm.qualify@1': { input: { type: 'object' }, output: {}, effect: 'once' } }).success).toBe(true);
    expect(ActionsBody.safeParse({ 'crm.qualify': {} }).success).toBe(false);
    expect(ActionsBody.safeParse({ 'crm.qualify@1': { effect: 'twice' } }).success).toBe(false);
  });
});

describe('whatever is sent', () => {
  const check = (value: unknown): void => {
    const { isValid, errors, warnings } = validate(value, surroundings({ previous: { template: value } }));
    expect(isValid).toBe(errors.length === 0);
    for (const { path } of [...errors, ...warnings]) expect(path).toMatch(/^(?:\/.*)?$/s);
  };

  test('arbitrary JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), check), { numRuns: 500 });
  });

  test('anything', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true }), check),
      { numRuns: 500 },
    );
  });

  /** One place of the value, or none, replaced by another value. */
  const mutated = (value: unknown, path: readonly number[], by: unknown): unknown => {
    const [first, ...rest] = path;
    if (first === undefined || typeof value !== 'object' || value === null) return by;
    const entries = Object.entries(value);
    const [key] = entries[first % Math.max(entries.length, 1)] ?? ['new'];
    const inner = mutated((value as Record<string, unknown>)[key], rest, by);
    if (Array.isArray(value)) return Object.assign([...(value as unknown[])], { [Number(key) || 0]: inner });
    return { ...value, [key]: inner };
  };

  test('a template with everything and a few faults', () => {
    const place = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 });
    const by = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('', 'done', 'qualify', '$join', 'P0D', 'context.score', 'steps.qualify.output.ok', undefined, [], {}),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(place, by), { maxLength: 4 }), (changes) => {
        check(changes.reduce<unknown>((value, [path, what]) => mutated(value, path, what), everything));
      }),
      { numRuns: 500 },
    );
  });

  test('ways that lead anywhere', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'done', '$join', 'constructor'];
    const to = fc.constantFrom(...ids);
    const transitions = fc.array(
      fc.record(
        { to, outcome: fc.constantFrom('x', 'y'), when: fc.constantFrom('true', 'steps.a.output.x', 'context.'), default: fc.boolean() },
        { requiredKeys: ['to'] },
      ),
      { maxLength: 4 },
    );
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('decision', 'automated', 'manual', 'end'), transitions, optional: fc.boolean() }),
      fc.record({
        kind: fc.constant('parallel'),
        branches: fc.array(to, { minLength: 1, maxLength: 3 }),
        join: fc.constantFrom('all', 'any', 1, 2),
        transitions,
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...ids), step), (steps) => {
        check(aTemplate({}, { start: 'a', steps: { ...steps, done } }));
      }),
      { numRuns: 500 },
    );
  });
});
