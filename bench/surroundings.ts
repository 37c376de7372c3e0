/** What a figure depends on besides the workload: written beside every result. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { z } from 'zod';
import type { Target } from './target.js';

export interface Surroundings {
  commit: string;
  cores: number;
  processor: string;
  memoryGb: number;
  system: string;
  node: string;
  temporalSdk: string;
  temporalServer: string;
  /** Where the server keeps its state. */
  temporalStore: string;
  postgres: string;
  /** Settings of PostgreSQL that decide what a commit costs. */
  postgresSettings: Record<string, string>;
  /** Kind of file system; in memory, a commit costs nothing. */
  stateOn: string;
}

/** The engine's column: a dev server and a server on PostgreSQL are never compared. */
export const engineOf = ({ temporalStore }: Surroundings): 'dev' | 'server' => (temporalStore.includes('sqlite') ? 'dev' : 'server');

export async function surroundingsOf(target: Target): Promise<Surroundings> {
  const { client, folder } = target;
  const cluster = await client.workflowService.getClusterInfo({});
  const [version] = z.array(z.object({ version: z.string() })).parse(await target.sql('select version()'));
  const settings = z
    .array(z.object({ name: z.string(), setting: z.string() }))
    .parse(
      await target.sql(
        `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_connections')`,
      ),
    );
  return {
    commit: commitOf(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    temporalSdk: packageVersion('@temporalio/client'),
    temporalServer: cluster.serverVersion ?? 'unknown',
    temporalStore: cluster.persistenceStore ?? 'unknown',
    postgres: version?.version.split(' on ')[0] ?? 'unknown',
    postgresSettings: Object.fromEntries(settings.map(({ name, setting }) => [name, setting])),
    stateOn: folder === undefined ? 'a running system' : await fileSystemOf(folder),
  };
}

/** The commit, marked when the tree differs from it. */
function commitOf(): string {
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '-changed'}`;
  } catch {
    return 'unknown';
  }
}

const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

function packageVersion(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** Numbers of Linux for file systems that live in memory. */
const inMemory = new Set([0x01021994, 0x858458f6]);

const fileSystemOf = async (folder: string): Promise<string> =>
  platform() === 'linux' && inMemory.has((await statfs(folder)).type) ? 'memory: commits cost nothing here' : 'disk';
