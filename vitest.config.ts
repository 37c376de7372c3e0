import { defineConfig } from 'vitest/config';

const seconds = (count: number) => count * 1000;

interface Settings {
  /** Projects of one group run together, groups one after another. */
  readonly group: number;
  /** Starts what the tests stand on: the template database, the Temporal servers, the workflow bundle. */
  readonly servers: boolean;
  /** Runs the engine's code in the tests' own process. */
  readonly engine?: boolean;
  /** One file at a time. */
  readonly serial?: boolean;
  readonly timeout: number;
}

const project = (name: string, { group, servers, engine = false, serial = false, timeout }: Settings) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    sequence: { groupOrder: group },
    testTimeout: timeout,
    hookTimeout: Math.max(timeout, seconds(30)),
    ...(servers ? { globalSetup: ['test/support/global-setup.ts'] } : {}),
    ...(engine ? { setupFiles: ['test/support/quiet-temporal.ts'] } : {}),
    ...(serial ? { fileParallelism: false } : {}),
  },
});

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: '100%',
    retry: 0,
    teardownTimeout: seconds(30),
    projects: [
      project('domain', { group: 0, servers: false, timeout: seconds(30) }),
      project('journeys', { group: 0, servers: false, timeout: seconds(30) }),
      project('repo', { group: 0, servers: false, timeout: seconds(30) }),
      project('cli', { group: 0, servers: false, timeout: seconds(30) }),
      project('activities', { engine: true, group: 0, servers: true, timeout: seconds(20) }),
      project('db', { group: 0, servers: true, timeout: seconds(20) }),
      project('api', { group: 0, servers: true, timeout: seconds(20) }),
      project('replay', { engine: true, group: 0, servers: true, timeout: seconds(30) }),
      project('time', { engine: true, group: 1, servers: true, serial: true, timeout: seconds(60) }),
      project('server', { engine: true, group: 2, servers: true, serial: true, timeout: seconds(60) }),
      project('chaos', { group: 3, servers: true, serial: true, timeout: seconds(60) }),
    ],
    coverage: {
      provider: 'v8',
      reporter: ['text'],
      include: ['domain/**/*.ts'],
      thresholds: { 100: true },
    },
  },
});
