/** Calendars of service levels. */
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { isoOrNull } from '../tickets/view.js';
import { assertCalendar, assertStillReached, calendarErrors } from './checks.js';
import { readHolidays } from './holidays.js';
import { CalendarBody } from './schema.js';
import type {
  CalendarPreview,
  CalendarPreviewView,
  CalendarQuery,
  CalendarView,
  CreateCalendar,
  HolidaysView,
  ImportHolidays,
  Validation,
  WindowsQuery,
  WindowsView,
} from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import {
  createCalendar,
  deleteCalendar,
  findCalendar,
  insertRevision,
  isCalendarUsed,
  listCalendars,
  lockCalendar,
  retireCalendar,
} from '../../db/queries/calendars.js';
import type { CalendarRecord } from '../../db/queries/calendars.js';
import { currentPolicySet } from '../../db/queries/policy-sets.js';
import { alwaysOpenCalendar, dueAt, expand } from '../../domain/sla/calendar.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import { day, fromIso, toIso } from '../../domain/time.js';

export type CalendarService = ReturnType<typeof createCalendarService>;

/** Longest stretch of windows one answer holds. */
const mostDays = 400;

export function createCalendarService({ keys, now }: Pick<Deps, 'keys' | 'now'>, engine: Pick<TicketEngine, 'within'>) {
  const find = async (reader: Reader, id: string, revision?: number): Promise<Shown> => {
    if (id === alwaysOpen && (revision ?? 1) === 1) return builtIn;
    const found = await engine.within(reader, (tx) => findCalendar(tx, reader.principal.tenant, id, revision));
    if (found === undefined) throw new Refusal('not_found');
    return found;
  };

  /** Changes a calendar that is there and, when the caller says which, at its expected revision. */
  const change = (caller: Caller, id: string, work: (tx: TenantTx, present: CalendarRecord) => Promise<void>): Promise<CalendarRecord> =>
    engine.within(caller, async (tx) => {
      const { tenant } = caller.principal;
      await takeKey(tx, caller);
      if (id === alwaysOpen) throw new Refusal('still_in_use', { detail: 'This calendar is built in.' });
      const present = await lockCalendar(tx, tenant, id);
      if (present === undefined) throw new Refusal('not_found');
      if (caller.expected !== null && caller.expected !== present.revision) {
        throw new Refusal('version_mismatch', { members: { current: present.revision } });
      }
      await work(tx, present);
      return (await findCalendar(tx, tenant, id)) ?? present;
    });

  return {
    /** Without the built-in calendar. */
    async list(reader: Reader, { limit, cursor }: CalendarQuery): Promise<Page<CalendarView>> {
      const binding = cursorBinding(reader.principal, 'sla-calendars', {});
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listCalendars(tx, reader.principal.tenant, { limit, ...after }));
      return pageOf(rows, limit, calendarView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<{ view: CalendarView; etag: string }> {
      const found = await find(reader, id);
      return { view: calendarView(found), etag: etagOf(found) };
    },

    async create(caller: Caller, { id, name, ...body }: CreateCalendar): Promise<Answer> {
      assertCalendar(body);
      const { tenant, actor } = caller.principal;
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        if (id === alwaysOpen || !(await createCalendar(tx, tenant, { id, name, body, by: actor }))) throw new Refusal('calendar_taken');
        await recordAudit(tx, accountable(caller), { action: 'calendar.created', subject: `calendar/${id}`, changes: { revision: 1 } });
        return findCalendar(tx, tenant, id);
      });
      if (made === undefined) throw new Error('a calendar just stored is not there');
      return { status: 201, body: calendarView(made), headers: { location: `/v1/sla/calendars/${id}`, etag: etagOf(made) } };
    },

    /** Publishes the next revision: for new tickets, and those that change team from now on; what runs keeps its own. */
    async publish(caller: Caller, id: string, body: CalendarBody): Promise<Answer> {
      assertCalendar(body);
      const { tenant, actor } = caller.principal;
      const published = await change(caller, id, async (tx, { revision }) => {
        assertStillReached(await currentPolicySet(tx, tenant), id, body, now());
        await insertRevision(tx, tenant, { id, revision: revision + 1, body, by: actor });
        const changes = { revision: revision + 1 };
        await recordAudit(tx, accountable(caller), { action: 'calendar.published', subject: `calendar/${id}`, changes });
      });
      return { status: 201, body: calendarView(published), headers: { location: `/v1/sla/calendars/${id}`, etag: etagOf(published) } };
    },

    async retire(caller: Caller, id: string): Promise<Answer> {
      const retired = await change(caller, id, async (tx) => {
        await retireCalendar(tx, caller.principal.tenant, id, new Date(now()));
        await recordAudit(tx, accountable(caller), { action: 'calendar.retired', subject: `calendar/${id}` });
      });
      return { status: 200, body: calendarView(retired), headers: { etag: etagOf(retired) } };
    },

    async remove(caller: Caller, id: string): Promise<Answer> {
      const { tenant } = caller.principal;
      await change(caller, id, async (tx) => {
        if (caller.expected === null) throw new Refusal('version_required');
        if (await isCalendarUsed(tx, tenant, id)) throw new Refusal('still_in_use');
        await deleteCalendar(tx, tenant, id);
        await recordAudit(tx, accountable(caller), { action: 'calendar.removed', subject: `calendar/${id}` });
      });
      return { status: 204 };
    },

    validate(body: CalendarBody): Validation {
      const errors = calendarErrors(body);
      return { isValid: errors.length === 0, errors };
    },

    preview({ calendar, samples }: CalendarPreview): CalendarPreviewView {
      assertCalendar(calendar, '/calendar');
      return {
        samples: samples.map(({ start, budgetS }) => {
          const from = fromIso(start);
          return { start: toIso(from), budgetS, ...dueView(dueAt(calendar, from, budgetS)) };
        }),
      };
    },

    importHolidays({ ical }: ImportHolidays): HolidaysView {
      const read = readHolidays(ical, new Date(now()).getUTCFullYear());
      if (read === null) {
        throw new Refusal('calendar_invalid', { errors: [{ pointer: '/ical', code: 'unreadable', message: 'is no iCalendar file' }] });
      }
      return {
        overrides: Object.fromEntries(read.holidays.map(({ date }) => [date, []])),
        holidays: [...read.holidays],
        skipped: [...read.skipped],
      };
    },

    async windows(reader: Reader, id: string, { from, until, revision }: WindowsQuery): Promise<WindowsView> {
      const reach = { from: fromIso(from), until: fromIso(until), zoneData: process.versions['tz'] ?? '' };
      if (reach.until <= reach.from || reach.until - reach.from > mostDays * day) {
        const message = `must be after from, by ${mostDays} days at most`;
        throw new Refusal('unknown_parameter', { errors: [{ pointer: 'until', code: 'invalid', message }] });
      }
      const found = await find(reader, id, revision);
      const expanded = expand(found.body, found, reach);
      if (expanded === 'horizon') throw new Error('an expansion that needs nothing always ends');
      return {
        calendar: id,
        revision: found.revision,
        from: toIso(expanded.from),
        until: toIso(expanded.until),
        windows: expanded.windows.map(([open, close]) => ({ open: toIso(open), close: toIso(close) })),
        zoneData: expanded.zoneData,
      };
    },
  };
}

type Shown = Omit<CalendarRecord, 'createdAt' | 'publishedAt'> & { readonly createdAt: Date | null; readonly publishedAt: Date | null };

const builtIn: Shown = {
  id: alwaysOpen,
  name: 'Always open',
  revision: 1,
  body: CalendarBody.parse(alwaysOpenCalendar),
  createdAt: null,
  publishedAt: null,
  retiredAt: null,
};

const etagOf = ({ revision }: Pick<CalendarRecord, 'revision'>): string => `"${revision}"`;

const calendarView = ({ id, name, revision, body, createdAt, publishedAt, retiredAt }: Shown): CalendarView => ({
  id,
  name,
  revision,
  ...body,
  retiredAt: isoOrNull(retiredAt),
  createdAt: isoOrNull(createdAt),
  publishedAt: isoOrNull(publishedAt),
});

/** How `dueAt` answers, as it is shown. */
export const dueView = (due: ReturnType<typeof dueAt>) => (due.ok ? { dueAt: toIso(due.at), code: null } : { dueAt: null, code: due.code });
