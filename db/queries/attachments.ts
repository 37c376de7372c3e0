/** Attachments: a row before the bytes, clean before anyone reads them. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { auditEntry, auditInsert } from './audit.js';
import type { Accountable } from './audit.js';
import { scoped } from './scope.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TenantId, TicketId } from '../../domain/ids.js';

export const attachmentStates = ['awaiting', 'quarantine', 'clean', 'infected', 'rejected'] as const;
export type AttachmentState = (typeof attachmentStates)[number];

export interface AttachmentRecord {
  readonly id: string;
  readonly ticket: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly state: AttachmentState;
  readonly visibility: 'public' | 'internal';
  readonly storageKey: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Its bytes and its name are gone. */
  readonly isErased: boolean;
  /** The message it belongs to; null until one takes it. */
  readonly message: string | null;
}

export interface NewAttachment {
  readonly id: string;
  readonly ticket: TicketId;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly visibility: 'public' | 'internal';
  readonly storageKey: string;
  readonly createdBy: string;
  /** The message it comes with; null until one takes it. */
  readonly message: string | null;
}

/**
 * Adds an attachment that waits for its bytes.
 *
 * @param most bytes of all attachments of one ticket
 * @param by who announces it
 * @param waitMs how long one counts that waits for its bytes; afterwards none can come
 * @returns false when the ticket would hold more
 */
export async function insertAttachment(
  tx: TenantTx,
  tenant: TenantId,
  given: NewAttachment,
  { most, waitMs, by }: { readonly most: number; readonly waitMs: number; readonly by: Accountable },
): Promise<boolean> {
  const { id, ticket, size, visibility } = given;
  const line = auditEntry(by, {
    action: 'attachment.announced',
    subject: `ticket/${ticket}`,
    changes: { attachment: id, size, visibility },
  });
  const { rows } = await sql<{ id: string }>`
    with added as (insert into attachment (tenant_id, id, ticket_id, name, type, size, sha256, state, visibility, storage_key, created_by)
    select ${tenant}, ${given.id}::uuid, ${given.ticket}, ${given.name}, ${given.type}, ${given.size}::integer, ${given.sha256}, 'awaiting', ${given.visibility},
      ${given.storageKey}, ${given.createdBy}
    where (
      select coalesce(sum(size), 0) from attachment where tenant_id = ${tenant} and ticket_id = ${given.ticket}
        and (state in ('quarantine', 'clean') or (state = 'awaiting' and created_at > now() - ${waitMs} * interval '1 millisecond'))
    ) + ${given.size}::integer <= ${most}
    returning id), audited as (${auditInsert(tenant, [line], sql`where exists (select from added)`)})
    select id from added`.execute(tx);
  return rows.length > 0;
}

const columns = sql`f.id, f.ticket_id as ticket, f.name, f.type, f.size, f.sha256, f.state, f.visibility, f.storage_key, f.created_by, f.created_at, f.erased_at is not null as is_erased, f.content_id as message`;

/** One attachment of a ticket the reader may see. Customers get their own and those of public messages. */
export async function findAttachment(tx: TenantTx, reader: Principal, id: string): Promise<AttachmentRecord | undefined> {
  const visible =
    reader.role === 'customer'
      ? sql`and (f.created_by = ${`customer/${reader.id}`} or (f.visibility = 'public' and exists (
          select from content c where c.tenant_id = f.tenant_id and c.id = f.content_id and c.ticket_id = f.ticket_id and c.visibility = 'public')))`
      : sql``;
  const { rows } = await sql<AttachmentRecord>`
    select ${columns} from attachment f join ticket t on t.tenant_id = f.tenant_id and t.id = f.ticket_id
    where ${scoped(reader, 't')} and t.removed_at is null and f.id = ${id} ${visible}`.execute(tx);
  return rows[0];
}

/** Adds attachments of a ticket that is about to be opened; those that are there already stay as they are. */
export async function insertAttachments(tx: TenantTx, tenant: TenantId, given: readonly NewAttachment[]): Promise<void> {
  await sql`
    insert into attachment (tenant_id, id, ticket_id, content_id, name, type, size, sha256, state, visibility, storage_key, created_by)
    select ${tenant}, id, ticket, message, name, type, size, sha256, 'awaiting', visibility, "storageKey", "createdBy"
    from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as g(id uuid, ticket text, message uuid, name text, type text, size integer, sha256 text,
      visibility text, "storageKey" text, "createdBy" text)
    on conflict (tenant_id, id) do nothing`.execute(tx);
}

/** Gives attachments of a ticket that was not opened under its number to the one that is. */
export async function renumberAttachments(tx: TenantTx, tenant: TenantId, ids: readonly string[], ticketId: TicketId): Promise<void> {
  await tx
    .updateTable('attachment')
    .set({ ticketId })
    .where('tenantId', '=', tenant)
    .where('id', 'in', [...ids])
    .execute();
}

/** Attachments by id alone, in the order of their ids: of a signed address that speaks for itself, or of a request that announced them. */
export async function attachmentsById(tx: TenantTx, tenant: TenantId, ids: readonly string[]): Promise<AttachmentRecord[]> {
  const { rows } = await sql<AttachmentRecord>`
    select ${columns} from unnest(${[...ids]}::uuid[]) with ordinality as wanted(id, position)
    join attachment f on f.tenant_id = ${tenant} and f.id = wanted.id order by wanted.position`.execute(tx);
  return rows;
}

/** Moves an attachment on; false when it was not in `from`. */
export async function moveAttachment(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  from: AttachmentState,
  to: AttachmentState,
): Promise<boolean> {
  const result = await tx
    .updateTable('attachment')
    .set({ state: to })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('state', '=', from)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/**
 * Gives clean attachments of a ticket to a message that is about to be sent. One that another accepted message has stays there.
 *
 * @returns the ids that could be given
 */
export async function giveAttachments(
  tx: TenantTx,
  tenant: TenantId,
  {
    ticket,
    message,
    ids,
    visibility,
    by,
  }: { ticket: TicketId; message: string; ids: readonly string[]; visibility: 'public' | 'internal'; by: string | null },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    update attachment f set content_id = ${message}, visibility = ${visibility}
    where f.tenant_id = ${tenant} and f.ticket_id = ${ticket} and f.id = any(${[...ids]}::uuid[]) and f.state = 'clean'
      ${by === null ? sql`` : sql`and f.created_by = ${by}`}
      and (f.content_id is null or f.content_id = ${message}
        or not exists (select from content c where c.tenant_id = f.tenant_id and c.id = f.content_id and c.ticket_id is not null))
    returning f.id`.execute(tx);
  return rows.map((row) => row.id);
}
