import { describe, expect, test } from 'vitest';
import type { Clock } from '../../bench/generator.js';
import { closedLoop, openLoop } from '../../bench/generator.js';
import { sendTimes } from '../../bench/schedule.js';

/** Time that moves only while somebody waits for it. */
class ScriptedClock implements Clock {
  time = 0;
  readonly #waiting: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.time;
  }

  sleep(ms: number): Promise<void> {
    const at = this.time + ms;
    return new Promise((wake) => this.#waiting.push({ at, wake }));
  }

  /** Moves on until `work` is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { over: false };
    const ended = work.finally(() => {
      state.over = true;
    });
    while (!state.over) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#waiting.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) continue;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
    return ended;
  }
}

describe('send times', () => {
  test('uniform ones are evenly spaced from the start', () => {
    expect(sendTimes({ rate: 4, seconds: 1, arrivals: 'uniform', seed: 1 })).toEqual([0, 250, 500, 750]);
  });

  test('random ones repeat with their seed and only with it', () => {
    const one = { rate: 50, seconds: 2, arrivals: 'poisson', seed: 1 } as const;
    expect(sendTimes(one)).toEqual(sendTimes(one));
    expect(sendTimes(one)).not.toEqual(sendTimes({ ...one, seed: 2 }));
  });

  test('random ones come as often as asked for, in order and in time, now close and now far apart', () => {
    const times = sendTimes({ rate: 100, seconds: 100, arrivals: 'poisson', seed: 3 });
    expect(times.length).toBeGreaterThan(9_700);
    expect(times.length).toBeLessThan(10_300);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(100_000);
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    const variance = gaps.reduce((sum, gap) => sum + (gap - 10) ** 2, 0) / gaps.length;
    expect(Math.sqrt(variance)).toBeGreaterThan(9); // of an exponential distribution the deviation equals the mean
    expect(Math.sqrt(variance)).toBeLessThan(11);
  });
});

describe('the open loop', () => {
  const times = sendTimes({ rate: 10, seconds: 1, arrivals: 'uniform', seed: 1 });

  test('sends on time however slow the answers are', async () => {
    const clock = new ScriptedClock();
    const sent: number[] = [];
    const work = async (): Promise<boolean> => {
      sent.push(clock.now());
      await clock.sleep(5_000);
      return true;
    };
    const result = await clock.until(openLoop(times, work, clock));
    expect(sent).toEqual(times);
    expect(result).toMatchObject({ sent: 10, ok: 10, seconds: 5.9 });
    expect(result.late.summary().max).toBe(0);
  });

  test('a generator that is held up counts the delay as latency', async () => {
    const clock = new ScriptedClock();
    const latencies: number[] = [];
    const work = (index: number, intendedAt: number): Promise<boolean> => {
      if (index === 2) clock.time += 400; // everything stands still: nobody can send meanwhile
      latencies.push(clock.now() - intendedAt);
      return Promise.resolve(true);
    };
    const { late } = await clock.until(openLoop(times, work, clock));
    expect(latencies).toEqual([0, 0, 400, 300, 200, 100, 0, 0, 0, 0]);
    expect(late.summary().max).toBe(300);
  });

  test('what fails is sent, but not counted as done', async () => {
    const clock = new ScriptedClock();
    const result = await clock.until(openLoop(times, (index) => Promise.resolve(index % 2 === 0), clock));
    expect(result).toMatchObject({ sent: 10, ok: 5 });
  });
});

/** Work of 100 ms, and how much of it goes on at once. */
const slow = (clock: ScriptedClock) => {
  const state = { now: 0, most: 0 };
  const work = async (): Promise<boolean> => {
    state.now += 1;
    state.most = Math.max(state.most, state.now);
    await clock.sleep(100);
    state.now -= 1;
    return true;
  };
  return { state, work };
};

describe('the closed loop', () => {
  test('keeps as many callers busy as asked, for the time asked', async () => {
    const clock = new ScriptedClock();
    const { state, work } = slow(clock);
    const result = await clock.until(closedLoop({ concurrency: 4, seconds: 1, atMost: 1_000 }, work, clock));
    expect(state.most).toBe(4);
    expect(result).toMatchObject({ sent: 40, ok: 40, seconds: 1 });
  });

  test('ends with the last operation that was wanted', async () => {
    const clock = new ScriptedClock();
    const result = await clock.until(closedLoop({ concurrency: 4, seconds: 60, atMost: 10 }, slow(clock).work, clock));
    expect(result).toMatchObject({ sent: 10, ok: 10 });
  });
});
