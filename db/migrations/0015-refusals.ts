/** A statement that finds it must not be kept fails by itself: then its commit can go along with it. Source: reliability.md, R1. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function refuse(reason text) returns void
    language plpgsql set search_path = public, pg_temp
    as $$
    begin
      raise exception using errcode = 'UR001', message = reason;
    end $$`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function refuse(text)`.execute(db);
}
