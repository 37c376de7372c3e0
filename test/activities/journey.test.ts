/** What journeys are answered: with texts and attributes in place, and none of them in the answer. */
import { createHash, randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JourneyQuestionActivities, JourneyRef } from '../../activities/contract.js';
import { createTemplates } from '../../activities/journey-templates.js';
import { createJourneyQuestions } from '../../activities/journey.js';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { insertDraft, insertVersion, templateHash } from '../../db/queries/journey-templates.js';
import { noteSubject } from '../../db/queries/journey-subject.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { createGuards } from '../../domain/journey/guard.js';
import { plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import { fromIso } from '../../domain/time.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';

const { tenant } = demo;
const [customer] = demo.customers;
const effect = 'ask.1';

let database: TestDatabase;
let ask: JourneyQuestionActivities;
let journey: JourneyRef;

const inTenant = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => withTenant(database.db, tenant, work);

const template: JourneyTemplate = {
  key: 'sample',
  name: 'Sample',
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  context: { orderId: { schema: { type: 'string' } } },
  defaults: { timezone: 'Europe/Berlin' },
  start: 'wait',
  steps: {
    wait: {
      kind: 'wait',
      event: [{ type: 'shop:paid' }, { type: 'shop:shipped', match: { 'event.data.orderId': 'context.orderId' } }],
      max: 'P7D',
      onMax: 'incident',
      transitions: [{ to: 'won', default: true }],
    },
    won: { kind: 'end', outcome: 'done', result: 'won' },
  },
};

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  const { db } = database;
  ask = createJourneyQuestions({ db, now: Date.now, guards: createGuards(), templates: createTemplates({ db }) });
  await inTenant(async (tx) => {
    const { key, name, category } = template;
    await insertDraft(tx, tenant, key, { name, category, document: plainJson(template).value, by: 'system/test', editor: 'test' });
    await insertVersion(tx, tenant, { template, version: 1, mode: 'new_only', by: 'system/test' });
  });
  journey = {
    tenant,
    journeyId: 'JRN-0000000000000001',
    template: { key: 'sample', version: 1, hash: templateHash(template) },
    subject: { type: 'customer', id: customer },
  };
});
afterAll(() => database[Symbol.asyncDispose]());

/** A text as the API stores it. */
async function text(body: string): Promise<string> {
  const id = randomUUID();
  await inTenant((tx) =>
    tx
      .insertInto('content')
      .values({ tenantId: tenant, id, kind: 'variable', visibility: 'internal', authorKind: 'customer', body })
      .execute(),
  );
  return id;
}

async function event(
  type: string,
  fields: { readonly customerId?: string; readonly data?: JsonObject; readonly receivedAt?: Date } = {},
): Promise<string> {
  const id = randomUUID();
  const { customerId = null, data = {}, receivedAt = new Date() } = fields;
  await inTenant((tx) =>
    tx
      .insertInto('inboundEvent')
      .values({
        tenantId: tenant,
        id,
        type,
        source: 'shop',
        customerId,
        data: JSON.stringify(data),
        at: receivedAt,
        receivedAt,
        actor: 'system/test',
      })
      .execute(),
  );
  return id;
}

describe('templates', () => {
  test('come compiled, with their hash checked', async () => {
    const compiled = await ask.loadTemplate({ tenant, template: journey.template });
    expect(compiled).toMatchObject({ irVersion: 1, key: 'sample', steps: { wait: { max: 7 * 86_400_000 } } });
    expect(compiled).not.toHaveProperty('name');
  });

  test.each([
    ['another hash', { key: 'sample', version: 1, hash: '0'.repeat(64) }, 'journey.other_template'],
    ['no such version', { key: 'sample', version: 2, hash: '0'.repeat(64) }, 'journey.unknown_template'],
  ])('%s is a failure that is not tried again', async (_, wanted, type) => {
    const failure: unknown = await ask.loadTemplate({ tenant, template: wanted }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type, nonRetryable: true });
  });
});

describe('guards', () => {
  test('the first that is true; null is always', async () => {
    const data = { context: { score: 60 } };
    const { chosen } = await ask.evaluateGuards({ journey, effect, guards: ['context.score > 80.0', 'context.score > 50.0', null], data });
    expect(chosen).toBe(1);
  });

  test('a text is seen by the guard and by nobody else', async () => {
    const issue = { $ref: await text('The router is broken.') };
    const choice = await ask.evaluateGuards({
      journey,
      effect,
      guards: ['context.issue.contains("router")'],
      data: { context: { issue } },
    });
    expect(choice).toMatchObject({ chosen: 0, trace: [{ verdict: 'true', reads: [{ path: 'context.issue', found: 'present' }] }] });
    expect(JSON.stringify(choice)).not.toContain('broken');
  });

  test('what was erased makes it false, and says so', async () => {
    const choice = await ask.evaluateGuards({
      journey,
      effect,
      guards: ['context.issue == "x"', null],
      data: { context: { issue: { $ref: randomUUID() } } },
    });
    expect(choice).toMatchObject({ chosen: 1, trace: [{ verdict: 'erased' }] });
  });

  test('S17: a missing field is an error with its path, never false', async () => {
    const choice = await ask.evaluateGuards({ journey, effect, guards: ['context.score > 1.0', null], data: { context: {} } });
    expect(choice).toMatchObject({ chosen: null, trace: [{ verdict: 'error', fault: { reason: 'missing', path: 'context.score' } }] });
  });

  test('attributes of the subject are those of now; type and id are the journey’s', async () => {
    await inTenant((tx) =>
      noteSubject(
        tx,
        tenant,
        { type: 'customer', id: customer },
        { attributes: { monthlyUsage: 85, id: 'forged' }, zone: null },
        Date.now(),
      ),
    );
    const guards = [`subject.monthlyUsage > 80.0 && subject.id == "${customer}"`];
    expect((await ask.evaluateGuards({ journey, effect, guards, data: {} })).chosen).toBe(0);
  });

  test('the event that led there can be read', async () => {
    const eventId = await event('shop:paid', { data: { amount: 12 } });
    expect((await ask.evaluateGuards({ journey, effect, guards: ['event.data.amount > 10.0'], data: {}, eventId })).chosen).toBe(0);
  });
});

test('values from outside: ids and numbers travel, texts and what is personal stay, under the same id each time', async () => {
  const eventId = await event('shop:paid', { data: { amount: 12, note: 'Ring twice, please.', phone: '12025550123' } });
  const request = {
    journey,
    effect,
    paths: { amount: 'event.data.amount', note: 'event.data.note', phone: 'event.data.phone', gone: 'event.data.nothing' },
    data: {},
    eventId,
    pii: ['phone'],
  };
  const values = await ask.findValues(request);
  expect(values).toEqual({ amount: 12, note: { $ref: expect.any(String) }, phone: { $ref: expect.any(String) } });
  expect(await ask.findValues(request)).toEqual(values);
  const guards = ['context.note.contains("twice") && context.phone.startsWith("1202")'];
  expect((await ask.evaluateGuards({ journey, effect, guards, data: { context: values } })).chosen).toBe(0);
});

describe('people', () => {
  const [one, two] = demo.agents;

  test('by id, role and team, each once, active ones only', async () => {
    await inTenant((tx) => tx.updateTable('agent').set({ active: false }).where('id', '=', two).execute());
    const { people, fault } = await ask.findPeople({
      journey,
      effect,
      who: { users: [one, 'nobody'], roles: ['agent', 'support'] },
      data: {},
    });
    await inTenant((tx) => tx.updateTable('agent').set({ active: true }).where('id', '=', two).execute());
    expect(fault).toBeNull();
    expect(people.map(({ id }) => id).toSorted()).toEqual([demo.admin, demo.lead, ...demo.agents].filter((id) => id !== two).toSorted());
    expect(people.find(({ id }) => id === one)).toEqual({ id: one, roles: ['agent', 'support'] });
  });

  test('team_lead is a lead of the receiving team', async () => {
    const who = { roles: ['team_lead'] };
    const found = async (receiver: string) => (await ask.findPeople({ journey: { ...journey, receiver }, effect, who, data: {} })).people;
    expect(await found('support')).toEqual([{ id: demo.lead, roles: ['lead', 'support', 'team_lead'] }]);
    expect(await found('field-ops')).toEqual([]);
  });

  test('an expression names them; one that names nobody it can is a fault', async () => {
    const data = { journey: { requester: one } };
    expect((await ask.findPeople({ journey, effect, who: { expr: '[journey.requester]' }, data })).people.map(({ id }) => id)).toEqual([
      one,
    ]);
    expect((await ask.findPeople({ journey, effect, who: { expr: 'journey.nothing' }, data })).fault).toEqual({
      reason: 'missing',
      path: 'journey.nothing',
    });
  });
});

test('evidence is hashed in its canonical form', async () => {
  const hash = await ask.hashEvidence({ journey, effect, value: { b: 1, a: [true, 'x'] } });
  expect(hash).toBe(createHash('sha256').update('{"a":[true,"x"],"b":1}').digest('hex'));
});

const zoned = (zone: string | null): Promise<void> =>
  inTenant((tx) => noteSubject(tx, tenant, { type: 'customer', id: customer }, { attributes: {}, zone }, Date.now()));

describe('time', () => {
  test('a time of day is the subject’s, else the template’s', async () => {
    const after = fromIso('2026-01-15T12:00:00Z');
    await zoned('America/New_York');
    expect(await ask.nextLocalTime({ journey, effect, local: '09:00', zone: null, after })).toBe(fromIso('2026-01-15T14:00:00Z'));
    await zoned(null);
    expect(await ask.nextLocalTime({ journey, effect, local: '09:00', zone: null, after })).toBe(fromIso('2026-01-16T08:00:00Z'));
    expect(await ask.nextLocalTime({ journey, effect, local: '09:00', zone: 'Asia/Tokyo', after })).toBe(fromIso('2026-01-16T00:00:00Z'));
  });

  test('quiet hours end in the subject’s morning; outside of them there is nothing to wait for', async () => {
    await zoned(null);
    const at = fromIso('2026-01-15T04:30:00Z');
    expect(await ask.quietUntil({ journey, effect, from: '22:00', to: '06:00', at })).toBe(fromIso('2026-01-15T05:00:00Z'));
    expect(await ask.quietUntil({ journey, effect, from: '22:00', to: '06:00', at: at + 3_600_000 })).toBeNull();
  });

  test('open time is counted by the tenant’s calendar', async () => {
    const from = fromIso('2026-01-15T12:00:00Z');
    expect(await ask.afterOpenTime({ journey, effect, calendar: alwaysOpen, from, amountsMs: [1_000, 3_600_000] })).toEqual([
      from + 1_000,
      from + 3_600_000,
    ]);
  });
});

const candidate = (fields: object) => ({ ref: 'wait.1/0', match: null, when: null, output: {}, ...fields });

describe('events', () => {
  const data = { journey: { id: 'JRN-0000000000000001' }, subject: { type: 'customer', id: customer }, context: { orderId: 'O-1' } };

  test('an event serves what it concerns, and brings what is mapped', async () => {
    const eventId = await event('shop:shipped', { data: { orderId: 'O-1', tracking: 'T-9', remark: 'Left with the neighbours.' } });
    const { verdicts } = await ask.weighEvent({
      journey,
      effect,
      eventId,
      data,
      candidates: [
        candidate({
          ref: 'a',
          match: { 'event.data.orderId': 'context.orderId' },
          output: { tracking: 'event.data.tracking', remark: 'event.data.remark' },
        }),
        candidate({ ref: 'b', match: { 'event.data.orderId': 'context.nothing' } }),
        candidate({ ref: 'c' }),
      ],
    });
    expect(verdicts.map(({ ref, taken }) => [ref, taken])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
    expect(verdicts[0]?.output).toEqual({ tracking: 'T-9', remark: { $ref: expect.any(String) } });
  });

  test('an event nobody has heard of serves nothing', async () => {
    const { verdicts } = await ask.weighEvent({ journey, effect, eventId: 'nothing', data, candidates: [candidate({})] });
    expect(verdicts).toEqual([{ ref: 'wait.1/0', taken: false, output: {}, fault: null }]);
  });

  test('looking back finds what concerns the journey since then, oldest first', async () => {
    const since = Date.now() - 3_600_000;
    const old = await event('shop:paid', { customerId: customer, receivedAt: new Date(since - 1) });
    const first = await event('shop:paid', { customerId: customer, receivedAt: new Date(since + 1_000) });
    const others = await event('shop:paid', { customerId: demo.customers[1], receivedAt: new Date(since + 2_000) });
    const seen = await event('shop:paid', { customerId: customer, receivedAt: new Date(since + 3_000) });
    const last = await event('shop:paid', { customerId: customer, receivedAt: new Date(since + 4_000) });
    const found = await ask.lookBack({ journey, effect, since, types: ['shop:paid'], excluded: [seen] });
    expect(found.map(({ id }) => id)).toEqual([first, last]);
    expect(found.map(({ id }) => id)).not.toContain(others);
    expect(found.map(({ id }) => id)).not.toContain(old);
  });
});

test('failures of the database say nothing of what it was asked', async () => {
  const broken = createJourneyQuestions({
    db: database.db,
    now: Date.now,
    guards: createGuards(),
    templates: createTemplates({ db: database.db }),
    statementMs: () => {
      throw new Error('secret');
    },
  });
  const failure: unknown = await broken
    .evaluateGuards({ journey, effect, guards: ['subject.name == "secret"'], data: {} })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'journey.retry', nonRetryable: false });
  expect((failure as Error).message).not.toContain('secret');
});
