import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { migrateToLatest } from '../db/migrate.js';
import { seedDemo } from '../db/seed.js';
import { loadCredentials } from './credentials.js';
import { demoAudience } from './identity/names.js';
import { openPartLogs } from './part-logs.js';
import type { Part } from './part.js';
import { untilAnswers } from './part.js';
import type { Postgres } from './postgres.js';
import type { Database, Engine, Ground } from './stack-foundation.js';
import { openDatabase, openEngine } from './stack-foundation.js';
import type { StackOptions } from './stack-options.js';
import type { MailPart, PackagesPart, SmsPart, Surroundings } from './stack-parts.js';
import {
  adminUrl,
  apiUrl,
  createApi,
  createIdentityPart,
  createMailPart,
  createPackagesPart,
  createSmsPart,
  createWorker,
  mailUrl,
  oidcUrl,
  packagesUrl,
  smsUrl,
  smtpUrl,
  workerAdminUrl,
} from './stack-parts.js';
import type { PortName } from './stack-ports.js';
import { assertPortsFree, choosePorts, portNames } from './stack-ports.js';
import { StartError } from './start-error.js';
import type { StateFolder } from './state-folder.js';
import { infoName, openStateFolder, writeWhole } from './state-folder.js';
import type { Supervisor } from './supervisor.js';
import { createSupervisor } from './supervisor.js';
import type { TemporalServer } from './temporal-dev.js';

/** Where everything is; without the last two also in `<stateDir>/local.json` while the stack runs. */
export interface StackInfo {
  apiUrl: string;
  adminUrl: string;
  temporalAddress: string;
  namespace: string;
  webUiUrl: string;
  smtpUrl: string;
  mailUrl: string;
  /** What stands in for Twilio. */
  smsUrl: string;
  /** What stands in for the packages journeys call. */
  packagesUrl: string;
  /** Identity provider of the demo's people: the issuer of their tokens. */
  oidcUrl: string;
  /** For looking at everything; api and worker use another login. */
  databaseUrl: string;
  product: string;
  credentials: { admin: string; lead: string; agent: string; customer: string };
  gatewayKey: string;
  workerAdminUrl: string;
}

/** A running system: the same api and worker as in production, on embedded parts. */
export interface Stack extends AsyncDisposable {
  readonly info: StackInfo;
  readonly api: Part;
  readonly worker: Part;
  readonly mail: MailPart;
  readonly sms: SmsPart;
  readonly packages: PackagesPart;
  readonly identity: Part;
  /** Nothing when the user brought one. */
  readonly postgres: Postgres | undefined;
  readonly temporal: TemporalServer | undefined;
  readonly logsFolder: string;
  /** Until `/readyz` answers for api and worker. */
  untilReady(limitMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const namespace = 'usher';
const product = 'demo';

type Undo = () => Promise<unknown>;

/** Starts everything and returns once it is at work; on failure nothing is left running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const state = await openStateFolder(options.stateDir, { fresh: options.fresh ?? false, log: options.log });
  const undo: Undo[] = [() => state.release()];
  const supervisor = createSupervisor(options.supervise ?? false, options.log);
  const stop = async (): Promise<void> => {
    supervisor.stop(); // what ends now is meant to end
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return await assemble(options, { state, supervisor, undo, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Frame {
  state: StateFolder;
  supervisor: Supervisor;
  undo: Undo[];
  stop: () => Promise<void>;
}

async function assemble(options: StackOptions, { state, supervisor, undo, stop }: Frame): Promise<Stack> {
  const { log } = options;
  const logs = openPartLogs(state.file('logs'));
  undo.push(() => logs.close());
  const credentials = await loadCredentials(state.file('credentials.json'));
  const ports = await choosePorts(options.ports);
  await assertPortsFree(portsOf(options), ports, { patient: state.afterCrash, log });

  log('starting PostgreSQL and Temporal');
  const ground: Ground = { options, ports, state, logs, supervisor, namespace };
  const { database, engine } = await untilAborted(options.signal, openGround(ground, undo));
  log('bringing the database up to date');
  await migrateToLatest(database.ownerUrl);
  await seedDemo(database.ownerUrl, credentials.keys, {
    policies: options.policies ?? false,
    journeys: options.journeys ?? false,
    identityProvider: { issuer: oidcUrl(ports), audience: demoAudience },
  });
  options.signal?.throwIfAborted(); // not amidst the migrations

  const around: Surroundings = {
    ports,
    credentials,
    sms: smsAccount(),
    path: state.path,
    databaseUrl: database.url,
    databaseOwnerUrl: database.ownerUrl,
    temporalAddress: engine.address,
    temporalIsForeign: engine.server === undefined,
    namespace,
    webUiUrl: engine.webUiUrl,
    env: options.env ?? {},
    built: options.built,
  };
  const mail = createMailPart(around, logs.of('mail'), supervisor.watch);
  const sms = createSmsPart(around, logs.of('sms'), supervisor.watch);
  // There is no key for packages among the demo's: an admin may tell what happened, too.
  const events = { url: `${apiUrl(ports)}/v1/events`, key: credentials.keys.admin };
  const packages = createPackagesPart({ ports, events }, logs.of('packages'), supervisor.watch);
  const identity = createIdentityPart(around, logs.of('identity'), supervisor.watch);
  const api = createApi(around, logs.of('api'), supervisor.watch);
  const worker = createWorker(around, logs.of('worker'), supervisor.watch);
  undo.push(
    () => Promise.all([mail.stop(), sms.stop(), packages.stop(), identity.stop()]),
    () => Promise.all([api.stop(), worker.stop()]),
  );
  log('starting mail, SMS, packages, identity provider, api and worker');
  await untilAborted(
    options.signal,
    Promise.all([mail.start(), sms.start(), packages.start(), identity.start(), api.start(), worker.start()]),
  );

  const untilReady = async (limitMs = 60_000): Promise<void> => {
    const problem = await untilAnswers(`${adminUrl(ports)}/readyz`, limitMs, () => undefined);
    if (problem !== undefined) throw new StartError(`The system is not ready: ${problem}\nThe output of its parts is in ${logs.folder}`);
  };
  await untilAborted(options.signal, untilReady());
  const info = describe(around, database);
  undo.push(() => rm(state.file(infoName), { force: true }));
  await writeInfo(state, info);
  return {
    info,
    api,
    worker,
    mail,
    sms,
    packages,
    identity,
    postgres: database.server,
    temporal: engine.server,
    logsFolder: logs.folder,
    untilReady,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Database and Temporal side by side. The engine on PostgreSQL waits for the database by itself, and stops before it. */
async function openGround(ground: Ground, undo: Undo[]): Promise<{ database: Database; engine: Engine }> {
  const opening = openDatabase(ground).then((database) => {
    undo.push(async () => database.server?.stop());
    return database;
  });
  const starting = openEngine(ground, opening).then((engine) => {
    undo.push(async () => engine.server?.stop());
    return engine;
  });
  await Promise.allSettled([opening, starting]); // when one fails, the other has to be there before it can be stopped
  return { database: await opening, engine: await starting };
}

async function untilAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  const aborted = new Promise<never>((_resolve, reject) => {
    const give = (): void => reject(new Error('start interrupted'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  return Promise.race([work, aborted]);
}

/** Those that something of ours will listen on. */
function portsOf({ databaseUrl, temporalAddress }: StackOptions): PortName[] {
  return portNames.filter((name) => {
    if (name === 'postgres') return databaseUrl === undefined;
    if (name === 'temporal' || name === 'temporalUi') return temporalAddress === undefined;
    return true;
  });
}

function describe({ ports, credentials, temporalAddress, webUiUrl }: Surroundings, database: Database): StackInfo {
  const { gateway, ...people } = credentials.keys;
  return {
    apiUrl: apiUrl(ports),
    adminUrl: adminUrl(ports),
    temporalAddress,
    namespace,
    webUiUrl,
    smtpUrl: smtpUrl(ports),
    mailUrl: mailUrl(ports),
    smsUrl: smsUrl(ports),
    packagesUrl: packagesUrl(ports),
    oidcUrl: oidcUrl(ports),
    databaseUrl: database.adminUrl,
    product,
    credentials: people,
    gatewayKey: gateway,
    workerAdminUrl: workerAdminUrl(ports),
  };
}

/** New with each start: only the worker and the stand-in have to agree. The number is the one that Twilio's own test accounts send from. */
const smsAccount = () => ({
  accountSid: `AC${randomBytes(16).toString('hex')}`,
  authToken: randomBytes(16).toString('hex'),
  from: '+15005550006',
});

async function writeInfo(state: StateFolder, info: StackInfo): Promise<void> {
  const { gatewayKey: _gatewayKey, workerAdminUrl: _workerAdminUrl, ...written } = info;
  await writeWhole(state.file(infoName), `${JSON.stringify(written, null, 2)}\n`);
}
