import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanFacts, PlanRequest } from '../../activities/contract.js';
import { createPlanning } from '../../activities/sla.js';
import type { PlanningDeps } from '../../activities/sla.js';
import type { Db, TenantTx } from '../../db/client.js';
import { withTenant } from '../../db/client.js';
import { createCalendar, insertRevision } from '../../db/queries/calendars.js';
import { storeContent } from '../../db/queries/content.js';
import { insertPolicySet, lockPolicySets } from '../../db/queries/policy-sets.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asContentId, asCustomerId, asProductKey, asTeamId, asTicketId } from '../../domain/ids.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import { planOf } from '../../domain/sla/policy.js';
import type { Policy } from '../../domain/sla/policy.js';
import { walk } from '../../domain/sla/windows.js';
import { uuid } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { aPolicy, aRung } from '../support/policies.js';

let database: TestDatabase;
const { tenant } = demo;
const by = `user/${demo.admin}`;
const team = asTeamId(demo.team);
const tags = asContentId(uuid(0x700));
/** Monday, 20 July 2026, 09:00 UTC. */
const monday = Date.UTC(2026, 6, 20, 9);
const day = 24 * 3600 * 1000;

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  await inTenant((tx) =>
    storeContent(tx, tenant, [
      {
        id: tags,
        kind: 'opening',
        visibility: 'public',
        authorKind: 'customer',
        authorId: null,
        data: { tags: ['vip'], customFields: {} },
      },
    ]),
  );
  await inTenant((tx) =>
    tx
      .updateTable('customer')
      .set({ tier: 'gold' })
      .where('id', '=', demo.customers[0] ?? '')
      .execute(),
  );
});
afterAll(() => database[Symbol.asyncDispose]());

const inTenant = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => withTenant(database.db, tenant, work);

const hours = (open: string, close: string, zone = 'UTC'): Calendar => ({
  zone,
  weekly: Object.fromEntries(['mon', 'tue', 'wed', 'thu', 'fri'].map((weekday) => [weekday, [[open, close]]])),
  overrides: {},
});

const makeCalendar = (id: string, body = hours('09:00', '17:00')) =>
  inTenant((tx) => createCalendar(tx, tenant, { id, name: id, body, by }));
const revise = (id: string, revision: number, body: Calendar) => inTenant((tx) => insertRevision(tx, tenant, { id, revision, body, by }));
const publish = (...policies: Policy[]): Promise<number> =>
  inTenant(async (tx) => {
    const revision = (await lockPolicySets(tx, tenant)) + 1;
    await insertPolicySet(tx, tenant, { revision, policies, mode: 'new_tickets', by });
    return revision;
  });

/** The activities, with a count of the times they asked the database, and a clock that is set by hand. */
function planning(changes: Partial<PlanningDeps> = {}) {
  const seen = { asked: 0, now: monday };
  const counting = {
    connection: () => {
      seen.asked += 1;
      return database.db.connection();
    },
  } as Db;
  return { seen, ...createPlanning({ db: counting, now: () => seen.now, ...changes }) };
}

const request = (set: number, facts: Partial<PlanFacts> = {}, changes: Partial<PlanRequest> = {}): PlanRequest => ({
  tenant,
  ticketId: asTicketId('TKT-00000001'),
  set,
  facts: {
    product: asProductKey('demo'),
    priority: 'high',
    category: null,
    channel: 'email',
    team: null,
    requester: asCustomerId(demo.customers[0] ?? ''),
    tags,
    ...facts,
  },
  from: monday,
  now: monday,
  ...changes,
});

test('a ticket that was opened without a policy set has no clocks, and nobody is asked', async () => {
  const { planSla, seen } = planning();
  expect(await planSla(request(0))).toEqual({ plan: null, windows: null, rematchOn: [], teamCalendar: false });
  expect(seen.asked).toBe(0);
});

test('the policy that matches, on the newest revision of its calendar', async () => {
  await makeCalendar('plan');
  await revise('plan', 2, hours('10:00', '18:00'));
  const office = aPolicy({ id: 'office', calendar: { use: 'policy', id: 'plan' } });
  const set = await publish(aPolicy({ id: 'urgent', match: [{ field: 'priority', op: 'in', values: ['urgent'] }] }), office);
  const { planSla } = planning();
  const { plan, windows, rematchOn, teamCalendar } = await planSla(request(set));
  expect(plan).toEqual(planOf(office, set, { id: 'plan', revision: 2 }));
  expect([rematchOn, teamCalendar]).toEqual([['priority'], false]);
  expect(windows?.calendar).toEqual({ id: 'plan', revision: 2 });
  expect(windows?.windows[0]).toEqual([monday + 3_600_000, monday + 9 * 3_600_000]);
  expect(windows?.zoneData).toBe(process.versions['tz']);
  expect((await planSla(request(set, { priority: 'urgent' }))).plan?.policy).toBe('urgent');
});

test('no policy matches: no plan, but what to look at again', async () => {
  const set = await publish(aPolicy({ match: [{ field: 'category', op: 'in', values: ['Billing'] }] }));
  expect(await planning().planSla(request(set))).toEqual({ plan: null, windows: null, rematchOn: ['category'], teamCalendar: false });
});

test('tags and tier are read when a condition asks for them, and only then', async () => {
  const byTag = await publish(aPolicy({ match: [{ field: 'tags', op: 'all', values: ['vip'] }] }));
  const byTier = await publish(aPolicy({ match: [{ field: 'customer_tier', op: 'in', values: ['gold'] }] }));
  const byNeither = await publish(aPolicy());
  const { planSla, seen } = planning();
  expect((await planSla(request(byTag))).plan?.policy).toBe('standard');
  expect((await planSla(request(byTag, { tags: asContentId(uuid(0xfff)) }))).plan).toBeNull();
  expect((await planSla(request(byTier))).plan?.policy).toBe('standard');
  expect((await planSla(request(byTier, { requester: asCustomerId(demo.customers[1] ?? '') }))).plan).toBeNull();
  await planSla(request(byNeither));
  const { asked } = seen;
  await planSla(request(byNeither));
  expect(seen.asked).toBe(asked);
  await planSla(request(byTag));
  expect(seen.asked).toBe(asked + 1);
});

test('what is in memory is not asked again; which revision is the newest, every five seconds', async () => {
  await makeCalendar('memory');
  const set = await publish(aPolicy({ calendar: { use: 'policy', id: 'memory' } }));
  const { planSla, seen } = planning();
  await planSla(request(set));
  expect(seen.asked).toBe(3);
  await revise('memory', 2, hours('10:00', '12:00'));
  seen.now += 5_000;
  expect((await planSla(request(set))).plan?.calendar.revision).toBe(1);
  expect(seen.asked).toBe(3);
  seen.now += 1;
  expect((await planSla(request(set))).plan?.calendar.revision).toBe(2);
  expect(seen.asked).toBe(5);
});

test('many who ask at once are one question', async () => {
  await makeCalendar('crowd');
  const set = await publish(aPolicy({ calendar: { use: 'policy', id: 'crowd' } }));
  const { planSla, seen } = planning();
  const plans = await Promise.all(Array.from({ length: 20 }, () => planSla(request(set))));
  expect(new Set(plans.map(({ plan }) => plan?.calendar.revision))).toEqual(new Set([1]));
  expect(seen.asked).toBe(3);
  seen.now += 6_000;
  await Promise.all(Array.from({ length: 20 }, () => planSla(request(set))));
  expect(seen.asked).toBe(4);
});

test('a calendar younger than what is in memory is found', async () => {
  await makeCalendar('older');
  const older = await publish(aPolicy({ calendar: { use: 'policy', id: 'older' } }));
  const { planSla } = planning();
  await planSla(request(older));
  await makeCalendar('younger');
  const younger = await publish(aPolicy({ calendar: { use: 'policy', id: 'younger' } }));
  expect((await planSla(request(younger))).plan?.calendar).toEqual({ id: 'younger', revision: 1 });
});

test('a ticket keeps the revision it has pinned, as long as it stays on that calendar', async () => {
  await makeCalendar('pinned');
  await revise('pinned', 2, hours('10:00', '12:00'));
  const set = await publish(aPolicy({ calendar: { use: 'policy', id: 'pinned' } }));
  const { planSla } = planning();
  const kept = await planSla(request(set, {}, { pinned: { id: 'pinned', revision: 1 } }));
  expect(kept.plan?.calendar.revision).toBe(1);
  expect(kept.windows?.windows[0]).toEqual([monday, monday + 8 * 3_600_000]);
  expect((await planSla(request(set, {}, { pinned: { id: 'another', revision: 1 } }))).plan?.calendar).toEqual({
    id: 'pinned',
    revision: 2,
  });
});

test('the calendar of the team, else the fallback', async () => {
  await makeCalendar('fallback');
  await makeCalendar('teams', hours('06:00', '07:00', 'America/New_York'));
  const set = await publish(aPolicy({ calendar: { use: 'team', fallback: 'fallback' } }));
  await inTenant((tx) => tx.updateTable('team').set({ calendarId: 'teams' }).where('id', '=', team).execute());
  const { planSla } = planning();
  const { plan, teamCalendar } = await planSla(request(set, { team }));
  expect([plan?.calendar.id, teamCalendar]).toEqual(['teams', true]);
  expect((await planSla(request(set))).plan?.calendar.id).toBe('fallback');
  expect((await planSla(request(set, { team: asTeamId(uuid(0xfff)) }))).plan?.calendar.id).toBe('fallback');
  await inTenant((tx) => tx.updateTable('team').set({ calendarId: null }).where('id', '=', team).execute());
});

test('windows reach 35 days ahead, and past the last thing that can fall due', async () => {
  await makeCalendar('reach');
  const calendar = { use: 'policy', id: 'reach' } as const;
  const near = await publish(aPolicy({ calendar }));
  const far = await publish(
    aPolicy({
      calendar,
      // 8 h a day, 5 days a week: 50 weeks, and 10 days more for the rung and the acknowledgement.
      targets: { resolution: { low: 50 * 5 * 28_800, urgent: 60 }, first_response: { high: 60 } },
      rungs: [
        aRung({ when: { after: 5 * 28_800 } }),
        aRung({
          id: 'b',
          when: 'at_breach',
          actions: [{ reassign: {} }, { open_escalation: { to: { kind: 'team' }, ackWithin: 5 * 28_800 } }],
        }),
      ],
    }),
  );
  const { planSla } = planning();
  const late = request(near, {}, { from: monday - 3 * day });
  const nearby = (await planSla(late)).windows;
  expect([nearby?.from, nearby?.until]).toEqual([monday - 3 * day, monday + 35 * day]);
  const { windows } = await planSla(request(far));
  if (windows === null) throw new Error('a plan without windows');
  expect(walk(windows, monday, 52 * 5 * 28_800_000)).toBe(monday + (52 * 7 - 3) * day + 8 * 3_600_000);
});

test('a calendar that opens too little for its policy is known for five years', async () => {
  await makeCalendar('rare', { zone: 'UTC', weekly: { tue: [['09:00', '09:01']] }, overrides: {} });
  const set = await publish(aPolicy({ calendar: { use: 'policy', id: 'rare' } }));
  const { windows } = await planning().planSla(request(set));
  expect(windows?.until).toBe(monday + 5 * 365 * day);
  expect(windows?.windows.length).toBe(261);
});

test('a revision is expanded as asked for', async () => {
  await makeCalendar('expanded');
  await revise('expanded', 2, hours('10:00', '12:00'));
  const { expandCalendar } = planning();
  const reach = { tenant, from: monday, until: monday + day, needMs: 0, needFrom: monday };
  const first = await expandCalendar({ ...reach, calendar: { id: 'expanded', revision: 1 } });
  expect(first.windows).toEqual([[monday, monday + 8 * 3_600_000]]);
  const second = await expandCalendar({ ...reach, calendar: { id: 'expanded', revision: 2 }, needMs: 3 * 3_600_000 });
  expect(walk(second, monday, 3 * 3_600_000)).toBe(monday + day + 2 * 3_600_000);
  const always = await expandCalendar({ ...reach, calendar: { id: '24x7', revision: 1 } });
  expect(always.windows).toEqual([[monday, monday + day]]);
});

test('a workflow that lives in the future gets windows in its own time', async () => {
  await makeCalendar('shifted');
  const set = await publish(aPolicy({ calendar: { use: 'policy', id: 'shifted' } }));
  // What is Saturday there is Monday to the calendar.
  const { planSla, expandCalendar } = planning({ offsetMs: 2 * day });
  const saturday = monday - 2 * day;
  const { windows } = await planSla(request(set, {}, { from: saturday, now: saturday }));
  expect([windows?.from, windows?.until]).toEqual([saturday, saturday + 35 * day]);
  expect(windows?.windows[0]).toEqual([saturday, saturday + 8 * 3_600_000]);
  const reach = { from: saturday, until: saturday + day, needMs: 9 * 3_600_000, needFrom: saturday };
  const asked = await expandCalendar({ tenant, calendar: { id: 'shifted', revision: 1 }, ...reach });
  expect(walk(asked, saturday, 9 * 3_600_000)).toBe(saturday + day + 3_600_000);
});

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it did not fail',
    (error: unknown) =>
      error instanceof ApplicationFailure ? { type: error.type, final: error.nonRetryable, message: error.message } : error,
  );

test('a revision that was never published is the end of it; one that comes later is found', async () => {
  const { planSla, expandCalendar } = planning();
  const next = (await publish()) + 1;
  expect(await failure(planSla(request(next)))).toMatchObject({ type: 'sla.unknown_policy_set', final: true });
  await publish(aPolicy({ calendar: { use: 'policy', id: 'nowhere' } }));
  expect(await failure(planSla(request(next)))).toMatchObject({ type: 'sla.unknown_calendar', final: true });
  const calendar = { id: 'nowhere', revision: 1 };
  const reach = { tenant, calendar, from: monday, until: monday + day, needMs: 0, needFrom: monday };
  expect(await failure(expandCalendar(reach))).toMatchObject({ type: 'sla.unknown_calendar', final: true });
  await makeCalendar('nowhere');
  expect((await expandCalendar(reach)).calendar).toEqual(calendar);
});

test('a database that cannot be asked is asked again, and says nothing into the history', async () => {
  const broken = { connection: () => ({ execute: () => Promise.reject(new Error('password of usher is secret')) }) } as unknown as Db;
  const { planSla } = createPlanning({ db: broken, now: () => monday });
  expect(await failure(planSla(request(1)))).toEqual({ type: 'planning.retry', final: false, message: 'planning.retry: internal' });
});

test('memory is bounded: what was used longest ago is asked for again', async () => {
  const first = await publish(aPolicy());
  const last = await inTenant(async (tx) => {
    const from = (await lockPolicySets(tx, tenant)) + 1;
    for (let n = 0; n < 200; n += 1) await insertPolicySet(tx, tenant, { revision: from + n, policies: [], mode: 'new_tickets', by });
    return from + 199;
  });
  const { planSla, seen } = planning();
  for (let set = first; set < last; set += 1) await planSla(request(set));
  expect(seen.asked).toBe(200);
  await planSla(request(first));
  expect(seen.asked).toBe(200);
  await planSla(request(last));
  await planSla(request(first));
  expect(seen.asked).toBe(201);
  await planSla(request(first + 1));
  expect(seen.asked).toBe(202);
});
