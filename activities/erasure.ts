/** Erases a person, page by page: every call may break off anywhere and be repeated. Source: security.md, section 6; reliability.md, R7. */
import { createHash } from 'node:crypto';
import { heartbeat } from '@temporalio/activity';
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import type { FileStore } from '../db/files.js';
import type { ErasureScope } from '../db/personal-data.js';
import { recordAdminEvent } from '../db/queries/admin-log.js';
import { erase, filesToErase } from '../db/queries/erase.js';
import { countErased, findErasure } from '../db/queries/erasures.js';
import {
  buryPerson,
  discardMails,
  journeysOfPerson,
  markErasing,
  personScope,
  suppressSends,
  ticketsOfPerson,
} from '../db/queries/erasing.js';
import { recordOnRow } from '../db/queries/projection.js';
import { lockTicket } from '../db/queries/tickets.js';
import type { TenantId, TicketId } from '../domain/ids.js';
import { reportText } from '../domain/privacy/erasure.js';
import { act } from '../domain/sla/desk.js';
import { ledgerOf } from '../domain/sla/ledger.js';
import { isClosed } from '../domain/ticket/ticket.js';
import type { Instant } from '../domain/time.js';
import { second } from '../domain/time.js';
import type { ErasureActivities, ErasurePage, ErasurePageRequest, ErasureRequest } from './contract.js';
import type { OpenWork } from './erasure-ports.js';
import { tryAgain, withoutText } from './failures.js';
import { CommandRefused } from './ports.js';

export interface ErasureDeps {
  readonly db: Db;
  readonly files: FileStore;
  readonly openWork: OpenWork;
  /** A new UUID. */
  readonly newId: () => string;
  readonly now: () => Instant;
}

/** Tables of the mark: from then on nobody finds, signs in as or writes to this person. */
const profile: readonly string[] = ['customer', 'customer_contact', 'identity', 'api_key', 'journey_subject'];
/** Commands under way at once. */
const parallel = 10;
/** A scan over what a busy tenant keeps takes longer than a request may. */
const statementMs = 20 * second;
/** Refusals that say that it is over already. */
const isOver = (code: string): boolean => code === 'ticket.closed' || code === 'journey_ended';

export function createErasure({ db, files, openWork, newId, now }: ErasureDeps): ErasureActivities {
  const inTenant = <T>(tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
    beating(() => withoutText('erasure.retry', () => withTenant(db, tenant, work, { statementMs })));

  /** Files go first: their keys stand in the rows. */
  const eraseScope = async ({ tenant, erasure }: ErasureRequest, scope: ErasureScope): Promise<number> => {
    const keys = await inTenant(tenant, (tx) => filesToErase(tx, scope));
    for (const key of keys) await withoutText('erasure.retry', () => files.remove(key));
    return inTenant(tenant, async (tx) => {
      const rows = await erase(tx, scope);
      const changed = Object.values(rows).reduce((sum, count) => sum + count, 0);
      if (changed > 0) await countErased(tx, tenant, erasure, rows, keys.length);
      return changed;
    });
  };

  const closeTicket = async ({ tenant, erasure }: ErasureRequest, ticket: TicketId): Promise<boolean> => {
    const commandId = `erasure/${erasure}`;
    if ((await openWork.closeTicket(ticket, commandId)) === 'done') return true;
    return inTenant(tenant, (tx) => closeRow(tx, { tenant, ticket, commandId, at: now(), newId }));
  };

  const cancelJourney = async ({ erasure }: ErasureRequest, journey: string): Promise<boolean> =>
    (await openWork.cancelJourney(journey, `erasure/${erasure}`)) === 'done';

  const pages: { readonly [Stage in ErasurePageRequest['stage']]: (request: ErasurePageRequest) => Promise<ErasurePage> } = {
    async cancel_journeys(request) {
      const ids = await inTenant(request.tenant, async (tx) => journeysOfPerson(tx, await personScope(tx, request), request, 'open'));
      return pageOf(request, ids, await all(ids, (id) => cancelJourney(request, id)));
    },
    async close_tickets(request) {
      const ids = await inTenant(request.tenant, (tx) => ticketsOfPerson(tx, request, request, 'open'));
      return pageOf(request, ids, await all(ids, (id) => closeTicket(request, id)));
    },
    async tickets(request) {
      const { tenant } = request;
      const ids = await inTenant(tenant, (tx) => ticketsOfPerson(tx, request, request, 'all'));
      return pageOf(request, ids, ids.length === 0 ? 0 : await eraseScope(request, { kind: 'tickets', tenant, ids }));
    },
    async journeys(request) {
      const { tenant } = request;
      const ids = await inTenant(tenant, async (tx) => journeysOfPerson(tx, await personScope(tx, request), request, 'all'));
      return pageOf(request, ids, ids.length === 0 ? 0 : await eraseScope(request, { kind: 'journeys', tenant, ids }));
    },
    async person(request) {
      const scope = await inTenant(request.tenant, (tx) => personScope(tx, request));
      return pageOf(request, [], await eraseScope(request, scope));
    },
  };

  return {
    markErasing: (request) =>
      inTenant(request.tenant, async (tx) => {
        const { tenant, erasure } = request;
        const found = await findErasure(tx, tenant, erasure, true);
        if (found === undefined || found.state === 'waiting' || found.state === 'withdrawn') return 'unconfirmed';
        if (found.state === 'done') return 'over';
        await markErasing(tx, request, now());
        const scope = await personScope(tx, request);
        await suppressSends(tx, request, now());
        await discardMails(tx, scope);
        await countErased(tx, tenant, erasure, await erase(tx, scope, profile), 0);
        return 'erasing';
      }),

    erasePage: (request) => beating(() => pages[request.stage](request)),

    finishErasure: (request) => inTenant(request.tenant, (tx) => finish(tx, request, now())),
  };
}

/** Between two signs of life: a worker that died is soon known, however long a statement takes. */
const beat = 2 * second;

async function beating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(heartbeat, beat);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

const pageOf = ({ after, limit }: ErasurePageRequest, ids: readonly string[], changed: number): ErasurePage => ({
  last: ids.at(-1) ?? after,
  isLast: ids.length < limit,
  changed,
});

/**
 * A few at a time; one that gives no answer does not keep the others from theirs.
 *
 * @returns how many changed by it
 */
async function all<Id>(ids: readonly Id[], ask: (id: Id) => Promise<boolean>): Promise<number> {
  const waiting = [...ids];
  const codes: string[] = [];
  let changed = 0;
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        if (await ask(id)) changed += 1;
      } catch (error) {
        if (!(error instanceof CommandRefused)) codes.push('no_answer');
        else if (!isOver(error.code)) codes.push(error.code);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  if (codes.length > 0) throw tryAgain('erasure.retry', codes);
  return changed;
}

/** Closes a ticket that has a row and no workflow any more, as the API does with what is over. @returns whether it was open */
async function closeRow(
  tx: TenantTx,
  { tenant, ticket: id, commandId, at, newId }: { tenant: TenantId; ticket: TicketId; commandId: string; at: Instant; newId: () => string },
): Promise<boolean> {
  const ticket = await lockTicket(tx, tenant, id);
  if (ticket === undefined || isClosed(ticket)) return false;
  const envelope = { commandId, actor: 'system/erasure', role: 'system', source: 'system' } as const;
  const outcome = act(ticket, ledgerOf(ticket), { ...envelope, kind: 'close', cause: 'erased' }, at);
  if (!outcome.ok) throw tryAgain('erasure.retry', [outcome.code]);
  const { events, sla } = outcome;
  const step = { ...envelope, kind: 'close', runId: '', at, events, ticket: outcome.ticket, planned: [] } as const;
  await recordOnRow(tx, sla === null ? step : { ...step, sla }, newId);
  return true;
}

/** The proof, and what other systems hear of it: an event without a word of the person. */
async function finish(tx: TenantTx, request: ErasureRequest, at: Instant): Promise<void> {
  const { tenant, customer, erasure } = request;
  const found = await findErasure(tx, tenant, erasure, true);
  if (found?.state !== 'running' || found.confirmedBy === null || found.confirmedAt === null) return;
  const { requestedBy, requestedAt, confirmedBy, confirmedAt, rows, files } = found;
  const report = reportText({
    erasure,
    customer,
    requestedBy,
    requestedAt: requestedAt.getTime(),
    confirmedBy,
    confirmedAt: confirmedAt.getTime(),
    erasedAt: at,
    rows,
    files,
  });
  await buryPerson(tx, request, createHash('sha256').update(report).digest('hex'), at);
  const doer = { tenant, actor: 'system/erasure', role: 'system', commandId: `erasure/${erasure}` };
  await recordAdminEvent(tx, doer, { subject: `customer/${customer}`, type: 'customer.erased', data: { erasure, files } });
}
