import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Logged } from './arrivals.js';
import { ReadersReply } from './readers-job.js';
import type { ReadersMessage, ReadersReport } from './readers-job.js';

const source = fileURLToPath(new URL('./readers-process.ts', import.meta.url));

/** The process that reads; one order at a time. */
export interface Readers extends AsyncDisposable {
  /** Settles once all of them have begun. */
  open(url: string, keys: readonly string[], each: number): Promise<void>;
  /** Cuts the connections of every n-th. */
  drop(every: number): Promise<void>;
  /** Settles once all of them have come so far, or when the time is over. */
  until(position: number, limitMs: number): Promise<void>;
  compare(log: readonly Logged[]): Promise<ReadersReport>;
}

/** @param signal ends the process */
export function startReaders(signal: AbortSignal): Readers {
  const child = fork(source);
  const exited = once(child, 'exit');
  const end = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  const ask = async (message: ReadersMessage): Promise<ReadersReply> => {
    signal.throwIfAborted();
    const reply = await new Promise<ReadersReply>((resolve, reject) => {
      const ended = (): void => reject(new Error('the process that reads has ended'));
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        resolve(ReadersReply.parse(answer));
      });
      child.send(message);
    });
    if (reply.kind === 'failed') throw new Error(`the process that reads failed: ${reply.reason}`);
    return reply;
  };
  return {
    async open(url, keys, each) {
      await ask({ kind: 'open', url, keys: [...keys], each });
    },
    async drop(every) {
      await ask({ kind: 'drop', every });
    },
    async until(position, limitMs) {
      await ask({ kind: 'wait', position, limitMs });
    },
    async compare(log) {
      const reply = await ask({ kind: 'compare', log: [...log] });
      if (reply.kind !== 'report') throw new Error(`expected a report, got ${reply.kind}`);
      return reply.report;
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', end);
      end();
      await exited;
    },
  };
}
