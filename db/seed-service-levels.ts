/** Service levels of the demo tenant: office hours for all, the clock round for what is urgent. */
import { PolicySetBody } from '../domain/sla/schema.js';
import type { CalendarBody } from '../domain/sla/schema.js';
import type { TenantId } from '../domain/ids.js';
import type { TenantTx } from './client.js';

const officeHours = [['09:00', '17:00']] satisfies [string, string][];
const office: CalendarBody = {
  zone: 'Europe/Berlin',
  weekly: { mon: officeHours, tue: officeHours, wed: officeHours, thu: officeHours, fri: officeHours },
  overrides: {},
};

const minutes = (count: number): number => count * 60;
const hours = (count: number): number => count * 3_600;
const workdays = (count: number): number => hours(8 * count);

/** What is stored is complete, as if it had been published. */
const demoPolicies = PolicySetBody.parse({
  policies: [
    {
      id: 'urgent',
      name: 'Urgent, round the clock',
      match: [{ field: 'priority', op: 'in', values: ['urgent'] }],
      calendar: { use: 'policy', id: '24x7' },
      targets: {
        first_response: { urgent: minutes(15) },
        next_response: { urgent: minutes(30) },
        resolution: { urgent: hours(4) },
      },
      rungs: [
        {
          id: 'first-reply-soon',
          clock: 'first_response',
          when: { before: minutes(5) },
          actions: [{ notify: { to: ['assignee', 'lead'], channel: 'email' } }],
        },
        {
          id: 'three-quarters',
          clock: 'resolution',
          when: { percent: 75 },
          actions: [{ notify: { to: ['assignee', 'lead'], channel: 'email' } }],
        },
        {
          id: 'late',
          clock: 'resolution',
          when: 'at_breach',
          level: 1,
          actions: [
            { notify: { to: ['assignee', 'lead'], channel: 'email' } },
            { open_escalation: { to: { kind: 'lead' }, ackWithin: minutes(30) } },
          ],
        },
        {
          id: 'an-hour-late',
          clock: 'resolution',
          when: { after: hours(1) },
          level: 2,
          whilePaused: true,
          actions: [
            { notify: { to: ['role:admin'], channel: 'email' } },
            { open_escalation: { to: { kind: 'admin' }, ackWithin: minutes(30) } },
          ],
        },
      ],
    },
    {
      id: 'standard',
      name: 'Standard, in office hours',
      calendar: { use: 'policy', id: 'office' },
      targets: {
        first_response: { low: workdays(1), medium: hours(4), high: hours(2) },
        next_response: { low: workdays(1), medium: hours(4), high: hours(2) },
        resolution: { low: workdays(5), medium: workdays(3), high: workdays(1) },
      },
      rungs: [
        {
          id: 'first-reply-soon',
          clock: 'first_response',
          when: { before: minutes(30) },
          actions: [{ notify: { to: ['assignee', 'lead'], channel: 'email' } }],
        },
        {
          id: 'four-fifths',
          clock: 'resolution',
          when: { percent: 80 },
          actions: [{ notify: { to: ['assignee'], channel: 'email' } }],
        },
        {
          id: 'late',
          clock: 'resolution',
          when: 'at_breach',
          level: 1,
          actions: [
            { notify: { to: ['assignee', 'lead'], channel: 'email' } },
            { open_escalation: { to: { kind: 'lead' }, ackWithin: hours(2) } },
          ],
        },
      ],
    },
  ],
});

/** Calendar `office`, policy set 1 and a fallback recipient, where there is none of them yet. */
export async function seedServiceLevels(tx: TenantTx, tenantId: TenantId, fallbackRecipient: string): Promise<void> {
  const createdBy = 'system/seed';
  await tx
    .insertInto('slaCalendar')
    .values({ tenantId, id: 'office', name: 'Office hours' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('slaCalendarRevision')
    .values({ tenantId, calendarId: 'office', revision: 1, body: JSON.stringify(office), createdBy })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('slaPolicySet')
    .values({ tenantId, revision: 1, policies: JSON.stringify(demoPolicies.policies), mode: 'new_tickets', createdBy })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .updateTable('tenant')
    .set({ settings: JSON.stringify({ fallbackRecipient }) })
    .where('tenantId', '=', tenantId)
    .where('settingsRevision', '=', 1)
    .execute();
}
