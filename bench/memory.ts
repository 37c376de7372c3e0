/** What a ticket held in the worker's memory costs: G12. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.js';
import { openDesk } from './desk.js';
import { startLoad } from './load.js';
import { residentKb } from './processes.js';
import { countedRound } from './rounds.js';
import { openOwn } from './target.js';

export interface Memory {
  /** Open tickets by which the memory grew. */
  held: number;
  /** What the worker's heaps hold, garbage apart, for each of them. */
  heapKb: number;
  /** Growth of resident memory for each. Free places are filled first: with few tickets it is too small. */
  residentKb: number;
  /** With the first tickets, and with all. */
  residentMb: [number, number];
}

interface Reading {
  heapKb: number;
  residentKb: number;
}

const stepMs = 500;
const calmSteps = 10;
const calmKb = 512;
const limitSteps = 80;

/**
 * Opens tickets and leaves them open, on a second system whose processes collect their garbage all the time: without that, memory says when
 * the collector came by last. Lives that end come first, and as many open tickets as are counted then, for the code, the buffers and the arenas
 * of memory that every worker has after a while.
 *
 * @returns nothing where the system is not ours, or the kernel does not say
 */
export async function measureMemory({ target: { stack }, plan, engine, signal, say }: Bench): Promise<Memory | undefined> {
  if (stack === undefined) return undefined;
  say('a second system, to measure memory');
  const notes = await mkdtemp(join(tmpdir(), 'usher-bench-notes-'));
  const collect = new URL('./collect.mjs', import.meta.url);
  collect.searchParams.set('into', notes);
  try {
    await using target = await openOwn({ engine, signal, log: () => undefined, env: { NODE_OPTIONS: `--import ${collect.href}` } });
    const desk = await openDesk(target.db);
    const { apiUrl, temporalAddress, namespace } = target.info;
    await using load = await startLoad({ ...desk, apiUrl, temporalAddress, namespace }, signal);
    return await grow({ target, desk, load, plan, engine, signal, say }, notes);
  } finally {
    await rm(notes, { recursive: true, force: true });
  }
}

async function grow(bench: Bench, notes: string): Promise<Memory | undefined> {
  const { held } = bench.plan;
  await countedRound(bench, { name: 'lives, first', work: 'life' }, 40, 8);
  await countedRound(bench, { name: 'open tickets, first', work: 'create' }, held, 8);
  const before = await settled(bench, notes);
  const { ok } = await countedRound(bench, { name: `${held} open tickets more`, work: 'create' }, held, 8);
  const after = await settled(bench, notes);
  if (before === undefined || after === undefined || ok === 0) return undefined;
  const memory: Memory = {
    held: ok,
    heapKb: (after.heapKb - before.heapKb) / ok,
    residentKb: (after.residentKb - before.residentKb) / ok,
    residentMb: [before.residentKb / 1_024, after.residentKb / 1_024],
  };
  bench.say(`memory: ${memory.heapKb.toFixed(0)} kB of heap for each of ${ok} open tickets`);
  return memory;
}

/** Waits until both stay where they are. */
async function settled({ target }: Bench, notes: string): Promise<Reading | undefined> {
  const pid = target.stack?.worker.pid;
  if (pid === undefined) return undefined;
  let last = await readingOf(pid, notes);
  for (let calm = 0, step = 0; calm < calmSteps && step < limitSteps; step += 1) {
    await sleep(stepMs);
    const now = await readingOf(pid, notes);
    if (now === undefined || last === undefined) return undefined;
    const moved = Math.max(Math.abs(now.heapKb - last.heapKb), Math.abs(now.residentKb - last.residentKb));
    calm = moved < calmKb ? calm + 1 : 0;
    last = now;
  }
  return last;
}

async function readingOf(pid: number, notes: string): Promise<Reading | undefined> {
  const resident = residentKb(pid);
  const threads = (await readdir(notes)).filter((name) => name.startsWith(`${pid}-`));
  if (resident === undefined || threads.length === 0) return undefined;
  const bytes = await Promise.all(threads.map(async (name) => Number(await readFile(join(notes, name), 'utf8'))));
  return { residentKb: resident, heapKb: bytes.reduce((sum, one) => sum + one, 0) / 1_024 };
}
