import { setTimeout as pause } from 'node:timers/promises';
import { Histogram } from './histogram.js';

/** One operation; resolves to whether it did what it should, and never rejects. */
export type Work = (index: number, intendedAt: number) => Promise<boolean>;

export interface LoopResult {
  sent: number;
  ok: number;
  /** From the start to the last answer. */
  seconds: number;
  /** How late the generator itself sent: part of every latency. */
  late: Histogram;
}

/** Milliseconds that only move forward, and how to wait for some of them. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

const realClock: Clock = { now: () => performance.now(), sleep: (ms) => pause(Math.ceil(ms)) };

/**
 * Sends at the given times, whatever the answers do. A slow system does not slow the load down: work that counts from `intendedAt` sees
 * what callers would have seen.
 *
 * @param times milliseconds after the start, ascending
 */
export async function openLoop(times: readonly number[], work: Work, clock: Clock = realClock): Promise<LoopResult> {
  const start = clock.now();
  const late = new Histogram();
  const running: Promise<boolean>[] = [];
  for (const [index, offset] of times.entries()) {
    const intendedAt = start + offset;
    for (let wait = intendedAt - clock.now(); wait > 0; wait = intendedAt - clock.now()) await clock.sleep(wait);
    late.add(clock.now() - intendedAt);
    running.push(work(index, intendedAt));
  }
  const answers = await Promise.all(running);
  return { sent: times.length, ok: answers.filter(Boolean).length, seconds: (clock.now() - start) / 1_000, late };
}

export interface ClosedLoopOptions {
  /** Callers, each with one operation at a time. */
  concurrency: number;
  seconds: number;
  /** Ends earlier after this many. */
  atMost: number;
}

/** Sends as fast as answers come: for ceilings, never for latencies. */
export async function closedLoop(options: ClosedLoopOptions, work: Work, clock: Clock = realClock): Promise<LoopResult> {
  const { concurrency, seconds, atMost } = options;
  const start = clock.now();
  let sent = 0;
  let ok = 0;
  const caller = async (): Promise<void> => {
    while (sent < atMost && clock.now() - start < seconds * 1_000) {
      sent += 1;
      if (await work(sent - 1, clock.now())) ok += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return { sent, ok, seconds: (clock.now() - start) / 1_000, late: new Histogram() };
}
