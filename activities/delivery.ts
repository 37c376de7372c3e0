/** Delivers planned messages: mails to customers, each at most once or kept as unknown, and notices to staff. Source: reliability.md, R1, R3, R6. */
import { Context } from '@temporalio/activity';
import type { OutboundRow } from '../db/queries/outbound.js';
import { giveUpOutbound } from '../db/queries/outbound-settle.js';
import { isNotice } from '../domain/sla/notice.js';
import { addressNotices } from './addressing.js';
import type { AttemptDeps } from './attempt.js';
import type { DeliveryActivities, DeliveryRequest, GiveUpActivities } from './contract.js';
import { tryAgain } from './failures.js';
import { beginCall, count, inTenant, listed, resultOf, sendToAll } from './recipients.js';

export type DeliveryDeps = AttemptDeps;

export function createDelivery(deps: DeliveryDeps): DeliveryActivities & GiveUpActivities {
  return {
    async deliver(request) {
      const call = beginCall(deps.now(), Context.current().cancellationSignal);
      const rows = isNotice(request.message) ? await rowsOfNotice(deps, request) : await listed(deps, request);
      return resultOf(await sendToAll(deps, request, rows, call));
    },
    async giveUp(request) {
      const { tenant, ticketId, message } = request;
      await inTenant(deps, tenant, (tx) => giveUpOutbound(tx, tenant, ticketId, message, deps.now()));
      return count((await listed(deps, request)).map(({ state }) => state));
    },
  };
}

/** Of a notice that the run of its ticket delivers, as those did that began before notices went out in batches. */
async function rowsOfNotice(deps: DeliveryDeps, { tenant, ticketId: ticket, message }: DeliveryRequest): Promise<readonly OutboundRow[]> {
  const [notice] = await addressNotices(deps, tenant, [{ ticket, message }]);
  if (notice === undefined) throw tryAgain('delivery.retry', ['notice_missing']);
  return notice.rows;
}
