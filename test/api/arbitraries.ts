/** Values that a schema of the document describes, and what hostile or clumsy callers make of them. */
import fc from 'fast-check';
import { document } from './conforms.js';

type Schema = Readonly<Record<string, unknown>>;
type Arbitrary = fc.Arbitrary<unknown>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const schemaIn = (value: unknown): Schema => (isObject(value) ? value : {});
const schemasIn = (value: unknown): Schema[] => (Array.isArray(value) ? value.map(schemaIn) : []);
const numberIn = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** Schemas may hold themselves: below this, the smallest that fits. */
const deepest = 4;

/** Values a schema describes. Words of JSON Schema the document does not use are not known here. */
export function valuesOf(schema: Schema, depth = 0): Arbitrary {
  const { $ref, anyOf, oneOf, allOf, type } = schema;
  if (typeof $ref === 'string') {
    const target = document.components.schemas[$ref.split('/').at(-1) ?? ''];
    return depth > deepest ? fc.constant({}) : valuesOf(schemaIn(target), depth + 1);
  }
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  const branches = [...schemasIn(anyOf), ...schemasIn(oneOf)];
  if (branches.length > 0) return fc.oneof(...branches.map((branch) => valuesOf(branch, depth)));
  if (Array.isArray(allOf))
    return fc.tuple(...schemasIn(allOf).map((part) => valuesOf(part, depth))).map((parts) => Object.assign({}, ...parts));
  const types = [type].flat().filter((one) => typeof one === 'string');
  return types.length === 0 ? fc.jsonValue({ maxDepth: 2 }) : fc.oneof(...types.map((one) => valuesOfType(one, schema, depth)));
}

function valuesOfType(type: string, schema: Schema, depth: number): Arbitrary {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: bound(numberIn(schema['minimum'], -1_000)), max: bound(numberIn(schema['maximum'], 1_000_000)) });
    case 'number':
      return fc.double({ min: numberIn(schema['minimum'], -1e6), max: numberIn(schema['maximum'], 1e6), noNaN: true });
    case 'array':
      return arrays(schema, depth);
    case 'object':
      return objects(schema, depth);
    default:
      return texts(schema);
  }
}

const bound = (value: number): number => Math.max(-0x80000000, Math.min(0x7fffffff, Math.ceil(value)));

function texts({ pattern, format, minLength, maxLength }: Schema): Arbitrary {
  if (format === 'date-time')
    return fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((at) => at.toISOString());
  if (format === 'uuid') return fc.uuid();
  if (format === 'email') return fc.constantFrom('a@example.com', 'a.b+c@mail.example.org');
  if (format === 'uri') return fc.webUrl();
  const most = Math.min(numberIn(maxLength, 40), 60);
  const lengths = { minLength: Math.min(numberIn(minLength, 0), most), maxLength: most };
  const free = fc.string({ unit: 'grapheme', ...lengths });
  return typeof pattern === 'string' ? (matching(pattern) ?? free) : free;
}

/** Undefined where a pattern asks for what cannot be turned round: properties of characters, looks ahead. */
function matching(pattern: string): fc.Arbitrary<string> | undefined {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    return undefined;
  }
}

function arrays(schema: Schema, depth: number): Arbitrary {
  const prefix = schemasIn(schema['prefixItems']);
  if (prefix.length > 0) return fc.tuple(...prefix.map((item) => valuesOf(item, depth + 1)));
  const least = numberIn(schema['minItems'], 0);
  const most = depth > deepest ? least : Math.max(least, Math.min(numberIn(schema['maxItems'], 3), 3));
  return fc.array(valuesOf(schemaIn(schema['items']), depth + 1), { minLength: least, maxLength: most });
}

function objects(schema: Schema, depth: number): Arbitrary {
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : [];
  const properties = Object.entries(schemaIn(schema['properties'])).filter(([name]) => depth <= deepest || required.includes(name));
  const known = fc.record(Object.fromEntries(properties.map(([name, inner]) => [name, valuesOf(schemaIn(inner), depth + 1)])), {
    requiredKeys: required.filter((name) => properties.some(([one]) => one === name)),
  });
  const more = schema['additionalProperties'];
  if (!isObject(more) || depth > deepest) return known;
  const names = isObject(schema['propertyNames']) ? texts(schema['propertyNames']) : fc.string({ minLength: 1, maxLength: 10 });
  const others = fc.dictionary(names as fc.Arbitrary<string>, valuesOf(more, depth + 1), { maxKeys: 3 });
  return fc.tuple(known, others).map(([one, other]) => ({ ...other, ...one }));
}

/** What no field expects, or hardly one. */
export const hostile: Arbitrary = fc.constantFrom<unknown[]>(
  null,
  true,
  -1,
  0.5,
  2 ** 53,
  1e308,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u200b',
  'a\u0300\u0301'.repeat(50),
  '🏳️‍🌈',
  'x'.repeat(20_000),
  "'; drop table ticket; --",
  '${7*7}{{7*7}}',
  '../../../etc/passwd',
  '%00%2e%2e%2f',
  '=cmd|x',
  'http://169.254.169.254/',
  '9999-99-99T99:99:99.999Z',
  '+275760-09-13T00:00:00.001Z',
  '-1',
  '1e9',
  '018f3b1e-0000-7000-8000-000000000001',
  'TKT-00000000',
  [],
  {},
  [[[[[]]]]],
  [null],
  { $ref: '018f3b1e-0000-7000-8000-000000000001' },
  { $gt: '' },
  { constructor: 1 },
);

/** A value of which one part was put in another's place, left out, doubled, or joined by something unknown. */
export const spoiled = (values: Arbitrary): Arbitrary =>
  fc.tuple(values, hostile, fc.nat(1_000), fc.constantFrom('replace', 'remove', 'add')).map(([value, other, place, how]) => {
    const root = { value: structuredClone(value) };
    const spots = spotsIn(root, []);
    const { holder, key } = spots[place % spots.length] ?? { holder: root, key: 'value' };
    const inside = Reflect.get(holder, key) as unknown;
    if (how === 'remove' && holder !== root) Reflect.deleteProperty(holder, key);
    else if (how === 'add' && isObject(inside)) Object.assign(inside, { surprise: other });
    else Reflect.set(holder, key, other);
    return root.value;
  });

interface Spot {
  readonly holder: object;
  readonly key: string;
}

function spotsIn(holder: object, found: Spot[]): Spot[] {
  for (const [key, inner] of Object.entries(holder)) {
    found.push({ holder, key });
    if (typeof inner === 'object' && inner !== null) spotsIn(inner as object, found);
  }
  return found;
}

/** Bodies that are no good JSON, or too much of it. */
export const rawBodies: fc.Arbitrary<string> = fc.constantFrom(
  '',
  ' ',
  '{',
  'null',
  '[]',
  '"text"',
  '0',
  '{"a":1}{"b":2}',
  '\ufeff{}',
  '{"__proto__":{"admin":true}}',
  '{"a":1,"a":2}',
  '['.repeat(10_000) + ']'.repeat(10_000),
  `{"a":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
  `[${'0,'.repeat(100_000)}0]`,
  `{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":0`).join(',')}}`,
  `"${'x'.repeat(300_000)}"`,
  '{"a":"\\ud800"}',
  '{"a":1e400}',
);
