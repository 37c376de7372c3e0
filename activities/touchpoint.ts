/** Messages of journeys to their subjects: each sent at most once, or kept as unknown. Source: journeys.md, section 2; reliability.md, R1 and R3. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context, log } from '@temporalio/activity';
import { v5 as uuidFrom } from 'uuid';
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import { claimTouchpoint, endTouchpoint, findTouchpointTarget, wireTouchpoint } from '../db/queries/touchpoints.js';
import type { TouchpointEnd, TouchpointRow, TouchpointTarget } from '../db/queries/touchpoints.js';
import { effectKey } from '../domain/journey/action.js';
import { oneLine, parseAddress, supportAddress } from '../domain/messaging/headers.js';
import { touchpointText } from '../domain/messaging/touchpoint.js';
import type { TouchpointText } from '../domain/messaging/touchpoint.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import type { TouchpointActivities, TouchpointRequest } from './contract.js';
import { codeOf, judge, LeaseLost, tryAgain } from './failures.js';
import type { EmailSender, OutgoingMail } from './ports.js';

export interface TouchpointDeps {
  readonly db: Db;
  readonly email: EmailSender;
  readonly mailDomain: string;
  readonly now: () => Instant;
}

/** An attempt ends within this time, before the activity does: 25 s. */
const callLimit = 20 * second;
const leaseTime = 25 * second;
/** How long the end of a send that did happen is kept trying to be recorded, when PostgreSQL is away. */
const recordPauses: readonly number[] = [100, 300, 600, 1_000, 1_500];

export const createTouchpoints = (deps: TouchpointDeps): TouchpointActivities => ({
  async deliverTouchpoint(request) {
    const { journey, step, visit, item = null, channel, template, cap } = request;
    const { tenant, journeyId, subject } = journey;
    const target = await inTenant(deps, request, (tx) => findTouchpointTarget(tx, tenant, subject, deps.mailDomain));
    const { recipient } = target;
    const action = `touchpoint:${channel}:${template}`;
    const key = effectKey({ journeyId, step, visit, item, effect: action, recipient });
    const row: TouchpointRow = { tenant, key, journeyId, step, visit, item, action, recipient, cap };
    const claim = await inTenant(deps, request, (tx) => claimTouchpoint(tx, row, deps.now() + leaseTime, deps.now()));
    if (claim.kind === 'over') return { outcome: claim.outcome };
    if (claim.kind === 'wait') throw tryAgain('touchpoint.retry', ['not_yet'], claim.until - deps.now());
    const end = await attempt(deps, request, { row, number: claim.attempt, target });
    if (end === null) throw tryAgain('touchpoint.retry', ['taken_over']);
    await recorded(deps, row, end);
    if (end.state === 'planned') throw tryAgain('touchpoint.retry', [end.error ?? 'not_sent']);
    return { outcome: end.state === 'done' ? 'sent' : 'failed' };
  },
});

interface Attempt {
  readonly row: TouchpointRow;
  readonly number: number;
  readonly target: TouchpointTarget;
}

/** One send. @returns how it ended; null: another attempt has this message */
async function attempt(
  deps: TouchpointDeps,
  { channel, template }: TouchpointRequest,
  { row, number, target }: Attempt,
): Promise<TouchpointEnd | null> {
  if (channel !== 'email') return { state: 'failed', error: 'unknown_channel' };
  const { address, product, name } = target;
  if (address === null) return { state: 'failed', error: 'no_address' };
  if (product === null) return { state: 'failed', error: 'no_product' };
  const text = touchpointText(template, { customer: { name: name ?? '' }, product });
  if (text === null) return { state: 'failed', error: 'unknown_template' };
  const signal = AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(callLimit)]);
  let wired = false;
  const beforeWire = async (): Promise<void> => {
    if (!(await withTenant(deps.db, row.tenant, (tx) => wireTouchpoint(tx, row, number, deps.now()))))
      throw new LeaseLost('another attempt has this message');
    signal.throwIfAborted();
    wired = true;
  };
  try {
    await deps.email.send(mailOf(row, { ...target, address, product }, text, deps.mailDomain), { signal, beforeWire });
    return { state: 'done', error: null };
  } catch (error) {
    if (error instanceof Error && error.cause instanceof LeaseLost) return null;
    const { kind, code } = judge(error, wired);
    log.warn('a message of a journey was not sent', { key: row.key, outcome: kind, code });
    return { state: kind === 'retry' ? 'planned' : kind, error: code };
  }
}

type Complete = TouchpointTarget & { readonly address: string; readonly product: NonNullable<TouchpointTarget['product']> };

/** A mail that no person wrote (RFC 3834); an answer goes to the desk. */
function mailOf(
  { tenant, key }: TouchpointRow,
  { address, name, product }: Complete,
  { subject, text }: TouchpointText,
  domain: string,
): OutgoingMail {
  const to = parseAddress(address);
  if (to === null) throw new Error('the recipient has no usable address');
  const desk = { name: oneLine(product.fromName, 100), address: supportAddress(product.key, domain) };
  return {
    from: desk,
    to: { name: oneLine(name ?? '', 100), address: to },
    replyTo: desk,
    envelopeFrom: null,
    messageId: `<${uuidFrom(key, tenant)}@${domain}>`,
    inReplyTo: null,
    references: [],
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    subject,
    text,
    html: null,
    attachments: [],
  };
}

/** Keeps trying for a few seconds: what is not recorded now can only be called unknown later. */
async function recorded(
  deps: TouchpointDeps,
  row: TouchpointRow,
  end: TouchpointEnd,
  pauses: readonly number[] = recordPauses,
): Promise<void> {
  try {
    await withTenant(deps.db, row.tenant, (tx) => endTouchpoint(tx, row, end, deps.now()));
  } catch (error) {
    const [pause, ...rest] = pauses;
    if (pause === undefined) throw tryAgain('touchpoint.retry', [codeOf(error)]);
    await sleep(pause);
    await recorded(deps, row, end, rest);
  }
}

/** Errors of the database may quote addresses; Temporal must see none. */
async function inTenant<T>({ db }: TouchpointDeps, { journey }: TouchpointRequest, work: (tx: TenantTx) => Promise<T>): Promise<T> {
  try {
    return await withTenant(db, journey.tenant, work);
  } catch (error) {
    throw tryAgain('touchpoint.retry', [codeOf(error)]);
  }
}
