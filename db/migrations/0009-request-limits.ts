/** How much may be asked: what tenants changed of it, what several processes count together, and from where a key may be used. Source: security.md, sections 5 and 8. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = ['request_limits', 'request_count'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table request_limits (
      tenant_id uuid primary key references tenant,
      limits jsonb not null,
      revision integer not null,
      updated_at timestamptz not null default now()
    )`.execute(db);
  await sql`comment on column request_limits.limits is 'requests by name of the limit; what is not named is as usual'`.execute(db);
  // After a crash everyone may begin anew, so nobody waits for it to reach the disk.
  await sql`
    create unlogged table request_count (
      tenant_id uuid not null references tenant,
      name bytea not null,
      ends_at timestamptz not null,
      count bigint not null,
      primary key (tenant_id, name, ends_at)
    )`.execute(db);
  await sql`comment on column request_count.name is 'digest of the limit and of whose it is'`.execute(db);
  await sql`create index request_count_ends on request_count (ends_at)`.execute(db);
  for (const name of tables) {
    const table = sql.table(name);
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
    await sql`
      create policy tenant on ${table}
      using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
      with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
  }
  await sql`grant select, insert, update on request_limits to usher_app`.execute(db);

  // One process serves many tenants and tells what it counted all at once: this one question is answered across tenants.
  await sql`grant select, insert, update, delete on request_count to usher_auth`.execute(db);
  await sql`create policy count on request_count to usher_auth using (true) with check (true)`.execute(db);
  await sql`
    create function count_requests(given jsonb)
    returns table (whose uuid, name text, until timestamptz, total bigint)
    language sql volatile security definer set search_path = public, pg_temp
    as $$
      with gone as (
        delete from request_count c where c.ctid = any (array(
          select o.ctid from request_count o where o.ends_at < now() - interval '1 minute' limit 1000 for update skip locked))
      )
      insert into request_count as c (tenant_id, name, ends_at, count)
      select g.tenant, decode(g.name, 'hex'), g."endsAt", g.count
      from jsonb_to_recordset(given) as g(tenant uuid, name text, "endsAt" timestamptz, count bigint)
      order by 1, 2, 3
      on conflict on constraint request_count_pkey do update set count = c.count + excluded.count
      returning c.tenant_id, encode(c.name, 'hex'), c.ends_at, c.count
    $$`.execute(db);
  await sql`alter function count_requests(jsonb) owner to usher_auth`.execute(db);
  await sql`revoke all on function count_requests(jsonb) from public`.execute(db);
  await sql`grant execute on function count_requests(jsonb) to usher_app`.execute(db);

  await sql`alter table api_key add column addresses text[]`.execute(db);
  await sql`comment on column api_key.addresses is 'networks it may be used from; null: from anywhere'`.execute(db);
  await keyLookup(db, ', addresses text[]', ', k.addresses');
}

/** What is asked of a key before its tenant is known. */
async function keyLookup(db: Kysely<unknown>, column: string, value: string): Promise<void> {
  await sql`drop function find_api_key(bytea)`.execute(db);
  await sql`
    create function find_api_key(given bytea)
    returns table (tenant_id uuid, id uuid, owner_kind text, owner_id uuid, scopes text[], products text[], expires_at timestamptz, revoked_at timestamptz${sql.raw(column)})
    language sql stable security definer set search_path = public, pg_temp
    as $$ select k.tenant_id, k.id, k.owner_kind, k.owner_id, k.scopes, k.products, k.expires_at, k.revoked_at${sql.raw(value)} from api_key k where k.hash = given $$`.execute(
    db,
  );
  await sql`alter function find_api_key(bytea) owner to usher_auth`.execute(db);
  await sql`revoke all on function find_api_key(bytea) from public`.execute(db);
  await sql`grant execute on function find_api_key(bytea) to usher_app`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await keyLookup(db, '', '');
  await sql`alter table api_key drop column addresses`.execute(db);
  await sql`drop function count_requests(jsonb)`.execute(db);
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
}
