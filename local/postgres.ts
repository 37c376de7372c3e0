import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Child } from './child.js';
import { describeExit, startChild } from './child.js';
import type { Log } from './log.js';
import { postgresAccount, reachableFolder, reachablePrograms } from './postgres-account.js';
import type { Cluster } from './postgres-cluster.js';
import { initialise, noteOwner, postgresEnvironment, readPassword, signalServer, takeOver } from './postgres-cluster.js';
import { postgresPackage, program } from './postgres-programs.js';
import { StartError } from './start-error.js';

export interface PostgresOptions {
  /** Kept between runs; made on first use. */
  dataDir: string;
  port: number;
  /** Hears the server's lines. */
  log: Log;
  /** Hears what is done around it; the same as `log` without. */
  progress?: Log;
  /** Told when the server ends without being asked to. */
  onCrash?: (reason: string) => void;
}

/** An embedded PostgreSQL with the database `usher` and the login `usher_login`, which may create roles and databases but is no superuser. */
export interface Postgres extends AsyncDisposable {
  readonly port: number;
  readonly dataDir: string;
  readonly pid: number | undefined;
  /** For api, worker and migrations. */
  url(database: string): string;
  /** For preparing and inspecting, past all row rules. */
  superuserUrl(database: string): string;
  start(): Promise<void>;
  /** Closes all connections and writes everything down. */
  stop(): Promise<void>;
  /** A crash: nothing is written down, the next start recovers. */
  stopImmediate(): Promise<void>;
}

const login = { user: 'usher_login', password: 'usher' };
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=256MB',
  'fsync=on',
  'timezone=UTC',
  'log_timezone=UTC',
  'lc_messages=C',
];

/** Deletes a data folder, after stopping a server that an earlier run left behind. */
export async function removePostgres(dataDir: string, log: Log): Promise<void> {
  const folder = await reachableFolder(dataDir, postgresAccount(), () => undefined);
  await takeOver({ native: postgresPackage().native, dataDir: folder, account: undefined }, log);
  await rm(folder, { recursive: true, force: true });
}

/** Starts PostgreSQL on 127.0.0.1 and returns once it answers. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { port, log, progress = log } = options;
  const { native, version } = postgresPackage();
  const account = postgresAccount();
  const cluster: Cluster = {
    native: await reachablePrograms(native, version, account, progress),
    dataDir: await reachableFolder(options.dataDir, account, progress),
    account,
  };
  await initialise(cluster, progress);
  const password = await readPassword(cluster);
  const superuserUrl = (database: string): string => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  let server: Child | undefined;

  const start = async (): Promise<void> => {
    if (server?.isRunning() === true) return;
    await takeOver(cluster, progress);
    await noteOwner(cluster);
    const started = await launch(cluster, port, superuserUrl('postgres'), log);
    server = started;
    void started.exited.then((exit) => {
      if (server === started) options.onCrash?.(describeExit(exit));
    });
  };
  const end = async (mode: 'fast' | 'immediate'): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined || !ending.isRunning()) return;
    await signalServer(cluster, ending.pid, mode);
    const late = setTimeout(() => ending.kill('SIGKILL'), 15_000);
    await ending.exited;
    clearTimeout(late);
  };
  const stop = (): Promise<void> => end('fast');

  await start();
  await prepare(superuserUrl('postgres')).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    port,
    dataDir: cluster.dataDir,
    get pid() {
      return server?.pid;
    },
    url: (database) => `postgres://${login.user}:${login.password}@127.0.0.1:${port}/${database}`,
    superuserUrl,
    start,
    stop,
    stopImmediate: () => end('immediate'),
    [Symbol.asyncDispose]: stop,
  };
}

/** Starts the server, once more while the backends of a killed one still hold its memory. */
async function launch(cluster: Cluster, port: number, url: string, log: Log): Promise<Child> {
  const until = Date.now() + 30_000;
  for (;;) {
    const server = await startChild({
      name: 'postgres',
      command: program(cluster.native, 'postgres'),
      args: ['-D', cluster.dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
      cwd: cluster.dataDir,
      env: postgresEnvironment(),
      stopSignal: 'SIGINT',
      log,
      ...(cluster.account === undefined ? {} : { account: cluster.account }),
    });
    const problem = await untilAnswering(server, url, until);
    if (problem === undefined) return server;
    await server.stop();
    if (!/pre-existing shared memory|is starting up|in use/.test(server.tail()) || Date.now() > until) {
      throw new StartError(`PostgreSQL did not start (${problem}):\n${server.tail()}`);
    }
    await sleep(300);
  }
}

/** @returns why it does not answer; nothing when it does */
async function untilAnswering(server: Child, url: string, until: number): Promise<string | undefined> {
  let ended: string | undefined;
  void server.exited.then((exit) => {
    ended = describeExit(exit);
  });
  for (;;) {
    const problem = await asking(url, (client) => client.query('select 1')).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (problem === undefined) return undefined;
    if (ended !== undefined) return ended;
    if (Date.now() > until) return `no answer in time: ${problem}`;
    await sleep(50);
  }
}

/** The login and its database; may run again. */
async function prepare(url: string): Promise<void> {
  await asking(url, async (client) => {
    const roles = await client.query('select from pg_roles where rolname = $1', [login.user]);
    if (roles.rowCount === 0) await client.query(`create role ${login.user}`);
    await client.query(`alter role ${login.user} login createrole createdb nosuperuser nobypassrls password '${login.password}'`);
    const databases = await client.query("select from pg_database where datname = 'usher'");
    if (databases.rowCount === 0) await client.query(`create database usher owner ${login.user}`);
  });
}

async function asking(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined); // the server may stop while we ask
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
