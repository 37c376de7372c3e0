import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { environmentWithout } from './environment.js';
import type { Log } from './log.js';
import { guard, unguard } from './reaper.js';

export interface ChildOptions {
  name: string;
  command: string;
  args: readonly string[];
  log: Log;
  env?: Record<string, string>;
  cwd?: string;
  /** The account it runs as; only root may ask for another. */
  account?: { uid: number; gid: number };
  /** How it is asked to stop. */
  stopSignal?: NodeJS.Signals;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that this one has started and is answerable for. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  isRunning(): boolean;
  /** The newest lines it wrote, for the message that says why it failed. */
  tail(): string;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to stop, and ends it when it has not within the grace. */
  stop(graceMs?: number): Promise<Exit>;
}

const tailLines = 30;

/**
 * Starts a process in a session of its own: Ctrl-C in the terminal reaches only the parent, which stops its children in order. Should
 * the parent be killed, the reaper ends them.
 *
 * @throws Error when the program cannot be started at all
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const started = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: platform() !== 'win32',
    windowsHide: true,
    env: options.env ?? environmentWithout([]),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.account,
  });
  const lines: string[] = [];
  const keep = (line: string): void => {
    lines.push(line);
    if (lines.length > tailLines) lines.shift();
    options.log(line);
  };
  readLines(started.stdout, keep);
  readLines(started.stderr, keep);

  const exited = new Promise<Exit>((resolve) => {
    started.once('close', (code, signal) => resolve({ code, signal })); // its last lines are in
    started.once('exit', (code, signal) => setTimeout(resolve, 1_000, { code, signal }).unref()); // a grandchild may hold the pipes open
  });
  await once(started, 'spawn'); // rejects with the reason when it cannot be started
  const pid = started.pid;
  if (pid === undefined) throw new Error(`${options.name}: started without a process id`);
  guard(pid, stopSignal);
  let running = true;
  started.once('exit', () => {
    running = false;
    unguard(pid);
  });
  started.on('error', (error) => options.log(String(error)));

  const kill = (signal: NodeJS.Signals): void => {
    if (running) started.kill(signal);
  };
  return {
    name: options.name,
    pid,
    exited,
    isRunning: () => running,
    tail: () => lines.join('\n'),
    kill,
    async stop(graceMs = 5_000) {
      kill(stopSignal);
      const limit = setTimeout(() => kill('SIGKILL'), graceMs);
      try {
        return await exited;
      } finally {
        clearTimeout(limit);
      }
    },
  };
}

/** How a process ended, in words. */
export const describeExit = ({ code, signal }: Exit): string => (signal === null ? `exit code ${code}` : `signal ${signal}`);

function readLines(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', take);
}
