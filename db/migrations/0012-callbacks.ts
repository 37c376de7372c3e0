/** Callbacks of providers of SMS and mail: which were here, and which message a report is about. Source: security.md, T14 to T16; reliability.md, R10. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table hook drop constraint hook_provider_check`.execute(db);
  await sql`
    alter table hook add constraint hook_provider_check
    check (provider in ('standard', 'crm', 'twilio', 'mailgun', 'sendgrid'))`.execute(db);

  await sql`
    create table hook_receipt (
      tenant_id uuid not null references tenant,
      provider text not null,
      id text not null,
      code text,
      received_at timestamptz not null default now(),
      primary key (tenant_id, provider, id)
    )`.execute(db);
  await sql`comment on column hook_receipt.id is 'of what came: a token, a digest, or a message and its status'`.execute(db);
  await sql`create index hook_receipt_age on hook_receipt (received_at)`.execute(db);
  await sql`alter table hook_receipt enable row level security`.execute(db);
  await sql`alter table hook_receipt force row level security`.execute(db);
  await sql`
    create policy tenant on hook_receipt
    using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))`.execute(db);
  await sql`grant select, insert on hook_receipt to usher_app`.execute(db);
  await sql`grant select, delete on hook_receipt to usher_relay`.execute(db);
  await sql`create policy relay on hook_receipt to usher_relay using (true)`.execute(db);

  await sql`create index outbound_message_provider_id on outbound_message (tenant_id, provider_id) where channel = 'sms'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index outbound_message_provider_id`.execute(db);
  await sql`drop table hook_receipt`.execute(db);
  // The owner's statements are held to the rules for rows too, and no tenant is set.
  await sql`alter table hook no force row level security`.execute(db);
  await sql`delete from hook where provider not in ('standard', 'crm')`.execute(db);
  await sql`alter table hook force row level security`.execute(db);
  await sql`alter table hook drop constraint hook_provider_check`.execute(db);
  await sql`alter table hook add constraint hook_provider_check check (provider in ('standard', 'crm'))`.execute(db);
}
