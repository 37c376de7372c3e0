import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers, horizonMs, isOpen, openMs, sameBetween, trimmed, walk } from '../../../domain/sla/windows.js';
import type { Window, Windows } from '../../../domain/sla/windows.js';

const known = (from: number, until: number, windows: readonly Window[], zoneData = '2025c'): Windows => ({
  calendar: { id: 'office', revision: 3 },
  from,
  until,
  windows,
  zoneData,
});

// Open 100–200, 300–400 and 700–800 of the known 0–1000.
const three = known(0, 1000, [
  [100, 200],
  [300, 400],
  [700, 800],
]);
const none = known(0, 1000, []);
const always = known(0, 1000, [[0, 1000]]);

test.each([
  [0, 1000, true],
  [100, 100, true],
  [-1, 10, false],
  [990, 1001, false],
])('they cover %d to %d: %s', (from, until, expected) => {
  expect(covers(three, from, until)).toBe(expected);
});

test.each([
  [-1, null],
  [0, false],
  [99, false],
  [100, true],
  [199, true],
  [200, false],
  [799, true],
  [800, false],
  [999, false],
  [1000, null],
])('open at %d: %s', (at, expected) => {
  expect(isOpen(three, at)).toBe(expected);
});

test.each([
  ['a closed stretch', 200, 300, 0],
  ['within a window', 120, 150, 30],
  ['across windows, cut at both ends', 150, 750, 200],
  ['all that is known', 0, 1000, 300],
  ['an empty stretch', 150, 150, 0],
  ['a reversed one, even beyond what is known', 5000, 150, 0],
  ['before what is known', -1, 150, null],
  ['past what is known', 150, 1001, null],
])('open time of %s', (_, from, to, expected) => {
  expect(openMs(three, from, to)).toBe(expected);
});

describe('walking', () => {
  test.each([
    ['from inside a window', 150, 20, 170],
    ['from before one', 0, 20, 120],
    ['exactly to the close, not to the next opening', 100, 100, 200],
    ['one more than that', 100, 101, 301],
    ['from the close', 200, 1, 301],
    ['over several windows', 150, 250, 800],
    ['further than is known', 150, 251, null],
    ['nothing, while closed', 250, 0, 250],
    ['less than nothing', 250, -5, 250],
    ['nothing, at the end of what is known', 1000, 0, 1000],
    ['nothing, past it', 1001, 0, null],
    ['from before what is known', -1, 10, null],
    ['from past it', 1001, 10, null],
  ])('%s', (_, start, ms, expected) => {
    expect(walk(three, start, ms)).toBe(expected);
  });

  test('without windows leads nowhere', () => {
    expect(walk(none, 0, 1)).toBeNull();
    expect(walk(none, 0, 0)).toBe(0);
  });
});

// R33 read aloud: count the open milliseconds, one after another.
const naiveWalk = ({ from, until, windows }: Windows, start: number, ms: number): number | null => {
  if (start < from || start > until) return null;
  let left = ms;
  for (let at = start; at <= until; at++) {
    if (left === 0) return at;
    if (windows.some(([open, close]) => open <= at && at < close)) left--;
  }
  return null;
};

const someWindows = fc
  .uniqueArray(fc.integer({ min: 0, max: 120 }), { maxLength: 16 })
  .map((bounds) => bounds.toSorted((one, other) => one - other))
  .map((bounds) => known(10, 110, pairs(bounds.filter((bound) => bound >= 10 && bound <= 110))));

const pairs = (bounds: readonly number[]): Window[] =>
  bounds.flatMap((open, index) => {
    const close = bounds[index + 1];
    return index % 2 === 0 && close !== undefined ? [[open, close] satisfies Window] : [];
  });
const anInstant = fc.integer({ min: 0, max: 120 });

test('walking agrees with stepping', () => {
  fc.assert(
    fc.property(someWindows, anInstant, fc.integer({ min: 0, max: 110 }), (windows, start, ms) => {
      expect(walk(windows, start, ms)).toBe(naiveWalk(windows, start, ms));
    }),
    { numRuns: 1000 },
  );
});

test('open time agrees with asking instant by instant', () => {
  fc.assert(
    fc.property(someWindows, anInstant, anInstant, (windows, from, to) => {
      let open: number | null = 0;
      for (let at = from; at < to; at++) {
        const now: boolean | null = isOpen(windows, at);
        open = now === null || open === null ? null : open + Number(now);
      }
      expect(openMs(windows, from, to)).toBe(open);
    }),
    { numRuns: 1000 },
  );
});

test('a walk and the open time along it are inverse', () => {
  fc.assert(
    fc.property(someWindows, anInstant, fc.integer({ min: 0, max: 110 }), (windows, start, ms) => {
      const end = walk(windows, start, ms);
      if (end !== null) expect(openMs(windows, start, end)).toBe(ms);
    }),
  );
});

describe('trimmed', () => {
  test('keeps what ends later, and cuts what is open', () => {
    expect(trimmed(three, 350)).toEqual(
      known(350, 1000, [
        [350, 400],
        [700, 800],
      ]),
    );
    expect(trimmed(three, 400)).toEqual(known(400, 1000, [[700, 800]]));
    expect(trimmed(three, 500)).toEqual(known(500, 1000, [[700, 800]]));
  });

  test('is the same object when there is nothing before', () => {
    expect(trimmed(three, 0)).toBe(three);
    expect(trimmed(three, -50)).toBe(three);
  });

  test('past the end nothing is known', () => {
    expect(trimmed(three, 5000)).toEqual(known(1000, 1000, []));
    expect(trimmed(none, 500)).toEqual(known(500, 1000, []));
  });

  test('leaves the given windows alone', () => {
    const before = structuredClone(three);
    trimmed(three, 350);
    expect(three).toEqual(before);
  });

  test('answers as before from there on', () => {
    fc.assert(
      fc.property(someWindows, anInstant, anInstant, fc.integer({ min: 0, max: 60 }), (windows, from, start, ms) => {
        fc.pre(start >= from);
        expect(walk(trimmed(windows, from), start, ms)).toBe(walk(windows, start, ms));
      }),
    );
  });
});

describe('two expansions', () => {
  const later = known(
    50,
    2000,
    [
      [100, 200],
      [300, 400],
      [750, 800],
      [1500, 1600],
    ],
    '2026a',
  );

  test.each([
    ['agree where they are open alike', three, later, 50, 700, true],
    ['and where the window that differs is cut alike', three, later, 760, 1000, true],
    ['differ by an opening', three, later, 50, 710, false],
    ['differ by a close', three, known(0, 1000, [[100, 201]]), 0, 250, false],
    ['differ when one has a window more', three, known(0, 1000, [[100, 200]]), 0, 1000, false],
    ['or one less', known(0, 1000, [[100, 200]]), three, 0, 1000, false],
    ['one has no windows left, the other a later one', three, known(0, 1000, [[100, 200]]), 0, 300, true],
    ['are alike without windows', none, none, 0, 1000, true],
    ['in an empty stretch', three, later, 760, 760, true],
    ['are not alike where the first knows nothing', three, later, 60, 1001, false],
    ['nor where the second does', three, later, 0, 100, false],
    ['always and never open', always, none, 10, 11, false],
    ['always and never open, in no time at all', always, none, 10, 10, true],
  ])('%s', (_, one, other, from, until, expected) => {
    expect(sameBetween(one, other, from, until)).toBe(expected);
  });

  test('agree exactly when every instant does', () => {
    fc.assert(
      fc.property(
        someWindows,
        someWindows,
        fc.integer({ min: 10, max: 110 }),
        fc.integer({ min: 0, max: 40 }),
        (one, other, from, length) => {
          const until = Math.min(110, from + length);
          const alike = Array.from({ length: until - from }, (__, index) => from + index).every(
            (at) => isOpen(one, at) === isOpen(other, at),
          );
          expect(sameBetween(one, other, from, until)).toBe(alike);
          expect(sameBetween(other, one, from, until)).toBe(alike);
          expect(sameBetween(one, structuredClone(one), from, until)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test('the horizon is five years', () => {
  expect(horizonMs).toBe(157_680_000_000);
});
