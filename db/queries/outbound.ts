/** The ledger of outbound mail: each row is claimed, marked at the wire and settled by the holder of its lease alone. Source: reliability.md, R1 and R6. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import { asCustomerId, asProductKey, asTicketId } from '../../domain/ids.js';
import type { CustomerId, ProductKey, TenantId, TicketId } from '../../domain/ids.js';
import { ownMailbox, parseAddress } from '../../domain/messaging/headers.js';
import { mailTemplates } from '../../domain/messaging/plan.js';
import type { MailTemplate } from '../../domain/messaging/plan.js';
import { reasonAgainst } from '../../domain/messaging/suppression.js';
import type { SuppressionFacts, SuppressionReason } from '../../domain/messaging/suppression.js';
import { ticketStatuses } from '../../domain/ticket/status.js';
import type { TicketStatus } from '../../domain/ticket/status.js';
import { hour, second, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export const outboundStates = ['planned', 'sending', 'sent', 'failed', 'unknown', 'suppressed', 'cancelled'] as const;
export type OutboundState = (typeof outboundStates)[number];

/** Tells the reconciler when nobody came back; nobody else waits for it. */
const leaseTime = 60 * second;
/** Message-IDs a mail refers to, besides the one it answers. */
const mostReferences = 10;

export interface OutboundRow {
  readonly id: string;
  readonly state: OutboundState;
}

/** The rows of one message, those tried least first, so that a slow recipient does not hold up the others. */
export async function listOutbound(tx: TenantTx, tenant: TenantId, ticket: TicketId, message: string): Promise<OutboundRow[]> {
  const rows = await tx
    .selectFrom('outboundMessage')
    .select(['id', 'state'])
    .where('tenantId', '=', tenant)
    .where('ticketId', '=', ticket)
    .where('message', '=', message)
    .orderBy('attempts')
    .orderBy('id')
    .execute();
  return rows.map(({ id, state }) => ({ id, state: oneOf(outboundStates, state) }));
}

export interface ClaimRequest {
  readonly tenant: TenantId;
  readonly id: string;
  /** New for each attempt; whoever holds it may write. */
  readonly lease: string;
  /** Fixed with the first claim. */
  readonly messageId: string;
  /** Right-hand side of our own addresses. */
  readonly domain: string;
  readonly now: Instant;
}

export interface MailFile {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly storageKey: string;
}

/** Everything a mail is made of. */
export interface ClaimedMail {
  readonly tenant: TenantId;
  readonly id: string;
  readonly lease: string;
  readonly attempt: number;
  readonly template: MailTemplate;
  readonly automatic: boolean;
  readonly messageId: string;
  /** The mail it answers; null: the first of its thread. */
  readonly inReplyTo: string | null;
  /** Earlier mails of the thread, oldest first. */
  readonly references: readonly string[];
  readonly ticket: { readonly id: TicketId; readonly subject: string; readonly status: TicketStatus };
  readonly product: { readonly key: ProductKey; readonly name: string; readonly settings: ProductSettings };
  readonly recipient: { readonly id: CustomerId; readonly name: string | null; readonly address: string };
  /** Text and sanitised HTML of the message; null: the template brings all the words. */
  readonly text: { readonly body: string; readonly html: string | null; readonly author: string | null } | null;
  readonly files: readonly MailFile[];
}

export type Claim =
  | { readonly kind: 'claimed'; readonly mail: ClaimedMail }
  /** Settled before or by this call; null: there is no such row. */
  | { readonly kind: 'over'; readonly state: OutboundState | null };

/**
 * Begins an attempt, if the mail's reason still holds.
 *
 * @returns `over` when it is settled: because it was, because the reason is gone (`suppressed`), or because an earlier attempt reached
 *   the wire and nobody can say what became of it (`unknown`)
 */
export async function claimOutbound(tx: TenantTx, request: ClaimRequest): Promise<Claim> {
  const { tenant, id, now } = request;
  const row = await lockRow(tx, tenant, id);
  if (row === undefined) return { kind: 'over', state: null };
  const state = oneOf(outboundStates, row.state);
  if (state !== 'planned' && state !== 'sending') return { kind: 'over', state };
  if (state === 'sending')
    await endAttempt(tx, { tenant, id, attempt: row.attempts, now, outcome: row.wireAt === null ? 'lost' : 'unknown' });
  if (state === 'sending' && row.wireAt !== null) {
    await tx
      .updateTable('outboundMessage')
      .set({ state: 'unknown', errorCode: 'no_reply', leaseToken: null, leaseUntil: null, updatedAt: toIso(now) })
      .where('tenantId', '=', tenant)
      .where('id', '=', id)
      .execute();
    return { kind: 'over', state: 'unknown' };
  }
  const scene = await loadScene(tx, row, request);
  const reason = reasonAgainst(scene.facts);
  if (reason !== null || scene.address === null) {
    await suppress(tx, request, reason ?? 'no_address');
    return { kind: 'over', state: 'suppressed' };
  }
  const attempt = row.attempts + 1;
  const claimed = await tx
    .updateTable('outboundMessage')
    .set({
      state: 'sending',
      leaseToken: request.lease,
      leaseUntil: toIso(now + leaseTime),
      attempts: attempt,
      messageId: row.messageId ?? request.messageId,
      updatedAt: toIso(now),
    })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .returning('messageId')
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('deliveryAttempt')
    .values({ tenantId: tenant, outboundId: id, attempt, startedAt: toIso(now) })
    .execute();
  const messageId = claimed.messageId ?? request.messageId;
  const mail = await loadMail(tx, row, { ...scene, address: scene.address });
  return { kind: 'claimed', mail: { ...mail, tenant, id, lease: request.lease, attempt, messageId } };
}

interface Holder {
  readonly tenant: TenantId;
  readonly id: string;
  readonly lease: string;
}

/**
 * Notes that the mail is about to be sent; after this nobody sends it again.
 *
 * @returns false when another attempt took the row over: nothing may be sent
 */
export async function markWire(tx: TenantTx, { tenant, id, lease }: Holder, now: Instant): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('outboundMessage')
    .set({ wireAt: toIso(now), updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('leaseToken', '=', lease)
    .where('state', '=', 'sending')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** How an attempt ended. */
export interface Settlement {
  readonly state: 'sent' | 'failed' | 'unknown' | 'planned';
  readonly code: string | null;
  readonly providerId: string | null;
  /** What the provider said; kept with the attempt alone. */
  readonly providerText: string | null;
  /** The address does not exist: nothing more is sent to it. */
  readonly bouncedAddress: string | null;
}

/**
 * Records how an attempt ended, and gives the lease back.
 *
 * @returns false when another attempt took the row over: then only this attempt's own line says how it ended
 */
export async function settleOutbound(
  tx: TenantTx,
  holder: Holder & { readonly attempt: number },
  end: Settlement,
  now: Instant,
): Promise<boolean> {
  const { tenant, id, lease, attempt } = holder;
  const { state, code, providerId, providerText, bouncedAddress } = end;
  const delivery = state === 'sent' ? 'accepted' : bouncedAddress === null ? (state === 'planned' ? 'deferred' : null) : 'bounced';
  const { numUpdatedRows } = await tx
    .updateTable('outboundMessage')
    .set({
      state,
      errorCode: code,
      providerId,
      delivery,
      leaseToken: null,
      leaseUntil: null,
      updatedAt: toIso(now),
      // Back in the plan: the wire was certainly not reached, or the provider said no.
      ...(state === 'planned' ? { wireAt: null } : {}),
      ...(state === 'sent' ? { sentAt: toIso(now) } : {}),
    })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('leaseToken', '=', lease)
    .executeTakeFirst();
  const mine = numUpdatedRows === 1n;
  const outcome = !mine ? `late_${state}` : state === 'planned' ? 'retry' : state;
  await endAttempt(tx, { tenant, id, attempt, now, outcome, code, text: providerText });
  if (mine && bouncedAddress !== null) {
    await tx
      .updateTable('customerContact')
      .set({ bounced: true })
      .where('tenantId', '=', tenant)
      .where('kind', '=', 'email')
      .where('value', '=', bouncedAddress)
      .execute();
  }
  return mine;
}

/** Ends what is open of a message: what may have reached the wire becomes `unknown`, the rest `failed`. */
export async function giveUpOutbound(tx: TenantTx, tenant: TenantId, ticket: TicketId, message: string, now: Instant): Promise<void> {
  await sql`
    with ended as (
      update outbound_message
      set state = case when state = 'sending' and wire_at is not null then 'unknown' else 'failed' end,
          error_code = case when state = 'sending' and wire_at is not null then 'no_reply' else 'gave_up' end,
          lease_token = null, lease_until = null, updated_at = ${toIso(now)}
      where tenant_id = ${tenant} and ticket_id = ${ticket} and message = ${message} and state in ('planned', 'sending')
      returning id, attempts, state
    )
    update delivery_attempt a set ended_at = ${toIso(now)}, outcome = e.state
    from ended e where a.tenant_id = ${tenant} and a.outbound_id = e.id and a.attempt = e.attempts and a.ended_at is null`.execute(tx);
}

interface AttemptEnd {
  readonly tenant: TenantId;
  readonly id: string;
  readonly attempt: number;
  readonly now: Instant;
  readonly outcome: string;
  readonly code?: string | null;
  readonly text?: string | null;
}

async function endAttempt(tx: TenantTx, { tenant, id, attempt, now, outcome, code = null, text = null }: AttemptEnd): Promise<void> {
  await tx
    .updateTable('deliveryAttempt')
    .set({ endedAt: toIso(now), outcome, providerCode: code, providerText: text?.slice(0, 2_000) ?? null })
    .where('tenantId', '=', tenant)
    .where('outboundId', '=', id)
    .where('attempt', '=', attempt)
    .execute();
}

const lockRow = (tx: TenantTx, tenant: TenantId, id: string) =>
  tx.selectFrom('outboundMessage').selectAll().where('tenantId', '=', tenant).where('id', '=', id).forUpdate().executeTakeFirst();

type Row = NonNullable<Awaited<ReturnType<typeof lockRow>>>;

async function suppress(tx: TenantTx, { tenant, id, now }: ClaimRequest, reason: SuppressionReason): Promise<void> {
  await tx
    .updateTable('outboundMessage')
    .set({ state: 'suppressed', reason, leaseToken: null, leaseUntil: null, updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}

/** What decides whether the mail may go, and what it takes to write it. */
async function loadScene(tx: TenantTx, row: Row, { tenant, id, domain, now }: ClaimRequest) {
  const ticket = await tx
    .selectFrom('ticket')
    .innerJoin('product', (join) => join.onRef('product.tenantId', '=', 'ticket.tenantId').onRef('product.key', '=', 'ticket.product'))
    .select(['ticket.id', 'subject', 'status', 'cycle', 'channel', 'removedAt', 'product', 'product.name', 'settings'])
    .where('ticket.tenantId', '=', tenant)
    .where('ticket.id', '=', row.ticketId)
    .executeTakeFirstOrThrow();
  const customer = await tx
    .selectFrom('customer')
    .select(['name', 'deletedAt'])
    .where('tenantId', '=', tenant)
    .where('id', '=', row.recipientId)
    .executeTakeFirst();
  const contact = await contactOf(tx, tenant, row);
  const text = row.contentId === null ? undefined : await textOf(tx, tenant, row.contentId);
  const settings = ProductSettings.parse(ticket.settings);
  const template = oneOf(mailTemplates, row.template);
  const status = oneOf(ticketStatuses, ticket.status);
  const facts: SuppressionFacts = {
    template,
    automatic: row.automatic,
    cycle: row.cycle,
    ticket: { removed: ticket.removedAt !== null, status, cycle: ticket.cycle, openedByMail: ticket.channel === 'email' },
    customerDeleted: customer === undefined || customer.deletedAt !== null,
    textErased: template === 'reply' && (text === undefined || (text.body === null && text.html === null)),
    address: contact === undefined ? 'none' : contact.bounced ? 'bounced' : kindOf(contact.value, domain),
    switchedOn: settings.mail[template],
    lastHour: row.automatic ? await lastHour(tx, { tenant, id, row, now }) : { acknowledgementsToRecipient: 0, automaticOfTicket: 0 },
  };
  const address = contact?.value ?? null;
  return { facts, template, status, settings, ticket, customerName: customer?.name ?? null, address, text };
}

type Scene = Awaited<ReturnType<typeof loadScene>>;

const kindOf = (address: string, domain: string): 'good' | 'ours' | 'invalid' =>
  ownMailbox(address, domain) === null ? (parseAddress(address) === null ? 'invalid' : 'good') : 'ours';

/** The customer's address: one that works before one that bounced, then the one they wrote from last. */
const contactOf = (tx: TenantTx, tenant: TenantId, row: Row) =>
  tx
    .selectFrom('customerContact as contact')
    .select(['contact.value', 'contact.bounced'])
    .where('contact.tenantId', '=', tenant)
    .where('contact.customerId', '=', row.recipientId)
    .where('contact.kind', '=', 'email')
    .orderBy('contact.bounced')
    .orderBy(
      (eb) =>
        eb
          .selectFrom('inboundMessage')
          .select((inner) => inner.fn.max('receivedAt').as('at'))
          .where('inboundMessage.tenantId', '=', tenant)
          .where('inboundMessage.ticketId', '=', row.ticketId)
          .whereRef('inboundMessage.sender', '=', 'contact.value'),
      (order) => order.desc().nullsLast(),
    )
    .orderBy('contact.verified', 'desc')
    .orderBy('contact.value')
    .limit(1)
    .executeTakeFirst();

const textOf = (tx: TenantTx, tenant: TenantId, id: string) =>
  tx
    .selectFrom('content')
    .leftJoin('agent', (join) => join.onRef('agent.tenantId', '=', 'content.tenantId').onRef('agent.id', '=', 'content.authorId'))
    .select(['content.id', 'body', 'html', 'agent.name as author'])
    .where('content.tenantId', '=', tenant)
    .where('content.id', '=', id)
    .executeTakeFirst();

/** Automatic mails that went out, or may have. Counted under two locks, so that two claims at once cannot both be the last allowed. */
async function lastHour(
  tx: TenantTx,
  { tenant, id, row, now }: { tenant: TenantId; id: string; row: Row; now: Instant },
): Promise<SuppressionFacts['lastHour']> {
  for (const subject of [`ticket/${row.ticketId}`, `customer/${row.recipientId}`]) {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`mail/${tenant}/${subject}`}, 0))`.execute(tx);
  }
  const recent = tx
    .selectFrom('outboundMessage')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('outboundMessage.tenantId', '=', tenant)
    .where('outboundMessage.id', '<>', id)
    .where('automatic', '=', true)
    .where('state', 'in', ['sending', 'sent', 'unknown'])
    .where('outboundMessage.updatedAt', '>', new Date(now - hour));
  const ofTicket = await recent.where('ticketId', '=', row.ticketId).executeTakeFirstOrThrow();
  const toRecipient = await recent
    .where('recipientId', '=', row.recipientId)
    .where('template', '=', 'acknowledgement')
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('ticket')
          .select('ticket.id')
          .whereRef('ticket.tenantId', '=', 'outboundMessage.tenantId')
          .whereRef('ticket.id', '=', 'outboundMessage.ticketId')
          .where('ticket.channel', '=', 'email'),
      ),
    )
    .executeTakeFirstOrThrow();
  return { acknowledgementsToRecipient: Number(toRecipient.count), automaticOfTicket: Number(ofTicket.count) };
}

type MailParts = Omit<ClaimedMail, 'tenant' | 'id' | 'lease' | 'attempt' | 'messageId'>;

async function loadMail(tx: TenantTx, row: Row, scene: Scene & { readonly address: string }): Promise<MailParts> {
  const { template, status, settings, ticket, customerName, address, text } = scene;
  const thread = await threadOf(tx, row);
  const files = row.contentId === null || template !== 'reply' ? [] : await filesOf(tx, row.tenantId, row.contentId);
  // An acknowledgement never repeats what its recipient is said to have written: the sender of a mail may be forged.
  const shown = template === 'acknowledgement' ? undefined : text;
  return {
    template,
    automatic: row.automatic,
    ...thread,
    ticket: { id: asTicketId(ticket.id), subject: ticket.subject ?? '', status },
    product: { key: asProductKey(ticket.product), name: settings.displayName ?? ticket.name, settings },
    recipient: { id: asCustomerId(row.recipientId), name: customerName, address },
    text: shown === undefined ? null : { body: shown.body ?? '', html: shown.html, author: shown.author },
    files,
  };
}

/** The mails of this ticket that the recipient knows: the customers' own, and ours to this recipient. */
async function threadOf(tx: TenantTx, row: Row): Promise<{ inReplyTo: string | null; references: string[] }> {
  const received = await tx
    .selectFrom('inboundMessage')
    .select(['mailId', 'receivedAt as at'])
    .where('tenantId', '=', row.tenantId)
    .where('ticketId', '=', row.ticketId)
    .where('state', '=', 'done')
    .where('mailId', 'is not', null)
    .orderBy('receivedAt', 'desc')
    .limit(mostReferences)
    .execute();
  const sent = await tx
    .selectFrom('outboundMessage')
    .select(['messageId as mailId', 'createdAt as at'])
    .where('tenantId', '=', row.tenantId)
    .where('ticketId', '=', row.ticketId)
    .where('recipientId', '=', row.recipientId)
    .where('id', '<>', row.id)
    .where('state', 'in', ['sent', 'unknown'])
    .where('messageId', 'is not', null)
    .orderBy('createdAt', 'desc')
    .limit(mostReferences)
    .execute();
  const known = [...received, ...sent].toSorted((left, right) => left.at.getTime() - right.at.getTime());
  const references = known.flatMap(({ mailId }) => (mailId === null ? [] : [mailId])).slice(-mostReferences);
  return { inReplyTo: received[0]?.mailId ?? references.at(-1) ?? null, references };
}

const filesOf = (tx: TenantTx, tenant: string, content: string): Promise<MailFile[]> =>
  tx
    .selectFrom('attachment')
    .select(['name', 'type', 'size', 'storageKey'])
    .where('tenantId', '=', tenant)
    .where('contentId', '=', content)
    .where('state', '=', 'clean')
    .where('visibility', '=', 'public')
    .orderBy('createdAt')
    .orderBy('id')
    .execute();

/** The database holds only what its checks let in; anything else is a bug. */
function oneOf<Value extends string>(values: readonly Value[], given: string): Value {
  const found = values.find((value) => value === given);
  if (found === undefined) throw new Error('unexpected value in the ledger');
  return found;
}
