/** Who asks too much is told so, and everyone how much is left. Source: security.md, section 8. */
import type { Context, MiddlewareHandler } from 'hono';
import { countOfAddress, countsOf } from '../../domain/access/limits.js';
import { rateLimitHeaders } from '../../domain/access/quota.js';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';
import { addressOf, neighbourhood } from '../limits/address.js';
import type { RequestLimits, Taken } from '../limits/limiter.js';

/** Tells how things stand. @throws Refusal `rate_limited` */
function tell(c: Context<Env>, { quotas, reached }: Taken): void {
  for (const [name, value] of Object.entries(rateLimitHeaders(quotas))) c.header(name, value);
  if (reached === null) return;
  c.var.deps.metrics.limitReached(reached.name);
  throw new Refusal('rate_limited', { members: { limit: reached.name }, headers: { 'retry-after': String(reached.resetS) } });
}

/** For routes that know who asks; after they do. */
export const metered =
  ({ limiter }: RequestLimits): MiddlewareHandler<Env> =>
  async (c, next) => {
    if (c.var.metered) return next();
    c.set('metered', true);
    const asked = { opensTicket: c.req.method === 'POST' && c.req.path === '/v1/tickets', searches: c.req.query('q') !== undefined };
    tell(c, limiter.take(countsOf({ principal: c.var.principal, credential: c.var.credential, limits: c.var.limits }, asked)));
    await next();
  };

/** Links and callbacks that carry their proof: only a wrong one counts. */
const signed = /^\/v1\/(?:uploads|files|hooks|csat)\//;
const provesNothing = (status: number): boolean => status === 401 || status === 403 || status === 404;

/** For routes that ask nobody who they are. */
export const meteredByAddress =
  ({ limiter, proxies }: RequestLimits): MiddlewareHandler<Env> =>
  async (c, next) => {
    const address = addressOf(c, proxies);
    if (address === null || c.var.metered) return next();
    c.set('metered', true);
    const counts = [countOfAddress(neighbourhood(address))];
    if (!signed.test(c.req.path)) {
      tell(c, limiter.take(counts));
      return next();
    }
    if (limiter.look(counts).reached !== null) tell(c, limiter.look(counts));
    await next();
    if (provesNothing(c.res.status)) limiter.take(counts);
  };

/**
 * Counts a credential that does not hold.
 *
 * @throws Refusal `rate_limited` once there were too many from one address
 */
export function countUnknown(c: Context<Env>, { limiter, proxies }: RequestLimits): void {
  const address = addressOf(c, proxies);
  if (address !== null) tell(c, limiter.take([countOfAddress(neighbourhood(address))]));
}
