import { existsSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Log } from './log.js';
import { removePostgres } from './postgres.js';
import { identityOf, isAlive } from './process-identity.js';
import { StartError } from './start-error.js';

/** What one stack keeps between runs, locked while it runs. */
export interface StateFolder {
  readonly path: string;
  /** Whether the run before this one ended without stopping; parts of it may still be ending. */
  readonly afterCrash: boolean;
  file(...names: string[]): string;
  release(): Promise<void>;
}

const marker = 'usher-state';
const lockName = 'lock';
export const infoName = 'local.json';
const ours =
  /^(postgres(\.new|\.password)?|temporal-[\d.]+\.db(-wal|-shm|-journal)?|files|mail|sms|identity|logs|engine(-kind)?|credentials\.json|local\.json)$/;

/**
 * Opens the folder for one run, making it on first use.
 *
 * @param fresh begin with an empty state; only what a stack has put there is removed
 * @throws StartError when another run uses it, or when the folder holds other things and no state
 */
export async function openStateFolder(path: string, options: { fresh: boolean; log: Log }): Promise<StateFolder> {
  const folder = resolve(path);
  await mkdir(folder, { recursive: true, mode: 0o711 }); // PostgreSQL may run as another account and has to pass
  if (!existsSync(join(folder, marker))) {
    const found = await readdir(folder);
    if (found.length > 0) throw new StartError(`${folder} is not a state folder of Usher and not empty; choose another with --state-dir.`);
    await writeFile(join(folder, marker), 'State of a local Usher. Made by npm start; npm start -- --fresh empties it.\n');
  }
  const afterCrash = await takeLock(folder);
  const release = (): Promise<void> => rm(join(folder, lockName), { force: true });
  try {
    if (options.fresh) await empty(folder, options.log);
  } catch (error) {
    await release();
    throw error;
  }
  return { path: folder, afterCrash, file: (...names) => join(folder, ...names), release };
}

/** Writes a file as a whole or not at all, readable by this user only. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function takeLock(folder: string): Promise<boolean> {
  const file = join(folder, lockName);
  for (let afterCrash = false; ; afterCrash = true) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(identityOf(process.pid) ?? '');
      await handle.close();
      return afterCrash;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = await readFile(file, 'utf8').catch(() => '');
    if (isAlive(holder)) throw new StartError(await describeHolder(folder, holder));
    await rm(file, { force: true });
  }
}

async function describeHolder(folder: string, holder: string): Promise<string> {
  const info = await readFile(join(folder, infoName), 'utf8').catch(() => '');
  const apiUrl = /"apiUrl": "([^"]+)"/.exec(info)?.[1];
  const where = apiUrl === undefined ? 'it is still starting' : `its API is ${apiUrl}`;
  return [
    `Usher already runs on the state in ${folder} (process ${Number.parseInt(holder, 10)}; ${where}).`,
    'Stop that one first, or start a second one with --state-dir and other ports.',
  ].join('\n');
}

async function empty(folder: string, log: Log): Promise<void> {
  log(`removing the state in ${folder}`);
  await removePostgres(join(folder, 'postgres'), log);
  for (const name of await readdir(folder)) if (ours.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}
