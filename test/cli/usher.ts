import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { root } from '../support/repo.js';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program in the checkout until it ends. */
export async function run(command: string, args: readonly string[], cwd = root): Promise<Ended> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

/** The command line as `npx usher` starts it. */
export const usher = (...args: string[]): Promise<Ended> => run(process.execPath, ['bin/usher.mjs', ...args]);
