/** Journeys: templates as versions, instances with their steps, handoffs, approvals, actions, events from outside, and who entered what. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Tables in an order in which each refers only to earlier ones. */
const tables = [
  'journey_template',
  'journey_template_version',
  'journey',
  'journey_visit',
  'journey_incident',
  'journey_goal',
  'journey_entry',
  'journey_dedupe',
  'journey_trigger_state',
  'journey_subject',
  'journey_action',
  'handoff',
  'approval',
  'approval_vote',
  'inbound_event',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table team add column key text generated always as (btrim(regexp_replace(lower(name), '[^a-z0-9]+', '-', 'g'), '-')) stored`.execute(
    db,
  );
  await sql`comment on column team.key is 'as templates name it among roles and packages: Field Ops is field-ops'`.execute(db);

  await sql`alter table content drop constraint content_kind_check`.execute(db);
  await sql`
    alter table content add constraint content_kind_check
    check (kind in ('opening', 'message', 'note', 'fields', 'resolution', 'reason', 'outcome', 'comment', 'variable'))`.execute(db);
  await sql`alter table content add column journey_id text, add column command_id text`.execute(db);
  await sql`comment on column content.journey_id is 'the journey the text was given to; it is its own once linked_at is set'`.execute(db);
  await sql`comment on column content.command_id is 'the command that brings it to the journey'`.execute(db);
  await sql`create index content_of_journey on content (tenant_id, journey_id) where journey_id is not null`.execute(db);
  await sql`drop index content_unlinked`.execute(db);
  await sql`create index content_unlinked on content (created_at) where ticket_id is null and linked_at is null`.execute(db);
  await sql`alter policy relay on content using (ticket_id is null and linked_at is null)`.execute(db);

  // Events from before are nobody's cause any more, so that the column costs no rewriting.
  await sql`alter table event add column routing text not null default 'routed' check (routing in ('pending', 'routed'))`.execute(db);
  await sql`alter table event alter column routing set default 'pending'`.execute(db);
  await sql`comment on column event.routing is 'whether journeys were told of it'`.execute(db);
  await sql`
    alter table event add column routing_lease_until timestamptz, add column routing_attempts smallint not null default 0,
      add column journey_id text, add column entity text`.execute(db);
  await sql`comment on column event.entity is 'business subject of a journey, <type>/<id>'`.execute(db);
  await sql`create index event_unrouted on event (recorded_at) where routing = 'pending'`.execute(db);
  // Looking back asks for what came since an instant, mostly a moment ago. Rows come in that order: the index only grows at its end.
  await sql`create index event_recorded on event (recorded_at)`.execute(db);
  await sql`create index event_of_journey on event (tenant_id, journey_id, recorded_at, seq) where journey_id is not null`.execute(db);

  await sql`
    create table journey_template (
      tenant_id uuid not null references tenant,
      key text not null check (key ~ '^[A-Za-z][A-Za-z0-9_-]{0,63}$'),
      name text not null,
      category text not null check (category in ('acquisition', 'onboarding', 'support', 'retention', 'custom')),
      document json not null,
      hash text not null check (hash ~ '^[0-9a-f]{64}$'),
      revision integer not null default 1,
      latest integer not null default 0,
      built_in boolean not null default false,
      editors text[] not null default '{}',
      paused_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by text not null,
      primary key (tenant_id, key)
    )`.execute(db);
  await sql`comment on column journey_template.document is 'the draft in the order its author wrote it, which json keeps and jsonb would not'`.execute(
    db,
  );
  await sql`comment on column journey_template.hash is 'SHA-256 of the canonical form of the draft'`.execute(db);
  await sql`comment on column journey_template.revision is 'of the draft; every edit raises it'`.execute(db);
  await sql`comment on column journey_template.latest is 'the newest version published; 0: none'`.execute(db);
  await sql`comment on column journey_template.editors is 'who edited the draft since the last version; none of them publishes it'`.execute(
    db,
  );
  await sql`comment on column journey_template.paused_at is 'from then on it takes no entries'`.execute(db);
  await sql`
    create table journey_template_version (
      tenant_id uuid not null,
      key text not null,
      version integer not null check (version > 0),
      name text not null,
      document json not null,
      compiled json not null,
      hash text not null check (hash ~ '^[0-9a-f]{64}$'),
      status text not null default 'published' check (status in ('published', 'deprecated', 'archived')),
      mode text not null check (mode in ('new_only', 'drain', 'migrate', 'cancel_old')),
      published_at timestamptz not null default now(),
      published_by text not null,
      deprecated_at timestamptz,
      archived_at timestamptz,
      primary key (tenant_id, key, version),
      foreign key (tenant_id, key) references journey_template
    )`.execute(db);
  await sql`create index journey_template_version_published on journey_template_version (tenant_id, key, version desc) where status = 'published'`.execute(
    db,
  );
  await sql`
    create table journey (
      tenant_id uuid not null references tenant,
      id text not null check (id ~ '^JRN-[0-9A-HJKMNP-TV-Z]{16}$'),
      template_key text not null,
      template_version integer not null,
      template_hash text not null,
      subject_type text not null,
      subject_id text not null,
      entry_key text not null,
      entry integer not null,
      status text not null check (status in ('active', 'paused', 'incident', 'completed', 'cancelled')),
      result text check (result in ('won', 'lost')),
      outcome text,
      stage text,
      progress smallint not null check (progress between 0 and 100),
      current_step text,
      open_steps text[] not null default '{}',
      context jsonb not null,
      input jsonb not null,
      requester text,
      trigger_id text,
      trigger_event_id text,
      parent_id text,
      due_at timestamptz,
      awaits_approval boolean not null default false,
      modified boolean not null default false,
      version integer not null,
      run_id text not null,
      started_at timestamptz not null,
      last_activity timestamptz not null,
      ended_at timestamptz,
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, template_key, entry_key, entry)
    )`.execute(db);
  await sql`comment on column journey.context is 'ids and numbers; where a text belongs, {"$ref": <content id>}'`.execute(db);
  await sql`create index journey_newest on journey (tenant_id, started_at desc, id desc)`.execute(db);
  await sql`create index journey_of_template on journey (tenant_id, template_key, started_at desc, id desc)`.execute(db);
  await sql`create index journey_of_subject on journey (tenant_id, subject_type, subject_id, started_at desc)`.execute(db);
  await sql`create index journey_open on journey (tenant_id, template_key, template_version) where ended_at is null`.execute(db);
  await sql`
    create table journey_visit (
      tenant_id uuid not null references tenant,
      journey_id text not null,
      step text not null,
      visit integer not null check (visit > 0),
      item text not null default '',
      state text not null check (state in ('open', 'completed', 'skipped', 'failed', 'superseded', 'cancelled', 'incident')),
      stage text,
      entered_at timestamptz not null,
      ended_at timestamptz,
      outcome text,
      cause text,
      due_at timestamptz,
      attempts integer not null,
      incident_code text,
      incident_detail jsonb,
      output jsonb,
      late_result jsonb,
      people text[],
      roles text[],
      outcomes text[],
      assignee text,
      claimed_until timestamptz,
      version integer not null,
      primary key (tenant_id, journey_id, step, visit, item)
    )`.execute(db);
  await sql`comment on column journey_visit.item is 'of a forEach; empty elsewhere'`.execute(db);
  await sql`comment on column journey_visit.people is 'who may do it, beside those of the roles; null: it is no task of a person'`.execute(
    db,
  );
  await sql`create index journey_visit_task on journey_visit (tenant_id, entered_at, journey_id) where state = 'open' and people is not null`.execute(
    db,
  );
  await sql`create index journey_visit_open on journey_visit (tenant_id, step) where state in ('open', 'incident')`.execute(db);
  await sql`
    create table journey_incident (
      tenant_id uuid not null references tenant,
      journey_id text not null,
      seq integer not null,
      step text,
      visit integer,
      item text not null default '',
      code text not null,
      detail jsonb,
      opened_at timestamptz not null,
      resolved_at timestamptz,
      resolution text,
      resolved_by text,
      primary key (tenant_id, journey_id, seq)
    )`.execute(db);
  await sql`comment on column journey_incident.seq is 'of the event that opened it'`.execute(db);
  await sql`create index journey_incident_open on journey_incident (tenant_id, opened_at) where resolved_at is null`.execute(db);
  await sql`
    create table journey_goal (
      tenant_id uuid not null references tenant,
      journey_id text not null,
      goal text not null,
      reached_at timestamptz not null,
      event_id text,
      value double precision,
      primary key (tenant_id, journey_id, goal)
    )`.execute(db);
  await sql`
    create table journey_entry (
      tenant_id uuid not null references tenant,
      id uuid not null,
      template_key text not null,
      template_version integer,
      trigger_id text,
      event_id text,
      subject_type text,
      subject_id text,
      entry_key text,
      result text not null check (result in ('started', 'existing', 'signalled', 'refused')),
      reason text,
      detail jsonb,
      journey_id text,
      actor text not null,
      at timestamptz not null default now(),
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`comment on column journey_entry.detail is 'the trace of the guard that decided: paths and verdicts, no values'`.execute(db);
  await sql`create index journey_entry_newest on journey_entry (tenant_id, template_key, at desc, id desc)`.execute(db);
  await sql`create index journey_entry_event on journey_entry (tenant_id, event_id) where event_id is not null`.execute(db);
  await sql`
    create table journey_dedupe (
      tenant_id uuid not null references tenant,
      template_key text not null,
      trigger_id text not null,
      dedupe_key text not null,
      event_id text not null,
      until timestamptz not null,
      primary key (tenant_id, template_key, trigger_id, dedupe_key)
    )`.execute(db);
  await sql`create index journey_dedupe_age on journey_dedupe (until)`.execute(db);
  await sql`
    create table journey_trigger_state (
      tenant_id uuid not null references tenant,
      template_key text not null,
      trigger_id text not null,
      subject_type text not null,
      subject_id text not null,
      verdict boolean not null,
      fired_at timestamptz,
      updated_at timestamptz not null default now(),
      primary key (tenant_id, template_key, trigger_id, subject_type, subject_id)
    )`.execute(db);
  await sql`
    create table journey_subject (
      tenant_id uuid not null references tenant,
      type text not null,
      id text not null,
      attributes jsonb not null default '{}',
      zone text,
      updated_at timestamptz not null default now(),
      primary key (tenant_id, type, id)
    )`.execute(db);
  await sql`
    create table journey_action (
      tenant_id uuid not null references tenant,
      dedupe_key text not null,
      journey_id text not null,
      step text not null,
      visit integer not null,
      item text,
      action text not null,
      recipient text not null default '',
      effect text not null check (effect in ('none', 'idempotent', 'once')),
      state text not null default 'planned' check (state in ('planned', 'sending', 'done', 'failed', 'unknown')),
      attempts integer not null default 0,
      lease_until timestamptz,
      output jsonb,
      error text,
      late_result jsonb,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, dedupe_key)
    )`.execute(db);
  await sql`create index journey_action_of on journey_action (tenant_id, journey_id, step, visit)`.execute(db);
  await sql`create index journey_action_recipient on journey_action (tenant_id, recipient, updated_at) where recipient <> ''`.execute(db);
  await sql`create index journey_action_held on journey_action (tenant_id, updated_at) where state = 'unknown'`.execute(db);
  await sql`
    create table handoff (
      tenant_id uuid not null references tenant,
      id text not null,
      journey_id text not null,
      step text not null,
      visit integer not null,
      extra boolean not null,
      state text not null check (state in ('created', 'awaiting_data', 'awaiting_approval', 'offered', 'accepted', 'in_progress', 'completed',
        'rejected', 'returned', 'expired', 'failed', 'cancelled')),
      from_package text not null,
      to_package text not null,
      mode text not null check (mode in ('automatic', 'accept', 'approve')),
      owner text not null,
      assignee text,
      people text[] not null default '{}',
      roles text[] not null default '{}',
      data jsonb not null,
      missing text[] not null default '{}',
      outcome text,
      reason text,
      due_at timestamptz,
      attempts integer not null,
      version integer not null,
      run_id text not null,
      created_at timestamptz not null,
      ended_at timestamptz,
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`create index handoff_newest on handoff (tenant_id, created_at desc, id desc)`.execute(db);
  await sql`create index handoff_open on handoff (tenant_id, to_package, created_at desc) where ended_at is null`.execute(db);
  await sql`create index handoff_of on handoff (tenant_id, journey_id)`.execute(db);
  await sql`
    create table approval (
      tenant_id uuid not null references tenant,
      id text not null,
      journey_id text not null,
      handoff_id text,
      step text not null,
      visit integer not null,
      round integer not null,
      requester text,
      earlier_voters text[] not null default '{}',
      eligible jsonb not null,
      voters text[] not null,
      required integer not null,
      delegations jsonb not null,
      escalations jsonb not null,
      evidence_hash text,
      outcome text check (outcome in ('approved', 'rejected', 'timeout', 'cancelled')),
      cause text check (cause in ('vote', 'timeout', 'cancelled')),
      opened_at timestamptz not null,
      due_at timestamptz,
      closed_at timestamptz,
      version integer not null,
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`comment on column approval.voters is 'ids of those who may still vote: the eligible and their delegates, without those who have voted'`.execute(
    db,
  );
  await sql`create index approval_newest on approval (tenant_id, opened_at desc, id desc)`.execute(db);
  await sql`create index approval_of on approval (tenant_id, journey_id)`.execute(db);
  await sql`
    create table approval_vote (
      tenant_id uuid not null,
      approval_id text not null,
      n integer not null check (n > 0),
      round integer not null,
      by text not null,
      on_behalf_of text,
      decision text not null check (decision in ('approve', 'reject')),
      comment_id uuid,
      at timestamptz not null,
      void boolean not null,
      primary key (tenant_id, approval_id, n),
      foreign key (tenant_id, approval_id) references approval
    )`.execute(db);
  await sql`
    create table inbound_event (
      tenant_id uuid not null references tenant,
      id text not null check (length(id) between 1 and 128),
      type text not null,
      source text not null,
      subject text,
      customer_id text,
      lead_id text,
      ticket_id text,
      journey_id text,
      data jsonb not null default '{}',
      at timestamptz not null,
      actor text not null,
      state text not null default 'pending' check (state in ('pending', 'routed')),
      attempts integer not null default 0,
      lease_until timestamptz,
      received_at timestamptz not null default now(),
      routed_at timestamptz,
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`create index inbound_event_open on inbound_event (received_at) where state = 'pending'`.execute(db);
  await sql`create index inbound_event_type on inbound_event (tenant_id, type, received_at)`.execute(db);
  await sql`create index inbound_event_newest on inbound_event (tenant_id, received_at desc, id desc)`.execute(db);

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
  // What was published may be named by a history for ever: only its standing changes.
  await sql`revoke update on journey_template_version from usher_app`.execute(db);
  await sql`grant update (status, deprecated_at, archived_at) on journey_template_version to usher_app`.execute(db);

  // The relay looks across tenants at events no journey was told of.
  await sql`grant select, update on inbound_event to usher_relay`.execute(db);
  await sql`create policy relay on inbound_event to usher_relay using (true)`.execute(db);
  await sql`grant select on event to usher_relay`.execute(db);
  await sql`grant update (routing, routing_lease_until, routing_attempts) on event to usher_relay`.execute(db);
  await sql`create policy relay on event to usher_relay using (true)`.execute(db);
  // What each tenant's templates listen to.
  await sql`grant select (tenant_id, key, version, hash, status) on journey_template_version to usher_relay`.execute(db);
  await sql`create policy relay on journey_template_version for select to usher_relay using (true)`.execute(db);
  await sql`grant select (tenant_id, key, paused_at) on journey_template to usher_relay`.execute(db);
  await sql`create policy relay on journey_template for select to usher_relay using (true)`.execute(db);
  // Which tenants there are: each has the templates of the product.
  await sql`grant select (tenant_id) on tenant to usher_relay`.execute(db);
  await sql`create policy relay on tenant for select to usher_relay using (true)`.execute(db);
  await sql`grant select, delete on journey_dedupe to usher_relay`.execute(db);
  await sql`create policy relay on journey_dedupe to usher_relay using (true)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
  await sql`drop policy relay on tenant`.execute(db);
  await sql`revoke select (tenant_id) on tenant from usher_relay`.execute(db);
  await sql`drop policy relay on event`.execute(db);
  await sql`drop index event_recorded`.execute(db);
  await sql`revoke select on event from usher_relay`.execute(db);
  await sql`alter table event drop column routing, drop column routing_lease_until, drop column routing_attempts, drop column journey_id, drop column entity`.execute(
    db,
  );
  await sql`alter policy relay on content using (ticket_id is null)`.execute(db);
  await sql`drop index content_unlinked`.execute(db);
  await sql`create index content_unlinked on content (created_at) where ticket_id is null`.execute(db);
  await sql`alter table content drop column journey_id, drop column command_id`.execute(db);
  await sql`alter table content drop constraint content_kind_check`.execute(db);
  await sql`
    alter table content add constraint content_kind_check
    check (kind in ('opening', 'message', 'note', 'fields', 'resolution', 'reason', 'outcome')) not valid`.execute(db);
  await sql`alter table team drop column key`.execute(db);
}
