/** Holidays out of an iCalendar file (RFC 5545): the dates its all-day events cover. */
import ICAL from 'ical.js';
import type { skipReasons } from './schema.js';

export interface Holidays {
  /** Each date once, `YYYY-MM-DD`, in order. */
  readonly holidays: readonly { readonly date: string; readonly name: string | null }[];
  readonly skipped: readonly { readonly name: string | null; readonly reason: SkipReason }[];
}
type SkipReason = (typeof skipReasons)[number];

/** How far a file may make us count: occurrences of all its events, and days of one of them. */
const most = { occurrences: 10_000, days: 366 } as const;

/**
 * The dates that all-day events cover from the first of January of a year, for three years. Of repeated events only yearly ones count.
 *
 * @returns null when the text is no iCalendar file
 */
export function readHolidays(text: string, firstYear: number): Holidays | null {
  const calendars = parse(text);
  if (calendars === null) return null;
  const span = { from: ICAL.Time.fromData({ year: firstYear, month: 1, day: 1, isDate: true }), lastYear: firstYear + 2 };
  const budget = { left: most.occurrences };
  const names = new Map<string, string | null>();
  const skipped: { name: string | null; reason: SkipReason }[] = [];
  for (const event of calendars.flatMap(eventsOf)) {
    const read = attempt(() => datesOf(event, span, budget));
    if (typeof read === 'string') skipped.push({ name: nameOf(event), reason: read });
    else for (const date of read) if (!names.has(date.on)) names.set(date.on, date.name);
  }
  return { holidays: [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([date, name]) => ({ date, name })), skipped };
}

/** A file may hold several calendars; then it is read as a list of them. */
function parse(text: string): ICAL.Component[] | null {
  try {
    const read: unknown = ICAL.parse(text);
    if (!Array.isArray(read)) return null;
    const parts = typeof read[0] === 'string' ? [read] : read;
    const calendars = parts.map((part: unknown[]) => new ICAL.Component(part)).filter(({ name }) => name === 'vcalendar');
    return calendars.length === 0 ? null : calendars;
  } catch {
    return null;
  }
}

/** Events with their exceptions; an exception counts as an event of its own where what it is an exception of is missing. */
function eventsOf(calendar: ICAL.Component): ICAL.Event[] {
  const all = calendar.getAllSubcomponents('vevent');
  const whole = new Map<unknown, ICAL.Component[]>();
  for (const event of all) if (!isException(event)) whole.set(uidOf(event), []);
  for (const event of all) if (isException(event)) whole.get(uidOf(event))?.push(event);
  return all
    .filter((event) => !isException(event) || !whole.has(uidOf(event)))
    .map((event) => new ICAL.Event(event, isException(event) ? {} : { exceptions: whole.get(uidOf(event)) ?? [] }));
}

const isException = (event: ICAL.Component): boolean => event.hasProperty('recurrence-id');
const uidOf = (event: ICAL.Component): unknown => event.getFirstPropertyValue('uid');

interface Span {
  readonly from: ICAL.Time;
  readonly lastYear: number;
}
interface Covered {
  readonly on: string;
  readonly name: string | null;
}

function datesOf(event: ICAL.Event, span: Span, budget: { left: number }): Covered[] | SkipReason {
  if (isCancelled(event)) return 'cancelled';
  if (!event.startDate.isDate) return 'not_all_day';
  if (!event.isRecurring()) return daysOf(event, event.startDate, event.endDate, span);
  const rules = event.component.getAllProperties('rrule').map((property) => property.getFirstValue());
  for (const rule of rules) {
    if (!(rule instanceof ICAL.Recur) || rule.freq !== 'YEARLY') return 'not_yearly';
    // A rule that never comes true would be followed for thousands of years.
    const end = ICAL.Time.fromData({ year: span.lastYear, month: 12, day: 31, isDate: true });
    if (rule.until === null || rule.until.compare(end) > 0) rule.until = end;
  }
  const dates: Covered[] = [];
  // The library leaves out the start of an event that only has extra dates.
  if (rules.length === 0) {
    const first = daysOf(event, event.startDate, event.endDate, span);
    if (typeof first === 'string') return first;
    dates.push(...first);
  }
  const occurrences = event.iterator();
  for (let next = nextOf(occurrences); next !== null && next.year <= span.lastYear; next = nextOf(occurrences)) {
    budget.left -= 1;
    if (budget.left < 0) return 'too_many_days';
    const { item, startDate, endDate } = event.getOccurrenceDetails(next);
    if (isCancelled(item) || !startDate.isDate) continue;
    const days = daysOf(item, startDate, endDate, span);
    if (typeof days === 'string') return days;
    dates.push(...days);
  }
  return dates;
}

/** The end is past, by a null that the type does not tell of. */
const nextOf = (occurrences: ICAL.RecurExpansion): ICAL.Time | null => occurrences.next() ?? null;

/** Every day from the start up to the end, which is not one of them; a lone start is one day. */
function daysOf(event: ICAL.Event, start: ICAL.Time, end: ICAL.Time, { from, lastYear }: Span): Covered[] | SkipReason {
  const days: Covered[] = [];
  const date = start.clone();
  for (let count = 0; count === 0 || date.compare(end) < 0; count += 1) {
    if (count === most.days) return 'too_many_days';
    if (date.compare(from) >= 0 && date.year <= lastYear) days.push({ on: date.toString(), name: nameOf(event) });
    date.adjust(1, 0, 0, 0);
  }
  return days;
}

const isCancelled = ({ component }: ICAL.Event): boolean => component.getFirstPropertyValue('status') === 'CANCELLED';

const nameOf = ({ summary }: ICAL.Event): string | null => (typeof summary === 'string' && summary !== '' ? summary.slice(0, 200) : null);

/** The library throws on dates and rules it cannot read. */
function attempt(read: () => Covered[] | SkipReason): Covered[] | SkipReason {
  try {
    return read();
  } catch {
    return 'unreadable';
  }
}
