/** What a run makes of its files, whoever plays the scenarios. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { looksOf, recalled, recordTrace } from '../../../cli/sla-cases/recorded-trace.js';
import { playIn } from '../../../cli/sla-cases/runner.js';
import { runCases } from '../../../cli/sla-cases/run.js';
import type { CaseDeps } from '../../../cli/sla-cases/run.js';
import { runSlaTest } from '../../../cli/sla-cases/sla-test.js';
import type { PlayRequest, Scenario, ScenarioTrace } from '../../../domain/sla/scenario.js';
import { second, year } from '../../../domain/time.js';
import { CaseFolder } from '../files.js';
import { aScenario, at, aTrace, aView } from './trace.js';

const cases = `
calendars:
  K1: { zone: UTC, weekly: { mon: [["09:00", "17:00"]] } }
  rare: { zone: UTC, weekly: { mon: [["09:00", "09:01"]] } }
arithmetic:
  - { id: sum, calendar: K1, op: elapsed, start: 2026-07-20T16:00:00Z, end: 2026-07-21T16:00:00Z, expect: 3600 }
scenarios:
  - id: first
    calendar: K1
    targets: { resolution: 3600 }
    rungs: [{ id: r, clock: resolution, when: at_breach }]
    events: [[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:10:00Z, calendar, 24x7], [2026-07-20T16:20:00Z, calendar, rare]]
    expect:
      - { at: 2026-07-20T16:30:00Z, clock: resolution#1, phase: running }
      - { at: 2026-07-20T16:05:00Z, clocks: [resolution#1] }
      - { rung: r, clock: resolution#1, never: true }
  - id: second
    calendar: 24x7
    targets: { resolution: 3600 }
    events: [[2026-07-20T16:00:00Z, open, customer]]
    expect: [{ at: 2026-07-20T16:00:00Z, clock: resolution#1, phase: paused }]
`;

const deps = (changes: Partial<CaseDeps> = {}): CaseDeps => ({
  read: () => Promise.resolve(cases),
  play: () => aTrace(),
  now: () => 0,
  zoneData: 'test',
  ...changes,
});

const failsOnFirst = ({ id }: Scenario): ScenarioTrace => {
  if (id === 'first') throw new Error('out of windows');
  return aTrace();
};

const outcomes = async (changes: Partial<CaseDeps> = {}) => {
  const { cases: results } = await runCases(['cases.yaml'], deps(changes));
  return results.map(({ id, differences }) => [id, differences.map(({ line, field, got }) => `${line} ${field} ${String(got)}`)]);
};

describe('in virtual time', () => {
  test('each case has its outcome, differences the line of their expectation', async () => {
    expect(await outcomes()).toEqual([
      ['sum', []],
      ['first', []],
      ['second', ['21 phase running']],
    ]);
  });

  test('a scenario that cannot be played does not hide the others', async () => {
    expect(await outcomes({ play: failsOnFirst })).toEqual([
      ['sum', []],
      ['first', ['8 scenario out of windows']],
      ['second', ['21 phase running']],
    ]);
  });

  test('calendars are expanded as far as is asked, and to the horizon where the need lies beyond', async () => {
    const seen: unknown[] = [];
    await outcomes({
      play: ({ id }, expand) => {
        if (id !== 'first') return aTrace();
        const near = expand('K1', at, at + 1000, 2 * 3600 * second);
        seen.push(near.windows.slice(0, 2), near.calendar, near.zoneData);
        const far = expand('rare', at, at + 1000, 480 * 60 * second);
        seen.push(far.until >= at + 5 * year);
        return aTrace();
      },
    });
    const next = at + 6 * 24 * 3600 * second + 17 * 3600 * second;
    expect(seen).toEqual([
      [
        [at, at + 3600 * second],
        [next, next + 8 * 3600 * second],
      ],
      { id: 'K1', revision: 1 },
      'test',
      true,
    ]);
  });

  test('it is played past the last instant it names, a year where a rung may still fire', async () => {
    const untils: number[] = [];
    await outcomes({
      play: (_scenario, _expand, until) => {
        untils.push(until);
        return aTrace();
      },
    });
    expect(untils).toEqual([at + 30 * 60 * second + year, at + second]);
  });

  test('with a fault in one file, no file is run', async () => {
    const texts = new Map([['bad.yaml', 'x: 1']]);
    const read = (file: string) => Promise.resolve(texts.get(file) ?? cases);
    const { cases: results, faults } = await runCases(['cases.yaml', 'bad.yaml'], deps({ read }));
    expect(results).toEqual([]);
    expect(faults).toEqual([
      { file: 'bad.yaml', line: 1, column: 1, field: '/x', rule: 'is not a field here' },
      { file: 'bad.yaml', line: 1, column: 1, field: '', rule: 'must hold a case under arithmetic or scenarios' },
    ]);
  });
});

const oneRun: PlayRequest = {
  schema: 1,
  runs: [{ scenario: aScenario(), calendars: {}, looks: { at: [at], rungs: [], until: at + second } }],
};

describe('by another process', () => {
  const trace = { clocks: [{ at, clocks: [aView()] }], rungs: [], refused: [] };

  test('it is asked once, with the calendars and what there is to see', async () => {
    const requests: PlayRequest[] = [];
    const playElsewhere: NonNullable<CaseDeps['playElsewhere']> = (request) => {
      requests.push(request);
      return Promise.resolve({
        schema: 1,
        traces: [
          { ok: false, error: 'no server' },
          { ok: true, trace },
        ],
      });
    };
    expect(await outcomes({ playElsewhere })).toEqual([
      ['sum', []],
      ['first', ['8 scenario no server']],
      ['second', ['21 phase running']],
    ]);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.runs.map(({ scenario: { id }, calendars, looks }) => [id, Object.keys(calendars), looks])).toEqual([
      [
        'first',
        ['K1', 'rare'],
        { at: [at + 300 * second, at + 1800 * second], rungs: [{ clock: 'resolution#1', rung: 'r' }], until: at + 1800 * second + year },
      ],
      ['second', [], { at: [at], rungs: [], until: at + second }],
    ]);
  });

  test('when it fails no scenario was played, and arithmetic still counts', async () => {
    const failure = Promise.reject(new Error('it ended with exit code 1'));
    expect(await outcomes({ playElsewhere: () => failure })).toEqual([
      ['sum', []],
      ['first', ['8 scenario it ended with exit code 1']],
      ['second', ['17 scenario it ended with exit code 1']],
    ]);
  });

  test('a file without scenarios asks nobody', async () => {
    const arithmetic = Promise.resolve(cases.slice(0, cases.indexOf('scenarios:')));
    const refusal = new Error('asked');
    expect(await outcomes({ read: () => arithmetic, playElsewhere: () => Promise.reject(refusal) })).toEqual([['sum', []]]);
  });

  test('only --workflow asks it', async () => {
    const asked: string[] = [];
    const base = { ...deps(), print: () => undefined, complain: () => undefined };
    const playElsewhere = (): Promise<never> => {
      asked.push('elsewhere');
      return Promise.reject(new Error('no server'));
    };
    expect(await runSlaTest(['cases.yaml'], { json: false, workflow: false }, { ...base, playElsewhere })).toBe(1);
    expect(asked).toEqual([]);
    expect(await runSlaTest(['cases.yaml'], { json: false, workflow: true }, { ...base, playElsewhere })).toBe(1);
    expect(asked).toEqual(['elsewhere']);
  });

  describe('over its standard input and output', () => {
    let folder: CaseFolder;
    beforeAll(async () => {
      folder = await CaseFolder.make();
    });
    afterAll(() => folder[Symbol.asyncDispose]());

    const answer = { schema: 1, traces: [{ ok: true, trace }] };

    test('it answers with its traces, to what it was asked', async () => {
      const file = await folder.write(
        'runner.mts',
        `import { json } from 'node:stream/consumers';
         const { runs }: { runs: { scenario: { id: string } }[] } = (await json(process.stdin)) as never;
         process.stdout.write(JSON.stringify({ schema: 1, traces: runs.map(({ scenario }) => ({ ok: false, error: scenario.id })) }));`,
      );
      expect(await playIn(file, oneRun)).toEqual({ schema: 1, traces: [{ ok: false, error: 'S' }] });
    });

    test.each([
      ['ends badly', `process.stdout.write(${JSON.stringify(JSON.stringify(answer))}); process.exitCode = 3`, 'ended with exit code 3'],
      ['says nothing', '', 'did not answer with one trace for each'],
      ['says something else', `process.stdout.write('ready')`, 'did not answer with one trace for each'],
      ['leaves one out', `process.stdout.write('{"schema":1,"traces":[]}')`, 'did not answer with one trace for each'],
    ])('one that %s is an error', async (name, script, message) => {
      const file = await folder.write(`${name.replaceAll(' ', '-')}.mjs`, script);
      await expect(playIn(file, oneRun)).rejects.toThrow(message);
    });
  });
});

describe('a recorded trace', () => {
  const scenario = aScenario({ rungs: [{ id: 'r', clock: 'resolution', when: 'at_breach', actions: [] }] });
  const looks = looksOf(scenario, [
    { kind: 'clocks', at: at + 5000, clocks: [] },
    { kind: 'clock', at, clock: 'resolution#1', fields: {} },
    { kind: 'clocks', at, clocks: [] },
    { kind: 'rung', clock: 'resolution#1', rung: 'r', firedAt: at + 9000 },
  ]);
  const original = aTrace({ fired: { 'resolution#1 r': at + 9000 }, refused: [{ event: 0, code: 'forbidden' }] });

  test('looks once at each instant, in order', () => {
    expect(looks).toEqual({ at: [at, at + 5000], rungs: [{ clock: 'resolution#1', rung: 'r' }], until: at + 9000 + year });
  });

  test('survives the way through JSON', () => {
    const recorded = recordTrace(original, looks);
    const again = recalled(JSON.parse(JSON.stringify(recorded)) as typeof recorded);
    expect(recordTrace(again, looks)).toEqual(recorded);
    expect(again.rung('resolution#1', 'r')).toBe(at + 9000);
    expect(again.clocksAt(at + 5000)).toEqual([aView()]);
  });

  test('knows nothing else', () => {
    const again = recalled(recordTrace(original, looks));
    expect(() => again.clocksAt(at + 1)).toThrow(RangeError);
    expect(() => again.rung('resolution#2', 'r')).toThrow(RangeError);
  });
});
