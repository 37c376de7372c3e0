import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedBundle } from '../../worker/bundle-cache.js';

let root: string;
let made: number;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'usher-bundle-'));
  await mkdir(join(root, 'workflows', 'ticket'), { recursive: true });
  await writeFile(join(root, 'workflows', 'index.ts'), 'first');
  await writeFile(join(root, 'package.json'), '{}');
  made = 0;
});
afterEach(() => rm(root, { recursive: true }));

const make = async (): Promise<{ code: string }> => ({ code: `bundle ${(made += 1)}` });
const bundle = (): Promise<string> =>
  cachedBundle({ root, sources: ['workflows', 'package.json', 'not-there'], folder: join(root, 'cache') }, make);

test('the same source is bundled once', async () => {
  const path = await bundle();
  expect(await bundle()).toBe(path);
  expect(await readFile(path, 'utf8')).toBe('bundle 1');
});

const changes: [what: string, change: () => Promise<void>][] = [
  ['a file of another text', () => writeFile(join(root, 'workflows', 'index.ts'), 'other')],
  ['a further file, deep down', () => writeFile(join(root, 'workflows', 'ticket', 'new.ts'), '')],
  ['a single file that counts', () => writeFile(join(root, 'package.json'), '{"version":"2"}')],
  ['a text that moved to another file', () => swapped('workflows/index.ts', 'workflows/other.ts')],
];
test.each(changes)('%s makes another bundle, and the one before goes', async (_, change) => {
  const before = await bundle();
  await change();
  const after = await bundle();
  expect(after).not.toBe(before);
  expect(await readFile(after, 'utf8')).toBe('bundle 2');
  expect(await readdir(join(root, 'cache'))).toHaveLength(1);
});

test('a bundle that could not be made leaves nothing behind', async () => {
  const failing = cachedBundle({ root, sources: ['workflows'], folder: join(root, 'cache') }, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await readFile(await bundle(), 'utf8')).toBe('bundle 1');
});

async function swapped(from: string, to: string): Promise<void> {
  await writeFile(join(root, to), await readFile(join(root, from)));
  await rm(join(root, from));
}
