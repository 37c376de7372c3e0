/** Starts what the tests of a run share: PostgreSQL with a migrated template, the Temporal servers, the workflow bundle. Each only where asked for. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateToLatest } from '../../db/migrate.js';
import { freePort } from '../../local/ports.js';
import { startPostgres } from '../../local/postgres.js';
import { silent } from '../../local/log.js';
import { acquireTemporal } from '../../local/temporal-binary.js';
import { startDevServer } from '../../local/temporal-dev.js';
import { acquireTimeSkippingServer } from '../../local/time-skipping.js';
import { makeBundle } from '../../worker/bundle.js';

/** Which parts each test project needs. */
const needs: Record<string, readonly Part[]> = {
  activities: ['postgres'],
  db: ['postgres'],
  api: ['postgres'],
  replay: ['bundle'],
  time: ['postgres', 'bundle', 'timeSkipping'],
  server: ['postgres', 'bundle', 'devServer'],
  chaos: [],
};
type Part = 'postgres' | 'bundle' | 'timeSkipping' | 'devServer';

declare module 'vitest' {
  interface ProvidedContext {
    /** Login of the application and of the superuser, each with `%` for the database. */
    postgres: { url: string; superuser: string };
    bundle: string;
    timeSkipping: string;
    devServer: { address: string; namespace: string };
  }
}

export const templateDatabase = 'usher';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const parts = needs[project.name] ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'usher-test-'));
  const ends: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];

  if (parts.includes('postgres')) {
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: await freePort(), log: silent });
    ends.unshift(() => postgres.stop());
    await migrateToLatest(postgres.url(templateDatabase));
    project.provide('postgres', { url: postgres.url('%'), superuser: postgres.superuserUrl('%') });
  }
  if (parts.includes('bundle')) {
    const file = join(folder, 'workflow-bundle.js');
    await writeFile(file, (await makeBundle()).code);
    project.provide('bundle', file);
  }
  if (parts.includes('timeSkipping')) project.provide('timeSkipping', await acquireTimeSkippingServer(silent));
  if (parts.includes('devServer')) {
    const binary = await acquireTemporal(silent);
    const server = await startDevServer({ binary, port: await freePort(), uiPort: null, dbFile: null, namespace: 'usher', log: silent });
    ends.unshift(() => server.stop());
    project.provide('devServer', { address: server.address, namespace: 'usher' });
  }
  return async () => {
    for (const end of ends) await end();
  };
}
