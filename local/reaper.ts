import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./reaper.mjs', import.meta.url));
let input: Writable | undefined;

/** Has this child ended with `signal` should this process die without stopping it. */
export function guard(pid: number, signal: NodeJS.Signals): void {
  input ??= startReaper();
  input.write(`+ ${pid} ${signal}\n`);
}

/** Forgets a child that has ended. */
export function unguard(pid: number): void {
  input?.write(`- ${pid}\n`);
}

/** Its own session, so that Ctrl-C and a closed terminal do not reach it; held by nothing, so that it never keeps this process alive. */
function startReaper(): Writable {
  const reaper = spawn(process.execPath, ['--max-old-space-size=16', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    windowsHide: true,
    env: {},
  });
  reaper.on('error', () => undefined);
  reaper.stdin.on('error', () => undefined);
  reaper.unref();
  if ('unref' in reaper.stdin && typeof reaper.stdin.unref === 'function') reaper.stdin.unref();
  return reaper.stdin;
}
