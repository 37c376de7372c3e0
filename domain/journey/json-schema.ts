/** The part of JSON Schema 2020-12 that inputs, variables and forms are declared in; light, so that the workflow checks values too. Source: scripts.md, section 2. */
import { canonical, isList, isObject, own, pointer } from './json.js';
import type { Json } from './json.js';

export const typeNames = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'] as const;
export type TypeName = (typeof typeNames)[number];

export interface JsonSchema {
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** Absent: other members are allowed in values, and unknown to guards. */
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  /** The rest is kept for readers and never checked. */
  readonly title?: string;
  readonly description?: string;
  readonly default?: Json;
  readonly format?: string;
}

/** The types a schema lets through: those it names, else those of the values it lists, else every one. */
export function typesOf(schema: JsonSchema): readonly TypeName[] {
  if (schema.type !== undefined) return typeof schema.type === 'string' ? [schema.type] : schema.type;
  const values = schema.const === undefined ? schema.enum : [schema.const];
  return values === undefined ? typeNames : [...new Set(values.map(typeOf))];
}

/** An integer is a number too. */
const typeOf = (value: Json): TypeName => {
  if (value === null) return 'null';
  if (isList(value)) return 'array';
  const kind = typeof value;
  return kind === 'string' || kind === 'number' || kind === 'boolean' ? kind : 'object';
};

const isOf = (value: Json, type: TypeName): boolean => (type === 'integer' ? Number.isInteger(value) : typeOf(value) === type);

function equalsAny(value: Json, others: readonly Json[]): boolean {
  const spelled = canonical(value);
  return others.some((other) => canonical(other) === spelled);
}

export interface ValueFault {
  readonly path: string;
  readonly rule: string;
}

/** Every place where a value breaks its schema, in document order; empty: it fits. */
export function valueFaults(schema: JsonSchema, value: Json, at = ''): ValueFault[] {
  const types = typesOf(schema);
  if (!types.some((type) => isOf(value, type))) return [{ path: at, rule: `must be ${types.join(' or ')}` }];
  const faults: ValueFault[] = [];
  const need = (fits: boolean, rule: string): void => {
    if (!fits) faults.push({ path: at, rule });
  };
  if (schema.const !== undefined && !equalsAny(value, [schema.const])) need(false, `must be ${JSON.stringify(schema.const)}`);
  if (schema.enum !== undefined && !equalsAny(value, schema.enum)) {
    need(false, `must be one of ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}`);
  }
  if (typeof value === 'number') {
    need(value >= (schema.minimum ?? -Infinity), `must be at least ${schema.minimum}`);
    need(value <= (schema.maximum ?? Infinity), `must be at most ${schema.maximum}`);
  } else if (typeof value === 'string') {
    const length = Array.from(value).length;
    need(length >= (schema.minLength ?? 0), `must have at least ${counted(schema.minLength, 'character')}`);
    need(length <= (schema.maxLength ?? Infinity), `must have at most ${counted(schema.maxLength, 'character')}`);
  } else if (isObject(value)) {
    faults.push(...memberFaults(schema, value, at));
  } else if (isList(value)) {
    need(value.length >= (schema.minItems ?? 0), `must have at least ${counted(schema.minItems, 'item')}`);
    need(value.length <= (schema.maxItems ?? Infinity), `must have at most ${counted(schema.maxItems, 'item')}`);
    const { items } = schema;
    if (items !== undefined) faults.push(...value.flatMap((item, index) => valueFaults(items, item, at + pointer(index))));
  }
  return faults;
}

/** `1 item`, `2 items`. */
const counted = (count: number | undefined, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function memberFaults(schema: JsonSchema, value: Readonly<Record<string, Json>>, at: string): ValueFault[] {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => ({ path: at + pointer(key), rule: 'is required' }));
  const wrong = Object.entries(value).flatMap(([key, member]) => {
    const here = at + pointer(key);
    const declared = own(properties, key);
    if (declared !== undefined) return valueFaults(declared, member, here);
    if (additionalProperties === false) return [{ path: here, rule: 'is not a known field' }];
    return additionalProperties === true ? [] : valueFaults(additionalProperties, member, here);
  });
  return [...missing, ...wrong];
}

/** What a schema says about a place within its values: a schema, nothing in particular, or that there is no such place. */
export type Place =
  | { readonly kind: 'schema'; readonly schema: JsonSchema }
  | { readonly kind: 'untyped' }
  | { readonly kind: 'unknown'; readonly known: readonly string[] };

export const untyped: Place = { kind: 'untyped' };

/** Follows member names and list positions into a schema. */
export function placeIn(schema: JsonSchema, segments: readonly (string | number)[]): Place {
  const [segment, ...rest] = segments;
  if (segment === undefined) return { kind: 'schema', schema };
  const types = typesOf(schema);
  const { properties, additionalProperties, items } = schema;
  if (typeof segment === 'number') {
    if (!types.includes('array')) return { kind: 'unknown', known: [] };
    return items === undefined ? untyped : placeIn(items, rest);
  }
  if (!types.includes('object')) return { kind: 'unknown', known: [] };
  const declared = own(properties ?? {}, segment);
  if (declared !== undefined) return placeIn(declared, rest);
  if (typeof additionalProperties === 'object') return placeIn(additionalProperties, rest);
  if (additionalProperties === true || (additionalProperties === undefined && properties === undefined)) return untyped;
  return { kind: 'unknown', known: Object.keys(properties ?? {}) };
}
