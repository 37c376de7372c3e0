/** The API process. */
import { once } from 'node:events';
import { loadConfig } from '../config.js';
import { ping } from '../db/client.js';
import { createDiskFiles } from '../db/files.js';
import { createLogger } from '../logger.js';
import { createApp } from './app.js';
import { createCommands } from './commands.js';
import { openDb, openTemporal, safeOnceReachable } from './connect.js';
import { createAdmin, workerCheck } from './health/admin.js';
import { listen } from './listen.js';
import { createMetrics } from './metrics.js';
import { createReprojectionEngine } from './service-levels/reprojection-engine.js';
import { createSigningKeys } from './signing.js';

const config = loadConfig();
const log = createLogger({ level: config.LOG_LEVEL, pretty: config.LOG_PRETTY, name: 'api' });
const now = (): number => Date.now();
const stop = new AbortController();
const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(stop.signal, 'abort')]);
const unsafe = (error: unknown): void => {
  log.fatal({ err: error }, 'the database is not set up safely');
  process.exitCode = 1;
  stop.abort();
};

{
  await using postgres = openDb({ url: config.DATABASE_URL, role: 'usher_app', pool: config.DATABASE_POOL, name: 'usher-api' }, log);
  await using temporal = openTemporal({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    apiKey: config.TEMPORAL_API_KEY,
    tls: config.TEMPORAL_TLS,
  });
  const { db } = postgres;
  const safe = safeOnceReachable(db, log, unsafe);
  const commands = createCommands(temporal.client, { queueSuffix: config.TASK_QUEUE_SUFFIX, continueAfter: config.CONTINUE_AFTER });
  const metrics = createMetrics({ defaults: true });
  const checks = {
    database: async () => (await safe(), ping(db)),
    temporal: () => commands.ping(now() + 2_000),
    ...(config.WORKER_ADMIN_URL === undefined ? {} : { worker: workerCheck(config.WORKER_ADMIN_URL) }),
  };
  const app = createApp({
    db,
    commands,
    reprojections: createReprojectionEngine(temporal.client, { queueSuffix: config.TASK_QUEUE_SUFFIX }),
    metrics,
    log,
    now,
    files: createDiskFiles(config.FILES_DIR),
    keys: createSigningKeys(config.SECRET_KEYS),
    publicUrl: config.PUBLIC_URL.replace(/\/$/, ''),
    webUi: { url: config.TEMPORAL_UI_URL.replace(/\/$/, ''), namespace: config.TEMPORAL_NAMESPACE },
  });
  await using admin = await listen(createAdmin({ metrics, checks, now }), config.ADMIN_HOST, config.ADMIN_PORT);
  await using api = await listen(app, config.API_HOST, config.API_PORT);
  log.info({ port: api.port, adminPort: admin.port }, 'API listens');
  await stopped;
  log.info('API ends');
}
