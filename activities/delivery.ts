/** Delivers planned messages: mails to customers, each at most once or kept as unknown, and notices to staff. Source: reliability.md, R1, R3, R6. */
import { Context, log } from '@temporalio/activity';
import type { TenantTx } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { planNotice, planOtherChannel } from '../db/queries/notices.js';
import type { NoticeRequest } from '../db/queries/notices.js';
import { listOutbound } from '../db/queries/outbound.js';
import type { OutboundRow, OutboundState } from '../db/queries/outbound.js';
import { giveUpOutbound } from '../db/queries/outbound-settle.js';
import { isNotice } from '../domain/sla/notice.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { sendOne } from './attempt.js';
import type { AttemptDeps, Outcome } from './attempt.js';
import type { DeliveryActivities, DeliveryRequest, DeliveryResult, GiveUpActivities } from './contract.js';
import { codeOf, tryAgain } from './failures.js';

export type DeliveryDeps = AttemptDeps;

/** All attempts of one call end within this time, before the activity does: 25 s. */
const callLimit = 20 * second;
/** A send begun later than this would have too little time. */
const lastStart = 12 * second;
/** Recipients of one message that are sent to at once. */
const parallel = 5;

export function createDelivery(deps: DeliveryDeps): DeliveryActivities & GiveUpActivities {
  return {
    async deliver(request) {
      const call = { begun: deps.now(), signal: AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(callLimit)]) };
      const rows = isNotice(request.message) ? await addressNotice(deps, request) : await listed(deps, request);
      const outcomes = await sendAll(deps, request, rows, call);
      if (isNotice(request.message) && outcomes.some(hasFallenShort)) outcomes.push(...(await byOtherChannel(deps, request, rows, call)));
      const open = outcomes.flatMap((outcome) => ('again' in outcome ? [outcome] : []));
      if (open.length === 0) return count(outcomes.flatMap((outcome) => ('state' in outcome ? [outcome.state] : [])));
      throw tryAgain(
        'delivery.retry',
        open.map((outcome) => outcome.again),
        soonest(open.map(({ afterMs }) => afterMs)),
      );
    },
    async giveUp(request) {
      const { tenant, ticketId, message } = request;
      await inTenant(deps, request, (tx) => giveUpOutbound(tx, tenant, ticketId, message, deps.now()));
      return count((await listed(deps, request)).map(({ state }) => state));
    },
  };
}

/** Finds out whom a notice goes to, once. That nobody is there is no failure: it is recorded, counted and logged. */
async function addressNotice(deps: DeliveryDeps, request: DeliveryRequest): Promise<OutboundRow[]> {
  const { tenant, ticketId: ticket, message } = request;
  const { addressed, rows } = await inTenant(deps, request, async (tx) => ({
    addressed: await planNotice(tx, noticeRequest(deps, request)),
    rows: await listOutbound(tx, tenant, ticket, message),
  }));
  if (addressed === null) throw tryAgain('delivery.retry', ['notice_missing']);
  if (addressed.recipients === 0 && addressed.isNew) {
    deps.tally.nobody();
    log.warn('a notice found nobody to go to', { ticket, message });
  }
  return rows;
}

/** The same notice by the other channel, to whom the first one could not reach. */
async function byOtherChannel(deps: DeliveryDeps, request: DeliveryRequest, tried: readonly OutboundRow[], call: Call): Promise<Outcome[]> {
  const added = await inTenant(deps, request, (tx) => planOtherChannel(tx, noticeRequest(deps, request)));
  if (added === 0) return [];
  const rows = await listed(deps, request);
  return sendAll(
    deps,
    request,
    rows.filter(({ id }) => tried.every((row) => row.id !== id)),
    call,
  );
}

const noticeRequest = ({ sms, newId, now }: DeliveryDeps, { tenant, ticketId: ticket, message }: DeliveryRequest): NoticeRequest => ({
  tenant,
  ticket,
  message,
  sms: sms !== null,
  newId,
  now: now(),
});

/** One call of the activity. */
interface Call {
  readonly begun: Instant;
  readonly signal: AbortSignal;
}

/** A few recipients at a time, so that a hanging one does not hold up the others. */
async function sendAll(
  deps: DeliveryDeps,
  request: DeliveryRequest,
  rows: readonly OutboundRow[],
  { begun, signal }: Call,
): Promise<Outcome[]> {
  const waiting = [...rows];
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      const late = signal.aborted || deps.now() - begun > lastStart;
      outcomes.push(isOver(row.state) ? { state: row.state } : late ? { again: 'out_of_time' } : await sendOne(deps, request, row, signal));
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return outcomes;
}

const isOver = (state: OutboundState): boolean => state !== 'planned' && state !== 'sending';

const hasFallenShort = (outcome: Outcome): boolean => 'state' in outcome && outcome.state !== 'sent';

/** When the first of them can go on; undefined: one of them at any time. */
const soonest = (times: readonly (number | undefined)[]): number | undefined =>
  times.some((time) => time === undefined) ? undefined : Math.min(...times.map((time) => time ?? 0));

const listed = (deps: DeliveryDeps, request: DeliveryRequest): Promise<OutboundRow[]> =>
  inTenant(deps, request, (tx) => listOutbound(tx, request.tenant, request.ticketId, request.message));

/** Errors of the database may quote addresses; Temporal must see none. */
async function inTenant<T>({ db }: DeliveryDeps, { tenant }: DeliveryRequest, work: (tx: TenantTx) => Promise<T>): Promise<T> {
  try {
    return await withTenant(db, tenant, work);
  } catch (error) {
    throw tryAgain('delivery.retry', [codeOf(error)]);
  }
}

function count(states: readonly OutboundState[]): DeliveryResult {
  const of = (...wanted: readonly OutboundState[]): number => states.filter((state) => wanted.includes(state)).length;
  return { sent: of('sent'), failed: of('failed'), unknown: of('unknown'), suppressed: of('suppressed', 'cancelled') };
}
