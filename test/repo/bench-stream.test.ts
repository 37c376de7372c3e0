/** What the bench says of readers of the live stream. */
import { expect, test } from 'vitest';
import { tallyOf } from '../../bench/stream/arrivals.js';
import type { ReaderLog } from '../../bench/stream/arrivals.js';

const log = [1, 2, 4, 5].map((position) => ({ position, recordedAt: position * 10_000 }));
const reader = (positions: readonly number[], over: Partial<ReaderLog> = {}): ReaderLog => ({
  from: 0,
  gaps: [],
  arrivals: positions.map((position) => ({ position, at: position * 10_000 + 30 })),
  ...over,
});
const counts = (...readers: ReaderLog[]) => {
  const { latency, ...rest } = tallyOf(log, readers);
  return { ...rest, measured: latency.count };
};
const clean = { told: 4, caughtUp: 0, missed: 0, doubled: 0, strange: 0, measured: 4 };

test('everything once, in order', () => {
  expect(counts(reader([1, 2, 4, 5]))).toEqual(clean);
  expect(tallyOf(log, [reader([1, 2, 4, 5])]).latency.summary()).toMatchObject({ count: 4, max: 30 });
});

test('one that never came is missed, by each reader that lacks it', () => {
  expect(counts(reader([1, 2, 5]), reader([1, 2, 5]))).toEqual({ ...clean, told: 6, missed: 2, measured: 6 });
});

test('nobody misses what was there before he came', () => {
  expect(counts(reader([4, 5], { from: 2 }))).toEqual({ ...clean, told: 2, measured: 2 });
});

test('one that comes twice, or behind a later one, is told of', () => {
  expect(counts(reader([1, 2, 2, 4, 5]))).toMatchObject({ doubled: 1, missed: 0 });
  expect(counts(reader([1, 4, 2, 5]))).toMatchObject({ doubled: 1, missed: 0 });
  expect(counts(reader([2, 4, 5], { from: 2 }))).toMatchObject({ doubled: 1 });
});

test('one that nobody recorded is strange', () => {
  expect(counts(reader([1, 2, 3, 4, 5]))).toMatchObject({ strange: 1, missed: 0, doubled: 0 });
});

test('what a reader got on coming back is not late, and not missed', () => {
  const gaps = [{ lostAt: 35_000, backAt: 45_000 }];
  const arrivals = [
    { position: 1, at: 10_030 },
    { position: 2, at: 20_030 },
    { position: 4, at: 45_010 },
    { position: 5, at: 50_030 },
  ];
  expect(counts({ from: 0, gaps, arrivals })).toEqual({ ...clean, caughtUp: 1, measured: 3 });
  expect(tallyOf(log, [{ from: 0, gaps, arrivals }]).latency.summary().max).toBe(30);
});
