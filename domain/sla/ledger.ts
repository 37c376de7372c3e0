/** What a ticket's service levels know: its plan, its clocks, and of its story what starts and ends them. Plain JSON: it continues as new. */
import type { Priority, TicketStatus } from '../ticket/status.js';
import type { Ticket } from '../ticket/ticket.js';
import { day, second, year } from '../time.js';
import type { Instant } from '../time.js';
import { isOpenClock, wholeSecond } from './clock.js';
import type { Clock, ClockPhase } from './clock.js';
import type { SlaFact } from './facts.js';
import { isAfterBreach, ladderOf } from './ladder.js';
import type { ClockKind, MatchField, Rung, SlaPlan } from './policy.js';
import { openMs, trimmed, walk } from './windows.js';
import type { Windows } from './windows.js';

export interface Ledger {
  /** False while the first plan is looked up: until then what happens only waits. */
  readonly planned: boolean;
  /** Null: no policy matches. */
  readonly plan: SlaPlan | null;
  /** Open hours of the plan's calendar. */
  readonly windows: Windows | null;
  /** A change of these asks for the policy again. */
  readonly rematchOn: readonly MatchField[];
  /** The calendar is the team's: a move asks for the policy again. */
  readonly teamCalendar: boolean;
  /** Open instances, and the last of each kind. */
  readonly clocks: readonly Clock[];
  /** How many instances of each kind there were. */
  readonly counts: Readonly<Partial<Record<ClockKind, number>>>;
  readonly status: TicketStatus;
  readonly priority: Priority;
  /** Begin of the present resolution cycle: the creation as its channel says, or the last reopening. */
  readonly cycleAt: Instant;
  /** First message of the customer; null: none yet. */
  readonly customerAt: Instant | null;
  /** Oldest message of the customer that nobody answered. */
  readonly unansweredAt: Instant | null;
  /** Last public message of the desk. */
  readonly deskAt: Instant | null;
  /** Why clocks pause besides the status: `manual`, `approval:<id>`. */
  readonly causes: readonly string[];
  /** The latest instant worked in: what is told later happened no earlier. */
  readonly lastAt: Instant;
  /** What happened before plan or open hours were there to count it; applied in order once they are. */
  readonly backlog: readonly SlaFact[];
}

/** Of a ticket that is not opened yet, or has no service levels. */
export const emptyLedger: Ledger = {
  planned: true,
  plan: null,
  windows: null,
  rematchOn: [],
  teamCalendar: false,
  clocks: [],
  counts: {},
  status: 'new',
  priority: 'medium',
  cycleAt: 0,
  customerAt: null,
  unansweredAt: null,
  deskAt: null,
  causes: [],
  lastAt: 0,
  backlog: [],
};

/** Of a ticket opened before its desk kept clocks: what its own fields tell. */
export const ledgerOf = ({ status, priority, createdAt, firstResponseAt, updatedAt }: Ticket): Ledger => ({
  ...emptyLedger,
  status,
  priority,
  cycleAt: createdAt,
  customerAt: createdAt,
  unansweredAt: firstResponseAt === null ? createdAt : null,
  deskAt: firstResponseAt,
  lastAt: updatedAt,
});

/** The ladder of all clocks; none without a policy. */
export const rungsOf = ({ plan }: Pick<Ledger, 'plan'>): readonly Rung[] => plan?.rungs ?? [];

/** What of a ledger goes on to the next run: open hours that are over and count for nothing stay behind. */
export function carried(ledger: Ledger, now: Instant): Ledger {
  const { windows } = ledger;
  return windows === null ? ledger : { ...ledger, windows: trimmed(windows, Math.min(now - day, countedFrom(ledger))) };
}

/** Open hours are fetched this far ahead, */
const aheadMs = 35 * day;
/** and again when less than this is left while a clock runs. */
const refreshMs = 7 * day;
/** As far as a calendar is ever expanded, nearly: what lies beyond is no deadline. Source: sla.md, R35. */
const nearlyHorizonMs = 4 * year;

/** What to ask a calendar for. */
export interface WindowsRequest {
  readonly from: Instant;
  readonly until: Instant;
  /** Open time that must lie within, counted from `needFrom`. */
  readonly needMs: number;
  readonly needFrom: Instant;
}

/**
 * The most open time any deadline, rung or acknowledgement of the plan can need.
 *
 * @param clocks those that count already: somebody may have set them a target beyond the plan's
 */
export function neededMs({ targets, rungs }: Pick<SlaPlan, 'targets' | 'rungs'>, clocks: readonly Clock[] = []): number {
  const budgets = [
    ...Object.values(targets).flatMap((byPriority) => Object.values(byPriority)),
    ...clocks.filter(isOpenClock).map(({ budgetS }) => budgetS),
  ];
  const after = rungs.map(({ when }) => (typeof when === 'object' && 'after' in when ? when.after : 0));
  const waits = rungs.flatMap(({ actions }) =>
    actions.map((action) => ('open_escalation' in action ? action.open_escalation.ackWithin : 0)),
  );
  return (Math.max(0, ...budgets) + Math.max(0, ...after) + Math.max(0, ...waits)) * second;
}

/** The open hours wanted at `now`: back to what is being counted, ahead as far as any deadline may lie. */
export const windowsAround = (ledger: Ledger, plan: Pick<SlaPlan, 'targets' | 'rungs'>, now: Instant): WindowsRequest => ({
  from: wholeSecond(Math.min(now, countedFrom(ledger))),
  until: now + aheadMs,
  needMs: neededMs(plan, ledger.clocks),
  needFrom: now,
});

/** The earliest instant some clock still counts from. */
function countedFrom({ clocks, backlog, plan, priority }: Ledger): Instant {
  const stretches = clocks.filter((clock) => countsClosedTime(clock.phase, plan) || clock.phase === 'running').map(({ since }) => since);
  // Rungs that count while their clock is paused count from its breach.
  const breaches = clocks.filter(isOpenClock).flatMap((clock) => {
    const waiting = ladderOf(rungsOf({ plan }), clock, priority).some((rung) => isAfterBreach(rung) && rung.whilePaused === true);
    return waiting && clock.breach !== null ? [clock.breach.at] : [];
  });
  const waiting = backlog.map(factFrom);
  return Math.min(Number.MAX_SAFE_INTEGER, ...stretches, ...breaches, ...waiting);
}

/** The earliest instant a fact may count from: clocks begin at the whole second. */
const factFrom = (fact: SlaFact): Instant => wholeSecond('receivedAt' in fact ? Math.min(fact.receivedAt, fact.at) : fact.at);

const countsClosedTime = (phase: ClockPhase, plan: SlaPlan | null): boolean =>
  phase === 'fulfilled' && plan?.reopen === 'count_closed_time';

/** Whether the open hours reach from what is counted to the furthest instant that a fact may need. A new plan ends what the old one counts. */
export function suffices(ledger: Ledger, fact: SlaFact): boolean {
  return reaches(ledger, fact.at, { from: factFrom(fact), ahead: fact.kind !== 'planned' });
}

function reaches(ledger: Ledger, at: Instant, { from, ahead }: { from: Instant; ahead: boolean }): boolean {
  const { planned, plan, windows } = ledger;
  if (plan === null) return planned;
  if (windows === null || windows.until <= at || windows.from > Math.min(from, countedFrom(ledger))) return false;
  return !ahead || windows.until >= at + nearlyHorizonMs || walk(windows, at, neededMs(plan, ledger.clocks)) !== null;
}

/**
 * The open hours to fetch now.
 *
 * @returns null when those there are will do
 */
export function windowsWanted(ledger: Ledger, now: Instant): WindowsRequest | null {
  const { plan, windows, backlog, clocks } = ledger;
  if (plan === null) return null;
  const blocked = backlog.some((fact) => !suffices(ledger, fact));
  const running = clocks.filter(({ phase }) => phase === 'running');
  const short = running.length > 0 && fallShort(windows, running, now);
  // A rung that counts through pauses counts from a breach that a reopening brought back.
  const lateBegin = clocks.some(isOpenClock) && windows !== null && windows.from > countedFrom(ledger);
  return blocked || short || lateBegin ? windowsAround(ledger, plan, now) : null;
}

/** Whether the open hours end soon, or before a deadline that somebody set beyond them. */
const fallShort = (windows: Windows | null, running: readonly Clock[], now: Instant): boolean =>
  windows === null ||
  windows.until - now <= refreshMs ||
  (windows.until < now + nearlyHorizonMs && running.some(({ dueAt }) => dueAt === null));

/** When open hours have to be fetched again; null while nothing runs. */
export function refreshAt({ plan, windows, clocks }: Ledger): Instant | null {
  if (plan === null || windows === null || !clocks.some(({ phase }) => phase === 'running')) return null;
  return windows.until - refreshMs;
}

/** Open seconds between two instants as far as the open hours are known. */
export const openSeconds = (windows: Windows, from: Instant, to: Instant): number => (openMs(windows, from, to) ?? 0) / second;
