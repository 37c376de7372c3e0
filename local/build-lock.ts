import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.js';
import { identityOf, isAlive } from './process-identity.js';

/**
 * Makes a file or folder of the shared cache once, however many processes want it: one works, the others wait for the result. The work is
 * done under a temporary name and renamed, so a half-made thing is never found.
 *
 * @param make fills the temporary path it is given
 */
export async function makeOnce(target: string, log: Log, make: (temporary: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const release = await lock(`${target}.lock`, log);
  try {
    if (existsSync(target)) return; // another process has made it meanwhile
    const temporary = `${target}.new-${process.pid}`;
    try {
      await make(temporary);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  } finally {
    await release();
  }
}

async function lock(file: string, log: Log): Promise<() => Promise<void>> {
  for (let waited = 0; ; waited += 1) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(identityOf(process.pid) ?? '');
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = await readFile(file, 'utf8').catch(() => '');
    if (holder !== '' && !isAlive(holder)) {
      await rm(file, { force: true }); // its process died at work
      continue;
    }
    if (waited % 30 === 0) log(`waiting for process ${Number.parseInt(holder, 10)}, which is making ${file.replace(/\.lock$/, '')}`);
    await sleep(1_000);
  }
}
