/** Plain JSON: what may cross a boundary, how a place in it is named, and its one canonical spelling. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** What the object itself holds under the key, nothing inherited. */
export const own = <Value>(object: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** What lies at a name or a position, if the value has one. */
export function memberAt(value: Json | undefined, segment: string | number): Json | undefined {
  if (typeof segment === 'number') return isList(value) ? value[segment] : undefined;
  return isObject(value) ? own(value, segment) : undefined;
}

/** JSON Pointer of a place, RFC 6901; no segments name the whole document. */
export const pointer = (...segments: readonly (string | number)[]): string =>
  segments.map((segment) => `/${typeof segment === 'number' ? segment : escaped(segment)}`).join('');

const escaped = (name: string): string => (/[~/]/.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name);

/** The segments a pointer was made of; a number comes back as text. */
export const segmentsOf = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

/** The one spelling of a value, for hashing: keys in order of their UTF-16 units, no spaces. Source: RFC 8785. */
export function canonical(value: Json): string {
  if (isList(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([one], [other]) => byUnits(one, other));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

/** Comparison of JavaScript's own: UTF-16 units, whatever the host's language. */
const byUnits = (left: string, right: string): number => (left < right ? -1 : Number(left > right));

export interface JsonFault {
  readonly path: string;
  /** `prototype`: a key that would reach an object's prototype. */
  readonly fault: 'not_json' | 'too_deep' | 'prototype';
}

/** Deeper than any template goes, and shallow enough for whatever walks it. */
const mostDepth = 64;

/**
 * A copy of a value that is plain JSON for certain, and every fault found on the way.
 *
 * A faulty place is left out of an object and null in a list; `undefined` members are left out without a word. Never throws.
 */
export function plainJson(value: unknown): { readonly value: Json; readonly faults: readonly JsonFault[] } {
  const faults: JsonFault[] = [];
  const trail: (string | number)[] = [];
  const fail = (fault: JsonFault['fault']): undefined => {
    faults.push({ path: pointer(...trail), fault });
    return undefined;
  };
  const within = (segment: string | number, member: unknown): Json | undefined => {
    trail.push(segment);
    const copied = segment === '__proto__' ? fail('prototype') : copy(member);
    trail.pop();
    return copied;
  };
  const copy = (from: unknown): Json | undefined => {
    if (from === null || typeof from === 'string' || typeof from === 'boolean') return from;
    if (typeof from === 'number') return Number.isFinite(from) ? from : fail('not_json');
    if (typeof from !== 'object') return fail('not_json');
    if (trail.length >= mostDepth) return fail('too_deep');
    if (Array.isArray(from)) return Array.from(from, (item, index) => within(index, item) ?? null);
    if (!isPlain(from)) return fail('not_json');
    const into: Record<string, Json> = {};
    for (const [key, member] of Object.entries(from)) {
      const copied = member === undefined ? undefined : within(key, member);
      if (copied !== undefined) into[key] = copied;
    }
    return into;
  };
  return { value: copy(value) ?? null, faults };
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};
