import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Log } from './log.js';
import { StartError } from './start-error.js';

export interface Account {
  uid: number;
  gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root lends it another account: `postgres`, made when missing, or `nobody` where none can be made.
 *
 * @returns nothing when this process is not root: PostgreSQL then runs as the same user
 */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return lookUp('postgres') ?? create('postgres') ?? lookUp('nobody') ?? noAccount();
}

function lookUp(name: string): Account | undefined {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function create(name: string): Account | undefined {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', name], { stdio: 'ignore' });
    return lookUp(name);
  } catch {
    return undefined;
  }
}

function noAccount(): never {
  throw new StartError(
    'PostgreSQL refuses to run as root, and there is no account postgres or nobody to run it as. Start as an ordinary user.',
  );
}

/**
 * Where the account can reach a folder of root's: the folder itself, whose parent is opened for passing through, or, when one further above
 * is closed to others (a checkout under /root), a place in /var/tmp named after it.
 */
export async function reachableFolder(folder: string, account: Account | undefined, log: Log): Promise<string> {
  const wanted = resolve(folder);
  if (account === undefined) return wanted;
  const parent = dirname(wanted);
  if (await canEnter(dirname(parent), account)) {
    await mkdir(parent, { recursive: true });
    if (!(await canEnter(parent, account))) await chmod(parent, (await stat(parent)).mode | 0o011);
    return wanted;
  }
  const key = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const elsewhere = join('/var/tmp', `usher-${key}`, 'postgres');
  await mkdir(dirname(elsewhere), { recursive: true });
  await assertOurs(dirname(elsewhere));
  await chmod(dirname(elsewhere), 0o711);
  log(`${wanted} is closed to the account PostgreSQL runs as; the database is kept in ${elsewhere}`);
  return elsewhere;
}

/** The same for the programs in node_modules, which are copied once when the account cannot reach them. */
export async function reachablePrograms(native: string, version: string, account: Account | undefined, log: Log): Promise<string> {
  if (account === undefined || (await canEnter(native, account))) return native;
  const copy = join('/var/tmp', `usher-postgres-${version}`);
  if (existsSync(copy)) return assertOurs(copy);
  log(`copying PostgreSQL to ${copy}, because the account it runs as cannot enter ${native}`);
  const half = `${copy}.${process.pid}`;
  await cp(native, half, { recursive: true, verbatimSymlinks: true });
  await openForReading(half);
  await rename(half, copy).catch(async (error: unknown) => {
    await rm(half, { recursive: true, force: true });
    if (!existsSync(copy)) throw error; // another process was faster
  });
  return copy;
}

/** In /var/tmp anybody may have been first to take the name. */
async function assertOurs(path: string): Promise<string> {
  const { uid } = await stat(path);
  if (uid !== process.getuid?.()) throw new StartError(`${path} belongs to somebody else; remove it and start again.`);
  return path;
}

/** Files keep their modes, but new folders are as closed as the umask says. */
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755);
}

/** Whether the account may enter the folder and all above it; a folder that does not exist yet is judged by the nearest one that does. */
async function canEnter(folder: string, account: Account): Promise<boolean> {
  if (dirname(folder) !== folder && !(await canEnter(dirname(folder), account))) return false;
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return true;
  if (found.uid === account.uid) return (found.mode & 0o100) !== 0;
  if (found.gid === account.gid) return (found.mode & 0o010) !== 0;
  return (found.mode & 0o001) !== 0;
}
