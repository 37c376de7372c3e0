/** When an open loop sends: fixed before the first call, whatever the system answers. */

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

/** Numbers from 0 to below 1 that look random and repeat with the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
