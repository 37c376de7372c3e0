/** One row of the ledger: claimed, sent, recorded. Source: reliability.md, R1, R3, R4 and R6. */
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '@temporalio/activity';
import type { Db } from '../db/client.js';
import { withTenant } from '../db/client.js';
import type { FileStore } from '../db/files.js';
import { phoneOf, settleFound } from '../db/queries/notice-claim.js';
import type { ClaimedNotice, NoticeClaim } from '../db/queries/notice-claim.js';
import type { OutboundRow, OutboundState } from '../db/queries/outbound.js';
import { claimMail } from '../db/queries/outbound-mail.js';
import type { ClaimedMail, MailClaim } from '../db/queries/outbound-mail.js';
import { markWire } from '../db/queries/outbound-settle.js';
import type { Settlement } from '../db/queries/outbound-settle.js';
import { afterDoubt } from '../domain/messaging/doubt.js';
import type { DoubtStep } from '../domain/messaging/doubt.js';
import { isNotice, noticePatience } from '../domain/sla/notice.js';
import type { NoticeChannel } from '../domain/sla/policy.js';
import type { Instant } from '../domain/time.js';
import { attachmentsOf } from './attachments.js';
import { composeMail } from './compose.js';
import type { DeliveryRequest } from './contract.js';
import { codeOf, judge, LeaseLost, ReasonGone } from './failures.js';
import type { MailTokens } from './mail-tokens.js';
import type { Ledger } from './ledger.js';
import { referenceOf, sendNotice } from './notice.js';
import type { NoticeSenders } from './notice.js';
import type { SendOptions, SendReceipt } from './ports.js';

/** Told what becomes of messages. */
export interface DeliveryTally {
  /** A message to one recipient came to an end. */
  readonly settled: (channel: NoticeChannel, state: OutboundState) => void;
  /** A message is sent once more although an earlier attempt may have gone out. */
  readonly possibleDuplicate: () => void;
  /** A notice found nobody to go to. */
  readonly nobody: () => void;
}

export interface AttemptDeps extends NoticeSenders {
  readonly db: Db;
  readonly files: FileStore;
  readonly tokens: MailTokens;
  readonly tally: DeliveryTally;
  readonly ledger: Ledger;
  /** A new UUID. */
  readonly newId: () => string;
  readonly now: () => Instant;
}

/** What one row came to; `again`: nothing is settled, and it may be tried again, at once or after a time. */
export type Outcome = { readonly state: OutboundState } | { readonly again: string; readonly afterMs?: number };

type Claimed = ClaimedMail | ClaimedNotice;

/** How long the end of a send that did happen is kept trying to be recorded, when PostgreSQL is away. */
const recordPauses: readonly number[] = [100, 300, 600, 1_000, 1_500];

/** Throws nothing: one recipient's trouble must not cost another the record of a message that went out. */
export async function sendOne(deps: AttemptDeps, request: DeliveryRequest, row: OutboundRow, signal: AbortSignal): Promise<Outcome> {
  try {
    return await advance(deps, request, row, signal);
  } catch (error) {
    log.warn('delivery attempt broke off', { outbound: row.id, error });
    return { again: codeOf(error) };
  }
}

/** @param absent the attempt that reached the wire at this instant is not known to the provider */
async function advance(
  deps: AttemptDeps,
  request: DeliveryRequest,
  row: OutboundRow,
  signal: AbortSignal,
  absent?: Instant,
): Promise<Outcome> {
  const { tally, now } = deps;
  const claim = await claimRow(deps, request, row.id, absent);
  switch (claim.kind) {
    case 'over':
      return claim.state === null ? { again: 'row_gone' } : { state: claim.state };
    case 'ended':
      tally.settled(row.channel, claim.state);
      return { state: claim.state };
    case 'wait':
      return { again: 'not_yet', afterMs: claim.until - now() };
    case 'look': {
      const found = await look(deps, request, row, claim.wireAt, signal);
      return found === 'absent' ? advance(deps, request, row, signal, claim.wireAt) : found;
    }
    case 'claimed': {
      const { message } = claim;
      if (message.kind === 'notice' && message.repeats) tally.possibleDuplicate();
      const end = await attempt(deps, message, signal);
      return end instanceof LeaseLost ? { again: 'taken_over' } : recorded(deps, message, row.channel, end);
    }
  }
}

function claimRow(deps: AttemptDeps, request: DeliveryRequest, id: string, absent: Instant | undefined): Promise<MailClaim | NoticeClaim> {
  const { tokens, mailDomain: domain, sms, newId, now } = deps;
  const { tenant, ticketId: ticket, message } = request;
  const messageId = tokens.messageId({ tenant, ticket, outbound: id });
  const asked = { tenant, id, lease: newId(), messageId, domain, now: now(), ...(absent === undefined ? {} : { absent }) };
  if (isNotice(message)) return deps.ledger.claimNotice(tenant, { ...asked, sms: sms !== null });
  return withTenant(deps.db, tenant, (tx) => claimMail(tx, asked));
}

/** Asks the provider what became of an attempt that it did not answer. */
async function look(
  { db, sms, tally, now }: AttemptDeps,
  { tenant }: DeliveryRequest,
  { id, channel }: OutboundRow,
  wireAt: Instant,
  signal: AbortSignal,
): Promise<Outcome | 'absent'> {
  const to = await withTenant(db, tenant, (tx) => phoneOf(tx, tenant, id));
  if (sms === null || to === null) return 'absent';
  let providerId: string | null;
  try {
    providerId = await sms.find(to, referenceOf(id), signal);
  } catch (error) {
    log.warn('an SMS provider could not be asked what it sent', { outbound: id, code: judge(error, false).code });
    return now() - wireAt > noticePatience ? 'absent' : { again: 'not_reconciled' };
  }
  if (providerId === null) return 'absent';
  const found = { tenant, id, wireAt, providerId };
  if (!(await withTenant(db, tenant, (tx) => settleFound(tx, found, now())))) return { again: 'taken_over' };
  tally.settled(channel, 'sent');
  return { state: 'sent' };
}

/** One send. Whatever happens before the wire is mended by another attempt; after it, the message's delivery policy says what follows. */
async function attempt(deps: AttemptDeps, message: Claimed, signal: AbortSignal): Promise<Settlement | LeaseLost> {
  let wired = false;
  const beforeWire = async (): Promise<void> => {
    await passWire(deps, message);
    // Past the limit the connection is gone already, and the mark would make a message unknown that was never sent.
    signal.throwIfAborted();
    wired = true;
  };
  try {
    const { providerId, text } = await send(deps, message, { signal, beforeWire });
    return { ...nothing, state: 'sent', providerId, providerText: text };
  } catch (error) {
    if (error instanceof Error && error.cause instanceof LeaseLost) return error.cause;
    return endOf(error, message, wired, deps.now());
  }
}

function send(deps: AttemptDeps, message: Claimed, options: SendOptions): Promise<SendReceipt> {
  return message.kind === 'mail' ? sendMail(deps, message, options) : sendNotice(deps, message, options);
}

async function sendMail(deps: AttemptDeps, claimed: ClaimedMail, options: SendOptions): Promise<SendReceipt> {
  const { attachments, omitted } = await attachmentsOf(deps.files, claimed.files);
  const { mail, fellBack } = composeMail(claimed, { domain: deps.mailDomain, tokens: deps.tokens, attachments, omitted });
  if (fellBack)
    log.warn('a mail template of the product failed; the default was sent', { product: claimed.product.key, template: claimed.template });
  return deps.email.send(mail, options);
}

/** @throws LeaseLost, ReasonGone */
async function passWire({ db, ledger, now }: AttemptDeps, message: Claimed): Promise<void> {
  const { tenant, id } = message;
  if (message.kind === 'mail') {
    const marked = await withTenant(db, tenant, (tx) => markWire(tx, tenant, [message], now()));
    if (marked.has(id)) return;
    throw new LeaseLost('another attempt has this message');
  }
  const wire = await ledger.wireNotice(tenant, message);
  if (wire.kind === 'gone') throw new ReasonGone(wire.reason);
  if (wire.kind === 'lost') throw new LeaseLost('another attempt has this message');
}

const nothing = { code: null, providerId: null, providerText: null, bouncedAddress: null, notBefore: null } as const;

/** What an attempt came to that did not end with the provider's yes. A refused repetition says nothing of the attempt before it. */
function endOf(error: unknown, message: Claimed, wired: boolean, now: Instant): Settlement {
  const repeats = message.kind === 'notice' && message.repeats;
  const certain = repeats ? 'unknown' : 'failed';
  if (error instanceof Error && error.cause instanceof ReasonGone)
    return repeats ? { ...nothing, state: 'unknown', code: 'no_reply' } : { ...nothing, state: 'suppressed', code: error.cause.reason };
  const { kind, code, badAddress, retryAfterMs } = judge(error, wired);
  const end = {
    ...nothing,
    code,
    providerText: error instanceof Error ? error.message : null,
    bouncedAddress: badAddress && message.kind === 'mail' ? message.recipient.address : null,
    notBefore: retryAfterMs === null ? null : now + retryAfterMs,
  };
  if (kind === 'failed') return { ...end, state: certain };
  if (kind === 'unknown') return { ...end, state: doubtOf(message, now).kind === 'unknown' ? 'unknown' : 'doubt' };
  const isOld = message.kind === 'notice' && now - message.createdAt > noticePatience;
  return { ...end, state: isOld ? certain : 'planned' };
}

/** What follows from an attempt that reached the wire just now and got no answer. */
const doubtOf = (message: Claimed, now: Instant): DoubtStep =>
  afterDoubt({
    template: message.kind === 'notice' ? 'notice' : message.template,
    repeated: message.kind === 'notice' && message.repeats,
    listed: message.kind === 'notice' && message.channel === 'sms',
    wireAt: now,
    absent: false,
    now,
  });

/** Keeps trying for a few seconds: what is not recorded now can only be called unknown later. */
async function recorded(
  deps: AttemptDeps,
  message: Claimed,
  channel: NoticeChannel,
  end: Settlement,
  pauses: readonly number[] = recordPauses,
): Promise<Outcome> {
  const { ledger, tally, now } = deps;
  try {
    if (!(await ledger.settle(message.tenant, { holder: message, end, now: now() }))) return { again: 'taken_over' };
  } catch (error) {
    const [pause, ...rest] = pauses;
    if (pause === undefined) throw error;
    await sleep(pause);
    return recorded(deps, message, channel, end, rest);
  }
  const { state, code, notBefore } = end;
  if (state === 'planned') return again(code ?? 'not_sent', notBefore, now());
  if (state === 'doubt') {
    const step = doubtOf(message, now());
    return again('no_reply', step.kind === 'wait' ? step.until : null, now());
  }
  tally.settled(channel, state);
  return { state };
}

const again = (code: string, until: Instant | null, now: Instant): Outcome =>
  until === null ? { again: code } : { again: code, afterMs: until - now };
