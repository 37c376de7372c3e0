import { describe, expect, test } from 'vitest';
import { Histogram } from '../../bench/histogram.js';
import { seeded } from '../../db/sample/draws.js';

const filled = (values: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
};

/** The value that `share` of all are not above, by sorting. */
const exactly = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? 0;

const random = seeded(7);
/** From a tenth of a millisecond to minutes, as many small as large. */
const spread = Array.from({ length: 20_000 }, () => 10 ** (random() * 6 - 1));

describe('percentiles', () => {
  test.each([0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1])('of %d is never too good, and at most 0.8 %% too bad', (share) => {
    const is = filled(spread).percentile(share);
    const wanted = exactly(spread, share);
    expect(is).toBeGreaterThanOrEqual(wanted - 0.0005); // microseconds are rounded
    expect(is).toBeLessThanOrEqual(wanted * 1.008 + 0.001);
  });

  test('small values are kept to the microsecond', () => {
    expect(filled([0.001, 0.002, 0.255]).percentile(0.5)).toBe(0.002);
  });

  test('the largest is exact', () => {
    expect(filled([1, 2, 12_345.678]).summary()).toMatchObject({ count: 3, max: 12_345.678, p99: 12_345.678 });
  });

  test('of nothing is nothing', () => {
    expect(new Histogram().summary()).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });

  test('one slow call in a hundred shows at p99 only when it is more than one', () => {
    const fast = Array.from({ length: 99 }, () => 10);
    expect(filled([...fast, 1_000]).percentile(0.99)).toBeLessThan(11);
    expect(filled([...fast.slice(1), 1_000, 1_000]).percentile(0.99)).toBe(1_000);
  });
});

test('two halves add up to the whole', () => {
  const half = filled(spread.slice(0, 10_000));
  half.merge(filled(spread.slice(10_000)));
  const { mean, ...rest } = half.summary();
  const whole = filled(spread).summary();
  expect({ ...rest, mean: whole.mean }).toEqual(whole);
  expect(mean).toBeCloseTo(whole.mean, 6);
});

test('it survives the way between two processes', () => {
  const histogram = filled(spread);
  expect(Histogram.from(structuredClone(histogram.data())).summary()).toEqual(histogram.summary());
});
