import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import {
  createCalendar,
  deleteCalendar,
  findCalendar,
  findCalendarBody,
  insertRevision,
  isCalendarUsed,
  latestCalendars,
  listCalendars,
  lockCalendar,
  retireCalendar,
} from '../../db/queries/calendars.js';
import { storeContent } from '../../db/queries/content.js';
import { findProduct, findTenantSettings, replaceTenantSettings } from '../../db/queries/configuration.js';
import {
  currentPolicySet,
  findMatchFacts,
  findPolicySet,
  findPolicyWorld,
  insertPolicySet,
  listPolicySets,
  lockPolicySets,
} from '../../db/queries/policy-sets.js';
import { findCreateFacts } from '../../db/queries/tickets.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asAgentId, asContentId, asCustomerId, asTeamId, asTenantId, asTicketId } from '../../domain/ids.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import type { Policy } from '../../domain/sla/policy.js';
import { uuid } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { aPolicy } from '../support/policies.js';
import { storeText } from '../support/ticket-run.js';

let database: TestDatabase;
const { tenant } = demo;
const other = asTenantId(uuid(2));
const by = `user/${demo.admin}`;
const customer = asCustomerId(demo.customers[0] ?? '');

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  await withTenant(database.db, other, (tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute());
});
afterAll(() => database[Symbol.asyncDispose]());

const inTenant = <T>(work: (tx: TenantTx) => Promise<T>, of = tenant): Promise<T> => withTenant(database.db, of, work);

const week = (...days: string[]): Calendar => ({
  zone: 'UTC',
  weekly: Object.fromEntries(days.map((weekday) => [weekday, [['09:00', '17:00']]])),
  overrides: {},
});

const make = (id: string, body = week('mon')) => inTenant((tx) => createCalendar(tx, tenant, { id, name: id, body, by }));
const publish = (policies: readonly Policy[], mode: 'new_tickets' | 'reproject' = 'new_tickets') =>
  inTenant(async (tx) => {
    const revision = (await lockPolicySets(tx, tenant)) + 1;
    await insertPolicySet(tx, tenant, { revision, policies, mode, by });
    return revision;
  });

test('a calendar has revisions; the newest is the one that is read', async () => {
  expect([await make('shop', week('mon')), await make('shop', week('tue'))]).toEqual([true, false]);
  await inTenant(async (tx) => {
    const locked = await lockCalendar(tx, tenant, 'shop');
    await insertRevision(tx, tenant, { id: 'shop', revision: (locked?.revision ?? 0) + 1, body: week('wed'), by });
  });
  const found = await inTenant((tx) => findCalendar(tx, tenant, 'shop'));
  expect(found).toMatchObject({ id: 'shop', name: 'shop', revision: 2, body: week('wed'), retiredAt: null });
  expect(await inTenant((tx) => findCalendar(tx, tenant, 'shop', 1))).toMatchObject({ revision: 1, body: week('mon') });
  expect(await inTenant((tx) => findCalendarBody(tx, tenant, { id: 'shop', revision: 1 }))).toEqual(week('mon'));
  expect(await inTenant((tx) => findCalendarBody(tx, tenant, { id: 'shop', revision: 3 }))).toBeUndefined();
  expect(await inTenant((tx) => findCalendar(tx, tenant, 'shop', 3))).toBeUndefined();
});

test('calendars of another tenant are neither seen nor changed', async () => {
  await make('mine');
  expect(await inTenant((tx) => findCalendar(tx, tenant, 'mine'), other)).toBeUndefined();
  expect(await inTenant((tx) => listCalendars(tx, other, { limit: 10 }), other)).toEqual([]);
  await inTenant((tx) => deleteCalendar(tx, tenant, 'mine'), other);
  expect(await inTenant((tx) => findCalendar(tx, tenant, 'mine'))).toBeDefined();
});

test('calendars come by id, one more than asked for', async () => {
  for (const id of ['l1', 'l2', 'l3']) await make(id);
  const ids = (await inTenant((tx) => listCalendars(tx, tenant, { after: 'l0', limit: 1 }))).map(({ id }) => id);
  expect(ids).toEqual(['l1', 'l2']);
});

test('a revision is a fact: nobody changes it', async () => {
  await make('fact');
  await expect(inTenant((tx) => tx.updateTable('slaCalendarRevision').set({ body: '{}' }).execute())).rejects.toThrow(/permission denied/);
  await expect(inTenant((tx) => tx.updateTable('slaPolicySet').set({ policies: '[]' }).execute())).rejects.toThrow(/permission denied/);
});

test('retiring is for once', async () => {
  await make('retired');
  await inTenant((tx) => retireCalendar(tx, tenant, 'retired', new Date(1_000)));
  await inTenant((tx) => retireCalendar(tx, tenant, 'retired', new Date(2_000)));
  expect((await inTenant((tx) => findCalendar(tx, tenant, 'retired')))?.retiredAt).toEqual(new Date(1_000));
});

test('a calendar nothing uses can go', async () => {
  await make('gone');
  expect(await inTenant((tx) => isCalendarUsed(tx, tenant, 'gone'))).toBe(false);
  await inTenant((tx) => deleteCalendar(tx, tenant, 'gone'));
  expect(await inTenant((tx) => findCalendar(tx, tenant, 'gone'))).toBeUndefined();
});

const clockRow = (calendarId: string, phase: string) => ({
  tenantId: tenant,
  ticketId: 'TKT-00000001',
  clock: `resolution#${phase === 'running' ? 1 : 2}`,
  kind: 'resolution',
  product: 'demo',
  policySet: 1,
  policy: 'p',
  calendarId,
  calendarRevision: 1,
  phase,
  originAt: new Date(),
  budgetS: 60,
  consumedS: 0,
  state: '{}',
  version: 1,
  updatedAt: new Date(),
});

const segmentRow = (calendarId: string) => ({
  tenantId: tenant,
  ticketId: 'TKT-00000001',
  clock: 'resolution#1',
  n: 1,
  fromAt: new Date(),
  toAt: new Date(),
  state: 'running',
  calendarId,
  calendarRevision: 1,
  openS: 0,
  wallS: 0,
  consumedAfterS: 0,
});

const ticketRow = (id: string, status: string, state: unknown) => ({
  tenantId: tenant,
  id,
  uuid: uuid(0x500 + (createHash('sha256').update(id).digest()[0] ?? 0)),
  product: 'demo',
  scope: id,
  status,
  priority: 'low',
  channel: 'api',
  requesterId: demo.customers[0] ?? '',
  version: 1,
  cycle: 1,
  createdAt: new Date(),
  updatedAt: new Date(),
  state: JSON.stringify(state),
});

test.each<[string, (tx: TenantTx, id: string) => Promise<unknown>]>([
  ['a running clock', (tx, id) => tx.insertInto('slaClock').values(clockRow(id, 'running')).execute()],
  ['a clock that is over', (tx, id) => tx.insertInto('slaClock').values(clockRow(id, 'fulfilled')).execute()],
  ['a stretch of a clock', (tx, id) => tx.insertInto('slaSegment').values(segmentRow(id)).execute()],
  ['a team', (tx, id) => tx.updateTable('team').set({ calendarId: id }).where('id', '=', demo.team).execute()],
  [
    'an open ticket',
    (tx, id) =>
      tx
        .insertInto('ticket')
        .values(ticketRow('TKT-0000000A', 'new', { sla: { plan: { calendar: { id, revision: 1 } } } }))
        .execute(),
  ],
])('%s holds its calendar', async (name, use) => {
  const id = `held-${name.replaceAll(' ', '-')}`;
  await make(id);
  expect(await inTenant((tx) => isCalendarUsed(tx, tenant, id))).toBe(false);
  await inTenant((tx) => use(tx, id));
  expect(await inTenant((tx) => isCalendarUsed(tx, tenant, id))).toBe(true);
});

test('a closed ticket without clocks holds none', async () => {
  await make('closed');
  const state = { sla: { plan: { calendar: { id: 'closed', revision: 1 } } } };
  await inTenant((tx) =>
    tx
      .insertInto('ticket')
      .values(ticketRow('TKT-0000000B', 'closed', state))
      .execute(),
  );
  expect(await inTenant((tx) => isCalendarUsed(tx, tenant, 'closed'))).toBe(false);
});

test('policy sets are numbered on and kept in order', async () => {
  await make('named');
  await make('fallback');
  const first = await publish([
    aPolicy({ calendar: { use: 'policy', id: 'named' } }),
    aPolicy({ id: 'b', calendar: { use: 'team', fallback: 'fallback' } }),
  ]);
  const second = await publish([], 'reproject');
  expect(second).toBe(first + 1);
  expect(await inTenant((tx) => currentPolicySet(tx, tenant))).toMatchObject({ revision: second, policies: [], mode: 'reproject' });
  const found = await inTenant((tx) => findPolicySet(tx, tenant, first));
  expect(found?.policies.map(({ id }) => id)).toEqual(['standard', 'b']);
  expect(found).toMatchObject({ mode: 'new_tickets', createdBy: by });
  expect(await inTenant((tx) => findPolicySet(tx, tenant, second + 1))).toBeUndefined();
  expect((await inTenant((tx) => listPolicySets(tx, tenant, { limit: 1 }))).map(({ revision }) => revision)).toEqual([second, first]);
  expect((await inTenant((tx) => listPolicySets(tx, tenant, { after: second, limit: 5 }))).at(0)?.revision).toBe(first);
  // An old revision holds its calendars too.
  expect(await inTenant((tx) => isCalendarUsed(tx, tenant, 'named'))).toBe(true);
  expect(await inTenant((tx) => isCalendarUsed(tx, tenant, 'fallback'))).toBe(true);
  expect(await inTenant((tx) => currentPolicySet(tx, other), other)).toBeUndefined();
  expect(await inTenant((tx) => lockPolicySets(tx, other), other)).toBe(0);
});

test('two who publish at once get two numbers', async () => {
  const before = await publish([]);
  const made = await Promise.all([publish([]), publish([]), publish([])]);
  expect(made.toSorted((a, b) => a - b)).toEqual([before + 1, before + 2, before + 3]);
});

test('while a set is published, rows of the tenant can be written', async () => {
  await inTenant(async (tx) => {
    await lockPolicySets(tx, tenant);
    await storeText(database.db, 'opening', { subject: 'Meanwhile', body: 'It is written.' });
  });
});

test('a ticket is opened with the number of the newest set, 0 before the first', async () => {
  const revision = await publish([]);
  expect((await inTenant((tx) => findProduct(tx, tenant, 'demo')))?.policySet).toBe(revision);
  const facts = { product: 'demo', customer: null, contacts: [], ticketId: asTicketId('TKT-ZZZZZZZZ') };
  expect((await inTenant((tx) => findCreateFacts(tx, tenant, facts)))?.policySet).toBe(revision);
  await inTenant(
    (tx) =>
      tx
        .insertInto('product')
        .values({ tenantId: other, key: 'demo', name: 'Theirs', settings: JSON.stringify({ fromName: 'Theirs' }) })
        .execute(),
    other,
  );
  expect((await inTenant((tx) => findProduct(tx, other, 'demo'), other))?.policySet).toBe(0);
});

test('the newest revision of each calendar, and the calendars of teams', async () => {
  await make('teamed');
  await inTenant((tx) => insertRevision(tx, tenant, { id: 'teamed', revision: 2, body: week('tue'), by }));
  await inTenant((tx) => tx.updateTable('team').set({ calendarId: 'teamed' }).where('id', '=', demo.team).execute());
  const { revisions, teams } = await inTenant((tx) => latestCalendars(tx, tenant));
  expect(revisions.get('teamed')).toBe(2);
  expect([...teams]).toEqual([[asTeamId(demo.team), 'teamed']]);
});

test('the world of a policy set: calendars, people, products, and whether somebody is told in the end', async () => {
  await make('known');
  await make('old');
  await inTenant((tx) => retireCalendar(tx, tenant, 'old', new Date()));
  const look = () => inTenant((tx) => findPolicyWorld(tx, tenant, ['known', 'old', 'nowhere']));
  const world = await look();
  expect([...world.calendars]).toEqual([
    ['known', { retired: false, body: week('mon') }],
    ['old', { retired: true, body: week('mon') }],
  ]);
  expect(world.users.get(demo.admin)).toBe('admin');
  expect(world.teams.get(demo.team)).toBe(5);
  expect([...world.products]).toEqual(['demo']);
  await inTenant((tx) => tx.updateTable('agent').set({ active: false }).where('id', '=', demo.lead).execute());
  const later = await look();
  expect([later.users.has(demo.lead), later.teams.get(demo.team)]).toEqual([false, 4]);
});

test('the fallback recipient is kept by revision, and counts only while it is active', async () => {
  const { revision } = await inTenant((tx) => findTenantSettings(tx, tenant));
  const replace = (expected: number, id: string | null) =>
    inTenant((tx) => replaceTenantSettings(tx, tenant, expected, { fallbackRecipient: id === null ? null : asAgentId(id) }));
  const isThere = async () => (await inTenant((tx) => findPolicyWorld(tx, tenant, []))).fallbackRecipient;
  expect(await replace(revision, demo.agents[0])).toEqual({ fallbackRecipient: demo.agents[0], revision: revision + 1 });
  expect(await replace(revision, demo.admin)).toBeNull();
  expect(await isThere()).toBe(true);
  await inTenant((tx) => tx.updateTable('agent').set({ active: false }).where('id', '=', demo.agents[0]).execute());
  expect(await isThere()).toBe(false);
  expect(await replace(revision + 1, null)).toEqual({ fallbackRecipient: null, revision: revision + 2 });
  expect(await inTenant((tx) => findTenantSettings(tx, tenant))).toEqual({ fallbackRecipient: null, revision: revision + 2 });
});

test('what conditions ask about a customer and a text', async () => {
  const tags = asContentId(uuid(0x700));
  await inTenant((tx) =>
    storeContent(tx, tenant, [
      {
        id: tags,
        kind: 'opening',
        visibility: 'public',
        authorKind: 'customer',
        authorId: customer,
        data: { tags: ['vip', 'hot'], customFields: {} },
      },
    ]),
  );
  const ask = (requester = customer, content = tags) => inTenant((tx) => findMatchFacts(tx, tenant, { requester, tags: content }));
  expect(await ask()).toEqual({ customerTier: null, tags: ['vip', 'hot'] });
  await inTenant((tx) => tx.updateTable('customer').set({ tier: 'gold' }).where('id', '=', customer).execute());
  expect((await ask()).customerTier).toBe('gold');
  expect(await ask(asCustomerId(uuid(0xfff)), asContentId(uuid(0xfff)))).toEqual({ customerTier: null, tags: [] });
  const none = await storeText(database.db, 'message', { body: 'No tags here.' });
  expect((await ask(customer, none)).tags).toEqual([]);
});
