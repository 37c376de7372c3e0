/** The worker process: workflows with their projection, deliveries, mail intake. Stops without cutting a send. */
import { activityInfo } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { v7 as newId } from 'uuid';
import { createHttpWebhooks } from '../activities/adapters/http-webhook.js';
import { createActivities } from '../activities/index.js';
import { createIntake } from '../activities/intake.js';
import { createChildEntry } from '../activities/journey-entry.js';
import { createInterests } from '../activities/journey-entry-interests.js';
import { createEventRouting } from '../activities/journey-entry-routing.js';
import { createScheduleFiring } from '../activities/journey-entry-schedule.js';
import { createTemplates } from '../activities/journey-templates.js';
import { createMailTokens } from '../activities/mail-tokens.js';
import { Precedence } from '../activities/precedence.js';
import { parseSigningKeys } from '../domain/access/signing-key.js';
import type { TenantId } from '../domain/ids.js';
import { createGuards } from '../domain/journey/guard.js';
import { loadConfig } from '../config.js';
import { publishBuiltIns } from '../db/built-in-journeys.js';
import { assertSafe, createDb, ping } from '../db/client.js';
import { createDiskFiles } from '../db/files.js';
import { createSecretBox } from '../db/secret-box.js';
import { builtInJourneys } from '../journeys/index.js';
import { createLogger } from '../logger.js';
import { taskQueue } from '../workflows/names.js';
import { ticketWorkflowType } from '../workflows/ticket/start.js';
import { createJourneyActions } from './actions.js';
import { startAuditSealer } from './audit-sealer.js';
import { startBuiltIns } from './built-in-journeys.js';
import { createInstances } from './bulk-instances.js';
import { workflowBundle } from './bundle.js';
import { connectTemporal, untilUp } from './connect.js';
import { createOpenWork } from './erasure-commands.js';
import { startEventRelay } from './event-relay.js';
import { serveHealth } from './health.js';
import { startIntake } from './intake.js';
import { createJourneyMessages } from './journey-messages.js';
import { startJourneySchedules } from './journey-schedules.js';
import { createMetrics } from './metrics.js';
import { createNoticesStarter, startNoticeRelay } from './notice-relay.js';
import { isPolling } from './polling.js';
import { registerSearchAttributes } from './search-attributes.js';
import { startRetention } from './retention.js';
import { createSenders } from './senders.js';
import { startStreamRelay } from './stream-relay.js';
import { startSweep } from './sweep.js';
import { createTicketCommands } from './ticket-commands.js';
import { createWebhookStarter, startWebhookRelay } from './webhook-relay.js';
import { createCoreWorkers, createOutboundWorker } from './worker.js';
import { useLeanThreads } from './workflow-threads.js';

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
const relay = createDb({ url: relayUrl, role: 'usher_relay', pool: 4, name: 'usher-relay', onBroken });
const streamRelay = createDb({ url: relayUrl, role: 'usher_relay', pool: 1, name: 'usher-stream-relay', onBroken });
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
const [connections] = await Promise.all([
  untilUp('Temporal', log, () => connectTemporal(config, config.WORKER_THREADS), stopping.signal),
  untilUp('PostgreSQL', log, () => assertSafe(db), stopping.signal),
]);
const [connection] = connections;
const served = new Set<TenantId>();
const publish = () => publishBuiltIns({ db, relay }, builtInJourneys, served);
const published = await untilUp('PostgreSQL', log, publish, stopping.signal);
if (published.length > 0) log.info({ published }, 'published journey templates');
const added = await registerSearchAttributes(connection, namespace);
if (added.length > 0) log.info({ added }, 'registered search attributes');

const client = new Client({ connection, namespace });
const tickets = createTicketCommands({ client, queueSuffix, continueAfter: config.CONTINUE_AFTER });
// Inside a workflow task the projection gives up before the task does; as an activity of its own it may be slow.
const statementMs = (): number => (activityInfo().isLocal ? 1_200 : 9_000);
const guards = createGuards();
const journeys = createJourneyMessages({ client, queueSuffix, continueAfter: config.CONTINUE_AFTER });
// An attempt that has ended makes room for the next one.
let webhookEnded = (): void => undefined;
const senders = createSenders(config);
const precedence = new Precedence();
const activities = createActivities({
  ...deps,
  precedence,
  chance: Math.random,
  secrets: createSecretBox(config.SECRET_KEYS),
  webhooks: createHttpWebhooks({ privateTargets: config.ALLOW_PRIVATE_TARGETS }),
  onWebhook: (outcome) => {
    metrics.webhook(outcome);
    webhookEnded();
  },
  onWebhookDisabled: metrics.webhookDisabled,
  tickets,
  instances: createInstances({ client }),
  openWork: createOpenWork(client),
  guards,
  actions: createJourneyActions(config, db, client),
  ...createChildEntry({ ...deps, guards, journeys }),
  ...createScheduleFiring({ db }),
  ...senders,
  tally: metrics.outbound,
  onRepaired: metrics.projectionRepaired,
  slaTally: metrics.serviceLevels,
  statementMs,
});

const options = {
  namespace,
  workflowBundle: await workflowBundle(new DefaultLogger('WARN'), config.WORKFLOW_BUNDLE),
  activities,
  queueSuffix,
  cache: config.WORKER_CACHE,
  tasks: config.WORKER_TASKS,
  stickyMs: config.STICKY_TIMEOUT_MS,
  outboundRate: config.OUTBOUND_RATE,
};
const onStuck = (runId: string): never => {
  log.fatal({ runId }, 'a workflow’s step does not end; this process does, and another one takes up its workflows');
  throw new Error(`a step of workflow run ${runId} does not end`);
};
const onCommand = { workflowType: ticketWorkflowType, tell: (runId: string) => precedence.begin(runId) };
useLeanThreads({ callStacks: config.WORKFLOW_CALL_STACKS, onStuck, onCommand });
const cores = await createCoreWorkers(connections, options);
const outbound = await createOutboundWorker({ ...options, connection });
const queues = [taskQueue('core', queueSuffix), taskQueue('outbound', queueSuffix)];
const health = await serveHealth({
  host: config.ADMIN_HOST,
  port: config.WORKER_ADMIN_PORT,
  metrics: metrics.registry,
  checks: { postgres: () => ping(db), worker: () => isPolling(connection, namespace, queues) },
});

const intake = startIntake({ relay, intake: createIntake({ ...deps, tickets }), log, onResult: metrics.inbound });
const interests = createInterests({ db, templates: createTemplates({ db }) });
const routing = createEventRouting({ ...deps, guards, journeys, interests });
const events = startEventRelay({ relay, routing, log, onRouted: metrics.routed, onPassed: metrics.passed });
const webhooks = startWebhookRelay({ db, relay, start: createWebhookStarter(client, queueSuffix), log });
webhookEnded = () => webhooks.wake();
const notices = startNoticeRelay({ relay, start: createNoticesStarter(client, queueSuffix), perSecond: config.OUTBOUND_RATE, log });
const onPublished = (count: number): void => {
  metrics.published(count);
  webhooks.wake();
};
const stream = startStreamRelay({ relay: streamRelay, log, onPublished });
const schedules = startJourneySchedules({ client, relay, interests, queueSuffix, log });
const builtIns = startBuiltIns({ publish, log });
const sealer = startAuditSealer({ db, relay, log, onSealed: metrics.sealed });
const sweep = startSweep({ relay, log, onSwept: metrics.swept });
const retention = startRetention({ ...deps, relay, log, onSwept: metrics.letGo });

const end = (): void => [...cores, outbound].filter((worker) => worker.getState() === 'RUNNING').forEach((worker) => worker.shutdown());
stopping.signal.addEventListener('abort', end, { once: true });
const running = Promise.all([...cores, outbound].map((worker) => worker.run()));
log.info({ queues, adminPort: health.port }, 'working');
if (stopping.signal.aborted) end();
try {
  await running;
} finally {
  await Promise.all([
    intake[Symbol.asyncDispose](),
    events[Symbol.asyncDispose](),
    schedules[Symbol.asyncDispose](),
    builtIns[Symbol.asyncDispose](),
    sweep[Symbol.asyncDispose](),
    sealer[Symbol.asyncDispose](),
    retention[Symbol.asyncDispose](),
    stream[Symbol.asyncDispose](),
    webhooks[Symbol.asyncDispose](),
    notices[Symbol.asyncDispose](),
  ]);
  senders.close();
  await health[Symbol.asyncDispose]();
  await Promise.all(connections.map((each) => each.close()));
  await Promise.all([db.destroy(), relay.destroy(), streamRelay.destroy()]);
  log.info('stopped');
}
