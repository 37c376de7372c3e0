/** Whatever is sent: nothing throws, every place that is named exists or is missed there, and what is found valid compiles. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, compiledBytes } from '../../../domain/journey/compile.js';
import { flowchart, stateDiagram } from '../../../domain/journey/diagram.js';
import { segmentsOf } from '../../../domain/journey/json.js';
import { validate } from '../../../domain/journey/validate.js';
import { aTemplate, done, surroundings } from './builders.js';
import { everything } from './everything.js';

/** Whether a pointer leads to a value, or to a member that its object lacks. */
function leadsSomewhere(value: unknown, path: string): boolean {
  let at = value;
  for (const [index, segment] of segmentsOf(path).entries()) {
    if (typeof at !== 'object' || at === null) return false;
    if (!Object.hasOwn(at, segment)) return !Array.isArray(at) && index === segmentsOf(path).length - 1;
    at = (at as Record<string, unknown>)[segment];
  }
  return path === '' || path.startsWith('/');
}

function codesOf(value: unknown): readonly string[] {
  const { isValid, errors, warnings, template } = validate(value, surroundings());
  const all = [...errors, ...warnings];
  expect([isValid, template === null]).toEqual([errors.length === 0, errors.length > 0]);
  expect(all.filter(({ path }) => !leadsSomewhere(value, path))).toEqual([]);
  if (template !== null) {
    const compiled = compile(template);
    expect(JSON.parse(JSON.stringify(compiled))).toEqual(compiled);
    expect(compiledBytes(template)).toBeLessThanOrEqual(64 * 1024);
    expect(flowchart(template) + stateDiagram(template)).toContain('s0');
    expect(validate(template, surroundings()).errors).toEqual([]);
  }
  return all.map(({ code }) => code);
}

const judge = (value: unknown): void => {
  codesOf(value);
};

test('arbitrary JSON', () => {
  fc.assert(fc.property(fc.jsonValue(), judge), { numRuns: 300 });
});

test('anything', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true });
  fc.assert(fc.property(anything, judge), { numRuns: 300 });
});

test('a template of the right members with anything in them', () => {
  const members = fc.dictionary(fc.constantFrom(...Object.keys(everything)), fc.jsonValue());
  fc.assert(
    fc.property(members, (changes) => judge({ ...aTemplate(), ...changes })),
    { numRuns: 300 },
  );
});

/** One place of the value, or none, replaced by another value. */
function mutated(value: unknown, path: readonly number[], by: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== 'object' || value === null) return by;
  const entries = Object.entries(value);
  const [key] = entries[first % Math.max(entries.length, 1)] ?? ['new'];
  const inner = mutated((value as Record<string, unknown>)[key], rest, by);
  if (Array.isArray(value)) return Object.assign([...(value as unknown[])], { [Number(key) || 0]: inner });
  return { ...value, [key]: inner };
}

const place = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 });
const by = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    '',
    'done',
    'qualify',
    '$join',
    'P0D',
    'PT5M',
    'context.score',
    'steps.qualify.output.ok',
    '__proto__',
    5,
    true,
    undefined,
    [],
    {},
  ),
);
const changes = fc.array(fc.tuple(place, by), { maxLength: 3 });

test('a template with everything and a few faults', () => {
  fc.assert(
    fc.property(changes, (list) => judge(list.reduce<unknown>((value, [path, what]) => mutated(value, path, what), everything))),
    { numRuns: 60 },
  );
});

test('a list of steps and a few faults', () => {
  const list = {
    id: 'older',
    name: 'Older',
    category: 'retention',
    steps: [
      { id: 'one', name: 'One', stage: 'early', order: 2, type: 'automated' },
      { id: 'two', name: 'Two', stage: 'late', order: 1, type: 'manual', conditions: [{ field: 'score', operator: 'exists' }] },
      { id: 'three', name: 'Three', order: 3, type: 'handoff', fromPackage: 'crm', toPackage: 'field-ops', handoffType: 'automatic' },
      { id: 'four', name: 'Four', order: 4, type: 'end', outcome: 'four', result: 'won' },
    ],
    triggers: [{ id: 'usage', type: 'conditional', conditions: [{ field: 'usage', operator: 'greater_than', value: 80 }] }],
  };
  expect(codesOf(list)).toEqual(['J023', 'J038', 'J039', 'J062']);
  fc.assert(
    fc.property(changes, (made) => judge(made.reduce<unknown>((value, [path, what]) => mutated(value, path, what), list))),
    { numRuns: 300 },
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
    fc.property(fc.dictionary(fc.constantFrom(...ids), step), (steps) => judge(aTemplate({}, { start: 'a', steps: { ...steps, done } }))),
    { numRuns: 300 },
  );
});

test('ways that often lead to an end', () => {
  const count = 6;
  const wayFrom = (index: number) => fc.integer({ min: index + 1, max: count }).map((target) => (target === count ? 'done' : `s${target}`));
  const stepAt = (index: number) =>
    fc.oneof(
      wayFrom(index).map((to) => ({ kind: 'wait', for: 'P1D', transitions: [{ to }] })),
      fc.tuple(wayFrom(index), wayFrom(index), fc.nat(3)).map(([to, other, n]) => ({
        kind: 'decision',
        transitions: [
          { to, when: `subject.score > ${n}` },
          { to: other, default: true },
        ],
      })),
      wayFrom(index).map((to) => ({
        kind: 'manual',
        assign: { roles: ['sales'] },
        outcomes: ['yes', 'no'],
        transitions: [{ to, outcome: 'yes' }, { to: 'done' }],
      })),
    );
  const steps = fc.tuple(...Array.from({ length: count }, (_, index) => stepAt(index)));
  let valid = 0;
  fc.assert(
    fc.property(steps, (list) => {
      const said = codesOf(aTemplate(Object.fromEntries(list.map((step, index) => [`s${index}`, step]))));
      // Only steps that nothing leads to can be wrong here.
      expect(said.filter((code) => code !== 'J012')).toEqual([]);
      if (said.length === 0) valid += 1;
    }),
    { numRuns: 200, seed: 7 },
  );
  expect(valid).toBeGreaterThan(0);
});
