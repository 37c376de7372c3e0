/**
 * What README.md and docs/ show is run against a real system, in order, one terminal for each document. A block of shell is run when
 * `<!-- run -->` stands above it, and repeated `<!-- run until it shows -->` what it should. The block of text or JSON below is what it
 * shows: ids, instants and ports may differ, and `…` stands for anything.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentWithout } from '../../local/environment.js';
import { files, read } from '../support/repo.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

interface Step {
  /** Line of the document. */
  readonly line: number;
  readonly script: string;
  readonly repeated: boolean;
  /** Empty: whatever it shows, it must succeed. */
  readonly output: string;
}

const block = /^<!-- run( until it shows)? -->\n\n```sh\n([\s\S]*?)^```\n(?:\n```(?:text|json)\n([\s\S]*?)^```\n)?/gm;

const stepsOf = (document: string): Step[] =>
  [...document.matchAll(block)].map(({ index, 1: repeated, 2: script = '', 3: output = '' }) => ({
    line: document.slice(0, index).split('\n').length + 2,
    script,
    repeated: repeated !== undefined,
    output,
  }));

/** What differs from run to run. */
const changing: readonly (readonly [RegExp, string])[] = [
  [/TKT-[0-9A-Z]{8}\b/gi, 'TKT'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT'],
  [/127\.0\.0\.1:\d+/g, 'HOST'],
];
const settled = (text: string): string => changing.reduce((rest, [pattern, name]) => rest.replaceAll(pattern, name), text);

/** The first piece of what a document shows that is not there, each piece sought behind the one before. */
function missing(shown: string, actual: string): string | undefined {
  const text = settled(actual);
  let at = 0;
  for (const piece of settled(shown).split(/…|\n/)) {
    const found = text.indexOf(piece.trim(), at);
    if (found < 0) return piece;
    at = found + piece.trim().length;
  }
  return undefined;
}

/** A shell that keeps its variables from step to step, and ends with the first command that fails. */
class Terminal implements AsyncDisposable {
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
    await expect.poll(() => this.shell.exitCode !== null || this.output.includes(end), { timeout: 30_000, interval: 20 }).toBe(true);
    if (this.shell.exitCode !== null) throw new Error(`exit code ${this.shell.exitCode}\n${script}\n${this.output}`);
    return this.output.slice(0, this.output.indexOf(end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shell.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

describe('the check itself', () => {
  test('finds the steps', () => {
    const document =
      'a\n\n<!-- run -->\n\n```sh\necho 1\n```\n\n```text\n1\n```\n\n<!-- run until it shows -->\n\n```sh\necho 2\n```\n\n```sh\necho 3\n```\n';
    expect(stepsOf(document)).toEqual([
      { line: 5, script: 'echo 1\n', repeated: false, output: '1\n' },
      { line: 15, script: 'echo 2\n', repeated: true, output: '' },
    ]);
  });

  test.each([
    ['{"id":"TKT-3V7K9M2Q",…"version":1}', '{"id":"TKT-00000000","a":2,"version":1}', undefined],
    ['one\ntwo', 'one\nthree', 'two'],
    ['two\none', 'one\ntwo', 'one'],
    ['at 2026-11-21T17:11:33.832Z', 'at 2027-01-01T00:00:00.000Z', undefined],
  ])('%j in %j misses %j', (shown, actual, piece) => expect(missing(shown, actual)).toBe(piece));

  test('a command that fails ends the terminal', async () => {
    await using terminal = new Terminal(await mkdtemp(join(tmpdir(), 'usher-readme-')));
    expect(await terminal.run('A=1\n')).not.toContain('1');
    expect(await terminal.run('echo "$A"\n')).toContain('1');
    await expect(terminal.run('false\necho on\n')).rejects.toThrow('exit code 1');
  });
});

/** Needs a checkout and no system: test/cli/docs.test.ts runs it. */
const elsewhere = 'docs/service-levels-cases.md';
const documents = ['README.md', ...files('docs').filter((path) => path.endsWith('.md') && path !== elsewhere)].map((path) => ({
  path,
  steps: stepsOf(read(path)),
}));

describe('a reader who follows', () => {
  let running: TestStack;
  beforeAll(async () => {
    running = await startTestStack({ policies: true });
  }, 120_000);
  afterAll(() => running[Symbol.asyncDispose]());

  describe.each(documents)('$path', ({ steps }) => {
    let terminal: Terminal;
    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'usher-readme-'));
      await symlink(dirname(running.stack.logsFolder), join(folder, '.usher'));
      terminal = new Terminal(folder);
    });
    afterAll(() => terminal[Symbol.asyncDispose]());

    test('has something to run', () => expect(steps).not.toEqual([]));

    test.each(steps)('line $line', async ({ script, repeated, output }) => {
      if (repeated)
        await expect.poll(async () => missing(output, await terminal.run(script)), { timeout: 20_000, interval: 200 }).toBeUndefined();
      else {
        const actual = await terminal.run(script);
        expect(missing(output, actual), actual).toBeUndefined();
      }
    });
  });
});
