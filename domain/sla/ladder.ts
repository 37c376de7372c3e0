/** When the rungs of a ladder are due, and what is due next. Source: sla.md, R26–R28 and section 1. */
import type { Escalation } from '../ticket/escalation.js';
import type { Priority } from '../ticket/status.js';
import { second } from '../time.js';
import type { Instant } from '../time.js';
import { deadline, isOpenClock } from './clock.js';
import type { Clock } from './clock.js';
import type { Rung } from './policy.js';
import { walk } from './windows.js';
import type { Windows } from './windows.js';

export type SlaDue =
  | { readonly kind: 'breach'; readonly at: Instant; readonly clock: Clock }
  | { readonly kind: 'rung'; readonly at: Instant; readonly clock: Clock; readonly rung: Rung }
  /** The window of an escalation nobody acknowledged ends. */
  | { readonly kind: 'unacknowledged'; readonly at: Instant; readonly escalation: Escalation };

/** The rungs of a clock that apply to the ticket's priority, in the ladder's order. */
export const ladderOf = (rungs: readonly Rung[], clock: Pick<Clock, 'kind'>, priority: Priority): Rung[] =>
  rungs.filter((rung) => rung.clock === clock.kind && (rung.priorities === undefined || rung.priorities.includes(priority)));

/** Whether the rung comes after the deadline, not up to it. */
export const isAfterBreach = ({ when }: Rung): boolean => typeof when === 'object' && 'after' in when;

/** How much must be used up when the rung is due, in milliseconds: a percentage of whole seconds is no whole second. */
export function rungAfterMs({ when }: Rung, clock: Clock): number {
  const budgetS = clock.breach?.budgetS ?? clock.budgetS;
  if (when === 'at_breach') return budgetS * second;
  if ('percent' in when) return (budgetS * second * when.percent) / 100;
  if ('before' in when) return (budgetS - when.before) * second;
  return ((clock.breach?.consumedS ?? budgetS) + when.after) * second;
}

/**
 * When a rung is due if nothing changes.
 *
 * @returns null when it fired, when its time stands still, or when the windows do not reach that far
 */
export function rungDueAt(rung: Rung, clock: Clock, windows: Windows): Instant | null {
  if (!isOpenClock(clock) || clock.fired.includes(rung.id)) return null;
  if (clock.behind?.rungs.includes(rung.id) === true) return clock.behind.at;
  if (isAfterBreach(rung)) {
    if (clock.breach === null) return null;
    if (rung.whilePaused === true) return walk(windows, clock.breach.at, rungAfterMs(rung, clock) - clock.breach.consumedS * second);
  }
  if (clock.phase !== 'running') return null;
  return walk(windows, clock.since, Math.max(0, rungAfterMs(rung, clock) - clock.consumedS * second));
}

/**
 * The nearest thing due: of several at one instant breach before rung, then the ladder's order.
 *
 * @param windows null before the first plan: then only acknowledgement windows end
 */
export function nearestDue(
  clocks: readonly Clock[],
  rungs: readonly Rung[],
  { priority, escalations, windows }: { priority: Priority; escalations: readonly Escalation[]; windows: Windows | null },
): SlaDue | null {
  let nearest: SlaDue | null = null;
  const consider = (due: SlaDue): void => {
    if (nearest === null || due.at < nearest.at) nearest = due;
  };
  if (windows !== null) {
    const open = clocks.filter(isOpenClock);
    for (const clock of open) {
      const at = clock.breach === null ? deadline(clock, windows) : null;
      if (at !== null) consider({ kind: 'breach', at, clock });
    }
    for (const clock of open) {
      for (const rung of ladderOf(rungs, clock, priority)) {
        const at = rungDueAt(rung, clock, windows);
        if (at !== null) consider({ kind: 'rung', at, clock, rung });
      }
    }
  }
  for (const escalation of escalations) {
    if (escalation.status === 'pending' && escalation.ackDueAt !== null) {
      consider({ kind: 'unacknowledged', at: escalation.ackDueAt, escalation });
    }
  }
  return nearest;
}
