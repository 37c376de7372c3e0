/** Whose turn a row of the ledger is: each attempt holds a lease of its own, and takes over from one that did not end. Source: reliability.md, R1, R3 and R4. */
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

const lockRow = (tx: TenantTx, tenant: TenantId, id: string) =>
  tx.selectFrom('outboundMessage').selectAll().where('tenantId', '=', tenant).where('id', '=', id).forUpdate().executeTakeFirst();

export type LedgerRow = NonNullable<Awaited<ReturnType<typeof lockRow>>>;

/** Locks a row for an attempt, and ends an attempt that was lost. */
export async function takeTurn(tx: TenantTx, request: ClaimRequest): Promise<Turn> {
  const { tenant, id, now } = request;
  const row = await lockRow(tx, tenant, id);
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

/** Begins the attempt whose turn it is. */
export async function beginAttempt(
  tx: TenantTx,
  { tenant, id, lease, now }: ClaimRequest,
  { row, repeats }: { readonly row: LedgerRow; readonly repeats: boolean },
  messageId: string | null,
): Promise<{ readonly attempt: number; readonly messageId: string | null }> {
  const attempt = row.attempts + 1;
  const claimed = await tx
    .updateTable('outboundMessage')
    .set({
      state: 'sending',
      leaseToken: lease,
      leaseUntil: toIso(now + leaseTime),
      attempts: attempt,
      messageId: row.messageId ?? messageId,
      possibleDuplicate: repeats,
      wireAt: null,
      updatedAt: toIso(now),
    })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .returning('messageId')
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('deliveryAttempt')
    .values({ tenantId: tenant, outboundId: id, attempt, startedAt: toIso(now) })
    .execute();
  return { attempt, messageId: claimed.messageId };
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
