/** A page of tickets that is moved to a revision: what is told of each, whatever the tickets answer. */
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ReprojectionPage } from '../../activities/contract.js';
import { CommandRefused } from '../../activities/ports.js';
import type { OpenTickets } from '../../activities/ports.js';
import { createReprojection } from '../../activities/reprojection.js';
import { createDb } from '../../db/client.js';
import { listHeldTickets } from '../../db/queries/held-tickets.js';
import { lockPolicySets } from '../../db/queries/policy-sets.js';
import { findReprojection, listReprojectionItems, markReprojection } from '../../db/queries/reprojection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TicketId } from '../../domain/ids.js';
import { ClockedDesk } from '../support/clocked-desk.js';
import type { Held } from '../support/clocked-desk.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { aPolicy } from '../support/policies.js';

const { tenant } = demo;
const admin: Principal = {
  tenant,
  actor: `user/${demo.admin}`,
  id: demo.admin,
  role: 'admin',
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
};
const fourHours = aPolicy({ targets: { resolution: { medium: 14_400 } } });

let database: TestDatabase;
let desk: ClockedDesk;
let set: number;
let revision: number;

beforeAll(async () => {
  database = await freshDatabase();
  desk = new ClockedDesk(database.db);
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  // Under the first revision tickets have clocks.
  await desk.publish();
});
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  await desk.inTenant(async (tx) => {
    const before = await tx.selectFrom('slaReprojection').select('revision').execute();
    for (const row of before) await markReprojection(tx, tenant, row.revision, 'cancelled');
    for (const { ticket } of await listHeldTickets(tx, tenant, null, 1_000)) {
      await tx.updateTable('ticket').set({ status: 'closed' }).where('id', '=', ticket.id).execute();
    }
    set = await lockPolicySets(tx, tenant);
  });
});

/** Publishes, then works on one page; `replan` is what each ticket does. */
async function pageOf(replan: OpenTickets['replan'], { limit = 100, publish = true } = {}): Promise<ReprojectionPage> {
  if (publish) ({ revision } = await desk.publish());
  const { reprojectPage } = createReprojection({ db: database.db, tickets: { replan } });
  return new MockActivityEnvironment().run(reprojectPage, { tenant, revision, after: null, limit });
}

const told = async (): Promise<Record<string, string | null>> => {
  const items = await desk.inTenant((tx) => listReprojectionItems(tx, admin, revision, { limit: 100 }));
  return Object.fromEntries(items.map(({ ticket, outcome, code }) => [ticket, code ?? outcome]));
};

const never = (): Promise<never> => Promise.reject(new Error('nobody should be asked'));

test('a ticket that follows is told by its clocks, before and after', async () => {
  const [tighter, same] = [await desk.open(set), await desk.open(set)];
  const page = await pageOf(async (id, to) => {
    await desk.follows(id === tighter.ticket.id ? tighter : same, to, id === tighter.ticket.id ? fourHours : aPolicy());
    return 'replanned';
  });
  expect(page).toEqual({ last: same.ticket.id, isLast: true, counts: { earlier: 1, unchanged: 1 } });
  expect(await told()).toEqual({ [tighter.ticket.id]: 'earlier', [same.ticket.id]: 'unchanged' });
});

test('a page that ends early says where, and the next one goes on there', async () => {
  const held = [await desk.open(set), await desk.open(set), await desk.open(set)];
  const replan = async (id: TicketId, to: number): Promise<'replanned'> => {
    const one = held.find(({ ticket }) => ticket.id === id);
    if (one !== undefined) await desk.follows(one, to);
    return 'replanned';
  };
  const first = await pageOf(replan, { limit: 2 });
  expect(first).toEqual({ last: held[1]?.ticket.id, isLast: false, counts: { unchanged: 2 } });
  const { reprojectPage } = createReprojection({ db: database.db, tickets: { replan } });
  const request = { tenant, revision, after: first.last, limit: 2 };
  expect(await new MockActivityEnvironment().run(reprojectPage, request)).toEqual({
    last: held[2]?.ticket.id,
    isLast: true,
    counts: { unchanged: 3 },
  });
  // Tried again after its answer was lost, it asks nobody.
  const again = createReprojection({ db: database.db, tickets: { replan: never } });
  expect(await new MockActivityEnvironment().run(again.reprojectPage, request)).toEqual({
    last: first.last,
    isLast: true,
    counts: { unchanged: 3 },
  });
});

test.each<[string, (held: Held, to: number) => Promise<'replanned' | 'gone'>, string]>([
  ['says yes, but nothing arrived', () => Promise.resolve('replanned'), 'not_projected'],
  ['pinned the revision, and still looks for its policy', async (held, to) => (await desk.pin(held, to), 'replanned'), 'not_projected'],
  ['has no workflow', () => Promise.resolve('gone'), 'gone'],
  ['ended meanwhile', async (held) => (await desk.close(held), 'gone'), 'closed'],
  ['refuses', () => Promise.reject(new CommandRefused('invalid_request')), 'invalid_request'],
  ['does not answer', () => Promise.reject(new Error('connection lost')), 'no_answer'],
  [
    'follows, and its answer is lost',
    async (held, to) => {
      await desk.follows(held, to, fourHours);
      throw new Error('connection lost');
    },
    'earlier',
  ],
])('a ticket that %s', async (_name, replan, expected) => {
  const held = await desk.open(set);
  await pageOf((_id, to) => replan(held, to));
  expect(await told()).toEqual({ [held.ticket.id]: expected });
});

test('what was not heard of is asked again, and compared with what was before the first time', async () => {
  const held = await desk.open(set);
  await pageOf(async (_id, to) => {
    await desk.pin(held, to);
    throw new Error('connection lost');
  });
  expect(await told()).toEqual({ [held.ticket.id]: 'no_answer' });
  const pinned = (await desk.inTenant((tx) => listHeldTickets(tx, tenant, null, 1)))[0]?.ticket ?? held.ticket;
  await desk.plan({ ticket: pinned, ledger: held.ledger }, revision, fourHours);
  const page = await pageOf(() => Promise.resolve('replanned'), { publish: false });
  expect(page.counts).toEqual({ earlier: 1 });
});

test('ten tickets are asked at once, and no more', async () => {
  for (let n = 0; n < 12; n += 1) await desk.open(set);
  const waiting: (() => void)[] = [];
  let most = 0;
  let asking = 0;
  const page = pageOf(async () => {
    asking += 1;
    most = Math.max(most, asking);
    await new Promise<void>((resolve) => waiting.push(resolve));
    asking -= 1;
    return 'gone';
  });
  await expect.poll(() => waiting.length).toBe(10);
  waiting.splice(0).forEach((go) => go());
  await expect.poll(() => waiting.length).toBe(2);
  waiting.splice(0).forEach((go) => go());
  expect((await page).counts).toEqual({ failed: 12 });
  expect(most).toBe(10);
});

test('a revision that is not published is asked for again, and a job that ended stays ended', async () => {
  await desk.open(set);
  const { findReprojection: find, markReprojection: mark } = createReprojection({ db: database.db, tickets: { replan: never } });
  const missing = await find({ tenant, revision: 9_999 }).catch((error: unknown) => error);
  expect(missing).toMatchObject({ type: 'reprojection.retry', nonRetryable: false, message: 'reprojection.retry: not_published' });
  ({ revision } = await desk.publish());
  expect(await find({ tenant, revision })).toEqual({ state: 'running', total: 1, counts: {} });
  await mark({ tenant, revision, state: 'done' });
  await mark({ tenant, revision, state: 'paused' });
  expect((await desk.inTenant((tx) => findReprojection(tx, tenant, revision)))?.state).toBe('done');
});

test('what a database says is kept out of histories', async () => {
  const away = createDb({
    url: 'postgres://nobody@127.0.0.1:1/secret',
    role: 'usher_app',
    pool: 1,
    name: 'away',
    onBroken: () => undefined,
  });
  const { findReprojection: find } = createReprojection({ db: away, tickets: { replan: never } });
  const failure = await find({ tenant, revision: 1 }).catch((error: unknown) => error);
  await away.destroy();
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(String(failure)).toContain('database_ECONNREFUSED');
  expect(JSON.stringify(failure)).not.toContain('127.0.0.1');
});
