/** Scripts where their authors keep them. */
import { dirname, isAbsolute, join } from 'node:path';
import { scriptSchema } from '../../domain/journey/simulate/schema.js';
import type { Script } from '../../domain/journey/simulate/script.js';
import { faultsOf, readSource } from '../source.js';
import type { Path, Place } from '../source.js';
import { readText, Unreadable } from './template-file.js';

export interface ScriptFile {
  readonly name: string;
  readonly script: Script;
  readonly where: (path: Path) => Place;
  /** A path that the script names, from here. */
  readonly beside: (path: string) => string;
}

/** @throws Unreadable with every fault, by line */
export async function readScript(name: string): Promise<ScriptFile> {
  const answer = readSource(await readText(name));
  if (!answer.ok) throw new Unreadable(answer.faults.map((fault) => ({ file: name, ...fault })));
  const { source } = answer;
  const parsed = scriptSchema(source.value).safeParse(source.value);
  if (!parsed.success) throw new Unreadable(faultsOf(parsed.error, source).map((fault) => ({ file: name, ...fault })));
  return {
    name,
    script: parsed.data,
    where: source.where,
    beside: (path) => (isAbsolute(path) ? path : join(dirname(name), path)),
  };
}
