import { networksOf } from '../../api/limits/address.js';
import { createLimiter } from '../../api/limits/limiter.js';
import type { RequestLimits } from '../../api/limits/limiter.js';

/** Counts in this process alone, and believes no proxy. */
export const countingAlone = (now = (): number => Date.now()): RequestLimits => ({
  limiter: createLimiter({ now, log: { warn: () => undefined, info: () => undefined }, replicas: 1, store: () => Promise.resolve([]) }),
  proxies: networksOf([]),
});
