import { actionErrors, builtInActions } from '../action.js';

/** Refusals that actions declare, and those any action may end with but for the first two: a second attempt would get them too. */
const final: ReadonlySet<string> = new Set([
  ...builtInActions.flatMap(({ errors = [] }) => errors),
  ...Object.values(actionErrors).filter((error) => error !== actionErrors.unavailable && error !== actionErrors.timeout),
]);

/** Whether an error may be different at the next attempt; what nobody declares may. */
export const isRetryable = (error: string): boolean => !final.has(error);
