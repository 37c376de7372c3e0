/** Reads that bring only what their caller names: `fields=status,priority`. Which fields there are is what the shape of the answer says. */
import type { MiddlewareHandler } from 'hono';
import { z } from 'zod';
import type { Env } from './caller.js';

export interface Selectable {
  /** Fields that may be named, in the order of the answer; never none. */
  readonly names: readonly string[];
  /** What the thing is found by again; undefined when it has no name of its own. */
  readonly identity: string | undefined;
  readonly isList: boolean;
}

/** What something is found by: the first of these that it has. */
const identities = ['id', 'key', 'ref', 'clock', 'step', 'seq', 'version', 'revision', 'day', 'name'] as const;

/** What `include` brings was named there. */
const included = 'included';

/** The address of one thing. */
const namesOneThing = /(?:\}|\/current)$/;

/**
 * What can be selected of an answer: entries of a list, fields of one thing.
 *
 * @param path of the route
 * @returns undefined for everything else: settings are read to be put back as a whole, and of a report no part is true without the others
 */
export function selectableOf(path: string, answer: unknown): Selectable | undefined {
  const entry = entryOf(answer);
  if (entry === undefined && !namesOneThing.test(path)) return undefined;
  const names = namesOf(entry ?? answer);
  if (names.length === 0) return undefined;
  return {
    names: names.filter((name) => name !== included),
    identity: identities.find((name) => names.includes(name)),
    isList: entry !== undefined,
  };
}

/** What a list is a list of. */
function entryOf(answer: unknown): unknown {
  const data = answer instanceof z.ZodObject ? answer.shape['data'] : undefined;
  return data instanceof z.ZodArray ? data.element : undefined;
}

/** Who reads decides which shape of a union it is: whatever any of them has may be named, and is brought to whom it is shown. */
function namesOf(schema: unknown): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  return schema instanceof z.ZodUnion ? [...new Set(schema.options.flatMap(namesOf))] : [];
}

/**
 * Leaves out what was not named, of an answer that is whole: rights have been looked at, nothing can be had that would not be shown without. The
 * `ETag` stays the one of the version: an address with other parameters is another one, whose answers caches keep apart. Source: RFC 9110, section 8.8.3.
 */
export const selection =
  ({ identity, isList }: Selectable): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    const named = c.req.queries('fields');
    if (named === undefined || c.res.status !== 200) return;
    const kept = new Set([included, identity, ...named.flatMap((names) => names.split(','))]);
    const pick = (whole: object): object => Object.fromEntries(Object.entries(whole).filter(([name]) => kept.has(name)));
    const answer: unknown = await c.res.json();
    if (isList && isPage(answer)) c.res = c.json({ ...answer, data: answer.data.map(pick) });
    else if (isObject(answer)) c.res = c.json(pick(answer));
  };

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isPage = (value: unknown): value is { readonly data: readonly object[] } =>
  isObject(value) && 'data' in value && Array.isArray(value.data) && value.data.every(isObject);
