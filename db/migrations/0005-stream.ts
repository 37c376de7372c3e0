/** The live stream: which events wait to be told, and the position each got, per tenant and without gaps. Source: api-surfaces.md, section 1. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = ['stream_head', 'stream_event'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table stream_head (
      tenant_id uuid primary key references tenant,
      position bigint not null
    )`.execute(db);
  await sql`comment on column stream_head.position is 'the last one given; its row is locked while more are given'`.execute(db);
  // Beside the log and not in it: who claims lines of the log must not meet them locked.
  await sql`
    create table stream_event (
      id bigint generated always as identity,
      tenant_id uuid not null references tenant,
      event_id uuid not null,
      position bigint,
      published_at timestamptz
    )`.execute(db);
  await sql`comment on column stream_event.position is 'null: committed, and not published yet; by this and never by its id it is found'`.execute(
    db,
  );
  await sql`create index stream_event_waiting on stream_event (id) where position is null`.execute(db);
  await sql`create unique index stream_event_position on stream_event (tenant_id, position) where position is not null`.execute(db);

  // Whoever writes to the log: nobody can forget to tell.
  await sql`
    create function tell_stream() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$
    begin
      insert into stream_event (tenant_id, event_id) select n.tenant_id, n.id from told n order by n.subject, n.seq;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger event_told after insert on event
    referencing new table as told for each statement execute function tell_stream()`.execute(db);

  for (const name of tables) {
    const table = sql.table(name);
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
    await sql`
      create policy tenant on ${table}
      using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
      with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
    await sql`create policy relay on ${table} to usher_relay using (true) with check (true)`.execute(db);
  }
  await sql`grant select on stream_head, stream_event to usher_app`.execute(db);
  await sql`grant insert on stream_event to usher_app`.execute(db);
  await sql`grant select, insert, update on stream_head to usher_relay`.execute(db);
  await sql`grant select, update (position, published_at), delete on stream_event to usher_relay`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger event_told on event`.execute(db);
  await sql`drop function tell_stream()`.execute(db);
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
}
