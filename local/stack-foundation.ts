import { readFile, writeFile } from 'node:fs/promises';
import pg from 'pg';
import { environmentWithout } from './environment.js';
import type { PartLogs } from './part-logs.js';
import { silent } from './log.js';
import type { Postgres } from './postgres.js';
import { startPostgres } from './postgres.js';
import type { StackOptions } from './stack-options.js';
import { StartError } from './start-error.js';
import type { StackPorts } from './stack-ports.js';
import type { StateFolder } from './state-folder.js';
import type { Supervisor } from './supervisor.js';
import { acquireTemporal } from './temporal-binary.js';
import type { TemporalServer } from './temporal-dev.js';
import { startDevServer } from './temporal-dev.js';
import { acquireEngine } from './temporal-engine-binary.js';
import { startEngine } from './temporal-engine.js';
import { untilNamespaceAnswers } from './temporal-namespace.js';

export interface Ground {
  options: StackOptions;
  ports: StackPorts;
  state: StateFolder;
  logs: PartLogs;
  supervisor: Supervisor;
  namespace: string;
}

/** Where the data is: a PostgreSQL of ours or the user's. */
export interface Database {
  server: Postgres | undefined;
  url: string;
  ownerUrl: string;
  /** Sees everything. */
  adminUrl: string;
}

export async function openDatabase({ options, ports, state, logs, supervisor }: Ground): Promise<Database> {
  if (options.databaseUrl !== undefined) {
    const ownerUrl = options.databaseOwnerUrl ?? options.databaseUrl;
    await assertDatabaseAnswers(ownerUrl);
    options.log('PostgreSQL: your own, from DATABASE_URL');
    return { server: undefined, url: options.databaseUrl, ownerUrl, adminUrl: ownerUrl };
  }
  const onCrash = supervisor.watch('PostgreSQL', () => server.start());
  const server: Postgres = await startPostgres({
    dataDir: state.file('postgres'),
    port: ports.postgres,
    log: logs.of('postgres'),
    progress: options.log,
    onCrash,
  });
  const url = server.url('usher');
  return { server, url, ownerUrl: url, adminUrl: server.superuserUrl('usher') };
}

/** Where the workflows are. */
export interface Engine {
  server: TemporalServer | undefined;
  address: string;
  webUiUrl: string;
}

export async function openEngine(ground: Ground, database: Promise<Database>): Promise<Engine> {
  const { options, ports, state, logs, supervisor, namespace } = ground;
  if (options.temporalAddress !== undefined) return useForeign(ground, options.temporalAddress);
  const onCrash = supervisor.watch('Temporal', () => server.start());
  const common = { port: ports.temporal, uiPort: ports.temporalUi, namespace, log: logs.of('temporal'), onCrash };
  const start = async (): Promise<TemporalServer> => {
    if (options.engine === 'server') {
      const programs = await acquireEngine(options.log);
      const { adminUrl } = await database;
      return startEngine({ ...common, progress: options.log, programs, adminUrl, dir: state.file('engine') });
    }
    const binary = await acquireTemporal(options.log);
    return startDevServer({ ...common, binary, dbFile: state.file(`temporal-${binary.serverVersion}.db`) });
  };
  const server = await start();
  await noteEngine(ground);
  return { server, address: server.address, webUiUrl: server.webUiUrl ?? '' };
}

/** Says when the workflows of this state were left on the other engine: their tickets are in the database, but nothing moves them. */
async function noteEngine({ options, state }: Ground): Promise<void> {
  const file = state.file('engine-kind');
  const engine = options.engine ?? 'dev';
  const before = (await readFile(file, 'utf8').catch(() => engine)).trim();
  if (before !== engine) options.log(`open tickets of this state have their workflows on --engine ${before}; use that one, or --fresh`);
  else await writeFile(file, `${engine}\n`);
}

async function useForeign({ options, namespace }: Ground, address: string): Promise<Engine> {
  const env = environmentWithout([], options.env);
  const apiKey = env['TEMPORAL_API_KEY'];
  const tls = env['TEMPORAL_TLS'] === 'true' || apiKey !== undefined;
  await untilNamespaceAnswers({ address, namespace, limitMs: 10_000, access: { tls, ...(apiKey === undefined ? {} : { apiKey }) } }).catch(
    (error: unknown) => {
      throw new StartError(
        [
          `The Temporal server of TEMPORAL_ADDRESS, ${address}, cannot be used (${error instanceof Error ? error.message : String(error)}).`,
          `Start it, or make its namespace with: temporal operator namespace create --address ${address} -n ${namespace} --retention 720h`,
          'Without TEMPORAL_ADDRESS an embedded server is started.',
        ].join('\n'),
      );
    },
  );
  options.log(`Temporal: your own at ${address}, from TEMPORAL_ADDRESS`);
  return { server: undefined, address, webUiUrl: env['TEMPORAL_UI_URL'] ?? 'http://127.0.0.1:8233' };
}

async function assertDatabaseAnswers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } catch (error) {
    const where = new URL(url).host;
    throw new StartError(
      `The PostgreSQL of DATABASE_URL (${where}) cannot be used: ${error instanceof Error ? error.message : String(error)}.\nWithout DATABASE_URL an embedded one is started.`,
      { cause: error },
    );
  } finally {
    await client.end().catch(silent);
  }
}
