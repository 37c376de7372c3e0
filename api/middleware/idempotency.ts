/** Repeats of a write: the same key is the same command, and its answer is kept. Source: api.md, section 2; reliability.md, R2 and R5. */
import { createHash, randomUUID } from 'node:crypto';
import type { Context, Input } from 'hono';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { storeContent } from '../../db/queries/content.js';
import type { ContentRow } from '../../db/queries/content.js';
import { insertCustomers } from '../../db/queries/directory.js';
import type { NewCustomer } from '../../db/queries/directory.js';
import { claim, forget, keepAnswer, release } from '../../db/queries/idempotency.js';
import type { StoredAnswer } from '../../db/queries/idempotency.js';
import type { Principal } from '../../domain/access/principal.js';
import { ticketIdFrom } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import { accountable } from '../administration.js';
import { before, readerOf } from '../caller.js';
import type { Caller, Env } from '../caller.js';
import { escalationName } from '../escalations/names.js';
import { asStatus, isDatabaseDown, Refusal } from '../errors.js';

const separator = '\u001F';

/** Who a key belongs to: the person or account, never the credential. */
const keyOwner = ({ actor, actingFor }: Principal): string => (actingFor === null ? actor : `${actor}>customer/${actingFor}`);

/** Hex SHA-256 of what makes a repeat a repeat. */
export const scopeOf = (tenant: string, owner: string, method: string, path: string, key: string): string =>
  createHash('sha256').update([tenant, owner, method, path, key].join(separator)).digest('hex');

export const commandIdOf = (scope: string): string => `k-${scope.slice(0, 32)}`;

/** The number a create takes at its n-th try. */
export const ticketIdOf = (scope: string, n: number): TicketId =>
  ticketIdFrom(createHash('sha256').update(`${scope}${separator}${n}`).digest());

/** An answer that is due gets this much longer to be kept. */
const grace = 250;

/** What a write answers with. */
export interface Answer {
  readonly status: 200 | 201 | 202 | 204;
  readonly body?: unknown;
  /** What a repetition gets instead of the body, where the body holds what is shown once and kept nowhere. */
  readonly kept?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A key was used before, and its answer is there. */
class Replay extends Error {
  override readonly name = 'Replay';
  readonly answer: StoredAnswer;

  constructor(answer: StoredAnswer) {
    super('replay');
    this.answer = answer;
  }
}

/**
 * Claims the caller's key, if there is one, and stores the texts of the request with it.
 *
 * @returns the number an earlier try of the same request had chosen
 * @throws Replay when the request was answered before; Refusal `idempotency_in_flight`, `idempotency_key_reused`
 */
export async function takeKey(
  tx: TenantTx,
  caller: Caller,
  { texts = [], newcomers = [], ticketId }: { texts?: readonly ContentRow[]; newcomers?: readonly NewCustomer[]; ticketId?: TicketId } = {},
): Promise<TicketId | null> {
  const { tenant } = caller.principal;
  const { claim: given } = caller;
  const welcome = { people: newcomers, by: accountable(caller) };
  // A second try within one request holds its key already.
  if (given === null || given.held) {
    await storeContent(tx, tenant, texts);
    await insertCustomers(tx, welcome);
    return null;
  }
  const { scope, requestHash: hash } = given;
  const result = await claim(tx, tenant, { scope, requestHash: hash, ...(ticketId === undefined ? {} : { ticketId }) }, texts, welcome);
  switch (result.kind) {
    case 'claimed':
      given.held = true;
      return result.ticketId;
    case 'stored':
      // The answer spoke of somebody who is erased; what it was asked for is not done again.
      if (result.answer.status === 410) throw new Refusal('erased');
      throw new Replay(result.answer);
    case 'in_flight':
      throw new Refusal('idempotency_in_flight');
    case 'reused':
      throw new Refusal('idempotency_key_reused');
  }
}

/** Does a write: makes the caller, keeps a good answer, replays a kept one. */
export async function write<P extends string, I extends Input>(
  context: Context<Env, P, I>,
  work: (caller: Caller) => Promise<Answer>,
): Promise<Response> {
  const c = bare(context);
  const caller = await callerOf(c);
  try {
    const answer = await work(caller);
    const text = answer.body === undefined ? null : JSON.stringify(answer.body);
    const headers = { ...(text === null ? {} : { 'content-type': 'application/json' }), ...answer.headers };
    if (caller.claim !== null) {
      c.var.deps.metrics.idempotencyLookup('miss');
      const kept = answer.kept === undefined ? text : JSON.stringify(answer.kept);
      await keep(c, caller, { status: answer.status, headers, body: kept });
    }
    return respond(c, { status: answer.status, headers, body: text }, caller.claim === null ? null : 'miss');
  } catch (error) {
    if (error instanceof Replay) {
      c.var.deps.metrics.idempotencyLookup('hit');
      return respond(c, error.answer, 'hit');
    }
    await letGo(c, caller, error);
    throw error;
  }
}

/** The context without what the route knows of its input. */
const bare = <P extends string, I extends Input>(c: Context<Env, P, I>): Context<Env> => c;

function respond(c: Context<Env>, { status, headers, body }: StoredAnswer, lookup: 'hit' | 'miss' | null): Response {
  const all = { ...headers, ...(lookup === null ? {} : { 'idempotency-lookup': lookup }) };
  return status === 204 ? c.body(null, 204, all) : c.body(body ?? '', asStatus(status), all);
}

async function callerOf(c: Context<Env>): Promise<Caller> {
  const given = c.req.header('idempotency-key');
  if (given !== undefined && !/^[\u0021-\u007E]{1,255}$/.test(given)) throw new Refusal('idempotency_key_invalid');
  const key = given ?? randomUUID();
  const { method } = c.req;
  const path = canonicalPath(c);
  const reader = readerOf(c.var);
  const { principal } = reader;
  const scope = scopeOf(principal.tenant, keyOwner(principal), method, path, key);
  const claimed =
    given === undefined ? null : { scope: Buffer.from(scope, 'hex'), requestHash: await requestHash(c, method, path), held: false };
  const match = c.req.header('if-match');
  return {
    ...reader,
    scope,
    commandId: commandIdOf(scope),
    key,
    claim: claimed,
    expected: match === undefined || match === '*' ? null : Number(/^"(\d{1,9})"$/.exec(match)?.[1] ?? Number.NaN) || 'never',
    async: /(?:^|,)\s*respond-async\s*(?:,|;|$)/i.test(c.req.header('prefer') ?? ''),
  };
}

/** Ids in their one form, so that the same thing written differently is the same thing. */
function canonicalPath(c: Context<Env>): string {
  const ticketId = c.req.param('ticketId');
  const escalationId = c.req.param('escalationId');
  const { path } = c.req;
  if (escalationId !== undefined)
    return path.replace(`/escalations/${escalationId}`, `/escalations/${escalationName(c.var.escalation.record)}`);
  return ticketId === undefined ? path : path.replace(`/tickets/${ticketId}`, `/tickets/${c.var.ticket.id}`);
}

async function requestHash(c: Context<Env>, method: string, path: string): Promise<Buffer> {
  const query = Object.entries(c.req.queries())
    .map(([name, values]): [string, string[]] => [name, values.toSorted()])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const body = c.req.bodyCache.text === undefined ? '' : await c.req.text();
  return createHash('sha256')
    .update([method, path, JSON.stringify(query), body === '' ? '' : canonical(JSON.parse(body))].join(separator))
    .digest();
}

/** The same JSON value always as the same text: keys in order, no spaces. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

/** The answer is out by right once the command is accepted: a database that fails now must not turn it into an error. */
async function keep(c: Context<Env>, { principal, deadline, claim: held }: Caller, answer: StoredAnswer): Promise<void> {
  if (held === null) return;
  const { db, log } = c.var.deps;
  try {
    await before(
      deadline + grace,
      withTenant(db, principal.tenant, (tx) => keepAnswer(tx, principal.tenant, held.scope, answer)),
    );
  } catch (error) {
    log.warn({ requestId: c.var.requestId, err: error }, 'answer of a write not kept');
  }
}

/** Frees the key of a request that was not done, or whose outcome the caller has to ask for again. */
async function letGo(c: Context<Env>, { principal, claim: taken }: Caller, error: unknown): Promise<void> {
  const { db, log, metrics } = c.var.deps;
  if (taken === null) return;
  if (error instanceof Refusal && error.code === 'idempotency_in_flight') return metrics.idempotencyLookup('in_flight');
  if (error instanceof Refusal && error.code === 'idempotency_key_reused') return metrics.idempotencyLookup('conflict');
  if (!taken.held || isDatabaseDown(error)) return;
  const known = error instanceof Refusal && error.code !== 'command_unconfirmed' && error.code !== 'internal';
  try {
    await withTenant(db, principal.tenant, (tx) => (known ? forget : release)(tx, principal.tenant, taken.scope));
  } catch (failure) {
    log.warn({ requestId: c.var.requestId, err: failure }, 'claim of a key not released');
  }
}
