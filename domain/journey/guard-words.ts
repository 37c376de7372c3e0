/** Words for times and types between templates, the engine and readers. */
import { fromIso } from '../time.js';
import { durationMs } from './duration.js';
import type { TypeLookup } from './expression.js';
import { typesOf } from './json-schema.js';
import type { JsonSchema } from './json-schema.js';

/** What an expression can write out. */
export type Literal = string | number | boolean | null;

/** A time that is written out: durations may be ISO 8601 here as everywhere in templates. */
export function timeOf(
  name: string,
  text: string,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly wants: string } | null {
  if (name === 'timestamp')
    return instantOf(text) === null ? { ok: false, wants: 'an instant such as 2026-01-05T09:00:00Z' } : { ok: true, text };
  if (name !== 'duration') return null;
  const ms = durationMs(text);
  if (ms !== null) return { ok: true, text: `${ms / 1_000}s` };
  return /^-?(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text) ? { ok: true, text } : { ok: false, wants: 'a duration such as P1DT12H or 36h' };
}

/** Without a zone an instant would mean another time on another host. */
export function instantOf(text: string): number | null {
  const at = /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? fromIso(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

const timestamp = 'google.protobuf.Timestamp';

/** The engine's type of what lies at a path. */
export function engineType(place: ReturnType<TypeLookup>): string {
  if (place.kind === 'instant') return timestamp;
  return place.kind === 'schema' ? schemaType(place.schema) : 'dyn';
}

function schemaType(schema: JsonSchema): string {
  const [type, ...others] = typesOf(schema);
  if (others.length > 0) return 'dyn';
  switch (type) {
    case 'string':
      return 'string';
    case 'number':
    case 'integer':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'array':
      return `list<${schema.items === undefined ? 'dyn' : schemaType(schema.items)}>`;
    case 'object':
      return 'map<string, dyn>';
    default:
      return 'dyn';
  }
}

export const literalType = (literal: Literal): string => {
  if (literal === null) return 'null';
  if (typeof literal === 'string') return 'string';
  return typeof literal === 'number' ? 'double' : 'bool';
};

const words: Readonly<Record<string, string>> = {
  double: 'a number',
  string: 'text',
  bool: 'true or false',
  null: 'null',
  [timestamp]: 'an instant',
  'google.protobuf.Duration': 'a duration',
};
/** A type of the engine, for a reader. */
export const typeInWords = (type: string): string => words[type] ?? (type.startsWith('list') ? 'a list' : 'an object');
