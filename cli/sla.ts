/** `usher sla …`: service levels. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { play } from '../domain/sla/play.js';
import { reasonOf } from './sla-cases/run.js';
import { runSlaTest } from './sla-cases/sla-test.js';
import { playIn, workflowRunner } from './sla-cases/runner.js';
import { UsageError } from './usage-error.js';

const slaUsage = `usher sla <command>    service levels

  test FILE…             runs case files: given and expected, for calendars and whole tickets

usher sla test --help says more.`;

const testUsage = `usher sla test FILE… [flags]    runs case files (YAML or JSON) and shows what came out differently

  --json                 the outcome as JSON on standard output
  --workflow             plays the scenarios on the real ticket workflow, on a test server that skips time
  --help                 this text

Exit code: 0 all cases passed, 1 something differed, 2 a file is malformed (nothing was run) or the command line is wrong.
The format is described in docs/service-levels-cases.md.`;

/** @throws UsageError */
export async function sla([command, ...args]: readonly string[]): Promise<number> {
  if (command === 'test') return test(args);
  if (command === undefined || command === '--help' || command === '-h') {
    console.log(slaUsage);
    return command === undefined ? 2 : 0;
  }
  throw new UsageError(`usher sla knows no command ${command}`, 'usher sla --help');
}

async function test(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help === true) {
    console.log(testUsage);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('name at least one case file', 'usher sla test --help');
  const options = { json: values.json ?? false, workflow: values.workflow ?? false };
  return runSlaTest(positionals, options, {
    read: (file) => readFile(file, 'utf8'),
    play,
    playElsewhere: (request) => playIn(workflowRunner, request),
    now: () => performance.now(),
    zoneData: process.versions['tz'] ?? '',
    print: (text) => console.log(text),
    complain: (text) => console.error(text),
  });
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { json: flag, workflow: flag, help: { ...flag, short: 'h' } } });
  } catch (error) {
    throw new UsageError(reasonOf(error), 'usher sla test --help');
  }
}
