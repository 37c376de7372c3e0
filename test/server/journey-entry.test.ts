/** Entries, events and schedules with real workflows: what a relay brings, and what Temporal makes of two at once. Source: journeys.md, sections 1, 2, 11 and 13. */
import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createInterests } from '../../activities/journey-entry-interests.js';
import type { JourneyMessages } from '../../activities/journey-entry-ports.js';
import { createEventRouting } from '../../activities/journey-entry-routing.js';
import { createScheduleFiring } from '../../activities/journey-entry-schedule.js';
import { createTemplates } from '../../activities/journey-templates.js';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import { withTenant } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { storeInboundEvent } from '../../db/queries/inbound-events.js';
import type { NewEvent } from '../../db/queries/inbound-events.js';
import { insertUser } from '../../db/queries/users.js';
import { demo } from '../../db/seed.js';
import type { Opening } from '../../domain/journey/entry/enter.js';
import { createGuards } from '../../domain/journey/guard.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { second } from '../../domain/time.js';
import { createLogger } from '../../logger.js';
import { startEventRelay } from '../../worker/event-relay.js';
import type { EventRelay } from '../../worker/event-relay.js';
import { createJourneyMessages } from '../../worker/journey-messages.js';
import { createScheduleSync } from '../../worker/journey-schedules.js';
import { journeyScheduleId } from '../../workflows/journey/schedule-start.js';
import { journeyWorkflowId } from '../../workflows/journey/start.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { JourneyDesk } from '../support/journey-run.js';

const { tenant } = demo;
let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: JourneyDesk;
let relay: EventRelay;
let messages: JourneyMessages;
let prefix = 0;

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  const firing = createScheduleFiring({ db: database.db });
  desk = await JourneyDesk.open({ client: env.client, connection: env.nativeConnection, namespace: 'usher', database, activities: firing });
  messages = createJourneyMessages({ client: env.client, queueSuffix: desk.queueSuffix, continueAfter: 1_000 });
  const interests = createInterests({ db: database.db, templates: createTemplates({ db: database.db }) });
  const deps = { db: database.db, guards: createGuards(), journeys: messages, newId: randomUUID, now: Date.now };
  relay = startEventRelay({
    relay: database.relay,
    routing: createEventRouting({ ...deps, interests }),
    log: createLogger({ level: 'silent', pretty: false, name: 'test' }),
  });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await desk.rest();
  await database[Symbol.asyncDispose]();
  await env.teardown();
});
beforeEach(async () => {
  prefix += 1;
  await withTenant(database.db, tenant, (tx) => tx.updateTable('journeyTemplateVersion').set({ status: 'archived' }).execute());
});

const named = (name: string): string => `${name}${prefix}`;

async function publish(changes: Partial<JourneyTemplate> = {}): Promise<string> {
  const template: JourneyTemplate = {
    key: named('entry'),
    name: 'Entry',
    category: 'custom',
    subject: { type: 'customer', id: 'customerId' },
    input: { type: 'object', properties: { customerId: { type: 'string' }, plan: { type: 'string' } }, required: ['customerId'] },
    context: { plan: { schema: { type: 'string' } } },
    triggers: [
      { id: 'lead', kind: 'event', type: 'crm:lead_converted' },
      { id: 'created', kind: 'event', type: 'crm:customer_created' },
    ],
    start: 'paid',
    steps: {
      paid: {
        kind: 'wait',
        event: [{ type: 'billing-system:paid', outcome: 'paid' }],
        max: 'P9D',
        onMax: 'incident',
        transitions: [{ to: 'end', outcome: 'paid' }],
      },
      end: { kind: 'end', outcome: 'done', result: 'won' },
    },
    ...changes,
  };
  await publishBuiltInsOf(database.db, tenant, [template]);
  return template.key;
}

const happen = async (changes: Partial<NewEvent> & Pick<NewEvent, 'type'>): Promise<string> => {
  const event = { id: randomUUID(), source: 'test', at: Date.now(), data: {}, ...changes };
  await withTenant(database.db, tenant, (tx) => storeInboundEvent(tx, tenant, event, 'service/test'));
  return event.id;
};
const journeysOf = (key: string) =>
  withTenant(database.db, tenant, (tx) =>
    tx
      .selectFrom('journey')
      .select(['id', 'status', 'result', 'context', 'triggerEventId', 'entry'])
      .where('templateKey', '=', key)
      .orderBy('startedAt')
      .execute(),
  );
const entriesOf = (key: string) =>
  withTenant(database.db, tenant, (tx) =>
    tx.selectFrom('journeyEntry').select(['result', 'reason']).where('templateKey', '=', key).orderBy('at').execute(),
  );
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 120 * second, interval: 50 });

test('S3: two events of one customer start one journey; the second is attached and fills what is empty', async () => {
  const key = await publish({ entry: { onDuplicate: 'signal' } });
  await happen({ type: 'crm:lead_converted', customerId: named('C') });
  await happen({ type: 'crm:customer_created', customerId: named('C'), data: { plan: 'gold' } });
  await until(async () => {
    expect(await journeysOf(key)).toMatchObject([{ status: 'active', context: { plan: 'gold' } }]);
    expect(await entriesOf(key)).toEqual([
      { result: 'started', reason: null },
      { result: 'signalled', reason: 'already_active' },
    ]);
  });
});

test('S1 and S9: an event ends a journey, and re-entry never starts no other', async () => {
  const key = await publish({ entry: { reentry: 'never' } });
  const id = await happen({ type: 'crm:lead_converted', customerId: named('C') });
  await until(async () => expect(await journeysOf(key)).toMatchObject([{ status: 'active', triggerEventId: id }]));
  await happen({ type: 'billing-system:paid', customerId: named('C') });
  await until(async () => expect(await journeysOf(key)).toMatchObject([{ status: 'completed', result: 'won' }]));
  await happen({ type: 'crm:lead_converted', customerId: named('C') });
  await until(async () =>
    expect(await entriesOf(key)).toEqual([
      { result: 'started', reason: null },
      { result: 'refused', reason: 'reentry_not_allowed' },
    ]),
  );
  expect(await journeysOf(key)).toHaveLength(1);
});

test('events that come together, of many customers, start one journey each', async () => {
  const key = await publish({ entry: { onDuplicate: 'signal' } });
  const customers = Array.from({ length: 12 }, (_, n) => `${named('C')}-${n}`);
  await Promise.all(
    customers.flatMap((customerId) => [
      happen({ type: 'crm:lead_converted', customerId }),
      happen({ type: 'crm:customer_created', customerId }),
    ]),
  );
  await until(async () => expect(await entriesOf(key)).toHaveLength(24));
  expect(await journeysOf(key)).toHaveLength(12);
  await Promise.all(customers.map((customerId) => happen({ type: 'billing-system:paid', customerId })));
  await until(async () => {
    const rows = await journeysOf(key);
    expect(rows.map(({ status }) => status)).toEqual(customers.map(() => 'completed'));
  });
});

const vote = { approvers: { roles: ['lead'] }, quorum: 'all', eligible: 'dynamic', within: 'P1D', onTimeout: 'incident' } as const;
const decided = [
  { to: 'end', outcome: 'approved' },
  { to: 'end', outcome: 'rejected' },
];

test.each<[string, JourneyTemplate['steps'][string]]>([
  ['a step', { kind: 'approval', ...vote, transitions: decided }],
  [
    'a handoff',
    {
      kind: 'handoff',
      from: 'crm',
      to: 'field-ops',
      mode: 'approve',
      approval: vote,
      onReturn: 'end',
      transitions: [
        { to: 'end', outcome: 'completed' },
        { to: 'end', outcome: 'rejected' },
      ],
    },
  ],
])('somebody gets another role: an open vote of %s with a dynamic electorate hears of it', async (_where, consent) => {
  const end = { kind: 'end', outcome: 'done', result: 'won' } as const;
  const key = await publish({ start: 'consent', steps: { consent, end } });
  await happen({ type: 'crm:lead_converted', customerId: named('C') });
  const required = () =>
    withTenant(database.db, tenant, async (tx) => {
      const rows = await tx
        .selectFrom('approval')
        .innerJoin('journey', (join) =>
          join.onRef('journey.tenantId', '=', 'approval.tenantId').onRef('journey.id', '=', 'approval.journeyId'),
        )
        .select('approval.required')
        .where('journey.templateKey', '=', key)
        .execute();
      return rows.map((row) => row.required);
    });
  await until(async () => expect(await required()).toHaveLength(1));
  const [before = 0] = await required();
  await withTenant(database.db, tenant, async (tx) => {
    const id = randomUUID();
    await insertUser(tx, tenant, { id, name: 'Lea', email: `${id}@desk.example`, membership: { role: 'lead', products: null, teams: [] } });
    const doer = { tenant, actor: `user/${demo.admin}`, role: 'admin', commandId: randomUUID() };
    await recordAdminEvent(tx, doer, { subject: `user/${id}`, type: 'user.added' });
  });
  await until(async () => expect(await required()).toEqual([before + 1]));
});

const opening = async (commandId: string): Promise<Opening> => {
  const key = named('entry');
  const [version] = await withTenant(database.db, tenant, (tx) =>
    tx.selectFrom('journeyTemplateVersion').select(['version', 'hash']).where('key', '=', key).execute(),
  );
  return {
    journeyId: `JRN-${String(prefix).padStart(16, '0')}`,
    tenant,
    template: { key, version: version?.version ?? 0, hash: version?.hash ?? '' },
    subject: { type: 'customer', id: named('C') },
    entryKey: `customer/${named('C')}`,
    entry: 1,
    input: { customerId: named('C') },
    requester: null,
    trigger: null,
    parent: null,
    startedAt: Date.now(),
    commandId,
    actor: 'system/trigger',
  };
};

describe('a journey that is opened', () => {
  test('by two at once is one: the first has started it, the other finds it', async () => {
    await publish();
    const commands = ['c-1', 'c-2', 'c-3', 'c-4'];
    const answers = await Promise.all(commands.map(async (commandId) => messages.open(await opening(commandId))));
    expect(answers.filter((answer) => answer === 'started')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'existing')).toHaveLength(3);
    const winner = commands[answers.indexOf('started')] ?? '';
    expect(await messages.open(await opening(winner))).toBe('started');
  });

  test('and is over takes nothing any more', async () => {
    await publish();
    const start = await opening('c-1');
    expect(await messages.open(start)).toBe('started');
    const attachment = { commandId: 'c-2', actor: 'system/trigger', input: { plan: 'gold' }, eventId: 'e-1' } as const;
    expect(await messages.attach(start.journeyId, attachment)).toBe('attached');
    const paid = await happen({ type: 'billing-system:paid', customerId: named('C') });
    await until(async () => expect(await journeysOf(named('entry'))).toMatchObject([{ status: 'completed' }]));
    await env.client.workflow.getHandle(journeyWorkflowId(start.journeyId)).result();
    // The same command gets its first answer, as long as the server remembers.
    expect(await messages.open(start)).toBe('started');
    expect(await messages.open(await opening('c-9'))).toBe('over');
    expect(await messages.attach(start.journeyId, { ...attachment, commandId: 'c-3' })).toBe('over');
    expect(await messages.tell(start.journeyId, { id: paid, type: 'billing-system:paid', at: Date.now() })).toBe('gone');
  });
});

const weekly = (rrule: string) =>
  ({ triggers: [{ id: 'weekly', kind: 'schedule', rrule, zone: 'Europe/Berlin', map: { customerId: 'subject.id' } }] }) as const;

const scheduleOf = (key: string) =>
  env.client.schedule.getHandle(journeyScheduleId({ tenant, template: key, trigger: 'weekly' }, desk.queueSuffix));

const sync = () =>
  createScheduleSync({
    client: env.client,
    relay: database.relay,
    interests: createInterests({ db: database.db, templates: createTemplates({ db: database.db }) }),
    queueSuffix: desk.queueSuffix,
  });

describe('a schedule', () => {
  test('is there while its template is published, as it says, and fires', async () => {
    const round = sync();
    await round();
    const key = await publish(weekly('FREQ=WEEKLY;BYDAY=MO;BYHOUR=9'));
    expect(await round()).toBe(1);
    expect(await round()).toBe(0);
    expect((await scheduleOf(key).describe()).spec).toMatchObject({
      timezone: 'Europe/Berlin',
      calendars: [{ dayOfWeek: [{ start: 'MONDAY' }], hour: [{ start: 9 }], minute: [{ start: 0 }] }],
    });
    await scheduleOf(key).trigger();
    await until(async () => {
      const rows = await withTenant(database.db, tenant, (tx) =>
        tx.selectFrom('inboundEvent').select(['data', 'state']).where('type', '=', 'usher.scheduled').execute(),
      );
      expect(rows).toMatchObject([{ data: { template: key, trigger: 'weekly' }, state: 'routed' }]);
    });
    // Everybody who is known enters: the customers of the demo.
    await until(async () => expect((await journeysOf(key)).length).toBeGreaterThan(0));

    await publish({ ...weekly('FREQ=DAILY;BYHOUR=8'), key });
    // A worker that starts anew does not know what is there.
    await sync()();
    expect((await scheduleOf(key).describe()).spec).toMatchObject({ calendars: [{ hour: [{ start: 8 }] }] });
    await withTenant(database.db, tenant, (tx) =>
      tx.updateTable('journeyTemplateVersion').set({ status: 'deprecated' }).where('key', '=', key).execute(),
    );
    await round();
    await expect(scheduleOf(key).describe()).rejects.toThrow(/not found/i);
  });
});
