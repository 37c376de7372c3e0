/** Texts: stored first, unlinked; the projection links them in the transaction that accepts the command. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import type { ContentId, TenantId } from '../../domain/ids.js';

/** What a ticket is opened or edited with besides its description. */
export interface ContentFields {
  readonly subject?: string;
  readonly tags?: readonly string[];
  readonly customFields?: Readonly<Record<string, unknown>>;
  /** Of a journey's variable. */
  readonly value?: unknown;
}

export interface ContentRow {
  readonly id: ContentId;
  readonly kind: 'opening' | 'message' | 'note' | 'fields' | 'resolution' | 'reason' | 'outcome' | 'comment' | 'variable';
  readonly visibility: 'public' | 'internal';
  readonly authorKind: 'customer' | 'agent' | 'service' | 'system';
  readonly authorId: string | null;
  readonly channel?: string | null;
  readonly auto?: boolean;
  readonly subject?: string | null;
  readonly body?: string | null;
  readonly html?: string | null;
  readonly data?: ContentFields | null;
  /** Of a journey's text: whose it becomes when the command is recorded. */
  readonly journeyId?: string;
  readonly commandId?: string;
}

/**
 * The insert of content rows. A row that is there already is of an earlier try of the same request: as long as nothing took it, the words
 * of this one count.
 *
 * @param condition nothing is written unless it holds
 */
export const contentInsert = (tenant: TenantId, rows: readonly ContentRow[], condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  insert into content (tenant_id, id, kind, visibility, author_kind, author_id, channel, auto, subject, body, html, data, journey_id, command_id)
  select ${tenant}, c.id, c.kind, c.visibility, c."authorKind", c."authorId", c.channel, coalesce(c.auto, false), c.subject, c.body, c.html, c.data,
    c."journeyId", c."commandId"
  from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c(
    id uuid, kind text, visibility text, "authorKind" text, "authorId" uuid, channel text, auto boolean, subject text, body text, html text, data jsonb,
    "journeyId" text, "commandId" text)
  where ${condition}
  on conflict (tenant_id, id) do update set
    kind = excluded.kind, visibility = excluded.visibility, author_kind = excluded.author_kind, author_id = excluded.author_id,
    channel = excluded.channel, auto = excluded.auto, subject = excluded.subject, body = excluded.body, html = excluded.html, data = excluded.data,
    journey_id = excluded.journey_id, command_id = excluded.command_id, created_at = excluded.created_at
  where content.ticket_id is null and content.linked_at is null`;

/** Stores texts that no ticket has yet. */
export async function storeContent(tx: TenantTx, tenant: TenantId, rows: readonly ContentRow[]): Promise<void> {
  if (rows.length > 0) await contentInsert(tenant, rows, sql`true`).execute(tx);
}
