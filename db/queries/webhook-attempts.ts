/** One attempt to send an event to an endpoint: claimed, then recorded with all that follows from it. Source: api-surfaces.md, section 2; reliability.md, R1. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import { slotsOf, testType } from '../../domain/webhook/schedule.js';
import type { AfterAttempt, DeliveryState } from '../../domain/webhook/schedule.js';
import type { Verdict } from '../../domain/webhook/verdict.js';
import { toDate } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { findLogged } from './stream.js';
import type { LoggedEvent } from './stream.js';

export interface WebhookClaimRequest {
  readonly tenant: TenantId;
  readonly delivery: string;
  /** Of the replay that asks; an older one has nothing to do any more. */
  readonly round: number;
  /** Random; who has it writes. */
  readonly lease: string;
  readonly leaseMs: number;
  readonly now: Instant;
}

/** What an attempt sends, and where. */
export interface ClaimedWebhook {
  readonly tenant: TenantId;
  readonly delivery: string;
  readonly endpoint: string;
  readonly round: number;
  readonly lease: string;
  readonly url: string;
  /** Sealed: the present one, and the one before while it counts. */
  readonly secrets: readonly Buffer[];
  readonly event: LoggedEvent;
  /** Null: it has none, or it is gone; undefined: the endpoint did not ask. */
  readonly text: { readonly subject: string | null; readonly body: string | null } | null | undefined;
  /** Number of the attempt. */
  readonly n: number;
  /** Attempts of this round that had failed before. */
  readonly failed: number;
  /** The endpoint's last success, or when it was enabled, if that is later. */
  readonly goodSince: Instant;
}

export type WebhookClaim =
  | { readonly kind: 'claimed'; readonly webhook: ClaimedWebhook }
  /** Nothing is left to do; but perhaps to tell the owner that the endpoint was disabled. */
  | { readonly kind: 'over'; readonly state: Exclude<DeliveryState, 'waiting'>; readonly untold: boolean }
  /** Another attempt has it, or its time has not come. */
  | { readonly kind: 'wait'; readonly until: Instant }
  /** As many are under way at the endpoint as may be. */
  | { readonly kind: 'busy' };

interface EndpointRow {
  readonly url: string;
  readonly state: string;
  readonly secret: Buffer;
  readonly oldSecret: Buffer | null;
  readonly oldSecretUntil: Date | null;
  readonly includeText: boolean;
  readonly told: string | null;
  readonly failures: number;
  readonly goodSince: Date;
}

interface DeliveryRow {
  readonly endpointId: string;
  readonly eventId: string;
  readonly type: string;
  readonly state: DeliveryState;
  readonly round: number;
  readonly failed: number;
  readonly tries: number;
  readonly leaseToken: string | null;
  readonly leaseUntil: Date | null;
  readonly nextAt: Date | null;
}

/** Timers fire a moment early or late; what is not earlier than this is on time. */
const slack = 1_000;

/** Takes a delivery for one attempt, unless there is a reason not to. */
export async function claimWebhook(tx: TenantTx, request: WebhookClaimRequest): Promise<WebhookClaim> {
  const { tenant, delivery, round, lease, leaseMs, now } = request;
  // The endpoint first, as everywhere: who counts its attempts under way is alone at it.
  const { rows: endpoints } = await sql<EndpointRow>`
    select p.url, p.state, p.secret, p.old_secret, p.old_secret_until, p.include_text, p.told, p.failures,
      greatest(p.enabled_at, p.succeeded_at) as good_since
    from webhook_endpoint p
    where p.tenant_id = ${tenant}
      and p.id = (select endpoint_id from webhook_delivery where tenant_id = ${tenant} and id = ${delivery})
    for update`.execute(tx);
  const { rows } = await sql<DeliveryRow>`
    select endpoint_id, event_id, type, state, round, failed, tries, lease_token, lease_until, next_at from webhook_delivery
    where tenant_id = ${tenant} and id = ${delivery} for update`.execute(tx);
  const [endpoint, row] = [endpoints[0], rows[0]];
  if (endpoint === undefined || row === undefined || row.round !== round) return { kind: 'over', state: 'dropped', untold: false };
  const { state, leaseToken, leaseUntil, nextAt, endpointId } = row;
  if (state !== 'waiting' && state !== 'pending') return { kind: 'over', state, untold: endpoint.told === 'planned' };
  // A lease without a token is that of who started the workflow.
  if (leaseToken !== null && leaseUntil !== null && leaseUntil.getTime() > now) return { kind: 'wait', until: leaseUntil.getTime() };
  if (nextAt !== null && nextAt.getTime() > now + slack) return { kind: 'wait', until: nextAt.getTime() };
  if (row.type !== testType && (await countUnderWay(tx, tenant, endpointId, now)) >= slotsOf(endpoint.failures)) return { kind: 'busy' };
  const event = await findLogged(tx, tenant, row.eventId);
  if (event === undefined) {
    await drop(tx, tenant, delivery, 'event_gone', now);
    return { kind: 'over', state: 'dropped', untold: false };
  }
  const n = row.tries + 1;
  const until = toDate(now + leaseMs);
  await sql`
    update webhook_delivery set state = 'pending', lease_token = ${lease}, lease_until = ${until}, tries = ${n}, next_at = ${toDate(now)}
    where tenant_id = ${tenant} and id = ${delivery}`.execute(tx);
  await sql`
    insert into webhook_attempt (tenant_id, delivery_id, n, round, started_at)
    values (${tenant}, ${delivery}, ${n}, ${round}, ${toDate(now)})`.execute(tx);
  const { url, secret, oldSecret, oldSecretUntil, includeText, goodSince } = endpoint;
  const isOldGood = oldSecret !== null && oldSecretUntil !== null && oldSecretUntil.getTime() > now;
  return {
    kind: 'claimed',
    webhook: {
      tenant,
      delivery,
      endpoint: endpointId,
      round,
      lease,
      url,
      event,
      n,
      secrets: isOldGood ? [secret, oldSecret] : [secret],
      text: includeText ? await textOf(tx, tenant, event.content) : undefined,
      failed: row.failed,
      goodSince: goodSince.getTime(),
    },
  };
}

async function countUnderWay(tx: TenantTx, tenant: TenantId, endpoint: string, now: Instant): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from webhook_delivery
    where tenant_id = ${tenant} and endpoint_id = ${endpoint} and lease_until > ${toDate(now)} and lease_token is not null`.execute(tx);
  return rows[0]?.count ?? 0;
}

async function textOf(tx: TenantTx, tenant: TenantId, content: string | null) {
  if (content === null) return null;
  const found = await tx
    .selectFrom('content')
    .select(['subject', 'body'])
    .where('tenantId', '=', tenant)
    .where('id', '=', content)
    .executeTakeFirst();
  return found ?? null;
}

async function drop(tx: TenantTx, tenant: TenantId, delivery: string, reason: string, now: Instant): Promise<void> {
  await sql`
    update webhook_delivery set state = 'dropped', reason = ${reason}, settled_at = ${toDate(now)}, next_at = null, lease_token = null,
      lease_until = null
    where tenant_id = ${tenant} and id = ${delivery}`.execute(tx);
}

/** How an attempt ended, and what follows for its delivery. */
export interface WebhookEnd {
  readonly verdict: Verdict;
  readonly status: number | null;
  /** The beginning of what the receiver said. */
  readonly answer: string | null;
  readonly after: AfterAttempt;
  readonly durationMs: number;
  readonly now: Instant;
}

/**
 * Records an attempt.
 *
 * @returns false when another has taken it over meanwhile; the attempt itself is recorded all the same
 */
export async function settleWebhook(tx: TenantTx, webhook: ClaimedWebhook, end: WebhookEnd): Promise<boolean> {
  const { tenant, delivery, endpoint, lease, round, n, event } = webhook;
  const { verdict, status, answer, after, durationMs, now } = end;
  const at = toDate(now);
  if (event.type !== testType) await countForEndpoint(tx, tenant, endpoint, verdict, at);
  await sql`
    update webhook_attempt set duration_ms = ${durationMs}, outcome = ${verdict.kind}, code = ${verdict.code}, status = ${status}, answer = ${answer}
    where tenant_id = ${tenant} and delivery_id = ${delivery} and n = ${n}`.execute(tx);
  const nextAt = after.state === 'pending' ? toDate(now + after.pauseMs) : null;
  const settledAt = after.state === 'pending' ? null : at;
  // Opened again meanwhile: the attempt counts for nothing, and frees its place.
  const { rows } = await sql<{ mine: boolean }>`
    update webhook_delivery set lease_token = null, lease_until = null,
      state = case when round = ${round} and state = 'pending' then ${after.state} else state end,
      failed = case when round = ${round} and state = 'pending' then failed + ${verdict.kind === 'succeeded' ? 0 : 1} else failed end,
      next_at = case when round = ${round} and state = 'pending' then ${nextAt}::timestamptz else next_at end,
      settled_at = case when round = ${round} and state = 'pending' then ${settledAt}::timestamptz else settled_at end
    where tenant_id = ${tenant} and id = ${delivery} and lease_token = ${lease}
    returning round = ${round} and state = ${after.state} as mine`.execute(tx);
  return rows[0]?.mine === true;
}

/** A success is written down once a minute: most of them tell nothing new. */
async function countForEndpoint(tx: TenantTx, tenant: TenantId, id: string, { kind }: Verdict, at: Date): Promise<void> {
  await (
    kind === 'succeeded'
      ? sql`
        update webhook_endpoint set failures = 0, succeeded_at = ${at}
        where tenant_id = ${tenant} and id = ${id}
          and (failures > 0 or succeeded_at is null or succeeded_at < ${at}::timestamptz - interval '1 minute')`
      : sql`update webhook_endpoint set failures = failures + 1 where tenant_id = ${tenant} and id = ${id}`
  ).execute(tx);
}
