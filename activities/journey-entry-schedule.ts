/** Schedule triggers: each time becomes an event of our own, which the relay brings to the subjects page by page. Source: journeys.md, section 2. */
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { storeInboundEvents } from '../db/queries/inbound-events.js';
import type { NewEvent } from '../db/queries/inbound-events.js';
import { findEntryTemplate } from '../db/queries/journey-entry.js';
import type { CompiledTemplate } from '../domain/journey/compile.js';
import type { CompiledTrigger } from '../domain/journey/entry/entry.js';
import { isTurn, recurrenceOf } from '../domain/journey/entry/schedule.js';
import { localMs } from '../domain/journey/zone.js';
import { minute, toIso } from '../domain/time.js';
import type { EntryActivities } from './contract.js';
import { withoutText } from './failures.js';
import { scheduled } from './journey-entry-interests.js';

/** Where a schedule's hours are: the trigger's zone, else the template's, else UTC. */
export const scheduleZone = ({ zone }: CompiledTrigger, { defaults }: CompiledTemplate): string => zone ?? defaults?.timezone ?? 'UTC';

export const createScheduleFiring = ({ db }: { readonly db: Db }): Pick<EntryActivities, 'fireSchedule'> => ({
  fireSchedule: ({ tenant, template: key, trigger: id, at }) =>
    withoutText('journey.retry', () =>
      withTenant(db, tenant, async (tx) => {
        const template = await findEntryTemplate(tx, tenant, key);
        const trigger = template?.compiled.triggers?.find((one) => one.id === id && one.kind === 'schedule');
        if (template === undefined || trigger?.rrule === undefined) return;
        const zone = scheduleZone(trigger, template.compiled);
        if (!isTurn(recurrenceOf(trigger.rrule, zone), localMs(zone, at))) return;
        // A run that was late within its minute is the same time.
        const due = Math.floor(at / minute) * minute;
        const event: NewEvent = {
          id: `schedule/${key}/${id}/${toIso(due)}`,
          type: scheduled,
          source: 'usher',
          at: due,
          data: { template: key, trigger: id, after: null },
        };
        await storeInboundEvents(tx, tenant, [event], 'system/schedule');
      }),
    ),
});
