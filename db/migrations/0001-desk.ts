/** The desk: tenants and their configuration, people, tickets with texts, events and mail. Statuses are text with a check, never enum types. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Tables in an order in which each refers only to earlier ones. */
const tables = [
  'tenant',
  'product',
  'team',
  'agent',
  'team_member',
  'service_account',
  'customer',
  'customer_contact',
  'api_key',
  'content',
  'ticket',
  'event',
  'outbound_message',
  'delivery_attempt',
  'inbound_message',
  'attachment',
  'idempotency',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table tenant (
      tenant_id uuid primary key,
      key text not null unique check (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
      name text not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table product (
      tenant_id uuid not null references tenant,
      key text not null check (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
      name text not null,
      settings jsonb not null,
      revision integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, key)
    )`.execute(db);
  await sql`
    create table team (
      tenant_id uuid not null references tenant,
      id uuid not null,
      name text not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, name)
    )`.execute(db);
  await sql`
    create table agent (
      tenant_id uuid not null references tenant,
      id uuid not null,
      name text not null,
      email text not null,
      role text not null check (role in ('agent', 'lead', 'admin')),
      products text[],
      active boolean not null default true,
      created_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, email)
    )`.execute(db);
  await sql`comment on column agent.products is 'product keys; null: every product of the tenant'`.execute(db);
  await sql`
    create table team_member (
      tenant_id uuid not null,
      team_id uuid not null,
      agent_id uuid not null,
      primary key (tenant_id, team_id, agent_id),
      foreign key (tenant_id, team_id) references team,
      foreign key (tenant_id, agent_id) references agent
    )`.execute(db);
  await sql`create index team_member_agent on team_member (tenant_id, agent_id)`.execute(db);
  await sql`
    create table service_account (
      tenant_id uuid not null references tenant,
      id uuid not null,
      name text not null,
      scopes text[] not null,
      products text[],
      created_at timestamptz not null default now(),
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`
    create table customer (
      tenant_id uuid not null references tenant,
      id uuid not null,
      name text,
      external_id text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz,
      primary key (tenant_id, id),
      unique (tenant_id, external_id)
    )`.execute(db);
  await sql`create index customer_newest on customer (tenant_id, created_at desc, id desc)`.execute(db);
  await sql`
    create table customer_contact (
      tenant_id uuid not null,
      customer_id uuid not null,
      kind text not null check (kind in ('email', 'phone')),
      value text not null,
      verified boolean not null default false,
      bounced boolean not null default false,
      primary key (tenant_id, kind, value),
      foreign key (tenant_id, customer_id) references customer
    )`.execute(db);
  await sql`create index customer_contact_of on customer_contact (tenant_id, customer_id)`.execute(db);
  await sql`
    create table api_key (
      tenant_id uuid not null references tenant,
      id uuid not null,
      hash bytea not null unique,
      owner_kind text not null check (owner_kind in ('user', 'customer', 'service')),
      owner_id uuid not null,
      prefix text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      revoked_at timestamptz,
      last_used_at timestamptz,
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`
    create table content (
      tenant_id uuid not null references tenant,
      id uuid not null,
      kind text not null check (kind in ('opening', 'message', 'note', 'fields', 'resolution', 'reason')),
      visibility text not null check (visibility in ('public', 'internal')),
      author_kind text not null check (author_kind in ('customer', 'agent', 'service', 'system')),
      author_id uuid,
      channel text,
      auto boolean not null default false,
      subject text,
      body text,
      html text,
      data jsonb,
      created_at timestamptz not null default now(),
      ticket_id text,
      seq integer,
      linked_at timestamptz,
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`comment on column content.seq is 'version of the ticket event that brought it; null: not accepted yet, swept after a day'`.execute(
    db,
  );
  await sql`create index content_timeline on content (tenant_id, ticket_id, seq) where ticket_id is not null`.execute(db);
  await sql`create index content_unlinked on content (created_at) where ticket_id is null`.execute(db);
  await sql`
    create table ticket (
      tenant_id uuid not null references tenant,
      id text not null check (id ~ '^TKT-[0-9A-HJKMNP-TV-Z]{8}$'),
      uuid uuid not null,
      product text not null,
      scope text not null,
      status text not null check (status in ('new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'closed')),
      priority text not null check (priority in ('low', 'medium', 'high', 'urgent')),
      priority_rank smallint generated always as (case priority when 'urgent' then 4 when 'high' then 3 when 'medium' then 2 else 1 end) stored,
      category text,
      channel text not null,
      requester_id uuid not null,
      copied uuid[] not null default '{}',
      assignee_id uuid,
      team_id uuid,
      subject text,
      description text,
      tags text[] not null default '{}',
      custom_fields jsonb not null default '{}',
      follow_up_of text,
      escalation_level smallint not null default 0,
      sla_state text not null default 'none' check (sla_state in ('ok', 'warned', 'breached', 'paused', 'none')),
      due_at timestamptz,
      version integer not null,
      cycle integer not null,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      first_response_at timestamptz,
      resolved_at timestamptz,
      closed_at timestamptz,
      reopen_until timestamptz,
      wait_until timestamptz,
      close_cause text,
      removed_at timestamptz,
      state jsonb not null,
      search tsvector generated always as (
        setweight(to_tsvector('english', coalesce(subject, '')), 'A') || setweight(to_tsvector('english', left(coalesce(description, ''), 100000)), 'C')
      ) stored,
      primary key (tenant_id, id),
      foreign key (tenant_id, product) references product,
      foreign key (tenant_id, requester_id) references customer
    )`.execute(db);
  await sql`comment on column ticket.state is 'the ticket as its workflow last said it; the other columns are made from it and from content'`.execute(
    db,
  );
  await sql`comment on column ticket.uuid is 'UUIDv5 of the number, for callers whose ids are UUIDs'`.execute(db);
  await sql`create unique index ticket_uuid on ticket (tenant_id, uuid)`.execute(db);
  await sql`create index ticket_newest on ticket (tenant_id, created_at desc, id desc)`.execute(db);
  await sql`create index ticket_updated on ticket (tenant_id, updated_at desc, id desc)`.execute(db);
  await sql`create index ticket_requester on ticket (tenant_id, requester_id, created_at desc)`.execute(db);
  await sql`create index ticket_assignee on ticket (tenant_id, assignee_id, status) where status <> 'closed'`.execute(db);
  await sql`create index ticket_follow_up on ticket (tenant_id, follow_up_of) where follow_up_of is not null`.execute(db);
  await sql`create index ticket_search on ticket using gin (search)`.execute(db);
  await sql`
    create table event (
      tenant_id uuid not null references tenant,
      subject text not null,
      seq integer not null,
      id uuid not null,
      type text not null,
      at timestamptz not null,
      product text,
      actor text not null,
      role text not null,
      source text not null,
      command_id text not null,
      run_id text not null,
      digest bytea not null,
      data jsonb not null,
      content_id uuid,
      recorded_at timestamptz not null default now(),
      primary key (tenant_id, subject, seq)
    )`.execute(db);
  await sql`create unique index event_id on event (tenant_id, id)`.execute(db);
  await sql`
    create table outbound_message (
      tenant_id uuid not null references tenant,
      id uuid not null,
      dedupe_key text not null,
      ticket_id text not null,
      message text not null,
      template text not null,
      recipient_id uuid not null,
      content_id uuid,
      automatic boolean not null,
      cycle integer not null,
      channel text not null default 'email',
      state text not null default 'planned' check (state in ('planned', 'sending', 'sent', 'failed', 'unknown', 'suppressed', 'cancelled')),
      reason text,
      message_id text,
      provider_id text,
      delivery text,
      attempts integer not null default 0,
      error_code text,
      possible_duplicate boolean not null default false,
      lease_token uuid,
      lease_until timestamptz,
      wire_at timestamptz,
      sent_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, dedupe_key)
    )`.execute(db);
  await sql`create index outbound_message_of on outbound_message (tenant_id, ticket_id, message)`.execute(db);
  await sql`create unique index outbound_message_mail_id on outbound_message (tenant_id, message_id) where message_id is not null`.execute(
    db,
  );
  await sql`create index outbound_message_recipient on outbound_message (tenant_id, recipient_id, updated_at) where automatic`.execute(db);
  await sql`create index outbound_message_open on outbound_message (state, updated_at) where state in ('planned', 'sending', 'unknown')`.execute(
    db,
  );
  await sql`
    create table delivery_attempt (
      tenant_id uuid not null,
      outbound_id uuid not null,
      attempt integer not null,
      started_at timestamptz not null,
      ended_at timestamptz,
      outcome text,
      provider_code text,
      provider_text text,
      primary key (tenant_id, outbound_id, attempt),
      foreign key (tenant_id, outbound_id) references outbound_message
    )`.execute(db);
  await sql`
    create table inbound_message (
      tenant_id uuid not null references tenant,
      id uuid not null,
      channel text not null,
      account text not null,
      external_id text not null,
      state text not null default 'received' check (state in ('received', 'done', 'quarantined', 'discarded')),
      cause text,
      detail text,
      raw_key text not null,
      size integer not null,
      received_at timestamptz not null default now(),
      sender text,
      subject text,
      auto boolean not null default false,
      mail_id text,
      product text,
      ticket_id text,
      content_id uuid,
      released_by text,
      release_reason text,
      attempts integer not null default 0,
      next_try_at timestamptz not null default now(),
      lease_until timestamptz,
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, channel, account, external_id)
    )`.execute(db);
  await sql`create index inbound_message_open on inbound_message (next_try_at) where state = 'received'`.execute(db);
  await sql`create index inbound_message_quarantine on inbound_message (tenant_id, received_at desc, id desc) where state = 'quarantined'`.execute(
    db,
  );
  await sql`create index inbound_message_mail_id on inbound_message (tenant_id, mail_id) where mail_id is not null`.execute(db);
  await sql`
    create table attachment (
      tenant_id uuid not null references tenant,
      id uuid not null,
      ticket_id text not null,
      content_id uuid,
      name text not null,
      type text not null,
      size integer not null,
      sha256 text,
      state text not null check (state in ('awaiting', 'quarantine', 'clean', 'infected', 'rejected')),
      visibility text not null default 'public' check (visibility in ('public', 'internal')),
      storage_key text not null,
      created_by text not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, id)
    )`.execute(db);
  await sql`create index attachment_of on attachment (tenant_id, ticket_id)`.execute(db);
  await sql`
    create table idempotency (
      tenant_id uuid not null references tenant,
      scope bytea not null,
      request_hash bytea not null,
      ticket_id text,
      lease_until timestamptz not null,
      status integer,
      headers jsonb,
      body text,
      created_at timestamptz not null default now(),
      primary key (tenant_id, scope)
    )`.execute(db);
  await sql`create index idempotency_age on idempotency (created_at)`.execute(db);

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
  await sql`revoke update on event from usher_app`.execute(db);
  await sql`grant delete on idempotency, team_member, customer_contact to usher_app`.execute(db);

  // The relay looks across tenants at what waits for it, and at nothing else.
  await sql`grant select, update on inbound_message to usher_relay`.execute(db);
  await sql`create policy relay on inbound_message to usher_relay using (true)`.execute(db);
  await sql`grant select, update on outbound_message to usher_relay`.execute(db);
  await sql`create policy relay on outbound_message to usher_relay using (true)`.execute(db);
  await sql`grant select, delete on content to usher_relay`.execute(db);
  await sql`create policy relay on content to usher_relay using (ticket_id is null)`.execute(db);
  await sql`grant select, delete on idempotency to usher_relay`.execute(db);
  await sql`create policy relay on idempotency to usher_relay using (true)`.execute(db);

  // A key is found before its tenant is known: this one question is answered across tenants.
  await sql`grant select on api_key to usher_auth`.execute(db);
  await sql`create policy authenticate on api_key for select to usher_auth using (true)`.execute(db);
  await sql`
    create function find_api_key(given bytea)
    returns table (tenant_id uuid, id uuid, owner_kind text, owner_id uuid, expires_at timestamptz, revoked_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select k.tenant_id, k.id, k.owner_kind, k.owner_id, k.expires_at, k.revoked_at from api_key k where k.hash = given $$`.execute(
    db,
  );
  await sql`alter function find_api_key(bytea) owner to usher_auth`.execute(db);
  await sql`revoke all on function find_api_key(bytea) from public`.execute(db);
  await sql`grant execute on function find_api_key(bytea) to usher_app`.execute(db);

  // Full-text operators are not leakproof, so under row-level security they reach no index: the search runs as its own role.
  await sql`grant select (tenant_id, id, search, updated_at) on ticket to usher_search`.execute(db);
  await sql`create policy search on ticket for select to usher_search using (true)`.execute(db);
  await sql`
    create function search_tickets(tenant uuid, query text, most integer)
    returns setof text
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
    begin
      if tenant is distinct from nullif(current_setting('app.tenant', true), '')::uuid then
        raise exception 'search outside the tenant' using errcode = '42501';
      end if;
      return query
        with hit as materialized (
          select t.id, t.updated_at from ticket t where t.tenant_id = tenant and t.search @@ websearch_to_tsquery('english', query)
        )
        select h.id from hit h order by h.updated_at desc limit most;
    end $$`.execute(db);
  await sql`alter function search_tickets(uuid, text, integer) owner to usher_search`.execute(db);
  await sql`revoke all on function search_tickets(uuid, text, integer) from public`.execute(db);
  await sql`grant execute on function search_tickets(uuid, text, integer) to usher_app`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  // Policies of a table name the roles; dropping the table drops them.
  await sql`drop function search_tickets(uuid, text, integer)`.execute(db);
  await sql`drop function find_api_key(bytea)`.execute(db);
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
}
