import { differences } from '../../domain/journey/simulate/check.js';
import type { Difference } from '../../domain/journey/simulate/check.js';
import type { Json } from '../../domain/journey/json.js';
import { shownAfter, shownInstant } from '../../domain/journey/simulate/instant.js';
import type { Run } from '../../domain/journey/simulate/run.js';
import { asRun } from '../../domain/journey/simulate/recorded.js';
import type { PlayAnswer, PlayRequest } from '../../domain/journey/simulate/recorded.js';
import { table } from '../table.js';
import { castOf } from './cast.js';
import { comparisonJson, comparisonOf, comparisonText, isSame } from './comparison.js';
import { counted, jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { runJson } from './run-json.js';
import { playScript } from './simulator.js';
import { readScript } from './script-file.js';
import type { ScriptFile } from './script-file.js';
import { runText } from './trace-text.js';
import { unknownSteps } from './unknown-steps.js';
import { Unreadable } from './template-file.js';
import { playOnWorkflows } from './workflow.js';

export interface SimulateOptions {
  readonly script: string;
  /** Compares with what the script expects. */
  readonly expect: boolean;
  readonly json: boolean;
  /** Plays it on the real workflows, and compares with the virtual clock. */
  readonly workflow: boolean;
}

export type PlayElsewhere = (request: PlayRequest) => Promise<PlayAnswer>;

/**
 * `usher journey simulate`: plays a script on its template, or on another.
 *
 * @returns with `expect` 1 when something differs; with `workflow` also when its trace is another one than that of the virtual clock, or it cannot be played
 * @throws Unreadable, Invalid, and Error when the runner of scripts fails
 */
export async function simulateFile(
  template: string | undefined,
  { script: name, expect, json, workflow }: SimulateOptions,
  output: Output,
  playElsewhere: PlayElsewhere = playOnWorkflows,
): Promise<ExitCode> {
  const { file, run: simulated } = await playFile(name, template);
  const played = workflow ? await playedElsewhere(name, template, playElsewhere) : simulated;
  if (typeof played === 'string') {
    if (json) output.print(jsonText({ schema: 1, unplayable: played }));
    else output.complain(`${name} cannot be played on the workflows: ${played}`);
    return 1;
  }
  const found = expect ? differences(file.script, played) : [];
  const compared = workflow ? comparisonOf(simulated, played) : null;
  if (json) {
    const more = expect ? { differences: found.map((one) => differenceJson(one, file)) } : {};
    output.print(jsonText({ ...runJson(played), ...more, ...(compared === null ? {} : { simulator: comparisonJson(compared) }) }));
  } else {
    output.print(runText(played));
    if (expect) output.print(`\n${differencesText(found, file)}`);
    if (compared !== null) output.print(`\n${comparisonText(compared, played)}`);
  }
  return found.length === 0 && (compared === null || isSame(compared)) ? 0 : 1;
}

/** Why it cannot be played, in words, where it cannot. */
async function playedElsewhere(script: string, template: string | undefined, play: PlayElsewhere): Promise<Run | string> {
  const { runs } = await play({ schema: 1, runs: [{ script, template: template ?? null }] });
  const [played] = runs;
  if (played === undefined) throw new Error('the runner of scripts did not answer');
  return played.ok ? asRun(played.run) : played.error;
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
