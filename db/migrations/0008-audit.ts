/** The audit: who did what, one line for each change, only ever added to, and sealed into a chain. Source: security.md, section 7. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = ['audit_chain', 'audit'] as const;
/** What writes a line; where in the chain it stands is found out later. */
const said = sql.raw('tenant_id, id, at, actor, acting_for, source, action, subject, changes, reason, request_id');
const place = sql.raw('seq, prev_hash, hash');

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_chain (
      tenant_id uuid primary key references tenant,
      seq bigint not null default 0,
      hash bytea not null default decode(repeat('00', 32), 'hex'),
      cut_seq bigint not null default 0,
      cut_hash bytea not null default decode(repeat('00', 32), 'hex'),
      told_at timestamptz,
      cut_at timestamptz
    )`.execute(db);
  await sql`comment on column audit_chain.seq is 'of the last line that is sealed; the row is locked while more are'`.execute(db);
  await sql`comment on column audit_chain.cut_seq is 'of the last line whose time was over: the chain begins behind it, with its hash'`.execute(
    db,
  );
  await sql`comment on column audit_chain.told_at is 'when the last hash was written to the log'`.execute(db);
  await sql`
    create table audit (
      tenant_id uuid not null references tenant,
      id uuid not null,
      at timestamptz(3) not null,
      actor text not null,
      acting_for text,
      source text not null check (source in ('api', 'operator', 'worker', 'mail', 'cli')),
      action text not null,
      subject text not null,
      changes jsonb not null default '{}',
      reason uuid,
      request_id text,
      seq bigint,
      prev_hash bytea,
      hash bytea,
      primary key (tenant_id, at, id),
      check ((seq is null) = (hash is null) and (seq is null) = (prev_hash is null))
    )`.execute(db);
  await sql`comment on column audit.reason is 'the content row that says why'`.execute(db);
  await sql`comment on column audit.seq is 'place in the chain of the tenant, from 1; null: not sealed yet'`.execute(db);
  await sql`create index audit_unsealed on audit (tenant_id, id) where seq is null`.execute(db);
  await sql`create unique index audit_seq on audit (tenant_id, seq) where seq is not null`.execute(db);
  await sql`create index audit_subject on audit (tenant_id, subject, at)`.execute(db);

  // Whatever rights a role may be given by mistake: a line is sealed once, and goes only when it is old and the chain begins behind it.
  await sql`
    create function keep_audit() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$
    begin
      if tg_op = 'UPDATE' then
        if old.seq is null and new.seq is not null
          and to_jsonb(new) - '{seq,prev_hash,hash}'::text[] = to_jsonb(old) - '{seq,prev_hash,hash}'::text[] then
          return new;
        end if;
      elsif tg_op = 'DELETE' then
        if old.at < now() - interval '400 days'
          and old.seq <= (select c.cut_seq from audit_chain c where c.tenant_id = old.tenant_id) then
          return old;
        end if;
      end if;
      raise exception 'the audit is only added to' using errcode = '42501';
    end $$`.execute(db);
  await sql`create trigger audit_kept before update or delete on audit for each row execute function keep_audit()`.execute(db);
  await sql`create trigger audit_never_emptied before truncate on audit for each statement execute function keep_audit()`.execute(db);

  for (const name of tables) {
    const table = sql.table(name);
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
    await sql`
      create policy tenant on ${table}
      using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
      with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
    await sql`create policy relay on ${table} to usher_relay using (true) with check (true)`.execute(db);
    await sql`grant select on ${table} to usher_app, usher_relay`.execute(db);
  }
  await sql`grant insert (${said}) on audit to usher_app, usher_relay`.execute(db);
  await sql`grant update (${place}), delete on audit to usher_relay`.execute(db);
  await sql`grant insert, update on audit_chain to usher_relay`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of tables.toReversed()) await sql`drop table ${sql.table(name)}`.execute(db);
  await sql`drop function keep_audit()`.execute(db);
}
