import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { environmentWithout } from './environment.js';
import type { Credentials } from './credentials.js';
import { docsClient } from './identity/names.js';
import type { Log } from './log.js';
import type { FaultRule } from './mail-faults.js';
import { MailSummary } from './mail-store.js';
import type { BehaviourRule } from './packages/behaviour.js';
import { PackageCallLine } from './packages/server.js';
import type { Part } from './part.js';
import { createPart } from './part.js';
import type { StackPorts } from './stack-ports.js';
import type { SmsFaultRule } from './twilio-faults.js';
import type { TwilioAccount } from './twilio-rest.js';
import { SmsMessage } from './twilio-store.js';
import { projectFolder, runSource } from './typescript-process.js';

/** What the processes of ours are told. */
export interface Surroundings {
  ports: StackPorts;
  credentials: Credentials;
  /** At the stand-in for Twilio. */
  sms: TwilioAccount;
  /** State folder. */
  path: string;
  databaseUrl: string;
  databaseOwnerUrl: string;
  temporalAddress: string;
  /** Not a server of ours: its key and TLS settings apply. */
  temporalIsForeign: boolean;
  namespace: string;
  webUiUrl: string;
  env: Record<string, string>;
  /** Folder of the compiled code; the source runs when undefined. */
  built: string | undefined;
}

/**
 * How V8 keeps the memory of the worker, under load: garbage was a tenth of its work.
 *
 * What is made and soon forgotten costs nothing while it fits where it was made: 16 to 64 MB for each thread, where V8 begins with one and grows
 * with what stays alive, which in a thread of workflows is little. What stays is gone through when it has doubled, and not whenever a
 * fifth has come to it or nothing else is to be done.
 */
const workerMemory = ['--min-semi-space-size=16', '--max-semi-space-size=64', '--heap-growing-percent=100', '--no-memory-reducer'];

/** Threads that collect garbage and compile beside the program's own: V8 takes four, even where there is one processor for all of them. */
const helpers = Math.min(4, Math.max(1, availableParallelism() - 1));

type Watch = (name: string, start: () => Promise<void>) => (reason: string) => void;

const local = (port: number): string => `http://127.0.0.1:${port}`;

export const apiUrl = ({ api }: StackPorts): string => local(api);
export const adminUrl = ({ admin }: StackPorts): string => local(admin);
export const workerAdminUrl = ({ workerAdmin }: StackPorts): string => local(workerAdmin);
export const mailUrl = ({ mail }: StackPorts): string => local(mail);
export const smsUrl = ({ sms }: Pick<StackPorts, 'sms'>): string => local(sms);
export const packagesUrl = ({ packages }: Pick<StackPorts, 'packages'>): string => local(packages);
export const oidcUrl = ({ oidc }: Pick<StackPorts, 'oidc'>): string => local(oidc);
export const smtpUrl = ({ smtp }: StackPorts): string => `smtp://127.0.0.1:${smtp}`;

/** The API process; ready when it answers, whatever the worker does. */
export const createApi = (around: Surroundings, output: Log, watch: Watch): Part =>
  createSourcePart('api', ['api/main.ts'], `${adminUrl(around.ports)}/livez`, around, output, watch);

/** The worker process; ready when it polls and reaches the database. */
export const createWorker = (around: Surroundings, output: Log, watch: Watch): Part =>
  createSourcePart('worker', ['worker/main.ts', ...workerMemory], `${workerAdminUrl(around.ports)}/readyz`, around, output, watch);

function createSourcePart(
  name: string,
  [source, ...flags]: readonly [source: string, ...flags: string[]],
  readyUrl: string,
  around: Surroundings,
  output: Log,
  watch: Watch,
): Part {
  const part: Part = createPart({
    name,
    command: process.execPath,
    args: [`--v8-pool-size=${helpers}`, ...flags, ...runSource(source, around.built)],
    env: environmentOf(around),
    cwd: projectFolder,
    output,
    readyUrl,
    onCrash: watch(name, () => part.start()),
  });
  return part;
}

function environmentOf(around: Surroundings): Record<string, string> {
  const { ports, credentials, path } = around;
  const foreign = around.temporalIsForeign ? {} : { TEMPORAL_API_KEY: '', TEMPORAL_TLS: '' };
  return environmentWithout(['PG'], {
    DATABASE_URL: around.databaseUrl,
    DATABASE_OWNER_URL: around.databaseOwnerUrl,
    TEMPORAL_ADDRESS: around.temporalAddress,
    TEMPORAL_NAMESPACE: around.namespace,
    TEMPORAL_UI_URL: around.webUiUrl,
    ...foreign,
    API_HOST: '127.0.0.1',
    API_PORT: String(ports.api),
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: String(ports.admin),
    WORKER_ADMIN_PORT: String(ports.workerAdmin),
    WORKER_ADMIN_URL: workerAdminUrl(ports),
    PUBLIC_URL: apiUrl(ports),
    SMTP_URL: smtpUrl(ports),
    MAIL_DOMAIN: 'usher.localhost',
    TWILIO_ACCOUNT_SID: around.sms.accountSid,
    TWILIO_AUTH_TOKEN: around.sms.authToken,
    TWILIO_FROM: around.sms.from,
    TWILIO_API_URL: smsUrl(ports),
    PACKAGES_CRM_URL: `${packagesUrl(ports)}/crm`,
    PACKAGES_BILLING_URL: `${packagesUrl(ports)}/billing`,
    PACKAGES_FIELD_OPS_URL: `${packagesUrl(ports)}/field-ops`,
    PACKAGES_BUSINESS_LOGIC_URL: `${packagesUrl(ports)}/business-logic`,
    PACKAGES_SUPPORT_URL: `${packagesUrl(ports)}/support`,
    ALLOW_PRIVATE_TARGETS: 'true',
    DOCS_OIDC_ISSUER: oidcUrl(ports),
    DOCS_OIDC_CLIENT_ID: docsClient,
    FILES_DIR: join(path, 'files'),
    SECRET_KEYS: credentials.secretKeys,
    TOKIO_WORKER_THREADS: '1', // of the Temporal SDK, which takes one for each processor and needs a tenth of one
    ...around.env,
  });
}

/** The process of a stand-in server, and what it took. */
interface SinkPart<Message, Rule> extends Part {
  /** Its page, and under /api the same as JSON. */
  readonly url: string;
  /** Newest first; `to` is part of a recipient's address or number. */
  messages(to?: string): Promise<Message[]>;
  clear(): Promise<void>;
  setFault(rule: Rule): Promise<void>;
}

export type MailPart = SinkPart<MailSummary, FaultRule> & { readonly smtpUrl: string };
export type SmsPart = SinkPart<SmsMessage, SmsFaultRule>;

/** The mail server: mail for Usher goes to the API, all other mail is caught. */
export function createMailPart({ ports, credentials, path }: Surroundings, output: Log, watch: Watch): MailPart {
  const settings = {
    smtpPort: ports.smtp,
    httpPort: ports.mail,
    dir: join(path, 'mail'),
    intake: { apiUrl: apiUrl(ports), gatewayKey: credentials.keys.gateway },
  };
  const env = { USHER_MAIL: JSON.stringify(settings) };
  const part = createSinkPart('mail', 'local/mail-main.ts', env, mailUrl(ports), output, watch);
  return Object.assign(withSink<MailSummary, FaultRule>(part, mailUrl(ports), MailSummary), { smtpUrl: smtpUrl(ports) });
}

/** What stands in for Twilio. */
export function createSmsPart(
  { ports, sms: account, path }: Pick<Surroundings, 'sms' | 'path'> & { readonly ports: Pick<StackPorts, 'sms'> },
  output: Log,
  watch: Watch,
): SmsPart {
  const env = { USHER_TWILIO: JSON.stringify({ port: ports.sms, dir: join(path, 'sms'), account }) };
  const part = createSinkPart('sms', 'local/twilio-main.ts', env, smsUrl(ports), output, watch);
  return withSink<SmsMessage, SmsFaultRule>(part, smsUrl(ports), SmsMessage);
}

/** What stands in for the packages journeys call, and what it was called for. */
export interface PackagesPart extends Part {
  readonly url: string;
  /** Oldest first; of one path, one key. */
  calls(wanted?: { readonly path?: string; readonly key?: string }): Promise<PackageCallLine[]>;
  /** Forgets what was called, done and told to misbehave. */
  clear(): Promise<void>;
  behave(rule: BehaviourRule): Promise<void>;
}

/** @param events whom it tells what happened at the packages */
export function createPackagesPart(
  { ports, events }: { readonly ports: Pick<StackPorts, 'packages'>; readonly events?: { readonly url: string; readonly key: string } },
  output: Log,
  watch: Watch,
): PackagesPart {
  const told = events === undefined ? { EVENTS_URL: '', EVENTS_KEY: '' } : { EVENTS_URL: events.url, EVENTS_KEY: events.key };
  const env = { PACKAGES_PORT: String(ports.packages), ...told };
  const part = createSinkPart('packages', 'local/packages/main.ts', env, packagesUrl(ports), output, watch);
  const url = packagesUrl(ports);
  const call = callsOf(part, url);
  return Object.assign(part, {
    url,
    async calls(wanted: Readonly<Record<string, string>> = {}) {
      return z.array(PackageCallLine).parse(await (await call(`/calls?${new URLSearchParams(wanted).toString()}`)).json());
    },
    async clear() {
      await call('/calls', { method: 'DELETE' });
      await call('/behave', { method: 'DELETE' });
    },
    async behave(rule: BehaviourRule) {
      await call('/behave', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(rule) });
    },
  });
}

/** The identity provider of the demo's people. */
export function createIdentityPart({ ports, path }: Pick<Surroundings, 'ports' | 'path'>, output: Log, watch: Watch): Part {
  const settings = { port: ports.oidc, dir: join(path, 'identity'), redirectUris: [`${apiUrl(ports)}/docs/signed-in`] };
  return createSinkPart('identity', 'local/identity/main.ts', { USHER_IDENTITY: JSON.stringify(settings) }, oidcUrl(ports), output, watch);
}

function createSinkPart(name: string, source: string, env: Record<string, string>, readyUrl: string, output: Log, watch: Watch): Part {
  const part: Part = createPart({
    name,
    command: process.execPath,
    args: runSource(source),
    env: environmentWithout([], env),
    cwd: projectFolder,
    output,
    readyUrl,
    graceMs: 3_000,
    onCrash: watch(name, () => part.start()),
  });
  return part;
}

function withSink<Message, Rule>(part: Part, url: string, message: z.ZodType<Message>): SinkPart<Message, Rule> {
  const call = callsOf(part, url);
  // Not a copy of the part: its process id changes with each start.
  return Object.assign(part, {
    url,
    async messages(to?: string) {
      const response = await call(to === undefined ? '/api/messages' : `/api/messages?to=${encodeURIComponent(to)}`);
      return z.array(message).parse(await response.json());
    },
    async clear() {
      await call('/api/messages', { method: 'DELETE' });
    },
    async setFault(rule: Rule) {
      await call('/api/faults', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(rule) });
    },
  });
}

/** Calls a stand-in, and fails with what it says. */
const callsOf =
  ({ name }: Part, url: string) =>
  async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(new URL(path, url), init);
    if (!response.ok) throw new Error(`${name} answered ${response.status}: ${await response.text()}`);
    return response;
  };
