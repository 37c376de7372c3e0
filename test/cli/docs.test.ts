/** What docs/service-levels-cases.md shows is what happens. */
import { describe, expect, test } from 'vitest';
import { faultsText, jsonOf, textOf } from '../../cli/sla-cases/report.js';
import { runCases } from '../../cli/sla-cases/run.js';
import type { SlaReport } from '../../cli/sla-cases/run.js';
import { play } from '../../domain/sla/play.js';
import { read } from '../support/repo.js';
import { run } from './usher.js';

const page = read('docs/service-levels-cases.md');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

const [example = ''] = blocks('yaml');
const [, table = '', faults = ''] = blocks('text');
const [json = ''] = blocks('json');
const commands = [...page.matchAll(/^<!-- run -->\n\n```sh\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)];

const playing = (text: string): Promise<SlaReport> =>
  runCases(['cases.yaml'], { read: () => Promise.resolve(text), play, now: () => performance.now(), zoneData: '' });

/** `…` stands for anything, also for what differs from run to run. */
const pattern = (shown: string): RegExp =>
  new RegExp(
    `^${shown
      .trim()
      .split('…')
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
      .join('.*')}$`,
  );

const untimed = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(/"durationMs":[\d.]+/g, '"durationMs":0'));

describe('the command', () => {
  test('there is one', () => expect(commands).toHaveLength(1));
  test.each(commands.map(([, script = '', shown = '']) => [script.trim(), shown] as const))('%s', async (script, shown) => {
    const { code, out } = await run('sh', ['-c', script]);
    expect(out.trim()).toMatch(pattern(shown));
    expect(code).toBe(0);
  });
});

describe('the example', () => {
  test('passes', async () => expect(textOf(await playing(example))).toMatch(/^6 passed, 0 failed in \d+ ms$/));

  const wrong = example.replace('dueAt: 2026-07-21T11:30:00Z', 'dueAt: 2026-07-21T11:45:00Z');
  test('with another deadline, shows the table', async () => {
    expect(wrong).not.toBe(example);
    const shown = textOf(await playing(wrong)).split('\n');
    const expected = table.trim().split('\n');
    expect(shown).toHaveLength(expected.length);
    for (const [index, line] of expected.entries()) expect(shown[index]).toMatch(pattern(line));
  });

  test('and as JSON what the page says', async () => {
    const told = JSON.parse(json) as Record<string, unknown>;
    const shown = JSON.parse(jsonOf(await playing(wrong))) as Record<string, unknown> & { cases: { passed: boolean }[] };
    const failed = shown.cases.filter(({ passed }) => !passed);
    expect(untimed({ ...shown, cases: failed })).toEqual(untimed(told));
  });

  test('without a budget, names the field', async () => {
    const { faults: found } = await playing(example.replace('targets: { resolution: 7200 }', 'targets: { resolution: 0 }'));
    expect(faultsText(found)).toBe(faults.trimEnd());
  });
});

test('every verb and field is described', () => {
  const verbs =
    'open customer reply reply_resolve bot auto_ack note call status resolve reopen close merge target calendar no_policy policy_again';
  const others = 'cause+ cause- acknowledge snooze unsnooze worker_down worker_up';
  const fields = 'phase dueAt consumedS remainingS spareS overrunS outcome breaches breachedAt fulfilledAt reason cause lateMs';
  for (const word of `${verbs} ${others} ${fields}`.split(' '))
    expect(page).toMatch(new RegExp(`\`${word.replace('+', String.raw`\+`)}[\` ]`));
});
