/** Turns refusals and failures into problem details; the only place that knows how an error becomes an answer. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from '../logger.js';
import { isProblemCode, problemKind } from './problems.js';
import type { ProblemCode } from './problems.js';

export interface FieldError {
  /** JSON pointer into the body, or the name of a parameter. */
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

export interface RefusalDetails {
  readonly members?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly FieldError[];
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What was asked cannot be done, for a reason the caller may know. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ProblemCode;
  readonly details: RefusalDetails;

  constructor(code: ProblemCode, details: RefusalDetails = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

/** Domain refusals under another public name. */
const publicNames: Readonly<Record<string, ProblemCode>> = { 'ticket.not_found': 'not_found' };

/** The refusal behind a code that a rule answered with; an unknown one is a fault of ours. */
export function refusalOf(code: string, members: Readonly<Record<string, unknown>>): Refusal {
  const name = publicNames[code] ?? code;
  if (!isProblemCode(name)) return new Refusal('internal');
  const { field } = members;
  if (name === 'invalid_request' && typeof field === 'string') {
    return new Refusal(name, { errors: [{ pointer: `/${field}`, code: 'invalid', message: 'is outside what is allowed' }] });
  }
  return new Refusal(name, { members });
}

const challenge = 'Bearer realm="usher"';

/** One problem as a response. */
export function problemResponse(c: Context, code: ProblemCode, { members, errors, detail, headers }: RefusalDetails = {}): Response {
  const { status, title, text, retryAfter } = problemKind(code);
  const fixed = {
    type: `/problems/${code}`,
    title,
    status,
    detail: detail ?? text,
    instance: c.req.path,
    code,
    requestId: requestIdOf(c),
    ...(errors === undefined ? {} : { errors }),
  };
  // Named first, so that a reader meets them first; set last, so that no member takes their place.
  const body = { ...fixed, ...members, ...fixed };
  return c.body(JSON.stringify(body), {
    status: asStatus(status),
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': code === 'auth_missing' ? challenge : `${challenge}, error="invalid_token"` } : {}),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...headers,
    },
  });
}

const requestIdOf = (c: Context): string => {
  const id: unknown = c.get('requestId');
  return typeof id === 'string' ? id : '';
};

type BodyStatus =
  200 | 201 | 202 | 400 | 401 | 403 | 404 | 405 | 406 | 408 | 409 | 410 | 412 | 413 | 415 | 422 | 428 | 429 | 431 | 500 | 503;
/** Every status used here allows a body. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const asStatus = (status: number): BodyStatus => status as BodyStatus;

/** The last resort of every route: known refusals as they are, all else as a fault that names the request only. */
export const errorHandler =
  (log: Logger) =>
  (error: Error, c: Context): Response => {
    if (error instanceof Refusal) {
      if (error.code === 'internal') log.error({ requestId: requestIdOf(c), err: error }, 'refused with an unknown code');
      return problemResponse(c, error.code, error.details);
    }
    if (error instanceof HTTPException) {
      if (error.status === 415) return problemResponse(c, 'media_type');
      if (error.status === 400) return problemResponse(c, 'malformed_json');
    }
    if (isDatabaseDown(error)) {
      log.warn({ requestId: requestIdOf(c), reason: error.message }, 'database unavailable');
      return problemResponse(c, 'database_unavailable');
    }
    log.error({ requestId: requestIdOf(c), err: error }, 'unexpected error');
    return problemResponse(c, 'internal');
  };

const lostConnection = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);
/** SQLSTATE classes: connection, insufficient resources, operator intervention (statement timeout among them), system error; and lock timeout. */
const unavailableState = /^(?:08|53|57|58)[0-9A-Z]{3}$|^55P03$|^25006$/;
const poolWords =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Client was closed/;

/** Whether an error means that PostgreSQL cannot be used now, not that the statement was wrong. */
export function isDatabaseDown(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DatabaseLate) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return lostConnection.has(code) || unavailableState.test(code) || poolWords.test(error.message);
}

/** The request's time ran out while it waited for the database. */
export class DatabaseLate extends Error {
  override readonly name = 'DatabaseLate';
}
