/** How often and how long a step is tried. Source: journeys.md, sections 2 and 10. */
import { second } from '../time.js';
import { durationMs } from './duration.js';
import type { Retry, Timeouts } from './step.js';

/** What the step says, else the template, else the house. */
const layered = <Settings extends object>(own: Settings | undefined, shared: Settings | undefined): Partial<Settings> => ({
  ...shared,
  ...own,
});

const ms = (time: string | number): number => (typeof time === 'number' ? time : (durationMs(time) ?? 0));

export interface RetryPolicy {
  /** Null: without bound. */
  readonly maxAttempts: number | null;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly nonRetryable: readonly string[];
}

/** Three attempts, 1 s doubled up to 60 s, unless somebody says otherwise. Authored and compiled forms are read alike. */
export function retryPolicy(own: Retry<string | number> | undefined, shared: Retry<string | number> | undefined): RetryPolicy {
  const { maxAttempts = 3, initial = second, factor = 2, max = 60 * second, nonRetryable = [] } = layered(own, shared);
  return { maxAttempts: maxAttempts === 'unlimited' ? null : maxAttempts, initialMs: ms(initial), factor, maxMs: ms(max), nonRetryable };
}

/** Milliseconds before the attempt after the nth. */
export const retryDelayMs = ({ initialMs, factor, maxMs }: RetryPolicy, nth: number): number =>
  Math.min(initialMs * factor ** (nth - 1), maxMs);

export interface TimeLimits {
  readonly attemptMs: number;
  readonly totalMs: number | null;
  readonly scheduleMs: number | null;
  readonly heartbeatMs: number | null;
}

/** 25 s for an attempt, and no other limit, unless somebody says otherwise. */
export function timeLimits(own: Timeouts<string | number> | undefined, shared: Timeouts<string | number> | undefined): TimeLimits {
  const { attempt = 25 * second, total, schedule, heartbeat } = layered(own, shared);
  const orNull = (time: string | number | undefined): number | null => (time === undefined ? null : ms(time));
  return { attemptMs: ms(attempt), totalMs: orNull(total), scheduleMs: orNull(schedule), heartbeatMs: orNull(heartbeat) };
}
