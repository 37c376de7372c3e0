/** Zone rules: turns a calendar's revision into open windows. Never in the sandbox: zone data change with the host. Source: sla.md, section 4. */
import { Temporal } from 'temporal-polyfill';
import { day, fromIso, hour, minute, second, toIso } from '../time.js';
import type { Instant } from '../time.js';
import type { CalendarRef } from './policy.js';
import { horizonMs, walk } from './windows.js';
import type { Window, Windows } from './windows.js';

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Local times of opening and closing, `HH:MM`; `24:00` only as close. A close before the opening is on the next day. */
export type Interval = readonly [open: string, close: string];

/** The body of a calendar revision. A day that is left out is closed, and so is a date with an empty list. */
export interface Calendar {
  /** IANA name. */
  readonly zone: string;
  readonly weekly: Readonly<Partial<Record<Weekday, readonly Interval[]>>>;
  /** By `YYYY-MM-DD`: what opens on that date instead of what its weekday says. What the day before left open stays. */
  readonly overrides: Readonly<Record<string, readonly Interval[]>>;
}

const week = 7 * day;
const wholeDay: readonly Interval[] = [['00:00', '24:00']];

/** The calendar every tenant has. */
export const alwaysOpenCalendar: Calendar = {
  zone: 'UTC',
  weekly: { mon: wholeDay, tue: wholeDay, wed: wholeDay, thu: wholeDay, fri: wholeDay, sat: wholeDay, sun: wholeDay },
  overrides: {},
};

/** What a calendar must keep to, in words that follow the field's name. Source: sla.md, R23. */
export const calendarRules = {
  unknown_zone: 'must be a known IANA time zone',
  never_open: 'must have open time; overrides alone do not keep a calendar open',
  open_time: 'must be HH:MM from 00:00 to 23:59',
  close_time: 'must be HH:MM from 00:00 to 24:00',
  empty_interval: 'must not open and close at the same time',
  overlap: 'must not begin before an earlier interval has ended',
  unknown_date: 'must be a date that exists, as YYYY-MM-DD',
} as const satisfies Readonly<Record<string, string>>;
export type CalendarRule = keyof typeof calendarRules;

export interface CalendarProblem {
  /** JSON pointer into the calendar. */
  readonly field: string;
  readonly rule: CalendarRule;
}

/**
 * Checks a calendar before it is saved.
 *
 * @returns every fault with its field; of two intervals that overlap, the one that begins later. Empty when the calendar is fine
 */
export function calendarProblems({ zone, weekly, overrides }: Calendar): CalendarProblem[] {
  const all = weekdays.flatMap((weekday, index) => entriesOf(weekly[weekday] ?? [], `/weekly/${weekday}`, index * day));
  const problems = all.flatMap(faultsOf);
  if (!isZone(zone)) problems.unshift({ field: '/zone', rule: 'unknown_zone' });
  if (all.length === 0) problems.push({ field: '/weekly', rule: 'never_open' });
  // What runs on past Sunday meets what opens on Monday.
  problems.push(...overlaps(all, Math.max(0, ...all.filter(isSound).map(({ close }) => close - week))));
  for (const [date, intervals] of Object.entries(overrides)) {
    const field = overrideField(date);
    if (Number.isNaN(dayNumber(date))) problems.push({ field, rule: 'unknown_date' });
    const entries = entriesOf(intervals, field, 0);
    problems.push(...entries.flatMap(faultsOf), ...overlaps(entries, 0));
  }
  return problems;
}

/** What of a calendar to expand, and how far. */
export interface Reach {
  readonly from: Instant;
  readonly until: Instant;
  /** Open time that must lie within, counted from `needFrom`, else from `from`; the windows reach beyond `from` and `until` when it takes that. */
  readonly needMs?: number;
  readonly needFrom?: Instant;
  /** Version of the host's zone data, `process.versions.tz`; kept in the windows, so that a change of it shows. */
  readonly zoneData: string;
}

/**
 * Expands a calendar without problems into open windows: sorted, disjoint, touching ones merged, clipped to what they cover. A date's override
 * replaces the intervals that start on it. A local time in a gap moves forward by the gap, an ambiguous one is its first occurrence, an interval
 * that is reversed by that is dropped. Source: sla.md, R32, R34, R35.
 *
 * @returns `horizon` when the open time needed takes more than five years
 */
export function expand(
  calendar: Calendar,
  ref: CalendarRef,
  { from, until, needMs = 0, needFrom = from, zoneData }: Reach,
): Windows | 'horizon' {
  const stretch = stretchOf(calendar, Math.min(from, needFrom), until, needFrom, needMs);
  return stretch === null ? 'horizon' : { calendar: ref, from: stretch.from, until: stretch.until, windows: stretch.windows, zoneData };
}

export type DueAnswer =
  { readonly ok: true; readonly at: Instant } | { readonly ok: false; readonly code: 'policy_invalid' | 'sla_horizon_exceeded' };

/**
 * When a budget of open seconds that starts at an instant is used up; or a refusal: `policy_invalid` for a budget that is no whole number above 0,
 * `sla_horizon_exceeded` for a deadline more than five years away. Source: sla.md, R23, R33, R35.
 */
export function dueAt(calendar: Calendar, start: Instant, budgetS: number): DueAnswer {
  if (!Number.isSafeInteger(budgetS) || budgetS <= 0) return { ok: false, code: 'policy_invalid' };
  const stretch = stretchOf(calendar, start, start, start, budgetS * second);
  return stretch === null ? { ok: false, code: 'sla_horizon_exceeded' } : { ok: true, at: stretch.met };
}

/** Whole open seconds within `[from, to)`; 0 when `to` is not after `from`. */
export const elapsedS = (calendar: Calendar, from: Instant, to: Instant): number =>
  Math.floor(openWindows(localCalendar(calendar), from, to).reduce((open, [begin, end]) => open + end - begin, 0) / second);

/** Whether time counts at an instant; at the close it no longer does. */
export const opens = (calendar: Calendar, at: Instant): boolean => openWindows(localCalendar(calendar), at, at + 1).length > 0;

interface Stretch {
  readonly from: Instant;
  readonly until: Instant;
  readonly windows: readonly Window[];
  /** When the open time needed has elapsed. */
  readonly met: Instant;
}

/** The windows from `from` to `until`, or as far beyond as open time is needed; null when that is beyond the horizon. */
function stretchOf(calendar: Calendar, from: Instant, until: Instant, needFrom: Instant, needMs: number): Stretch | null {
  const local = localCalendar(calendar);
  const horizon = needFrom + horizonMs;
  let end = Math.max(until, Math.min(horizon, needFrom + needMs));
  for (;;) {
    const windows = openWindows(local, from, end);
    const met = walk({ from, until: end, windows }, needFrom, needMs);
    if (met !== null && met <= horizon) return { from, until: end, windows, met };
    if (end >= horizon) return null;
    end = Math.min(horizon, end + Math.max(end - from, week));
  }
}

/** Sorted, disjoint, touching ones merged, clipped. */
function openWindows({ zone, weekly, overrides }: LocalCalendar, from: Instant, until: Instant): Window[] {
  // A local date may be one off the UTC date, an interval may run on into the next day, and zones have skipped a day.
  const firstDay = Math.floor(from / day) - 3;
  const lastDay = Math.floor(until / day) + 3;
  const clock = zoneClock(zone, (firstDay - 1) * day, (lastDay + 3) * day);
  const windows: Window[] = [];
  for (let number = firstDay; number <= lastDay; number++) {
    for (const { open, close } of overrides.get(number) ?? weekly.get(weekdayOf(number)) ?? []) {
      const begin = Math.max(from, instantOf(clock, number * day + open));
      const end = Math.min(until, instantOf(clock, number * day + close));
      if (begin < end) windows.push([begin, end]);
    }
  }
  return merged(windows.toSorted(([one], [other]) => one - other));
}

function merged(sorted: readonly Window[]): Window[] {
  const windows: Window[] = [];
  for (const window of sorted) {
    const last = windows.at(-1);
    if (last !== undefined && window[0] <= last[1]) windows[windows.length - 1] = [last[0], Math.max(last[1], window[1])];
    else windows.push(window);
  }
  return windows;
}

/** How far a zone's clocks are ahead of UTC, in milliseconds: at first, and from each change on. */
interface ZoneClock {
  readonly offset: number;
  readonly changes: readonly { readonly at: Instant; readonly offset: number }[];
}

/** Only the changes are asked of the zone data; between them a local time is a sum, which is a hundred times as fast. */
function zoneClock(zone: string, from: Instant, until: Instant): ZoneClock {
  const first = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone);
  const changes: { at: Instant; offset: number }[] = [];
  let change = first.getTimeZoneTransition('next');
  while (change !== null && change.epochMilliseconds < until) {
    changes.push({ at: change.epochMilliseconds, offset: offsetMs(change) });
    change = change.getTimeZoneTransition('next');
  }
  return { offset: offsetMs(first), changes };
}

const offsetMs = (at: Temporal.ZonedDateTime): number => at.offsetNanoseconds / 1e6;

/**
 * The instant of a local time, given as if it were UTC: the first when it occurs twice. One in a gap counts on by the offset before the change,
 * which moves it forward by the gap.
 */
function instantOf({ offset, changes }: ZoneClock, local: number): Instant {
  let ahead = offset;
  for (const change of changes) {
    if (local - Math.max(ahead, change.offset) < change.at) break;
    ahead = change.offset;
  }
  return local - ahead;
}

/** One interval in milliseconds since local midnight (of the day, or of the week's Monday); a time that cannot be read is NaN. */
interface Entry {
  readonly field: string;
  readonly open: number;
  readonly close: number;
}

const overrideField = (date: string): string => `/overrides/${date.replaceAll('~', '~0').replaceAll('/', '~1')}`;

const timePattern = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;
const sinceMidnight = (time: string): number =>
  timePattern.test(time) ? Number(time.slice(0, 2)) * hour + Number(time.slice(3)) * minute : NaN;

const entriesOf = (intervals: readonly Interval[], field: string, midnight: number): Entry[] =>
  intervals.map(([from, to], index) => {
    const open = sinceMidnight(from);
    const close = sinceMidnight(to);
    return {
      field: `${field}/${index}`,
      open: midnight + (open < day ? open : NaN),
      close: midnight + (close < open ? close + day : close),
    };
  });

function faultsOf({ field, open, close }: Entry): CalendarProblem[] {
  const faults: CalendarProblem[] = [];
  if (Number.isNaN(open)) faults.push({ field: `${field}/0`, rule: 'open_time' });
  if (Number.isNaN(close)) faults.push({ field: `${field}/1`, rule: 'close_time' });
  if (open === close) faults.push({ field, rule: 'empty_interval' });
  return faults;
}

const isSound = ({ open, close }: Entry): boolean => open < close;

/** @param spill until when time is taken before the first interval begins */
function overlaps(entries: readonly Entry[], spill: number): CalendarProblem[] {
  let taken = spill;
  const inOrder = entries.filter(isSound).toSorted((one, other) => one.open - other.open);
  return inOrder.flatMap(({ field, open, close }) => {
    const overlapping = open < taken;
    taken = Math.max(taken, close);
    return overlapping ? [{ field, rule: 'overlap' }] : [];
  });
}

/** Offsets have no summer time and no history, so they are no zones here. The constructor takes names only, other ways read whole timestamps. */
function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Temporal.ZonedDateTime(0n, zone).timeZoneId !== '';
  } catch {
    return false;
  }
}

/** Days since 1970-01-01; NaN for what is no date. */
function dayNumber(date: string): number {
  const at = /^\d{4}-\d\d-\d\d$/.test(date) ? fromIso(`${date}T00:00:00Z`) : NaN;
  return Number.isNaN(at) || !toIso(at).startsWith(date) ? NaN : at / day;
}

/** A calendar read once: intervals since local midnight, by weekday from Monday's 0 and by day number. */
interface LocalCalendar {
  readonly zone: string;
  readonly weekly: ReadonlyMap<number, readonly Entry[]>;
  readonly overrides: ReadonlyMap<number, readonly Entry[]>;
}

/** 1970-01-01 was a Thursday; a remainder may be negative. */
const weekdayOf = (number: number): number => ((number % 7) + 10) % 7;

const localCalendar = ({ zone, weekly, overrides }: Calendar): LocalCalendar => ({
  zone,
  weekly: new Map(
    weekdays.flatMap((weekday, index) => {
      const intervals = weekly[weekday];
      return intervals === undefined ? [] : [[index, readEntries(intervals, `/weekly/${weekday}`)]];
    }),
  ),
  overrides: new Map(Object.entries(overrides).map(([date, intervals]) => [readDay(date), readEntries(intervals, overrideField(date))])),
});

function readEntries(intervals: readonly Interval[], field: string): Entry[] {
  const entries = entriesOf(intervals, field, 0);
  for (const fault of entries.flatMap(faultsOf)) throw unreadable(fault);
  return entries;
}

function readDay(date: string): number {
  const number = dayNumber(date);
  if (Number.isNaN(number)) throw unreadable({ field: overrideField(date), rule: 'unknown_date' });
  return number;
}

/** Calendars are checked when they are saved, so this is a bug; a day that cannot be read must not look closed. */
const unreadable = ({ field, rule }: CalendarProblem): RangeError => new RangeError(`calendar: ${field} ${calendarRules[rule]}`);
