import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import { recordTicket, rowsOf } from '../../db/queries/projection.js';
import { lived } from '../../db/sample/lives.js';
import { loadSample, SampleError } from '../../db/sample/load.js';
import type { SampleOptions } from '../../db/sample/load.js';
import { sizes } from '../../db/sample/plan.js';
import { storyOf } from '../../db/sample/stories.js';
import { vocabulary, wordOf } from '../../db/sample/words.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';

const until = Date.UTC(2026, 9, 1, 12);
const key = newApiKey();

let database: TestDatabase;
let superuser: pg.Client;

const load = (changes: Partial<SampleOptions> = {}) =>
  loadSample({ url: database.superuser, tenant: demo.tenant, size: 'small', until, onProgress: () => undefined, ...changes });

const rowsIn = async (table: string, order: string): Promise<unknown[]> => {
  const { rows } = await superuser.query<{ row: unknown }>(
    `select to_jsonb(t) - 'recorded_at' - 'id' - 'routing' - 'linked_at' as row from ${table} t order by ${order}`,
  );
  return rows.map(({ row }) => row);
};
const everything = async () => ({
  ticket: await rowsIn('ticket', 'id'),
  event: await rowsIn('event', 'subject, seq'),
  content: await rowsIn('content', 'id'),
});
const forget = (condition: string): Promise<unknown> =>
  superuser.query(`
    with gone as (delete from ticket where ${condition} returning id),
      events as (delete from event where subject in (select 'ticket/' || id from gone))
    delete from content where ticket_id in (select id from gone)`);

beforeAll(async () => {
  database = await freshDatabase();
  superuser = new pg.Client({ connectionString: database.superuser });
  await superuser.connect();
});
afterAll(async () => {
  await superuser.end();
  await database[Symbol.asyncDispose]();
});

describe('the words', () => {
  const words = Array.from({ length: vocabulary }, (_, rank) => wordOf(rank));

  test('are all different', () => expect(new Set(words).size).toBe(vocabulary));

  test('are found as they are written', async () => {
    const { rows } = await superuser.query<{ word: string; lexemes: string[] }>(
      `select word, tsvector_to_array(to_tsvector('english', word)) as lexemes from unnest($1::text[]) word
       where tsvector_to_array(to_tsvector('english', word)) <> array[word]`,
      [words],
    );
    expect(rows).toEqual([]);
  });
});

describe('a sample desk', () => {
  test('is not loaded where there is no tenant', () => expect(load()).rejects.toThrow(SampleError));

  test('has a year behind it', async () => {
    await seedDemo(database.url, { admin: key, lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
    const { written, open } = await load();
    expect(written).toBe(sizes.small.tickets);
    expect(open).toHaveLength(sizes.small.open);
    const { rows } = await superuser.query<{ tickets: number; closed: number; days: number; last: Date }>(`
      select count(*)::int as tickets, count(*) filter (where status = 'closed')::int as closed,
        extract(day from max(created_at) - min(created_at))::int as days, max(updated_at) as last
      from ticket`);
    expect(rows[0]).toMatchObject({ tickets: sizes.small.tickets, closed: sizes.small.tickets - sizes.small.open });
    expect(rows[0]?.days).toBeGreaterThan(300);
    expect(rows[0]?.last.getTime()).toBeLessThanOrEqual(until);
  });

  test('tells no live stream and no journey of it', async () => {
    expect(await rowsIn('stream_event', 'event_id')).toEqual([]);
    const { rowCount } = await superuser.query(`select 1 from event where routing <> 'routed'`);
    expect(rowCount).toBe(0);
  });

  test('is what the projection would have written', async () => {
    const loaded = await everything();
    expect(loaded.event.length).toBeGreaterThan(40);
    await superuser.query('update content set ticket_id = null, seq = null, linked_at = null');
    await superuser.query('delete from event');
    await superuser.query('delete from ticket');
    for (let number = 0; number < sizes.small.tickets; number += 1) {
      const { steps } = lived(storyOf(demo.tenant, sizes.small, until, number));
      const last = steps.at(-1);
      if (last === undefined) throw new Error('no steps');
      await withTenant(database.db, demo.tenant, (tx) => recordTicket(tx, rowsOf(steps, last, randomUUID)));
    }
    expect(await everything()).toEqual(loaded);
  });

  test('is the same when it is loaded again, and what a broken-off run left out is added', async () => {
    const whole = await everything();
    expect((await load({ until: until + 86_400_000 })).written).toBe(0);
    expect(await everything()).toEqual(whole);
    await forget(`created_at >= (select created_at from ticket order by created_at desc offset 2 limit 1)`);
    expect((await load()).written).toBe(3);
    expect(await everything()).toEqual(whole);
  });

  test('of another size is refused beside it', () =>
    expect(load({ size: 'medium' })).rejects.toThrow('another size already: "Sample desk, small"'));

  test('needs a login that may load', () => expect(load({ url: database.url })).rejects.toThrow('DATABASE_URL must be of a superuser'));
});
