/**
 * Loaded into the processes of a system whose memory is measured, before their own code and in each of their threads: collects garbage once a
 * second, so that what stays is what is held, and notes how much that is in the folder its address names.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { threadId } from 'node:worker_threads';

const folder = new URL(import.meta.url).searchParams.get('into') ?? '.';
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

function note() {
  collect();
  const { used_heap_size: heap, external_memory: outside } = getHeapStatistics();
  writeFileSync(join(folder, `${process.pid}-${threadId}`), String(heap + outside));
}
setInterval(note, 1_000).unref();
