/**
 * Calendars against a slow, obvious reading of R32–R35: a table of what the clocks on the wall show in every minute around a change, read from the
 * host's formatter, and a walk through it second by second. No Temporal, no offset and nothing under test takes part. A failing run prints its seed.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarProblems, dueAt, elapsedS, expand, opens, weekdays } from '../../../domain/sla/calendar.js';
import type { Calendar, Interval } from '../../../domain/sla/calendar.js';
import { isOpen, sameBetween } from '../../../domain/sla/windows.js';
import type { Windows } from '../../../domain/sla/windows.js';

const minuteMs = 60_000;
const dayMinutes = 24 * 60;
/** The table reaches this far to both sides of the date it is about. */
const reachDays = 3;
/** Of each property at each place. */
const runs = 15;

/** Dates on which clocks change, or a whole day is skipped; one without any change. */
const places: [zone: string, date: string, what: string][] = [
  ['UTC', '2026-01-01', 'no change'],
  ['Asia/Kathmandu', '2026-03-01', 'no change, 05:45 ahead'],
  ['Europe/Berlin', '2026-03-29', '02:00 becomes 03:00'],
  ['Europe/Berlin', '2026-10-25', '03:00 becomes 02:00'],
  ['America/New_York', '2026-03-08', '02:00 becomes 03:00'],
  ['America/New_York', '2026-11-01', '02:00 becomes 01:00'],
  ['Australia/Lord_Howe', '2026-10-04', '02:00 becomes 02:30'],
  ['Australia/Lord_Howe', '2026-04-05', '02:00 becomes 01:30'],
  ['Africa/Cairo', '2026-04-24', '00:00 becomes 01:00'],
  ['Africa/Cairo', '2026-10-30', '00:00 becomes 23:00 of the day before'],
  ['America/Sao_Paulo', '2018-11-04', '00:00 becomes 01:00'],
  ['America/Sao_Paulo', '2018-02-18', '00:00 becomes 23:00 of the day before'],
  ['Asia/Beirut', '2026-03-29', '00:00 becomes 01:00'],
  ['America/St_Johns', '2010-11-07', '00:01 becomes 23:01 of the day before'],
  ['Antarctica/Troll', '2026-03-29', '01:00 becomes 03:00'],
  ['Asia/Pyongyang', '2018-05-05', '23:30 of the day before becomes 00:00'],
  ['Africa/Casablanca', '2026-02-15', '03:00 becomes 02:00, and back a month later'],
  ['Pacific/Apia', '2011-12-30', 'the day is left out'],
];

/** What the clocks show, in minutes since 1970 on the wall: `shown[i]` in the minute `i` after `from`. */
interface WallTable {
  readonly from: number;
  readonly shown: readonly number[];
  /** The first minute in which they show a time. */
  readonly first: ReadonlyMap<number, number>;
}

function wallTable(zone: string, date: string): WallTable {
  const from = Date.parse(`${date}T00:00Z`) - reachDays * dayMinutes * minuteMs;
  const format = new Intl.DateTimeFormat('en-u-hc-h23', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  const shown = Array.from({ length: 2 * reachDays * dayMinutes }, (_, index) => {
    const [month = 0, dayOfMonth = 0, year = 0, hour = 0, minute = 0] = format
      .format(from + index * minuteMs)
      .split(/\D+/)
      .map(Number);
    return Date.UTC(2000 + year, month - 1, dayOfMonth, hour, minute) / minuteMs;
  });
  const first = new Map<number, number>();
  for (const [index, wall] of shown.entries()) if (!first.has(wall)) first.set(wall, index);
  return { from, shown, first };
}

/** R34: the first minute that shows a time; a time that the clocks jump over is looked up by as much later as they jump. */
function minuteOf({ shown, first }: WallTable, wall: number): number {
  const found = first.get(wall);
  if (found !== undefined) return found;
  const after = shown.findIndex((other) => other > wall);
  if (after === -1) return Number.POSITIVE_INFINITY; // past the table
  const before = shown[after - 1];
  const landing = shown[after];
  if (before === undefined || landing === undefined) return Number.NEGATIVE_INFINITY; // before it
  return minuteOf({ from: 0, shown, first }, wall + (landing - (before + 1)));
}

const wallMinutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Whether time counts, for every minute of the table: date by date, interval by interval. */
function openMinutes(table: WallTable, { weekly, overrides }: Calendar): boolean[] {
  const open = table.shown.map(() => false);
  const middle = Math.floor(table.from / minuteMs / dayMinutes) + reachDays;
  for (let date = middle - reachDays - 3; date <= middle + reachDays + 3; date++) {
    const midnight = new Date(date * dayMinutes * minuteMs);
    const weekday = weekdays[(midnight.getUTCDay() + 6) % 7] ?? 'mon';
    for (const [from, to] of overrides[midnight.toISOString().slice(0, 10)] ?? weekly[weekday] ?? []) {
      const overnight = wallMinutes(to) < wallMinutes(from);
      const opening = minuteOf(table, date * dayMinutes + wallMinutes(from));
      const closing = minuteOf(table, (overnight ? date + 1 : date) * dayMinutes + wallMinutes(to));
      for (let minute = Math.max(0, opening); minute < Math.min(closing, open.length); minute++) open[minute] = true;
    }
  }
  return open;
}

/** Times near which clocks change come up often; the rest is any minute. */
const aTime = fc.oneof(
  fc.constantFrom(
    '00:00',
    '00:01',
    '00:30',
    '01:00',
    '01:30',
    '01:45',
    '02:00',
    '02:15',
    '02:30',
    '03:00',
    '03:30',
    '22:30',
    '23:00',
    '23:30',
  ),
  fc.integer({ min: 0, max: dayMinutes - 1 }).map((minute) => hhmm(minute)),
);
const hhmm = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
const anInterval = fc
  .tuple(aTime, fc.oneof({ weight: 4, arbitrary: aTime }, { weight: 1, arbitrary: fc.constant('24:00') }))
  .filter(([open, close]) => open !== close) satisfies fc.Arbitrary<Interval>;
const intervals = fc.array(anInterval, { maxLength: 3 });

/** Intervals may overlap here: windows merge them, and the table does not care. */
const aCalendar = (zone: string, date: string): fc.Arbitrary<Calendar> =>
  fc.record({
    zone: fc.constant(zone),
    weekly: fc.record(
      { mon: intervals, tue: intervals, wed: intervals, thu: intervals, fri: intervals, sat: intervals, sun: intervals },
      { requiredKeys: [] },
    ),
    overrides: fc.dictionary(
      fc
        .integer({ min: -2, max: 2 })
        .map((shift) => new Date(Date.parse(`${date}T00:00Z`) + shift * dayMinutes * minuteMs).toISOString().slice(0, 10)),
      intervals,
      { maxKeys: 3 },
    ),
  });

/** Seconds into the table, never its last day. */
const aSecond = fc.integer({ min: 0, max: (2 * reachDays - 1) * dayMinutes * 60 });
/** Seconds, up to a day. */
const aDay = fc.integer({ min: 1, max: dayMinutes * 60 });

const expanded = (calendar: Calendar, from: number, until: number): Windows => {
  const windows = expand(calendar, { id: 'office', revision: 1 }, { from, until, zoneData: '2025c' });
  if (windows === 'horizon') throw new Error('no open time was asked for');
  return windows;
};

describe.each(places)('%s, %s: %s', (zone, date) => {
  const table = wallTable(zone, date);
  const end = table.from + table.shown.length * minuteMs;

  test('the windows are open in the same minutes, sorted, apart and clipped', () => {
    fc.assert(
      fc.property(aCalendar(zone, date), (calendar) => {
        const windows = expanded(calendar, table.from, end);
        const wrong = openMinutes(table, calendar).flatMap((open, index) =>
          isOpen(windows, table.from + index * minuteMs) === open ? [] : [new Date(table.from + index * minuteMs).toISOString()],
        );
        expect(wrong).toEqual([]);
        const bounds = windows.windows.flat();
        expect(bounds.every((bound, index) => index === 0 || (bounds[index - 1] ?? bound) < bound)).toBe(true);
        expect(bounds.every((bound) => bound >= table.from && bound <= end && bound % minuteMs === 0)).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  test('deadlines and elapsed time are what counting seconds gives', () => {
    fc.assert(
      fc.property(aCalendar(zone, date), aSecond, fc.integer({ min: 1, max: 100_000 }), aDay, (calendar, start, budgetS, length) => {
        const open = openMinutes(table, calendar);
        let left = budgetS;
        let second = start;
        for (; left > 0 && second < open.length * 60; second++) if (open[Math.floor(second / 60)]) left--;
        const due = dueAt(calendar, table.from + start * 1000, budgetS);
        if (left === 0) expect(due).toEqual({ ok: true, at: table.from + second * 1000 });
        else expect(due.ok ? due.at : Infinity).toBeGreaterThan(end);

        let elapsed = 0;
        for (let at = start; at < start + length; at++) if (open[Math.floor(at / 60)]) elapsed++;
        expect(elapsedS(calendar, table.from + start * 1000, table.from + (start + length) * 1000)).toBe(elapsed);
        expect(opens(calendar, table.from + start * 1000)).toBe(open[Math.floor(start / 60)]);
      }),
      { numRuns: runs },
    );
  });

  test('where an expansion begins and ends changes nothing in between', () => {
    fc.assert(
      fc.property(aCalendar(zone, date), aSecond, aDay, (calendar, start, length) => {
        const from = table.from + start * 1000;
        const part = expanded(calendar, from, from + length * 1000);
        expect(sameBetween(part, expanded(calendar, table.from, end), part.from, part.until)).toBe(true);
      }),
      { numRuns: runs },
    );
  });
});

test('an overlap is found exactly when some minute of the week is taken twice', () => {
  fc.assert(
    fc.property(aCalendar('UTC', '2026-01-01'), (calendar) => {
      const taken = Array.from({ length: 7 * dayMinutes }, () => 0);
      for (const [index, weekday] of weekdays.entries()) {
        for (const [from, to] of calendar.weekly[weekday] ?? []) {
          const length = wallMinutes(to) - wallMinutes(from) + (wallMinutes(to) < wallMinutes(from) ? dayMinutes : 0);
          for (let minute = 0; minute < length; minute++) {
            const place = (index * dayMinutes + wallMinutes(from) + minute) % taken.length;
            taken[place] = (taken[place] ?? 0) + 1;
          }
        }
      }
      const problems = calendarProblems({ ...calendar, overrides: {} });
      expect(problems.some(({ rule }) => rule === 'overlap')).toBe(taken.some((times) => times > 1));
    }),
    { numRuns: 100 },
  );
});
