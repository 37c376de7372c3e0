/** From whatever an author sent to a template that can be looked at, with everything that is wrong with its shape. */
import { closest } from './closest.js';
import { found } from './diagnostic.js';
import type { Diagnostic } from './diagnostic.js';
import { isList, isObject, own, plainJson, pointer, segmentsOf } from './json.js';
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
  const { value: converted, back, repeated, unusable } = fromSeedForm(json);
  const first = shape.parse(converted);
  const issues = first.ok ? [] : first.issues;
  const problems = [
    ...faults.map(({ path, fault }) =>
      fault === 'prototype'
        ? found('J003', path, `\`${nameOf(path)}\` is a name that objects keep for themselves`)
        : found('J001', path, `${placeName(path)} ${fault === 'too_deep' ? 'is nested too deeply' : 'is not plain JSON'}`),
    ),
    ...unusable.map((path) => ({ ...found('J001', '', `${placeName(path)} must be a step with an id`), path })),
    ...repeated.map((path) => ({ ...found('J004', '', `two steps share the id \`${textAt(json, path)}\``), path })),
    ...issues
      .flatMap((issue) => shapeProblems(issue, converted, shape.fields))
      .map((problem) => ({ ...problem, path: back(problem.path) })),
  ];
  const salvaged = first.ok ? { template: first.template, lost: [] } : salvage(converted, issues, shape);
  const broken = [...faults.map(({ path }) => path), ...unusable];
  return { template: salvaged.template, problems, lost: new Set([...salvaged.lost, ...broken]), back };
}

const nameOf = (path: string): string => segmentsOf(path).at(-1) ?? '';
const placeName = (path: string): string => (path === '' ? 'the template' : `\`${segmentsOf(path).slice(-3).join('.')}\``);

const textAt = (json: Json, path: string): string => {
  const value = valueAt(json, path);
  return typeof value === 'string' ? value : '';
};

function valueAt(json: Json, path: string): Json | undefined {
  let value: Json | undefined = json;
  for (const segment of segmentsOf(path)) {
    if (isList(value)) value = value[Number(segment)];
    else value = isObject(value) ? own(value, segment) : undefined;
  }
  return value;
}

/** Where declarations of values stand, which know keywords, not fields. */
const inSchema = /^\/(?:input|context\/[^/]+\/schema|steps\/[^/]+(?:\/do)?\/(?:form|requires\/\d+\/schema))(?:\/|$)/;

function shapeProblems({ path, unknown, rule }: ShapeIssue, json: Json, fields: ReadonlySet<string>): Diagnostic[] {
  const here = pointer(...path);
  if (unknown.length > 0) return unknown.map((key) => unknownField(key, here, fields));
  const value = valueAt(json, here);
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
    const gone: string[] = [];
    for (const { path, unknown } of open) {
      for (const target of unknown.length > 0 ? unknown.map((key) => [...path, key]) : [path]) {
        if (isWithin(pointer(...target), gone)) continue;
        const cut = without(rest, target);
        rest = cut.rest;
        if (cut.path !== '') gone.push(cut.path);
        if (unknown.length === 0 && cut.path !== '') lost.push(cut.path);
      }
    }
    // Every member the template must have is there, so that each round removes something.
    rest = { ...standIn, ...rest };
    const parsed = shape.parse(rest);
    if (parsed.ok) return { template: parsed.template, lost };
    open = parsed.issues;
  }
}

/** Whether a place is one of some places, or lies in one. */
export const isWithin = (path: string, places: Iterable<string>): boolean => {
  for (const place of places) if (`${path}/`.startsWith(`${place}/`)) return true;
  return false;
};

/** The object without the member at a path; without the nearest member around it where the path is missing or leads into a list. */
function without(object: JsonObject, path: readonly (string | number)[]): { readonly rest: JsonObject; readonly path: string } {
  const [segment, ...further] = path;
  const key = String(segment);
  const member = segment === undefined ? undefined : own(object, key);
  if (member === undefined) return { rest: object, path: '' };
  const { [key]: _, ...others } = object;
  const inner = isObject(member) ? without(member, further) : null;
  if (inner === null || inner.path === '') return { rest: others, path: pointer(key) };
  return { rest: { ...others, [key]: inner.rest }, path: pointer(key) + inner.path };
}
