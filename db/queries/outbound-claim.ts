/** Whose turn a row of the ledger is: each attempt holds a lease of its own, and takes over from one that did not end. Source: reliability.md, R1, R3 and R4. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import { afterDoubt } from '../../domain/messaging/doubt.js';
import { messageTemplates } from '../../domain/messaging/plan.js';
import { second, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { oneOf, outboundStates } from './outbound.js';
import type { OutboundState } from './outbound.js';
import { endAttempt } from './outbound-settle.js';

/** Tells the reconciler when nobody came back; nobody else waits for it. */
const leaseTime = 60 * second;

export interface ClaimRequest {
  readonly tenant: TenantId;
  readonly id: string;
  /** New for each attempt; whoever holds it may write. */
  readonly lease: string;
  /** The attempt that reached the wire at this instant is unknown to the provider, who was asked just now. */
  readonly absent?: Instant;
  readonly now: Instant;
}

/** Why no attempt begins. */
export type NoAttempt =
  /** Settled before; null: there is no such row. */
  | { readonly kind: 'over'; readonly state: OutboundState | null }
  /** Settled by this call: its reason is gone, or nobody can say what became of it. */
  | { readonly kind: 'ended'; readonly state: OutboundState }
  | { readonly kind: 'wait'; readonly until: Instant }
  /** The provider has to be asked about the attempt that reached the wire at this instant. */
  | { readonly kind: 'look'; readonly wireAt: Instant };

/** `repeats`: an earlier attempt may have been sent. */
export type Turn = NoAttempt | { readonly kind: 'free'; readonly row: LedgerRow; readonly repeats: boolean };

/** Locks rows, in one order whoever asks; those that exist, by id. */
export async function lockRows(tx: TenantTx, tenant: TenantId, ids: readonly string[]) {
  const locked = tx
    .selectFrom('outboundMessage')
    .selectAll()
    .where('tenantId', '=', tenant)
    .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`);
  const rows = await locked.orderBy('id').forUpdate().execute();
  return new Map(rows.map((row) => [row.id, row]));
}

export type LedgerRow = NonNullable<ReturnType<Awaited<ReturnType<typeof lockRows>>['get']>>;

/** Locks a row for an attempt, and ends an attempt that was lost. */
export async function takeTurn(tx: TenantTx, request: ClaimRequest): Promise<Turn> {
  const rows = await lockRows(tx, request.tenant, [request.id]);
  return turnOf(tx, request, rows.get(request.id));
}

/** Whose turn a row is that is locked; asks the database nothing about one that was never tried. */
export async function turnOf(tx: TenantTx, request: ClaimRequest, row: LedgerRow | undefined): Promise<Turn> {
  const { tenant, id, now } = request;
  if (row === undefined) return { kind: 'over', state: null };
  const state = oneOf(outboundStates, row.state);
  if (state !== 'planned' && state !== 'sending') return { kind: 'over', state };
  if (state === 'sending')
    await endAttempt(tx, { tenant, id, attempt: row.attempts, now, outcome: row.wireAt === null ? 'lost' : 'unknown' });
  if (row.wireAt !== null) return resolveDoubt(tx, request, row, row.wireAt.getTime());
  // Of a row that is planned, the lease says before when the provider does not want it again.
  const notBefore = state === 'planned' ? (row.leaseUntil?.getTime() ?? now) : now;
  return notBefore > now ? { kind: 'wait', until: notBefore } : { kind: 'free', row, repeats: row.possibleDuplicate };
}

async function resolveDoubt(tx: TenantTx, request: ClaimRequest, row: LedgerRow, wireAt: Instant): Promise<Turn> {
  const step = afterDoubt({
    template: oneOf(messageTemplates, row.template),
    repeated: row.possibleDuplicate,
    listed: row.channel === 'sms',
    wireAt,
    absent: request.absent === wireAt,
    now: request.now,
  });
  switch (step.kind) {
    case 'repeat':
      return { kind: 'free', row, repeats: true };
    case 'unknown':
      await endRow(tx, request, { state: 'unknown', errorCode: 'no_reply' });
      return { kind: 'ended', state: 'unknown' };
    case 'wait':
    case 'look':
      if (row.state === 'sending') await endRow(tx, request, { state: 'planned', errorCode: 'no_reply' });
      return step.kind === 'wait' ? step : { kind: 'look', wireAt };
  }
}

/** An attempt whose turn it is. */
export interface Beginning extends Pick<ClaimRequest, 'id' | 'lease' | 'now'> {
  readonly row: LedgerRow;
  readonly repeats: boolean;
  /** Fixed with the first attempt; null: it gets none. */
  readonly messageId: string | null;
}

export interface Begun {
  readonly attempt: number;
  readonly messageId: string | null;
}

/** Begins attempts; answers in their order. */
export async function beginAttempts(tx: TenantTx, tenant: TenantId, beginnings: readonly Beginning[]): Promise<Begun[]> {
  if (beginnings.length === 0) return [];
  const rows = beginnings.map(({ id, lease, now, row, repeats, messageId }) => ({
    id,
    lease,
    until: toIso(now + leaseTime),
    attempt: row.attempts + 1,
    message_id: row.messageId ?? messageId,
    repeats,
    at: toIso(now),
  }));
  await sql`
    with begun as (
      update outbound_message o set state = 'sending', lease_token = b.lease, lease_until = b.until, attempts = b.attempt, message_id = b.message_id,
        possible_duplicate = b.repeats, wire_at = null, updated_at = b.at
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as b(id uuid, lease uuid, until timestamptz, attempt int, message_id text, repeats boolean, at timestamptz)
      where o.tenant_id = ${tenant} and o.id = any(${rows.map(({ id }) => id)}::uuid[]) and o.id = b.id
      returning o.id, b.attempt, b.at
    )
    insert into delivery_attempt (tenant_id, outbound_id, attempt, started_at) select ${tenant}, id, attempt, at from begun`.execute(tx);
  return rows.map(({ attempt, message_id: messageId }) => ({ attempt, messageId }));
}

/** Sets a row's state without an attempt; the row is locked by `takeTurn`. */
export async function endRow(
  tx: TenantTx,
  { tenant, id, now }: Pick<ClaimRequest, 'tenant' | 'id' | 'now'>,
  end: { readonly state: OutboundState; readonly reason?: string; readonly errorCode?: string },
): Promise<void> {
  await tx
    .updateTable('outboundMessage')
    .set({ ...end, leaseToken: null, leaseUntil: null, updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}
