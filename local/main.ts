/** `npm start`: the whole system on embedded parts. */
import { parseStartArguments, usage } from './arguments.js';
import { inherited } from './environment.js';
import type { Stack } from './stack.js';
import { startStack } from './stack.js';
import type { StackOptions } from './stack-options.js';
import { StartError } from './start-error.js';
import { welcome } from './welcome.js';

const began = Date.now();
const seconds = (): number => (Date.now() - began) / 1000;
const say = (line: string): void => console.log(`${seconds().toFixed(1).padStart(6)} s  ${line}`);

async function main(args: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  const ended = new Promise<void>((resolve) => interrupted.signal.addEventListener('abort', () => resolve(), { once: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(interrupted));
  try {
    const { help, stateDir, ...wanted } = parseStartArguments(args);
    if (help) {
      console.log(usage());
      return 0;
    }
    const stack = await startStack({
      ...wanted,
      ...ownServers(),
      stateDir,
      policies: true,
      journeys: true,
      supervise: true,
      signal: interrupted.signal,
      log: say,
    });
    console.log(welcome(stack, stateDir, seconds()));
    await ended;
    return await stop(stack);
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    console.error(error instanceof StartError ? `\n${error.message}` : error);
    return 1;
  }
}

/** Once: stop in order. Twice: at once; the reaper ends what is left. */
function interrupt(controller: AbortController): void {
  if (controller.signal.aborted) process.exit(130); // eslint-disable-line unicorn/no-process-exit -- nothing may come in between
  console.log('\nstopping (Ctrl-C again ends everything at once)');
  controller.abort();
}

async function stop(stack: Stack): Promise<number> {
  const from = Date.now();
  await stack.stop();
  console.log(`stopped in ${((Date.now() - from) / 1000).toFixed(1)} s; the state is kept`);
  return 0;
}

/** Servers that the user brings, by their variables. */
function ownServers(): Pick<StackOptions, 'databaseUrl' | 'databaseOwnerUrl' | 'temporalAddress'> {
  const variables = { databaseUrl: 'DATABASE_URL', databaseOwnerUrl: 'DATABASE_OWNER_URL', temporalAddress: 'TEMPORAL_ADDRESS' };
  return Object.fromEntries(
    Object.entries(variables).flatMap(([option, name]) => {
      const value = inherited[name];
      return value === undefined || value === '' ? [] : [[option, value]];
    }),
  );
}

process.umask(0o077); // mail, attachments and logs are for this user only
process.exit(await main(process.argv.slice(2))); // eslint-disable-line unicorn/no-process-exit -- an interrupted start may still be waiting
