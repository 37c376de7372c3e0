/** Bundles made from source, kept until the source changes: making one takes ten times as long as all else a worker does at its start. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface BundleCache {
  /** The checkout. */
  readonly root: string;
  /** Folders and files that a bundle is made of, below the checkout; what is not there counts as empty. */
  readonly sources: readonly string[];
  /** Where bundles are kept. */
  readonly folder: string;
}

/**
 * The bundle of the source as it is: the kept one, or one made now, which replaces those of other states of the source.
 *
 * @returns its path
 */
export async function cachedBundle({ root, sources, folder }: BundleCache, make: () => Promise<{ code: string }>): Promise<string> {
  const name = `${await fingerprint(root, sources)}.js`;
  const path = join(folder, name);
  const kept: readonly string[] = await readdir(folder).catch(() => []);
  if (kept.includes(name)) return path;
  const { code } = await make();
  await mkdir(folder, { recursive: true });
  // Another start may be making the same one: each writes its own, and the last one stays.
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, code);
  await rename(unfinished, path);
  await Promise.all(kept.map((other) => rm(join(folder, other), { force: true })));
  return path;
}

async function fingerprint(root: string, sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const source of sources) {
    for (const file of await filesOf(root, source)) {
      const text = await readFile(join(root, file));
      hash.update(`\n${file} ${text.length}\n`).update(text);
    }
  }
  return hash.digest('hex').slice(0, 32);
}

async function filesOf(root: string, source: string): Promise<string[]> {
  const entries = await readdir(join(root, source), { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return null;
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries === null) return [source];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}
