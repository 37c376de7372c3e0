/**
 * Starts what the tests of a run share: PostgreSQL with a migrated template, the Temporal servers, the workflow bundle. Runs once for each
 * test project, all in one process, before the first test: what two projects need is started once, and ended by the last.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { migrateToLatest } from '../../db/migrate.js';
import { silent } from '../../local/log.js';
import { freePort } from '../../local/ports.js';
import { startPostgres } from '../../local/postgres.js';
import { acquireTemporal } from '../../local/temporal-binary.js';
import { startDevServer } from '../../local/temporal-dev.js';
import { acquireTimeSkippingServer } from '../../local/time-skipping.js';
import { projectFolder } from '../../local/typescript-process.js';
import { makeBundle } from '../../worker/bundle.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Logins of the application and of the superuser, with `%` for the database. */
    postgres: { url: string; superuser: string };
    /** Path of the workflow bundle. */
    bundle: string;
    /** Folder of the compiled code. */
    built: string;
    /** Path of the time-skipping server's program. */
    timeSkipping: string;
    devServer: { address: string; namespace: string };
  }
}

/** Getting a server may take minutes, once; that has to be seen. */
const aloud = (line: string): void => void process.stderr.write(`${line}\n`);

/** The database every test database is cloned from. */
export const templateDatabase = 'usher';

type Part = keyof ProvidedContext;

/** Which parts each test project needs. */
const needs: Record<string, readonly Part[]> = {
  activities: ['postgres'],
  db: ['postgres'],
  api: ['postgres'],
  replay: ['bundle'],
  time: ['postgres', 'bundle', 'timeSkipping'],
  server: ['postgres', 'bundle', 'built', 'devServer'],
};

type Started<Name extends Part> = { readonly value: ProvidedContext[Name]; readonly end?: () => Promise<void> };

const starters: { readonly [Name in Part]: () => Promise<Started<Name>> } = {
  async postgres() {
    const dataDir = await temporaryFolder();
    const postgres = await startPostgres({ dataDir, port: await freePort(), log: silent });
    await migrateToLatest(postgres.url(templateDatabase));
    const end = async (): Promise<void> => {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    };
    return { value: { url: postgres.url('%'), superuser: postgres.superuserUrl('%') }, end };
  },
  async bundle() {
    const folder = await temporaryFolder();
    const file = join(folder, 'workflow-bundle.js');
    await writeFile(file, (await makeBundle()).code);
    return { value: file, end: () => rm(folder, { recursive: true, force: true }) };
  },
  async built() {
    // In the checkout, so that its packages are found.
    const caches = join(projectFolder, 'node_modules', '.cache', 'usher');
    await mkdir(caches, { recursive: true });
    const folder = await mkdtemp(join(caches, 'built-'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const compiler = join(projectFolder, 'node_modules', 'typescript-native', 'bin', 'tsc');
    const options = ['-p', join(projectFolder, 'tsconfig.build.json'), '--noCheck', '--outDir', folder];
    await promisify(execFile)(process.execPath, [compiler, ...options]);
    return { value: folder, end: () => rm(folder, { recursive: true, force: true }) };
  },
  async timeSkipping() {
    return { value: await acquireTimeSkippingServer(aloud) };
  },
  async devServer() {
    const options = { uiPort: null, dbFile: null, namespace: 'usher', log: silent };
    const server = await startDevServer({ ...options, binary: await acquireTemporal(aloud), port: await freePort() });
    return { value: { address: server.address, namespace: options.namespace }, end: () => server.stop() };
  },
};

interface Shared {
  readonly parts: Map<Part, Promise<Started<Part>>>;
  projects: number;
}

/** Each project loads this file anew, so what they share hangs on the process. */
const holder: typeof globalThis & { usherTestParts?: Shared } = globalThis;
const shared = (holder.usherTestParts ??= { parts: new Map(), projects: 0 });

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.projects += 1;
  for (const part of needs[project.name] ?? []) await provide(project, part);
  return async () => {
    shared.projects -= 1;
    if (shared.projects > 0) return;
    const started = await Promise.all(shared.parts.values());
    for (const { end } of started) await end?.();
  };
}

async function provide(project: TestProject, part: Part): Promise<void> {
  const starting = shared.parts.get(part) ?? starters[part]();
  shared.parts.set(part, starting);
  const { value } = await starting;
  project.provide(part, value);
}

const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'usher-test-'));
