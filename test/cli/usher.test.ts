/** The command line as people and pipelines meet it: a process, its output, its exit code. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { read } from '../support/repo.js';
import { CaseFolder } from './files.js';
import { run, usher } from './usher.js';

const passing = `
arithmetic:
  - { id: ok, calendar: 24x7, op: due, start: 2026-07-20T16:00:00Z, budgetS: 60, expect: 2026-07-20T16:01:00Z }
`;
const differing = `
arithmetic:
  - { id: ok, calendar: 24x7, op: due, start: 2026-07-20T16:00:00Z, budgetS: 60, expect: 2026-07-20T16:01:00Z }
  - { id: off, calendar: 24x7, op: due, start: 2026-07-20T16:00:00Z, budgetS: 60, expect: 2026-07-20T16:02:00Z }
scenarios:
  - id: one hour
    calendar: 24x7
    targets: { resolution: 3600 }
    events: [[2026-07-20T16:00:00Z, open, customer]]
    expect:
      - { at: 2026-07-20T16:30:00Z, clock: resolution#1, phase: paused, consumedS: 1800 }
`;
const malformed = `
arithmetic:
  - { id: wrong, calendar: office, op: due, start: 2026-07-20T16:00:00Z, budgetS: 60, expect: 2026-07-20T16:01:00Z, ask: 1 }
`;

const cells = (line: string): string[] => line.split(/ {2,}/);

let folder: CaseFolder;
const files = { passing: '', differing: '', malformed: '' };
beforeAll(async () => {
  folder = await CaseFolder.make();
  files.passing = await folder.write('passing.yaml', passing);
  files.differing = await folder.write('differing.yaml', differing);
  files.malformed = await folder.write('malformed.yaml', malformed);
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('usher sla test', () => {
  test('all passed: the count, and 0', async () => {
    const { code, out, err } = await usher('sla', 'test', files.passing);
    expect(out).toMatch(/^1 passed, 0 failed in \d+ ms\n$/);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('something differed: a table, the count, and 1', async () => {
    const { code, out } = await usher('sla', 'test', files.passing, files.differing);
    const [head = '', off = '', hour = '', empty, count] = out.split('\n');
    expect(cells(head)).toEqual(['where', 'case', 'at', 'clock', 'field', 'expected', 'got']);
    const due = ['2026-07-20T16:02:00Z', '2026-07-20T16:01:00Z'];
    expect(cells(off)).toEqual([`${files.differing}:4`, 'off', '2026-07-20T16:00:00Z', 'due', ...due]);
    expect(cells(hour)).toEqual([
      `${files.differing}:11`,
      'one hour',
      '2026-07-20T16:30:00Z',
      'resolution#1',
      'phase',
      'paused',
      'running',
    ]);
    expect(empty).toBe('');
    expect(count).toMatch(/^2 passed, 2 failed in \d+ ms$/);
    expect(code).toBe(1);
  });

  test('a malformed file: place, field and rule of every fault, nothing run, and 2', async () => {
    const { code, out, err } = await usher('sla', 'test', files.differing, files.malformed, 'no-such-file.yaml');
    expect(err).toBe(
      [
        `${files.malformed}:3:18 /arithmetic/0/calendar must be a calendar of this file, or 24x7`,
        `${files.malformed}:3:117 /arithmetic/0/ask is not a field here`,
        "no-such-file.yaml cannot be read: ENOENT: no such file or directory, open 'no-such-file.yaml'",
        '',
        '3 faults; nothing was run',
        '',
      ].join('\n'),
    );
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('--json: the same for machines, with the same exit code', async () => {
    const { code, out, err } = await usher('sla', 'test', '--json', files.differing);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    const common = { file: files.differing, durationMs: expect.any(Number) as number };
    expect(JSON.parse(out)).toEqual({
      schema: 1,
      engine: 'virtual',
      passed: 1,
      failed: 2,
      durationMs: expect.any(Number) as number,
      cases: [
        { ...common, line: 3, id: 'ok', kind: 'arithmetic', passed: true, differences: [] },
        {
          ...common,
          line: 4,
          id: 'off',
          kind: 'arithmetic',
          passed: false,
          differences: [
            {
              line: 4,
              at: '2026-07-20T16:00:00Z',
              clock: null,
              rung: null,
              field: 'due',
              expected: '2026-07-20T16:02:00Z',
              got: '2026-07-20T16:01:00Z',
            },
          ],
        },
        {
          ...common,
          line: 6,
          id: 'one hour',
          kind: 'scenario',
          passed: false,
          differences: [
            {
              line: 11,
              at: '2026-07-20T16:30:00Z',
              clock: 'resolution#1',
              rung: null,
              field: 'phase',
              expected: 'paused',
              got: 'running',
            },
          ],
        },
      ],
      faults: [],
    });
  });

  test('--json of a malformed file: its faults, and 2', async () => {
    const { code, out } = await usher('sla', 'test', files.malformed, '--json');
    const { cases, faults, passed, failed } = JSON.parse(out) as Record<string, unknown>;
    expect({ cases, passed, failed }).toEqual({ cases: [], passed: 0, failed: 0 });
    expect(faults).toEqual([
      { file: files.malformed, line: 3, column: 18, field: '/arithmetic/0/calendar', rule: 'must be a calendar of this file, or 24x7' },
      { file: files.malformed, line: 3, column: 117, field: '/arithmetic/0/ask', rule: 'is not a field here' },
    ]);
    expect(code).toBe(2);
  });

  test('a pipe gets all of a long answer', async () => {
    const line = "  - { id: 'number N', calendar: 24x7, op: open, start: 2026-07-20T16:00:00Z, expect: false }\n";
    const many = Array.from({ length: 600 }, (_, index) => line.replace('N', String(index)));
    const file = await folder.write('many.yaml', `arithmetic:\n${many.join('')}`);
    const { code, out } = await usher('sla', 'test', file, '--json');
    expect((JSON.parse(out) as { failed: number }).failed).toBe(600);
    expect(code).toBe(1);
  });
});

describe('what can be read about it', () => {
  test.each([
    [['--help'], 'usher <noun> <command>'],
    [['sla', '-h'], 'usher sla <command>'],
    [['sla', 'test', '--help'], 'usher sla test FILE…'],
    [['audit', 'verify', '--help'], 'usher audit verify [flags]'],
  ])('%j', async (args, shown) => {
    const { code, out } = await usher(...args);
    expect(out).toContain(shown);
    expect(code).toBe(0);
  });

  test.each([
    [[], '', 'usher <noun> <command>'],
    [['sli'], 'usher knows no sli\nusher --help shows what there is\n', ''],
    [['sla', 'tset'], 'usher sla knows no command tset\nusher sla --help shows what there is\n', ''],
    [['sla', 'test'], 'name at least one case file\nusher sla test --help shows what there is\n', ''],
    [['sla', 'test', '--jsno', 'x.yaml'], "'--jsno'", ''],
    [['audit', 'verfy'], 'usher audit knows no command verfy\nusher audit --help shows what there is\n', ''],
    [['audit', 'verify', '--tenant', 'x'], 'x is not the id of a tenant\nusher audit verify --help shows what there is\n', ''],
  ])('%j says where to look, and ends with 2', async (args, complaint, shown) => {
    const { code, out, err } = await usher(...args);
    expect(err).toContain(complaint);
    expect(out).toContain(shown);
    expect(code).toBe(2);
  });
});

test('npx finds it in the checkout, without a build', async () => {
  const { code, out } = await run('npx', ['usher', 'sla', 'test', 'test/sla/cases/b-clock-changes.yaml']);
  expect(out).toMatch(/^9 passed, 0 failed in \d+ ms\n$/);
  expect(code).toBe(0);
});

test('the manifest and the documentation of the format name the same command', () => {
  expect((JSON.parse(read('package.json')) as { bin: unknown }).bin).toEqual({ usher: 'bin/usher.mjs' });
  expect(read('docs/service-levels-cases.md')).toContain('npx usher sla test');
});
