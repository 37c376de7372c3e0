/** Events from the bus: each kept once under the id its sender gave it. Source: journeys.md, section 11. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  /** When it happened, as its sender says. */
  readonly at: Instant;
  /** `<type>/<id>`. */
  readonly subject?: string;
  readonly customerId?: string;
  readonly leadId?: string;
  readonly ticketId?: string;
  readonly journeyId?: string;
  readonly data: JsonObject;
  /** No relay takes it before; absent: at once. */
  readonly notBefore?: Instant;
}

/**
 * Keeps events, each once; a relay acts on them.
 *
 * @returns the ids of those that were not here before
 */
export async function storeInboundEvents(
  tx: TenantTx,
  tenant: TenantId,
  events: readonly NewEvent[],
  actor: string,
): Promise<ReadonlySet<string>> {
  const rows = events.map(({ at, notBefore, ...event }) => ({
    ...event,
    at: toIso(at),
    notBefore: notBefore === undefined ? null : toIso(notBefore),
  }));
  const { rows: added } = await sql<{ id: string }>`
    insert into inbound_event (tenant_id, id, type, source, at, subject, customer_id, lead_id, ticket_id, journey_id, data, actor, lease_until)
    select ${tenant}, e.id, e.type, e.source, e.at, e.subject, e."customerId", e."leadId", e."ticketId", e."journeyId", e.data, ${actor}, e."notBefore"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as e(
      id text, type text, source text, at timestamptz, subject text, "customerId" text, "leadId" text, "ticketId" text, "journeyId" text, data jsonb, "notBefore" timestamptz)
    on conflict (tenant_id, id) do nothing
    returning id`.execute(tx);
  return new Set(added.map(({ id }) => id));
}

/** The same for one; false: it was here before. */
export const storeInboundEvent = async (tx: TenantTx, tenant: TenantId, event: NewEvent, actor: string): Promise<boolean> =>
  (await storeInboundEvents(tx, tenant, [event], actor)).size > 0;
