/** The worker process: workflows with their projection, deliveries, mail intake. Stops without cutting a send. */
import { activityInfo } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { v7 as newId } from 'uuid';
import { createActivities } from '../activities/index.js';
import { createIntake } from '../activities/intake.js';
import { createMailTokens } from '../activities/mail-tokens.js';
import { parseSigningKeys } from '../domain/access/signing-key.js';
import { loadConfig } from '../config.js';
import { assertSafe, createDb, ping } from '../db/client.js';
import { createDiskFiles } from '../db/files.js';
import { createLogger } from '../logger.js';
import { taskQueue } from '../workflows/names.js';
import { workflowBundle } from './bundle.js';
import { connectTemporal, untilUp } from './connect.js';
import { serveHealth } from './health.js';
import { startIntake } from './intake.js';
import { createMetrics } from './metrics.js';
import { isPolling } from './polling.js';
import { registerSearchAttributes } from './search-attributes.js';
import { createSenders } from './senders.js';
import { startSweep } from './sweep.js';
import { createTicketCommands } from './ticket-commands.js';
import { createCoreWorker, createOutboundWorker } from './worker.js';

const config = loadConfig();
const log = createLogger({ level: config.LOG_LEVEL, pretty: config.LOG_PRETTY, name: 'worker' });
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const temporalLog = log.child({ part: 'temporal' });
const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
const logger = new DefaultLogger('INFO', ({ level, message, meta }) => temporalLog[levels[level]]({ ...meta }, message));
Runtime.install({ logger, shutdownSignals: [] });

const onBroken = (reason: string): void => log.warn({ reason }, 'a database connection broke');
const db = createDb({ url: config.DATABASE_URL, role: 'usher_app', pool: config.DATABASE_POOL, name: 'usher-worker', onBroken });
const relayUrl = config.DATABASE_RELAY_URL ?? config.DATABASE_URL;
const relay = createDb({ url: relayUrl, role: 'usher_relay', pool: 2, name: 'usher-relay', onBroken });
const metrics = createMetrics();
const deps = {
  db,
  newId,
  now: Date.now,
  files: createDiskFiles(config.FILES_DIR),
  tokens: createMailTokens(parseSigningKeys(config.SECRET_KEYS), config.MAIL_DOMAIN),
  mailDomain: config.MAIL_DOMAIN,
};
const queueSuffix = config.TASK_QUEUE_SUFFIX;
const namespace = config.TEMPORAL_NAMESPACE;
const [connection] = await Promise.all([
  untilUp('Temporal', log, () => connectTemporal(config), stopping.signal),
  untilUp('PostgreSQL', log, () => assertSafe(db), stopping.signal),
]);
const added = await registerSearchAttributes(connection, namespace);
if (added.length > 0) log.info({ added }, 'registered search attributes');

const client = new Client({ connection, namespace });
const tickets = createTicketCommands({ client, queueSuffix, continueAfter: config.CONTINUE_AFTER });
// Inside a workflow task the projection gives up before the task does; as an activity of its own it may be slow.
const statementMs = (): number => (activityInfo().isLocal ? 1_200 : 9_000);
const activities = createActivities({
  ...deps,
  tickets,
  ...createSenders(config),
  tally: metrics.outbound,
  onRepaired: metrics.projectionRepaired,
  slaTally: metrics.serviceLevels,
  statementMs,
});

const options = {
  connection,
  namespace,
  workflowBundle: await workflowBundle(new DefaultLogger('WARN')),
  activities,
  queueSuffix,
  cache: config.WORKER_CACHE,
  outboundRate: config.OUTBOUND_RATE,
};
const core = await createCoreWorker(options);
const outbound = await createOutboundWorker(options);
const queues = [taskQueue('core', queueSuffix), taskQueue('outbound', queueSuffix)];
const health = await serveHealth({
  host: config.ADMIN_HOST,
  port: config.WORKER_ADMIN_PORT,
  metrics: metrics.registry,
  checks: { postgres: () => ping(db), worker: () => isPolling(connection, namespace, queues) },
});

const intake = startIntake({ relay, intake: createIntake({ ...deps, tickets }), log, onResult: metrics.inbound });
const sweep = startSweep({ relay, log, onSwept: metrics.swept });

const end = (): void => [core, outbound].filter((worker) => worker.getState() === 'RUNNING').forEach((worker) => worker.shutdown());
stopping.signal.addEventListener('abort', end, { once: true });
const running = Promise.all([core.run(), outbound.run()]);
log.info({ queues, adminPort: health.port }, 'working');
if (stopping.signal.aborted) end();
try {
  await running;
} finally {
  await Promise.all([intake[Symbol.asyncDispose](), sweep[Symbol.asyncDispose]()]);
  await health[Symbol.asyncDispose]();
  await connection.close();
  await Promise.all([db.destroy(), relay.destroy()]);
  log.info('stopped');
}
