/** A circuit breaker that counts failures only when they took long. */
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../worker/breaker.js';

class Hung extends Error {}
class Refused extends Error {}

const nothing = (): void => undefined;

function stage() {
  let now = 0;
  const run = createBreaker({ slowMs: 1_000, failures: 3, pauseMs: 2_000, now: () => now, refusal: () => new Refused('not made') });
  let made = 0;
  const call = (ms: number, fails: boolean) => async (): Promise<string> => {
    made += 1;
    await Promise.resolve();
    now += ms;
    if (fails) throw new Hung('no answer');
    return 'done';
  };
  const outcome = async (ms: number, fails: boolean): Promise<string> => {
    try {
      return await run(call(ms, fails));
    } catch (error) {
      return error instanceof Refused ? 'refused' : 'failed';
    }
  };
  return { outcome, run, made: () => made, pass: (ms: number) => (now += ms) };
}

describe('calls that hang', () => {
  test('are made until several in a row took long to fail, then refused, then one is let through', async () => {
    const { outcome, made, pass } = stage();
    for (let n = 0; n < 3; n += 1) expect(await outcome(1_500, true)).toBe('failed');
    expect(await outcome(0, false)).toBe('refused');
    expect(made()).toBe(3);
    pass(2_000);
    expect(await outcome(1_500, true), 'the one that looks').toBe('failed');
    expect(await outcome(0, false), 'still hangs').toBe('refused');
    pass(2_000);
    expect(await outcome(10, false)).toBe('done');
    expect(await outcome(10, false), 'and all others').toBe('done');
  });

  test('while one looks, the others do not wait for it', async () => {
    const { outcome, run, pass } = stage();
    for (let n = 0; n < 3; n += 1) await outcome(1_500, true);
    pass(2_000);
    let answer = nothing;
    const looking = run(() => new Promise<void>((resolve) => (answer = resolve)));
    expect(await outcome(0, false)).toBe('refused');
    answer();
    await looking;
    expect(await outcome(0, false)).toBe('done');
  });
});

test('what fails at once, or works now and then, is always tried', async () => {
  const { outcome } = stage();
  for (let n = 0; n < 10; n += 1) expect(await outcome(20, true)).toBe('failed');
  for (let n = 0; n < 10; n += 1) {
    expect(await outcome(1_500, true)).toBe('failed');
    expect(await outcome(1_500, true)).toBe('failed');
    expect(await outcome(20, false)).toBe('done');
  }
});
