/** Scenarios played by a process of its own, which takes a request on its standard input and answers on its standard output. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PlayAnswer, PlayRequest } from '../../domain/sla/scenario.js';

/** Plays on the real ticket workflow. */
export const workflowRunner = fileURLToPath(new URL('../../local/sla-workflow.ts', import.meta.url));

/**
 * Starts the runner, hands it the scenarios and takes its answer; what it says on the way goes to standard error.
 *
 * @throws Error when it cannot be started, ends badly or answers something else
 */
export async function playIn(runner: string, request: PlayRequest): Promise<PlayAnswer> {
  const { input, output, ended } = start(runner);
  input.on('error', () => undefined); // it ended before it had read all: its end says why
  input.end(JSON.stringify(request));
  const [answer] = await Promise.all([json(output).catch(() => null), ended]);
  if (!isAnswer(answer, request)) throw new Error('the runner of scenarios did not answer with one trace for each');
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

/** The runner is ours and of the same checkout: what can go wrong is that it says nothing, or something else. */
const isAnswer = (answer: unknown, { runs }: PlayRequest): answer is PlayAnswer =>
  typeof answer === 'object' &&
  answer !== null &&
  'schema' in answer &&
  answer.schema === 1 &&
  'traces' in answer &&
  Array.isArray(answer.traces) &&
  answer.traces.length === runs.length;
