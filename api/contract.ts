/** How a route is declared: one value with its shape, its permission and the problems it can answer with. */
import { createRoute } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import type { Hook } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { permissions } from '../domain/access/permit.js';
import type { Permission } from '../domain/access/permit.js';
import type { Env } from './caller.js';
import { Refusal } from './errors.js';
import type { FieldError } from './errors.js';
import { jsonAccepted } from './middleware/accept.js';
import { isStorable, jsonBody, receiveBody } from './middleware/body.js';
import type { ProblemCode } from './problems.js';
import { selectableOf, selection } from './selection.js';
import type { Selectable } from './selection.js';

/** Documents, problem pages, the operators' page, signed links. */
export type RoutePermission = Permission | 'public';

interface Terms {
  readonly permission: RoutePermission;
  /** Codes it can answer with, besides those every route has. */
  readonly problems?: readonly ProblemCode[];
  /** Run before the body is looked at. */
  readonly guards?: readonly MiddlewareHandler<Env>[];
  /** Keys an object of the body may have, where they may be more than elsewhere. */
  readonly mostKeys?: number;
}

/** Every route can meet a problem; declared without content, so that handlers may answer with any response. */
const failures = { 503: { description: 'A dependency is down' }, default: { description: 'A problem' } } as const;

const jsonType = 'application/json';

/** Declares a route. */
export function contract<const Config extends RouteConfig>(
  { permission, problems = [], guards = [], mostKeys }: Terms,
  config: Config,
): Config & { responses: typeof failures } {
  const takesJson = config.request?.body?.content[jsonType] !== undefined;
  const givesJson = Object.values(config.responses).some((response) => 'content' in response && response.content?.[jsonType] !== undefined);
  const bare = permission !== 'public' && config.request?.query === undefined;
  const selectable = permission === 'public' || config.method !== 'get' ? undefined : selectableOf(config.path, wholeOf(config));
  return createRoute({
    ...config,
    ...(selectable === undefined ? {} : { request: { ...config.request, query: withFields(config.request?.query, selectable) } }),
    responses: { ...config.responses, ...failures },
    'x-permission': permission,
    'x-problems': [
      ...new Set<ProblemCode>([
        ...problems,
        'rate_limited',
        ...(permission === 'public' ? [] : authProblems),
        ...(givesJson ? (['not_acceptable'] as const) : []),
        ...(takesJson ? (['request_timeout'] as const) : []),
        ...(bare || config.request?.query !== undefined ? (['unknown_parameter'] as const) : []),
      ]),
    ].toSorted(),
    middleware: [
      ...(givesJson ? [jsonAccepted] : []),
      ...(selectable === undefined ? [] : [selection(selectable)]),
      ...(takesJson ? [receiveBody] : []),
      ...guards,
      ...(bare && selectable === undefined ? [noParameters] : []),
      ...(takesJson ? [jsonBody(mostKeys === undefined ? {} : { keys: mostKeys })] : []),
    ],
  });
}

/** What a read answers with. */
function wholeOf({ responses: { 200: answered } }: RouteConfig): unknown {
  const media = answered !== undefined && 'content' in answered ? answered.content?.[jsonType] : undefined;
  return media !== undefined && 'schema' in media ? media.schema : undefined;
}

/**
 * The parameters of a read with `fields` among them. The schema of the answer stays that of the whole: with every member optional, each caller
 * would have to doubt each field for the sake of those who have named a few.
 */
function withFields(query: unknown, { names, identity, isList }: Selectable) {
  const field = z.enum(names, { error: ({ input }) => `${String(input)} is not a field here; there are ${names.join(', ')}` });
  const stays = identity === undefined ? '' : `; \`${identity}\` always comes with them`;
  const fields = z
    .exactOptional(commaList(field))
    .describe(
      `${isList ? 'fields of each entry' : 'fields'} by comma, all when left out${stays}. What is not named is not there, also where the schema of the answer requires it`,
    );
  return (query instanceof z.ZodObject ? query : z.strictObject({})).extend({ fields });
}

const noParameters: MiddlewareHandler<Env> = async (c, next) => {
  const names = Object.keys(c.req.query());
  if (names.length > 0) {
    throw new Refusal('unknown_parameter', {
      errors: names.map((name) => ({ pointer: name, code: 'unknown_field', message: `${name} is not a parameter here` })),
    });
  }
  await next();
};

const authProblems = [
  'auth_missing',
  'auth_invalid',
  'auth_expired',
  'keys_unavailable',
  'database_unavailable',
] as const satisfies readonly ProblemCode[];

/** The permission a registered route names; undefined when it names none that exists. */
export function permissionOf(route: Readonly<Record<string, unknown>>): RoutePermission | undefined {
  const name = route['x-permission'];
  if (name === 'public') return name;
  return typeof name === 'string' && isPermission(name) ? name : undefined;
}

const isPermission = (name: string): name is Permission => Object.hasOwn(permissions, name);

/** A JSON body; the example stands in the document and is sent by a test. */
export const json = <Schema extends z.ZodType>(schema: Schema, example: z.input<Schema>) =>
  ({ content: { [jsonType]: { schema, example } }, required: true }) as const;
/** A JSON body that may be left out. */
export const optionalJson = <Schema extends z.ZodType>(schema: Schema, example: z.input<Schema>) =>
  ({ content: { [jsonType]: { schema, example } }, required: false }) as const;
export const answer = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  ({ content: { [jsonType]: { schema } }, description }) as const;

/** Problems every write can end with. */
export const writeProblems = [
  'malformed_json',
  'invalid_request',
  'too_deep',
  'idempotency_key_invalid',
  'too_large',
  'media_type',
  'idempotency_in_flight',
  'idempotency_key_reused',
  'erased',
  'database_unavailable',
] as const satisfies readonly ProblemCode[];

/** Problems every command to a ticket can end with. */
export const commandProblems = [
  ...writeProblems,
  'forbidden',
  'not_found',
  'ticket.closed',
  'version_mismatch',
  'engine_busy',
  'engine_unavailable',
  'command_unconfirmed',
] as const satisfies readonly ProblemCode[];

/** What a wrong input means: an address that names nothing, a parameter that does not exist, or a body with errors. */
export const inputHook: Hook<unknown, Env, string, unknown> = (result) => {
  if (result.success) return;
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, []));
  if (result.target === 'param') throw new Refusal('not_found');
  if (result.target === 'query') {
    throw new Refusal('unknown_parameter', { errors: errors.map((error) => ({ ...error, pointer: error.pointer.slice(1) })) });
  }
  throw new Refusal('invalid_request', { errors });
};

type Issue = z.core.$ZodIssue;

function fieldErrors(issue: Issue, base: readonly PropertyKey[]): FieldError[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerOf([...path, key]), code: 'unknown_field', message: `${key} is not a field here` }));
  }
  if (issue.code === 'invalid_union') {
    // The branch that fits best says most; one of another type altogether says least.
    const isOther = (issues: readonly Issue[]): number =>
      Number(issues.some((one) => one.code === 'invalid_type' && one.path.length === 0));
    const [best] = issue.errors.toSorted((a, b) => isOther(a) - isOther(b) || a.length - b.length);
    if (best !== undefined && best.length > 0) return best.flatMap((inner) => fieldErrors(inner, path));
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined && issue.message.endsWith('received undefined');
  return [{ pointer: pointerOf(path), code: missing ? 'required' : issue.code, message: missing ? 'is required' : issue.message }];
}

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** One parameter with several values by comma; `Item` checks each. */
export const commaList = <Schema extends z.ZodType>(item: Schema) =>
  z.preprocess((text) => (typeof text === 'string' ? text.split(',') : text), z.array(item).min(1).max(100));

export const storable = z.string().refine(isStorable, 'must be well-formed Unicode without NUL');

export const PageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(25),
  cursor: z.exactOptional(z.string().min(1).max(2_000)),
};

export const Uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a lower-case UUID');
export const Moment = z.iso.datetime({ precision: 3 }).describe('ISO 8601 in UTC with milliseconds');

/** A page of something. */
export const pageSchema = <Schema extends z.ZodType>(id: string, item: Schema) =>
  z.strictObject({ data: z.array(item), page: z.strictObject({ next: z.string().nullable(), hasMore: z.boolean() }) }).meta({ id });
