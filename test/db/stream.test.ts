/** Positions of the live stream: given once, in order, without gaps, and to what commits late as well. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { listenFor } from '../../db/bell.js';
import type { BellOptions } from '../../db/bell.js';
import { createDb, withTenant } from '../../db/client.js';
import type { Db } from '../../db/client.js';
import { findHead, isResumable, listPublished } from '../../db/queries/stream.js';
import { forgetPositions, isAnyUnpublished, publishEvents, streamChannel } from '../../db/queries/stream-relay.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';

const other = asTenantId('018f3b1e-0000-7000-8000-000000000002');
let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  await withTenant(database.db, other, (tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute());
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await asSuperuser('truncate event, stream_event, stream_head');
});

async function asSuperuser(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  await client.query(statement);
  await client.end();
}

const insert = (tx: Db, subject: string, seq: number, tenantId: TenantId = demo.tenant) =>
  tx
    .insertInto('event')
    .values({
      tenantId,
      subject,
      seq,
      id: randomUUID(),
      type: 'ticket.updated',
      at: new Date(),
      actor: 'system/test',
      role: 'system',
      source: 'system',
      commandId: 'c',
      runId: 'r',
      digest: Buffer.alloc(1),
      data: '{}',
    })
    .execute();

const write = (subject: string, seq: number, tenant: TenantId = demo.tenant) =>
  withTenant(database.db, tenant, (tx) => insert(tx, subject, seq, tenant));

function gate<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  const opened: ((value: T) => void)[] = [];
  const promise = new Promise<T>((resolve) => void opened.push(resolve));
  return { promise, resolve: (value) => opened.forEach((open) => open(value)) };
}

/** A transaction that has written and waits with its commit. */
async function begun(subject: string, seq: number): Promise<{ commit: () => Promise<void>; rollback: () => Promise<void> }> {
  const end = gate<'commit' | 'rollback'>();
  const written = gate<void>();
  const over = withTenant(database.db, demo.tenant, async (tx) => {
    await insert(tx, subject, seq);
    written.resolve();
    if ((await end.promise) === 'rollback') throw new Error('taken back');
  });
  over.catch(() => undefined);
  await written.promise;
  return {
    commit: async () => {
      end.resolve('commit');
      await over;
    },
    rollback: async () => {
      end.resolve('rollback');
      await over.catch(() => undefined);
    },
  };
}

const published = async (after = 0, tenant: TenantId = demo.tenant) =>
  (await withTenant(database.db, tenant, (tx) => listPublished(tx, tenant, after, 100))).map(
    ({ position, event }) => `${position} ${event?.subject}#${event?.seq}`,
  );
const publish = () => publishEvents(database.relay, 500);

test('what is written gets positions in its order, and none twice', async () => {
  await write('ticket/A', 1);
  await write('ticket/B', 1);
  await write('ticket/A', 2);
  expect(await published()).toEqual([]);
  expect(await publish()).toBe(3);
  expect(await publish()).toBe(0);
  expect(await published()).toEqual(['1 ticket/A#1', '2 ticket/B#1', '3 ticket/A#2']);
  expect(await published(2)).toEqual(['3 ticket/A#2']);
});

test('two transactions that commit in reverse order: the late one gets the later position, and is not lost', async () => {
  const first = await begun('ticket/A', 1);
  const second = await begun('ticket/B', 1);
  await second.commit();
  expect(await publish()).toBe(1);
  expect(await published()).toEqual(['1 ticket/B#1']);
  await first.commit();
  expect(await publish()).toBe(1);
  expect(await published()).toEqual(['1 ticket/B#1', '2 ticket/A#1']);
});

test('what is taken back leaves no gap', async () => {
  const lost = await begun('ticket/A', 1);
  await write('ticket/B', 1);
  await lost.rollback();
  await write('ticket/C', 1);
  await publish();
  expect(await published()).toEqual(['1 ticket/B#1', '2 ticket/C#1']);
});

test('each tenant counts for itself and sees only its own', async () => {
  await write('ticket/A', 1);
  await write('ticket/X', 1, other);
  await write('ticket/A', 2);
  expect(await publish()).toBe(3);
  expect(await published()).toEqual(['1 ticket/A#1', '2 ticket/A#2']);
  expect(await published(0, other)).toEqual(['1 ticket/X#1']);
  const foreign = await withTenant(database.db, other, (tx) => listPublished(tx, demo.tenant, 0, 100));
  expect(foreign).toEqual([]);
});

test('several relays at once: every event once, no gaps', async () => {
  for (let n = 1; n <= 40; n += 1) await write(`ticket/${n % 4}`, Math.ceil(n / 4));
  const relays = Array.from({ length: 4 }, () =>
    createDb({ url: database.url, role: 'usher_relay', pool: 1, name: 'test-stream', onBroken: () => undefined }),
  );
  await Promise.all(
    relays.map(async (relay) => {
      while (await isAnyUnpublished(relay)) await publishEvents(relay, 3);
    }),
  );
  await Promise.all(relays.map((relay) => relay.destroy()));
  const positions = await published();
  expect(positions.map((line) => Number(line.split(' ')[0]))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  // Of one subject in the order of its numbers.
  for (const name of ['ticket/0', 'ticket/1', 'ticket/2', 'ticket/3']) {
    const numbers = positions.filter((line) => line.includes(` ${name}#`)).map((line) => Number(line.split('#')[1]));
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, index) => index + 1));
  }
});

test('while one relay publishes, another leaves it to it', async () => {
  await write('ticket/A', 1);
  await database.relay.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('usher stream'))`.execute(tx);
    expect(await publish()).toBeNull();
  });
  expect(await publish()).toBe(1);
});

/** Listens while the work goes on. */
async function listening(name: string, heard: Pick<BellOptions, 'onRing' | 'onBroken'>, work: () => Promise<void>): Promise<void> {
  const bell = listenFor({ url: database.url, role: 'usher_app', channel: streamChannel, name, ...heard });
  try {
    await work();
  } finally {
    await bell[Symbol.asyncDispose]();
  }
}

test('whoever listens is told once which tenants have something new, and once when he begins', async () => {
  const heard: string[] = [];
  const waiting: ((payload: string) => void)[] = [];
  const next = (): Promise<string> => {
    const known = heard.shift();
    return known === undefined ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve(known);
  };
  const onRing = (payload: string): void => {
    const resolve = waiting.shift();
    if (resolve === undefined) heard.push(payload);
    else resolve(payload);
  };
  await listening('test-bell', { onRing, onBroken: () => undefined }, async () => {
    expect(await next()).toBe('');
    await write('ticket/A', 1);
    await write('ticket/B', 1);
    await publish();
    expect(await next()).toBe(demo.tenant);
    // Nothing new: nobody is told.
    await publish();
    await write('ticket/X', 1, other);
    await publish();
    expect(await next()).toBe(other);
    expect(heard).toEqual([]);
  });
});

test('a connection that is cut comes back, and says that something may have been missed', async () => {
  let broken = 0;
  let rings = 0;
  const back = gate<void>();
  const up = gate<void>();
  const onRing = (): void => {
    rings += 1;
    (rings === 1 ? up : back).resolve();
  };
  await listening('test-bell-cut', { onRing, onBroken: () => void (broken += 1) }, async () => {
    await up.promise;
    await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test-bell-cut'`);
    await back.promise;
    expect(broken).toBe(1);
  });
});

const resumable = (position: number) => withTenant(database.db, demo.tenant, (tx) => isResumable(tx, demo.tenant, position));
const head = () => withTenant(database.db, demo.tenant, (tx) => findHead(tx, demo.tenant));

test('positions older than a day are forgotten, and no reader goes on from them', async () => {
  for (let n = 1; n <= 4; n += 1) await write('ticket/A', n);
  await publish();
  expect(await head()).toBe(4);
  for (const position of [0, 1, 2, 3, 4]) expect(await resumable(position), String(position)).toBe(true);
  for (const position of [5, 1_000]) expect(await resumable(position), String(position)).toBe(false);
  await asSuperuser(`update stream_event set published_at = now() - interval '24 hours 1 second' where position <= 2`);
  // Too old, and still there.
  for (const position of [0, 1]) expect(await resumable(position), String(position)).toBe(false);
  expect(await resumable(2)).toBe(true);
  expect(await forgetPositions(database.relay, 100)).toBe(2);
  expect(await forgetPositions(database.relay, 100)).toBe(0);
  expect(await published()).toEqual(['3 ticket/A#3', '4 ticket/A#4']);
  for (const position of [0, 1]) expect(await resumable(position), String(position)).toBe(false);
  for (const position of [2, 3, 4]) expect(await resumable(position), String(position)).toBe(true);
});

test('the head stays when all positions are forgotten: the next event goes on from it', async () => {
  await write('ticket/A', 1);
  await publish();
  await asSuperuser(`update stream_event set published_at = now() - interval '2 days'`);
  await forgetPositions(database.relay, 100);
  expect(await resumable(1)).toBe(true);
  await write('ticket/A', 2);
  await publish();
  expect(await published()).toEqual(['2 ticket/A#2']);
  expect(await resumable(1)).toBe(true);
});

test('nobody but the relay gives positions', async () => {
  await write('ticket/A', 1);
  const give = withTenant(database.db, demo.tenant, (tx) => sql`update stream_event set position = 7`.execute(tx));
  await expect(give).rejects.toThrow('permission denied');
});
