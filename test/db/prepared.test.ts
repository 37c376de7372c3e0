/** What goes to PostgreSQL together, and what it plans once. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Db, TenantTx } from '../../db/client.js';
import { createDb, withTenant } from '../../db/client.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';

const { tenant } = demo;
let database: TestDatabase;
/** With one connection, so that everything is said on the same one. */
let db: Db;

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  db = createDb({ url: database.url, role: 'usher_app', pool: 1, name: 'test-prepared', onBroken: () => undefined });
});

afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

const rename = async (tx: TenantTx, name: string): Promise<void> => {
  await tx.updateTable('tenant').set({ name }).where('tenantId', '=', tenant).execute();
};
const renamed = (name: string, statementMs?: number) => withTenant(db, tenant, (tx) => rename(tx, name), { statementMs });
const nameNow = (as: Db = db) =>
  withTenant(as, tenant, (tx) => tx.selectFrom('tenant').select('name').executeTakeFirstOrThrow()).then(({ name }) => name);
const inOne = (work: (tx: TenantTx) => Promise<void>): Promise<void> => withTenant(db, tenant, work, { forOne: true });

test('a transaction that could not begin says why, and what went along with its beginning did nothing', async () => {
  const before = await nameNow();
  await expect(renamed('Other', -5)).rejects.toThrow('statement_timeout');
  expect(await nameNow()).toBe(before);
  await renamed('Other');
  expect(await nameNow(), 'the connection is as good as before').toBe('Other');
});

test('a statement that fails takes its transaction back, and the next one begins anew', async () => {
  const before = await nameNow();
  const broken = withTenant(db, tenant, async (tx) => {
    await rename(tx, 'Broken');
    await sql`select 1 / 0`.execute(tx);
  });
  await expect(broken).rejects.toThrow('division by zero');
  expect(await nameNow()).toBe(before);
  const atOnce = db.transaction().execute((tx) => sql`select 1 / 0`.execute(tx));
  await expect(atOnce).rejects.toThrow('division by zero');
  expect(await nameNow()).toBe(before);
});

test('the commit of a single statement goes along with it, and only its own failure takes it back', async () => {
  await inOne(async (tx) => {
    await rename(tx, 'At once');
    expect(await nameNow(database.db), 'before the work says that it is done').toBe('At once');
  });
  await expect(inOne(async (tx) => void (await sql`update tenant set name = (1 / 0)::text`.execute(tx)))).rejects.toThrow(
    'division by zero',
  );
  expect(await nameNow()).toBe('At once');
  const two = inOne(async (tx) => {
    await rename(tx, 'First');
    await rename(tx, 'Second');
  });
  await expect(two).rejects.toThrow('a transaction of one statement has no other');
  expect(await nameNow(), 'what the first one did stays').toBe('First');
  await inOne(() => Promise.resolve());
  expect(await nameNow(), 'the connection is as good as before').toBe('First');
});

test('a statement is planned once for a connection, with parameters or without; what controls a transaction is not', async () => {
  const twice = async (): Promise<void> => {
    await withTenant(db, tenant, (tx) => sql`select count(*) as without from tenant`.execute(tx));
    await withTenant(db, tenant, (tx) => sql`select count(*) as within from tenant where tenant_id = ${tenant}`.execute(tx));
  };
  await twice();
  await twice();
  const { rows } = await sql<{ statement: string; planned: number }>`
    select statement, (generic_plans + custom_plans)::int as planned from pg_prepared_statements`.execute(db);
  const planned = (part: string) => rows.filter(({ statement }) => statement.includes(part)).map((row) => row.planned);
  expect(planned('as without')).toEqual([2]);
  expect(planned('as within')).toEqual([2]);
  expect(rows.filter(({ statement }) => /^(?:begin|commit|rollback)/.test(statement))).toEqual([]);
});
