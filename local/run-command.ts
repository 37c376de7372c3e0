import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { guard, unguard } from './reaper.js';

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  limitMs: number;
  /** Hears each line as it comes. */
  onLine?: (line: string) => void;
}

/**
 * Runs a program to its end.
 *
 * @returns everything it wrote, both streams
 * @throws Error with its last lines when it fails, cannot be started or takes too long
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const lines: string[] = [];
  const take = (line: string): void => {
    lines.push(line);
    options.onLine?.(line);
  };
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.limitMs,
    killSignal: 'SIGKILL',
    windowsHide: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const { pid } = child;
  if (pid !== undefined) {
    guard(pid, 'SIGTERM');
    child.once('exit', () => unguard(pid));
  }
  createInterface({ input: child.stdout }).on('line', take);
  createInterface({ input: child.stderr }).on('line', take);
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
  });
  if (code === 0) return lines.join('\n');
  const reason = signal === null ? `exit code ${code}` : `ended by ${signal}, limit ${Math.round(options.limitMs / 1000)} s`;
  throw new Error(`${command}: ${reason}${lines.length === 0 ? '' : `\n${lines.slice(-8).join('\n')}`}`);
}
