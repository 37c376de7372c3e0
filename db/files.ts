/** Attachments and raw mail: bytes under random keys that tell nothing of whom they belong to. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface FileStore {
  /** Keeps the bytes; once it returns they survive a crash. An existing file is replaced as a whole. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Keeps what the stream brings; a stream that breaks leaves nothing behind.
   *
   * @returns the number of bytes
   */
  putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  /** @throws FileMissing */
  read(key: string): Promise<Buffer>;
  /** Removing what is not there is no error. */
  remove(key: string): Promise<void>;
}

export class FileMissing extends Error {
  override readonly name = 'FileMissing';
}

export const fileKinds = ['raw', 'attachment'] as const;

/** A new random key: kind, two digits that spread files over folders, 128 bits. */
export function newFileKey(kind: (typeof fileKinds)[number]): string {
  const name = randomBytes(16).toString('hex');
  return `${kind}/${name.slice(0, 2)}/${name}`;
}

const keyPattern = new RegExp(`^(${fileKinds.join('|')})/[0-9a-f]{2}/[0-9a-f]{32}$`);

/** Files in a folder of this machine, or one that several machines share. */
export function createDiskFiles(folder: string): FileStore {
  /** A key that `newFileKey` did not make could name any file. */
  const pathOf = (key: string): string => {
    if (!keyPattern.test(key)) throw new Error('not a file key');
    return join(folder, key);
  };
  const put = async (key: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> => {
    const path = pathOf(key);
    const incoming = join(folder, 'incoming', randomBytes(16).toString('hex'));
    await Promise.all([dirname(path), dirname(incoming)].map((parent) => mkdir(parent, { recursive: true })));
    try {
      const size = await writeNew(incoming, chunks);
      await rename(incoming, path);
      await syncFolder(dirname(path));
      return size;
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    }
  };
  return {
    put: async (key, bytes) => void (await put(key, [bytes])),
    putStream: (key, chunks) => put(key, chunks),
    async read(key) {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new FileMissing('no such file', { cause: error });
        throw error;
      }
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  };
}

async function writeNew(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  try {
    let size = 0;
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      size += chunk.byteLength;
    }
    await file.sync();
    return size;
  } finally {
    await file.close();
  }
}

/** A rename is safe only once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
