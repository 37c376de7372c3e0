import { differences } from '../../domain/journey/simulate/check.js';
import type { Difference } from '../../domain/journey/simulate/check.js';
import type { Json } from '../../domain/journey/json.js';
import { shownAfter, shownInstant } from '../../domain/journey/simulate/instant.js';
import type { Run } from '../../domain/journey/simulate/run.js';
import { table } from '../table.js';
import { castOf } from './cast.js';
import { counted, jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { runJson } from './run-json.js';
import { playScript } from './simulator.js';
import { readScript } from './script-file.js';
import type { ScriptFile } from './script-file.js';
import { runText } from './trace-text.js';
import { unknownSteps } from './unknown-steps.js';
import { Unreadable } from './template-file.js';

export interface SimulateOptions {
  readonly script: string;
  /** Compares with what the script expects. */
  readonly expect: boolean;
  readonly json: boolean;
}

/**
 * `usher journey simulate`: plays a script on its template, or on another.
 *
 * @returns with `expect` 1 when something differs
 * @throws Unreadable, Invalid
 */
export async function simulateFile(
  template: string | undefined,
  { script: name, expect, json }: SimulateOptions,
  output: Output,
): Promise<ExitCode> {
  const { file, run } = await playFile(name, template);
  const found = expect ? differences(file.script, run) : [];
  if (json) output.print(jsonText({ ...runJson(run), ...(expect ? { differences: found.map((one) => differenceJson(one, file)) } : {}) }));
  else {
    output.print(runText(run));
    if (expect) output.print(`\n${differencesText(found, file)}`);
  }
  return found.length === 0 ? 0 : 1;
}

/** @throws Unreadable, Invalid */
export async function playFile(name: string, template: string | undefined): Promise<{ readonly file: ScriptFile; readonly run: Run }> {
  const file = await readScript(name);
  const casting = await castOf(file, template);
  const faults = unknownSteps(file, casting.stepsOf);
  if (faults.length > 0) throw new Unreadable(faults);
  const { run } = await playScript(file.script, casting);
  return { file, run };
}

const lineOf = ({ of }: Difference, { where }: ScriptFile): number => where(of === null ? ['start'] : [of.list, of.index]).line;

function differencesText(found: readonly Difference[], file: ScriptFile): string {
  const { expect, start } = file.script;
  if (found.length === 0) return `as expected: ${counted(expect.length, 'expectation')}`;
  const rows = found.map((one) => [
    `${file.name}:${lineOf(one, file)}`,
    one.at === null ? '' : shownAfter(one.at, start.at),
    one.journey === null ? '' : String(one.journey),
    one.what,
    one.field,
    written(one.expected),
    written(one.got),
  ]);
  return `${counted(found.length, 'difference')}\n${table([['where', 'at', 'journey', 'what', 'field', 'expected', 'got'], ...rows])}`;
}

const written = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

const differenceJson = (one: Difference, file: ScriptFile) => ({
  line: lineOf(one, file),
  at: one.at === null ? null : shownInstant(one.at),
  journey: one.journey,
  what: one.what,
  field: one.field,
  expected: one.expected,
  got: one.got,
});
