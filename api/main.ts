/** The API process. */
import { once } from 'node:events';
import { loadConfig } from '../config.js';
import { ping, waitsWithin } from '../db/client.js';
import { createDiskFiles } from '../db/files.js';
import { createSecretBox } from '../db/secret-box.js';
import { shareCounts } from '../db/queries/request-limits.js';
import { createLogger } from '../logger.js';
import { keepDenials } from './audit/denials.js';
import { createApp } from './app.js';
import { createBulkEngine } from './bulk/engine.js';
import { createCommands } from './commands.js';
import { openDb, openTemporal, safeOnceReachable } from './connect.js';
import { createErasureEngine } from './erasures/engine.js';
import { createAdmin, workerCheck } from './health/admin.js';
import { createJourneyCommands } from './journeys/commands.js';
import { networksOf } from './limits/address.js';
import { createLimiter } from './limits/limiter.js';
import { listen } from './listen.js';
import { createMetrics } from './metrics.js';
import { createReprojectionEngine } from './service-levels/reprojection-engine.js';
import { signInSettings } from './identity/settings.js';
import { createSigningKeys } from './signing.js';
import { openStreams } from './stream/live.js';

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
  await using postgres = openDb(
    {
      url: config.DATABASE_URL,
      role: 'usher_app',
      pool: config.DATABASE_POOL,
      waits: waitsWithin(config.REQUEST_TIMEOUT_MS),
      name: 'usher-api',
    },
    log,
  );
  await using temporal = openTemporal({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    apiKey: config.TEMPORAL_API_KEY,
    tls: config.TEMPORAL_TLS,
  });
  const { db } = postgres;
  const safe = safeOnceReachable(db, log, unsafe);
  const settings = { queueSuffix: config.TASK_QUEUE_SUFFIX, continueAfter: config.CONTINUE_AFTER };
  const commands = createCommands(temporal.client, settings);
  const metrics = createMetrics({ defaults: true });
  const checks = {
    database: async () => (await safe(), ping(db)),
    temporal: () => commands.ping(now() + 2_000),
    ...(config.WORKER_ADMIN_URL === undefined ? {} : { worker: workerCheck(config.WORKER_ADMIN_URL) }),
  };
  await using live = openStreams({ db, url: config.DATABASE_URL, log, metrics, now });
  const { streams } = live;
  await using denials = keepDenials({ db, log, now });
  await using limiter = createLimiter({ now, log, replicas: config.API_REPLICAS, store: (counts) => shareCounts(db, counts) });
  const app = createApp({
    db,
    commands,
    journeys: createJourneyCommands(temporal.client, settings),
    reprojections: createReprojectionEngine(temporal.client, { queueSuffix: config.TASK_QUEUE_SUFFIX }),
    batches: createBulkEngine(temporal.client, { queueSuffix: config.TASK_QUEUE_SUFFIX }),
    erasures: createErasureEngine(temporal.client, { queueSuffix: config.TASK_QUEUE_SUFFIX }),
    streams,
    metrics,
    requests: { limiter, proxies: networksOf(config.TRUSTED_PROXIES.split(/[\s,]+/).filter(Boolean)) },
    denials,
    log,
    now,
    answerWithin: config.REQUEST_TIMEOUT_MS,
    files: createDiskFiles(config.FILES_DIR),
    keys: createSigningKeys(config.SECRET_KEYS),
    publicUrl: config.PUBLIC_URL,
    signIn: signInSettings(config),
    webhooks: { secrets: createSecretBox(config.SECRET_KEYS), testMs: 4_000 },
    webUi: { url: config.TEMPORAL_UI_URL, namespace: config.TEMPORAL_NAMESPACE },
  });
  await using admin = await listen(createAdmin({ metrics, checks, now }), config.ADMIN_HOST, config.ADMIN_PORT);
  await using api = await listen(app, config.API_HOST, config.API_PORT);
  log.info({ port: api.port, adminPort: admin.port }, 'API listens');
  await stopped;
  // Readers come back to another process while this one ends what it is at.
  streams.close();
  log.info('API ends');
}
