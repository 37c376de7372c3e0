/** What sweeps delete and what they leave alone, on a real PostgreSQL with the relay's rights. */
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import { storeContent } from '../../db/queries/content.js';
import { claim } from '../../db/queries/idempotency.js';
import { deleteAnswers } from '../../db/queries/sweep.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asContentId, asTenantId } from '../../domain/ids.js';
import type { ContentId, TenantId } from '../../domain/ids.js';
import { createSweep } from '../../worker/sweep.js';
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

/** Past the rules for rows: empties what is swept. */
beforeEach(async () => {
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  await client.query('truncate content, idempotency');
  await client.end();
});

const words = (id: ContentId, body = 'Words') =>
  ({ id, kind: 'message', visibility: 'public', authorKind: 'customer', authorId: null, body }) as const;

/** A text of so many hours. */
async function text(hours: number, { tenant = demo.tenant, ticket = null }: { tenant?: TenantId; ticket?: string | null } = {}) {
  const id = asContentId(randomUUID());
  await withTenant(database.db, tenant, async (tx) => {
    await storeContent(tx, tenant, [words(id)]);
    await sql`update content set created_at = now() - make_interval(hours => ${hours}), ticket_id = ${ticket} where id = ${id}`.execute(tx);
  });
  return id;
}

const texts = async (tenant: TenantId = demo.tenant): Promise<string[]> =>
  (await withTenant(database.db, tenant, (tx) => tx.selectFrom('content').select('id').execute())).map(({ id }) => id);

/** A key that was claimed so many hours ago. */
async function answer(hours: number, { tenant = demo.tenant, leaseS = -1 }: { tenant?: TenantId; leaseS?: number } = {}) {
  const scope = randomBytes(32);
  await withTenant(database.db, tenant, async (tx) => {
    await claim(tx, tenant, { scope, requestHash: randomBytes(32) }, [], {
      people: [],
      by: { tenant, actor: 'system/test', source: 'api' },
    });
    await sql`
      update idempotency set created_at = now() - make_interval(hours => ${hours}), lease_until = now() + make_interval(secs => ${leaseS})
      where scope = ${scope}`.execute(tx);
  });
  return scope.toString('hex');
}

const answers = async (tenant: TenantId = demo.tenant): Promise<string[]> =>
  (await withTenant(database.db, tenant, (tx) => tx.selectFrom('idempotency').select('scope').execute())).map(({ scope }) =>
    scope.toString('hex'),
  );

test('a text that no ticket took goes at the second round, in every tenant', async () => {
  const old = await text(25);
  const foreign = await text(48, { tenant: other });
  const young = await text(23);
  const taken = await text(25, { ticket: 'TKT-00000001' });
  const round = createSweep(database.relay);
  expect(await round()).toEqual({ texts: 0, answers: 0, previews: 0 });
  expect(await texts()).toContain(old);
  expect(await round()).toEqual({ texts: 2, answers: 0, previews: 0 });
  expect((await texts()).toSorted()).toEqual([young, taken].toSorted());
  expect(await texts(other)).not.toContain(foreign);
  expect(await round()).toEqual({ texts: 0, answers: 0, previews: 0 });
});

test('a text that was taken or written between two rounds stays', async () => {
  const taken = await text(30);
  const written = await text(30);
  const left = await text(30);
  const round = createSweep(database.relay);
  await round();
  await withTenant(database.db, demo.tenant, async (tx) => {
    await sql`update content set ticket_id = 'TKT-00000001', seq = 2 where id = ${taken}`.execute(tx);
    // A mail that is tried again: its words are stored once more, under the instant it came in.
    await storeContent(tx, demo.tenant, [words(written)]);
    await sql`update content set created_at = now() - interval '30 hours' where id = ${written}`.execute(tx);
  });
  expect(await round()).toEqual({ texts: 1, answers: 0, previews: 0 });
  expect((await texts()).toSorted()).toEqual([taken, written].toSorted());
  expect(await texts()).not.toContain(left);
  expect(await round()).toEqual({ texts: 1, answers: 0, previews: 0 });
  expect(await texts()).toEqual([taken]);
});

test('answers go after a day, but for a request that is under way', async () => {
  await answer(25);
  await answer(300, { tenant: other });
  const young = await answer(23);
  const underWay = await answer(25, { leaseS: 30 });
  expect(await createSweep(database.relay)()).toEqual({ texts: 0, answers: 2, previews: 0 });
  expect((await answers()).toSorted()).toEqual([young, underWay].toSorted());
  expect(await answers(other)).toEqual([]);
});

test('answers are deleted in portions, the oldest first', async () => {
  const older = [await answer(30), await answer(29)];
  const newer = await answer(28);
  expect(await deleteAnswers(database.relay, 2)).toBe(2);
  expect(await answers()).toEqual([newer]);
  expect(await answers()).not.toEqual(expect.arrayContaining(older));
});

test('ids of callbacks go after thirty days', async () => {
  await withTenant(database.db, demo.tenant, async (tx) => {
    for (const [id, days] of [
      ['old', 31],
      ['young', 29],
    ] as const)
      await sql`
        insert into hook_receipt (tenant_id, provider, id, received_at)
        values (${demo.tenant}, 'mailgun', ${id}, now() - make_interval(days => ${days}))`.execute(tx);
  });
  await createSweep(database.relay)();
  expect(await withTenant(database.db, demo.tenant, (tx) => tx.selectFrom('hookReceipt').select('id').execute())).toEqual([
    { id: 'young' },
  ]);
});

test('while another worker sweeps, nothing is done twice and nobody waits', async () => {
  await answer(25);
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  try {
    await client.query(`select pg_advisory_lock(hashtext('usher sweep'))`);
    expect(await createSweep(database.relay)()).toEqual({ texts: 0, answers: 0, previews: 0 });
  } finally {
    await client.end();
  }
  expect(await createSweep(database.relay)()).toEqual({ texts: 0, answers: 1, previews: 0 });
});

test('a round that is asked to stop does not begin to delete', async () => {
  await answer(25);
  expect(await createSweep(database.relay)(AbortSignal.abort())).toEqual({ texts: 0, answers: 0, previews: 0 });
  expect(await answers()).toHaveLength(1);
});

test('a key of events goes once its window is over', async () => {
  const keep = (key: string, hours: number) =>
    withTenant(database.db, demo.tenant, (tx) =>
      sql`insert into journey_dedupe (tenant_id, template_key, trigger_id, dedupe_key, event_id, until)
        values (${demo.tenant}, 't', 'x', ${key}, 'e', now() + make_interval(hours => ${hours}))`.execute(tx),
    );
  await keep('over', -1);
  await keep('open', 1);
  await createSweep(database.relay)();
  const rows = await withTenant(database.db, demo.tenant, (tx) => tx.selectFrom('journeyDedupe').select('dedupeKey').execute());
  expect(rows).toEqual([{ dedupeKey: 'open' }]);
});
