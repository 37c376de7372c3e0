/** Keeps a Temporal Schedule for each schedule trigger of a published template, and for nothing else. Source: scripts.md, section 3. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { CalendarSpec, Client, DayOfWeek, ScheduleOptions, ScheduleSpec } from '@temporalio/client';
import type { InterestsOf } from '../activities/journey-entry-interests.js';
import { scheduleZone } from '../activities/journey-entry-schedule.js';
import type { Db } from '../db/client.js';
import { listTenants } from '../db/queries/event-relay.js';
import type { EntryTemplate } from '../domain/journey/entry/enter.js';
import { recurrenceOf } from '../domain/journey/entry/schedule.js';
import type { ScheduleCalendar } from '../domain/journey/entry/schedule.js';
import type { TenantId } from '../domain/ids.js';
import { minute } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { journeyScheduleId, journeySchedulePrefix, journeyScheduleWorkflowType } from '../workflows/journey/schedule-start.js';
import { taskQueue } from '../workflows/names.js';
import type { JourneyScheduleStart } from '../workflows/journey/schedule-start.js';
import { startRounds } from './rounds.js';

export interface JourneyScheduleOptions {
  readonly client: Client;
  /** Pool of the role usher_relay: it alone knows which tenants there are. */
  readonly relay: Db;
  readonly interests: InterestsOf;
  readonly queueSuffix: string;
  readonly log: Logger;
}

/** A schedule that is wanted, as far as its template says. */
interface Wanted {
  readonly start: JourneyScheduleStart;
  readonly spec: ScheduleSpec;
}

const pause = minute;
const days: readonly DayOfWeek[] = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];
const every = { minute: { start: 0, end: 59 }, hour: { start: 0, end: 23 } } as const;

/** @returns one round; told which schedules the round before left, it asks the server only about what has changed */
export function createScheduleSync({ client, relay, interests, queueSuffix }: Omit<JourneyScheduleOptions, 'log'>): () => Promise<number> {
  let known: ReadonlyMap<string, string> | null = null;
  return async () => {
    const wanted = new Map<string, Wanted>();
    for (const tenant of await listTenants(relay)) {
      for (const template of (await interests(tenant)).published) {
        for (const one of wantedBy(tenant, template)) wanted.set(journeyScheduleId(one.start, queueSuffix), one);
      }
    }
    const stamps = new Map(Array.from(wanted, ([id, { spec }]) => [id, JSON.stringify(spec)] as const));
    const before = known ?? (await listed(client, journeySchedulePrefix(queueSuffix)));
    let changes = 0;
    for (const [id, one] of wanted) {
      if (before.get(id) === stamps.get(id)) continue;
      await put(client, id, one, queueSuffix);
      changes += 1;
    }
    for (const id of before.keys()) {
      if (wanted.has(id)) continue;
      await remove(client, id);
      changes += 1;
    }
    known = stamps;
    return changes;
  };
}

function wantedBy(tenant: TenantId, { key, compiled }: EntryTemplate): Wanted[] {
  return (compiled.triggers ?? []).flatMap((trigger) => {
    if (trigger.kind !== 'schedule' || trigger.rrule === undefined) return [];
    const { calendar } = recurrenceOf(trigger.rrule, scheduleZone(trigger, compiled));
    const spec = { calendars: [calendarSpec(calendar)], timezone: calendar.zone };
    return [{ start: { tenant, template: key, trigger: trigger.id }, spec }];
  });
}

const calendarSpec = ({ minutes, hours, weekdays }: ScheduleCalendar): CalendarSpec => ({
  second: 0,
  minute: minutes === null ? every.minute : [...minutes],
  hour: hours === null ? every.hour : [...hours],
  ...(weekdays === null ? {} : { dayOfWeek: weekdays.flatMap((day) => days[day] ?? []) }),
});

/** Ids of what is there at the first round; what they say is not known, so they are written anew. */
async function listed(client: Client, prefix: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const { scheduleId } of client.schedule.list()) if (scheduleId.startsWith(prefix)) found.set(scheduleId, '');
  return found;
}

async function put(client: Client, scheduleId: string, { start, spec }: Wanted, queueSuffix: string): Promise<void> {
  const options: ScheduleOptions = {
    scheduleId,
    spec,
    action: {
      type: 'startWorkflow',
      workflowType: journeyScheduleWorkflowType,
      workflowId: scheduleId,
      taskQueue: taskQueue('core', queueSuffix),
      args: [start],
    },
    // After an outage the newest time counts: who has been waited for is found at any of them.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1h' },
  };
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update((present) => ({ ...present, spec: options.spec, action: options.action }));
  }
}

async function remove(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** Starts the rounds; disposing waits for one that is under way. */
export function startJourneySchedules({ log, ...options }: JourneyScheduleOptions): AsyncDisposable {
  const sync = createScheduleSync(options);
  return startRounds({
    async round() {
      const changes = await sync();
      if (changes > 0) log.info({ changes }, 'schedules of journeys follow their templates');
      return pause;
    },
    onFailed(error) {
      log.warn({ err: error }, 'schedules of journeys not looked at, will be tried again');
      return pause;
    },
  });
}
