/** The list of personal data against the catalogue: nobody adds a column that can hold words without saying what becomes of it. */
import pg from 'pg';
import { expect, test } from 'vitest';
import { personalData } from '../../db/personal-data.js';
import { freshDatabase } from '../support/db.js';

/** Everything but ids of ours, numbers, instants and truths. */
const wordy = `
  select c.table_name || '.' || c.column_name as name from information_schema.columns c
  join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'BASE TABLE'
  where c.table_schema = 'public' and c.table_name not like 'kysely%'
    and (c.data_type in ('text', 'character varying', 'json', 'jsonb', 'bytea', 'tsvector', 'inet', 'cidr') or c.data_type in ('ARRAY', 'USER-DEFINED'))
  order by 1`;
const tables = `select table_name as name from information_schema.tables
  where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'kysely%' order by 1`;

async function catalogue(query: string): Promise<string[]> {
  await using database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  try {
    return (await client.query<{ name: string }>(query)).rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

test('every table is in the list once', async () => {
  expect(personalData.map(({ table }) => table).toSorted()).toEqual((await catalogue(tables)).toSorted());
});

test('every column that can hold words is blanked, deleted with its row, or kept for a reason', async () => {
  const removed = new Set(personalData.flatMap(({ table, remove }) => (remove === true ? [table] : [])));
  const there = (await catalogue(wordy)).filter((name) => !removed.has(name.slice(0, name.indexOf('.'))));
  const listed = personalData.flatMap(({ table, blank = {}, keep }) =>
    [...Object.keys(blank), ...Object.values(keep).flat()].map((column) => `${table}.${column}`),
  );
  expect({ missing: there.filter((name) => !listed.includes(name)), unknown: listed.filter((name) => !there.includes(name)) }).toEqual({
    missing: [],
    unknown: [],
  });
  expect(listed.length).toBe(new Set(listed).size);
});
