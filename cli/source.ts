/** Files that people write: YAML, and so JSON too, with the place of everything in them. */
import { isAlias, isCollection, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';
import { brokenRules } from '../domain/choice/schema.js';
import { pointer } from '../domain/journey/json.js';

export interface Place {
  /** From 1; 0 when the file could not be read. */
  readonly line: number;
  readonly column: number;
}

export interface Fault extends Place {
  /** JSON pointer; empty for the file as a whole. */
  readonly field: string;
  readonly rule: string;
}

export type Path = readonly PropertyKey[];

export interface Source {
  readonly value: unknown;
  /** Where a field is written; of one that is missing, the nearest thing around it. */
  readonly where: (path: Path) => Place;
}

export type SourceAnswer = { readonly ok: true; readonly source: Source } | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * @param uniqueKeys false: of a key that stands twice the last counts
 * @returns what stands in a text; or every fault of its syntax, by line
 */
export function readSource(text: string, { uniqueKeys = true } = {}): SourceAnswer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, uniqueKeys });
  const broken = document.errors.map(({ pos, message }) => ({ ...placeOf(lines, pos[0]), field: '', rule: message }));
  if (broken.length > 0) return { ok: false, faults: broken };
  const content = contentOf(document);
  if (!content.ok) return { ok: false, faults: [{ line: 1, column: 1, field: '', rule: content.rule }] };
  return { ok: true, source: { value: content.value, where: (path) => placeOf(lines, positionOf(document, path)) } };
}

/** What a schema finds wrong with a file, by line. */
export const faultsOf = (error: z.core.$ZodError, { value, where }: Source): Fault[] =>
  error.issues
    .flatMap(brokenRules)
    .map(({ path, rule }) => {
      const given = path.reduce(memberOf, value) !== undefined;
      return { ...where(path), field: fieldOf(path), rule: given ? rule : 'is required' };
    })
    .toSorted((one, other) => one.line - other.line || one.column - other.column);

/** The pointer of a place. */
const fieldOf = (path: Path): string => pointer(...path.map((part) => (typeof part === 'number' ? part : String(part))));

export const memberOf = (value: unknown, key: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

function contentOf(document: Document): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly rule: string } {
  try {
    return { ok: true, value: document.toJS() };
  } catch (error) {
    return { ok: false, rule: error instanceof Error ? error.message : String(error) }; // an alias without its anchor, or too many of them
  }
}

function placeOf(lines: LineCounter, position: number): Place {
  const { line, col } = lines.linePos(position);
  return { line, column: col };
}

/** Behind an alias too; of a field that came by a merge key, the nearest thing around it. */
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
