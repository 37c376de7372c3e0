import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeOnce } from './build-lock.js';
import { binaryCache } from './cache.js';
import { runGo, whyNoGo } from './go-build.js';
import type { Log } from './log.js';
import { runCommand } from './run-command.js';
import { StartError } from './start-error.js';
import { downloadWithSdk } from './temporal-download.js';

export interface TemporalBinary {
  path: string;
  /** Of the server inside, such as 1.31.2: names the database file, which no other version may open. */
  serverVersion: string;
  /** Where it came from and why, for one line to the user. */
  source: string;
}

/** No Temporal server could be had; the message lists what was tried and the five ways to provide one. */
export class TemporalUnavailableError extends StartError {
  override readonly name = 'TemporalUnavailableError';
}

const cliVersion = '1.8.2';
const wrapperModule = fileURLToPath(new URL('./temporal-cli/', import.meta.url));
const cachedFile = (): string => join(binaryCache(), `temporal-v${cliVersion}`);

/**
 * Finds the Temporal CLI that runs the dev server, or fetches or builds it once.
 * Order: `temporal` on PATH with server 1.29 or newer, the cache, the SDK's download, a build from Go modules. Source: temporal.md 2.1.
 */
export async function acquireTemporal(log: Log): Promise<TemporalBinary> {
  const tried: string[] = [];
  for (const [name, way] of ways(log)) {
    try {
      const found = await way();
      log(`Temporal server ${found.serverVersion}: ${found.source}`);
      return found;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      tried.push(`${name}: ${reason.split('\n').slice(-3).join(' ')}`);
    }
  }
  throw new TemporalUnavailableError(
    [
      'No Temporal server for this machine. Tried:',
      ...tried.map((line) => `  - ${line}`),
      'Any one of these helps:',
      '  1. set TEMPORAL_ADDRESS to a running Temporal server that has the namespace',
      '  2. put the Temporal CLI, `temporal`, with server 1.29 or newer on the PATH',
      `  3. put the Temporal CLI v${cliVersion} at ${cachedFile()}`,
      `  4. start once with network access, so that it can be downloaded`,
      '  5. install Go 1.26.4 or newer, so that it can be built (about 5 minutes, once)',
    ].join('\n'),
  );
}

const ways = (log: Log): [string, () => Promise<TemporalBinary>][] => [
  ['temporal on PATH', () => inspect('temporal', 'the `temporal` on your PATH')],
  ['cache', () => fromCache('found in the cache')],
  ['download', () => download(log)],
  ['Go build', () => build(log)],
];

/** @throws Error when it cannot be run or its server is too old */
async function inspect(path: string, source: string): Promise<TemporalBinary> {
  const text = await runCommand(path, ['--version'], { limitMs: 20_000 }).catch(() => {
    throw new Error('not found');
  });
  const found = /Server (\d+)\.(\d+)\.(\d+)/.exec(text); // the number of the CLI itself is 0.0.0-DEV in own builds
  if (found === null) throw new Error(`does not tell its server version: ${text}`);
  const serverVersion = `${found[1]}.${found[2]}.${found[3]}`;
  if (Number(found[1]) === 1 && Number(found[2]) < 29) throw new Error(`server ${serverVersion} is older than 1.29`);
  return { path, serverVersion, source };
}

async function fromCache(source: string): Promise<TemporalBinary> {
  if (!existsSync(cachedFile())) throw new Error(`no ${cachedFile()}`);
  return inspect(cachedFile(), source);
}

async function download(log: Log): Promise<TemporalBinary> {
  log('no Temporal server on this machine yet; trying the download (limit 120 s)');
  await downloadWithSdk('dev', binaryCache(), `v${cliVersion}`);
  return fromCache('downloaded with the Temporal SDK');
}

async function build(log: Log): Promise<TemporalBinary> {
  const obstacle = await whyNoGo();
  if (obstacle !== undefined) throw new Error(obstacle);
  log('no download possible; building Temporal, about 5 minutes, once');
  await makeOnce(cachedFile(), log, async (temporary) => {
    const module = await mkdtemp(join(tmpdir(), 'usher-temporal-')); // go may rewrite the module's files: never those of the checkout
    try {
      for (const file of ['go.mod', 'go.sum']) await copyFile(join(wrapperModule, file), join(module, file));
      const flags = `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${cliVersion}`;
      const args = ['build', '-v', '-trimpath', '-ldflags', flags, '-o', temporary, 'github.com/temporalio/cli/cmd/temporal'];
      await runGo('building Temporal', args, { cwd: module, env: { GOFLAGS: '-mod=mod' }, log });
    } finally {
      await rm(module, { recursive: true, force: true });
    }
  });
  return fromCache('built from Go modules');
}
