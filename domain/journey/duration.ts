/** Durations of templates: ISO 8601 with weeks, days, hours, minutes and seconds. Source: journeys.md, section 2. */
import { day, hour, minute, second } from '../time.js';

const form = /^(-)?P(?=\d|T\d)(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?$/;

/** Milliseconds of a duration such as `P1DT12H`, where a day is 24 hours; null where the text is none. Years and months have no fixed length. */
export function durationMs(text: string): number | null {
  const found = form.exec(text);
  if (found === null) return null;
  const [, sign, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found;
  const whole = (Number(weeks) * 7 + Number(days)) * day + Number(hours) * hour + Number(minutes) * minute;
  const ms = whole + Math.round(Number(seconds) * second);
  return sign === undefined || ms === 0 ? ms : -ms;
}

const units = [
  ['d', day],
  ['h', hour],
  ['min', minute],
  ['s', second],
] as const;

/** A duration for a reader: `2 d 12 h`, `250 ms`. */
export function inWords(ms: number): string {
  let rest = Math.abs(ms);
  const parts = units.flatMap(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count} ${name}`] : [];
  });
  if (rest > 0 || parts.length === 0) parts.push(`${rest} ms`);
  return `${ms < 0 ? '-' : ''}${parts.join(' ')}`;
}
