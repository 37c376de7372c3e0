/** The relay of webhooks on a real PostgreSQL: whom an event goes to, whose turn it is, and what a death leaves behind. Source: api-surfaces.md, section 2. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { forgetPositions, publishEvents } from '../../db/queries/stream-relay.js';
import { claimWebhook, settleWebhook } from '../../db/queries/webhook-attempts.js';
import { insertReplay, insertTest, replayOne, turnReplayPage } from '../../db/queries/webhook-deliveries.js';
import { disableEndpoint, enableEndpoint, removeEndpoint } from '../../db/queries/webhook-endpoints.js';
import { deleteDeliveries, deleteEndpoints } from '../../db/queries/webhook-sweep.js';
import { findWebhookWork } from '../../db/queries/webhook-relay.js';
import type { DueDelivery } from '../../db/queries/webhook-relay.js';
import { afterAttempt } from '../../domain/webhook/schedule.js';
import { day } from '../../domain/time.js';
import { judge } from '../../domain/webhook/verdict.js';
import { createLogger } from '../../logger.js';
import { startWebhookRelay } from '../../worker/webhook-relay.js';
import { tenant } from './desk.js';
import { openWebhookStage } from './webhook-stage.js';
import type { WebhookStage } from './webhook-stage.js';

const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
let stage: WebhookStage;
/** What is recorded now is recorded at this time; moved on where a test lets time pass. */
let now: number;

beforeAll(async () => {
  stage = await openWebhookStage();
  return () => stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  now = Date.now();
  // What other tests left is nobody's turn.
  await stage.bring();
  await stage.desk.see((tx) =>
    sql`update webhook_endpoint set state = 'removed', disabled_at = coalesce(disabled_at, now()) where tenant_id = ${tenant}`.execute(tx),
  );
});

const eventsOf = async (endpoint: string, state?: string): Promise<string[]> =>
  (await stage.deliveries(endpoint)).filter((one) => state === undefined || one.state === state).map(({ eventId }) => eventId);

/** One attempt, as its activity makes it. */
async function attempt({ id, round }: Pick<DueDelivery, 'id' | 'round'>, status: number): Promise<string> {
  // The clock of the database goes on while a test is slow.
  now = Math.max(now, Date.now());
  const claim = await stage.desk.see((tx) => claimWebhook(tx, { tenant, delivery: id, round, lease: randomUUID(), leaseMs: 25_000, now }));
  if (claim.kind !== 'claimed') return claim.kind;
  const { webhook } = claim;
  const verdict = judge({ kind: 'answered', status, retryAfter: null }, now);
  const after = afterAttempt(verdict, { type: webhook.event.type, failed: webhook.failed, chance: 0.5 });
  await stage.desk.see((tx) => settleWebhook(tx, webhook, { verdict, status, answer: '', after, durationMs: 1, now }));
  if (after.state === 'pending') now += after.pauseMs;
  return after.state;
}

describe('whom an event goes to', () => {
  test('each endpoint that asked for its type, once, in the order of the stream', async () => {
    const all = await stage.endpoint();
    const some = await stage.endpoint({ types: ['customer.*', 'sla.breached'] });
    const other = await stage.endpoint({ types: ['customer.tol', 'customer.told.*', 'ticket.*'] });
    const told = [await stage.event('a'), await stage.event('b'), await stage.event('a', 'other.type')];
    await stage.bring();
    await stage.bring();
    expect(await eventsOf(all)).toEqual(told);
    expect(await eventsOf(some)).toEqual(told.slice(0, 2));
    expect(await eventsOf(other)).toEqual([]);
  });

  test('only what happens after the endpoint was made', async () => {
    await stage.event('early');
    await stage.bring();
    const late = await stage.endpoint();
    const event = await stage.event('late');
    await stage.bring();
    expect(await eventsOf(late)).toEqual([event]);
  });

  test('of one product, where one is named', async () => {
    const [one, another, any] = [
      await stage.endpoint({ product: 'demo', types: ['ticket.*'] }),
      await stage.endpoint({ product: 'demo', types: ['customer.*'] }),
      await stage.endpoint({ types: ['ticket.created', 'customer.*'] }),
    ];
    const ticket = await stage.desk.open();
    await stage.event('of no product');
    await stage.bring();
    expect((await stage.deliveries(one)).map(({ type, subject }) => [type, subject])).toEqual([['ticket.created', `ticket/${ticket.id}`]]);
    expect(await eventsOf(another)).toEqual([]);
    expect((await stage.deliveries(any)).map(({ type }) => type)).toEqual(['ticket.created', 'customer.told']);
  });

  test('one that is disabled gets it as dropped, one that is removed not at all', async () => {
    const [off, gone] = [await stage.endpoint(), await stage.endpoint()];
    await stage.desk.see((tx) => disableEndpoint(tx, tenant, off, 'admin', new Date()));
    await stage.desk.see((tx) => removeEndpoint(tx, tenant, gone, new Date()));
    const event = await stage.event('a');
    await stage.bring();
    expect(await stage.deliveries(off)).toMatchObject([{ eventId: event, state: 'dropped', reason: 'disabled' }]);
    expect(await eventsOf(gone)).toEqual([]);
    expect(await stage.due()).toEqual([]);
  });

  test('no position is forgotten before webhooks were made of it', async () => {
    const endpoint = await stage.endpoint();
    const event = await stage.event('old');
    const { relay } = stage.desk.database;
    await publishEvents(relay, 500);
    const age = () => sql`update stream_event set published_at = now() - interval '30 hours' where position is not null`.execute(relay);
    await age();
    for (let forgotten = 1; forgotten > 0;) forgotten = await forgetPositions(relay, 1_000);
    await stage.bring();
    expect(await eventsOf(endpoint)).toEqual([event]);
    await age();
    expect(await forgetPositions(relay, 1_000)).toBe(1);
  });
});

describe('whose turn it is', () => {
  test('of a subject the first, of others theirs; and four of an endpoint at most', async () => {
    const endpoint = await stage.endpoint();
    const [a1, , b1, c1, d1, e1] = [
      await stage.event('order-a'),
      await stage.event('order-a'),
      await stage.event('order-b'),
      await stage.event('order-c'),
      await stage.event('order-d'),
      await stage.event('order-e'),
    ];
    await stage.bring();
    const first = await stage.due();
    expect(first.map(({ event }) => event).toSorted()).toEqual([a1, b1, c1, d1].toSorted());
    expect(await stage.due()).toEqual([]);
    const [one] = first.filter(({ event }) => event === b1);
    if (one === undefined) throw new Error('it was due');
    expect(await attempt(one, 200)).toBe('succeeded');
    expect((await stage.due()).map(({ event }) => event)).toEqual([e1]);
    expect(await eventsOf(endpoint, 'succeeded')).toEqual([b1]);
  });

  test('a failing event keeps its subject back for four attempts, and then no more', async () => {
    const endpoint = await stage.endpoint();
    const [first, second] = [await stage.event('stuck'), await stage.event('stuck')];
    await stage.bring();
    const [due] = await stage.due();
    if (due === undefined) throw new Error('one was due');
    for (const left of [3, 2, 1]) {
      expect(await attempt(due, 500), `${left} to go`).toBe('pending');
      expect(await stage.due()).toEqual([]);
    }
    expect(await attempt(due, 500)).toBe('pending');
    expect((await stage.due()).map(({ event }) => event)).toEqual([second]);
    expect(await eventsOf(endpoint, 'pending')).toEqual([first, second]);
  });

  test('what arrives lets the next of its subject go at once', async () => {
    await stage.endpoint();
    const events = [await stage.event('next'), await stage.event('next'), await stage.event('next')];
    await stage.bring();
    for (const event of events) {
      const due = await stage.due();
      expect(due.map((one) => one.event)).toEqual([event]);
      for (const one of due) await attempt(one, 204);
    }
  });

  test('one endpoint’s trouble is nobody else’s', async () => {
    const [bad, good] = [await stage.endpoint(), await stage.endpoint()];
    for (let n = 0; n < 8; n += 1) await stage.event(`own-${n}`);
    await stage.bring();
    const due = await stage.due();
    expect(due.filter(({ endpoint }) => endpoint === bad)).toHaveLength(4);
    for (const one of due.filter(({ endpoint }) => endpoint === good)) await attempt(one, 200);
    expect((await stage.due()).map(({ endpoint }) => endpoint)).toEqual([good, good, good, good]);
  });

  test('where only failures come back, one at a time is sent, until one arrives', async () => {
    const endpoint = await stage.endpoint();
    await stage.desk.see((tx) => sql`update webhook_endpoint set failures = 10 where id = ${endpoint}`.execute(tx));
    for (let n = 0; n < 7; n += 1) await stage.event(`slow-${n}`);
    await stage.bring();
    const [probe, ...others] = await stage.due();
    if (probe === undefined) throw new Error('one was due');
    expect(others).toEqual([]);
    expect(await attempt(probe, 200)).toBe('succeeded');
    expect(await stage.due()).toHaveLength(4);
  });

  test('a fifth attempt at once finds no place', async () => {
    await stage.endpoint();
    for (let n = 0; n < 5; n += 1) await stage.event(`place-${n}`);
    await stage.bring();
    const claim = ({ id, round }: DueDelivery) =>
      stage.desk.see((tx) => claimWebhook(tx, { tenant, delivery: id, round, lease: randomUUID(), leaseMs: 25_000, now }));
    const due = await stage.due();
    expect((await Promise.all(due.map(claim))).map(({ kind }) => kind)).toEqual(['claimed', 'claimed', 'claimed', 'claimed']);
    await stage.desk.see((tx) => sql`update webhook_delivery set lease_until = null where lease_token is null`.execute(tx));
    const fifth = (await stage.deliveries(due[0]?.endpoint ?? '')).find(({ state }) => state === 'waiting');
    expect(await attempt({ id: fifth?.id ?? '', round: 1 }, 200)).toBe('busy');
    const [one] = due;
    expect(one && (await claim(one)).kind).toBe('wait');
  });

  test('a test waits for nobody, keeps nobody back, and goes to one that is disabled too', async () => {
    const endpoint = await stage.endpoint();
    await stage.desk.see((tx) => disableEndpoint(tx, tenant, endpoint, 'admin', new Date()));
    const delivery = await stage.desk.see((tx) => insertTest(tx, tenant, endpoint, { id: randomUUID(), seq: 1 }));
    expect((await stage.due()).map(({ id }) => id)).toEqual([delivery]);
    expect(await attempt({ id: delivery, round: 1 }, 200)).toBe('over');
  });

  test('two relays at once take no delivery twice', async () => {
    await stage.endpoint();
    for (let n = 0; n < 4; n += 1) await stage.event(`twice-${n}`);
    await stage.bring();
    const taken = (await Promise.all([stage.due(), stage.due(), stage.due()])).flat();
    expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
  });
});

describe('sending again', () => {
  test('a delivery that has failed begins anew, under the same event', async () => {
    const endpoint = await stage.endpoint();
    const event = await stage.event('again');
    await stage.bring();
    const [due] = await stage.due();
    if (due === undefined) throw new Error('one was due');
    expect(await attempt(due, 410)).toBe('failed');
    await stage.desk.see((tx) => replayOne(tx, tenant, due.id));
    const [again] = await stage.due();
    expect(again).toMatchObject({ id: due.id, event, round: 2, isReplay: true });
    expect(await attempt(due, 200)).toBe('over');
    expect(await attempt({ id: due.id, round: 2 }, 200)).toBe('succeeded');
    expect(await stage.deliveries(endpoint)).toMatchObject([{ state: 'succeeded', tries: 2 }]);
  });

  test('opened again during an attempt: its failure counts for nothing, and frees the place', async () => {
    await stage.endpoint();
    await stage.event('meanwhile');
    await stage.bring();
    const [due] = await stage.due();
    if (due === undefined) throw new Error('one was due');
    const claim = await stage.desk.see((tx) =>
      claimWebhook(tx, { tenant, delivery: due.id, round: 1, lease: randomUUID(), leaseMs: 25_000, now }),
    );
    if (claim.kind !== 'claimed') throw new Error(claim.kind);
    await stage.desk.see((tx) => replayOne(tx, tenant, due.id));
    expect(await stage.due()).toEqual([]);
    const verdict = judge({ kind: 'answered', status: 500, retryAfter: null }, now);
    const end = { verdict, status: 500, answer: '', after: { state: 'pending', pauseMs: 5_000 }, durationMs: 1, now } as const;
    expect(await stage.desk.see((tx) => settleWebhook(tx, claim.webhook, end))).toBe(false);
    expect(await stage.due()).toMatchObject([{ id: due.id, round: 2 }]);
  });

  test('a gap is fetched: what came while the endpoint was off, in order, page by page', async () => {
    const endpoint = await stage.endpoint();
    await stage.desk.see((tx) => disableEndpoint(tx, tenant, endpoint, 'admin', new Date()));
    const missed: string[] = [];
    for (let n = 0; n < 5; n += 1) missed.push(await stage.event('gap', n === 3 ? 'other.type' : 'customer.told'));
    await stage.bring();
    await stage.desk.see((tx) => enableEndpoint(tx, tenant, endpoint, new Date()));
    const range = { endpointId: endpoint, from: '2000-01-01T00:00:00.000Z', until: '2100-01-01T00:00:00.000Z', startedBy: 'user/test' };
    await stage.desk.see((tx) => insertReplay(tx, tenant, { id: randomUUID(), ...range, types: ['customer.*'] }));
    const turn = () => stage.desk.see((tx) => turnReplayPage(tx, tenant, 3));
    expect([await turn(), await turn(), await turn()]).toEqual([3, 1, null]);
    const sent: string[] = [];
    for (let due = await stage.due(); due.length > 0; due = await stage.due()) {
      for (const one of due) {
        sent.push(one.event);
        await attempt(one, 200);
      }
    }
    expect(sent).toEqual(missed.filter((_, n) => n !== 3));
    expect(await eventsOf(endpoint, 'dropped')).toEqual([missed[3]]);
  });
});

describe('the relay', () => {
  test('brings what is published to the engine within a second, and tries again when that does not answer', async () => {
    const endpoint = await stage.endpoint();
    const started: string[] = [];
    let refusals = 2;
    const start = (due: DueDelivery): Promise<void> => {
      if ((refusals -= 1) >= 0) return Promise.reject(new Error('away'));
      started.push(due.event);
      return Promise.resolve();
    };
    const { db, relay } = stage.desk.database;
    await using running = startWebhookRelay({ db, relay, start, log });
    const event = await stage.event('relayed');
    await publishEvents(relay, 10);
    running.wake();
    await vi.waitFor(() => expect(started).toEqual([event]), { timeout: 120_000, interval: 20 });
    await vi.waitFor(async () => expect(await eventsOf(endpoint, 'pending')).toEqual([event]), { timeout: 120_000, interval: 20 });
  });

  test('a delivery whose workflow is lost is begun again', async () => {
    await stage.endpoint();
    await stage.event('lost');
    await stage.bring();
    const [due] = await stage.due();
    expect(await stage.due()).toEqual([]);
    await stage.desk.see((tx) =>
      sql`update webhook_delivery set next_at = now() - interval '11 minutes', lease_until = null where id = ${due?.id ?? ''}`.execute(tx),
    );
    expect((await findWebhookWork(stage.desk.database.relay)).waiting).toBe(true);
    expect(await stage.due()).toMatchObject([{ id: due?.id }]);
  });

  test('what is over and was kept long enough is swept, with its endpoint once that was removed', async () => {
    const endpoint = await stage.endpoint();
    await stage.event('swept');
    await stage.event('kept');
    await stage.bring();
    for (const one of await stage.due()) await attempt(one, 200);
    const { relay } = stage.desk.database;
    await stage.desk.see((tx) =>
      sql`update webhook_delivery set settled_at = now() - interval '31 days' where endpoint_id = ${endpoint} and subject = 'customer/swept'`.execute(
        tx,
      ),
    );
    await stage.desk.see((tx) =>
      sql`update webhook_endpoint set state = 'removed', disabled_at = now() - interval '31 days' where id = ${endpoint}`.execute(tx),
    );
    const before = Date.now() - 30 * day;
    expect(await deleteDeliveries(relay, tenant, before, 1_000)).toEqual({ deliveries: 1, attempts: 1 });
    await deleteEndpoints(relay, tenant, before);
    const left = () => stage.desk.see((tx) => tx.selectFrom('webhookEndpoint').select('id').where('id', '=', endpoint).execute());
    expect((await stage.deliveries(endpoint)).map(({ subject }) => subject)).toEqual(['customer/kept']);
    expect(await left()).toHaveLength(1);
    await stage.desk.see((tx) =>
      sql`update webhook_delivery set settled_at = now() - interval '31 days' where endpoint_id = ${endpoint}`.execute(tx),
    );
    expect(await deleteDeliveries(relay, tenant, before, 1_000)).toEqual({ deliveries: 1, attempts: 1 });
    await deleteEndpoints(relay, tenant, before);
    expect(await left()).toEqual([]);
  });

  test('what is sent again while it is swept stays', async () => {
    const endpoint = await stage.endpoint();
    await stage.event('missed');
    await stage.bring();
    for (const one of await stage.due()) await attempt(one, 200);
    const [old] = await stage.deliveries(endpoint);
    if (old === undefined) throw new Error('nothing was sent');
    const { relay } = stage.desk.database;
    await stage.desk.see((tx) => sql`update webhook_delivery set settled_at = now() - interval '31 days' where id = ${old.id}`.execute(tx));
    const sweeping = await stage.desk.see(async (tx) => {
      await replayOne(tx, tenant, old.id);
      const swept = deleteDeliveries(relay, tenant, Date.now() - 30 * day, 1_000);
      await vi.waitFor(
        async () => {
          const { rows } = await sql<{ waits: boolean }>`select exists (select from pg_locks where not granted) as waits`.execute(tx);
          expect(rows).toEqual([{ waits: true }]);
        },
        { timeout: 120_000, interval: 20 },
      );
      return { swept };
    });
    expect(await sweeping.swept).toEqual({ deliveries: 0, attempts: 0 });
    expect(await stage.deliveries(endpoint)).toMatchObject([{ id: old.id, state: 'waiting' }]);
  });
});
