/** Templates where their authors keep them: a TypeScript or JavaScript module, JSON or YAML. */
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { repeatedKeys } from '../../domain/journey/repeated-keys.js';
import { segmentsOf } from '../../domain/journey/json.js';
import { readSource } from '../source.js';
import type { Fault, Place } from '../source.js';

export interface TemplateFile {
  readonly name: string;
  /** In either form; nobody has looked at it yet. */
  readonly value: unknown;
  /** Where a JSON Pointer of it stands; null in a module, where nobody can tell. */
  readonly where: (pointer: string) => Place | null;
  /** Keys that stand twice in one object. */
  readonly repeatedKeys: readonly string[];
}

export interface FileFault extends Fault {
  readonly file: string;
}

/** A file that cannot be read at all: nothing was done. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  readonly faults: readonly FileFault[];

  constructor(faults: readonly FileFault[]) {
    super(faults.map(({ file, rule }) => `${file} ${rule}`).join('\n'));
    this.faults = faults;
  }
}

export const unreadable = (file: string, rule: string): Unreadable => new Unreadable([{ file, line: 0, column: 0, field: '', rule }]);

const modules = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/** @throws Unreadable */
export const readTemplateFile = (file: string): Promise<TemplateFile> =>
  modules.includes(extname(file)) ? fromModule(file) : fromText(file);

/** @throws Unreadable */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, `cannot be read: ${reasonOf(error)}`);
  }
}

async function fromText(file: string): Promise<TemplateFile> {
  const text = await readText(file);
  const isJson = extname(file) === '.json';
  const answer = readSource(text, { uniqueKeys: !isJson });
  if (!answer.ok) throw new Unreadable(answer.faults.map((fault) => ({ file, ...fault })));
  const { value, where } = answer.source;
  if (typeof value !== 'object' || value === null) throw unreadable(file, 'is no template: it must hold one object');
  return {
    name: file,
    value,
    where: (pointer) => where(placed(value, segmentsOf(pointer))),
    repeatedKeys: isJson ? repeatedKeys(text) : [],
  };
}

/** Positions of lists are numbers in a path, and text in a pointer. */
function placed(value: unknown, segments: readonly string[]): (string | number)[] {
  let inner = value;
  return segments.map((segment) => {
    const isList = Array.isArray(inner);
    inner = typeof inner === 'object' && inner !== null ? Reflect.get(inner, segment) : undefined;
    return isList ? Number(segment) : segment;
  });
}

async function fromModule(file: string): Promise<TemplateFile> {
  await readText(file); // a missing file and a broken import look alike to the loader
  const exported = await load(file);
  const named = Object.entries(exported).filter(([, value]) => isTemplate(value));
  const [first, ...others] =
    Object.hasOwn(exported, 'default') && isTemplate(exported['default']) ? [exported['default']] : named.map(([, value]) => value);
  if (first === undefined) throw unreadable(file, 'exports no template: it needs a default or named export with a key and steps');
  if (others.length > 0) {
    throw unreadable(file, `exports several templates (${named.map(([name]) => name).join(', ')}): one of them must be the default`);
  }
  return { name: file, value: first, where: () => null, repeatedKeys: [] };
}

/** Under a loader of its own: where no package says otherwise, TypeScript is read as CommonJS, which the loader of this process does not know. */
async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  const url = pathToFileURL(resolve(file)).href;
  try {
    const loaded = exportsOf(extname(file).endsWith('ts') ? await tsImport(url, import.meta.url) : await import(url));
    // What CommonJS exports stands under `default`, too.
    return isTemplate(loaded['default']) ? loaded : { ...exportsOf(loaded['default']), ...withoutDefault(loaded) };
  } catch (error) {
    throw unreadable(file, `cannot be loaded: ${reasonOf(error)}`);
  }
}

const exportsOf = (loaded: unknown): Readonly<Record<string, unknown>> =>
  typeof loaded === 'object' && loaded !== null ? { ...loaded } : {};

const withoutDefault = (exported: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(exported).filter(([name]) => name !== 'default'));

/** Looks like one; what is wrong with it is another question. */
export const isTemplate = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'steps' in value && ('key' in value || 'id' in value);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
