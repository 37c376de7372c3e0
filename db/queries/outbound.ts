/** The ledger of outbound messages, as it is read. Source: reliability.md, R1. */
import type { TenantTx } from '../client.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { noticeChannels } from '../../domain/sla/policy.js';
import type { NoticeChannel } from '../../domain/sla/policy.js';

export const outboundStates = ['planned', 'sending', 'sent', 'failed', 'unknown', 'suppressed', 'cancelled'] as const;
export type OutboundState = (typeof outboundStates)[number];

export interface OutboundRow {
  readonly id: string;
  readonly state: OutboundState;
  readonly channel: NoticeChannel;
}

/** The rows of one message, those tried least first, so that a slow recipient does not hold up the others. */
export async function listOutbound(tx: TenantTx, tenant: TenantId, ticket: TicketId, message: string): Promise<OutboundRow[]> {
  const rows = await tx
    .selectFrom('outboundMessage')
    .select(['id', 'state', 'channel'])
    .where('tenantId', '=', tenant)
    .where('ticketId', '=', ticket)
    .where('message', '=', message)
    .orderBy('attempts')
    .orderBy('id')
    .execute();
  return rows.map(({ id, state, channel }) => ({ id, state: oneOf(outboundStates, state), channel: oneOf(noticeChannels, channel) }));
}

/** The database holds only what its checks let in; anything else is a bug. */
export function oneOf<Value extends string>(values: readonly Value[], given: string): Value {
  const found = values.find((value) => value === given);
  if (found === undefined) throw new Error('unexpected value in the ledger');
  return found;
}
