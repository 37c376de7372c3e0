import { expect, test } from 'vitest';
import { afterAttempt, busyPause, givenUp, holdingAttempts, mostAttempts, slotsOf } from '../../../domain/webhook/schedule.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const type = 'ticket.created';
const failedNow = { kind: 'failed', restMs: null } as const;
const pauseAfter = (failed: number, chance = 0.5, restMs: number | null = null): number | null => {
  const after = afterAttempt({ kind: 'failed', restMs }, { type, failed, chance });
  return after.state === 'pending' ? after.pauseMs : null;
};

// Typed out from api-surfaces.md, section 2.
const pauses = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];

test('ten attempts in 75 hours and 35 minutes', () => {
  expect(pauses.map((_, failed) => pauseAfter(failed))).toEqual(pauses);
  expect(afterAttempt(failedNow, { type, failed: pauses.length, chance: 0.5 })).toEqual({ state: 'failed' });
  expect(mostAttempts).toBe(10);
  expect(pauses.reduce((sum, one) => sum + one, 0)).toBe(75 * hour + 35 * minute + 5 * second);
});

test('each pause is up to a fifth shorter or longer', () => {
  for (const [failed, pause] of pauses.entries()) {
    expect(pauseAfter(failed, 0)).toBe(pause * 0.8);
    expect(pauseAfter(failed, 1)).toBe(pause * 1.2);
  }
});

test('an event keeps others back for its first 35 minutes', () =>
  expect(pauses.slice(0, holdingAttempts - 1).reduce((sum, one) => sum + one, 0)).toBe(35 * minute + 5 * second));

test('a receiver that asks for rest gets it, for a day at most, and never comes sooner by it', () => {
  expect(pauseAfter(0, 0.5, 120 * second)).toBe(120 * second);
  expect(pauseAfter(0, 0.5, 1 * second)).toBe(5 * second);
  expect(pauseAfter(0, 0.5, 40 * day)).toBe(day);
});

test('success and 410 end it at once', () => {
  for (const failed of [0, 5]) {
    expect(afterAttempt({ kind: 'succeeded', restMs: null }, { type, failed, chance: 0 })).toEqual({ state: 'succeeded' });
    expect(afterAttempt({ kind: 'gone', restMs: null }, { type, failed, chance: 0 })).toEqual({ state: 'failed' });
  }
});

test('a test is made once', () =>
  expect(afterAttempt(failedNow, { type: 'webhook.test', failed: 0, chance: 0 })).toEqual({ state: 'failed' }));

test('four attempts at once; one where only failures come back', () => {
  expect([0, 9, 10, 500].map(slotsOf)).toEqual([4, 4, 1, 1]);
});

test('who finds no place free comes back later each time', () => {
  expect([0, 1, 2, 6, 60].map((times) => busyPause(times, 0.5))).toEqual([5, 10, 20, 320, 320].map((one) => one * second));
  expect([busyPause(0, 0), busyPause(0, 1)]).toEqual([4 * second, 6 * second]);
});

const now = 100 * day;
const over = { state: 'failed' } as const;

test.each([
  ['three days without a success, and the last attempt failed', 'failed', over, now - 3 * day, type, 'failing'],
  ['a success two days ago', 'failed', over, now - 2 * day, type, null],
  ['attempts are left', 'failed', { state: 'pending', pauseMs: 1 }, now - 9 * day, type, null],
  ['a success', 'succeeded', { state: 'succeeded' }, now - 9 * day, type, null],
  ['a test says nothing of what arrives', 'failed', over, now - 9 * day, 'webhook.test', null],
  ['410 is word enough', 'gone', over, now, type, 'gone'],
  ['also to a test', 'gone', over, now, 'webhook.test', 'gone'],
] as const)('%s', (_, kind, after, goodSince, of, cause) => expect(givenUp({ kind }, after, of, goodSince, now)).toBe(cause));
