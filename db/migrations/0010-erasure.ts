/** Erasure of a person, asked by one admin and confirmed by another, and what is swept once its time is over. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = ['erasure', 'retention_sweep'] as const;
/** Rows whose texts can be gone while the row stays. */
const blanked = ['content', 'ticket', 'attachment', 'inbound_message'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table customer add column erasing_at timestamptz, add column erased_at timestamptz`.execute(db);
  await sql`comment on column customer.erasing_at is 'from then on nothing is sent to them, and nothing new begins for them'`.execute(db);
  await sql`comment on column customer.erased_at is 'what is left is a tombstone: the id, and since when'`.execute(db);
  for (const name of blanked) await sql`alter table ${sql.table(name)} add column erased_at timestamptz`.execute(db);
  await sql`comment on column content.erased_at is 'since when its texts are gone, for a person or because their time was over'`.execute(
    db,
  );

  await sql`
    create table erasure (
      tenant_id uuid not null references tenant,
      id uuid not null,
      customer_id uuid not null,
      state text not null default 'waiting' check (state in ('waiting', 'withdrawn', 'running', 'done')),
      requested_by text not null,
      requested_at timestamptz not null default now(),
      confirmed_by text,
      confirmed_at timestamptz,
      withdrawn_by text,
      withdrawn_at timestamptz,
      known_as text[],
      counts jsonb not null default '{}',
      files integer not null default 0,
      erased_at timestamptz,
      report_hash text check (report_hash ~ '^[0-9a-f]{64}$'),
      primary key (tenant_id, id),
      foreign key (tenant_id, customer_id) references customer,
      check (confirmed_by <> requested_by),
      check ((state in ('running', 'done')) = (confirmed_at is not null)),
      check ((state = 'withdrawn') = (withdrawn_at is not null)),
      check ((state = 'done') = (report_hash is not null and erased_at is not null)),
      check (state = 'running' or known_as is null)
    )`.execute(db);
  await sql`comment on column erasure.known_as is 'addresses, numbers and other systems’ ids of the person, to find the rest by; gone with the last of it'`.execute(
    db,
  );
  await sql`comment on column erasure.counts is 'rows by table'`.execute(db);
  // Of a person there is one erasure; only a request that was withdrawn can be followed by another.
  await sql`create unique index erasure_one on erasure (tenant_id, customer_id) where state <> 'withdrawn'`.execute(db);
  await sql`create index erasure_newest on erasure (tenant_id, requested_at desc, id desc)`.execute(db);

  await sql`
    create table retention_sweep (
      tenant_id uuid not null references tenant,
      day date not null,
      started_at timestamptz not null default now(),
      ended_at timestamptz,
      counts jsonb not null default '{}',
      primary key (tenant_id, day)
    )`.execute(db);
  await sql`comment on column retention_sweep.counts is 'rows by table whose time was over, and files'`.execute(db);

  for (const name of tables) {
    const table = sql.table(name);
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
    await sql`
      create policy tenant on ${table}
      using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
      with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
    await sql`grant select, insert, update on ${table} to usher_app`.execute(db);
  }
  // What others noted of a person goes as a whole; who entered a journey is forgotten with its time.
  await sql`grant delete on journey_subject, journey_dedupe, journey_entry to usher_app`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`revoke delete on journey_subject, journey_dedupe, journey_entry from usher_app`.execute(db);
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
  for (const name of blanked.toReversed()) await sql`alter table ${sql.table(name)} drop column erased_at`.execute(db);
  await sql`alter table customer drop column erasing_at, drop column erased_at`.execute(db);
}
