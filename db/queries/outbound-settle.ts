/** Ends of attempts in the ledger: only the holder of a row's lease writes. Source: reliability.md, R1 and R3. */
import { sql } from 'kysely';
import { v7 } from 'uuid';
import type { TenantTx } from '../client.js';
import { applyReports } from './hook-receipts.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Whoever holds the lease of a row. */
export interface Holder {
  readonly tenant: TenantId;
  readonly id: string;
  readonly lease: string;
}

/**
 * Notes that the message is about to be sent; from here on only its delivery policy says whether it is sent again.
 *
 * @returns false when another attempt took the row over: nothing may be sent
 */
export async function markWire(tx: TenantTx, { tenant, id, lease }: Holder, now: Instant): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('outboundMessage')
    .set({ wireAt: toIso(now), updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('leaseToken', '=', lease)
    .where('state', '=', 'sending')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** How an attempt ended. */
export interface Settlement {
  /** `doubt`: nobody can say whether it was sent, and that is not the last word; back in the plan, its instant at the wire kept. */
  readonly state: 'sent' | 'failed' | 'unknown' | 'planned' | 'doubt' | 'suppressed';
  /** For `suppressed` the reason. */
  readonly code: string | null;
  readonly providerId: string | null;
  /** What the provider said; kept with the attempt alone. */
  readonly providerText: string | null;
  /** The customer's address does not exist: nothing more is sent to it. */
  readonly bouncedAddress: string | null;
  /** Back in the plan, but not to be tried before this instant. */
  readonly notBefore: Instant | null;
}

/** What the attempt's own line says of it. */
const outcomes: Readonly<Record<Settlement['state'], string>> = {
  sent: 'sent',
  failed: 'failed',
  unknown: 'unknown',
  planned: 'retry',
  doubt: 'unknown',
  suppressed: 'suppressed',
};

/**
 * Records how an attempt ended, and gives the lease back.
 *
 * @returns false when another attempt took the row over: then only this attempt's own line says how it ended
 */
export async function settleOutbound(
  tx: TenantTx,
  holder: Holder & { readonly attempt: number },
  end: Settlement,
  now: Instant,
): Promise<boolean> {
  const { tenant, id, lease, attempt } = holder;
  const { state, code, providerId, providerText, bouncedAddress, notBefore } = end;
  const delivery = state === 'sent' ? 'accepted' : bouncedAddress === null ? (state === 'planned' ? 'deferred' : null) : 'bounced';
  const settled = tx
    .updateTable('outboundMessage')
    .set({
      state: state === 'doubt' ? 'planned' : state,
      ...(state === 'suppressed' ? { reason: code } : { errorCode: code }),
      providerId,
      delivery,
      leaseToken: null,
      leaseUntil: notBefore === null ? null : toIso(notBefore),
      updatedAt: toIso(now),
      // The wire was certainly not reached, or the provider said no.
      ...(state === 'planned' || state === 'suppressed' ? { wireAt: null } : {}),
      ...(state === 'sent' ? { sentAt: toIso(now) } : {}),
    })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('leaseToken', '=', lease)
    .returning(['ticketId', 'message', 'channel']);
  // A message that goes back into the plan has not ended.
  const isEnd = state !== 'planned' && state !== 'doubt';
  const { rows } = await sql<{ channel: string | null }>`
    with settled as (${settled}), audited as (
      insert into audit (tenant_id, id, at, actor, source, action, subject, changes)
      select ${tenant}, ${v7()}::uuid, ${toIso(now)}::timestamptz, 'system/outbound', 'worker', ${`message.${state}`}, 'ticket/' || s.ticket_id,
        jsonb_build_object('outbound', ${id}::text, 'message', s.message)
      from settled s where ${isEnd}::boolean
    )
    select (select s.channel from settled s) as channel`.execute(tx);
  const channel = rows[0]?.channel ?? null;
  const mine = channel !== null;
  await endAttempt(tx, { tenant, id, attempt, now, outcome: mine ? outcomes[state] : `late_${outcomes[state]}`, code, text: providerText });
  if (channel === 'sms' && state === 'sent' && providerId !== null) await applyReports(tx, tenant, providerId, now);
  if (mine && bouncedAddress !== null) {
    await tx
      .updateTable('customerContact')
      .set({ bounced: true })
      .where('tenantId', '=', tenant)
      .where('kind', '=', 'email')
      .where('value', '=', bouncedAddress)
      .execute();
  }
  return mine;
}

/** Ends what is open of a message: what may have reached the wire, now or before, becomes `unknown`, the rest `failed`. */
export async function giveUpOutbound(tx: TenantTx, tenant: TenantId, ticket: TicketId, message: string, now: Instant): Promise<void> {
  await sql`
    with ended as (
      update outbound_message
      set state = case when wire_at is not null or possible_duplicate then 'unknown' else 'failed' end,
          error_code = case when wire_at is not null or possible_duplicate then 'no_reply' else 'gave_up' end,
          lease_token = null, lease_until = null, updated_at = ${toIso(now)}
      where tenant_id = ${tenant} and ticket_id = ${ticket} and message = ${message} and state in ('planned', 'sending')
      returning id, attempts, state
    ), audited as (
      insert into audit (tenant_id, id, at, actor, source, action, subject, changes)
      select ${tenant}, gen_random_uuid(), ${toIso(now)}::timestamptz, 'system/outbound', 'worker', 'message.' || e.state, ${`ticket/${ticket}`},
        jsonb_build_object('outbound', e.id, 'message', ${message}::text)
      from ended e
    )
    update delivery_attempt a set ended_at = ${toIso(now)}, outcome = e.state
    from ended e where a.tenant_id = ${tenant} and a.outbound_id = e.id and a.attempt = e.attempts and a.ended_at is null`.execute(tx);
}

export interface AttemptEnd {
  readonly tenant: TenantId;
  readonly id: string;
  readonly attempt: number;
  readonly now: Instant;
  readonly outcome: string;
  readonly code?: string | null;
  readonly text?: string | null;
}

/** Writes how an attempt ended into its own line. */
export async function endAttempt(tx: TenantTx, { tenant, id, attempt, now, outcome, code = null, text = null }: AttemptEnd): Promise<void> {
  await tx
    .updateTable('deliveryAttempt')
    .set({ endedAt: toIso(now), outcome, providerCode: code, providerText: text?.slice(0, 2_000) ?? null })
    .where('tenantId', '=', tenant)
    .where('outboundId', '=', id)
    .where('attempt', '=', attempt)
    .execute();
}
