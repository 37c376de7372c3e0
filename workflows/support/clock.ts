import type { Instant } from '../../domain/time.js';

/** Time of the present workflow task: replay-safe, and the only clock in the sandbox. */
export const now = (): Instant => Date.now();
