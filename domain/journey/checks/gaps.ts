/**
 * Whether guards leave a value out. Guards that compare few fields with literals are tried at every value where an answer can change: the literals
 * themselves, and one value on either side. Everything else counts as leaving something out.
 */
import type { ExpressionReport, GuardData, GuardEngine, TypeLookup } from '../expression.js';
import { isObject } from '../json.js';
import type { Json } from '../json.js';
import { typesOf, valueFaults } from '../json-schema.js';
import type { JsonSchema } from '../json-schema.js';
import { pathOf } from '../path.js';
import type { Segments } from '../path.js';

/** The most combinations that are tried, whatever the judge allows. */
const mostTries = 400;

/** What gaps are found with. */
export interface GapJudge {
  readonly engine: GuardEngine;
  readonly typeAt: TypeLookup;
  readonly report: (source: string) => ExpressionReport;
  readonly mostTries: number;
}

const unproven = 'nothing shows that one of them is always true';

/** Null where one guard is always true, or where they cannot be read; else a value that none is true for, in words. */
export function gapIn(sources: readonly string[], judge: GapJudge): string | null {
  const { engine, typeAt } = judge;
  const reports = sources.map(judge.report);
  if (reports.some(({ problems }) => problems.length > 0)) return null;
  if (sources.some((source) => sources.includes(`!(${source})`))) return null;
  if (!reports.every(({ isPlain }) => isPlain)) return unproven;
  const literals = reports.flatMap((report) => report.literals);
  const reads = reports.flatMap((report) => report.reads);
  const fields = new Map(reads.map(({ path }) => [pathOf(path), path]));
  const values = Array.from(fields.values(), (path) => {
    const samples = samplesAt(path, literals, typeAt);
    const isTested = reads.some((read) => read.tested && pathOf(read.path) === pathOf(path));
    return isTested && samples !== null ? [undefined, ...samples] : samples;
  });
  const paths = Array.from(fields.values());
  for (const tried of combinations(values, Math.min(mostTries, judge.mostTries))) {
    if (tried === null) return unproven;
    const data = paths.reduce((sum, path, index) => withValue(sum, path, tried[index]), {});
    const verdict = firstVerdict(sources, engine, data);
    if (verdict === 'false') return inWords(paths, tried);
    if (verdict === 'unlike') return unproven;
  }
  return null;
}

/**
 * How the first guard that is not false comes out. One that fails for want of a field is an incident, and leaves nothing out; one that fails by type was
 * given what the field never holds.
 */
function firstVerdict(sources: readonly string[], engine: GuardEngine, data: GuardData): 'false' | 'decided' | 'unlike' {
  for (const source of sources) {
    const { verdict, fault } = engine.evaluate(source, data);
    if (fault?.reason === 'type') return 'unlike';
    if (verdict !== 'false') return 'decided';
  }
  return 'false';
}

type Sample = Json | undefined;

/** Values of a field between which its guards could change their mind; null where nobody can say. */
function samplesAt(path: Segments, literals: readonly Json[], typeAt: TypeLookup): readonly Sample[] | null {
  const place = typeAt(path);
  if (path.some((segment) => typeof segment === 'number') || place.kind === 'instant' || place.kind === 'unknown') return null;
  const schema = place.kind === 'schema' ? place.schema : {};
  if (schema.const !== undefined) return [schema.const];
  if (schema.enum !== undefined) return schema.enum;
  const samples = typesOf(schema).length === 1 ? typeSamples(schema, literals) : untypedSamples(literals);
  return samples?.filter((sample) => valueFaults(schema, sample).length === 0) ?? null;
}

function typeSamples(schema: JsonSchema, literals: readonly Json[]): readonly Json[] | null {
  switch (typesOf(schema)[0]) {
    case 'boolean':
      return [true, false];
    case 'integer':
      return numbers(literals, 1);
    case 'number':
      return numbers(literals, 0.5);
    case 'string':
      return strings(literals);
    default:
      return null;
  }
}

/** Of a field that nobody declares, what it is compared with tells the type. */
function untypedSamples(literals: readonly Json[]): readonly Json[] | null {
  const kinds = new Set(literals.map((literal) => typeof literal));
  if (kinds.size === 0) return [true, false];
  if (kinds.size > 1) return null;
  return kinds.has('number') ? numbers(literals, 0.5) : kinds.has('string') ? strings(literals) : null;
}

function numbers(literals: readonly Json[], step: number): readonly number[] {
  const points = literals.filter((literal) => typeof literal === 'number');
  const all = points.length === 0 ? [0] : points.flatMap((point) => [point - step, point, point + step]);
  return [...new Set(all)].toSorted((one, other) => one - other);
}

/** Beside the literals one text that nobody writes. */
const strings = (literals: readonly Json[]): readonly string[] => [...literals.filter((literal) => typeof literal === 'string'), otherText];
const otherText = '\uE000';

/** Every combination of one value of each list; null alone where a list is missing or there are too many. */
function combinations(lists: readonly (readonly Sample[] | null)[], most: number): readonly (readonly Sample[] | null)[] {
  let all: (readonly Sample[])[] = [[]];
  for (const list of lists) {
    if (list === null || all.length * list.length > most) return [null];
    all = all.flatMap((before) => list.map((value) => [...before, value]));
  }
  return all;
}

function withValue(data: GuardData, [root = '', ...rest]: Segments, value: Sample): GuardData {
  if (value === undefined) return data;
  const key = String(root);
  if (rest.length === 0) return { ...data, [key]: value };
  const inner = data[key];
  return { ...data, [key]: withValue(isObject(inner) ? inner : {}, rest, value) };
}

function inWords(paths: readonly Segments[], values: readonly Sample[]): string {
  const parts = paths.map((path, index) => {
    const value = values[index];
    if (value === undefined) return `no \`${pathOf(path)}\``;
    if (value === otherText) return `any other \`${pathOf(path)}\``;
    return typeof value === 'number' ? `a \`${pathOf(path)}\` of exactly ${value}` : `a \`${pathOf(path)}\` of ${JSON.stringify(value)}`;
  });
  return `${parts.join(' with ')} matches nothing`;
}
