/** Times as scripts have them: instants from the start or of the calendar, and durations. Source: scripts.md, section 1. */
import { day, fromIso, hour, minute, second, toIso } from '../../time.js';
import type { Instant } from '../../time.js';
import { durationMs } from '../duration.js';

const parts = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/** Milliseconds of `[nd][nh][nm][ns]`, in this order and at least one of them; ISO 8601 as in templates will do too. Null: the text is none. */
export function parseDuration(text: string): number | null {
  const found = parts.exec(text);
  if (found === null) return text.startsWith('P') ? durationMs(text) : null;
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = found;
  return Number(days) * day + Number(hours) * hour + Number(minutes) * minute + Number(seconds) * second;
}

const form = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?(?:[Zz]|([+-]\d\d:\d\d))$/;

/** An ISO 8601 instant; null where the text is none, lacks its zone, or names a date or time that does not exist. */
export function parseInstant(text: string): Instant | null {
  const [, date = '', time = '', seconds = ':00', offset = 'Z'] = form.exec(text) ?? [];
  const midnight = fromIso(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || !toIso(midnight).startsWith(date) || time.startsWith('24')) return null;
  const at = fromIso(`${date}T${time}${seconds}${offset}`);
  return Number.isNaN(at) ? null : at;
}

/** `+2d4h` after the start, or an ISO 8601 instant; null where the text is neither. */
export function momentOf(text: string, start: Instant): Instant | null {
  if (!text.startsWith('+')) return parseInstant(text);
  const ms = parseDuration(text.slice(1));
  return ms === null ? null : start + ms;
}

/** An instant as a script has it: UTC, milliseconds only where there are any. */
export const shownInstant = (at: Instant): string => toIso(at).replace('.000Z', 'Z');

/** An instant counted from the start: `+2d4h`, `+0s`; what is less than a second stands behind a point. */
export function shownAfter(at: Instant, start: Instant): string {
  const sizes = [
    ['d', day],
    ['h', hour],
    ['m', minute],
  ] as const;
  let rest = Math.abs(at - start);
  const texts = sizes.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count}${unit}`];
  });
  if (rest > 0 || texts.length === 0) texts.push(`${rest / second}s`);
  return `${at < start ? '-' : '+'}${texts.join('')}`;
}
