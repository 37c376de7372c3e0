import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Env } from '../caller.js';
import type { Logger } from '../../logger.js';

/** One line a request: ids, route, status and time; never an address with its query, a header or a body. */
export const requestLog =
  (log: Logger, now: () => number): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    const { status } = c.res;
    const line = { requestId: c.var.requestId, method: c.req.method, route: routePath(c, -1), status, ms: now() - c.var.startedAt };
    if (status >= 500) log.warn(line, 'request');
    else log.debug(line, 'request');
  };
