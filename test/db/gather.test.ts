/** Work asked for one by one and done together. */
import { expect, test } from 'vitest';
import { gathering } from '../../db/gather.js';
import { asTenantId } from '../../domain/ids.js';

const one = asTenantId('018f3b1e-0000-7000-8000-000000000001');
const two = asTenantId('018f3b1e-0000-7000-8000-000000000002');

const turn = (): Promise<void> => new Promise(setImmediate);

test('those of one moment share a call, and each gets its own answer', async () => {
  const calls: (readonly number[])[] = [];
  const double = gathering((_tenant, items: readonly number[]) => {
    calls.push(items);
    return Promise.resolve(items.map((item) => item * 2));
  }, 10);
  expect(await Promise.all([1, 2, 3].map((item) => double(one, item)))).toEqual([2, 4, 6]);
  expect(calls).toEqual([[1, 2, 3]]);
  expect(await double(one, 4)).toBe(8);
  expect(calls).toEqual([[1, 2, 3], [4]]);
});

test('while one call runs, who comes waits for the next, which takes them all; tenants do not wait for each other', async () => {
  const calls: [string, number][] = [];
  const ends: (() => void)[] = [];
  const run = gathering(async (tenant, items: readonly string[]) => {
    calls.push([tenant, items.length]);
    await new Promise<void>((resolve) => ends.push(resolve));
    return items;
  }, 2);
  const first = run(one, 'a');
  await turn();
  const later = ['b', 'c', 'd'].map((item) => run(one, item));
  const other = run(two, 'e');
  await turn();
  expect(calls).toEqual([
    [one, 1],
    [two, 1],
  ]);
  const callsOnceEnded = (): number => {
    for (const end of ends.splice(0)) end();
    return calls.length;
  };
  await expect.poll(callsOnceEnded).toBe(4);
  callsOnceEnded();
  expect(await Promise.all([first, other, ...later])).toEqual(['a', 'e', 'b', 'c', 'd']);
  expect(calls.slice(2), 'no more than two at once').toEqual([
    [one, 2],
    [one, 1],
  ]);
});

test('one that fails does not fail the others: each is tried by itself', async () => {
  const calls: number[] = [];
  const run = gathering((_tenant, items: readonly number[]) => {
    calls.push(items.length);
    return items.includes(13) ? Promise.reject(new Error('unlucky')) : Promise.resolve(items);
  }, 10);
  const results = await Promise.allSettled([1, 13, 2].map((item) => run(one, item)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(calls).toEqual([3, 1, 1, 1]);
});
