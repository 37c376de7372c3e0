/** One verb for many journeys or handoffs: what was previewed, what was started of it, and what came of each instance. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = ['bulk_job', 'bulk_item'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table bulk_job (
      tenant_id uuid not null references tenant,
      id uuid not null,
      target text not null check (target in ('journeys', 'handoffs')),
      verb text not null,
      args jsonb not null,
      filter jsonb not null,
      reason text,
      comment text,
      actor text not null,
      role text not null,
      roles text[] not null,
      state text not null default 'previewed' check (state in ('previewed', 'running', 'paused', 'done', 'cancelled')),
      rate integer check (rate > 0),
      total integer not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      started_at timestamptz,
      updated_at timestamptz not null default now(),
      ended_at timestamptz,
      primary key (tenant_id, id),
      check ((state = 'previewed') = (started_at is null)),
      check (state <> 'done' or ended_at is not null)
    )`.execute(db);
  await sql`comment on column bulk_job.reason is 'in the words of who started it; each instance gets a content row of its own'`.execute(db);
  await sql`comment on column bulk_job.roles is 'role and team keys of who started it, for votes'`.execute(db);
  await sql`comment on column bulk_job.state is 'previewed: shown to its author, and no job yet'`.execute(db);
  await sql`comment on column bulk_job.ended_at is 'one that is cancelled ends once those that were asked have answered'`.execute(db);
  await sql`create index bulk_job_newest on bulk_job (tenant_id, started_at desc, id desc) where started_at is not null`.execute(db);
  await sql`create index bulk_job_preview on bulk_job (expires_at) where state = 'previewed'`.execute(db);
  await sql`
    create table bulk_item (
      tenant_id uuid not null,
      job_id uuid not null,
      n integer not null check (n > 0),
      ref text not null,
      step text,
      visit integer,
      item text,
      asked_at timestamptz,
      outcome text check (outcome in ('ok', 'failed', 'skipped')),
      code text,
      at timestamptz,
      primary key (tenant_id, job_id, n),
      unique (tenant_id, job_id, ref),
      foreign key (tenant_id, job_id) references bulk_job on delete cascade,
      check ((outcome is null) = (code is null))
    )`.execute(db);
  await sql`comment on column bulk_item.n is 'its turn; with the job it names the command, once for ever'`.execute(db);
  await sql`comment on column bulk_item.asked_at is 'when it was asked first; what was never asked can still be left out'`.execute(db);
  await sql`create index bulk_item_open on bulk_item (tenant_id, job_id, n) where outcome is null`.execute(db);
  await sql`create index bulk_item_outcome on bulk_item (tenant_id, job_id, outcome, n)`.execute(db);

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
  // Previews nobody started in time are swept; their instances go with them.
  await sql`grant select, delete on bulk_job to usher_relay`.execute(db);
  await sql`create policy relay on bulk_job to usher_relay using (state = 'previewed')`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
}
