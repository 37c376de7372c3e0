import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.js';
import { describeExit, startChild } from './child.js';
import type { Log } from './log.js';
import { StartError } from './start-error.js';

export interface PartOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /** Hears every line it writes. */
  output: Log;
  /** Answers 200 once the process is at work. */
  readyUrl: string;
  readyLimitMs?: number;
  /** How long it may take to stop. */
  graceMs?: number;
  /** Told when it ends without being asked to. */
  onCrash?: (reason: string) => void;
}

/** One process of the stack; tests stop, kill and start it as they like. */
export interface Part {
  readonly name: string;
  readonly pid: number | undefined;
  isRunning(): boolean;
  /** @param options.wait false returns as soon as the process exists, ready or not */
  start(options?: { wait?: boolean }): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** Sends a signal, SIGKILL by default, and for a deadly one waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** The newest lines it wrote. */
  tail(): string;
}

const deadly: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGABRT'];

/** A process that is not started yet. */
export function createPart(options: PartOptions): Part {
  let child: Child | undefined;

  const launch = async (): Promise<Child> => {
    const { name, command, args, env, cwd, output } = options;
    const started = await startChild({ name, command, args, env, cwd, log: output });
    child = started;
    void started.exited.then((exit) => {
      if (child === started) options.onCrash?.(describeExit(exit));
    });
    return started;
  };
  const start = async ({ wait = true }: { wait?: boolean } = {}): Promise<void> => {
    const running = child?.isRunning() === true ? child : await launch();
    if (wait) await untilReady(running, options);
  };
  const stop = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    await ending?.stop(options.graceMs ?? 10_000);
  };
  return {
    name: options.name,
    get pid() {
      return child?.pid;
    },
    isRunning: () => child?.isRunning() === true,
    start,
    stop,
    async restart() {
      await stop();
      await start();
    },
    async kill(signal = 'SIGKILL') {
      const target = child;
      if (target === undefined) return;
      if (!deadly.includes(signal)) return target.kill(signal);
      child = undefined;
      target.kill(signal);
      await target.exited;
    },
    tail: () => child?.tail() ?? '',
  };
}

async function untilReady(child: Child, { name, readyUrl, readyLimitMs = 300_000 }: PartOptions): Promise<void> {
  let ended: string | undefined;
  void child.exited.then((exit) => {
    ended = describeExit(exit);
  });
  const problem = await untilAnswers(readyUrl, readyLimitMs, () => ended);
  if (problem !== undefined) throw new StartError(`${name} did not get ready (${problem}). Its last lines:\n${child.tail()}`);
}

/** @returns why the address does not answer 200 in time; nothing when it does */
export async function untilAnswers(url: string, limitMs: number, whyHopeless: () => string | undefined): Promise<string | undefined> {
  const until = Date.now() + limitMs;
  for (;;) {
    const problem = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      async (response) => (response.ok ? undefined : `${url} answers ${response.status}: ${(await response.text()).slice(0, 500)}`),
      (error: unknown) => `${url}: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (problem === undefined) return undefined;
    const hopeless = whyHopeless();
    if (hopeless !== undefined) return hopeless;
    if (Date.now() > until) return problem;
    await sleep(100);
  }
}
