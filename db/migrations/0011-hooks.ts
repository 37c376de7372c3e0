/** Callbacks in: who may send us signed events, and what they sign with. Source: api-surfaces.md, section 3. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table hook (
      tenant_id uuid not null references tenant,
      id uuid not null,
      provider text not null check (provider in ('standard', 'crm')),
      name text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
      description text not null,
      secret bytea not null,
      old_secret bytea,
      old_secret_until timestamptz,
      created_by text not null,
      revision integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, provider, name),
      check ((old_secret is null) = (old_secret_until is null))
    )`.execute(db);
  await sql`comment on column hook.secret is 'sealed'`.execute(db);
  await sql`alter table hook enable row level security`.execute(db);
  await sql`alter table hook force row level security`.execute(db);
  await sql`
    create policy tenant on hook
    using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
  await sql`grant select, insert, update, delete on hook to usher_app`.execute(db);

  // As for keys: whose a callback is, is found out before the tenant is known.
  await sql`grant select on hook to usher_auth`.execute(db);
  await sql`create policy authenticate on hook for select to usher_auth using (true)`.execute(db);
  await sql`
    create function find_hook(given_tenant text, given_provider text, given_name text)
    returns table (tenant_id uuid, id uuid, provider text, name text, secret bytea, old_secret bytea, old_secret_until timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$
      select h.tenant_id, h.id, h.provider, h.name, h.secret, h.old_secret, h.old_secret_until
      from hook h join tenant t on t.tenant_id = h.tenant_id
      where t.key = given_tenant and h.provider = given_provider and h.name = given_name
    $$`.execute(db);
  await sql`alter function find_hook(text, text, text) owner to usher_auth`.execute(db);
  await sql`revoke all on function find_hook(text, text, text) from public`.execute(db);
  await sql`grant execute on function find_hook(text, text, text) to usher_app`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function find_hook(text, text, text)`.execute(db);
  await sql`drop table hook`.execute(db);
}
