import { parseArgs } from 'node:util';
import { z } from 'zod';
import { inherited } from './environment.js';
import type { PortName, StackPorts } from './stack-ports.js';
import { portNames, portSettings } from './stack-ports.js';
import { StartError } from './start-error.js';

export interface StartArguments {
  help: boolean;
  fresh: boolean;
  engine: 'dev' | 'server';
  stateDir: string;
  ports: Partial<StackPorts>;
}

const Port = z.coerce.number().int().min(1).max(65_535);

/** Reads the flags of `npm start -- …`; a port may also come from its variable, the flag wins. */
export function parseStartArguments(args: readonly string[]): StartArguments {
  const { values } = parse(args);
  const engine = values.engine ?? 'dev';
  if (engine !== 'dev' && engine !== 'server') throw new StartError(`--engine is dev or server, not ${engine}`);
  const ports: Partial<StackPorts> = {};
  for (const name of portNames) {
    const port = portOf(name, values);
    if (port !== undefined) ports[name] = port;
  }
  return { help: values.help ?? false, fresh: values.fresh ?? false, engine, stateDir: values['state-dir'] ?? '.usher', ports };
}

export const usage = (): string =>
  [
    'npm start -- [flags]    starts Usher with everything it needs; Ctrl-C stops it',
    '',
    '  --fresh               begin with an empty state',
    '  --state-dir <folder>  where the state is kept (.usher)',
    '  --engine <dev|server> the small Temporal server on a file, or the production-like one on PostgreSQL (dev)',
    ...portNames.map((name) => {
      const { flag, variable, standard, name: what } = portSettings[name];
      return `  ${`--${flag} <port>`.padEnd(28)}${what} (${standard}; also ${variable})`;
    }),
    '',
    'DATABASE_URL and TEMPORAL_ADDRESS, when set, name servers of your own to use instead of embedded ones.',
  ].join('\n');

function parse(args: readonly string[]) {
  const ports = Object.fromEntries(portNames.map((name) => [portSettings[name].flag, { type: 'string' } as const]));
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...ports,
        help: { type: 'boolean', short: 'h' },
        fresh: { type: 'boolean' },
        engine: { type: 'string' },
        'state-dir': { type: 'string' },
      },
    });
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
  }
}

function portOf(name: PortName, values: Record<string, unknown>): number | undefined {
  const { flag, variable } = portSettings[name];
  const fromFlag = values[flag];
  const text = typeof fromFlag === 'string' ? fromFlag : (inherited[variable] ?? '');
  if (text === '') return undefined;
  const parsed = Port.safeParse(text);
  if (!parsed.success) throw new StartError(`${fromFlag === undefined ? variable : `--${flag}`} is no port: ${text}`);
  return parsed.data;
}
