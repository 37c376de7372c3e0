/** What a ticket held in the worker's memory costs: G12. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.js';
import { residentKb } from './processes.js';
import { countedRound } from './rounds.js';

export interface Memory {
  /** Open tickets by which the memory grew. */
  held: number;
  idleMb: number;
  holdingMb: number;
  /** Growth of resident memory for each. */
  kbPerTicket: number;
}

const stepMs = 500;
const calmSteps = 8;
const calmKb = 1_024;
const limitSteps = 60;

/**
 * Starts the worker afresh, brings its heap to size with lives that end, then opens tickets and leaves them open.
 *
 * @returns nothing where the worker is not ours to start, or the kernel does not say
 */
export async function measureMemory(bench: Bench): Promise<Memory | undefined> {
  const { target, plan, say } = bench;
  if (target.stack === undefined) return undefined;
  await target.stack.worker.restart();
  await target.stack.untilReady();
  await countedRound(bench, { name: 'lives, to bring the heap to size', work: 'life' }, Math.max(20, Math.round(plan.held / 2)), 8);
  await countedRound(bench, { name: 'first open tickets', work: 'create' }, Math.max(10, Math.round(plan.held / 10)), 8);
  const idle = await settled(bench);
  const { ok } = await countedRound(bench, { name: `${plan.held} open tickets, held`, work: 'create' }, plan.held, 8);
  const holding = await settled(bench);
  if (idle === undefined || holding === undefined || ok === 0) return undefined;
  const kbPerTicket = (holding - idle) / ok;
  say(`memory: ${kbPerTicket.toFixed(0)} kB for each of ${ok} open tickets`);
  return { held: ok, idleMb: idle / 1_024, holdingMb: holding / 1_024, kbPerTicket };
}

/** Waits until the collector has been and resident memory stays where it is. */
async function settled({ target }: Bench): Promise<number | undefined> {
  const pid = target.stack?.worker.pid;
  if (pid === undefined) return undefined;
  let last = residentKb(pid);
  for (let calm = 0, step = 0; calm < calmSteps && step < limitSteps; step += 1) {
    await sleep(stepMs);
    const now = residentKb(pid);
    if (now === undefined || last === undefined) return undefined;
    calm = Math.abs(now - last) < calmKb ? calm + 1 : 0;
    last = now;
  }
  return last;
}
