/** `usher journey simulate --workflow` apart from the workflows: what is said of a run that is the same, another one, or none. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { playFile, simulateFile } from '../../cli/journey/simulate.js';
import { recorded } from '../../domain/journey/simulate/recorded.js';
import type { Played, PlayRequest } from '../../domain/journey/simulate/recorded.js';
import { root } from '../support/repo.js';

const script = join(root, 'test/journeys/scenarios/s06-nothing-happens.yaml');

async function simulated(): Promise<Extract<Played, { readonly ok: true }>> {
  const { file, run } = await playFile(script, undefined);
  return {
    ok: true,
    run: recorded(
      run,
      file.script.expect.flatMap(({ at }) => at ?? []),
    ),
  };
}

/** What it prints, complains of and ends with when the workflows answer so; and what they were asked. */
async function withAnswer(answer: Played, flags: { readonly json?: boolean; readonly expect?: boolean } = {}) {
  const [out, err]: [string[], string[]] = [[], []];
  const asked: PlayRequest[] = [];
  const output = { print: (text: string) => void out.push(text), complain: (text: string) => void err.push(text) };
  const play = (request: PlayRequest) => {
    asked.push(request);
    return Promise.resolve({ schema: 1 as const, runs: [answer] });
  };
  const code = await simulateFile(undefined, { script, expect: false, json: false, workflow: true, ...flags }, output, play);
  return { code, out: out.join('\n'), err: err.join('\n'), asked };
}

describe('usher journey simulate --workflow', () => {
  test('the same trace: the run as it was played, and 0', async () => {
    const { code, out, err, asked } = await withAnswer(await simulated(), { expect: true });
    expect({ code, err, asked }).toEqual({ code: 0, err: '', asked: [{ schema: 1, runs: [{ script, template: null }] }] });
    expect(out).toContain('as expected: 5 expectations');
    expect(out).toMatch(/the same trace as on the virtual clock: \d+ lines$/);
  });

  test('another trace: the lines of one only, what else differs, and 1', async () => {
    const { run } = await simulated();
    const trace = run.trace.map((line) => (line.type === 'journey.ended' ? { ...line, at: line.at + 1_000 } : line));
    const { code, out } = await withAnswer({ ok: true, run: { ...run, trace, nextAt: run.startedAt } });
    expect(out).toContain('2 lines of one only');
    expect(out).toMatch(/^virtual clock +\+7d .* ended /m);
    expect(out).toMatch(/^workflows +\+7d1s .* ended /m);
    expect(out).toMatch(/not as on the virtual clock: nextAt$/);
    expect(code).toBe(1);
  });

  test('for machines', async () => {
    const { code, out } = await withAnswer(await simulated(), { json: true });
    expect(JSON.parse(out)).toMatchObject({ schema: 1, simulator: { same: true, lines: [], members: [] } });
    expect(code).toBe(0);
    const { run } = await simulated();
    const differing = await withAnswer({ ok: true, run: { ...run, trace: run.trace.slice(1) } }, { json: true });
    expect(JSON.parse(differing.out)).toMatchObject({
      simulator: { same: false, lines: [{ onlyOn: 'virtual clock', at: '2026-01-05T09:00:00Z', type: 'journey.started' }], members: [] },
    });
    expect(differing.code).toBe(1);
  });

  test('what the workflows cannot play is refused with the reason, and 1', async () => {
    const refused = { ok: false, error: 'nobody tells them' } as const;
    expect(await withAnswer(refused)).toMatchObject({
      code: 1,
      out: '',
      err: `${script} cannot be played on the workflows: nobody tells them`,
    });
    const { code, out } = await withAnswer(refused, { json: true });
    expect(JSON.parse(out)).toEqual({ schema: 1, unplayable: 'nobody tells them' });
    expect(code).toBe(1);
  });
});
