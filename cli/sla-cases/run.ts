/** Runs case files: all faults of all files first, and only when there are none, the cases. */
import { expand } from '../../domain/sla/calendar.js';
import type { CalendarRef } from '../../domain/sla/policy.js';
import type { ExpandCalendar, PlayAnswer, PlayRequest, PlayScenario, Scenario, ScenarioTrace } from '../../domain/sla/scenario.js';
import { horizonMs } from '../../domain/sla/windows.js';
import { calculate, expectedResult } from './arithmetic.js';
import type { KnownCalendars } from './calendars.js';
import { compare } from './compare.js';
import type { Finding } from './compare.js';
import type { Difference } from './difference.js';
import { readCases } from './read.js';
import type { Fault } from '../source.js';
import type { CaseFile } from './read.js';
import { looksOf, recalled } from './recorded-trace.js';

export interface CaseResult {
  readonly file: string;
  readonly line: number;
  readonly id: string;
  readonly kind: 'arithmetic' | 'scenario';
  /** Null: played by another process, together with others. */
  readonly durationMs: number | null;
  /** Empty: passed. */
  readonly differences: readonly Difference[];
}

export interface FileFault extends Fault {
  readonly file: string;
}

export interface SlaReport {
  /** What played the scenarios. */
  readonly engine: 'virtual' | 'workflow';
  readonly durationMs: number;
  readonly cases: readonly CaseResult[];
  /** When there is one, nothing was run. */
  readonly faults: readonly FileFault[];
}

export interface CaseDeps {
  /** Text of a file; throws with the reason when there is none. */
  readonly read: (file: string) => Promise<string>;
  readonly play: PlayScenario;
  /** When given, scenarios are played there instead. */
  readonly playElsewhere?: (request: PlayRequest) => Promise<PlayAnswer>;
  /** Milliseconds since some instant, for durations. */
  readonly now: () => number;
  /** Version of the host's time-zone data. */
  readonly zoneData: string;
}

interface Named extends CaseFile {
  readonly name: string;
}

/** @returns the outcome of every case in the order of the files, arithmetic before scenarios; or the faults of the files */
export async function runCases(names: readonly string[], deps: CaseDeps): Promise<SlaReport> {
  const began = deps.now();
  const engine = deps.playElsewhere === undefined ? 'virtual' : 'workflow';
  const answers = await Promise.all(names.map(async (name) => ({ name, answer: await readFile(name, deps) })));
  const faults = answers.flatMap(({ name, answer }) => (answer.ok ? [] : answer.faults.map((fault) => ({ file: name, ...fault }))));
  if (faults.length > 0) return { engine, durationMs: deps.now() - began, cases: [], faults };
  const files = answers.flatMap(({ name, answer }): Named[] => (answer.ok ? [{ name, ...answer.file }] : []));
  const elsewhere = deps.playElsewhere === undefined ? undefined : await playAll(files, deps.playElsewhere);
  const cases = files.flatMap((file) => [...arithmeticResults(file, deps), ...scenarioResults(file, deps, elsewhere)]);
  return { engine, durationMs: deps.now() - began, cases, faults: [] };
}

async function readFile(name: string, { read }: CaseDeps) {
  try {
    return readCases(await read(name));
  } catch (error) {
    return { ok: false as const, faults: [{ line: 0, column: 0, field: '', rule: `cannot be read: ${reasonOf(error)}` }] };
  }
}

const arithmeticResults = (file: Named, { now }: CaseDeps): CaseResult[] =>
  file.arithmetic.map((asked) => {
    const began = now();
    const got = calculate(asked, file.calendars.get(asked.calendar));
    const expected = expectedResult(asked, got);
    const { id, line, op } = asked;
    const difference = { line, at: 'start' in asked ? (asked.start ?? null) : null, clock: null, rung: null, field: op, expected, got };
    return { file: file.name, line, id, kind: 'arithmetic', durationMs: now() - began, differences: expected === got ? [] : [difference] };
  });

type Played = ReadonlyMap<Scenario, ScenarioTrace | Error>;

const scenarioResults = (file: Named, { play, now, zoneData }: CaseDeps, elsewhere: Played | undefined): CaseResult[] =>
  file.scenarios.map(({ scenario, expect, line, lines }) => {
    const began = now();
    const trace =
      elsewhere?.get(scenario) ?? attempt(() => play(scenario, expanding(file.calendars, zoneData), looksOf(scenario, expect).until));
    const findings = trace instanceof Error ? [unplayed(trace)] : compare(scenario, expect, trace);
    return {
      file: file.name,
      line,
      id: scenario.id,
      kind: 'scenario',
      durationMs: elsewhere === undefined ? now() - began : null,
      differences: findings.map(({ expectation, ...found }) => ({
        line: expectation === null ? line : (lines[expectation] ?? line),
        ...found,
      })),
    };
  });

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const unplayed = (error: Error): Finding => ({
  expectation: null,
  at: null,
  clock: null,
  rung: null,
  field: 'scenario',
  expected: 'played',
  got: error.message,
});

/** One scenario that cannot be played must not hide the others. */
function attempt(play: () => ScenarioTrace): ScenarioTrace | Error {
  try {
    return play();
  } catch (error) {
    return asError(error);
  }
}

const expanding =
  (calendars: KnownCalendars, zoneData: string): ExpandCalendar =>
  (name, from, until, needMs) => {
    const ref: CalendarRef = { id: name, revision: 1 };
    const calendar = calendars.get(name);
    const windows = expand(calendar, ref, { from, until, needMs, zoneData });
    if (windows !== 'horizon') return windows;
    const whole = expand(calendar, ref, { from, until: Math.max(until, from + horizonMs), zoneData });
    if (whole === 'horizon') throw new RangeError(`${name} cannot be expanded`);
    return whole;
  };

/** When the other process fails, none of its scenarios was played; what else is in the files still counts. */
async function playAll(files: readonly Named[], elsewhere: (request: PlayRequest) => Promise<PlayAnswer>): Promise<Played> {
  const asked = files.flatMap(({ scenarios, calendars }) => scenarios.map((found) => ({ ...found, calendars })));
  if (asked.length === 0) return new Map();
  const runs = asked.map(({ scenario, expect, calendars }) => ({
    scenario,
    calendars: calendars.namedBy(scenario),
    looks: looksOf(scenario, expect),
  }));
  const answers = await elsewhere({ schema: 1, runs }).then(
    ({ traces }) => traces.map((answer) => (answer.ok ? recalled(answer.trace) : new Error(answer.error))),
    (error: unknown) => runs.map(() => asError(error)),
  );
  return new Map(asked.map(({ scenario }, index) => [scenario, answers[index] ?? new Error('there is no answer for this scenario')]));
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
