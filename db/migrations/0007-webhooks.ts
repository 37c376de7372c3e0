/** Webhooks out: endpoints of a tenant, what is sent to each, and what came of every attempt. Source: api-surfaces.md, section 2; security.md, T39. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** In an order in which each refers only to earlier ones. */
const tables = ['webhook_cursor', 'webhook_endpoint', 'webhook_replay', 'webhook_delivery', 'webhook_attempt'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook_cursor (
      tenant_id uuid primary key references tenant,
      position bigint not null
    )`.execute(db);
  await sql`comment on table webhook_cursor is 'tenants that have had an endpoint, with the position of the stream up to which deliveries were made'`.execute(
    db,
  );
  await sql`
    create table webhook_endpoint (
      tenant_id uuid not null references tenant,
      id uuid not null,
      url text not null,
      types text[] not null check (cardinality(types) > 0),
      product text,
      description text not null,
      include_text boolean not null,
      state text not null default 'active' check (state in ('active', 'disabled', 'removed')),
      cause text check (cause in ('admin', 'gone', 'failing')),
      secret bytea not null,
      old_secret bytea,
      old_secret_until timestamptz,
      failures integer not null default 0,
      succeeded_at timestamptz,
      enabled_at timestamptz not null default now(),
      disabled_at timestamptz,
      told text check (told in ('planned', 'wired', 'repeated', 'sent', 'failed', 'unknown')),
      told_at timestamptz,
      created_by text not null,
      revision integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      foreign key (tenant_id, product) references product,
      check ((state = 'active') = (disabled_at is null)),
      check ((old_secret is null) = (old_secret_until is null))
    )`.execute(db);
  await sql`comment on column webhook_endpoint.types is 'event types, beginnings such as ticket.*, or * for all'`.execute(db);
  await sql`comment on column webhook_endpoint.product is 'only events about its tickets; null: all of the tenant'`.execute(db);
  await sql`comment on column webhook_endpoint.secret is 'sealed'`.execute(db);
  await sql`comment on column webhook_endpoint.failures is 'attempts in a row that failed'`.execute(db);
  await sql`comment on column webhook_endpoint.told is 'what became of the mail that tells the owner it was disabled; null: none is due'`.execute(
    db,
  );
  await sql`
    create table webhook_replay (
      tenant_id uuid not null,
      id uuid not null,
      endpoint_id uuid not null,
      from_at timestamptz not null,
      until_at timestamptz not null,
      types text[],
      state text not null default 'running' check (state in ('running', 'paused', 'done', 'cancelled')),
      behind bigint not null default 0,
      total integer not null,
      started_by text not null,
      started_at timestamptz not null default date_trunc('milliseconds', now()),
      primary key (tenant_id, id),
      foreign key (tenant_id, endpoint_id) references webhook_endpoint
    )`.execute(db);
  await sql`comment on column webhook_replay.state is 'done: every delivery was opened again; whether all have settled they say themselves'`.execute(
    db,
  );
  await sql`comment on column webhook_replay.behind is 'the delivery up to which they were opened again'`.execute(db);
  await sql`create index webhook_replay_newest on webhook_replay (tenant_id, started_at desc, id desc)`.execute(db);
  await sql`create index webhook_replay_running on webhook_replay (tenant_id) where state = 'running'`.execute(db);
  await sql`
    create table webhook_delivery (
      tenant_id uuid not null,
      id uuid not null default gen_random_uuid(),
      n bigint generated always as identity,
      endpoint_id uuid not null,
      event_id uuid not null,
      type text not null,
      subject text not null,
      seq integer not null,
      event_at timestamptz not null,
      state text not null check (state in ('waiting', 'pending', 'succeeded', 'failed', 'dropped')),
      reason text,
      round integer not null default 1,
      failed integer not null default 0,
      tries integer not null default 0,
      holds boolean generated always as (state in ('waiting', 'pending') and failed < 4 and type <> 'webhook.test') stored,
      lease_token uuid,
      lease_until timestamptz,
      next_at timestamptz,
      replay_id uuid,
      created_at timestamptz not null default now(),
      settled_at timestamptz,
      primary key (tenant_id, id),
      unique (tenant_id, endpoint_id, event_id),
      foreign key (tenant_id, endpoint_id) references webhook_endpoint,
      check ((state in ('waiting', 'pending')) = (settled_at is null))
    )`.execute(db);
  await sql`comment on column webhook_delivery.n is 'its place in the order of the stream'`.execute(db);
  await sql`comment on column webhook_delivery.state is 'waiting: its turn has not come; pending: its workflow runs'`.execute(db);
  await sql`comment on column webhook_delivery.round is 'raised by each replay'`.execute(db);
  await sql`comment on column webhook_delivery.failed is 'attempts of this round that failed'`.execute(db);
  await sql`comment on column webhook_delivery.tries is 'attempts of all rounds'`.execute(db);
  await sql`comment on column webhook_delivery.holds is 'later events of its subject wait for it'`.execute(db);
  await sql`comment on column webhook_delivery.lease_token is 'of the attempt under way; null with a lease: its workflow is being started'`.execute(
    db,
  );
  await sql`create index webhook_delivery_newest on webhook_delivery (tenant_id, endpoint_id, n desc)`.execute(db);
  await sql`create index webhook_delivery_waiting on webhook_delivery (tenant_id, endpoint_id, n) where state = 'waiting'`.execute(db);
  await sql`create index webhook_delivery_holding on webhook_delivery (tenant_id, endpoint_id, subject, seq) where holds`.execute(db);
  await sql`create index webhook_delivery_leased on webhook_delivery (tenant_id, endpoint_id) where lease_until is not null`.execute(db);
  await sql`create index webhook_delivery_next on webhook_delivery (next_at) where state = 'pending'`.execute(db);
  await sql`create index webhook_delivery_settled on webhook_delivery (settled_at) where settled_at is not null`.execute(db);
  await sql`create index webhook_delivery_replayed on webhook_delivery (tenant_id, replay_id) where replay_id is not null`.execute(db);
  await sql`
    create table webhook_attempt (
      tenant_id uuid not null,
      delivery_id uuid not null,
      n integer not null check (n > 0),
      round integer not null,
      started_at timestamptz not null,
      duration_ms integer,
      outcome text check (outcome in ('succeeded', 'failed', 'gone')),
      code text,
      status integer,
      answer text,
      primary key (tenant_id, delivery_id, n),
      foreign key (tenant_id, delivery_id) references webhook_delivery on delete cascade
    )`.execute(db);
  await sql`comment on column webhook_attempt.outcome is 'null: under way, or its worker died in it'`.execute(db);
  await sql`comment on column webhook_attempt.answer is 'the beginning of what the receiver said'`.execute(db);

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
  // The relay finds out, across tenants, where something is to be done; secrets and addresses it cannot read.
  await sql`grant select on webhook_cursor to usher_relay`.execute(db);
  await sql`grant select (tenant_id, id, state, failures, disabled_at), delete on webhook_endpoint to usher_relay`.execute(db);
  await sql`grant select, delete on webhook_replay to usher_relay`.execute(db);
  await sql`grant select, update (state, lease_token, lease_until, next_at), delete on webhook_delivery to usher_relay`.execute(db);
  for (const name of ['webhook_cursor', 'webhook_endpoint', 'webhook_replay', 'webhook_delivery'] as const) {
    await sql`create policy relay on ${sql.table(name)} to usher_relay using (true)`.execute(db);
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
}
