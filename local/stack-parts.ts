import { join } from 'node:path';
import { z } from 'zod';
import { environmentWithout } from './environment.js';
import type { Credentials } from './credentials.js';
import type { Log } from './log.js';
import type { FaultRule } from './mail-faults.js';
import { MailSummary } from './mail-store.js';
import type { Part } from './part.js';
import { createPart } from './part.js';
import type { StackPorts } from './stack-ports.js';
import { projectFolder, runSource } from './typescript-process.js';

/** What the processes of ours are told. */
export interface Surroundings {
  ports: StackPorts;
  credentials: Credentials;
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
}

type Watch = (name: string, start: () => Promise<void>) => (reason: string) => void;

const local = (port: number): string => `http://127.0.0.1:${port}`;

export const apiUrl = ({ api }: StackPorts): string => local(api);
export const adminUrl = ({ admin }: StackPorts): string => local(admin);
export const workerAdminUrl = ({ workerAdmin }: StackPorts): string => local(workerAdmin);
export const mailUrl = ({ mail }: StackPorts): string => local(mail);
export const smtpUrl = ({ smtp }: StackPorts): string => `smtp://127.0.0.1:${smtp}`;

/** The API process; ready when it answers, whatever the worker does. */
export const createApi = (around: Surroundings, output: Log, watch: Watch): Part =>
  createSourcePart('api', 'api/main.ts', `${adminUrl(around.ports)}/livez`, around, output, watch);

/** The worker process; ready when it polls and reaches the database. */
export const createWorker = (around: Surroundings, output: Log, watch: Watch): Part =>
  createSourcePart('worker', 'worker/main.ts', `${workerAdminUrl(around.ports)}/readyz`, around, output, watch);

function createSourcePart(name: string, source: string, readyUrl: string, around: Surroundings, output: Log, watch: Watch): Part {
  const part: Part = createPart({
    name,
    command: process.execPath,
    args: runSource(source),
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
    FILES_DIR: join(path, 'files'),
    SECRET_KEYS: credentials.secretKeys,
    ...around.env,
  });
}

/** The mail server's process, and what it caught. */
export interface MailPart extends Part {
  readonly url: string;
  readonly smtpUrl: string;
  /** Caught mail, newest first; `to` is part of a recipient's address. */
  messages(to?: string): Promise<MailSummary[]>;
  clear(): Promise<void>;
  setFault(rule: FaultRule): Promise<void>;
}

export function createMailPart({ ports, credentials, path }: Surroundings, output: Log, watch: Watch): MailPart {
  const url = mailUrl(ports);
  const settings = {
    smtpPort: ports.smtp,
    httpPort: ports.mail,
    dir: join(path, 'mail'),
    intake: { apiUrl: apiUrl(ports), gatewayKey: credentials.keys.gateway },
  };
  const part: Part = createPart({
    name: 'mail',
    command: process.execPath,
    args: runSource('local/mail-main.ts'),
    env: environmentWithout([], { USHER_MAIL: JSON.stringify(settings) }),
    cwd: projectFolder,
    output,
    readyUrl: url,
    graceMs: 3_000,
    onCrash: watch('mail', () => part.start()),
  });
  return withMailbox(part, url, smtpUrl(ports));
}

function withMailbox(part: Part, url: string, smtp: string): MailPart {
  const call = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(new URL(path, url), init);
    if (!response.ok) throw new Error(`the mail server answered ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    ...part,
    get pid() {
      return part.pid;
    },
    url,
    smtpUrl: smtp,
    async messages(to) {
      const response = await call(to === undefined ? '/api/messages' : `/api/messages?to=${encodeURIComponent(to)}`);
      return z.array(MailSummary).parse(await response.json());
    },
    async clear() {
      await call('/api/messages', { method: 'DELETE' });
    },
    async setFault(rule) {
      await call('/api/faults', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(rule) });
    },
  };
}
