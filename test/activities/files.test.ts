import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createDiskFiles, FileMissing, newFileKey } from '../../db/files.js';
import type { FileStore } from '../../db/files.js';

let folder: string;
let files: FileStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usher-files-'));
  files = createDiskFiles(folder);
});

async function* chunks(...texts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield await Promise.resolve(Buffer.from(text));
  }
}

test('keeps, replaces, streams and removes', async () => {
  const key = newFileKey('attachment');
  await files.put(key, Buffer.from('one'));
  await files.put(key, Buffer.from('two'));
  expect((await files.read(key)).toString()).toBe('two');
  expect(await files.putStream(key, chunks('ab', 'cde'))).toBe(5);
  expect((await files.read(key)).toString()).toBe('abcde');
  await files.remove(key);
  await files.remove(key);
  await expect(files.read(key)).rejects.toBeInstanceOf(FileMissing);
});

test('a stream that breaks leaves nothing, and what was there', async () => {
  const key = newFileKey('raw');
  await files.put(key, Buffer.from('before'));
  await expect(files.putStream(key, chunks('half', new Error('broken')))).rejects.toThrow('broken');
  expect((await files.read(key)).toString()).toBe('before');
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});

test.each([
  '../../etc/passwd',
  '/etc/passwd',
  'raw/../../x',
  'raw/00/short',
  'other/00/00000000000000000000000000000000',
  'raw/00/00000000000000000000000000000000/x',
  '',
])('no key but its own kind names a file: %j', async (key) => {
  await expect(files.put(key, Buffer.from('x'))).rejects.toThrow('not a file key');
  expect(() => files.remove(key)).toThrow('not a file key');
});

test('keys are random and tell nothing', () => {
  const keys = Array.from({ length: 100 }, () => newFileKey('raw'));
  expect(new Set(keys).size).toBe(100);
  expect(keys.every((key) => /^raw\/[0-9a-f]{2}\/[0-9a-f]{32}$/.test(key))).toBe(true);
});
