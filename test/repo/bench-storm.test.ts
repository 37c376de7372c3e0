import { describe, expect, test } from 'vitest';
import { ArgumentError, parseBenchArguments } from '../../bench/arguments.js';
import { latenessByPhase, scanEveryMs, scanLateness } from '../../bench/engines/scanner-lateness.js';
import { verdictLines } from '../../bench/report.js';
import { dealt, deadlinesOf, partOf, perSecond } from '../../bench/storm/parts.js';
import { drainOf, latenessOf, summaryOf, tallyOf } from '../../bench/storm/tally.js';
import type { Struck } from '../../bench/storm/tally.js';

const noon = Date.UTC(2026, 6, 20, 12);

describe('a scanner', () => {
  const scanner = { firstAt: noon, everyMs: 300_000, takesMs: 40 };

  test('looks every five minutes', () => expect(scanEveryMs).toBe(5 * 60 * 1_000));

  test.each([
    ['at the instant of a look, what it takes', 0, 40],
    ['a second after one, almost a period', 1_000, 299_040],
    ['a second before the next', 299_000, 1_040],
    ['periods later, the same', 4 * 300_000 + 120_000, 180_040],
    ['before the first look, until that one', -50_000, 50_040],
    ['more than a period before it, too: nobody looked', -700_000, 700_040],
  ])('what falls due %s', (_, after, late) => expect(scanLateness([noon + after], scanner)).toEqual([late]));

  test('is as late for each of several as for it alone', () => {
    const due = [noon + 1_000, noon + 10_000, noon + 300_000];
    expect(scanLateness(due, scanner)).toEqual(due.flatMap((one) => scanLateness([one], scanner)));
  });

  test('begun at any moment is late by anything up to a period, whatever the deadlines are', () => {
    for (const due of [[noon], deadlinesOf({ tickets: 1_000, spreadS: 60 }, noon)]) {
      const phases = latenessByPhase(due, { everyMs: 300_000, takesMs: 0 });
      expect(phases).toHaveLength(300);
      const { count, p50, p95, p99, max } = summaryOf(phases.flat());
      expect(count).toBe(300 * due.length);
      expect(max).toBe(299_000);
      for (const [is, wanted] of [
        [p50, 150_000],
        [p95, 285_000],
        [p99, 297_000],
      ] as const) {
        expect(is).toBeGreaterThanOrEqual(wanted - 1_000);
        expect(is).toBeLessThanOrEqual((wanted + 1_000) * 1.008);
      }
    }
  });

  test('begun at the luckiest moment looks right after the last deadline, at the unluckiest just before one', () => {
    const due = deadlinesOf({ tickets: 60, spreadS: 60 }, noon); // the last 59 s after the first
    const largest = latenessByPhase(due, { everyMs: 300_000, takesMs: 5 }).map((lateness) => Math.max(...lateness));
    expect(Math.min(...largest)).toBe(59_005);
    expect(Math.max(...largest)).toBe(299_005);
  });
});

describe('the deadlines', () => {
  test('are whole seconds, spread evenly from the first', () => {
    const due = deadlinesOf({ tickets: 1_000, spreadS: 60 }, noon);
    expect(due).toHaveLength(1_000);
    expect(due.every((at) => at % 1_000 === 0)).toBe(true);
    expect([Math.min(...due), Math.max(...due)]).toEqual([noon, noon + 59_000]);
    expect(perSecond(due)).toEqual([16, 17]);
  });

  test('at one instant are one', () => expect(new Set(deadlinesOf({ tickets: 1_000, spreadS: 0 }, noon))).toEqual(new Set([noon])));

  test('a second without any is counted', () => expect(perSecond([noon, noon, noon + 2_000])).toEqual([0, 2]));

  test('are dealt at random, the same for the same seed, and none is lost', () => {
    const all = Array.from({ length: 200 }, (_, index) => index);
    expect(dealt(all, 1)).toEqual(dealt(all, 1));
    expect(dealt(all, 1)).not.toEqual(dealt(all, 2));
    expect(dealt(all, 1)).not.toEqual(all);
    expect(dealt(all, 1).toSorted((a, b) => a - b)).toEqual(all);
  });

  test('of a quick run are a tenth as many in a third of the time', () => {
    expect(partOf('spread-1000', true)).toMatchObject({ tickets: 100, spreadS: 20 });
    expect(partOf('instant-1000', true)).toMatchObject({ tickets: 100, spreadS: 0 });
    expect(partOf('spread-5000', false)).toMatchObject({ tickets: 5_000, spreadS: 60 });
  });
});

/** A deadline that was kept as it should be, a little late. */
const struck: Struck = {
  dueAt: noon,
  keptDueAt: noon,
  breachedAt: noon,
  recordedAt: noon + 80,
  firedAt: noon + 30,
  sentAt: noon + 400,
  breaches: 1,
  rungs: 1,
  notices: 1,
  mails: 1,
};

describe('the tally', () => {
  test('of what went well has nothing against it', () =>
    expect(tallyOf([struck, struck])).toEqual({
      tickets: 2,
      lost: 0,
      doubled: 0,
      misplaced: 0,
      breaches: 2,
      rungs: 2,
      notices: 2,
      mails: 2,
    }));

  test.each(['breaches', 'rungs', 'notices', 'mails'] as const)('misses %s, and sees a second one', (fact) => {
    expect(tallyOf([struck, { ...struck, [fact]: 0 }])).toMatchObject({ lost: 1, doubled: 0, [fact]: 1 });
    expect(tallyOf([struck, { ...struck, [fact]: 2 }])).toMatchObject({ lost: 0, doubled: 1, [fact]: 3 });
  });

  test('one lost and one doubled do not make up for each other', () =>
    expect(
      tallyOf([
        { ...struck, mails: 0 },
        { ...struck, mails: 2 },
      ]),
    ).toMatchObject({ lost: 1, doubled: 1, mails: 2 }));

  test('planned is not sent', () => expect(tallyOf([{ ...struck, sentAt: null }])).toMatchObject({ lost: 1 }));

  test.each([
    ['a clock with another deadline', { keptDueAt: noon + 1_000 }],
    ['a ticket without its clock', { keptDueAt: null }],
    ['a breach at another instant', { breachedAt: noon + 1 }],
  ])('%s is misplaced', (_, change) => expect(tallyOf([{ ...struck, ...change }])).toMatchObject({ misplaced: 1 }));

  test('lateness counts from each deadline, and leaves out what never came', () => {
    const later = { ...struck, dueAt: noon + 10_000, firedAt: noon + 10_100, recordedAt: noon + 10_200, sentAt: null };
    const { fired, recorded, sent } = latenessOf([struck, later]);
    expect([fired.max, recorded.max, sent.max]).toEqual([100, 200, 400]);
    expect([fired.count, recorded.count, sent.count]).toEqual([2, 2, 1]);
  });

  test('the storm is over with the last record and the last notice, counted from the last deadline', () => {
    const early = { ...struck, dueAt: noon - 60_000 };
    expect(drainOf([early, struck, { ...early, sentAt: noon + 5_000 }])).toEqual({ recordedMs: 80, sentMs: 5_000 });
  });
});

describe('the command line of w4', () => {
  test('alone has all parts, and two creates a second beside them', () => {
    expect(parseBenchArguments(['w4']).plan).toMatchObject({ rates: [2], parts: ['spread-1000', 'instant-1000', 'spread-5000'] });
  });

  test('quick leaves out the largest, unless it is asked for', () => {
    expect(parseBenchArguments(['w4', '--quick']).plan.parts).toEqual(['spread-1000', 'instant-1000']);
    expect(parseBenchArguments(['w4', '--quick', '--part', 'spread-5000']).plan.parts).toEqual(['spread-5000']);
  });

  test('parts, and settings of the system under test, can be chosen', () => {
    const { plan, settings } = parseBenchArguments([
      'w4',
      '--part',
      'instant-1000,spread-1000',
      '--set',
      'OUTBOUND_RATE=200',
      '--set',
      'WORKER_CACHE=7000',
    ]);
    expect(plan.parts).toEqual(['instant-1000', 'spread-1000']);
    expect(settings).toEqual({ OUTBOUND_RATE: '200', WORKER_CACHE: '7000', WORKER_THREADS: '6', STICKY_TIMEOUT_MS: '60000' });
  });

  test.each([
    ['an unknown part', ['w4', '--part', 'spread-10']],
    ['parts of another workload', ['w1', '--part', 'spread-1000']],
    ['several rates', ['w4', '--rate', '1,2']],
    ['a system of somebody else', ['w4', '--attach']],
    ['rounds that have a length of their own', ['w4', '--seconds', '5']],
    ['a setting that is none', ['w4', '--set', 'SPEED=11']],
    ['a setting without a value', ['w4', '--set', 'OUTBOUND_RATE']],
    ['settings for a system that runs already', ['w1', '--attach', '--set', 'WORKER_CACHE=10']],
  ])('%s is refused', (_, args) => expect(() => parseBenchArguments(args)).toThrow(ArgumentError));
});

test('a limit from below is told from one from above', () => {
  expect(
    verdictLines([
      { what: 'ratio', counted: 90, limit: 100, atLeast: true, ok: false },
      { what: 'events', counted: 81, limit: 80, ok: false },
      { what: 'tasks', counted: 9, limit: 11, ok: true },
    ]),
  ).toEqual(['UNDER  ratio: 90 of at least 100', 'OVER   events: 81 of at most 80', 'ok     tasks: 9 of at most 11']);
});
