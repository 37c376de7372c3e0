/** Brings a revision of the policies to open tickets, a page at a time. Source: sla.md, section 5. */
import { heartbeat } from '@temporalio/activity';
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import { claimReprojection, findReplanned, findReprojection, markReprojection, settleReprojection } from '../db/queries/reprojection.js';
import type { ReplannedTicket, ReprojectionClaim, SettledTicket } from '../db/queries/reprojection.js';
import type { TenantId, TicketId } from '../domain/ids.js';
import { isOpenClock } from '../domain/sla/clock.js';
import { effectOf } from '../domain/sla/preview.js';
import type { ReprojectionActivities, ReprojectionRequest, ReprojectionStatus } from './contract.js';
import { tryAgain, withoutText } from './failures.js';
import { CommandRefused } from './ports.js';
import type { OpenTickets } from './ports.js';

export interface ReprojectionDeps {
  readonly db: Db;
  readonly tickets: OpenTickets;
  /** How long a statement may take, in milliseconds; the pool's own limit when absent. */
  readonly statementMs?: () => number;
}

/** Tickets asked at once. */
const parallel = 10;

/** What a ticket answered: `replanned`, `gone`, or the code of a failure. */
type Answer = string;

/** Every ticket is asked under a command id of the revision, so that it moves once, however often its page is tried. */
export function createReprojection({ db, tickets, statementMs }: ReprojectionDeps): ReprojectionActivities {
  const inTenant = <T>(tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
    withoutText('reprojection.retry', () => withTenant(db, tenant, work, { statementMs: statementMs?.() }));

  const statusOf = ({ tenant, revision }: ReprojectionRequest): Promise<ReprojectionStatus> =>
    inTenant(tenant, async (tx) => {
      const found = await findReprojection(tx, tenant, revision);
      if (found === undefined) throw tryAgain('reprojection.retry', ['not_published']);
      const { state, total, counts } = found;
      return { state, total, counts };
    });

  return {
    findReprojection: statusOf,

    async reprojectPage({ tenant, revision, after, limit }) {
      const claims = await inTenant(tenant, (tx) => claimReprojection(tx, tenant, { revision, after, limit }));
      const answers = await askAll(tickets, claims, revision);
      await inTenant(tenant, async (tx) => {
        const found = new Map((await findReplanned(tx, tenant, [...answers.keys()])).map((one) => [one.ticket, one]));
        const settled = claims.map((claim) => outcomeOf(claim, answers.get(claim.ticket), found.get(claim.ticket), revision));
        await settleReprojection(tx, tenant, revision, settled);
      });
      const { counts } = await statusOf({ tenant, revision });
      return { last: claims.at(-1)?.ticket ?? after, isLast: claims.length < limit, counts };
    },

    markReprojection: ({ tenant, revision, state }) => inTenant(tenant, (tx) => markReprojection(tx, tenant, revision, state)),
  };
}

/** A few tickets at a time, so that one that hangs does not hold up the others. */
async function askAll(tickets: OpenTickets, claims: readonly ReprojectionClaim[], revision: number): Promise<Map<TicketId, Answer>> {
  const waiting = [...claims];
  const answers = new Map<TicketId, Answer>();
  const work = async (): Promise<void> => {
    for (let claim = waiting.shift(); claim !== undefined; claim = waiting.shift()) {
      answers.set(claim.ticket, await ask(tickets, claim.ticket, revision));
      heartbeat();
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return answers;
}

async function ask(tickets: OpenTickets, ticket: TicketId, revision: number): Promise<Answer> {
  try {
    return await tickets.replan(ticket, revision);
  } catch (error) {
    return error instanceof CommandRefused ? error.code : 'no_answer';
  }
}

/** What PostgreSQL shows counts, whatever the ticket answered: an answer may be lost, and what was accepted may still be on its way. */
function outcomeOf(
  { ticket, before }: ReprojectionClaim,
  answer: Answer | undefined,
  found: ReplannedTicket | undefined,
  revision: number,
): SettledTicket {
  if (found?.status === 'closed') return { ticket, outcome: 'closed', code: null };
  if (found !== undefined && hasArrived(found, revision)) return { ticket, outcome: effectOf(before, found.clocks), code: null };
  return { ticket, outcome: 'failed', code: answer === 'replanned' ? 'not_projected' : (answer ?? 'gone') };
}

/** The ticket is pinned to the revision, and so is every clock that still counts: its policy has been looked up. */
const hasArrived = ({ set, clocks }: ReplannedTicket, revision: number): boolean =>
  set >= revision && clocks.every((clock) => !isOpenClock(clock) || clock.set >= revision);
