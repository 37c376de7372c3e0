/** What an expression sees of the data, and what comes back: plain JSON on either side of the engine. Source: journeys.md, section 5. */
import { toDate, toIso } from '../time.js';
import { guardLimits, isErased } from './expression.js';
import type { FaultReason, GuardData, TracedRead } from './expression.js';
import { instantOf } from './guard-words.js';
import type { Literal } from './guard-words.js';
import { isList, isObject, memberAt } from './json.js';
import type { Json } from './json.js';
import { pathOf } from './path.js';
import type { Segments } from './path.js';

/** Ends an evaluation that reads what was erased. */
export class Erased extends Error {}

/** Ends an evaluation that has no value. */
export class Stop extends Error {
  readonly reason: FaultReason;
  readonly path: string | null;
  constructor(reason: FaultReason, path: string | null = null) {
    super(reason);
    this.reason = reason;
    this.path = path;
  }
}

/** What stands for paths, presence tests and literals, each at its number. */
export interface Names {
  readonly reads: readonly Segments[];
  readonly tests: readonly Segments[];
  readonly literals: readonly Literal[];
}

/** Variables that look up their value when the evaluation comes to them, and once only. */
export function scopeOf({ reads, tests, literals }: Names, data: GuardData, trace: TracedRead[]): Record<string, unknown> {
  const scope: Record<string, unknown> = {};
  const define = (name: string, look: () => unknown): void => {
    Object.defineProperty(scope, name, { configurable: true, get: () => keep(name, look()) });
  };
  const keep = (name: string, value: unknown): unknown => {
    Object.defineProperty(scope, name, { value });
    return value;
  };
  for (const [index, literal] of literals.entries()) scope[`c${index}`] = literal;
  for (const [index, path] of tests.entries()) define(`t${index}`, () => lookUp(data, path, trace) !== undefined);
  for (const [index, path] of reads.entries()) {
    define(`r${index}`, () => {
      const value = lookUp(data, path, trace);
      if (value === undefined) throw new Stop('missing', pathOf(path));
      return path.length === 1 && path[0] === 'now' ? toInstant(value) : toEngine(value, path);
    });
  }
  return scope;
}

/** What lies at a path, for certain the data's own; undefined where nothing does. */
function lookUp(data: GuardData, path: Segments, trace: TracedRead[]): Json | undefined {
  let value: Json | undefined = data;
  for (const segment of path) {
    value = memberAt(value, segment);
    if (isErased(value)) {
      trace.push({ path: pathOf(path), found: 'erased' });
      throw new Erased();
    }
  }
  trace.push({ path: pathOf(path), found: value === undefined ? 'absent' : 'present' });
  return value;
}

const toInstant = (value: Json): unknown => {
  const at = typeof value === 'string' ? instantOf(value) : value;
  if (typeof at !== 'number') throw new Stop('type', 'now');
  return toDate(at);
};

/** Objects become maps, in which no key is special. */
function toEngine(value: Json, path: Segments): unknown {
  if (isList(value)) {
    if (value.length > guardLimits.items) throw new Stop('limit', pathOf(path));
    return value.map((item) => toEngine(item, path));
  }
  if (!isObject(value)) return value;
  if (isErased(value)) throw new Erased();
  return new Map(Object.entries(value).map(([key, member]) => [key, toEngine(member, path)]));
}

/** A result as plain JSON; what JSON cannot hold is a fault of type. */
export function toJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (isMap(value)) return Object.fromEntries(Array.from(value, ([key, member]) => [key, toJson(member)]));
  if (Object.prototype.toString.call(value) === '[object Date]') return toIso(Number(value));
  throw new Stop('type');
}

/** Only maps of ours come back, so that their keys are text. */
const isMap = (value: unknown): value is ReadonlyMap<string, unknown> => value instanceof Map;
