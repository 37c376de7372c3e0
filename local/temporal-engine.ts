import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentWithout } from './environment.js';
import type { Child } from './child.js';
import { describeExit, startChild } from './child.js';
import type { Log } from './log.js';
import { freePort } from './ports.js';
import type { TemporalServer } from './temporal-dev.js';
import type { EnginePrograms } from './temporal-engine-binary.js';
import { engineLogin, prepareEngineDatabases } from './temporal-engine-schema.js';
import { prepareNamespace } from './temporal-namespace.js';

export interface EngineOptions {
  programs: EnginePrograms;
  /** A PostgreSQL login that may create roles and databases; the server's state lives there. */
  adminUrl: string;
  port: number;
  /** `null`: no Web UI. */
  uiPort: number | null;
  namespace: string;
  /** For the configuration of the Web UI. */
  dir: string;
  /** Instead of the settings of `npm start`. */
  dynamicConfigFile?: string;
  /** Hears the lines of server and Web UI. */
  log: Log;
  /** Hears what is done around them; the same as `log` without. */
  progress?: Log;
  /** Told when server or Web UI ends without being asked to. */
  onCrash?: (reason: string) => void;
}

const standardConfig = fileURLToPath(new URL('./engine/dynamicconfig.yaml', import.meta.url));
const shards = 4; // of a database once and for all: never change it

/** Starts the production-like server on PostgreSQL, with its Web UI, and returns once the namespace answers. Source: temporal.md 2.5. */
export async function startEngine(options: EngineOptions): Promise<TemporalServer> {
  const { programs, port, uiPort } = options;
  const address = `127.0.0.1:${port}`;
  const env = await serverEnvironment(options);
  const uiFolder = await configureUi(options);
  let running: { server: Child; ui: Child | undefined } | undefined;

  const start = async (): Promise<void> => {
    if (running?.server.isRunning() === true) return;
    await prepareEngineDatabases(programs.sql, options.adminUrl, options.progress ?? options.log);
    const server = await startChild({
      name: 'temporal',
      command: programs.server,
      args: ['--allow-no-auth', 'start'],
      env,
      log: options.log,
    });
    const parts: { server: Child; ui: Child | undefined } = { server, ui: undefined };
    running = parts;
    let ended: string | undefined;
    void server.exited.then((exit) => {
      ended = describeExit(exit);
      if (running !== parts) return;
      parts.ui?.kill('SIGKILL'); // both are started again together
      options.onCrash?.(ended);
    });
    const whyHopeless = (): string | undefined =>
      ended === undefined ? undefined : `the Temporal server ended (${ended}):\n${server.tail()}`;
    try {
      await prepareNamespace({ address, namespace: options.namespace, limitMs: 120_000, whyHopeless });
      if (uiPort !== null) {
        const args = ['--root', uiFolder, '--env', 'development', 'start'];
        parts.ui = await startChild({
          name: 'temporal-ui',
          command: programs.ui,
          args,
          env: environmentWithout(['TEMPORAL_']),
          log: options.log,
        });
      }
    } catch (error) {
      await stop();
      throw error;
    }
  };
  const stop = async (): Promise<void> => {
    const ending = running;
    running = undefined;
    await Promise.all([ending?.ui?.stop(2_000), ending?.server.stop(10_000)]);
  };

  await start();
  return {
    address,
    webUiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    get pid() {
      return running?.server.pid;
    },
    start,
    stop,
    async kill() {
      const ending = running;
      running = undefined;
      ending?.ui?.kill('SIGKILL');
      ending?.server.kill('SIGKILL');
      await ending?.server.exited;
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Only the frontend's port is known outside; the others need only be free, and below 32,768. */
async function serverEnvironment({ adminUrl, port, dynamicConfigFile }: EngineOptions): Promise<Record<string, string>> {
  const { hostname, port: databasePort } = new URL(adminUrl);
  const inner = [
    'FRONTEND_HTTP',
    'FRONTEND_MEMBERSHIP',
    'HISTORY_GRPC',
    'HISTORY_MEMBERSHIP',
    'MATCHING_GRPC',
    'MATCHING_MEMBERSHIP',
    'WORKER_GRPC',
    'WORKER_MEMBERSHIP',
  ];
  const ports: Record<string, string> = {};
  for (const name of inner) ports[`${name}_PORT`] = String(await freePort());
  return environmentWithout(['TEMPORAL_', 'POSTGRES_', 'DB', 'SQL_', 'ES_', 'LOG_LEVEL'], {
    ...ports,
    FRONTEND_GRPC_PORT: String(port),
    DB: 'postgres12_pgx',
    POSTGRES_SEEDS: hostname,
    DB_PORT: databasePort === '' ? '5432' : databasePort,
    POSTGRES_USER: engineLogin.user,
    POSTGRES_PWD: engineLogin.password,
    NUM_HISTORY_SHARDS: String(shards),
    BIND_ON_IP: '127.0.0.1',
    TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
    LOG_LEVEL: 'warn',
    DYNAMIC_CONFIG_FILE_PATH: dynamicConfigFile ?? standardConfig,
  });
}

/** The Web UI reads `config/development.yaml` under its root. */
async function configureUi({ dir, port, uiPort, namespace }: EngineOptions): Promise<string> {
  const root = join(dir, 'ui');
  if (uiPort === null) return root;
  await mkdir(join(root, 'config'), { recursive: true });
  const settings = [
    `temporalGrpcAddress: 127.0.0.1:${port}`,
    'host: 127.0.0.1',
    `port: ${uiPort}`,
    'enableUi: true',
    `defaultNamespace: ${namespace}`,
    'disableNewsFetch: true',
    'cors:',
    '  cookieInsecure: true',
    '  allowOrigins:',
    `    - http://127.0.0.1:${uiPort}`,
    `    - http://localhost:${uiPort}`,
  ];
  await writeFile(join(root, 'config', 'development.yaml'), `${settings.join('\n')}\n`);
  return root;
}
