/** Service levels: calendars and policies as revisions, what became of every clock, escalations, notices to staff. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Tables in an order in which each refers only to earlier ones. */
const tables = [
  'sla_calendar',
  'sla_calendar_revision',
  'sla_policy_set',
  'sla_clock',
  'sla_segment',
  'sla_rung',
  'escalation',
  'notice',
  'sla_reprojection',
  'sla_reprojection_ticket',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table tenant add column settings jsonb not null default '{}', add column settings_revision integer not null default 1`.execute(
    db,
  );
  await sql`alter table agent add column phone text`.execute(db);
  await sql`comment on column agent.phone is 'E.164; notices by SMS go there'`.execute(db);
  await sql`alter table team add column calendar_id text`.execute(db);
  await sql`comment on column team.calendar_id is 'no foreign key: the built-in calendar 24x7 has no row'`.execute(db);
  await sql`alter table customer add column tier text check (tier ~ '^[a-z0-9][a-z0-9_-]{0,62}$')`.execute(db);
  await sql`alter table ticket add column sla_breached boolean not null default false`.execute(db);
  await sql`comment on column ticket.sla_breached is 'permanent: some clock of it was breached once'`.execute(db);
  await sql`alter table ticket add column ack_pending boolean not null default false`.execute(db);
  await sql`create index ticket_due on ticket (tenant_id, due_at, id) where due_at is not null`.execute(db);
  await sql`alter table content drop constraint content_kind_check`.execute(db);
  await sql`
    alter table content add constraint content_kind_check
    check (kind in ('opening', 'message', 'note', 'fields', 'resolution', 'reason', 'outcome'))`.execute(db);
  await sql`
    alter table outbound_message add column recipient_kind text not null default 'customer' check (recipient_kind in ('customer', 'agent'))`.execute(
    db,
  );
  await sql`alter table outbound_message add column fallback boolean not null default false`.execute(db);
  await sql`comment on column outbound_message.fallback is 'nobody addressed was found, so it went to the fallback recipient'`.execute(db);
  await sql`create index outbound_message_sms on outbound_message (tenant_id, updated_at) where channel = 'sms'`.execute(db);
  await sql`
    create table sla_calendar (
      tenant_id uuid not null references tenant,
      id text not null check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
      name text not null,
      created_at timestamptz not null default now(),
      retired_at timestamptz,
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`
    create table sla_calendar_revision (
      tenant_id uuid not null,
      calendar_id text not null,
      revision integer not null check (revision > 0),
      body jsonb not null,
      created_at timestamptz not null default now(),
      created_by text not null,
      primary key (tenant_id, calendar_id, revision),
      foreign key (tenant_id, calendar_id) references sla_calendar
    )`.execute(db);
  await sql`
    create table sla_policy_set (
      tenant_id uuid not null references tenant,
      revision integer not null check (revision > 0),
      policies jsonb not null,
      mode text not null check (mode in ('new_tickets', 'reproject')),
      created_at timestamptz not null default now(),
      created_by text not null,
      primary key (tenant_id, revision)
    )`.execute(db);
  await sql`
    create table sla_clock (
      tenant_id uuid not null references tenant,
      ticket_id text not null,
      clock text not null check (clock ~ '^[a-z_]+#[0-9]+$'),
      kind text not null,
      product text not null,
      policy_set integer not null,
      policy text not null,
      calendar_id text not null,
      calendar_revision integer not null,
      phase text not null check (phase in ('running', 'paused', 'fulfilled', 'cancelled')),
      origin_at timestamptz not null,
      budget_s integer not null,
      consumed_s integer not null,
      running_since timestamptz,
      causes text[] not null default '{}',
      due_at timestamptz,
      breached_at timestamptz,
      breach_cause text,
      late_ms bigint,
      fulfilled_at timestamptz,
      ended_at timestamptz,
      reason text,
      business_s integer not null default 0,
      calendar_s integer not null default 0,
      waived boolean not null default false,
      state jsonb not null,
      version integer not null,
      updated_at timestamptz not null,
      primary key (tenant_id, ticket_id, clock)
    )`.execute(db);
  await sql`comment on column sla_clock.state is 'the ledger entry as the workflow last said it; the other columns are made from it'`.execute(
    db,
  );
  await sql`create index sla_clock_due on sla_clock (tenant_id, due_at) where phase = 'running' and breached_at is null`.execute(db);
  await sql`
    create table sla_segment (
      tenant_id uuid not null references tenant,
      ticket_id text not null,
      clock text not null,
      n integer not null,
      from_at timestamptz not null,
      to_at timestamptz not null,
      state text not null check (state in ('running', 'paused', 'closed')),
      causes text[] not null default '{}',
      calendar_id text not null,
      calendar_revision integer not null,
      open_s integer not null,
      wall_s integer not null,
      consumed_after_s integer not null,
      primary key (tenant_id, ticket_id, clock, n)
    )`.execute(db);
  await sql`
    create table sla_rung (
      tenant_id uuid not null references tenant,
      ticket_id text not null,
      clock text not null,
      rung text not null,
      due_at timestamptz not null,
      fired_at timestamptz not null,
      late_ms bigint not null,
      outcome text not null,
      message text,
      recorded_at timestamptz not null default now(),
      primary key (tenant_id, ticket_id, clock, rung)
    )`.execute(db);
  await sql`comment on column sla_rung.message is 'the notice that told of it; of another rung when several fell due at once'`.execute(db);
  await sql`
    create table escalation (
      tenant_id uuid not null references tenant,
      ticket_id text not null,
      n integer not null check (n > 0),
      product text not null,
      level smallint not null check (level between 1 and 9),
      to_kind text not null check (to_kind in ('admin', 'specialist', 'team', 'lead')),
      to_id uuid,
      status text not null check (status in ('pending', 'in_progress', 'resolved', 'closed')),
      reason_id uuid,
      raised_by text not null,
      take_over boolean not null default false,
      clock text,
      rung text,
      ack_due_at timestamptz,
      acknowledged_at timestamptz,
      acknowledged_by text,
      resolved_at timestamptz,
      resolved_by text,
      closed_at timestamptz,
      outcome text,
      outcome_id uuid,
      created_at timestamptz not null,
      version integer not null,
      state jsonb not null,
      primary key (tenant_id, ticket_id, n)
    )`.execute(db);
  await sql`create index escalation_newest on escalation (tenant_id, status, created_at desc)`.execute(db);
  await sql`
    create table notice (
      tenant_id uuid not null references tenant,
      ticket_id text not null,
      message text not null,
      clock text,
      about jsonb not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, ticket_id, message)
    )`.execute(db);
  await sql`comment on column notice.about is 'whom to tell by which channel, and of which rungs; recipients are found when it is delivered'`.execute(
    db,
  );
  await sql`
    create table sla_reprojection (
      tenant_id uuid not null references tenant,
      revision integer not null,
      id uuid not null,
      state text not null check (state in ('running', 'paused', 'done', 'cancelled')),
      total integer not null,
      started_by text not null,
      started_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      ended_at timestamptz,
      primary key (tenant_id, revision),
      unique (tenant_id, id),
      foreign key (tenant_id, revision) references sla_policy_set
    )`.execute(db);
  await sql`comment on column sla_reprojection.id is 'the job as callers know it'`.execute(db);
  await sql`comment on column sla_reprojection.total is 'open tickets under an older revision when it was published'`.execute(db);
  // Two at a time could move a ticket back to the older revision.
  await sql`create unique index sla_reprojection_one on sla_reprojection (tenant_id) where state in ('running', 'paused')`.execute(db);
  await sql`
    create table sla_reprojection_ticket (
      tenant_id uuid not null,
      revision integer not null,
      ticket_id text not null,
      outcome text check (outcome in ('breached', 'lost_policy', 'gained_policy', 'earlier', 'later', 'unchanged', 'closed', 'failed')),
      code text,
      before jsonb,
      at timestamptz not null default now(),
      primary key (tenant_id, revision, ticket_id),
      foreign key (tenant_id, revision) references sla_reprojection
    )`.execute(db);
  await sql`comment on column sla_reprojection_ticket.outcome is 'null: it was asked, and has not answered yet'`.execute(db);
  await sql`comment on column sla_reprojection_ticket.code is 'why it failed'`.execute(db);
  await sql`comment on column sla_reprojection_ticket.before is 'its clocks before it was asked first, until the outcome is known'`.execute(
    db,
  );
  await sql`create index sla_reprojection_ticket_outcome on sla_reprojection_ticket (tenant_id, revision, outcome, ticket_id)`.execute(db);

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
  // Revisions are facts: published once, never changed.
  await sql`revoke update on sla_calendar_revision, sla_policy_set from usher_app`.execute(db);
  await sql`grant delete on sla_calendar, sla_calendar_revision to usher_app`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
  await sql`drop index outbound_message_sms`.execute(db);
  await sql`alter table outbound_message drop column recipient_kind, drop column fallback`.execute(db);
  await sql`alter table content drop constraint content_kind_check`.execute(db);
  await sql`
    alter table content add constraint content_kind_check
    check (kind in ('opening', 'message', 'note', 'fields', 'resolution', 'reason')) not valid`.execute(db);
  await sql`drop index ticket_due`.execute(db);
  await sql`alter table ticket drop column sla_breached, drop column ack_pending`.execute(db);
  await sql`alter table customer drop column tier`.execute(db);
  await sql`alter table team drop column calendar_id`.execute(db);
  await sql`alter table agent drop column phone`.execute(db);
  await sql`alter table tenant drop column settings, drop column settings_revision`.execute(db);
}
