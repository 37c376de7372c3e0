/** The ledger of actions: one row per effect, claimed before the call and settled after it. Source: reliability.md, R1 and R3; journeys.md, section 2. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { actionStates, actionTurn } from '../../domain/journey/action.js';
import type { ActionTurn, Effect } from '../../domain/journey/action.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { asAgentId } from '../../domain/ids.js';
import type { AgentId, TenantId, TicketId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { oneOf } from './outbound.js';

/** One effect of a journey's step. */
export interface ActionEffect {
  readonly tenant: TenantId;
  /** Names it for ever. */
  readonly key: string;
  readonly journeyId: string;
  readonly step: string;
  readonly visit: number;
  readonly item: string | null;
  /** `name@major`. */
  readonly action: string;
  readonly effect: Effect;
}

/** Whoever holds a claim: the attempt it was given, counted over all that ever began. */
export interface ActionHolder {
  readonly tenant: TenantId;
  readonly key: string;
  readonly attempt: number;
}

export type ActionClaim =
  | { readonly kind: 'claimed'; readonly attempt: number }
  | { readonly kind: 'answered'; readonly output: JsonObject }
  | Extract<ActionTurn, { readonly kind: 'wait' }>
  | { readonly kind: 'unknown'; readonly error: string };

/**
 * Begins an attempt, if it is its turn.
 *
 * @param lease.until when the attempt has certainly ended
 * @param lease.lost what to call an attempt that may have reached its provider and never came back
 */
export async function claimAction(
  tx: TenantTx,
  { tenant, key, ...effect }: ActionEffect,
  lease: { readonly until: Instant; readonly lost: string },
  now: Instant,
): Promise<ActionClaim> {
  const written = { tenantId: tenant, dedupeKey: key, ...effect, updatedAt: toIso(now) };
  await tx
    .insertInto('journeyAction')
    .values(written)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await tx
    .selectFrom('journeyAction')
    .select(['state', 'leaseUntil', 'attempts', 'output', 'error'])
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const state = oneOf(actionStates, row.state);
  const turn = actionTurn({ state, effect: effect.effect, leaseUntil: row.leaseUntil?.getTime() ?? null }, now);
  switch (turn.kind) {
    case 'wait':
      return turn;
    case 'answered':
      return { kind: 'answered', output: asOutput(row.output) };
    case 'unknown': {
      const error = row.error ?? lease.lost;
      if (state !== 'unknown') await setRow(tx, { tenant, key }, { state: 'unknown', error, leaseUntil: null }, now);
      return { kind: 'unknown', error };
    }
    case 'call': {
      const attempt = row.attempts + 1;
      await setRow(tx, { tenant, key }, { state: 'sending', attempts: attempt, leaseUntil: toIso(lease.until), error: null }, now);
      return { kind: 'claimed', attempt };
    }
  }
}

type Changes = { readonly state: string; readonly attempts?: number; readonly leaseUntil: string | null; readonly error: string | null };

async function setRow(tx: TenantTx, { tenant, key }: Pick<ActionHolder, 'tenant' | 'key'>, changes: Changes, now: Instant): Promise<void> {
  await tx
    .updateTable('journeyAction')
    .set({ ...changes, updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .execute();
}

/** How an attempt ended. */
export type ActionEnd =
  /** `late`: nobody waits for it any more. */
  | { readonly state: 'done'; readonly output: JsonObject; readonly late: boolean }
  | { readonly state: 'failed' | 'unknown'; readonly error: string };

/**
 * Records how an attempt ended.
 *
 * @returns false when another attempt took the row over or gave it up: of an answer the first that comes late is kept beside
 */
export async function settleAction(tx: TenantTx, { tenant, key, attempt }: ActionHolder, end: ActionEnd, now: Instant): Promise<boolean> {
  const result = end.state === 'done' ? JSON.stringify(end.output) : null;
  const { numUpdatedRows } = await tx
    .updateTable('journeyAction')
    .set({
      state: end.state,
      output: result,
      error: end.state === 'done' ? null : end.error,
      leaseUntil: null,
      updatedAt: toIso(now),
      ...(end.state === 'done' && end.late ? { lateResult: result } : {}),
    })
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .where('attempts', '=', attempt)
    .where('state', '=', 'sending')
    .executeTakeFirst();
  if (numUpdatedRows === 1n) return true;
  if (result !== null) {
    await sql`
      update journey_action set late_result = coalesce(late_result, ${result}::jsonb), updated_at = ${toIso(now)}
      where tenant_id = ${tenant} and dedupe_key = ${key}`.execute(tx);
  }
  return false;
}

/**
 * Lets the effects of a visit that nobody can tell the end of be asked for once more: a person has decided so.
 *
 * @returns how many
 */
export async function releaseActions(
  tx: TenantTx,
  tenant: TenantId,
  { journeyId, step, visit }: Pick<ActionEffect, 'journeyId' | 'step' | 'visit'>,
  now: Instant,
): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('journeyAction')
    .set({ state: 'planned', error: null, updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('journeyId', '=', journeyId)
    .where('step', '=', step)
    .where('visit', '=', visit)
    .where('state', '=', 'unknown')
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Only objects are written there. */
function asOutput(stored: unknown): JsonObject {
  const { value } = plainJson(stored);
  return isObject(value) ? value : {};
}

export interface TicketStanding {
  readonly category: string | null;
  readonly priority: string;
  readonly assignee: AgentId | null;
  readonly isClosed: boolean;
}

/** What an action looks at before it gives a ticket of the tenant an order. */
export async function findTicketStanding(tx: TenantTx, tenant: TenantId, ticket: TicketId): Promise<TicketStanding | undefined> {
  const row = await tx
    .selectFrom('ticket')
    .select(['category', 'priority', 'assigneeId', 'status'])
    .where('tenantId', '=', tenant)
    .where('id', '=', ticket)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { category, priority, assigneeId, status } = row;
  return { category, priority, assignee: assigneeId === null ? null : asAgentId(assigneeId), isClosed: status === 'closed' };
}
