/** A transaction that one part of a request begins and another ends. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openUnit } from '../../api/unit.js';
import { createDb, withTenant } from '../../db/client.js';
import type { Db, TenantTx } from '../../db/client.js';
import { asTenantId } from '../../domain/ids.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';

const tenant = asTenantId('018f3b1e-0000-7000-8000-000000000003');
let database: TestDatabase;
/** One connection: what is not given back is missed at once. */
let db: Db;

beforeAll(async () => {
  database = await freshDatabase();
  db = createDb({ url: database.url, role: 'usher_app', pool: 1, name: 'test-unit', onBroken: () => undefined });
  await withTenant(db, tenant, (tx) => tx.insertInto('tenant').values({ tenantId: tenant, key: 'unit', name: 'Unit' }).execute());
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

const add = (name: string) => async (tx: TenantTx) => {
  await tx.insertInto('team').values({ tenantId: tenant, id: crypto.randomUUID(), name }).execute();
};
const transaction = async (tx: TenantTx) => (await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(tx)).rows[0]?.id;
const teams = async () =>
  (await withTenant(db, tenant, (tx) => tx.selectFrom('team').select('name').orderBy('name').execute())).map(({ name }) => name);

test('several works share one transaction, which an end commits', async () => {
  const unit = openUnit(db, tenant);
  const first = await unit.run(transaction);
  await unit.run(add('committed'));
  expect(await unit.run(transaction)).toBe(first);
  expect(unit.isOpen).toBe(true);
  await unit.end();
  expect(unit.isOpen).toBe(false);
  await unit.end();
  expect(await teams()).toEqual(['committed']);
});

test('an error undoes what was done before it, is told, and ends the unit', async () => {
  const unit = openUnit(db, tenant);
  await unit.run(add('undone'));
  await expect(unit.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(unit.isOpen).toBe(false);
  await unit.end();
  expect(await teams()).not.toContain('undone');
});

test('a statement that fails gives the connection back', async () => {
  const unit = openUnit(db, tenant);
  await expect(unit.run((tx) => sql`select 1 / 0`.execute(tx))).rejects.toThrow('division by zero');
  expect(await teams()).toEqual(['committed']);
});

/** Work that takes its time, and two statements. */
const slowly = (name: string) => async (tx: TenantTx) => {
  await sql`select pg_sleep(0.2)`.execute(tx);
  await add(name)(tx);
};

test('work that nobody waits for any more is kept as a whole, or not at all', async () => {
  const ended = openUnit(db, tenant);
  await Promise.all([ended.run(slowly('kept')), ended.end()]);
  const left = openUnit(db, tenant);
  await left.run(add('early'));
  const both = Promise.all([left.run(slowly('late')), left.leave()]);
  expect(left.isOpen).toBe(false);
  await expect(left.run(transaction)).rejects.toThrow('the unit is over');
  await both;
  expect(await teams()).toEqual(['committed', 'kept']);
});

test('one of two works that fails undoes the other', async () => {
  const unit = openUnit(db, tenant);
  const both = await Promise.allSettled([unit.run(slowly('other')), unit.run(() => Promise.reject(new Error('no')))]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(await teams()).not.toContain('other');
});

test('one that was never used ends all the same', async () => {
  await openUnit(db, tenant).end();
  await openUnit(db, tenant).leave();
  expect(await teams()).toEqual(['committed', 'kept']);
});

test('without a database the work is told so, and nobody else', async () => {
  const away = createDb({ url: 'postgres://nobody@127.0.0.1:1/none', role: 'usher_app', pool: 1, name: 'away', onBroken: () => undefined });
  const unit = openUnit(away, tenant);
  await expect(unit.run(transaction)).rejects.toThrow('ECONNREFUSED');
  expect(unit.isOpen).toBe(false);
  await unit.end();
  await expect(openUnit(away, tenant).end()).rejects.toThrow('ECONNREFUSED');
  await openUnit(away, tenant).leave();
  await away.destroy();
});
