import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Log } from './log.js';

const largest = 10 * 1024 * 1024;

/** One file of output for each part; a large one from earlier runs is set aside as `.old`. */
export interface PartLogs {
  folder: string;
  of(part: string): Log;
  close(): Promise<void>;
}

export function openPartLogs(folder: string): PartLogs {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const streams = new Map<string, WriteStream>();
  const open = (part: string): WriteStream => {
    const file = join(folder, `${part}.log`);
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > largest) renameSync(file, `${file}.old`);
    const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
    stream.on('error', () => undefined); // a full disk must not end the stack
    streams.set(part, stream);
    return stream;
  };
  return {
    folder,
    of: (part) => (line) => void (streams.get(part) ?? open(part)).write(`${line}\n`),
    async close() {
      await Promise.all([...streams.values()].map((stream) => new Promise((resolve) => stream.end(resolve))));
    },
  };
}
