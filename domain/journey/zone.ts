/** Times of day in the zones of subjects. Never in the sandbox: zone data change with the host. Source: journeys.md, section 2, local times and quiet hours. */
import { Temporal } from 'temporal-polyfill';
import type { Instant } from '../time.js';
import type { QuietHours } from './step.js';

/** Whether a name is an IANA zone; offsets are none, they know no summer time. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Temporal.ZonedDateTime(0n, zone).timeZoneId !== '';
  } catch {
    return false;
  }
}

/**
 * The next instant of a time of day, `after` itself included. A time in a gap is the first valid instant behind it, one that occurs twice the first.
 *
 * @param local `HH:MM`
 * @throws RangeError for a zone or a time nobody knows
 */
export function nextLocalTime(local: string, zone: string, after: Instant): Instant {
  const time = Temporal.PlainTime.from(local);
  const today = dateAt(zone, after);
  // Today’s may be over, and where an hour is repeated even one that the clock has not shown again.
  for (let days = 0; ; days += 1) {
    const at = instantOf(today.add({ days }), time, zone);
    if (at >= after) return at;
  }
}

/**
 * When the quiet hours that hold at an instant are over; null when it is not quiet. They begin at `from` and end before `to`, on the next day where `to`
 * is the earlier one; the same time twice is no time at all.
 *
 * @throws RangeError for a zone or a time nobody knows
 */
export function quietUntil({ from, to }: QuietHours, zone: string, at: Instant): Instant | null {
  const [begin, end] = [Temporal.PlainTime.from(from), Temporal.PlainTime.from(to)];
  const order = Temporal.PlainTime.compare(begin, end);
  if (order === 0) return null;
  const today = dateAt(zone, at);
  for (const date of [today.subtract({ days: 1 }), today]) {
    const until = instantOf(order < 0 ? date : date.add({ days: 1 }), end, zone);
    if (instantOf(date, begin, zone) <= at && at < until) return until;
  }
  return null;
}

const dateAt = (zone: string, at: Instant): Temporal.PlainDate =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();

function instantOf(date: Temporal.PlainDate, time: Temporal.PlainTime, zone: string): Instant {
  const local = date.toPlainDateTime(time);
  const first = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  if (first.toPlainDateTime().equals(local)) return first.epochMilliseconds;
  // In a gap: the clocks jump right after the reading before it.
  const jump = first.getTimeZoneTransition('next');
  return (jump ?? first).epochMilliseconds;
}

/** What the clock in a zone shows, in milliseconds as if it were UTC. */
export const localMs = (zone: string, at: Instant): number =>
  at + Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).offsetNanoseconds / 1_000_000;
