/** One row per Idempotency-Key: claimed before the command is sent, with the answer once there is one. Source: reliability.md, R2. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { asTicketId } from '../../domain/ids.js';
import { contentInsert } from './content.js';
import type { ContentRow } from './content.js';
import { customerInserts } from './directory.js';
import type { Newcomers } from './directory.js';

export interface Claim {
  /** SHA-256 over tenant, principal, method, path and key. */
  readonly scope: Buffer;
  /** SHA-256 over method, path, query and body. */
  readonly requestHash: Buffer;
  /** The number a create starts with. */
  readonly ticketId?: TicketId;
}

export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly ticketId: TicketId | null }
  | { readonly kind: 'stored'; readonly answer: StoredAnswer }
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'reused' };

/** A claim whose holder has not answered within this many seconds counts as dead. */
const leaseS = 30;

/**
 * Claims a key and stores the texts and new customers of its request, in one statement: all or nothing.
 *
 * @returns `claimed` also when an earlier holder died midway; the number it had chosen comes with it
 */
export async function claim(
  tx: TenantTx,
  tenant: TenantId,
  { scope, requestHash, ticketId }: Claim,
  texts: readonly ContentRow[],
  newcomers: Newcomers,
): Promise<ClaimResult> {
  const claimed = await sql<{ ticketId: string | null }>`
    with claimed as (
      insert into idempotency (tenant_id, scope, request_hash, ticket_id, lease_until)
      values (${tenant}, ${scope}, ${requestHash}, ${ticketId ?? null}, now() + make_interval(secs => ${leaseS}))
      on conflict (tenant_id, scope) do update set lease_until = excluded.lease_until
      where idempotency.status is null and idempotency.lease_until <= now() and idempotency.request_hash = excluded.request_hash
      returning ticket_id
    ), stored as (
      ${contentInsert(tenant, texts, sql`exists (select from claimed)`)}
    )${newcomers.people.length === 0 ? sql`` : sql`, ${customerInserts(newcomers, sql`exists (select from claimed)`)}`}
    select ticket_id from claimed`.execute(tx);
  const mine = claimed.rows[0];
  if (mine !== undefined) return { kind: 'claimed', ticketId: mine.ticketId === null ? null : asTicketId(mine.ticketId) };
  const row = await tx
    .selectFrom('idempotency')
    .select(['requestHash', 'status', 'headers', 'body'])
    .where('tenantId', '=', tenant)
    .where('scope', '=', scope)
    .executeTakeFirst();
  if (row === undefined) return { kind: 'in_flight' };
  if (!row.requestHash.equals(requestHash)) return { kind: 'reused' };
  if (row.status === null) return { kind: 'in_flight' };
  return { kind: 'stored', answer: { status: row.status, headers: textHeaders(row.headers), body: row.body } };
}

const textHeaders = (headers: unknown): Record<string, string> =>
  typeof headers === 'object' && headers !== null
    ? Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
    : {};

/** Notes that a create goes on with another number, before anything is sent under it. */
export async function rename(tx: TenantTx, tenant: TenantId, scope: Buffer, ticketId: TicketId): Promise<void> {
  await tx.updateTable('idempotency').set({ ticketId }).where('tenantId', '=', tenant).where('scope', '=', scope).execute();
}

/** Keeps the answer, so that a repetition gets the same. */
export async function keepAnswer(tx: TenantTx, tenant: TenantId, scope: Buffer, { status, headers, body }: StoredAnswer): Promise<void> {
  await tx
    .updateTable('idempotency')
    .set({ status, headers: JSON.stringify(headers), body })
    .where('tenantId', '=', tenant)
    .where('scope', '=', scope)
    .execute();
}

/** Forgets a request that was refused: a repetition is executed afresh. */
export async function forget(tx: TenantTx, tenant: TenantId, scope: Buffer): Promise<void> {
  await tx.deleteFrom('idempotency').where('tenantId', '=', tenant).where('scope', '=', scope).where('status', 'is', null).execute();
}

/** Lets a repetition go on at once under the same command id; what was chosen stays. */
export async function release(tx: TenantTx, tenant: TenantId, scope: Buffer): Promise<void> {
  await sql`update idempotency set lease_until = now() where tenant_id = ${tenant} and scope = ${scope} and status is null`.execute(tx);
}
