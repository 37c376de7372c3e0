/** What is kept of a revision on its way to open tickets, and how open tickets are read for a preview. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { countOpenTickets, listHeldTickets } from '../../db/queries/held-tickets.js';
import { lockPolicySets } from '../../db/queries/policy-sets.js';
import {
  claimReprojection,
  findReplanned,
  findReprojection,
  findReprojectionJob,
  listReprojectionItems,
  listReprojections,
  markReprojection,
  revisionUnderWay,
  settleReprojection,
} from '../../db/queries/reprojection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import type { Principal } from '../../domain/access/principal.js';
import { asTenantId } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import type { ReprojectionOutcome } from '../../domain/sla/preview.js';
import type { TicketCommand } from '../../domain/ticket/command.js';
import { anEnvelope, uuid } from '../support/builders.js';
import { ClockedDesk, customer, idsOf, monday } from '../support/clocked-desk.js';
import type { Held } from '../support/clocked-desk.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { storeText } from '../support/ticket-run.js';

let database: TestDatabase;
let desk: ClockedDesk;
const { tenant } = demo;
const other = asTenantId(uuid(2));
const by = `user/${demo.admin}`;
const admin: Principal = { tenant, actor: by, id: demo.admin, role: 'admin', products: '*', teams: [], scopes: [], actingFor: null };
beforeAll(async () => {
  database = await freshDatabase();
  desk = new ClockedDesk(database.db);
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  // Under the first revision tickets have clocks.
  const { revision: first } = await desk.publish();
  await desk.inTenant((tx) => markReprojection(tx, tenant, first, 'done'));
  await withTenant(database.db, other, (tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute());
});
afterAll(() => database[Symbol.asyncDispose]());

const inTenant = <T>(work: (tx: TenantTx) => Promise<T>, of = tenant): Promise<T> => desk.inTenant(work, of);

const claim = (revision: number, after: TicketId | null = null, limit = 100) =>
  inTenant((tx) => claimReprojection(tx, tenant, { revision, after, limit }));
const settle = (revision: number, ...settled: [Held, ReprojectionOutcome, string?][]): Promise<void> =>
  inTenant((tx) =>
    settleReprojection(
      tx,
      tenant,
      revision,
      settled.map(([{ ticket }, outcome, code]) => ({ ticket: ticket.id, outcome, code: code ?? null })),
    ),
  );
let revision: number;
let job: string;
let a: Held;
let b: Held;
let c: Held;

beforeEach(async () => {
  // Each test has three open tickets of its own, and a job of its own.
  await inTenant(async (tx) => {
    const before = await tx.selectFrom('slaReprojection').select('revision').execute();
    for (const row of before) await markReprojection(tx, tenant, row.revision, 'cancelled');
  });
  for (const { ticket } of await inTenant((tx) => listHeldTickets(tx, tenant, null, 1_000))) {
    await inTenant((tx) => tx.updateTable('ticket').set({ status: 'closed' }).where('id', '=', ticket.id).execute());
  }
  const set = await inTenant((tx) => lockPolicySets(tx, tenant));
  [a, b, c] = [await desk.open(set), await desk.open(set), await desk.open(0)];
  ({ revision, id: job } = await desk.publish());
});

describe('a job', () => {
  test('counts the open tickets that are behind, and is found by revision and by id', async () => {
    const found = await inTenant((tx) => findReprojection(tx, tenant, revision));
    expect(found).toEqual({ id: job, revision, state: 'running', total: 3, startedAt: expect.any(Date), endedAt: null, counts: {} });
    expect(await inTenant((tx) => findReprojectionJob(tx, tenant, job))).toEqual(found);
    expect(await inTenant((tx) => revisionUnderWay(tx, tenant))).toBe(revision);
    const listed = await inTenant((tx) => listReprojections(tx, tenant, { limit: 1 }));
    expect([listed[0], listed.length > 1]).toEqual([found, listed.some((one) => one.revision < revision)]);
    expect(
      await inTenant((tx) => listReprojections(tx, tenant, { before: { startedAt: '2020-01-01T00:00:00.000Z', id: job }, limit: 5 })),
    ).toEqual([]);
  });

  test('of another tenant is not there', async () => {
    expect(await inTenant((tx) => findReprojection(tx, tenant, revision), other)).toBeUndefined();
    expect(await inTenant((tx) => findReprojectionJob(tx, other, job), other)).toBeUndefined();
    expect(await inTenant((tx) => claimReprojection(tx, tenant, { revision, after: null, limit: 9 }), other)).toEqual([]);
    expect(await inTenant((tx) => listHeldTickets(tx, tenant, null, 9), other)).toEqual([]);
  });

  test('is the only one under way', async () => {
    await expect(desk.publish()).rejects.toThrow(/sla_reprojection_one/);
    await inTenant((tx) => markReprojection(tx, tenant, revision, 'paused'));
    await expect(desk.publish()).rejects.toThrow(/sla_reprojection_one/);
    await inTenant((tx) => markReprojection(tx, tenant, revision, 'cancelled'));
    expect(await inTenant((tx) => revisionUnderWay(tx, tenant))).toBeUndefined();
    expect((await desk.publish()).revision).toBe(revision + 1);
  });

  test('that has ended stays ended', async () => {
    await inTenant((tx) => markReprojection(tx, tenant, revision, 'done'));
    await inTenant((tx) => markReprojection(tx, tenant, revision, 'running'));
    expect(await inTenant((tx) => findReprojection(tx, tenant, revision))).toMatchObject({ state: 'done', endedAt: expect.any(Date) });
  });
});

describe('the tickets of a page', () => {
  test('come by number, with their clocks as they were when they were first asked', async () => {
    expect(idsOf(await claim(revision, null, 2))).toEqual([a.ticket.id, b.ticket.id]);
    expect(idsOf(await claim(revision, b.ticket.id, 2))).toEqual([c.ticket.id]);
    const before = a.ledger.clocks;
    expect(before).toHaveLength(1);
    expect((await claim(revision))[0]).toEqual({ ticket: a.ticket.id, before });
    expect((await claim(revision))[2]).toEqual({ ticket: c.ticket.id, before: [] });
    // It has followed, but nobody heard of it: it is asked again, and compared with the same.
    a = await desk.follows(a, revision);
    expect((await claim(revision))[0]).toEqual({ ticket: a.ticket.id, before });
  });

  test('are open, and behind', async () => {
    await desk.close(a);
    await desk.follows(b, revision);
    expect(idsOf(await claim(revision))).toEqual([c.ticket.id]);
    const late = await desk.open(revision);
    expect(idsOf(await claim(revision))).not.toContain(late.ticket.id);
  });

  test('are asked once when it went well, and again when it failed or was not heard of', async () => {
    await claim(revision);
    await settle(revision, [a, 'unchanged'], [b, 'failed', 'no_answer']);
    await desk.close(b);
    expect(idsOf(await claim(revision))).toEqual([b.ticket.id, c.ticket.id]);
    await settle(revision, [a, 'failed', 'late'], [b, 'closed'], [c, 'gained_policy']);
    expect(await claim(revision)).toEqual([]);
    const items = await inTenant((tx) => listReprojectionItems(tx, admin, revision, { limit: 10 }));
    expect(items.map(({ ticket, outcome, code }) => [ticket, outcome, code])).toEqual([
      [a.ticket.id, 'unchanged', null],
      [b.ticket.id, 'closed', null],
      [c.ticket.id, 'gained_policy', null],
    ]);
    expect((await inTenant((tx) => findReprojection(tx, tenant, revision)))?.counts).toEqual({ unchanged: 1, closed: 1, gained_policy: 1 });
  });

  test('that are still asked count for nothing', async () => {
    await claim(revision);
    await settle(revision, [b, 'failed', 'no_answer']);
    expect((await inTenant((tx) => findReprojection(tx, tenant, revision)))?.counts).toEqual({ failed: 1 });
    const list = (filter: { outcome?: ReprojectionOutcome[]; after?: string }) =>
      inTenant((tx) => listReprojectionItems(tx, admin, revision, { limit: 1, ...filter }));
    expect(await list({})).toMatchObject([{ ticket: b.ticket.id, outcome: 'failed', code: 'no_answer' }]);
    expect(await list({ outcome: ['earlier', 'closed'] })).toEqual([]);
    expect(await list({ outcome: ['failed'], after: b.ticket.id })).toEqual([]);
    const elsewhere = { ...admin, products: [] };
    expect(await inTenant((tx) => listReprojectionItems(tx, elsewhere, revision, { limit: 9 }))).toEqual([]);
  });

  test('show what became of them', async () => {
    a = await desk.follows(a, revision);
    b = await desk.close(b);
    const found = await inTenant((tx) => findReplanned(tx, tenant, [a.ticket.id, b.ticket.id]));
    const [first, second] = found.toSorted((one, next) => (one.ticket < next.ticket ? -1 : 1));
    expect(first).toEqual({ ticket: a.ticket.id, status: 'new', set: revision, clocks: a.ledger.clocks });
    expect(second).toMatchObject({ ticket: b.ticket.id, status: 'closed', clocks: [{ phase: 'cancelled', reason: 'closed' }] });
  });
});

const minute = 60_000;

const held = async (id: TicketId) =>
  (await inTenant((tx) => listHeldTickets(tx, tenant, null, 100))).find(({ ticket }) => ticket.id === id);
const reply = async (role: 'agent' | 'service', then?: 'resolved'): Promise<TicketCommand> => {
  const content = await storeText(database.db, 'message', { body: 'Hello.' });
  return { kind: 'reply', ...anEnvelope({ commandId: randomUUID(), role }), content, ...(then === undefined ? {} : { then }) };
};
const receive = async (auto = false): Promise<TicketCommand> => {
  const content = await storeText(database.db, 'message', { body: 'Hello?' });
  return { kind: 'receive', ...anEnvelope({ commandId: randomUUID(), role: 'customer' }), content, author: customer, auto };
};

describe('open tickets of a preview', () => {
  test('come by number, with clocks and with what conditions ask', async () => {
    await inTenant((tx) => tx.updateTable('customer').set({ tier: 'gold' }).where('id', '=', customer).execute());
    await inTenant((tx) =>
      tx
        .updateTable('ticket')
        .set({ tags: ['vip'] })
        .where('id', '=', a.ticket.id)
        .execute(),
    );
    expect(await inTenant((tx) => countOpenTickets(tx, tenant))).toBe(3);
    const [first] = await inTenant((tx) => listHeldTickets(tx, tenant, null, 1));
    expect(first).toEqual({
      ticket: a.ticket,
      clocks: a.ledger.clocks,
      facts: { product: 'demo', priority: 'medium', category: null, channel: 'api', customerTier: 'gold', tags: ['vip'] },
      cycleAt: monday,
      customerAt: monday,
      unansweredAt: monday,
      deskAt: null,
    });
    expect((await inTenant((tx) => listHeldTickets(tx, tenant, a.ticket.id, 9))).map(({ ticket }) => ticket.id)).toEqual([
      b.ticket.id,
      c.ticket.id,
    ]);
  });

  test('who spoke last is told as the clocks count it', async () => {
    a = await desk.send(a, await receive(), monday + minute);
    expect(await held(a.ticket.id)).toMatchObject({ customerAt: monday, unansweredAt: monday, deskAt: null });
    a = await desk.send(a, await reply('service'), monday + 2 * minute);
    expect(await held(a.ticket.id)).toMatchObject({ unansweredAt: monday, deskAt: null });
    a = await desk.send(a, await reply('agent'), monday + 3 * minute);
    expect(await held(a.ticket.id)).toMatchObject({ customerAt: monday, unansweredAt: null, deskAt: monday + 3 * minute });
    a = await desk.send(a, await receive(true), monday + 4 * minute);
    expect(await held(a.ticket.id)).toMatchObject({ unansweredAt: null });
    a = await desk.send(a, await receive(), monday + 5 * minute);
    expect(await held(a.ticket.id)).toMatchObject({ unansweredAt: monday + 5 * minute, deskAt: monday + 3 * minute });
    a = await desk.send(a, { kind: 'resolve', ...anEnvelope({ commandId: 'resolve' }) }, monday + 6 * minute);
    expect(await held(a.ticket.id)).toMatchObject({ cycleAt: monday, customerAt: monday, unansweredAt: null });
    a = await desk.send(a, await receive(), monday + 7 * minute);
    expect(await held(a.ticket.id)).toMatchObject({ cycleAt: monday + 7 * minute, unansweredAt: monday + 7 * minute });
  });

  test('one that the desk opened, or an automatic mail, asks nothing yet', async () => {
    const ours = await desk.open(0, {}, 'agent');
    const auto = await desk.open(0, { auto: true });
    for (const { ticket } of [ours, auto]) {
      expect(await held(ticket.id)).toMatchObject({ clocks: [], customerAt: null, unansweredAt: null, deskAt: null });
    }
  });
});
