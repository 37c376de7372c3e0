/** When an open loop sends: fixed before the first call, whatever the system answers. */
import { seeded } from '../db/sample/draws.js';

export type Arrivals = 'poisson' | 'uniform';

export interface ScheduleOptions {
  /** Calls per second. */
  rate: number;
  seconds: number;
  arrivals: Arrivals;
  /** The same seed gives the same times. */
  seed: number;
}

/** Milliseconds after the start, ascending. */
export function sendTimes({ rate, seconds, arrivals, seed }: ScheduleOptions): number[] {
  if (arrivals === 'uniform') return Array.from({ length: Math.floor(rate * seconds) }, (_, index) => (index * 1_000) / rate);
  const random = seeded(seed);
  const times: number[] = [];
  for (let at = gap(random, rate); at < seconds * 1_000; at += gap(random, rate)) times.push(at);
  return times;
}

/** Between two calls of many independent callers. */
const gap = (random: () => number, rate: number): number => (-Math.log(1 - random()) * 1_000) / rate;
