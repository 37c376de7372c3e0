/** `usher journey …`: journeys, for those who write them. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import type { Overlay } from '../domain/journey/diagram.js';
import { Invalid } from './journey/cast.js';
import { drawFile } from './journey/diagram.js';
import { explainFile } from './journey/explain.js';
import { countsText, faultsText, findingsText } from './journey/findings.js';
import { jsonText } from './journey/output.js';
import type { ExitCode, Output } from './journey/output.js';
import { printFile } from './journey/print.js';
import { explainRunning } from './journey/running.js';
import { playFile, simulateFile } from './journey/simulate.js';
import { Unreadable } from './journey/template-file.js';
import { validateFile } from './journey/validate.js';
import { UsageError } from './usage-error.js';

const journeyUsage = `usher journey <command>    journey templates: checked, drawn, tried out

  validate FILE          tells everything that is wrong with a template
  diagram FILE           draws it as a Mermaid flowchart
  simulate [FILE] --script SCRIPT
                         plays a script on it, on a virtual clock
  explain FILE --subject ID --script SCRIPT
                         tells whether somebody would enter, and what stops them
  explain --journey JRN-… --api URL --key KEY
                         tells what has happened in a journey, who did it, and why
  print FILE             prints it as JSON, as POST /v1/journey-templates takes it

FILE is TypeScript or JavaScript (its default export, or the one export that is a template), JSON or YAML, or the key of a template that comes with the
product. usher journey <command> --help says more. The format of scripts is described in docs/journeys-scripts.md.`;

const validateUsage = `usher journey validate FILE [flags]    tells everything that is wrong with a template

  --actions FILE         actions the template may call besides those that come with the product: {"name@major": {input, output, effect}}
  --previous FILE        the version published before, to judge what changes for those who start journeys
  --json                 {isValid, errors, warnings} on standard output
  --help                 this text

Exit code: 0 it can be published (there may be warnings), 1 it has errors, 2 a file cannot be read or the command line is wrong.`;

const diagramUsage = `usher journey diagram FILE [flags]    draws a template for Mermaid

  --states               a state diagram instead of a flowchart
  --script SCRIPT        colours the steps by where a journey is at the end of a script
  --journey N            … the Nth journey of the script (1)
  --json                 steps with their places, and the ways between them
  --help                 this text

Exit code: 0 drawn, 1 the script cannot be played on it, 2 a file cannot be read or the command line is wrong.`;

const simulateUsage = `usher journey simulate [FILE] --script SCRIPT [flags]    plays a script on a virtual clock

  --script SCRIPT        what happens, and what is expected (YAML or JSON); FILE takes the place of the template it names
  --expect               compares with what the script expects, and shows what differs
  --workflow             plays it on the real workflows, on a test server that skips time, and compares with the virtual clock
  --json                 the run as JSON on standard output
  --help                 this text

Exit code: 0 played (with --expect: and all as expected), 1 something differs, the workflows cannot play it, or the template has errors, 2 a script or a file is malformed (nothing was
run) or the command line is wrong. The format of scripts is described in docs/journeys-scripts.md.`;

const explainUsage = `usher journey explain FILE --subject ID --script SCRIPT [flags]    tells whether somebody would enter, and what stops them
usher journey explain --journey JRN-… --api URL --key KEY [flags]    tells what has happened in a journey, who did it, and why

  --subject ID           whom it is about; TYPE/ID for another type than the template's
  --script SCRIPT        what is known of them, and what has happened before
  --journey JRN-…        a journey of a running Usher
  --api URL              where its API is, such as http://127.0.0.1:3000
  --key KEY              an API key, or a token, that may read journeys
  --json                 the same as JSON on standard output
  --help                 this text

When the script lets them ask, the last time counts; otherwise a call at its end. Exit code: 0 explained, 1 the template has errors, 2 a file cannot be read,
the API does not tell, or the command line is wrong.`;

const printUsage = `usher journey print FILE    prints a template as JSON, as POST /v1/journey-templates takes it

  --help                 this text

Exit code: 0 printed, whatever is wrong with the template, 2 the file cannot be read, or holds what JSON cannot, or the command line is wrong.`;

const flag = { type: 'boolean' } as const;
const text = { type: 'string' } as const;
const shared = { json: flag, help: { ...flag, short: 'h' } } as const;

const standard: Output = { print: (line) => console.log(line), complain: (line) => console.error(line) };

const commands: Readonly<Record<string, (args: readonly string[], output: Output) => Promise<ExitCode>>> = {
  validate: async (args, output) => {
    const { values, positionals } = parse('validate', args, { ...shared, actions: text, previous: text });
    if (values.help === true) return shown(validateUsage, output);
    return validateFile(
      one('validate', positionals),
      { actions: values.actions, previous: values.previous, json: values.json ?? false },
      output,
    );
  },
  diagram: async (args, output) => {
    const { values, positionals } = parse('diagram', args, { ...shared, states: flag, script: text, journey: text });
    if (values.help === true) return shown(diagramUsage, output);
    const file = one('diagram', positionals);
    const number = count('diagram', values.journey ?? '1');
    const { script } = values;
    const overlay = script === undefined ? undefined : () => overlayOf(script, file, number);
    return drawFile(file, { states: values.states ?? false, json: values.json ?? false }, output, overlay);
  },
  simulate: async (args, output) => {
    const { values, positionals } = parse('simulate', args, { ...shared, script: text, expect: flag, workflow: flag });
    if (values.help === true) return shown(simulateUsage, output);
    const { script } = values;
    if (script === undefined) throw new UsageError('--script is needed: what is to happen', 'usher journey simulate --help');
    if (positionals.length > 1) throw new UsageError('name at most one template', 'usher journey simulate --help');
    const { expect = false, json = false, workflow = false } = values;
    return simulateFile(positionals[0], { script, expect, json, workflow }, output);
  },
  explain: async (args, output) => {
    const { values, positionals } = parse('explain', args, { ...shared, subject: text, script: text, journey: text, api: text, key: text });
    if (values.help === true) return shown(explainUsage, output);
    const { subject, script, journey: id, api, key, json = false } = values;
    if (id !== undefined || api !== undefined || key !== undefined) {
      const help = 'usher journey explain --help';
      if (id === undefined || api === undefined || key === undefined) throw new UsageError('--journey, --api and --key go together', help);
      if (!/^JRN-[0-9A-Z]{16}$/.test(id)) throw new UsageError('--journey must be the id of a journey: JRN-…', help);
      if (!URL.canParse(api)) throw new UsageError('--api must be an address', help);
      return explainRunning(id, { api, key, json }, output);
    }
    if (subject === undefined || script === undefined) {
      throw new UsageError(`--${subject === undefined ? 'subject' : 'script'} is needed`, 'usher journey explain --help');
    }
    return explainFile(one('explain', positionals), { subject, script, json }, output);
  },
  print: async (args, output) => {
    const { values, positionals } = parse('print', args, { help: shared.help });
    return values.help === true ? shown(printUsage, output) : printFile(one('print', positionals), output);
  },
};

/** @throws UsageError */
export async function journey([command, ...args]: readonly string[], output: Output = standard): Promise<ExitCode> {
  if (command === undefined || command === '--help' || command === '-h') {
    output.print(journeyUsage);
    return command === undefined ? 2 : 0;
  }
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined) throw new UsageError(`usher journey knows no command ${command}`, 'usher journey --help');
  try {
    return await run(args, output);
  } catch (error) {
    return failed(error, args.includes('--json'), output);
  }
}

/** A file that cannot be read is 2, a template that cannot be run 1. */
function failed(error: unknown, json: boolean, output: Output): ExitCode {
  if (error instanceof Unreadable) {
    if (json) output.print(jsonText({ schema: 1, faults: error.faults }));
    else output.complain(faultsText(error.faults));
    return 2;
  }
  if (error instanceof Invalid) {
    if (json) output.print(jsonText({ schema: 1, errors: error.errors }));
    else output.complain(`${findingsText(error.file, error.errors)}\n\n${error.file.name} is not valid: ${countsText(error.errors, [])}`);
    return 1;
  }
  throw error;
}

const shown = (usage: string, output: Output): ExitCode => {
  output.print(usage);
  return 0;
};

async function overlayOf(script: string, file: string, number: number): Promise<Overlay> {
  const { run } = await playFile(script, file);
  const standing = run.journeys[number - 1];
  return Object.fromEntries(standing?.visits.flatMap(({ step, item, state }) => (item === null ? [[step, state] as const] : [])) ?? []);
}

function parse<const Options extends NonNullable<ParseArgsConfig['options']>>(command: string, args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), `usher journey ${command} --help`);
  }
}

function one(command: string, [file, ...others]: readonly string[]): string {
  if (file === undefined || others.length > 0) throw new UsageError('name one template', `usher journey ${command} --help`);
  return file;
}

function count(command: string, written: string): number {
  if (!/^[1-9]\d{0,5}$/.test(written)) throw new UsageError('--journey must be a number from 1 up', `usher journey ${command} --help`);
  return Number(written);
}
