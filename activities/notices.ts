/** Brings batches of notices to staff. Source: sla.md, section 6; reliability.md, R1, R3 and R6. */
import { Context, log } from '@temporalio/activity';
import type { NoticeRef, NoticeRows } from '../db/queries/notices.js';
import type { OutboundState } from '../db/queries/outbound.js';
import { giveUpOutbound } from '../db/queries/outbound-settle.js';
import type { TenantId } from '../domain/ids.js';
import { addressNotices } from './addressing.js';
import type { AttemptDeps, Outcome } from './attempt.js';
import type { NoticeActivities, NoticeEndActivities } from './contract.js';
import { codeOf, withoutText } from './failures.js';
import type { NoticeTickets } from './ports.js';
import type { Precedence } from './precedence.js';
import { beginCall, count, inTenant, listed, resultOf, sendToAll } from './recipients.js';
import type { Call } from './recipients.js';

export interface NoticeDeps extends AttemptDeps {
  readonly tickets: NoticeTickets;
  readonly precedence: Pick<Precedence, 'giveWay'>;
}

/** Notices of one batch that are sent at once. */
const parallel = 10;

export function createNotices(deps: NoticeDeps): NoticeActivities & NoticeEndActivities {
  return {
    async deliverNotices({ tenant, batch }) {
      const call = beginCall(deps.now(), Context.current().cancellationSignal);
      return resultOf(await sendEach(deps, tenant, await addressNotices(deps, tenant, { batch }), call));
    },
    async giveUpNotices({ tenant, batch }) {
      const states: OutboundState[] = [];
      for (const { rows: _asTheyWere, ...notice } of await addressNotices(deps, tenant, { batch })) {
        const { ticket, message } = notice;
        await inTenant(deps, tenant, (tx) => giveUpOutbound(tx, tenant, ticket, message, deps.now()));
        const ended = (await listed(deps, { tenant, ticketId: ticket, message })).map(({ state }) => state);
        await withoutText('delivery.retry', () => settle(deps, tenant, notice, ended));
        states.push(...ended);
      }
      return count(states);
    },
  };
}

/** Some at a time, the oldest first; what has ended is settled at once, whatever becomes of the others. */
async function sendEach(deps: NoticeDeps, tenant: TenantId, notices: readonly NoticeRows[], call: Call): Promise<Outcome[]> {
  const waiting = notices.values();
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (const { rows, ...notice } of waiting) {
      const { ticket: ticketId, message } = notice;
      await deps.precedence.giveWay();
      try {
        const ends = await sendToAll(deps, { tenant, ticketId, message }, rows, call);
        outcomes.push(...ends);
        const states = ends.flatMap((end) => ('state' in end ? [end.state] : []));
        if (states.length === ends.length) await settle(deps, tenant, notice, states);
      } catch (error) {
        // One notice's trouble must not end the attempt of the others.
        log.warn('a notice broke off', { ticket: ticketId, message, error });
        outcomes.push({ again: codeOf(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, notices.length) }, work));
  return outcomes;
}

/** The ticket hears of a notice that did not arrive before that is over for good: told twice, it records it once. */
async function settle(deps: NoticeDeps, tenant: TenantId, { ticket, message }: NoticeRef, states: readonly OutboundState[]): Promise<void> {
  const outcome = states.includes('failed') ? 'failed' : states.includes('unknown') ? 'unknown' : null;
  if (outcome !== null) await deps.tickets.noticeEnded({ tenant, ticket, message, outcome });
  await deps.ledger.closeNotice(tenant, { ticket, message });
}
