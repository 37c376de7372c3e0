/** What docs/journeys.md and docs/journeys-scripts.md show besides what runs on a system (test/server/readme.test.ts) is so. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import ts from 'typescript';
import { playFile } from '../../cli/journey/simulate.js';
import { differences } from '../../domain/journey/simulate/check.js';
import { stepStates } from '../../domain/journey/diagram.js';
import { handoffVerbs, operatorVerbs } from '../../domain/journey/simulate/script.js';
import { checkoutFolder, filesIn, missing, stepsOf, stepTimeoutMs, Terminal } from '../support/documents.js';
import { read, root } from '../support/repo.js';
import { namesIn, spansIn, tableUnder } from '../support/tables.js';
import { CaseFolder } from './files.js';
import { usher } from './usher.js';

const tutorial = read('docs/journeys.md');
const scripts = read('docs/journeys-scripts.md');
const blocks = (page: string, language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

describe('the tutorial', { timeout: stepTimeoutMs }, () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await checkoutFolder();
    file = join(folder, 'journeys/renewal-offer.ts');
    await writeFile(file, grown);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const [small = '', grown = ''] = blocks(tutorial, 'ts');

  test('draws what it ends with', async () => {
    const { out } = await usher('journey', 'diagram', file);
    expect(out).toBe(blocks(tutorial, 'mermaid').join(''));
  });

  test('shows what the compiler says to a name that does not exist, and nothing to what it shows', async () => {
    const wrong = small.replace("to: 'renewed'", "to: 'renewd'");
    expect(wrong).not.toBe(small);
    const said = compiled(folder, { 'small.ts': small, 'grown.ts': grown, 'renewal-offer.ts': wrong });
    expect(blocks(tutorial, 'text')[0]?.trim()).toBe(said[0]?.split('\n')[0]);
    expect(said).toHaveLength(1);
  });

  test('writes a script that comes out as expected, where all scenarios are', async () => {
    const [name = '', start = ''] = [...filesIn(tutorial)].find(([path]) => path.endsWith('.yaml')) ?? [];
    const [, expectations = ''] = /<<'END'\n([\s\S]*?)END\n/.exec(tutorial) ?? [];
    expect(name).toMatch(/^test\/journeys\/scenarios\/[\w-]+\.yaml$/);
    await writeFile(join(folder, name), start + expectations);
    const { file: script, run } = await playFile(join(folder, name), undefined);
    expect(script.script.expect).toHaveLength(5);
    expect(differences(script.script, run)).toEqual([]);
  });
});

/** What the compiler says to templates in a folder that looks like the checkout. */
function compiled(folder: string, sources: Readonly<Record<string, string>>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const paths = new Map(Object.entries(sources).map(([name, text]) => [join(folder, 'journeys', name), text]));
  const host = ts.createCompilerHost(options);
  const known = host.readFile.bind(host);
  const there = host.fileExists.bind(host);
  host.readFile = (path) => paths.get(path) ?? known(path);
  host.fileExists = (path) => paths.has(path) || there(path);
  const program = ts.createProgram({ rootNames: [...paths.keys()], options: { ...options, noEmit: true }, host });
  return [...paths.keys()]
    .flatMap((path) => [...ts.getPreEmitDiagnostics(program, program.getSourceFile(path))])
    .map((found) =>
      ts.formatDiagnostic(found, { getCurrentDirectory: () => folder, getCanonicalFileName: (name) => name, getNewLine: () => '\n' }),
    );
}

const changed = (from: string, to: string): string =>
  `sed 's/${from}/${to}/' acquisition.yaml > changed.yaml && mv changed.yaml acquisition.yaml\n`;

describe('the page on scripts', { timeout: stepTimeoutMs }, () => {
  let terminal: Terminal;
  beforeAll(async () => {
    terminal = new Terminal(await checkoutFolder());
  });
  afterAll(() => terminal[Symbol.asyncDispose]());
  const steps = stepsOf(scripts);

  test('has something to run', () => expect(steps.length).toBeGreaterThan(1));

  test.each(steps)('line $line', async ({ script, output }) => {
    const actual = await terminal.run(script);
    expect(missing(output, actual), actual).toBeUndefined();
  });

  const [, differing = '', malformed = ''] = blocks(scripts, 'text');
  const simulate = 'npx usher journey simulate --script acquisition.yaml --expect';

  test('with another end, shows what differs', async () => {
    const actual = await terminal.run(`${changed('at: +2d, progress', 'at: +3d, progress')}${simulate} || echo "exit code $?"\n`);
    expect(missing(`${differing}\nexit code 1`, actual), actual).toBeUndefined();
  });

  test('malformed, names the place', async () => {
    const actual = await terminal.run(`${changed('outcome: converted', 'outcme: converted')}${simulate} || echo "exit code $?"\n`);
    expect(missing(`${malformed}\nexit code 2`, actual), actual).toBeUndefined();
  });

  test('describes every field', () => {
    const file = 'template templates actions people config allow start events expect';
    expect(namesIn(tableUnder(scripts, '## The file'))).toEqual(file.split(' '));
    const words = `maxConcurrentJourneys handoffTimeout retryAttempts idempotent once none refused commandId onBehalfOf
      expectStep compensate_and_end deadlines scope reason outcome cause due attempts approval owner status stage progress context times visit`;
    for (const word of words.split(/\s+/)) expect(scripts).toContain(word);
  });

  test('describes every event', () => {
    const kinds = 'event start complete advance vote delegate handoff step fail context subject people operator';
    const shown = tableUnder(scripts, '## Events').rows.map(([event = '']) => spansIn(event)[0]?.split(':')[0]);
    expect(shown).toEqual(kinds.split(' '));
    for (const verb of handoffVerbs) expect(scripts).toMatch(new RegExp(`\`(?:do: )?${verb}\``));
  });

  test('describes every verb of an operator', () =>
    expect(namesIn(tableUnder(scripts, '## Events', 1)).toSorted()).toEqual(operatorVerbs.toSorted()));

  test('describes every state and cause', () => {
    const causes = 'advance event condition elapsed max action vote timeout handoff child join operator entry';
    expect(spansIn(/- States of a step: (.*)/.exec(scripts)?.[1] ?? '')).toEqual([...stepStates]);
    expect(spansIn(/- Causes: (.*)/.exec(scripts)?.[1] ?? '')).toEqual(causes.split(' '));
  });
});

/** A template of one automatic handoff. */
const handingOver = (more: object) => ({
  key: 'offer',
  name: 'Offer',
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  start: 'give',
  steps: {
    give: { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'automatic', ...more, transitions: [{ to: 'end' }] },
    end: { kind: 'end', outcome: 'done', result: 'won' },
  },
});
/** Its receiver never answers well. */
const neverAccepted = (expected: readonly object[]) => ({
  template: 'offer.json',
  start: { at: '2026-01-05T09:00:00Z', subject: { type: 'customer', id: 'C1' } },
  events: [{ at: '+0s', fail: 'give', error: 'Unavailable', times: 100 }],
  expect: expected,
});

describe('automatic acceptance, as the reference has it', () => {
  const incident = { step: 'give', state: 'incident', reason: 'handoff_timeout' };
  test('is told', () =>
    expect(tableUnder(read('docs/journeys-reference.md'), '## Defaults and limits').rows).toContainEqual([
      'automatic acceptance of a handoff',
      '5 min in all, 3 attempts, first delay 30 s',
    ]));

  test.each([
    [
      'three attempts, 30 s before the second',
      {},
      [
        { at: '+0s', handoff: 'give', state: 'offered', attempts: 1, due: '+5m' },
        { at: '+29s', handoff: 'give', attempts: 1 },
        { at: '+30s', handoff: 'give', attempts: 2 },
        { at: '+1m30s', ...incident, attempts: 3 },
      ],
    ],
    [
      'five minutes in all, however many attempts',
      { retry: { maxAttempts: 'unlimited' } },
      [
        { at: '+4m59s', step: 'give', state: 'open' },
        { at: '+5m', ...incident },
      ],
    ],
  ])('%s', async (_, more, expected) => {
    await using folder = await CaseFolder.make();
    await folder.write('offer.json', JSON.stringify(handingOver(more)));
    const { file, run } = await playFile(await folder.write('script.json', JSON.stringify(neverAccepted(expected))), undefined);
    expect(differences(file.script, run)).toEqual([]);
  });
});
