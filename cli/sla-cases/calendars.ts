/** The calendars of a case file. Only their form is checked: one that cannot work is what `op: invalid` asks about. */
import { z } from 'zod';
import { alwaysOpenCalendar, calendarProblems, calendarRules, weekdays } from '../../domain/sla/calendar.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import type { Scenario } from '../../domain/sla/scenario.js';

/** A number where a time should be is a wrong time, not a wrong file. */
const Time = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string({ error: 'must be text, such as "09:00"' }),
);
const Intervals = z.array(z.tuple([Time, Time], { error: 'must be [opening, closing]' }), {
  error: 'must be a list of [opening, closing]',
});
const Weekly: z.ZodType<Calendar['weekly']> = z.strictObject(
  Object.fromEntries(weekdays.map((weekday) => [weekday, z.exactOptional(Intervals)])),
  { error: 'must be a map of mon … sun to lists of [opening, closing]' },
);

const CalendarOfFile: z.ZodType<Calendar> = z.strictObject(
  {
    zone: z.string({ error: 'must be the name of a time zone' }),
    weekly: Weekly.default({}),
    overrides: z.record(z.string(), Intervals, { error: 'must be a map of dates to lists of [opening, closing]' }).default({}),
  },
  { error: 'must be a calendar: {zone, weekly, overrides}' },
);

export const Calendars = z.record(
  z.string().refine((name) => name !== alwaysOpen, `must not be defined: ${alwaysOpen} is built in`),
  CalendarOfFile,
  { error: 'must be a map of names to calendars' },
);

/** The calendars a file may name: its own and the built-in one. */
export class KnownCalendars {
  private readonly byName: ReadonlyMap<string, Calendar>;
  private readonly names: ReadonlySet<string>;

  /** @param written what stands under `calendars`, well-formed or not */
  constructor(written: unknown) {
    const entries = typeof written === 'object' && written !== null ? Object.entries(written) : [];
    this.names = new Set([...entries.map(([name]) => name), alwaysOpen]);
    const sound = entries.flatMap(([name, body]) => {
      const parsed = CalendarOfFile.safeParse(body);
      return parsed.success ? [[name, parsed.data] as const] : [];
    });
    this.byName = new Map([...sound, [alwaysOpen, alwaysOpenCalendar]]);
  }

  /** @throws RangeError for a name the file does not know */
  get(name: string): Calendar {
    const calendar = this.byName.get(name);
    if (calendar === undefined) throw new RangeError(`there is no calendar ${name}`);
    return calendar;
  }

  /** The calendars a scenario names, without the built-in one. */
  namedBy({ calendar, events }: Scenario): Readonly<Record<string, Calendar>> {
    const names = [calendar, ...events.flatMap((event) => (event.verb === 'calendar' ? [event.calendar] : []))];
    return Object.fromEntries(names.filter((name) => name !== alwaysOpen).map((name) => [name, this.get(name)]));
  }

  /** The name of a calendar; whether that can work is not asked. */
  readonly named = z
    .preprocess((name) => (typeof name === 'number' ? String(name) : name), z.string({ error: 'must be the name of a calendar' }))
    .refine((name) => this.names.has(name), 'must be a calendar of this file, or 24x7');

  /** The name of a calendar that clocks can run on. */
  readonly usable = this.named.superRefine((name, context) => {
    const calendar = this.byName.get(name);
    for (const { field, rule } of calendar === undefined ? [] : calendarProblems(calendar)) {
      context.addIssue({ code: 'custom', message: `must be a valid calendar: ${field} ${calendarRules[rule]}` });
    }
  });
}
