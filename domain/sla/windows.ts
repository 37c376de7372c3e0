/**
 * Arithmetic over open windows: half-open intervals of epoch milliseconds in which time counts. No zone rules here: a calendar's revision is
 * expanded elsewhere, and the windows travel. Asked on every command of every ticket, so nothing is allocated but by `trimmed`.
 * Source: sla.md, section 1 and R32–R35.
 */
import { year } from '../time.js';
import type { Instant } from '../time.js';
import type { CalendarRef } from './policy.js';

/** No deadline lies further from its origin. Source: sla.md, R35. */
export const horizonMs = 5 * year;

/** `[open, close)` in epoch milliseconds. */
export type Window = readonly [open: Instant, close: Instant];

/** One calendar revision, expanded. Outside `from`–`until` nothing is known. */
export interface Windows {
  readonly calendar: CalendarRef;
  readonly from: Instant;
  readonly until: Instant;
  /** Sorted, disjoint, touching ones merged, within `from`–`until`. */
  readonly windows: readonly Window[];
  /** Version of the time-zone data they were made with. */
  readonly zoneData: string;
}

/** Whether the windows know all of `[from, until)`. */
export const covers = (windows: Windows, from: Instant, until: Instant): boolean => windows.from <= from && until <= windows.until;

/**
 * Whether time counts at an instant; at the close it no longer does.
 *
 * @returns null when the windows do not reach there
 */
export function isOpen(windows: Windows, at: Instant): boolean | null {
  if (at < windows.from || at >= windows.until) return null;
  const window = windows.windows[firstClosingAfter(windows.windows, at)];
  return window !== undefined && window[0] <= at;
}

/**
 * Open milliseconds within `[from, to)`.
 *
 * @returns 0 when `to` is not after `from`; null when the windows do not cover the stretch
 */
export function openMs(windows: Windows, from: Instant, to: Instant): number | null {
  if (to <= from) return 0;
  if (!covers(windows, from, to)) return null;
  let open = 0;
  let index = firstClosingAfter(windows.windows, from);
  for (let window = windows.windows[index]; window !== undefined && window[0] < to; window = windows.windows[++index]) {
    open += Math.min(window[1], to) - Math.max(window[0], from);
  }
  return open;
}

/**
 * The earliest instant at which `ms` of open time have elapsed since `start`: an amount that ends with a window gives its close, not the next
 * opening, and nothing to wait for gives `start`. Source: sla.md, R33.
 *
 * @returns null when `start` lies outside the windows, or they end before the time has elapsed
 */
export function walk({ from, until, windows }: Pick<Windows, 'from' | 'until' | 'windows'>, start: Instant, ms: number): Instant | null {
  if (start < from || start > until) return null;
  if (ms <= 0) return start;
  let left = ms;
  let index = firstClosingAfter(windows, start);
  for (let window = windows[index]; window !== undefined; window = windows[++index]) {
    const begin = Math.max(window[0], start);
    if (left <= window[1] - begin) return begin + left;
    left -= window[1] - begin;
  }
  return null;
}

/** The windows from `from` on, for what outlives a run; the same object when nothing lies before. Beyond their end none are left. */
export function trimmed(windows: Windows, from: Instant): Windows {
  if (from <= windows.from) return windows;
  const begin = Math.min(from, windows.until);
  const kept = windows.windows.slice(firstClosingAfter(windows.windows, begin));
  const [first] = kept;
  if (first !== undefined && first[0] < begin) kept[0] = [begin, first[1]];
  return { ...windows, from: begin, windows: kept };
}

/** Whether two expansions are open at the same instants of `[from, until)`; false as well when one of them does not cover it, true when it is empty. */
export function sameBetween(one: Windows, other: Windows, from: Instant, until: Instant): boolean {
  if (until <= from) return true;
  if (!covers(one, from, until) || !covers(other, from, until)) return false;
  let index = firstClosingAfter(one.windows, from);
  let otherIndex = firstClosingAfter(other.windows, from);
  for (;;) {
    const window = one.windows[index++];
    const otherWindow = other.windows[otherIndex++];
    const ended = window === undefined || window[0] >= until;
    const otherEnded = otherWindow === undefined || otherWindow[0] >= until;
    if (ended || otherEnded) return ended && otherEnded;
    if (Math.max(window[0], from) !== Math.max(otherWindow[0], from)) return false;
    if (Math.min(window[1], until) !== Math.min(otherWindow[1], until)) return false;
  }
}

/** Index of the first window that closes after an instant; the number of windows when none does. */
function firstClosingAfter(windows: readonly Window[], at: Instant): number {
  let low = 0;
  let high = windows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const window = windows[middle];
    if (window !== undefined && window[1] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
