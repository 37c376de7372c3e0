/** Who people are: identity providers of a tenant, whom it knows by them, and keys with limits of their own. Source: security.md, sections 2 and 5. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = ['identity_provider', 'identity'] as const;
/** Records that administrators change, each by its revision. */
const revised = ['agent', 'team', 'service_account'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const name of revised) {
    await sql`
      alter table ${sql.table(name)}
        add column revision integer not null default 1,
        add column updated_at timestamptz not null default now()`.execute(db);
  }
  await sql`alter table service_account add column active boolean not null default true`.execute(db);
  await sql`
    alter table api_key
      add column name text,
      add column scopes text[],
      add column products text[],
      add column created_by text,
      add column replaced_by uuid`.execute(db);
  await sql`comment on column api_key.scopes is 'of a service; null: all that its account has'`.execute(db);
  await sql`comment on column api_key.products is 'product keys; null: all that its owner has'`.execute(db);
  await sql`comment on column api_key.replaced_by is 'the key that a rotation made'`.execute(db);
  await sql`create index api_key_owner on api_key (tenant_id, owner_kind, owner_id)`.execute(db);

  await sql`
    create table identity_provider (
      tenant_id uuid not null references tenant,
      id uuid not null,
      name text not null,
      issuer text not null,
      audience text not null,
      algorithms text[] not null check (cardinality(algorithms) > 0),
      jwks_uri text,
      token_type text not null check (token_type in ('at+jwt', 'any')),
      leeway_s integer not null check (leeway_s between 0 and 60),
      people text not null check (people in ('users', 'customers', 'all')),
      link_by_email boolean not null,
      active boolean not null default true,
      revision integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, issuer)
    )`.execute(db);
  await sql`comment on column identity_provider.jwks_uri is 'null: as the issuer’s discovery document says'`.execute(db);
  await sql`comment on column identity_provider.link_by_email is 'whether a verified address links a person on first use'`.execute(db);
  await sql`create index identity_provider_issuer on identity_provider (issuer)`.execute(db);
  await sql`
    create table identity (
      tenant_id uuid not null references tenant,
      issuer text not null,
      subject text not null,
      owner_kind text not null check (owner_kind in ('user', 'customer')),
      owner_id uuid not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, issuer, subject),
      unique (tenant_id, issuer, owner_kind, owner_id)
    )`.execute(db);
  await sql`comment on table identity is 'a person of the tenant as an issuer names them; one name for one person at each issuer'`.execute(
    db,
  );
  await sql`create index identity_owner on identity (tenant_id, owner_kind, owner_id)`.execute(db);

  for (const name of tables) {
    const table = sql.table(name);
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
    await sql`
      create policy tenant on ${table}
      using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
      with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
    await sql`grant select, insert, update, delete on ${table} to usher_app`.execute(db);
  }

  // As for keys: who speaks is found out before the tenant is known, by questions that answer across tenants.
  await sql`drop function find_api_key(bytea)`.execute(db);
  await sql`
    create function find_api_key(given bytea)
    returns table (tenant_id uuid, id uuid, owner_kind text, owner_id uuid, scopes text[], products text[], expires_at timestamptz, revoked_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select k.tenant_id, k.id, k.owner_kind, k.owner_id, k.scopes, k.products, k.expires_at, k.revoked_at from api_key k where k.hash = given $$`.execute(
    db,
  );
  await sql`alter function find_api_key(bytea) owner to usher_auth`.execute(db);
  await sql`revoke all on function find_api_key(bytea) from public`.execute(db);
  await sql`grant execute on function find_api_key(bytea) to usher_app`.execute(db);

  await sql`grant select (tenant_id, key) on tenant to usher_auth`.execute(db);
  await sql`create policy authenticate on tenant for select to usher_auth using (true)`.execute(db);
  await sql`grant select on identity_provider to usher_auth`.execute(db);
  await sql`create policy authenticate on identity_provider for select to usher_auth using (true)`.execute(db);
  await sql`
    create function find_identity_providers(given text)
    returns table (tenant_id uuid, tenant_key text, id uuid, issuer text, audience text, algorithms text[], jwks_uri text, token_type text,
      leeway_s integer, people text, link_by_email boolean, revision integer)
    language sql stable security definer set search_path = public, pg_temp
    as $$
      select p.tenant_id, t.key, p.id, p.issuer, p.audience, p.algorithms, p.jwks_uri, p.token_type, p.leeway_s, p.people, p.link_by_email, p.revision
      from identity_provider p join tenant t on t.tenant_id = p.tenant_id
      where p.issuer = given and p.active order by p.created_at, p.tenant_id limit 20
    $$`.execute(db);
  await sql`alter function find_identity_providers(text) owner to usher_auth`.execute(db);
  await sql`revoke all on function find_identity_providers(text) from public`.execute(db);
  await sql`grant execute on function find_identity_providers(text) to usher_app`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function find_identity_providers(text)`.execute(db);
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
  await sql`drop policy authenticate on tenant`.execute(db);
  await sql`revoke select (tenant_id, key) on tenant from usher_auth`.execute(db);
  await sql`drop function find_api_key(bytea)`.execute(db);
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
  await sql`drop index api_key_owner`.execute(db);
  await sql`
    alter table api_key drop column name, drop column scopes, drop column products, drop column created_by, drop column replaced_by`.execute(
    db,
  );
  await sql`alter table service_account drop column active`.execute(db);
  for (const name of revised) await sql`alter table ${sql.table(name)} drop column revision, drop column updated_at`.execute(db);
}
