/** Sends planned mail: each at most once, or kept as unknown. Source: reliability.md, R1, R3, R6. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context, log } from '@temporalio/activity';
import type { Db } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { FileMissing } from '../db/files.js';
import type { FileStore } from '../db/files.js';
import { claimOutbound, giveUpOutbound, listOutbound, markWire, settleOutbound } from '../db/queries/outbound.js';
import type { ClaimedMail, MailFile, OutboundRow, OutboundState, Settlement } from '../db/queries/outbound.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { attachmentLimit, composeMail } from './compose.js';
import type { DeliveryActivities, DeliveryRequest, DeliveryResult, GiveUpActivities } from './contract.js';
import { judge, LeaseLost, tryAgain } from './failures.js';
import type { MailTokens } from './mail-tokens.js';
import type { EmailSender, MailAttachment } from './ports.js';

export interface DeliveryDeps {
  readonly db: Db;
  readonly email: EmailSender;
  readonly files: FileStore;
  readonly tokens: MailTokens;
  /** Domain of our own addresses and Message-IDs. */
  readonly mailDomain: string;
  /** A new UUID. */
  readonly newId: () => string;
  readonly now: () => Instant;
}

/** All attempts of one call end within this time, before the activity does: 25 s. */
const callLimit = 20 * second;
/** A send begun later than this would have too little time. */
const lastStart = 12 * second;
/** Recipients of one message that are sent to at once. */
const parallel = 5;
/** How long the end of a send that did happen is kept trying to be recorded, when PostgreSQL is away. */
const recordPauses: readonly number[] = [100, 300, 600, 1_000, 1_500];

/** What one row came to; `again`: nothing was sent, and it may be tried again. */
type Outcome = { readonly state: OutboundState } | { readonly again: string };

export function createDelivery(deps: DeliveryDeps): DeliveryActivities & GiveUpActivities {
  const { db, now } = deps;
  return {
    async deliver(request) {
      const rows = await listed(db, request);
      const outcomes = await sendAll(deps, request, rows);
      const again = outcomes.flatMap((outcome) => ('again' in outcome ? [outcome.again] : []));
      if (again.length > 0) throw tryAgain('delivery.retry', again);
      return count(outcomes.flatMap((outcome) => ('state' in outcome ? [outcome.state] : [])));
    },
    async giveUp({ tenant, ticketId, message }) {
      try {
        await withTenant(db, tenant, (tx) => giveUpOutbound(tx, tenant, ticketId, message, now()));
      } catch (error) {
        throw withoutText(error);
      }
      const rows = await listed(db, { tenant, ticketId, message });
      return count(rows.map(({ state }) => state));
    },
  };
}

/** A few recipients at a time, so that a hanging one does not hold up the others. */
async function sendAll(deps: DeliveryDeps, request: DeliveryRequest, rows: readonly OutboundRow[]): Promise<Outcome[]> {
  const begun = deps.now();
  const signal = AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(callLimit)]);
  const waiting = [...rows];
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      const late = signal.aborted || deps.now() - begun > lastStart;
      outcomes.push(
        isOver(row.state) ? { state: row.state } : late ? { again: 'out_of_time' } : await sendOne(deps, request, row.id, signal),
      );
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return outcomes;
}

const isOver = (state: OutboundState): boolean => state !== 'planned' && state !== 'sending';

/** Claim, send, record. Throws nothing: one recipient's trouble must not cost another the record of a mail that went out. */
async function sendOne(
  deps: DeliveryDeps,
  { tenant, ticketId: ticket }: DeliveryRequest,
  id: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { db, tokens, mailDomain, newId, now } = deps;
  try {
    const lease = newId();
    const messageId = tokens.messageId({ tenant, ticket, outbound: id });
    const claim = await withTenant(db, tenant, (tx) => claimOutbound(tx, { tenant, id, lease, messageId, domain: mailDomain, now: now() }));
    if (claim.kind === 'over') return claim.state === null ? { again: 'row_gone' } : { state: claim.state };
    const end = await attempt(deps, claim.mail, signal);
    return end instanceof LeaseLost ? { again: 'taken_over' } : await recorded(deps, claim.mail, end);
  } catch (error) {
    log.warn('delivery attempt broke off', { outbound: id, error });
    return { again: codeOf(error) };
  }
}

/** One send. Whatever happens before the wire is mended by another attempt; after it, nothing is. */
async function attempt(deps: DeliveryDeps, claimed: ClaimedMail, signal: AbortSignal): Promise<Settlement | LeaseLost> {
  const { db, email, tokens, mailDomain: domain, now } = deps;
  const { tenant, id, lease } = claimed;
  let wired = false;
  const beforeWire = async (): Promise<void> => {
    if (!(await withTenant(db, tenant, (tx) => markWire(tx, { tenant, id, lease }, now()))))
      throw new LeaseLost('another attempt has this mail');
    // Past the limit the connection is gone already, and the mark would make a mail unknown that was never sent.
    signal.throwIfAborted();
    wired = true;
  };
  try {
    const { attachments, omitted } = await attachmentsOf(deps.files, claimed.files);
    const { mail, fellBack } = composeMail(claimed, { domain, tokens, attachments, omitted });
    if (fellBack)
      log.warn('a mail template of the product failed; the default was sent', { product: claimed.product.key, template: claimed.template });
    const { providerId, text } = await email.send(mail, { signal, beforeWire });
    return { state: 'sent', code: null, providerId, providerText: text, bouncedAddress: null };
  } catch (error) {
    if (error instanceof Error && error.cause instanceof LeaseLost) return error.cause;
    const { kind, code, badAddress } = judge(error, wired);
    return {
      state: kind === 'retry' ? 'planned' : kind,
      code,
      providerId: null,
      providerText: error instanceof Error ? error.message : null,
      bouncedAddress: badAddress ? claimed.recipient.address : null,
    };
  }
}

/** Keeps trying for a few seconds: what is not recorded now can only be called unknown later. */
async function recorded(
  deps: DeliveryDeps,
  claimed: ClaimedMail,
  end: Settlement,
  pauses: readonly number[] = recordPauses,
): Promise<Outcome> {
  try {
    const mine = await withTenant(deps.db, claimed.tenant, (tx) => settleOutbound(tx, claimed, end, deps.now()));
    if (!mine) return { again: 'taken_over' };
    return end.state === 'planned' ? { again: end.code ?? 'not_sent' } : { state: end.state };
  } catch (error) {
    const [pause, ...rest] = pauses;
    if (pause === undefined) throw error;
    await sleep(pause);
    return recorded(deps, claimed, end, rest);
  }
}

/** In the order they were attached, as long as they fit; the others are named in the mail. */
async function attachmentsOf(files: FileStore, list: readonly MailFile[]): Promise<{ attachments: MailAttachment[]; omitted: string[] }> {
  const attachments: MailAttachment[] = [];
  const omitted: string[] = [];
  let total = 0;
  for (const { name, type, size, storageKey } of list) {
    const bytes = total + size > attachmentLimit ? null : await readOrNull(files, storageKey);
    if (bytes === null) {
      omitted.push(name);
      continue;
    }
    total += size;
    attachments.push({ name, type, bytes });
  }
  return { attachments, omitted };
}

/** A file that is gone for good must not hold back the words. */
async function readOrNull(files: FileStore, key: string): Promise<Buffer | null> {
  try {
    return await files.read(key);
  } catch (error) {
    if (error instanceof FileMissing) return null;
    throw error;
  }
}

async function listed(db: Db, { tenant, ticketId, message }: DeliveryRequest): Promise<OutboundRow[]> {
  try {
    return await withTenant(db, tenant, (tx) => listOutbound(tx, tenant, ticketId, message));
  } catch (error) {
    throw withoutText(error);
  }
}

/** Errors of the database may quote addresses; Temporal must see none. */
const withoutText = (error: unknown): Error => tryAgain('delivery.retry', [codeOf(error)]);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z_]{1,30}$/.test(error.code)
    ? `database_${error.code}`
    : 'internal';

function count(states: readonly OutboundState[]): DeliveryResult {
  const of = (...wanted: readonly OutboundState[]): number => states.filter((state) => wanted.includes(state)).length;
  return { sent: of('sent'), failed: of('failed'), unknown: of('unknown'), suppressed: of('suppressed', 'cancelled') };
}
