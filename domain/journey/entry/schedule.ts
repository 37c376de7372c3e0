/** Recurrence rules as calendars of Temporal Schedules. Source: scripts.md, section 3. */
import { day, hour, minute } from '../../time.js';
import type { Instant } from '../../time.js';

/** When a schedule wakes, in its zone. A list that is absent means every value. */
export interface ScheduleCalendar {
  readonly minutes: readonly number[] | null;
  readonly hours: readonly number[] | null;
  /** 0 = Sunday. */
  readonly weekdays: readonly number[] | null;
  readonly zone: string;
}

export interface Recurrence {
  readonly calendar: ScheduleCalendar;
  /** Of the instants of the calendar only those in every so many minutes, hours, days or weeks count. */
  readonly every: { readonly unitMs: number; readonly count: number };
}

const units: Readonly<Record<string, number>> = { MINUTELY: minute, HOURLY: hour, DAILY: day, WEEKLY: 7 * day };
const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const monday = 1;

/** @param rule one that `rruleFault` finds nothing in */
export function recurrenceOf(rule: string, zone: string): Recurrence {
  const parts = new Map(
    rule
      .replace(/^RRULE:/, '')
      .split(';')
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  const numbers = (name: string): number[] | null => parts.get(name)?.split(',').map(Number) ?? null;
  const unitMs = units[parts.get('FREQ') ?? ''] ?? day;
  const days =
    parts
      .get('BYDAY')
      ?.split(',')
      .map((name) => weekdays.indexOf(name)) ?? null;
  return {
    calendar: {
      minutes: numbers('BYMINUTE') ?? (unitMs === minute ? null : [0]),
      hours: numbers('BYHOUR') ?? (unitMs <= hour ? null : [0]),
      weekdays: days ?? (unitMs > day ? [monday] : null),
      zone,
    },
    every: { unitMs, count: Number(parts.get('INTERVAL') ?? 1) },
  };
}

/** 1970-01-05 was a Monday: weeks are counted from there, as in calendars. */
const firstMonday = 4 * day;

/**
 * Whether an instant of the calendar counts.
 *
 * @param localMs what the clock in the zone shows, as if it were UTC
 */
export const isTurn = ({ every: { unitMs, count } }: Recurrence, localMs: Instant): boolean =>
  Math.floor((localMs - firstMonday) / unitMs) % count === 0;
