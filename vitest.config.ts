import { defineConfig } from 'vitest/config';

const seconds = (count: number) => count * 1000;

interface Settings {
  /** Projects of one group run together, groups one after another. */
  readonly group: number;
  /** Starts what the tests stand on: the template database, the Temporal servers, the workflow bundle. */
  readonly servers: boolean;
  /** Runs the engine's code in the tests' own process, which can be set up once only: each file gets a process of its own. */
  readonly engine?: boolean;
  /** Files at a time; without it one for each processor. */
  readonly workers?: number;
  readonly timeout: number;
}

const project = (name: string, { group, servers, engine = false, workers, timeout }: Settings) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    // Loading our modules anew for each file would be most of the time of the short ones; they keep no state.
    isolate: engine,
    sequence: { groupOrder: group },
    testTimeout: timeout,
    hookTimeout: Math.max(timeout, seconds(30)),
    // What is waited for comes; a busy machine lets it come later.
    expect: { poll: { timeout: seconds(120) } },
    ...(servers ? { globalSetup: ['test/support/global-setup.ts'] } : {}),
    ...(engine ? { setupFiles: ['test/support/quiet-temporal.ts'] } : {}),
    ...(workers === undefined ? {} : { maxWorkers: workers }),
  },
});

/** Most of their time these wait for servers, leases and clocks: two leave half of two processors idle. */
const waiting = 3;

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: '100%',
    retry: 0,
    teardownTimeout: seconds(30),
    projects: [
      project('domain', { group: 0, servers: false, timeout: seconds(180) }),
      project('journeys', { group: 0, servers: false, timeout: seconds(180) }),
      project('repo', { group: 0, servers: false, timeout: seconds(180) }),
      project('cli', { group: 0, servers: false, timeout: seconds(180) }),
      project('activities', { engine: true, group: 0, servers: true, timeout: seconds(180) }),
      project('db', { group: 0, servers: true, timeout: seconds(180) }),
      project('api', { group: 0, servers: true, timeout: seconds(180) }),
      project('replay', { engine: true, group: 0, servers: true, timeout: seconds(180) }),
      project('time', { engine: true, group: 1, servers: true, workers: waiting, timeout: seconds(300) }),
      project('server', { engine: true, group: 1, servers: true, workers: waiting, timeout: seconds(300) }),
      project('chaos', { group: 2, servers: true, workers: 1, timeout: seconds(300) }),
    ],
    coverage: {
      provider: 'v8',
      reporter: ['text'],
      include: ['domain/**/*.ts'],
      thresholds: { 100: true },
    },
  },
});
