import type { MiddlewareHandler } from 'hono';
import { parseAccept } from 'hono/utils/accept';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';

/** What a range may be called that JSON falls under, the most specific first. */
const ranges = ['application/json', 'application/*', '*/*'] as const;

/** Whether JSON is among what is wanted; the most specific range decides. Source: RFC 9110, section 12.5.1. */
export function acceptsJson(header: string): boolean {
  const wanted = parseAccept(header);
  const fitting = ranges.map((range) => wanted.find(({ type }) => type.toLowerCase() === range)).find((range) => range !== undefined);
  return wanted.length === 0 || (fitting !== undefined && fitting.q > 0);
}

/** For routes that answer with JSON: who wants anything but that is told so before anything is done. Problems are sent to everyone. */
export const jsonAccepted: MiddlewareHandler<Env> = async (c, next) => {
  const header = c.req.header('accept');
  if (header !== undefined && !acceptsJson(header)) throw new Refusal('not_acceptable');
  await next();
};
