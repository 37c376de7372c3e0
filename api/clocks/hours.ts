/** Calendars of clocks, expanded as far as an answer needs them. */
import type { TenantTx } from '../../db/client.js';
import { findCalendarBody } from '../../db/queries/calendars.js';
import type { TenantId } from '../../domain/ids.js';
import { alwaysOpenCalendar, dueAt, expand } from '../../domain/sla/calendar.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import type { HoursOf } from '../../domain/sla/explain.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import type { CalendarRef } from '../../domain/sla/policy.js';
import type { Windows } from '../../domain/sla/windows.js';
import type { Instant } from '../../domain/time.js';

/** A stretch of time that is counted by a calendar. */
export interface Counted {
  readonly calendar: CalendarRef;
  readonly from: Instant;
  readonly to: Instant;
}

export interface Hours {
  readonly calendar: (ref: CalendarRef) => Calendar;
  /** Open hours that cover the stretches of each calendar. */
  readonly covering: (stretches: readonly Counted[]) => HoursOf;
  /** When seconds of open time that begin to count at an instant are used up; null beyond the horizon. */
  readonly dueAfter: (ref: CalendarRef, from: Instant, seconds: number) => Instant | null;
}

/** Loads each revision once. */
export async function readHours(tx: TenantTx, tenant: TenantId, refs: readonly CalendarRef[]): Promise<Hours> {
  const calendars = new Map<string, Calendar>();
  for (const ref of refs) {
    const key = keyOf(ref);
    if (!calendars.has(key)) calendars.set(key, await load(tx, tenant, ref));
  }
  const calendar = (ref: CalendarRef): Calendar => {
    const found = calendars.get(keyOf(ref));
    if (found === undefined) throw new Error('a calendar nobody asked for');
    return found;
  };
  return {
    calendar,
    covering: (stretches) => {
      const expanded = new Map<string, Windows>();
      return (ref) => {
        const key = keyOf(ref);
        const windows = expanded.get(key) ?? covering(calendar(ref), ref, stretches);
        expanded.set(key, windows);
        return windows;
      };
    },
    dueAfter: (ref, from, seconds) => {
      // A budget that is used up to the last second is over as soon as it counts.
      if (seconds <= 0) return from;
      const due = dueAt(calendar(ref), from, seconds);
      return due.ok ? due.at : null;
    },
  };
}

const keyOf = ({ id, revision }: CalendarRef): string => `${id}.${revision}`;

async function load(tx: TenantTx, tenant: TenantId, ref: CalendarRef): Promise<Calendar> {
  if (ref.id === alwaysOpen) return alwaysOpenCalendar;
  const found = await findCalendarBody(tx, tenant, ref);
  if (found === undefined) throw new Error('a calendar that a clock names is never removed');
  return found;
}

function covering(calendar: Calendar, ref: CalendarRef, stretches: readonly Counted[]): Windows {
  const own = stretches.filter((stretch) => keyOf(stretch.calendar) === keyOf(ref));
  const from = Math.min(...own.map((stretch) => stretch.from));
  const until = Math.max(...own.map((stretch) => stretch.to));
  const windows = expand(calendar, ref, { from, until, zoneData: process.versions['tz'] ?? '' });
  if (windows === 'horizon') throw new Error('an expansion that needs nothing always ends');
  return windows;
}
