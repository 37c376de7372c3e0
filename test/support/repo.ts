import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The folder of the checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

export const exists = (path: string): boolean => existsSync(join(root, path));

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Not written by hand, or not part of the repository. */
const foreign = new Set(['node_modules', '.git', 'dist', 'coverage', '.usher', 'bench/results', 'local/temporal-cli']);

/** Every file below a folder, by its path from the root, in order. */
export function files(folder = ''): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .map((entry) => ({ entry, path: folder === '' ? entry.name : `${folder}/${entry.name}` }))
    .filter(({ path }) => !foreign.has(path))
    .flatMap(({ entry, path }) => (entry.isDirectory() ? files(path) : [path]))
    .toSorted();
}
