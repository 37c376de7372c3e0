/** Texts: stored first, unlinked; the projection links them in the transaction that accepts the command. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import type { ContentId, TenantId } from '../../domain/ids.js';

export interface ContentRow {
  readonly id: ContentId;
  readonly kind: 'opening' | 'message' | 'note' | 'fields' | 'resolution' | 'reason';
  readonly visibility: 'public' | 'internal';
  readonly authorKind: 'customer' | 'agent' | 'service' | 'system';
  readonly authorId: string | null;
  readonly channel?: string | null;
  readonly auto?: boolean;
  readonly subject?: string | null;
  readonly body?: string | null;
  readonly html?: string | null;
  readonly data?: unknown;
}

/**
 * The insert of content rows; a row that is there already stays as it is.
 *
 * @param condition nothing is written unless it holds
 */
export const contentInsert = (tenant: TenantId, rows: readonly ContentRow[], condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  insert into content (tenant_id, id, kind, visibility, author_kind, author_id, channel, auto, subject, body, html, data)
  select ${tenant}, c.id, c.kind, c.visibility, c."authorKind", c."authorId", c.channel, coalesce(c.auto, false), c.subject, c.body, c.html, c.data
  from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c(
    id uuid, kind text, visibility text, "authorKind" text, "authorId" uuid, channel text, auto boolean, subject text, body text, html text, data jsonb)
  where ${condition}
  on conflict (tenant_id, id) do nothing`;

/** Stores texts that no ticket has yet. */
export async function storeContent(tx: TenantTx, tenant: TenantId, rows: readonly ContentRow[]): Promise<void> {
  if (rows.length > 0) await contentInsert(tenant, rows, sql`true`).execute(tx);
}
