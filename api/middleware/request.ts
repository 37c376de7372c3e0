/** What every request gets: an id, limits, and headers that keep browsers and caches from harm. */
import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Env } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';

const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/;
const mostHeaderBytes = 16 * 1024;

/** Strict for everything: no script, style or frame but our own files. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/** The same for a page whose scripts talk to these origins too. */
export const contentPolicy = (origins: readonly string[]): string =>
  policy.replace("connect-src 'self'", ["connect-src 'self'", ...origins].join(' '));

export const request =
  (deps: Deps): MiddlewareHandler<Env> =>
  async (c, next) => {
    const given = c.req.header('x-request-id');
    const requestId = given !== undefined && requestIdPattern.test(given) ? given : randomUUID();
    c.set('deps', deps);
    c.set('requestId', requestId);
    const startedAt = deps.now();
    c.set('startedAt', startedAt);
    c.set('receivedAt', startedAt);
    c.set('deadline', startedAt + deps.answerWithin);
    c.header('x-request-id', requestId);
    c.header('x-content-type-options', 'nosniff');
    c.header('content-security-policy', policy);
    c.header('referrer-policy', 'no-referrer');
    c.header('cache-control', 'private, no-cache');
    c.header('vary', 'Authorization');
    let bytes = 0;
    for (const [name, value] of c.req.raw.headers) bytes += name.length + value.length + 4;
    if (bytes > mostHeaderBytes) throw new Refusal('headers_too_large');
    await next();
  };

/** Whether the caller has this already. */
export const notModified = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch.split(',').some((tag) => {
    const bare = tag.trim().replace(/^W\//, '');
    return bare === '*' || bare === etag;
  });
