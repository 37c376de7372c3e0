/** A process of its own that takes a request on its standard input and answers on its standard output. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

/**
 * Starts a runner, hands it a request and takes its answer; what it says on the way goes to standard error.
 *
 * @returns null when it answers no JSON
 * @throws Error when it cannot be started or ends badly
 */
export async function askRunner(runner: string, request: object): Promise<unknown> {
  const { input, output, ended } = start(runner);
  input.on('error', () => undefined); // it ended before it had read all: its end says why
  input.end(JSON.stringify(request));
  const [answer] = await Promise.all([json(output).catch(() => null), ended]);
  return answer;
}

/** Between the two there is a channel besides, over which nothing is said: by its end the runner knows that nobody waits any more. */
function start(runner: string): { input: Writable; output: Readable; ended: Promise<void> } {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = spawn(process.execPath, ['--import', loader, runner], { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('a process without the pipes it was started with');
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`the runner of scenarios ended with ${signal ?? `exit code ${code}`}`)),
    );
  });
  return { input: stdin, output: stdout, ended };
}
