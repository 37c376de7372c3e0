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
 * Notes that messages are about to be sent; from here on only their delivery policies say whether they are sent again.
 *
 * @returns ids; of what is missing another attempt took the row over: nothing may be sent
 */
export async function markWire(tx: TenantTx, tenant: TenantId, holders: readonly Holder[], now: Instant): Promise<Set<string>> {
  if (holders.length === 0) return new Set();
  const held = holders.map(({ id, lease }) => ({ id, lease }));
  const { rows } = await sql<{ id: string }>`
    update outbound_message o set wire_at = ${toIso(now)}, updated_at = ${toIso(now)}
    from jsonb_to_recordset(${JSON.stringify(held)}::jsonb) as h(id uuid, lease uuid)
    where o.tenant_id = ${tenant} and o.id = any(${holders.map(({ id }) => id)}::uuid[]) and o.id = h.id and o.lease_token = h.lease
      and o.state = 'sending'
    returning o.id`.execute(tx);
  return new Set(rows.map(({ id }) => id));
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

/** An attempt that ended. */
export interface Ending {
  readonly holder: Holder & { readonly attempt: number };
  readonly end: Settlement;
  readonly now: Instant;
}

/**
 * Records how attempts ended, and gives their leases back.
 *
 * @returns in their order; false when another attempt took the row over: then only this attempt's own line says how it ended
 */
export async function settleOutbound(tx: TenantTx, tenant: TenantId, endings: readonly Ending[]): Promise<boolean[]> {
  const ids = endings.map(({ holder }) => holder.id);
  const { rows } = await sql<{ id: string; channel: string }>`
    with ending as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(endings.map(settledRow))}::jsonb) as e(id uuid, lease uuid, attempt int, audit_id uuid,
        state text, code text, provider_id text, delivery text, not_before timestamptz, at timestamptz, outcome text, text text)
    ), settled as (
      update outbound_message o set
        state = case e.state when 'doubt' then 'planned' else e.state end,
        reason = case e.state when 'suppressed' then e.code else o.reason end,
        error_code = case e.state when 'suppressed' then o.error_code else e.code end,
        provider_id = e.provider_id, delivery = e.delivery, lease_token = null, lease_until = e.not_before, updated_at = e.at,
        -- The wire was certainly not reached, or the provider said no.
        wire_at = case when e.state in ('planned', 'suppressed') then null else o.wire_at end,
        sent_at = case e.state when 'sent' then e.at else o.sent_at end
      from ending e
      where o.tenant_id = ${tenant} and o.id = any(${ids}::uuid[]) and o.id = e.id and o.lease_token = e.lease
      returning o.id, o.ticket_id, o.message, o.channel
    ), lines as (
      update delivery_attempt a set ended_at = e.at, outcome = case when s.id is null then 'late_' || e.outcome else e.outcome end,
        provider_code = e.code, provider_text = e.text
      from ending e left join settled s on s.id = e.id
      where a.tenant_id = ${tenant} and a.outbound_id = any(${ids}::uuid[]) and a.outbound_id = e.id and a.attempt = e.attempt
    ), audited as (
      insert into audit (tenant_id, id, at, actor, source, action, subject, changes)
      select ${tenant}, e.audit_id, e.at, 'system/outbound', 'worker', 'message.' || e.state, 'ticket/' || s.ticket_id,
        jsonb_build_object('outbound', s.id, 'message', s.message)
      from settled s join ending e on e.id = s.id
      -- A message that goes back into the plan has not ended.
      where e.state not in ('planned', 'doubt')
    )
    select id, channel from settled`.execute(tx);
  const settled = new Map(rows.map(({ id, channel }) => [id, channel]));
  for (const { holder, end, now } of endings) {
    const channel = settled.get(holder.id);
    if (channel === 'sms' && end.state === 'sent' && end.providerId !== null) await applyReports(tx, tenant, end.providerId, now);
    if (channel !== undefined && end.bouncedAddress !== null) await markBounced(tx, tenant, end.bouncedAddress);
  }
  return endings.map(({ holder }) => settled.has(holder.id));
}

const settledRow = ({ holder: { id, lease, attempt }, end, now }: Ending) => ({
  id,
  lease,
  attempt,
  audit_id: v7(),
  state: end.state,
  code: end.code,
  provider_id: end.providerId,
  delivery: deliveryAfter(end),
  not_before: end.notBefore === null ? null : toIso(end.notBefore),
  at: toIso(now),
  outcome: outcomes[end.state],
  text: end.providerText?.slice(0, 2_000) ?? null,
});

function deliveryAfter({ state, bouncedAddress }: Settlement): 'accepted' | 'bounced' | 'deferred' | null {
  if (state === 'sent') return 'accepted';
  if (bouncedAddress !== null) return 'bounced';
  return state === 'planned' ? 'deferred' : null;
}

async function markBounced(tx: TenantTx, tenant: TenantId, address: string): Promise<void> {
  await tx
    .updateTable('customerContact')
    .set({ bounced: true })
    .where('tenantId', '=', tenant)
    .where('kind', '=', 'email')
    .where('value', '=', address)
    .execute();
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
