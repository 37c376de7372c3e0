/** Works through the recipients of one planned message. Source: reliability.md, R1 and R3. */
import type { TenantTx } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { planOtherChannel } from '../db/queries/notices.js';
import { listOutbound } from '../db/queries/outbound.js';
import type { OutboundRow, OutboundState } from '../db/queries/outbound.js';
import { isNotice } from '../domain/sla/notice.js';
import type { TenantId } from '../domain/ids.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { sendOne } from './attempt.js';
import type { AttemptDeps, Outcome } from './attempt.js';
import type { DeliveryRequest, DeliveryResult } from './contract.js';
import { codeOf, tryAgain } from './failures.js';

/** All attempts of one call end within this time, before the activity does: 25 s. */
const callLimit = 20 * second;
/** A send begun later than this would have too little time. */
const lastStart = 12 * second;
/** Recipients of one message that are sent to at once. */
const parallel = 5;

/** One call of an activity that delivers. */
export interface Call {
  readonly begun: Instant;
  readonly signal: AbortSignal;
}

/** @param cancelled ends every send of the call */
export const beginCall = (now: Instant, cancelled: AbortSignal): Call => ({
  begun: now,
  signal: AbortSignal.any([cancelled, AbortSignal.timeout(callLimit)]),
});

/** Sends to everybody of one message; a notice by the other channel to whom the first one could not reach. */
export async function sendToAll(deps: AttemptDeps, request: DeliveryRequest, rows: readonly OutboundRow[], call: Call): Promise<Outcome[]> {
  const outcomes = await sendAll(deps, request, rows, call);
  if (!isNotice(request.message) || !outcomes.some(hasFallenShort)) return outcomes;
  return [...outcomes, ...(await byOtherChannel(deps, request, rows, call))];
}

/** The same notice by the other channel, to whom the first one could not reach. */
async function byOtherChannel(deps: AttemptDeps, request: DeliveryRequest, tried: readonly OutboundRow[], call: Call): Promise<Outcome[]> {
  const { sms, newId, now } = deps;
  const { tenant, ticketId: ticket, message } = request;
  const missed = { tenant, ticket, message, sms: sms !== null, newId, now: now() };
  const added = await inTenant(deps, tenant, (tx) => planOtherChannel(tx, missed));
  if (added === 0) return [];
  const rows = await listed(deps, request);
  return sendAll(
    deps,
    request,
    rows.filter(({ id }) => tried.every((row) => row.id !== id)),
    call,
  );
}

/** A few recipients at a time, so that a hanging one does not hold up the others. */
async function sendAll(
  deps: AttemptDeps,
  request: DeliveryRequest,
  rows: readonly OutboundRow[],
  { begun, signal }: Call,
): Promise<Outcome[]> {
  const waiting = rows.values();
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (const row of waiting) {
      const late = signal.aborted || deps.now() - begun > lastStart;
      outcomes.push(isOver(row.state) ? { state: row.state } : late ? { again: 'out_of_time' } : await sendOne(deps, request, row, signal));
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, rows.length) }, work));
  return outcomes;
}

const isOver = (state: OutboundState): boolean => state !== 'planned' && state !== 'sending';

const hasFallenShort = (outcome: Outcome): boolean => 'state' in outcome && outcome.state !== 'sent';

/** The rows of one message. */
export const listed = (deps: Pick<AttemptDeps, 'db'>, { tenant, ticketId, message }: DeliveryRequest): Promise<OutboundRow[]> =>
  inTenant(deps, tenant, (tx) => listOutbound(tx, tenant, ticketId, message));

/**
 * What a call came to.
 *
 * @throws ApplicationFailure that may be tried again, when not everything has ended
 */
export function resultOf(outcomes: readonly Outcome[]): DeliveryResult {
  const open = outcomes.flatMap((outcome) => ('again' in outcome ? [outcome] : []));
  if (open.length === 0) return count(outcomes.flatMap((outcome) => ('state' in outcome ? [outcome.state] : [])));
  throw tryAgain(
    'delivery.retry',
    open.map((outcome) => outcome.again),
    soonest(open.map(({ afterMs }) => afterMs)),
  );
}

/** When the first of them can go on; undefined: one of them at any time. */
const soonest = (times: readonly (number | undefined)[]): number | undefined =>
  times.some((time) => time === undefined) ? undefined : Math.min(...times.map((time) => time ?? 0));

/** How many ended how. */
export function count(states: readonly OutboundState[]): DeliveryResult {
  const of = (...wanted: readonly OutboundState[]): number => states.filter((state) => wanted.includes(state)).length;
  return { sent: of('sent'), failed: of('failed'), unknown: of('unknown'), suppressed: of('suppressed', 'cancelled') };
}

/** Errors of the database may quote addresses; Temporal must see none. */
export async function inTenant<T>({ db }: Pick<AttemptDeps, 'db'>, tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> {
  try {
    return await withTenant(db, tenant, work);
  } catch (error) {
    throw tryAgain('delivery.retry', [codeOf(error)]);
  }
}
