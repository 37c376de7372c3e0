/** G1: creates by the API against plain starts of the same workflow on the same server, in turns. Source: performance.md, section 5. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ticketWorkflowId } from '../workflows/ticket/start.js';
import { asTicketId } from '../domain/ids.js';
import type { Bench } from './bench.js';
import type { Round } from './rounds.js';
import { closedRound } from './rounds.js';
import { median, sampleOf } from './samples.js';

export interface Comparison {
  rounds: Round[];
  creates: Spread;
  starts: Spread;
  /** Creates by starts, pair by pair. */
  ratio: Spread;
  /** Creates by starts whose first task has been done, pair by pair: plain starts leave that work behind. */
  ratioDrained: Spread;
}

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

const concurrency = 8;
const drainLimitMs = 120_000;
/** Started, task scheduled, task started, task completed: with these the first task is over. */
const eventsAfterFirstTask = 4;

export async function compareWithStarts(bench: Bench): Promise<Comparison> {
  const pairs: { create: Round; start: Round; drained: number }[] = [];
  for (let pair = 1; pair <= bench.plan.pairs; pair += 1) {
    const create = await closedRound(
      bench,
      { name: `create, c = ${concurrency}, ${pair} of ${bench.plan.pairs}`, work: 'create' },
      concurrency,
    );
    const start = await closedRound(
      bench,
      { name: `plain start, c = ${concurrency}, ${pair} of ${bench.plan.pairs}`, work: 'start' },
      concurrency,
    );
    const drainSeconds = await drain(bench, start);
    pairs.push({ create, start, drained: start.ok / (start.seconds + drainSeconds) });
  }
  return {
    rounds: pairs.flatMap(({ create, start }) => [create, start]),
    creates: spreadOf(pairs.map(({ create }) => create.reached)),
    starts: spreadOf(pairs.map(({ start }) => start.reached)),
    ratio: spreadOf(pairs.map(({ create, start }) => create.reached / start.reached)),
    ratioDrained: spreadOf(pairs.map(({ create, drained }) => create.reached / drained)),
  };
}

/** Waits until the worker has done the first task of what was started, so that nothing spills into the next round. */
async function drain({ target }: Bench, { tickets }: Round): Promise<number> {
  const began = performance.now();
  let waiting = [...sampleOf(tickets, 20), ...tickets.slice(-20)];
  while (waiting.length > 0) {
    const lengths = await Promise.all(waiting.map((id) => target.client.workflow.getHandle(ticketWorkflowId(asTicketId(id))).describe()));
    waiting = waiting.filter((_, index) => (lengths[index]?.historyLength ?? 0) < eventsAfterFirstTask);
    if (performance.now() - began > drainLimitMs) throw new Error('the worker does not get through what was started');
    if (waiting.length > 0) await sleep(50);
  }
  return (performance.now() - began) / 1_000;
}

/** Ends what only the comparison has started; on a system of somebody else nothing of it may stay. */
export async function endStarts({ target }: Bench, { rounds }: Comparison): Promise<void> {
  for (const { work, tickets } of rounds) {
    if (work !== 'start') continue;
    for (const id of tickets) await target.client.workflow.getHandle(ticketWorkflowId(asTicketId(id))).terminate('end of a measurement');
  }
}
