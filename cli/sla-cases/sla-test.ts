import { exitCodeOf, faultsText, jsonOf, textOf } from './report.js';
import { runCases } from './run.js';
import type { CaseDeps } from './run.js';

export interface SlaTestOptions {
  readonly json: boolean;
  /** Scenarios on the real ticket workflow instead of in virtual time. */
  readonly workflow: boolean;
}

export interface SlaTestDeps extends Omit<CaseDeps, 'playElsewhere'> {
  readonly playElsewhere: NonNullable<CaseDeps['playElsewhere']>;
  /** Standard output, line by line. */
  readonly print: (text: string) => void;
  /** Standard error. */
  readonly complain: (text: string) => void;
}

/**
 * `usher sla test`: runs the files and shows the outcome.
 *
 * @returns the exit code: 0 all passed, 1 something differed, 2 a file is malformed and nothing was run
 */
export async function runSlaTest(files: readonly string[], options: SlaTestOptions, deps: SlaTestDeps): Promise<0 | 1 | 2> {
  const { playElsewhere, ...rest } = deps;
  const report = await runCases(files, options.workflow ? { ...rest, playElsewhere } : rest);
  if (options.json) deps.print(jsonOf(report));
  else if (report.faults.length > 0) deps.complain(faultsText(report.faults));
  else deps.print(textOf(report));
  return exitCodeOf(report);
}
