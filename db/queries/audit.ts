/** Lines of the audit: written with what they report, and read by those who may. Source: security.md, section 7. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { v7 } from 'uuid';
import type { TenantTx } from '../client.js';
import { scoped } from './scope.js';
import type { Principal } from '../../domain/access/principal.js';
import { keptOf } from '../../domain/audit/entry.js';
import type { AuditEntry, AuditSource } from '../../domain/audit/entry.js';
import type { SealedRecord } from '../../domain/audit/chain.js';
import type { TenantId } from '../../domain/ids.js';
import type { Json } from '../../domain/journey/json.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/**
 * The part of a statement that stores lines, so that nobody sees the change without them.
 *
 * @param condition where they are stored only then
 */
export const auditInsert = (
  tenant: TenantId,
  entries: readonly AuditEntry[],
  condition: RawBuilder<unknown> = sql``,
): RawBuilder<unknown> => auditInsertOf({ tenant: sql`${tenant}`, entries: sql`${JSON.stringify(entries)}` }, condition);

/** As `auditInsert`, for a statement that is put together before there are lines; they come as JSON. */
export const auditInsertOf = (
  { tenant, entries }: { readonly tenant: RawBuilder<unknown>; readonly entries: RawBuilder<unknown> },
  condition: RawBuilder<unknown> = sql``,
): RawBuilder<unknown> => sql`
  insert into audit (tenant_id, id, at, actor, acting_for, source, action, subject, changes, reason, request_id)
  select ${tenant}, a.id, coalesce(a.at, now()), a.actor, a."actingFor", a.source, a.action, a.subject, a.changes, a.reason, a."requestId"
  from jsonb_to_recordset(${entries}::jsonb) as a(id uuid, at timestamptz, actor text, "actingFor" text, source text, action text,
    subject text, changes jsonb, reason uuid, "requestId" text) ${condition}`;

/** Who answers for a change. */
export interface Accountable {
  readonly tenant: TenantId;
  readonly actor: string;
  /** The customer they act for. */
  readonly actingFor?: string;
  readonly requestId?: string;
  readonly source: AuditSource;
}

/** A change that the event log does not know of. */
export interface AuditedChange {
  readonly action: string;
  /** `<kind>/<id>`. */
  readonly subject: string;
  /** What may not be kept of it is left out. */
  readonly changes?: Readonly<Record<string, unknown>>;
  /** The content row that says why. */
  readonly reason?: string;
}

/** Ids that callers choose may be anything, an address too: then a hash stands for them. */
function subjectOf(subject: string): string {
  const at = subject.indexOf('/') + 1;
  const id = subject.slice(at);
  if (/^[\w.:-]{1,128}$/.test(id)) return subject;
  return `${subject.slice(0, at)}sha256:${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}

/** The line of a change that is stored now. */
export const auditEntry = (
  { actor, actingFor, requestId, source }: Accountable,
  { action, subject, changes = {}, reason }: AuditedChange,
): AuditEntry => ({
  id: v7(),
  at: null,
  actor,
  actingFor: actingFor ?? null,
  source,
  action,
  subject: subjectOf(subject),
  changes: keptOf(changes),
  reason: reason ?? null,
  requestId: requestId ?? null,
});

/** Writes one line in the transaction that makes the change. */
export async function recordAudit(tx: TenantTx, by: Accountable, change: AuditedChange): Promise<void> {
  await auditInsert(by.tenant, [auditEntry(by, change)]).execute(tx);
}

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly actingFor: string | null;
  readonly source: string;
  readonly action: string;
  readonly subject: string;
  readonly changes: Json;
  readonly reason: string | null;
  readonly requestId: string | null;
  /** Null: not sealed yet. */
  readonly seq: number | null;
  readonly hash: Buffer | null;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: readonly string[];
  readonly subject?: string;
  /** Inclusive. */
  readonly from?: Instant;
  /** Exclusive. */
  readonly to?: Instant;
}

/** Admins of the whole tenant see every line; the others those of tickets that they see. */
const visibleLine = (reader: Principal): RawBuilder<unknown> =>
  reader.role === 'admin' && reader.products === '*'
    ? sql`true`
    : sql`(a.subject like 'ticket/%' and exists (
        select from ticket t where t.tenant_id = ${reader.tenant} and t.id = substr(a.subject, 8) and ${scoped(reader, 't')}))`;

/** Lines the reader may see, newest first; one row more than `limit` when there are others. */
export async function listAudit(
  tx: TenantTx,
  reader: Principal,
  { actor, action, subject, from, to }: AuditFilter,
  { limit, after }: { readonly limit: number; readonly after?: { readonly position: string; readonly id: string } },
): Promise<AuditRow[]> {
  const { rows } = await sql<AuditRow>`
    select a.id, a.at, a.actor, a.acting_for, a.source, a.action, a.subject, a.changes, a.reason, a.request_id, a.seq::float8 as seq, a.hash
    from audit a
    where a.tenant_id = ${reader.tenant} and ${visibleLine(reader)}
      ${actor === undefined ? sql`` : sql`and a.actor = ${actor}`}
      ${action === undefined ? sql`` : sql`and a.action = any(${[...action]}::text[])`}
      ${subject === undefined ? sql`` : sql`and a.subject = ${subject}`}
      ${from === undefined ? sql`` : sql`and a.at >= ${toIso(from)}::timestamptz`}
      ${to === undefined ? sql`` : sql`and a.at < ${toIso(to)}::timestamptz`}
      ${after === undefined ? sql`` : sql`and (a.at, a.id) < (${after.position}::timestamptz, ${after.id}::uuid)`}
    order by a.at desc, a.id desc limit ${limit + 1}`.execute(tx);
  return rows;
}

/** Columns of a line as the chain knows them; the alias is `a`. */
export const chainColumns = sql`a.id, a.tenant_id as tenant, a.at, a.actor, a.acting_for, a.source, a.action, a.subject, a.changes, a.reason, a.request_id`;

/** A row of them as the chain knows it. */
export const inChain = <Row extends { readonly at: Date }>({ at, ...row }: Row): Omit<Row, 'at'> & Pick<SealedRecord, 'at'> => ({
  ...row,
  at: at.toISOString(),
});
