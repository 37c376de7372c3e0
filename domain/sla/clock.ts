/** One clock: how much of its budget is used, whether it runs, what became of it. Source: sla.md, R1–R6, R15–R17. */
import { second } from '../time.js';
import type { Instant } from '../time.js';
import type { CalendarRef, ClockKind } from './policy.js';
import { openMs, walk } from './windows.js';
import type { Windows } from './windows.js';

export type ClockPhase = 'running' | 'paused' | 'fulfilled' | 'cancelled';

export const cancelReasons = ['solved', 'merged', 'closed', 'no_policy', 'not_in_policy', 'erased'] as const;
export type CancelReason = (typeof cancelReasons)[number];

/** `deadline`: while the desk watched; the others: known only after it had passed, or moved into the past. */
export type BreachCause = 'deadline' | 'retarget' | 'reopen' | 'late_ingest';

/** A permanent fact of its clock. */
export interface Breach {
  /** The deadline, not when somebody noticed. */
  readonly at: Instant;
  readonly cause: BreachCause;
  readonly lateMs: number;
  /** In force at the breach; overrun counts from here. */
  readonly budgetS: number;
  /** Used up at the breach: the budget, or more when a smaller one came late. After-breach rungs count from here. */
  readonly consumedS: number;
}

export interface Clock {
  /** `<kind>#<n>`, unique in the ticket. */
  readonly clock: string;
  readonly kind: ClockKind;
  /** Revision of the policy set, and the policy in it. */
  readonly set: number;
  readonly policy: string;
  readonly calendar: CalendarRef;
  /** The customer's or the desk's event it counts from, to the whole second. */
  readonly originAt: Instant;
  readonly budgetS: number;
  /** Used up before the present stretch. */
  readonly consumedS: number;
  /** Wall-clock seconds it ran before the present stretch. */
  readonly wallS: number;
  readonly phase: ClockPhase;
  /** Begin of the present stretch: of running, of pausing, or of being over. */
  readonly since: Instant;
  /** Why it pauses; it runs when there is no cause. */
  readonly causes: readonly string[];
  readonly breach: Breach | null;
  readonly fulfilledAt: Instant | null;
  /** Why it was cancelled. */
  readonly reason: CancelReason | null;
  /** Rungs that fired; each fires once. */
  readonly fired: readonly string[];
  /** Rungs that a smaller budget or another ladder left behind, due at the instant of that change. */
  readonly behind: { readonly at: Instant; readonly rungs: readonly string[] } | null;
  /** Deadline as far as it is known; null while paused, kept when over. */
  readonly dueAt: Instant | null;
  /** When the desk learned of it, and how; what was due before that is told as late. */
  readonly learned: { readonly at: Instant; readonly cause: 'late_ingest' | 'reopen' };
  /** Stretches closed so far. */
  readonly segments: number;
  readonly waived: boolean;
}

/** A closed stretch of a clock's life; gapless from its origin. */
export interface Segment {
  readonly clock: string;
  readonly n: number;
  readonly from: Instant;
  readonly to: Instant;
  readonly state: 'running' | 'paused' | 'closed';
  readonly causes: readonly string[];
  readonly calendar: CalendarRef;
  /** Open seconds counted; 0 unless running. */
  readonly openS: number;
  readonly wallS: number;
  readonly consumedAfterS: number;
}

/** Down to the whole second: so are origins and the bounds of stretches. */
export const wholeSecond = (at: Instant): Instant => at - (at % second);

/** Whether it still counts or may count again without being reopened. */
export const isOpenClock = (clock: Clock): boolean => clock.phase === 'running' || clock.phase === 'paused';

/**
 * Budget used up by an instant, in seconds.
 *
 * @returns null when the windows do not reach that far
 */
export function consumedAt(clock: Clock, windows: Windows, at: Instant): number | null {
  if (clock.phase !== 'running') return clock.consumedS;
  const open = openMs(windows, clock.since, at);
  return open === null ? null : clock.consumedS + open / second;
}

/**
 * When the budget is used up if nothing changes.
 *
 * @returns null while paused, and when the windows do not reach that far; the breach once there was one (R6)
 */
export function deadline(clock: Clock, windows: Windows): Instant | null {
  if (clock.breach !== null) return clock.breach.at;
  return clock.phase === 'running' ? walk(windows, clock.since, Math.max(0, clock.budgetS - clock.consumedS) * second) : null;
}

/** Budget left; negative when over. */
export const remainingS = (clock: Pick<Clock, 'budgetS'>, consumedS: number): number => clock.budgetS - consumedS;

/** Whether it was kept; null while that is open, or when it was cancelled in time. */
export function outcomeOf(clock: Clock): 'met' | 'breached' | null {
  if (clock.breach !== null) return 'breached';
  return clock.phase === 'fulfilled' ? 'met' : null;
}
