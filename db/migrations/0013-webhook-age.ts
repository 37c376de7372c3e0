/** What was sent to webhook endpoints is kept as long as its tenant says: what is old is looked for tenant by tenant. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // By the instant alone a tenant that keeps little would read, with each statement, past all that others keep longer.
  await sql`create index webhook_delivery_over on webhook_delivery (tenant_id, settled_at) where settled_at is not null`.execute(db);
  await sql`drop index webhook_delivery_settled`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`create index webhook_delivery_settled on webhook_delivery (settled_at) where settled_at is not null`.execute(db);
  await sql`drop index webhook_delivery_over`.execute(db);
}
