/** When somebody who looks at a table every few minutes comes upon what fell due: arithmetic alone. Source: performance.md, section 7. */

/** As the help desks have it. */
export const scanEveryMs = 300_000;

export interface Scanner {
  /** When it looks first, in epoch milliseconds. */
  readonly firstAt: number;
  readonly everyMs: number;
  /** From the look until everything it found is marked. */
  readonly takesMs: number;
}

/** Milliseconds from each deadline until its mark, in the order given; what falls due at the very instant of a look is found by it. */
export const scanLateness = (dueAt: readonly number[], { firstAt, everyMs, takesMs }: Scanner): number[] =>
  dueAt.map((due) => firstAt + Math.max(0, Math.ceil((due - firstAt) / everyMs)) * everyMs + takesMs - due);

/**
 * The same for scanners that began at any moment: one for each step of a period, all equally likely. Deadlines of one minute say little
 * about a scanner whose looks lie five minutes apart; when it happened to begin would say more than how often it looks.
 *
 * @returns for each scanner the lateness of each deadline
 */
export function latenessByPhase(dueAt: readonly number[], { everyMs, takesMs }: Omit<Scanner, 'firstAt'>, stepMs = 1_000): number[][] {
  const from = Math.min(...dueAt) - everyMs;
  const phases = Array.from({ length: Math.floor(everyMs / stepMs) }, (_, index) => from + index * stepMs);
  return phases.map((firstAt) => scanLateness(dueAt, { firstAt, everyMs, takesMs }));
}
