import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { environmentWithout } from './environment.js';
import type { Log } from './log.js';
import type { Account } from './postgres-account.js';
import { program } from './postgres-programs.js';
import { commandOf, identityOf, isAlive } from './process-identity.js';
import { StartError } from './start-error.js';

const run = promisify(execFile);
const passwordFile = 'usher-superuser-password';
const ownerFile = 'usher-owner';

/** Files of one PostgreSQL data folder. */
export interface Cluster {
  native: string;
  dataDir: string;
  account: Account | undefined;
}

/** PostgreSQL reads settings from PG* variables; a developer's own must not reach the embedded one. */
export const postgresEnvironment = (): Record<string, string> => environmentWithout(['PG', 'LC_', 'LANG'], { LC_ALL: 'C', TZ: 'UTC' });

/** Makes the data folder on first use; an interrupted attempt leaves nothing that looks finished. */
export async function initialise({ native, dataDir, account }: Cluster, log: Log): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  log('preparing the database folder (once)');
  const half = `${dataDir}.new`;
  await rm(half, { recursive: true, force: true });
  await mkdir(dirname(dataDir), { recursive: true });
  await mkdir(half, { mode: 0o700 });
  const secret = `${dataDir}.password`;
  await rm(secret, { force: true });
  await writeFile(secret, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  if (account !== undefined) {
    await chown(half, account.uid, account.gid);
    await chown(secret, account.uid, account.gid);
  }
  const locale = ['--encoding=UTF8', '--no-locale', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']; // the same order on every machine
  const access = ['--username=postgres', `--pwfile=${secret}`, '--auth=scram-sha-256'];
  await run(program(native, 'initdb'), ['--pgdata', half, ...access, ...locale], { cwd: half, env: postgresEnvironment(), ...account });
  await rename(secret, join(half, passwordFile));
  await rm(dataDir, { recursive: true, force: true }); // an empty folder made by hand
  await rename(half, dataDir);
}

export const readPassword = async (cluster: Cluster): Promise<string> =>
  (await readFile(join(cluster.dataDir, passwordFile), 'utf8')).trim();

/**
 * Deals with what an earlier run left behind. A server that still runs is stopped when the process that started it is gone; when that one
 * lives, the folder is in use.
 *
 * @throws Error when another live process uses the folder
 */
export async function takeOver(cluster: Cluster, log: Log): Promise<void> {
  const lock = join(cluster.dataDir, 'postmaster.pid');
  const lines = (await readFile(lock, 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if (!isServerOf(pid, cluster.dataDir)) {
    await rm(lock, { force: true }); // its number may belong to somebody else by now, which PostgreSQL takes for itself
    return;
  }
  const owner = (await readFile(join(cluster.dataDir, ownerFile), 'utf8').catch(() => '')).trim();
  if (isAlive(owner)) {
    throw new StartError(`The database folder ${cluster.dataDir} is in use by process ${Number.parseInt(owner, 10)}. Stop that one first.`);
  }
  log(`stopping the PostgreSQL that an earlier run left behind (process ${pid})`);
  await signalServer(cluster, pid, 'fast');
  await waitUntilGone(pid);
}

/** Notes this process as the one the server belongs to. */
export const noteOwner = async (cluster: Cluster): Promise<void> => {
  const file = join(cluster.dataDir, ownerFile);
  await writeFile(file, identityOf(process.pid) ?? '', { mode: 0o600 });
  await chmod(file, 0o600);
};

/** `fast` closes connections and writes everything down; `immediate` is a crash, recovered from at the next start. */
export async function signalServer(cluster: Cluster, pid: number, mode: 'fast' | 'immediate'): Promise<void> {
  if (platform() === 'win32') {
    await run(program(cluster.native, 'pg_ctl'), ['stop', '--pgdata', cluster.dataDir, '--mode', mode, '--no-wait']);
    return;
  }
  try {
    process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  } catch {
    // It ended by itself.
  }
}

function isServerOf(pid: number, dataDir: string): boolean {
  if (identityOf(pid) === undefined) return false;
  return platform() === 'win32' || commandOf(pid).includes(dataDir);
}

async function waitUntilGone(pid: number): Promise<void> {
  const until = Date.now() + 20_000;
  while (identityOf(pid) !== undefined) {
    if (Date.now() > until) throw new StartError(`PostgreSQL (process ${pid}) has not stopped in 20 s; end it and start again.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
