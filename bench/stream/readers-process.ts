/** Reads live streams by the thousand, in a process of its own, so that what it costs is told apart from what it measures. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tallyOf } from './arrivals.js';
import { Reader } from './reader.js';
import { ReadersMessage } from './readers-job.js';
import type { ReadersReply, ReadersReport } from './readers-job.js';

/** Connections opened at once, so that the opening is not a storm. */
const atOnce = 20;

const readers: Reader[] = [];
const cpuBefore = process.cpuUsage();

async function open(url: string, keys: readonly string[], each: number): Promise<void> {
  const all = keys.flatMap((key) => Array.from({ length: each }, () => new Reader({ url, key })));
  readers.push(...all);
  const next = all.values();
  const opener = async (): Promise<void> => {
    for (const reader of next) await reader.open();
  };
  await Promise.all(Array.from({ length: atOnce }, opener));
}

async function until(position: number, limitMs: number): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end && readers.some((reader) => reader.position < position);) await sleep(100);
}

function compare(log: Parameters<typeof tallyOf>[0]): ReadersReport {
  const away = readers.filter((reader) => !reader.isThere).length;
  for (const reader of readers) reader.close();
  const logs = readers.map((reader) => reader.log());
  const { latency, ...counts } = tallyOf(log, logs);
  const problems: Record<string, number> = {};
  for (const problem of readers.flatMap((reader) => reader.problems)) problems[problem] = (problems[problem] ?? 0) + 1;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cut = logs.reduce((sum, { gaps }) => sum + gaps.length, 0);
  return { readers: readers.length, ...counts, away, cut, latency: latency.data(), problems, cpuSeconds: (user + system) / 1_000_000 };
}

async function answer(message: ReadersMessage): Promise<ReadersReply> {
  switch (message.kind) {
    case 'open':
      await open(message.url, message.keys, message.each);
      return { kind: 'done' };
    case 'drop':
      for (let index = 0; index < readers.length; index += message.every) readers[index]?.drop();
      return { kind: 'done' };
    case 'wait':
      await until(message.position, message.limitMs);
      return { kind: 'done' };
    case 'compare':
      return { kind: 'report', report: compare(message.log) };
  }
}

const reply = (text: ReadersReply): void => void process.send?.(text);
process.on('message', (message) => {
  answer(ReadersMessage.parse(message)).then(reply, (error: unknown) =>
    reply({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole group; the parent ends this one
process.on('disconnect', () => process.exit()); // nobody waits for a report any more
