import { withTenant } from '../db/client.js';
import { asTenantId } from '../domain/ids.js';
import type { Bench } from './bench.js';

export interface Deliveries {
  /** Messages of all these tickets; each is one delivery. */
  count: number;
  /** Ledger rows by state; a measurement expects nothing but `sent`. */
  states: Record<string, number>;
}

/** What the ledger says of these tickets' mail. */
export async function deliveriesOf({ target, desk }: Bench, tickets: readonly string[]): Promise<Deliveries> {
  const tenant = asTenantId(desk.tenant);
  if (tickets.length === 0) return { count: 0, states: {} };
  const rows = await withTenant(target.db, tenant, (tx) =>
    tx
      .selectFrom('outboundMessage')
      .select(['ticketId', 'message', 'state'])
      .where('tenantId', '=', tenant)
      .where('ticketId', 'in', [...tickets])
      .execute(),
  );
  const states: Record<string, number> = {};
  for (const { state } of rows) states[state] = (states[state] ?? 0) + 1;
  return { count: new Set(rows.map((row) => `${row.ticketId}/${row.message}`)).size, states };
}
