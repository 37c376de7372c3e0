/** Notices to staff go out in batches: which of them wait to be handed to one, and which batch has them. Source: sla.md, section 6; reliability.md, R1. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table notice add column batch uuid, add column hand_at timestamptz, add column handed_at timestamptz`.execute(db);
  await sql`comment on column notice.batch is 'that was last handed it; null: none was, or the run of its ticket delivers it'`.execute(db);
  await sql`comment on column notice.hand_at is 'when it is to be handed to a batch, or to another one; null: it is settled, or the run of its ticket delivers it'`.execute(
    db,
  );
  await sql`create index notice_to_hand on notice (hand_at) where hand_at is not null`.execute(db);
  await sql`create index notice_handed on notice (handed_at) where handed_at is not null`.execute(db);
  await sql`create index notice_batch on notice (tenant_id, batch) where hand_at is not null`.execute(db);
  // The relay hands them over, across tenants; what they tell and to whom it cannot read.
  await sql`
    grant select (tenant_id, ticket_id, message, batch, hand_at, handed_at), update (batch, hand_at, handed_at) on notice to usher_relay`.execute(
    db,
  );
  await sql`create policy relay on notice to usher_relay using (true)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop policy relay on notice`.execute(db);
  await sql`revoke all on notice from usher_relay`.execute(db);
  await sql`alter table notice drop column batch, drop column hand_at, drop column handed_at`.execute(db);
}
