import { availableParallelism } from 'node:os';
import { environmentWithout } from './environment.js';
import type { Child } from './child.js';
import { describeExit, startChild } from './child.js';
import type { Log } from './log.js';
import { runCommand } from './run-command.js';
import type { TemporalBinary } from './temporal-binary.js';
import { prepareNamespace } from './temporal-namespace.js';

export interface DevServerOptions {
  binary: TemporalBinary;
  port: number;
  /** `null`: no Web UI. */
  uiPort: number | null;
  metricsPort?: number;
  /** `null`: in memory, gone when the server stops. */
  dbFile: string | null;
  namespace: string;
  log: Log;
  /** Told when the server ends without being asked to. */
  onCrash?: (reason: string) => void;
}

/** A Temporal server of our own; `start` after `stop` or `kill` continues on the same database file. */
export interface TemporalServer extends AsyncDisposable {
  readonly address: string;
  readonly webUiUrl: string | null;
  readonly pid: number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

const searchAttributes = {
  Tenant: 'Keyword',
  Product: 'Keyword',
  Priority: 'Keyword',
  Template: 'Keyword',
  Status: 'Keyword',
  SlaState: 'Keyword',
  Stage: 'Keyword',
  HandoffTo: 'Keyword',
  EscalationLevel: 'Int',
  DueAt: 'Datetime',
};

const dynamicConfig = [
  'frontend.MaxConcurrentBatchOperationPerNamespace=5',
  'worker.batcherRPS=200',
  'history.transferProcessorMaxPollRPS=1000', // 20 a second and shard by default, and the dev server has one shard: 50 ms a step
  'history.timerProcessorMaxPollRPS=1000',
  // After each new task the queues of the one shard go through all that ended since they last said how far they are: 30 s by default.
  'history.transferProcessorUpdateAckInterval="5s"',
  'history.timerProcessorUpdateAckInterval="5s"',
  'history.visibilityProcessorUpdateAckInterval="5s"',
  // Its database has one connection, for which 512 of each would stand in line before what a caller waits for. What hands tasks to workers
  // waits for a worker at times, not for the database.
  'history.timerProcessorSchedulerWorkerCount=2',
  'history.visibilityProcessorSchedulerWorkerCount=1',
  'history.transferProcessorSchedulerWorkerCount=64',
  'system.forceSearchAttributesCacheRefreshOnRead=false', // the dev server alone reads their list from its database at every use
];

const processors = Math.max(1, Math.floor(availableParallelism() / 2));

/**
 * Of SQLite, which by default waits for the disk at every write, keeps 2 MB of its database in memory and copies what was written each 4 MB: the
 * same pages again and again. Each 16 MB is less work, for pauses that are rarer and longer.
 */
const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL', 'cache_size=-65536', 'wal_autocheckpoint=4000'];

/** Starts the dev server on 127.0.0.1 and returns once the namespace answers. Source: temporal.md 2.2. */
export async function startDevServer(options: DevServerOptions): Promise<TemporalServer> {
  const { binary, port, uiPort } = options;
  const address = `127.0.0.1:${port}`;
  const args = await flags(options);
  let server: Child | undefined;

  const start = async (): Promise<void> => {
    if (server?.isRunning() === true) return;
    const started = await startChild({
      name: 'temporal',
      command: binary.path,
      args,
      // The CLI reads settings of the same name. Garbage is collected less often while there is little of it, and half of the processors are
      // left to others.
      env: environmentWithout(['TEMPORAL_'], { GOGC: '400', GOMEMLIMIT: '1GiB', GOMAXPROCS: String(processors) }),
      log: options.log,
    });
    server = started;
    let ended: string | undefined;
    void started.exited.then((exit) => {
      ended = describeExit(exit);
      if (server === started) options.onCrash?.(ended);
    });
    const whyHopeless = (): string | undefined =>
      ended === undefined ? undefined : `the Temporal server ended (${ended}):\n${started.tail()}`;
    await prepareNamespace({ address, namespace: options.namespace, limitMs: 60_000, whyHopeless }).catch(async (error: unknown) => {
      server = undefined;
      await started.stop();
      throw error;
    });
  };
  const release = (): Child | undefined => {
    const ending = server;
    server = undefined;
    return ending;
  };
  const stop = async (): Promise<void> => {
    await release()?.stop(5_000);
  };

  await start();
  return {
    address,
    webUiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    get pid() {
      return server?.pid;
    },
    start,
    stop,
    async kill() {
      const ending = release();
      ending?.kill('SIGKILL');
      await ending?.exited;
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function flags({ binary, port, uiPort, metricsPort, dbFile, namespace }: DevServerOptions): Promise<string[]> {
  const help = await runCommand(binary.path, ['server', 'start-dev', '--help'], { limitMs: 20_000 });
  const quietUi = help.includes('--ui-disable-news-fetch') ? ['--ui-disable-news-fetch'] : []; // an unknown flag aborts
  const list = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--namespace', namespace, '--log-level', 'warn'];
  list.push(...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort), ...quietUi]));
  if (metricsPort !== undefined) list.push('--metrics-port', String(metricsPort));
  if (dbFile !== null) {
    list.push('--db-filename', dbFile);
    for (const pragma of pragmas) list.push('--sqlite-pragma', pragma);
  }
  for (const setting of dynamicConfig) list.push('--dynamic-config-value', setting);
  for (const [name, type] of Object.entries(searchAttributes)) list.push('--search-attribute', `${name}=${type}`);
  return list;
}
