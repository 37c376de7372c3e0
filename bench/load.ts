import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadJob, LoadMessage, LoadReport, LoadSetup } from './load-job.js';
import { LoadReply } from './load-job.js';

const source = fileURLToPath(new URL('./load-process.ts', import.meta.url));

/** The process that makes the load; one job at a time. */
export interface Load extends AsyncDisposable {
  run(job: LoadJob): Promise<LoadReport>;
}

/** @param signal ends the process, and with it the job it is at */
export async function startLoad(setup: LoadSetup, signal: AbortSignal): Promise<Load> {
  const child = fork(source);
  const exited = once(child, 'exit');
  const end = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });

  const ask = (message: LoadMessage): Promise<LoadReply> =>
    new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the process that makes the load has ended'));
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        resolve(LoadReply.parse(answer));
      });
      child.send(message);
    });
  const dispose = async (): Promise<void> => {
    signal.removeEventListener('abort', end);
    end();
    await exited;
  };
  try {
    expectKind(await ask({ kind: 'setup', setup }), 'ready');
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    async run(job) {
      signal.throwIfAborted();
      return expectKind(await ask({ kind: 'job', job }), 'report').report;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function expectKind<Kind extends LoadReply['kind']>(reply: LoadReply, kind: Kind): Extract<LoadReply, { kind: Kind }> {
  if (reply.kind === 'failed') throw new Error(`the process that makes the load failed: ${reply.reason}`);
  if (!isKind(reply, kind)) throw new Error(`expected ${kind}, got ${reply.kind}`);
  return reply;
}

const isKind = <Kind extends LoadReply['kind']>(reply: LoadReply, kind: Kind): reply is Extract<LoadReply, { kind: Kind }> =>
  reply.kind === kind;
