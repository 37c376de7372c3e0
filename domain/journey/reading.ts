/** From whatever an author sent to a template that can be looked at, with everything that is wrong with its shape. */
import { closest } from './closest.js';
import { found } from './diagnostic.js';
import type { Diagnostic } from './diagnostic.js';
import { isList, isObject, memberAt, plainJson, pointer, segmentsOf } from './json.js';
import type { Json, JsonObject } from './json.js';
import { fromSeedForm } from './seed-form.js';
import type { JourneyTemplate } from './template.js';

export interface ShapeIssue {
  readonly path: readonly (string | number)[];
  /** Fields nobody knows, at `path`. */
  readonly unknown: readonly string[];
  /** To stand after the name of the place; of no meaning beside unknown fields. */
  readonly rule: string;
}

/** Checks a shape; a schema stands behind it. */
export interface Shape {
  readonly parse: (
    value: Json,
  ) => { readonly ok: true; readonly template: JourneyTemplate } | { readonly ok: false; readonly issues: readonly ShapeIssue[] };
  /** Every field a template may have somewhere. */
  readonly fields: ReadonlySet<string>;
}

export interface Read {
  /** Without what could not be read; null where nothing could. */
  readonly template: JourneyTemplate | null;
  readonly problems: readonly Diagnostic[];
  /** Places that were left out, in the template. */
  readonly lost: ReadonlySet<string>;
  /** The place in what the author sent. */
  readonly back: (path: string) => string;
}

/** Reads a template in either form. What is left out of a broken one is left out once, so that the rest can be checked as well. Never throws. */
export function readTemplate(value: unknown, shape: Shape): Read {
  const { value: json, faults } = plainJson(value);
  const { value: converted, back, repeated, reserved, unusable } = fromSeedForm(json);
  const first = shape.parse(converted);
  const issues = first.ok ? [] : first.issues;
  const problems = [
    ...faults.map(({ path, fault }) =>
      fault === 'prototype'
        ? found('J003', path, noName)
        : found('J001', path, `${placeName(path)} ${fault === 'too_deep' ? 'is nested too deeply' : 'is not plain JSON'}`),
    ),
    ...reserved.map((path) => ({ ...found('J003', '', noName), path })),
    ...unusable.map((path) => ({ ...found('J001', '', `${placeName(path)} must be a step with an id`), path })),
    ...repeated.map(({ path, id }) => ({ ...found('J004', '', `two steps share the id \`${id}\``), path })),
    ...issues
      .flatMap((issue) => shapeProblems(issue, converted, shape.fields))
      .map((problem) => ({ ...problem, path: back(problem.path) })),
  ];
  const salvaged = first.ok ? { template: first.template, lost: [] } : salvage(converted, issues, shape);
  const broken = [...faults.map(({ path }) => path), ...reserved, ...unusable];
  return { template: salvaged.template, problems, lost: new Set([...salvaged.lost, ...broken]), back };
}

const noName = '`__proto__` is a name that objects keep for themselves';

const placeName = (path: string): string => (path === '' ? 'the template' : `\`${segmentsOf(path).slice(-3).join('.')}\``);

/** Where declarations of values stand, which know keywords, not fields. */
const inSchema = /^\/(?:input|context\/[^/]+\/schema|steps\/[^/]+(?:\/do)?\/(?:form|requires\/\d+\/schema))(?:\/|$)/;

function shapeProblems({ path, unknown, rule }: ShapeIssue, json: Json, fields: ReadonlySet<string>): Diagnostic[] {
  const here = pointer(...path);
  if (unknown.length > 0) return unknown.map((key) => unknownField(key, here, fields));
  const value = path.reduce<Json | undefined>(memberAt, json);
  if (value === undefined && here === '/start') return [found('J010', '/start', '`start` is missing')];
  const got = value === undefined ? 'it is missing' : `got ${shown(value)}`;
  return [found('J001', here, `${placeName(here)} ${rule} (${got})`)];
}

function unknownField(key: string, place: string, fields: ReadonlySet<string>): Diagnostic {
  const path = place + pointer(key);
  if (inSchema.test(`${place}/`)) return found('J001', path, `\`${key}\` is a keyword that declarations of values do not know`);
  const meant = closest(key, fields);
  if (meant === null) return found('J002', path, `unknown field \`${key}\``);
  return found('J002', path, `unknown field \`${key}\`; did you mean \`${meant}\`?`, { fix: `Write \`${meant}\`, or remove the field.` });
}

function shown(value: Json): string {
  if (isList(value)) return 'a list';
  if (isObject(value)) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Stands in for what every template has, so that the rest of one without it can be read. */
const standIn: JsonObject = {
  key: 'template',
  name: 'template',
  category: 'custom',
  subject: { type: 'custom', id: 'input.id' },
  start: '?',
  steps: {},
};

interface Salvaged {
  readonly template: JourneyTemplate | null;
  readonly lost: readonly string[];
}

/** Leaves out every place at fault, or the smallest part around it that can be left out, until the rest has the right shape. */
function salvage(value: Json, issues: readonly ShapeIssue[], shape: Shape): Salvaged {
  if (!isObject(value)) return { template: null, lost: [''] };
  const lost = Object.keys(standIn).flatMap((key) => (Object.hasOwn(value, key) ? [] : [pointer(key)]));
  let rest: JsonObject = { ...standIn, ...value };
  let open = issues;
  for (;;) {
    // Every member the template must have is there, so that each round removes something.
    const cut = membersWithout(rest, cutsOf(open), '', lost);
    rest = { ...standIn, ...cut.rest };
    const parsed = shape.parse(rest);
    if (parsed.ok) return { template: parsed.template, lost };
    open = parsed.issues;
  }
}

/** What to leave out: a place, or places within it. */
interface Cut {
  /** `unknown`: a field that says nothing, and is not missed. */
  whole: 'faulty' | 'unknown' | null;
  readonly within: Map<string, Cut>;
}

const noCut = (): Cut => ({ whole: null, within: new Map() });

function cutsOf(issues: readonly ShapeIssue[]): Cut {
  const root = noCut();
  const cutAt = (from: Cut, segment: string | number): Cut => {
    const next = from.within.get(String(segment)) ?? noCut();
    from.within.set(String(segment), next);
    return next;
  };
  for (const { path, unknown } of issues) {
    const place = path.reduce(cutAt, root);
    for (const key of unknown) cutAt(place, key).whole = 'unknown';
    if (unknown.length === 0) place.whole = 'faulty';
  }
  return root;
}

/** The object without what is cut; `isBroken` where a member is cut that it does not have, so that it must go itself. */
function membersWithout(
  object: JsonObject,
  { within }: Cut,
  path: string,
  lost: string[],
): { readonly rest: JsonObject; readonly isBroken: boolean } {
  const rest = Object.entries(object).flatMap(([key, member]) => {
    const cut = within.get(key);
    if (cut === undefined) return [[key, member] as const];
    const here = path + pointer(key);
    const left = without(member, cut, here, lost);
    if (left === undefined && cut.whole !== 'unknown') lost.push(here);
    return left === undefined ? [] : [[key, left] as const];
  });
  return { rest: Object.fromEntries(rest), isBroken: Array.from(within.keys()).some((key) => !Object.hasOwn(object, key)) };
}

/** What is left of a value; undefined: nothing. A list stays whole or goes whole, as its positions are places. */
function without(value: Json, cut: Cut, path: string, lost: string[]): Json | undefined {
  if (cut.whole !== null || (!isObject(value) && !isList(value))) return undefined;
  if (isObject(value)) {
    const { rest, isBroken } = membersWithout(value, cut, path, lost);
    return isBroken ? undefined : rest;
  }
  const items = value.map((item, index) => {
    const inner = cut.within.get(String(index));
    return inner === undefined ? item : without(item, inner, `${path}/${index}`, lost);
  });
  return items.every((item) => item !== undefined) ? items : undefined;
}
