/** Entries and events on a real PostgreSQL: what triggers lead to, who is told, and what a repetition changes. Source: journeys.md, sections 2, 10, 11 and 13. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createChildEntry } from '../../activities/journey-entry.js';
import { createInterests } from '../../activities/journey-entry-interests.js';
import { createEventRouting } from '../../activities/journey-entry-routing.js';
import type { EventRouting } from '../../activities/journey-entry-routing.js';
import { createScheduleFiring } from '../../activities/journey-entry-schedule.js';
import { createTemplates } from '../../activities/journey-templates.js';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import { withTenant } from '../../db/client.js';
import { storeInboundEvent } from '../../db/queries/inbound-events.js';
import type { NewEvent } from '../../db/queries/inbound-events.js';
import { noteSubject } from '../../db/queries/journey-subject.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { createGuards } from '../../domain/journey/guard.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { day, fromIso } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { JourneysInDatabase } from '../support/journeys.js';

const { tenant } = demo;
const guards = createGuards();
let database: TestDatabase;
let journeys: JourneysInDatabase;
let routing: EventRouting;
let now = noon;
let prefix = 0;

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
});
afterAll(() => database[Symbol.asyncDispose]());

const deps = () => ({ db: database.db, guards, journeys, newId: randomUUID, now: () => now });
beforeEach(async () => {
  await withTenant(database.db, tenant, (tx) => tx.updateTable('journeyTemplateVersion').set({ status: 'archived' }).execute());
  journeys = new JourneysInDatabase(database.db);
  routing = createEventRouting({
    ...deps(),
    interests: createInterests({ db: database.db, templates: createTemplates({ db: database.db }) }),
  });
  now = noon;
  prefix += 1;
});

/** A name that no other test has. */
const named = (name: string): string => `${name}${prefix}`;

async function publish(changes: Partial<JourneyTemplate>): Promise<string> {
  const template: JourneyTemplate = {
    key: named('journey'),
    name: 'Journey',
    category: 'custom',
    subject: { type: 'customer', id: 'customerId' },
    input: {
      type: 'object',
      properties: { customerId: { type: 'string' }, leadId: { type: 'string' }, issue: { type: 'string' } },
      required: ['customerId'],
    },
    start: 'call',
    steps: {
      call: { kind: 'manual', assign: { roles: ['admin'] }, transitions: [{ to: 'end' }] },
      end: { kind: 'end', outcome: 'done', result: 'won' },
    },
    ...changes,
  };
  await publishBuiltInsOf(database.db, tenant, [template]);
  return template.key;
}

const event = (changes: Partial<NewEvent> & Pick<NewEvent, 'type'>): NewEvent => ({
  id: randomUUID(),
  source: 'test',
  at: noon,
  data: {},
  ...changes,
});

/** Stores an event and does what follows from it. */
async function happen(changes: Partial<NewEvent> & Pick<NewEvent, 'type'>, times = 1): Promise<string> {
  const given = event(changes);
  await withTenant(database.db, tenant, (tx) => storeInboundEvent(tx, tenant, given, 'service/test'));
  for (let n = 0; n < times; n += 1) await routing.route({ tenant, id: given.id });
  return given.id;
}

const entries = (key: string) =>
  withTenant(database.db, tenant, (tx) =>
    tx
      .selectFrom('journeyEntry')
      .select(['result', 'reason', 'triggerId', 'eventId', 'journeyId', 'detail', 'subjectId'])
      .where('templateKey', '=', key)
      .orderBy('at')
      .orderBy('result')
      .execute(),
  );
const refusals = (key: string) =>
  withTenant(database.db, tenant, (tx) =>
    tx.selectFrom('event').select(['seq', 'type', 'data', 'entity']).where('subject', '=', `template/${key}`).orderBy('seq').execute(),
  );

const lead = {
  id: 'lead',
  kind: 'event',
  type: 'crm:lead_converted',
  map: { customerId: 'event.customerId', leadId: 'event.leadId' },
} as const;
const created = { id: 'created', kind: 'event', type: 'crm:customer_created', map: { customerId: 'event.customerId' } } as const;

const settings = (enabled: boolean) =>
  withTenant(database.db, tenant, (tx) =>
    tx
      .updateTable('tenant')
      .set({ settings: JSON.stringify({ packageIntegrations: { crm: { enabled } } }) })
      .where('tenantId', '=', tenant)
      .execute(),
  );

describe('a trigger', () => {
  test('starts a journey at once after the template was published, and one that is repeated starts no other', async () => {
    const key = await publish({ triggers: [lead] });
    const id = await happen({ type: lead.type, customerId: named('C'), leadId: 'L1' }, 3);
    expect([...journeys.journeys.values()].map(({ opening }) => opening)).toMatchObject([
      {
        template: { key, version: 1 },
        subject: { type: 'customer', id: named('C') },
        trigger: { id: 'lead', eventId: id },
        input: { customerId: named('C'), leadId: 'L1' },
        requester: null,
        entry: 1,
      },
    ]);
    expect(await entries(key)).toMatchObject([
      { result: 'started', reason: null, triggerId: 'lead', eventId: id, journeyId: journeys.ids()[0] },
    ]);
  });

  test('S3: a second event of the same customer is attached', async () => {
    const key = await publish({ triggers: [lead, created], entry: { onDuplicate: 'signal' } });
    await happen({ type: lead.type, customerId: named('C') });
    const second = await happen({ type: created.type, customerId: named('C') }, 2);
    expect(journeys.ids()).toHaveLength(1);
    expect(journeys.attached).toMatchObject([{ journeyId: journeys.ids()[0], eventId: second, input: { customerId: named('C') } }]);
    expect((await entries(key)).map(({ result, reason }) => [result, reason])).toEqual([
      ['signalled', 'already_active'],
      ['started', null],
    ]);
  });

  test('S1 and S9: refusals have a row and an event, without gaps', async () => {
    const key = await publish({ triggers: [lead], entry: { reentry: 'never' } });
    await happen({ type: lead.type, customerId: named('C') });
    await happen({ type: lead.type, customerId: named('C') }, 2);
    await journeys.become(journeys.ids()[0] ?? '', { status: 'completed', endedAt: now, openSteps: [] });
    await happen({ type: lead.type, customerId: named('C') }, 2);
    expect(journeys.ids()).toHaveLength(1);
    expect((await entries(key)).map(({ result, reason }) => `${result} ${reason}`)).toEqual([
      'existing already_active',
      'refused reentry_not_allowed',
      'started null',
    ]);
    expect(await refusals(key)).toMatchObject([
      { seq: 1, type: 'journey.entry.refused', data: { reason: 'already_active', trigger: 'lead' }, entity: `customer/${named('C')}` },
      { seq: 2, type: 'journey.entry.refused', data: { reason: 'reentry_not_allowed' } },
    ]);
  });

  test('what was refused once stays refused, whatever has changed when the event is repeated', async () => {
    const key = await publish({ triggers: [lead] });
    await happen({ type: lead.type, customerId: named('C') });
    const given = event({ type: lead.type, customerId: named('C') });
    await withTenant(database.db, tenant, (tx) => storeInboundEvent(tx, tenant, given, 'service/test'));
    await routing.route({ tenant, id: given.id });
    await journeys.become(journeys.ids()[0] ?? '', { status: 'completed', endedAt: now, openSteps: [] });
    await routing.route({ tenant, id: given.id });
    expect(journeys.ids()).toHaveLength(1);
    expect(await entries(key)).toHaveLength(2);
  });

  test('a second entry is another journey, once the first has ended', async () => {
    await publish({ triggers: [lead] });
    await happen({ type: lead.type, customerId: named('C') });
    const [first = ''] = journeys.ids();
    await journeys.become(first, { status: 'completed', endedAt: now, openSteps: [] });
    const id = await happen({ type: lead.type, customerId: named('C') });
    await journeys.become(journeys.ids()[1] ?? '', { status: 'completed', endedAt: now, openSteps: [] });
    await routing.route({ tenant, id });
    expect([...journeys.journeys.values()].map(({ opening: { entry } }) => entry)).toEqual([1, 2]);
  });

  test('a guard without a value is noted with its path and no value', async () => {
    const key = await publish({ triggers: [{ ...lead, when: 'event.data.score > 50.0' }] });
    await happen({ type: lead.type, customerId: named('C'), data: { points: 60 } });
    expect(await entries(key)).toMatchObject([
      { result: 'refused', reason: 'guard_error', detail: { fault: { reason: 'missing', path: 'event.data.score' } } },
    ]);
    expect(journeys.ids()).toEqual([]);
  });

  test('a dedupe key holds for its window', async () => {
    const trigger = { ...lead, map: { customerId: 'event.customerId' }, dedupeKey: 'event.data.order', dedupeWindow: 'PT1H' } as const;
    const key = await publish({ triggers: [trigger], entry: { concurrency: 'unlimited' } });
    const order = { type: lead.type, customerId: named('C'), data: { order: 'O1' } } as const;
    await happen(order, 2);
    await happen(order);
    now += day;
    await happen(order);
    expect(journeys.ids()).toHaveLength(2);
    expect((await entries(key)).filter(({ reason }) => reason === 'duplicate_event')).toHaveLength(1);
  });

  test('a package that is switched off fires nothing', async () => {
    const key = await publish({ triggers: [lead] });
    await settings(false);
    await happen({ type: lead.type, customerId: named('C') });
    await settings(true);
    expect(await entries(key)).toMatchObject([{ result: 'refused', reason: 'trigger_disabled' }]);
    await happen({ type: lead.type, customerId: named('C') });
    expect(journeys.ids()).toHaveLength(1);
  });

  test('a paused template takes no entries', async () => {
    const key = await publish({ triggers: [lead] });
    await withTenant(database.db, tenant, (tx) =>
      tx
        .updateTable('journeyTemplate')
        .set({ pausedAt: new Date(noon) })
        .where('key', '=', key)
        .execute(),
    );
    await happen({ type: lead.type, customerId: named('C') });
    expect(await entries(key)).toMatchObject([{ reason: 'trigger_disabled' }]);
  });

  test('texts are stored for the journey they start', async () => {
    await publish({
      triggers: [{ ...lead, map: { customerId: 'event.customerId', issue: 'event.data.issue' } }],
      context: { issue: { schema: { type: 'string' }, pii: true } },
    });
    await happen({ type: lead.type, customerId: named('C'), data: { issue: 'Nothing works' } });
    const [lived] = journeys.journeys.values();
    const { issue } = lived?.opening.input ?? {};
    const rows = await withTenant(database.db, tenant, (tx) =>
      tx
        .selectFrom('content')
        .select(['id', 'body', 'journeyId', 'linkedAt', 'kind'])
        .where('journeyId', '=', journeys.ids()[0] ?? '')
        .execute(),
    );
    expect(rows).toMatchObject([{ body: 'Nothing works', kind: 'variable', linkedAt: expect.any(Date) }]);
    expect(issue).toEqual({ $ref: rows[0]?.id });
  });

  test('two at once make one journey', async () => {
    const key = await publish({ triggers: [lead, created], entry: { onDuplicate: 'signal' } });
    const customerId = named('C');
    const events = [
      event({ type: lead.type, customerId }),
      event({ type: created.type, customerId }),
      event({ type: lead.type, customerId }),
    ];
    for (const one of events) await withTenant(database.db, tenant, (tx) => storeInboundEvent(tx, tenant, one, 'service/test'));
    await Promise.all([...events, ...events].map(({ id }) => routing.route({ tenant, id })));
    expect(journeys.ids()).toHaveLength(1);
    expect(journeys.attached).toHaveLength(2);
    expect((await entries(key)).map(({ result }) => result).toSorted()).toEqual(['signalled', 'signalled', 'started']);
  });
});

describe('open journeys', () => {
  const waiting = {
    triggers: [lead],
    start: 'paid',
    steps: {
      paid: {
        kind: 'wait',
        event: [{ type: 'billing-system:paid' }, { type: lead.type }],
        max: 'P9D',
        onMax: 'incident',
        transitions: [{ to: 'end' }],
      },
      end: { kind: 'end', outcome: 'done', result: 'won' },
    },
  } as const satisfies Partial<JourneyTemplate>;
  /** One that waits for a payment. */
  const begin = async (changes: Partial<JourneyTemplate> = {}): Promise<string> => {
    await publish({ ...waiting, ...changes });
    await happen({ type: lead.type, customerId: named('C'), leadId: named('L') });
    const id = journeys.ids().at(-1) ?? '';
    await journeys.become(id, { openSteps: ['paid'], currentStep: 'paid' });
    return id;
  };

  test('are told of events about their subject, once, by ids alone', async () => {
    const journeyId = await begin();
    const id = await happen({ type: 'billing-system:paid', customerId: named('C'), data: { note: 'secret' } }, 2);
    expect(journeys.told).toEqual([{ journeyId, event: { id, type: 'billing-system:paid', at: expect.any(Number) } }]);
  });

  test('are not told of others, nor of what they do not wait for, nor of their own start', async () => {
    await begin();
    await happen({ type: 'billing-system:paid', customerId: named('D') });
    await happen({ type: 'billing-system:lost', customerId: named('C') });
    expect(journeys.told).toEqual([]);
  });

  test('are told of changed attributes of their subject, where something in them reads those', async () => {
    const paid = {
      kind: 'wait',
      condition: 'has(subject.usage) && subject.usage > 80.0',
      max: 'P9D',
      onMax: 'incident',
      transitions: [{ to: 'end' }],
    } as const;
    const journeyId = await begin({ steps: { ...waiting.steps, paid } });
    const change = { type: 'usher.subject_changed', source: 'usher' } as const;
    const id = await happen({ ...change, subject: `customer/${named('C')}` });
    await happen({ ...change, subject: `customer/${named('D')}` });
    expect(journeys.told).toEqual([{ journeyId, event: { id, type: change.type, at: expect.any(Number) } }]);
  });

  test('are not told where nothing in them does', async () => {
    await begin();
    await happen({ type: 'usher.subject_changed', source: 'usher', subject: `customer/${named('C')}` });
    expect(journeys.told).toEqual([]);
  });

  test('are told what names them, and only they', async () => {
    const journeyId = await begin();
    await happen({ type: 'billing-system:paid', journeyId, customerId: named('D') });
    await happen({ type: 'billing-system:paid', journeyId: 'JRN-0000000000000000', customerId: named('C') });
    expect(journeys.told.map(({ journeyId: id }) => id)).toEqual([journeyId]);
  });

  test('are told what a match declares, of the context and of the input', async () => {
    const match = { 'event.data.lead': 'input.leadId' };
    const journeyId = await begin({
      steps: { ...waiting.steps, paid: { ...waiting.steps.paid, event: [{ type: 'billing-system:paid', match }] } },
    });
    await happen({ type: 'billing-system:paid', customerId: named('C') });
    expect(journeys.told).toEqual([]);
    await happen({ type: 'billing-system:paid', data: { lead: named('L') } });
    expect(journeys.told.map(({ journeyId: id }) => id)).toEqual([journeyId]);
  });

  test('take an event away from the trigger of their own template, also when it is repeated', async () => {
    const journeyId = await begin({ entry: { concurrency: 'unlimited' } });
    const given = event({ type: lead.type, customerId: named('C') });
    await withTenant(database.db, tenant, (tx) => storeInboundEvent(tx, tenant, given, 'service/test'));
    await routing.route({ tenant, id: given.id });
    await journeys.become(journeyId, { openSteps: [], currentStep: null });
    await routing.route({ tenant, id: given.id });
    expect(journeys.told.map(({ event: { id } }) => id)).toEqual([given.id]);
    expect(journeys.ids()).toHaveLength(1);
  });

  test('leave it to the trigger where it is another’s, or nobody waits', async () => {
    const journeyId = await begin({ entry: { concurrency: 'unlimited' } });
    await happen({ type: lead.type, customerId: named('D') });
    expect(journeys.ids()).toHaveLength(2);
    await journeys.become(journeyId, { openSteps: [] });
    await happen({ type: lead.type, customerId: named('C') }, 2);
    expect(journeys.ids()).toHaveLength(3);
  });

  test('that have ended count a goal inside its window, once', async () => {
    // Events bear the database's time.
    now = Date.now();
    const goals = [{ id: 'paid', event: 'billing-system:paid', window: 'P1D', value: 'event.data.amount' }];
    const journeyId = await begin({ goals });
    await journeys.become(journeyId, { status: 'completed', endedAt: now, openSteps: [] });
    const paid = { type: 'billing-system:paid', customerId: named('C'), data: { amount: 12.5 } } as const;
    const id = await happen(paid, 2);
    await happen(paid);
    const found = await withTenant(database.db, tenant, async (tx) => ({
      goals: await tx.selectFrom('journeyGoal').selectAll().where('journeyId', '=', journeyId).execute(),
      events: await tx.selectFrom('event').select(['seq', 'type']).where('subject', '=', `journey/${journeyId}`).orderBy('seq').execute(),
      version: await tx.selectFrom('journey').select('version').where('id', '=', journeyId).executeTakeFirstOrThrow(),
    }));
    expect(found.goals).toMatchObject([{ goal: 'paid', value: 12.5, eventId: id }]);
    expect(found.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(found.events.at(-1)?.type).toBe('journey.goal.reached');
    expect(found.version.version).toBe(5);
    expect(journeys.told).toEqual([]);
  });
});

/** Notes attributes, and tells of it. */
const note = async (attributes: Record<string, number>, times = 1) => {
  const ref = { type: 'customer', id: named('C') } as const;
  await withTenant(database.db, tenant, (tx) => noteSubject(tx, tenant, ref, { attributes, zone: null }, now));
  return happen({ type: 'usher.subject_changed', source: 'usher', subject: `customer/${ref.id}` }, times);
};
/** Ends the newest journey. */
const end = async () => journeys.become(journeys.ids().at(-1) ?? '', { status: 'completed', endedAt: now, openSteps: [] });

describe('a condition', () => {
  const usage = {
    id: 'usage',
    kind: 'condition',
    when: 'subject.usage > 80.0',
    map: { customerId: 'subject.id' },
    cooldown: 'P1D',
  } as const;
  test('fires on the change from false to true, and not again within its cooldown', async () => {
    const key = await publish({ triggers: [usage] });
    await note({});
    await note({ usage: 70 });
    expect(journeys.ids()).toEqual([]);
    await note({ usage: 85 }, 2);
    expect([...journeys.journeys.values()].map(({ opening: { subject, input } }) => ({ subject, input }))).toEqual([
      { subject: { type: 'customer', id: named('C') }, input: { customerId: named('C') } },
    ]);
    await end();
    await note({ usage: 90 });
    await note({ usage: 10 });
    await note({ usage: 95 });
    expect(journeys.ids()).toHaveLength(1);
    now += day;
    await note({ usage: 10 });
    await note({ usage: 95 });
    expect(journeys.ids()).toHaveLength(2);
    expect((await entries(key)).map(({ result }) => result)).toEqual(['started', 'started']);
  });

  test('a relay that dies after the start and before it is remembered starts no other', async () => {
    await publish({ triggers: [usage] });
    journeys.afterwards = () => {
      journeys.afterwards = () => undefined;
      throw new Error('killed');
    };
    await expect(note({ usage: 85 })).rejects.toThrow('killed');
    const { id } = await withTenant(database.db, tenant, (tx) =>
      tx
        .selectFrom('inboundEvent')
        .select('id')
        .where('subject', '=', `customer/${named('C')}`)
        .executeTakeFirstOrThrow(),
    );
    await routing.route({ tenant, id });
    await routing.route({ tenant, id });
    expect(journeys.ids()).toHaveLength(1);
  });
});

const child = (key: string, changes: object = {}) =>
  createChildEntry(deps()).enterChild({
    journey: {
      tenant,
      journeyId: 'JRN-0000000000000001',
      template: { key: 'parent', version: 1, hash: 'h' },
      subject: { type: 'customer', id: 'C' },
    },
    effect: 'child/1',
    step: 'child',
    visit: 1,
    item: null,
    key,
    version: 'latest_published',
    input: { customerId: named('C') },
    requester: 'ann',
    ...changes,
  });

describe('a child', () => {
  test('is entered once for each effect, with the parent in its start', async () => {
    const key = await publish({});
    const first = await child(key);
    expect(await child(key)).toEqual(first);
    expect([...journeys.journeys.values()].map(({ opening }) => opening)).toMatchObject([
      { parent: { journeyId: 'JRN-0000000000000001', effect: 'child/1' }, requester: 'ann', trigger: null },
    ]);
  });

  test('is about whom its input names, else about whom its parent is about', async () => {
    const key = await publish({ subject: { type: 'customer', id: 'subject.id' }, input: { type: 'object', properties: {} } });
    await child(key, { input: {} });
    const other = await publish({ key: named('other') });
    await child(other, { input: { customerId: named('D') } });
    const openings = [...journeys.journeys.values()].map(({ opening }) => opening.subject);
    expect(openings).toEqual([
      { type: 'customer', id: 'C' },
      { type: 'customer', id: named('D') },
    ]);
  });

  test('may be refused', async () => {
    const key = await publish({});
    expect(await child('nothing')).toEqual({ refused: 'unknown_template' });
    expect(await child(key, { version: 7 })).toEqual({ refused: 'unknown_template' });
    expect(await child(key, { input: { issue: 5 } })).toEqual({ refused: 'input_invalid' });
    const closed = await publish({ key: named('closed'), entry: { audience: 'input.customerId == "nobody"' } });
    expect(await child(closed)).toEqual({ refused: 'audience' });
    expect(await child(key, { version: 1 })).toMatchObject({ journey: expect.stringMatching(/^JRN-/) });
  });
});

const from = (journeyId: string) => ({
  journey: { tenant, journeyId, template: { key: 'parent', version: 1, hash: 'h' }, subject: { type: 'customer', id: 'C' } as const },
});

describe('a child that runs already', () => {
  const [first, second] = ['JRN-0000000000000001', 'JRN-0000000000000002'];

  test('is joined, and tells its end to both', async () => {
    const key = await publish({});
    const started = await child(key, from(first));
    expect(await child(key, from(second))).toEqual({ ...started, joined: true });
    expect(journeys.followers).toMatchObject([{ journeyId: second, effect: 'child/1' }]);
  });

  test('and ends before it is asked to tell, says how as soon as its row does', async () => {
    const key = await publish({});
    await child(key, from(first));
    const [running = ''] = journeys.ids();
    const lived = journeys.journeys.get(running);
    if (lived !== undefined) lived.isOver = true;
    await expect(child(key, from(second))).rejects.toThrow();
    await journeys.become(running, { status: 'completed', outcome: 'done', result: 'won', endedAt: Date.now() });
    expect(await child(key, from(second))).toEqual({ journey: running, joined: true, ended: { outcome: 'done', result: 'won' } });
  });
});

const chained = (key: string, delay?: string) =>
  ({
    id: 'after',
    kind: 'journey',
    type: key,
    map: { customerId: 'event.customerId' },
    ...(delay === undefined ? {} : { delay }),
  }) as const;

/** The line of the log that tells of the newest journey's end. */
const ended = async (): Promise<string> => {
  await end();
  const row = await withTenant(database.db, tenant, (tx) =>
    tx
      .selectFrom('event')
      .select('id')
      .where('type', '=', 'journey.ended')
      .where('journeyId', '=', journeys.ids().at(-1) ?? '')
      .executeTakeFirstOrThrow(),
  );
  return row.id;
};

const templates = () => [...journeys.journeys.values()].map(({ opening }) => opening.template.key);

describe('the end of another journey', () => {
  test('starts one for the same subject', async () => {
    const first = await publish({ key: named('first'), triggers: [lead] });
    const second = await publish({ key: named('second'), triggers: [chained(first)] });
    await happen({ type: lead.type, customerId: named('C') });
    const id = await ended();
    await routing.route({ tenant, id });
    await routing.route({ tenant, id });
    expect(templates()).toEqual([first, second]);
    expect([...journeys.journeys.values()].at(-1)?.opening).toMatchObject({
      subject: { type: 'customer', id: named('C') },
      trigger: { id: 'after', eventId: id },
    });
  });

  test('starts it after its delay', async () => {
    const first = await publish({ key: named('first'), triggers: [lead] });
    const second = await publish({ key: named('second'), triggers: [chained(first, 'PT10M')] });
    await happen({ type: lead.type, customerId: named('C') });
    const id = await ended();
    await routing.route({ tenant, id });
    await routing.route({ tenant, id });
    expect(templates()).toEqual([first]);
    const due = await withTenant(database.db, tenant, (tx) =>
      tx
        .selectFrom('inboundEvent')
        .select(['id', 'leaseUntil', 'receivedAt'])
        .where('type', '=', 'usher.due')
        .where('state', '=', 'pending')
        .execute(),
    );
    expect(due.map(({ leaseUntil, receivedAt }) => Math.round(((leaseUntil?.getTime() ?? 0) - receivedAt.getTime()) / 60_000))).toEqual([
      10,
    ]);
    await routing.route({ tenant, id: due[0]?.id ?? '' });
    expect(templates()).toEqual([first, second]);
  });
});

const fire = (template: string, at: string) =>
  createScheduleFiring({ db: database.db }).fireSchedule({ tenant, template, trigger: 'weekly', at: fromIso(at) });

const fired = () =>
  withTenant(database.db, tenant, (tx) =>
    tx
      .selectFrom('inboundEvent')
      .select(['id', 'at'])
      .where('type', '=', 'usher.scheduled')
      .where('state', '=', 'pending')
      .orderBy('receivedAt')
      .execute(),
  );

/** Works off what schedules sent, as the relay would. */
const work = async (): Promise<number> => {
  let rounds = 0;
  for (let waiting = await fired(); waiting.length > 0; waiting = await fired()) {
    rounds += 1;
    for (const { id } of waiting) {
      await routing.route({ tenant, id });
      await routing.route({ tenant, id });
      await withTenant(database.db, tenant, (tx) => tx.updateTable('inboundEvent').set({ state: 'routed' }).where('id', '=', id).execute());
    }
  }
  return rounds;
};

const noted = (id: string, attributes: Record<string, number>) =>
  withTenant(database.db, tenant, (tx) => noteSubject(tx, tenant, { type: 'lead', id }, { attributes, zone: null }, now));

describe('a schedule', () => {
  const weekly = {
    id: 'weekly',
    kind: 'schedule',
    rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=9',
    zone: 'Europe/Berlin',
    map: { customerId: 'subject.id' },
  } as const;

  test('fires once at its time, and only when it is its turn', async () => {
    const key = await publish({ triggers: [weekly] });
    await fire(key, '2026-01-05T08:00:03Z');
    await fire(key, '2026-01-05T08:00:41Z');
    await fire(key, '2026-01-12T08:00:00Z');
    await fire(key, '2026-01-19T08:00:00Z');
    const times = (await fired()).map(({ at }) => at.toISOString());
    expect([['2026-01-05T08:00:00.000Z', '2026-01-19T08:00:00.000Z'], ['2026-01-12T08:00:00.000Z']]).toContainEqual(times);
    await fire('nothing', '2026-01-05T08:00:00Z');
    await withTenant(database.db, tenant, (tx) => tx.updateTable('inboundEvent').set({ state: 'routed' }).execute());
  });

  test('enters everybody who is known and lets in, page by page', async () => {
    const key = await publish({
      subject: { type: 'lead', id: 'leadId' },
      input: { type: 'object', properties: { leadId: { type: 'string' } } },
      entry: { concurrency: 'unlimited' },
      triggers: [
        { id: 'weekly', kind: 'schedule', rrule: 'FREQ=DAILY;BYHOUR=9', when: 'subject.score > 50.0', map: { leadId: 'subject.id' } },
      ],
    });
    for (let n = 0; n < 130; n += 1) await noted(`lead-${String(n).padStart(3, '0')}`, { score: n < 20 || n >= 110 ? 60 : 10 });
    await fire(key, '2026-01-06T09:00:00Z');
    expect(await work()).toBe(2);
    const subjects = [...journeys.journeys.values()].map(({ opening }) => opening.subject.id);
    expect(subjects).toHaveLength(40);
    expect(new Set(subjects).size).toBe(40);
  });
});
