/** The relay on a real PostgreSQL: whom it tells in which order, two at once, and what a death leaves behind. Source: reliability.md, sections 2 and 7. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sql } from 'kysely';
import { createInterests } from '../../activities/journey-entry-interests.js';
import { createEventRouting } from '../../activities/journey-entry-routing.js';
import type { EventRouting } from '../../activities/journey-entry-routing.js';
import { createTemplates } from '../../activities/journey-templates.js';
import { CommandRefused } from '../../activities/ports.js';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import { createDb, withTenant } from '../../db/client.js';
import { claimEvents, waitingEvents } from '../../db/queries/event-relay.js';
import type { EventRef } from '../../db/queries/event-relay.js';
import { storeInboundEvent } from '../../db/queries/inbound-events.js';
import type { NewEvent } from '../../db/queries/inbound-events.js';
import { recordTicket, rowsOf } from '../../db/queries/projection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asTenantId, asTicketId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { createGuards } from '../../domain/journey/guard.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { second } from '../../domain/time.js';
import { supportResolution } from '../../journeys/support-resolution.js';
import { createLogger } from '../../logger.js';
import { chainsOf, startEventRelay } from '../../worker/event-relay.js';
import type { EventRelay } from '../../worker/event-relay.js';
import { aTicket, noon } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { JourneysInDatabase } from '../support/journeys.js';

const { tenant } = demo;
const other = asTenantId('018f3b1e-0000-7000-8000-000000000002');
const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
let database: TestDatabase;
let journeys: JourneysInDatabase;
let routing: EventRouting;
let running: EventRelay[] = [];

const waiter: JourneyTemplate = {
  key: 'waiter',
  name: 'Waiter',
  category: 'custom',
  subject: { type: 'customer', id: 'customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  triggers: [{ id: 'lead', kind: 'event', type: 'crm:lead_converted' }],
  entry: { onDuplicate: 'signal' },
  start: 'paid',
  steps: {
    paid: { kind: 'wait', event: [{ type: 'billing-system:paid' }], max: 'P9D', onMax: 'incident', transitions: [{ to: 'end' }] },
    end: { kind: 'end', outcome: 'done', result: 'won' },
  },
};

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  await withTenant(database.db, other, (tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute());
  await publishBuiltInsOf(database.db, tenant, [waiter, supportResolution]);
});
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  await settle();
  journeys = new JourneysInDatabase(database.db);
  routing = createEventRouting({
    db: database.db,
    guards: createGuards(),
    journeys,
    newId: randomUUID,
    now: Date.now,
    interests: createInterests({ db: database.db, templates: createTemplates({ db: database.db }) }),
  });
});
afterEach(async () => {
  await Promise.all(running.map((relay) => relay[Symbol.asyncDispose]()));
  running = [];
});

/** What other tests left waits no more. */
const settle = () =>
  sql`with a as (update inbound_event set state = 'routed' where state = 'pending') update event set routing = 'routed' where routing = 'pending'`.execute(
    database.relay,
  );

const start = (options: Partial<Parameters<typeof startEventRelay>[0]> = {}): EventRelay => {
  const relay = startEventRelay({ relay: database.relay, routing, log, ...options });
  running.push(relay);
  return relay;
};

const store = async (changes: Partial<NewEvent> & Pick<NewEvent, 'type'>, of: TenantId = tenant): Promise<string> => {
  const event = { id: randomUUID(), source: 'test', at: noon, data: {}, ...changes };
  await withTenant(database.db, of, (tx) => storeInboundEvent(tx, of, event, 'service/test'));
  return event.id;
};
const routed = (ids: readonly string[]) =>
  vi.waitFor(async () => {
    const rows = await withTenant(database.db, tenant, (tx) =>
      tx.selectFrom('inboundEvent').select(['id', 'state']).where('id', 'in', ids).execute(),
    );
    expect(rows.map(({ state }) => state)).toEqual(ids.map(() => 'routed'));
  }, 120 * second);

/** A journey that waits for a payment. */
const begin = async (customerId: string): Promise<string> => {
  const id = await store({ type: 'crm:lead_converted', customerId });
  await routing.route({ tenant, id });
  await settle();
  const [journeyId = ''] = journeys.ids().slice(-1);
  return journeyId;
};

test('what is stored is told within a second, and what concerns nobody is passed', async () => {
  const customerId = randomUUID();
  const journeyId = await begin(customerId);
  const passed: number[] = [];
  const late: number[] = [];
  start({ onPassed: (count) => void passed.push(count), onRouted: (_event, _result, lateMs) => void late.push(lateMs) });
  const noise = await store({ type: 'nobody:cares', customerId });
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    ids.push(await store({ type: 'billing-system:paid', customerId }));
    await routed([noise, ...ids]);
  }
  expect(journeys.told.map((one) => [one.journeyId, one.event.id])).toEqual(ids.map((id) => [journeyId, id]));
  expect(passed).not.toEqual([]);
  expect(late).toHaveLength(ids.length);
  // The quickest of them: a machine may stand still in the others.
  expect(Math.min(...late)).toBeLessThan(second);
});

test('events of one subject are told in their order, by two relays at once, each once', async () => {
  const customers = Array.from({ length: 5 }, () => randomUUID());
  for (const customerId of customers) await begin(customerId);
  const sent = new Map<string, string[]>();
  for (let n = 0; n < 20; n += 1) {
    for (const customerId of customers) {
      const id = await store({ type: 'billing-system:paid', customerId });
      sent.set(customerId, [...(sent.get(customerId) ?? []), id]);
    }
  }
  const order: string[] = [];
  const tell = journeys.tell.bind(journeys);
  journeys.tell = (journeyId, event) => {
    order.push(event.id);
    return tell(journeyId, event);
  };
  start();
  start();
  await routed([...sent.values()].flat());
  for (const ids of sent.values()) expect(order.filter((id) => ids.includes(id))).toEqual(ids);
  expect(order).toHaveLength(100);
});

const claim = (leaseMs: number) => claimEvents(database.relay, { leaseMs, limit: 10 }, routing.concerned);

describe('a relay that dies', () => {
  test('after it told a journey tells it again, with one effect', async () => {
    const customerId = randomUUID();
    const journeyId = await begin(customerId);
    let deaths = 1;
    journeys.afterwards = (kind) => {
      if (kind === 'tell' && deaths-- > 0) throw new Error('killed');
    };
    const results: string[] = [];
    start({ onRouted: (_event, result) => void results.push(result) });
    const id = await store({ type: 'billing-system:paid', customerId });
    await routed([id]);
    expect(results).toEqual(['failed', 'routed']);
    expect(journeys.told).toMatchObject([{ journeyId, event: { id } }]);
  });

  test('after it started a journey finds it again', async () => {
    let deaths = 2;
    journeys.afterwards = (kind) => {
      if (kind === 'open' && deaths-- > 0) throw new Error('killed');
    };
    start();
    const id = await store({ type: 'crm:lead_converted', customerId: randomUUID() });
    await routed([id]);
    expect(journeys.ids()).toHaveLength(1);
    expect(journeys.told).toEqual([]);
    expect(journeys.attached).toEqual([]);
  });

  test('with its lease leaves the event to another once that is over', async () => {
    const customerId = randomUUID();
    await begin(customerId);
    const id = await store({ type: 'billing-system:paid', customerId });
    expect((await claim(300))?.leased.map((event) => event.id)).toEqual([id]);
    expect(await claim(300)).toEqual({ seen: 0, leased: [] });
    start();
    await routed([id]);
    expect(journeys.told).toHaveLength(1);
  });
});

test('an event that fails holds back those about the same subject, and no others', async () => {
  const [stuck, free] = [randomUUID(), randomUUID()];
  await begin(stuck);
  await begin(free);
  let failures = 2;
  const first = await store({ type: 'billing-system:paid', customerId: stuck });
  const tell = journeys.tell.bind(journeys);
  const order: string[] = [];
  journeys.tell = (journeyId, event) => {
    if (event.id === first && failures-- > 0) return Promise.reject(new Error('not now'));
    order.push(event.id);
    return tell(journeyId, event);
  };
  start();
  const behind = await store({ type: 'billing-system:paid', customerId: stuck });
  const beside = await store({ type: 'billing-system:paid', customerId: free });
  await routed([first, behind, beside]);
  expect(order).toEqual([beside, first, behind]);
});

test('an event that a journey refuses is over', async () => {
  const customerId = randomUUID();
  await begin(customerId);
  journeys.tell = () => Promise.reject(new CommandRefused('context_invalid'));
  const results: string[] = [];
  start({ onRouted: (_event, result) => void results.push(result) });
  await routed([await store({ type: 'billing-system:paid', customerId })]);
  expect(results).toEqual(['refused']);
});

test('another tenant’s events meet another tenant’s templates', async () => {
  const id = await store({ type: 'crm:lead_converted', customerId: randomUUID() }, other);
  start();
  await vi.waitFor(async () => {
    const row = await withTenant(database.db, other, (tx) =>
      tx.selectFrom('inboundEvent').select('state').where('id', '=', id).executeTakeFirst(),
    );
    expect(row?.state).toBe('routed');
  }, 120 * second);
  expect(journeys.ids()).toEqual([]);
});

test('a tenant whose templates cannot be read holds up nobody else', async () => {
  const customerId = randomUUID();
  await begin(customerId);
  const interests = createInterests({ db: database.db, templates: createTemplates({ db: database.db }) });
  const broken = createEventRouting({
    db: database.db,
    guards: createGuards(),
    journeys,
    newId: randomUUID,
    now: Date.now,
    interests: (of) => (of === other ? Promise.reject(new Error('unreadable')) : interests(of)),
  });
  const results: string[] = [];
  start({ routing: broken, onRouted: ({ tenant: of }, result) => void results.push(`${of === other ? 'other' : 'mine'} ${result}`) });
  await store({ type: 'billing-system:paid', customerId }, other);
  await routed([await store({ type: 'billing-system:paid', customerId })]);
  expect(new Set(results)).toEqual(new Set(['other failed', 'mine routed']));
});

test('the application’s role cannot mark events of our own log', async () => {
  const app = createDb({ url: database.url, role: 'usher_app', pool: 1, name: 'test', onBroken: () => undefined });
  await expect(withTenant(app, tenant, (tx) => sql`update event set routing = 'routed'`.execute(tx))).rejects.toThrow(/permission/);
  await app.destroy();
});

const settings = (supportJourney: boolean) =>
  withTenant(database.db, tenant, (tx) =>
    sql`update product set settings = settings || ${JSON.stringify({ supportJourney })}::jsonb where key = ${demo.product}`.execute(tx),
  );
let n = 0;
/** A ticket as its workflow records it. */
const open = async (): Promise<string> => {
  n += 1;
  const ticket = aTicket({ id: asTicketId(`TKT-0000000${n}`), version: 1 });
  const data = { product: ticket.product, priority: ticket.priority, category: ticket.category, requester: ticket.requester };
  const step = {
    commandId: randomUUID(),
    kind: 'open',
    actor: 'system/test',
    role: 'system',
    source: 'system',
    runId: 'run',
    at: noon,
    ticket,
    events: [{ type: 'ticket.created', version: 1, data }],
    planned: [],
  } as const;
  await withTenant(database.db, tenant, (tx) => recordTicket(tx, rowsOf([step], step, randomUUID)));
  return ticket.id;
};
const isRouted = (id: string) =>
  vi.waitFor(async () => {
    const rows = await withTenant(database.db, tenant, (tx) =>
      tx.selectFrom('event').select('routing').where('subject', '=', `ticket/${id}`).execute(),
    );
    expect(rows).toEqual([{ routing: 'routed' }]);
  }, 120 * second);

describe('a new ticket', () => {
  test('starts the support journey where its product says so, and nowhere else', async () => {
    await settings(false);
    start();
    await isRouted(await open());
    expect(journeys.ids()).toEqual([]);
    await settings(true);
    const id = await open();
    await isRouted(id);
    const ticket = aTicket({});
    expect([...journeys.journeys.values()].map(({ opening }) => opening)).toMatchObject([
      {
        template: { key: 'support_resolution' },
        subject: { type: 'ticket', id },
        trigger: { id: 'ticket_created' },
        input: { ticketId: id, customerId: ticket.requester, priority: ticket.priority },
      },
    ]);
  });
});

test('how many wait, and for how long', async () => {
  expect(await waitingEvents(database.relay)).toEqual({ count: 0, oldestMs: 0 });
  await store({ type: 'nobody:cares' });
  const { count, oldestMs } = await waitingEvents(database.relay);
  expect(count).toBe(1);
  expect(oldestMs).toBeGreaterThan(0);
});

const about = (id: string, ...names: string[]) => ({ id, tenant, about: names }) satisfies Partial<EventRef>;

test('events fall into chains by whom they are about', () => {
  const chains = chainsOf([
    about('1', 'customer/A'),
    about('2', 'lead/B'),
    about('3'),
    about('4', 'customer/A'),
    about('5', 'lead/B', 'customer/A'),
    about('6', 'lead/B'),
    { ...about('7', 'customer/A'), tenant: other },
  ]);
  expect(new Set(chains.map((chain) => chain.map(({ id }) => id).join(' ')))).toEqual(new Set(['1 2 4 5 6', '3', '7']));
});
