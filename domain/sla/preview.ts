/**
 * What other policies would do to an open ticket, and what they did: its clocks before are held against its clocks after.
 * Source: sla.md, section 5.
 */
import type { Ticket } from '../ticket/ticket.js';
import type { Instant } from '../time.js';
import { isOpenClock, remainingS } from './clock.js';
import type { Clock } from './clock.js';
import { catchUp, follow } from './desk.js';
import { ledgerOf, windowsAround } from './ledger.js';
import type { Ledger, WindowsRequest } from './ledger.js';
import { clockKinds } from './policy.js';
import type { ClockKind, SlaPlan } from './policy.js';
import type { Windows } from './windows.js';

/** The gravest first: of several clocks the gravest speaks for the ticket. */
export const effects = ['breached', 'lost_policy', 'gained_policy', 'earlier', 'later', 'unchanged'] as const;
/**
 * `breached`: some clock breaches at once; `lost_policy`: its clocks are cancelled; `gained_policy`: clocks start where there was no policy;
 * `earlier`: something is due earlier, or due at all; `later`: later, or no longer.
 */
export type Effect = (typeof effects)[number];

/** What bringing a revision to one ticket came to. `closed`: it ended meanwhile; `failed`: it could not be told. */
export const reprojectionOutcomes = [...effects, 'closed', 'failed'] as const;
export type ReprojectionOutcome = (typeof reprojectionOutcomes)[number];
/** How many tickets came to what; those not asked yet, or asked and not heard of, are not among them. */
export type ReprojectionCounts = Readonly<Partial<Record<ReprojectionOutcome, number>>>;

export const reprojectionStates = ['running', 'paused', 'done', 'cancelled'] as const;
export type ReprojectionState = (typeof reprojectionStates)[number];

/** An open ticket as PostgreSQL shows it. */
export interface HeldTicket {
  readonly ticket: Ticket;
  /** All instances it ever had. */
  readonly clocks: readonly Clock[];
  /** Its last reopening, or its creation. */
  readonly cycleAt: Instant;
  /** First message of the customer. */
  readonly customerAt: Instant | null;
  /** Oldest message of the customer that nobody answered. */
  readonly unansweredAt: Instant | null;
  /** Last public message of the desk. */
  readonly deskAt: Instant | null;
}

/** A plan with the open hours of its calendar; both null: no policy. */
export interface PlanInForce {
  readonly plan: SlaPlan | null;
  readonly windows: Windows | null;
}

/** The open hours to count a ticket by, under the plan it has or another. */
export const hoursFor = (held: HeldTicket, plan: SlaPlan, now: Instant): WindowsRequest =>
  windowsAround(ledgerFrom(held, { plan, windows: null }), plan, now);

/**
 * Says what a draft would do to a ticket. What is overdue already is settled first: it is not the draft's doing.
 *
 * @param present the plan its open clocks run under; without open clocks none is needed
 */
export function preview(held: HeldTicket, present: PlanInForce, draft: PlanInForce, now: Instant): Effect {
  const before = catchUp(held.ticket, ledgerFrom(held, present), now);
  const planned = { kind: 'planned', at: now, ...draft, rematchOn: [], teamCalendar: false, reason: 'revision' } as const;
  const after = follow(before.ticket, before.ledger, [planned], now);
  return effectOf(before.ledger.clocks, after.ledger.clocks);
}

/** What became of a ticket's clocks. A clock that something else ended meanwhile says nothing. */
export function effectOf(before: readonly Clock[], after: readonly Clock[]): Effect {
  const found = clockKinds.flatMap((kind) => effectOn(kind, before, after) ?? []);
  return effects.find((effect) => found.includes(effect)) ?? 'unchanged';
}

function effectOn(kind: ClockKind, before: readonly Clock[], after: readonly Clock[]): Effect | null {
  const was = openOf(before, kind);
  const is = openOf(after, kind);
  if (was === undefined) return is === undefined ? null : started(is, before);
  if (is === undefined) return dropped(after.find(({ clock }) => clock === was.clock));
  return is.clock === was.clock ? moved(was, is) : null;
}

const openOf = (clocks: readonly Clock[], kind: ClockKind): Clock | undefined =>
  clocks.find((clock) => clock.kind === kind && isOpenClock(clock));

function started(is: Clock, before: readonly Clock[]): Effect {
  if (is.breach !== null) return 'breached';
  return hadPolicy(before) ? 'earlier' : 'gained_policy';
}

/** What last became of any clock tells: without a policy there was none, or the last ones were cancelled for that. */
function hadPolicy(clocks: readonly Clock[]): boolean {
  const [last] = clocks.toSorted((one, other) => other.since - one.since);
  return last !== undefined && last.reason !== 'no_policy';
}

function dropped(is: Clock | undefined): Effect | null {
  if (is?.reason === 'no_policy') return 'lost_policy';
  return is?.reason === 'not_in_policy' ? 'later' : null;
}

function moved(was: Clock, is: Clock): Effect | null {
  if (was.breach !== null) return null;
  if (is.breach !== null) return 'breached';
  const by = was.phase === is.phase ? distance(is) - distance(was) : is.phase === 'running' ? -1 : 1;
  if (by === 0) return null;
  return by < 0 ? 'earlier' : 'later';
}

/** How far off the deadline is: an instant while it runs, beyond all instants when the calendar never reaches it; budget left while it pauses. */
const distance = (clock: Clock): number =>
  clock.phase === 'paused' ? remainingS(clock, clock.consumedS) : (clock.dueAt ?? Number.MAX_SAFE_INTEGER);

/** The ledger as its workflow must have it, as far as a change of plan asks. */
function ledgerFrom({ ticket, clocks, cycleAt, customerAt, unansweredAt, deskAt }: HeldTicket, { plan, windows }: PlanInForce): Ledger {
  const inOrder = clocks.toSorted((one, other) => numberOf(one) - numberOf(other));
  const causes = [...new Set(clocks.filter(isOpenClock).flatMap((clock) => clock.causes))].filter((cause) => cause !== 'status');
  const counts = Object.fromEntries(inOrder.map((clock) => [clock.kind, numberOf(clock)]));
  return { ...ledgerOf(ticket), plan, windows, clocks: inOrder, counts, causes, cycleAt, customerAt, unansweredAt, deskAt };
}

const numberOf = ({ clock, kind }: Clock): number => Number(clock.slice(kind.length + 1));
