/** What README.md and docs/ show is run against a real system, in order, one terminal for each document. */
import { mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkoutFolder, missing, stepsOf, stepTimeoutMs, Terminal } from '../support/documents.js';
import { files, read } from '../support/repo.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

describe('the check itself', () => {
  test('finds the steps', () => {
    const document =
      'a\n\n<!-- run -->\n\n```sh\necho 1\n```\n\n```text\n1\n```\n\n<!-- run until it shows -->\n\n```sh\necho 2\n```\n\n```sh\necho 3\n```\n';
    expect(stepsOf(document)).toEqual([
      { line: 5, script: 'echo 1\n', repeated: false, output: '1\n' },
      { line: 15, script: 'echo 2\n', repeated: true, output: '' },
    ]);
  });

  test('saves files', () => {
    const [step] = stepsOf('<!-- file a.yaml -->\n\n```yaml\na: 1\n```\n');
    expect(step?.script).toBe("cat > a.yaml <<'END OF FILE'\na: 1\nEND OF FILE\n");
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

/** Need a checkout and no system: test/cli runs what they show. */
const elsewhere = ['docs/service-levels-cases.md', 'docs/journeys-reference.md', 'docs/journeys-scripts.md'];
/** Need both. */
const inCheckout = ['README.md', 'docs/journeys.md'];
const documents = ['README.md', ...files('docs').filter((path) => path.endsWith('.md') && !elsewhere.includes(path))].map((path) => ({
  path,
  steps: stepsOf(read(path)),
}));

describe('a reader who follows', { timeout: stepTimeoutMs }, () => {
  let running: TestStack;
  beforeAll(async () => {
    running = await startTestStack({ policies: true, journeys: true });
  }, 300_000);
  afterAll(() => running[Symbol.asyncDispose]());

  describe.each(documents)('$path', ({ path, steps }) => {
    let terminal: Terminal;
    beforeAll(async () => {
      const folder = inCheckout.includes(path) ? await checkoutFolder() : await mkdtemp(join(tmpdir(), 'usher-readme-'));
      await symlink(dirname(running.stack.logsFolder), join(folder, '.usher'));
      terminal = new Terminal(folder);
    });
    afterAll(() => terminal[Symbol.asyncDispose]());

    test('has something to run', () => expect(steps).not.toEqual([]));

    test.each(steps)('line $line', async ({ script, repeated, output }) => {
      if (repeated)
        await expect.poll(async () => missing(output, await terminal.run(script)), { timeout: 120_000, interval: 200 }).toBeUndefined();
      else {
        const actual = await terminal.run(script);
        expect(missing(output, actual), actual).toBeUndefined();
      }
    });
  });
});
