import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { withTenant } from '../../db/client.js';
import { listTickets } from '../../db/queries/ticket-lists.js';
import type { TicketSort } from '../../db/queries/ticket-lists.js';
import { noIncludes } from '../../db/queries/ticket-record.js';
import { isFrequent } from '../../db/queries/word-share.js';
import { loadSample } from '../../db/sample/load.js';
import { wordOf } from '../../db/sample/words.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asTenantId } from '../../domain/ids.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  await loadSample({ url: database.superuser, tenant: demo.tenant, size: 'small', until: Date.now(), onProgress: () => undefined });
});
afterAll(() => database[Symbol.asyncDispose]());

const admin: Principal = {
  tenant: demo.tenant,
  actor: `user/${demo.admin}`,
  id: demo.admin,
  role: 'admin',
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
};

/** What is found by reading every ticket, newest first. */
async function read(text: string, sort: 'created_at' | 'updated_at'): Promise<string[]> {
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>(
      `select id from ticket where to_tsvector('english', subject || ' ' || description) @@ websearch_to_tsquery('english', $1)
       order by ${sort} desc, id desc`,
      [text],
    );
    return rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

const listed = (text: string, sort: TicketSort): Promise<string[]> =>
  withTenant(database.db, demo.tenant, async (tx) => {
    const rows = await listTickets(tx, admin, { text }, { sort, descending: true, limit: 50 }, noIncludes);
    return rows.map(({ id }) => id);
  });
const isCommon = (text: string): Promise<boolean> => withTenant(database.db, demo.tenant, (tx) => isFrequent(tx, demo.tenant, text));

describe('a search', () => {
  const [common, absent] = [wordOf(0), wordOf(19_999)];

  test('knows common words from rare ones', async () => {
    expect(await isCommon(common)).toBe(true);
    expect(await isCommon(absent)).toBe(false);
    // Kept: the answer is the same while it holds.
    expect(await isCommon(common)).toBe(true);
  });

  test.each(['createdAt', 'updatedAt'] as const)('finds the same either way it goes, by %s', async (sort) => {
    const column = sort === 'createdAt' ? 'created_at' : 'updated_at';
    const every = await read(common, column);
    expect(every.length).toBeGreaterThan(1);
    expect(await listed(common, sort)).toEqual(every);
    expect(await listed(absent, sort)).toEqual(await read(absent, column));
    expect(await listed(`${common} -${absent}`, sort)).toEqual(await read(`${common} -${absent}`, column));
  });

  test('by another order finds as many', async () => {
    expect((await listed(common, 'priority')).toSorted()).toEqual((await read(common, 'created_at')).toSorted());
  });

  test('of another tenant’s words finds nothing', async () => {
    const other = { ...admin, tenant: asTenantId('018f3b1e-0000-7000-8000-0000000000ff') };
    const found = await withTenant(database.db, other.tenant, (tx) =>
      listTickets(tx, other, { text: common }, { sort: 'updatedAt', descending: true, limit: 50 }, noIncludes),
    );
    expect(found).toEqual([]);
  });
});
