/** Reads a case file: YAML, and so JSON too. Every fault is told with its line, its field and the rule it breaks. */
import { isAlias, isCollection, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { z } from 'zod';
import { arithmeticOf } from './arithmetic.js';
import type { ArithmeticCase } from './arithmetic.js';
import { Calendars, KnownCalendars } from './calendars.js';
import { brokenRules } from './chosen.js';
import { scenarioOf } from './scenarios.js';
import type { ScenarioCase } from './scenarios.js';

export interface Fault {
  /** From 1; 0 when the file could not be read. */
  readonly line: number;
  readonly column: number;
  /** JSON pointer; empty for the file as a whole. */
  readonly field: string;
  readonly rule: string;
}

export interface CaseFile {
  readonly calendars: KnownCalendars;
  readonly arithmetic: readonly (ArithmeticCase & { readonly line: number })[];
  /** `lines` holds the line of each expectation. */
  readonly scenarios: readonly (ScenarioCase & { readonly line: number; readonly lines: readonly number[] })[];
}

export type ReadAnswer = { readonly ok: true; readonly file: CaseFile } | { readonly ok: false; readonly faults: readonly Fault[] };

type Path = readonly PropertyKey[];

/** @returns the cases in the order of the file; or every fault, by line */
export function readCases(text: string): ReadAnswer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const broken = document.errors.map(({ pos, message }) => ({ ...placeOf(lines, pos[0]), field: '', rule: message }));
  if (broken.length > 0) return { ok: false, faults: broken };
  const content = contentOf(document);
  if (!content.ok) return { ok: false, faults: [{ line: 1, column: 1, field: '', rule: content.rule }] };

  const where = (path: Path) => placeOf(lines, positionOf(document, path));
  const calendars = new KnownCalendars(memberOf(content.value, 'calendars'));
  const parsed = fileOf(calendars).safeParse(content.value);
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, content.value, where));
    return { ok: false, faults: faults.toSorted((one, other) => one.line - other.line || one.column - other.column) };
  }
  const { arithmetic, scenarios } = parsed.data;
  return {
    ok: true,
    file: {
      calendars,
      arithmetic: arithmetic.map((asked, index) => ({ ...asked, line: where(['arithmetic', index]).line })),
      scenarios: scenarios.map((found, index) => ({
        ...found,
        line: where(['scenarios', index]).line,
        lines: found.expect.map((_, n) => where(['scenarios', index, 'expect', n]).line),
      })),
    },
  };
}

/** A heading with nothing under it is an empty list. */
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((list) => list ?? [], z.array(item, { error: 'must be a list of cases' }));

const fileOf = (calendars: KnownCalendars) =>
  z
    .strictObject(
      {
        calendars: z.preprocess((map) => map ?? {}, Calendars),
        arithmetic: listOf(arithmeticOf(calendars.named)),
        scenarios: listOf(scenarioOf(calendars.usable)),
      },
      { error: 'must be a map of calendars, arithmetic and scenarios' },
    )
    .refine(({ arithmetic, scenarios }) => arithmetic.length + scenarios.length > 0, 'must hold a case under arithmetic or scenarios');

function contentOf(document: Document): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly rule: string } {
  try {
    return { ok: true, value: document.toJS() };
  } catch (error) {
    return { ok: false, rule: error instanceof Error ? error.message : String(error) }; // an alias without its anchor, or too many of them
  }
}

const faultsOf = (issue: z.core.$ZodIssue, content: unknown, where: (path: Path) => Pick<Fault, 'line' | 'column'>): Fault[] =>
  brokenRules(issue).map(({ path, rule }) => {
    const given = path.reduce(memberOf, content) !== undefined;
    return { ...where(path), field: pointerOf(path), rule: given ? rule : 'is required' };
  });

const memberOf = (value: unknown, key: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

const pointerOf = (path: Path): string => path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function placeOf(lines: LineCounter, position: number): Pick<Fault, 'line' | 'column'> {
  const { line, col } = lines.linePos(position);
  return { line, column: col };
}

/** Where a field is written, behind an alias too; of one that is missing, or that came by a merge key, the nearest thing around it. */
function positionOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let position = beginOf(node) ?? 0;
  for (const part of path) {
    const inner = isAlias(node) ? node.resolve(document) : node;
    const found = isCollection(inner)
      ? inner.items.find((item, index) => (isSeq(inner) ? index === part : isPair(item) && nameOf(item.key) === part))
      : undefined;
    if (found === undefined) return position;
    position = beginOf(isMap(inner) && isPair(found) ? found.key : found) ?? position;
    node = isPair(found) ? found.value : found;
  }
  return position;
}

const nameOf = (key: unknown): unknown => (isScalar(key) ? String(key.value) : key);
const beginOf = (node: unknown): number | undefined => (isNode(node) ? rangeOf(node)?.[0] : undefined);
const rangeOf = ({ range }: Node) => range;
