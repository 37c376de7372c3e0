import pg from 'pg';
import { expect, test } from 'vitest';
import { migrateDown, migrateToLatest, migrationStatus } from '../../db/migrate.js';
import { migrations } from '../../db/migrations/index.js';
import { freshDatabase } from '../support/db.js';

/** Columns, indexes, constraints, row policies and grants: what a migration can leave behind. */
const catalogue = `
  select 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
    from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
  union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public' and tablename not like 'kysely%'
  union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace and conrelid::regclass::text not like 'kysely%'
  union all select 'policy', tablename || '.' || policyname, roles::text || coalesce(qual, '') from pg_policies where schemaname = 'public'
  union all select 'grant', table_name || '.' || grantee, privilege_type from information_schema.role_table_grants
    where table_schema = 'public' and grantee like 'usher%' and table_name not like 'kysely%'
  order by 1, 2, 3`;

async function look(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<string[]>({ text: catalogue, rowMode: 'array' });
    return rows.map((row) => row.join(' '));
  } finally {
    await client.end();
  }
}

test('with the callbacks of providers go their hooks, and no others', async () => {
  await using database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  try {
    await client.query(`insert into tenant (tenant_id, key, name) values ('018f3b1e-0000-7000-8000-000000000002', 'other', 'Other')`);
    for (const provider of ['standard', 'crm', 'twilio', 'mailgun', 'sendgrid'])
      await client.query(
        `insert into hook (tenant_id, id, provider, name, description, secret, created_by)
         select tenant_id, gen_random_uuid(), $1, 'one', '', '', '' from tenant`,
        [provider],
      );
    for (let last: string | undefined; last !== '0012-callbacks';) [last] = await migrateDown(database.url);
    const { rows } = await client.query<[string]>({ text: 'select provider from hook order by provider', rowMode: 'array' });
    expect(rows).toEqual([['crm'], ['standard']]);
  } finally {
    await client.end();
  }
});

test('every migration can be taken back and applied again', async () => {
  await using database = await freshDatabase();
  const { url, superuser } = database;
  const names = Object.keys(migrations);
  const stages = new Map([[names.length, await look(superuser)]]);
  for (let left = names.length - 1; left >= 0; left -= 1) {
    expect(await migrateDown(url)).toEqual([names[left]]);
    stages.set(left, await look(superuser));
  }
  expect(stages.get(0)).toEqual([]);
  expect(await migrateToLatest(url)).toEqual(names);
  expect(await look(superuser)).toEqual(stages.get(names.length));
  expect((await migrationStatus(url)).filter(({ appliedAt }) => appliedAt === null)).toEqual([]);
});
