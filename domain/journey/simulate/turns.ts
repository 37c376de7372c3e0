/** Turns of a schedule on a virtual clock. Source: journeys.md, section 2. */
import type { Instant } from '../../time.js';
import { day, minute } from '../../time.js';
import { isTurn } from '../entry/schedule.js';
import type { recurrenceOf } from '../entry/schedule.js';
import type { World } from './world.js';

/** The first turn at an instant or after it. */
export function nextTurn(
  rule: ReturnType<typeof recurrenceOf>,
  after: Instant,
  { nextLocalTime, localMs }: Pick<World['ports'], 'nextLocalTime' | 'localMs'>,
): Instant {
  const { hours, minutes, weekdays, zone } = rule.calendar;
  const everyHour = Array.from({ length: 24 }, (_, hour) => hour);
  const everyMinute = Array.from({ length: 60 }, (_, one) => one);
  const times = (hours ?? everyHour).flatMap((hour) => (minutes ?? everyMinute).map((one) => `${two(hour)}:${two(one)}`));
  for (let from = after; ;) {
    const at = Math.min(...times.map((time) => nextLocalTime(time, zone, from)));
    const local = localMs(zone, at);
    // 1970-01-01 was a Thursday.
    const weekday = (Math.floor(local / day) + 4) % 7;
    if ((weekdays === null || weekdays.includes(weekday)) && isTurn(rule, local)) return at;
    from = at + minute;
  }
}

const two = (number: number): string => String(number).padStart(2, '0');
