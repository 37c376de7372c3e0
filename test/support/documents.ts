/**
 * What a document shows and a reader can follow, in order. A block of shell is run when `<!-- run -->` stands above it, and repeated
 * `<!-- run until it shows -->` what it should. The block of text or JSON below is what it shows: ids, instants and ports may differ, and `…`
 * stands for anything. A block under `<!-- file NAME -->` is what the reader saves under that name.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { environmentWithout } from '../../local/environment.js';
import { root } from './repo.js';

export interface Step {
  /** Line of the document. */
  readonly line: number;
  readonly script: string;
  readonly repeated: boolean;
  /** Empty: whatever it shows, it must succeed. */
  readonly output: string;
}

const block =
  /^<!-- (?:file (\S+)|run( until it shows)?) -->\n\n```(?:sh|ts|json|yaml)\n([\s\S]*?)^```\n(?:\n```(?:text|json)\n([\s\S]*?)^```\n)?/gm;

export const stepsOf = (document: string): Step[] =>
  [...document.matchAll(block)].map(({ index, 1: file, 2: repeated, 3: text = '', 4: output = '' }) => ({
    line: document.slice(0, index).split('\n').length + 2,
    script: file === undefined ? text : `cat > ${file} <<'END OF FILE'\n${text}END OF FILE\n`,
    repeated: repeated !== undefined,
    output,
  }));

/** The files a document tells its reader to save, by name; of several versions the last. */
export const filesIn = (document: string): ReadonlyMap<string, string> =>
  new Map([...document.matchAll(block)].flatMap(({ 1: file, 3: text = '' }) => (file === undefined ? [] : [[file, text] as const])));

/** What differs from run to run. */
const changing: readonly (readonly [RegExp, string])[] = [
  [/TKT-[0-9A-Z]{8}\b/gi, 'TKT'],
  [/JRN-[0-9A-Z]{16}\b/g, 'JRN'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT'],
  [/127\.0\.0\.1:\d+/g, 'HOST'],
];
const settled = (text: string): string => changing.reduce((rest, [pattern, name]) => rest.replaceAll(pattern, name), text);

/** The first piece of what a document shows that is not there, each piece sought behind the one before. */
export function missing(shown: string, actual: string): string | undefined {
  const text = settled(actual);
  let at = 0;
  for (const piece of settled(shown).split(/…|\n/)) {
    const found = text.indexOf(piece.trim(), at);
    if (found < 0) return piece;
    at = found + piece.trim().length;
  }
  return undefined;
}

/** A step may start programs of the checkout, on a machine that is busy with other tests. */
const slowestMs = 180_000;
/** For the test of one step. */
export const stepTimeoutMs = slowestMs + 30_000;

/** A shell that keeps its variables from step to step, and ends with the first command that fails. */
export class Terminal implements AsyncDisposable {
  private readonly shell: ChildProcessWithoutNullStreams;
  private readonly folder: string;
  private output = '';
  private steps = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.shell = spawn('sh', ['-e'], { cwd: folder, env: environmentWithout([]) });
    const keep = (chunk: Buffer): void => void (this.output += chunk.toString('utf8'));
    this.shell.stdout.on('data', keep);
    this.shell.stderr.on('data', keep);
    this.shell.stdin.on('error', () => undefined);
  }

  async run(script: string): Promise<string> {
    this.steps += 1;
    const end = `end of step ${this.steps}`;
    const file = join(this.folder, `step-${this.steps}.sh`);
    await writeFile(file, script);
    this.output = '';
    this.shell.stdin.write(`. ${file} </dev/null\necho\necho ${end}\n`);
    await expect.poll(() => this.shell.exitCode !== null || this.output.includes(end), { timeout: slowestMs, interval: 20 }).toBe(true);
    if (this.shell.exitCode !== null) throw new Error(`exit code ${this.shell.exitCode}\n${script}\n${this.output}`);
    return this.output.slice(0, this.output.indexOf(end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shell.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Where authors put what is theirs: these stay in the folder, so that nothing gets into the checkout. */
const own: readonly string[] = ['journeys', 'test/journeys/scenarios'];
const notLinked: readonly string[] = ['.git', '.usher', 'journeys', 'test'];

/** A folder that looks like a fresh checkout to whoever works in it; every command finds the sources. */
export async function checkoutFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-checkout-'));
  for (const name of await readdir(root)) if (!notLinked.includes(name)) await symlink(join(root, name), join(folder, name));
  for (const name of own) await mkdir(join(folder, name), { recursive: true });
  return folder;
}
