import { runCommand } from './run-command.js';
import { environmentWithout } from './environment.js';
import type { Log } from './log.js';
import { tmpdir } from 'node:os';

const minimum = [1, 26, 4] as const;

/** @returns why Go cannot be used here; nothing when it can */
export async function whyNoGo(): Promise<string | undefined> {
  let version: string;
  try {
    version = await runCommand('go', ['env', 'GOVERSION'], { limitMs: 20_000, cwd: tmpdir() });
  } catch {
    return 'Go is not installed';
  }
  const found = /go(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  const numbers = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0), Number(found?.[3] ?? 0)];
  return atLeast(numbers, minimum) ? undefined : `${version} is older than go${minimum.join('.')}`;
}

/** Runs go, saying every quarter of a minute how far it is: a build from nothing takes minutes and prints nothing by itself. */
export async function runGo(
  what: string,
  args: readonly string[],
  options: { cwd: string; env: Record<string, string>; log: Log },
): Promise<void> {
  const began = Date.now();
  let compiled = 0;
  const seconds = (): number => Math.round((Date.now() - began) / 1000);
  const progress = setInterval(() => options.log(`${what}: ${compiled} packages so far, ${seconds()} s`), 15_000);
  try {
    const env = environmentWithout(['GOFLAGS', 'GOBIN', 'GOOS', 'GOARCH'], { CGO_ENABLED: '0', ...options.env });
    await runCommand('go', args, { limitMs: 45 * 60_000, cwd: options.cwd, env, onLine: () => void (compiled += 1) });
    options.log(`${what}: done in ${seconds()} s`);
  } finally {
    clearInterval(progress);
  }
}

function atLeast(found: readonly number[], wanted: readonly number[]): boolean {
  for (const [index, number] of wanted.entries()) {
    const have = found[index] ?? 0;
    if (have !== number) return have > number;
  }
  return true;
}
