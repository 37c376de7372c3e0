/** Inbound messages: stored once, worked off by one relay at a time, kept where a person has to look. Source: service-desk.md, section 3. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { recordAudit } from './audit.js';
import type { Principal } from '../../domain/access/principal.js';
import { asCustomerId, asProductKey, asTenantId, asTicketId } from '../../domain/ids.js';
import type { ContentId, CustomerId, ProductKey, TenantId, TicketId } from '../../domain/ids.js';
import type { QuarantineCause } from '../../domain/messaging/thread.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface NewInbound {
  readonly id: string;
  readonly channel: 'email';
  readonly account: string;
  readonly externalId: string;
  /** Set: it goes to a person at once. */
  readonly cause: QuarantineCause | null;
  readonly rawKey: string;
  readonly size: number;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly mailId: string | null;
  readonly product: string | null;
}

/**
 * Keeps a message, once per tenant, channel, account and external id, however often and at once it comes.
 *
 * @returns the id it is kept under, and whether it was there before
 */
export async function storeInbound(
  tx: TenantTx,
  tenant: TenantId,
  given: NewInbound,
): Promise<{ readonly id: string; readonly duplicate: boolean }> {
  const { id, channel, account, externalId, cause, ...rest } = given;
  const inserted = await tx
    .insertInto('inboundMessage')
    .values({ tenantId: tenant, id, channel, account, externalId, cause, state: cause === null ? 'received' : 'quarantined', ...rest })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted !== undefined) return { id: inserted.id, duplicate: false };
  const known = await tx
    .selectFrom('inboundMessage')
    .select('id')
    .where('tenantId', '=', tenant)
    .where('channel', '=', channel)
    .where('account', '=', account)
    .where('externalId', '=', externalId)
    .executeTakeFirstOrThrow();
  return { id: known.id, duplicate: true };
}

export interface InboundRef {
  readonly tenant: TenantId;
  readonly id: string;
  /** This one counted. */
  readonly attempts: number;
}

/** Takes messages that wait, across tenants, those due longest first. Only the relay's role may ask; the database's clock counts. */
export async function claimInbound(
  relay: Db,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
): Promise<InboundRef[]> {
  const { rows } = await sql<{ tenantId: string; id: string; attempts: number }>`
    update inbound_message m set lease_until = now() + ${leaseMs} * interval '1 millisecond', attempts = attempts + 1
    from (
      select tenant_id, id from inbound_message
      where state = 'received' and next_try_at <= now() and (lease_until is null or lease_until <= now())
      order by next_try_at limit ${limit} for update skip locked
    ) due
    where m.tenant_id = due.tenant_id and m.id = due.id
    returning m.tenant_id, m.id, m.attempts`.execute(relay);
  return rows.map(({ tenantId, id, attempts }) => ({ tenant: asTenantId(tenantId), id, attempts }));
}

/** Gives a message back, to be tried again after so many milliseconds. */
export async function postponeInbound(
  relay: Db,
  { tenant, id }: Pick<InboundRef, 'tenant' | 'id'>,
  delayMs: number,
  detail: string,
): Promise<void> {
  await sql`
    update inbound_message set lease_until = null, next_try_at = now() + ${delayMs} * interval '1 millisecond', detail = ${detail}
    where tenant_id = ${tenant} and id = ${id} and state = 'received'`.execute(relay);
}

export interface InboundRow {
  readonly id: string;
  readonly rawKey: string;
  readonly receivedAt: Instant;
  /** Why it was in quarantine, when it was. */
  readonly cause: string | null;
  /** A person let it through. */
  readonly released: boolean;
}

/** A message that still waits; undefined when it is done, or in quarantine. */
export async function findInbound(tx: TenantTx, tenant: TenantId, id: string): Promise<InboundRow | undefined> {
  const row = await tx
    .selectFrom('inboundMessage')
    .select(['id', 'rawKey', 'receivedAt', 'cause', 'releasedBy'])
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('state', '=', 'received')
    .executeTakeFirst();
  return (
    row && { id: row.id, rawKey: row.rawKey, receivedAt: row.receivedAt.getTime(), cause: row.cause, released: row.releasedBy !== null }
  );
}

/** What was learned about a message by reading it. */
export interface InboundFacts {
  readonly sender: string | null;
  readonly subject: string | null;
  readonly auto: boolean;
  readonly product: ProductKey | null;
}

export type InboundEnd =
  | { readonly state: 'done'; readonly ticket: TicketId; readonly content: ContentId }
  | { readonly state: 'quarantined'; readonly cause: QuarantineCause; readonly detail: string | null };

/** Records how a message ended; one that ended before stays as it is. */
export async function finishInbound(
  tx: TenantTx,
  tenant: TenantId,
  id: string,
  facts: InboundFacts | null,
  end: InboundEnd,
  now: Instant,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('inboundMessage')
    .set({
      ...facts,
      state: end.state,
      leaseUntil: null,
      updatedAt: toIso(now),
      ...(end.state === 'done'
        ? { ticketId: end.ticket, contentId: end.content, cause: null, detail: null }
        : { cause: end.cause, detail: end.detail }),
    })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('state', '=', 'received')
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  const changes = end.state === 'done' ? { ticket: end.ticket } : { cause: end.cause };
  const line = { action: `inbound.${end.state}`, subject: `inbound/${id}`, changes };
  await recordAudit(tx, { tenant, actor: 'system/mail', source: 'mail' }, line);
}

export interface StoredIds {
  readonly tickets: ReadonlyMap<string, TicketId>;
  /** A quoted mail is here but not worked off: what it becomes decides. */
  readonly waiting: boolean;
}

/** Tickets of the Message-IDs we know, received or sent. */
export async function ticketsOfMessageIds(
  tx: TenantTx,
  tenant: TenantId,
  ids: readonly string[],
  before: { id: string; receivedAt: Instant },
): Promise<StoredIds> {
  if (ids.length === 0) return { tickets: new Map(), waiting: false };
  const received = await tx
    .selectFrom('inboundMessage')
    .select(['id', 'mailId', 'ticketId', 'state', 'receivedAt'])
    .where('tenantId', '=', tenant)
    .where('mailId', 'in', [...ids])
    .where('state', 'in', ['done', 'received'])
    .execute();
  const sent = await tx
    .selectFrom('outboundMessage')
    .select(['messageId as mailId', 'ticketId'])
    .where('tenantId', '=', tenant)
    .where('messageId', 'in', [...ids])
    .execute();
  const known = [...received.filter(({ state }) => state === 'done'), ...sent];
  const tickets = known.flatMap(({ mailId, ticketId }): [string, TicketId][] =>
    mailId === null || ticketId === null ? [] : [[mailId, asTicketId(ticketId)]],
  );
  // Only the older waits for nobody, so that two mails that quote each other do not wait for ever.
  const older = (row: { id: string; receivedAt: Date }): boolean =>
    row.receivedAt.getTime() < before.receivedAt || (row.receivedAt.getTime() === before.receivedAt && row.id < before.id);
  return { tickets: new Map(tickets), waiting: received.some((row) => row.state === 'received' && row.id !== before.id && older(row)) };
}

export interface ThreadTicket {
  readonly id: TicketId;
  readonly product: ProductKey;
  readonly category: string | null;
  readonly requester: CustomerId;
  readonly participants: readonly CustomerId[];
}

/** Whom a ticket belongs to, for mail that names it. */
export async function findThreadTicket(tx: TenantTx, tenant: TenantId, id: TicketId): Promise<ThreadTicket | undefined> {
  const row = await tx
    .selectFrom('ticket')
    .select(['product', 'category', 'requesterId', 'copied'])
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const requester = asCustomerId(row.requesterId);
  return {
    id,
    product: asProductKey(row.product),
    category: row.category,
    requester,
    participants: [requester, ...row.copied.map(asCustomerId)],
  };
}

/** Under which scope a ticket number was opened; undefined: under none yet. */
export async function scopeOfTicket(tx: TenantTx, tenant: TenantId, id: TicketId): Promise<string | undefined> {
  const row = await tx.selectFrom('ticket').select('scope').where('tenantId', '=', tenant).where('id', '=', id).executeTakeFirst();
  return row?.scope;
}

/** The ticket that accepted one of these texts; undefined when none has. */
export async function acceptedText(
  tx: TenantTx,
  tenant: TenantId,
  ids: readonly ContentId[],
): Promise<{ readonly ticket: TicketId; readonly content: ContentId } | undefined> {
  const rows = await tx
    .selectFrom('content')
    .select(['id', 'ticketId'])
    .where('tenantId', '=', tenant)
    .where('id', 'in', [...ids])
    .where('ticketId', 'is not', null)
    .execute();
  const [row] = rows;
  const content = ids.find((id) => id === row?.id);
  return row?.ticketId === null || row?.ticketId === undefined || content === undefined
    ? undefined
    : { ticket: asTicketId(row.ticketId), content };
}

/** Texts bear the instant their mail came in, however long it lay in quarantine. */
export async function dateText(tx: TenantTx, tenant: TenantId, id: ContentId, at: Instant): Promise<void> {
  await tx
    .updateTable('content')
    .set({ createdAt: toIso(at) })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('ticketId', 'is', null)
    .execute();
}

/** Customers by mail address; those who are deleted are nobody's. */
export async function customersByAddress(tx: TenantTx, tenant: TenantId, addresses: readonly string[]): Promise<Map<string, CustomerId>> {
  if (addresses.length === 0) return new Map();
  const rows = await tx
    .selectFrom('customerContact as contact')
    .innerJoin('customer', (join) =>
      join.onRef('customer.tenantId', '=', 'contact.tenantId').onRef('customer.id', '=', 'contact.customerId'),
    )
    .select(['contact.value', 'contact.customerId'])
    .where('contact.tenantId', '=', tenant)
    .where('contact.kind', '=', 'email')
    .where('contact.value', 'in', [...addresses])
    .where('customer.deletedAt', 'is', null)
    .execute();
  return new Map(rows.map(({ value, customerId }) => [value, asCustomerId(customerId)]));
}

/** Lets go of addresses that still belong to deleted customers: who writes from one is somebody new. */
export async function freeAddresses(tx: TenantTx, tenant: TenantId, addresses: readonly string[]): Promise<void> {
  await sql`
    delete from customer_contact k using customer c
    where k.tenant_id = ${tenant} and k.kind = 'email' and k.value = any(${[...addresses]}::text[])
      and c.tenant_id = k.tenant_id and c.id = k.customer_id and c.deleted_at is not null`.execute(tx);
}

/** Which of these addresses belong to staff. */
export async function staffAddresses(tx: TenantTx, tenant: TenantId, addresses: readonly string[]): Promise<Set<string>> {
  if (addresses.length === 0) return new Set();
  const { rows } = await sql<{ email: string }>`
    select lower(email) as email from agent where tenant_id = ${tenant} and lower(email) = any(${[...addresses]}::text[])`.execute(tx);
  return new Set(rows.map(({ email }) => email));
}

/** The tenant's only product; undefined when there are several, or none. */
export async function onlyProduct(tx: TenantTx, tenant: TenantId): Promise<ProductKey | undefined> {
  const rows = await tx.selectFrom('product').select('key').where('tenantId', '=', tenant).limit(2).execute();
  const [row] = rows;
  return row === undefined || rows.length > 1 ? undefined : asProductKey(row.key);
}

export interface InboundAttachment {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
  readonly state: 'clean' | 'rejected';
  readonly storageKey: string;
}

/** Which of these files are kept already. */
export async function keptAttachments(tx: TenantTx, tenant: TenantId, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await tx
    .selectFrom('attachment')
    .select('id')
    .where('tenantId', '=', tenant)
    .where('id', 'in', [...ids])
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** Keeps a mail's files with the text they came with; those that are kept already move with it. */
export async function attachToText(
  tx: TenantTx,
  tenant: TenantId,
  { ticket, content, createdBy }: { readonly ticket: TicketId; readonly content: ContentId; readonly createdBy: string },
  files: readonly InboundAttachment[],
  ids: readonly string[],
): Promise<void> {
  if (files.length > 0) {
    await tx
      .insertInto('attachment')
      .values(files.map((file) => ({ ...file, tenantId: tenant, ticketId: ticket, contentId: content, createdBy })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  if (ids.length === 0) return;
  await tx
    .updateTable('attachment')
    .set({ ticketId: ticket, contentId: content })
    .where('tenantId', '=', tenant)
    .where('id', 'in', [...ids])
    .execute();
}

export interface QuarantinedRow {
  readonly id: string;
  readonly cause: string;
  readonly detail: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly product: string | null;
  readonly size: number;
  readonly receivedAt: Date;
  /** Sort key of the list. */
  readonly position: string;
}

/** What waits for a person, newest first, of the reader's products; one row more than `limit` when there are others. */
export async function listQuarantine(
  tx: TenantTx,
  reader: Principal,
  { after, limit }: { readonly after?: { readonly position: string; readonly id: string }; readonly limit: number },
): Promise<QuarantinedRow[]> {
  const { rows } = await sql<QuarantinedRow>`
    select id, cause, detail, sender, subject, product, size, received_at,
      to_char(received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position
    from inbound_message
    where tenant_id = ${reader.tenant} and state = 'quarantined' and ${ofReader(reader)}
      ${after === undefined ? sql`` : sql`and (received_at, id) < (${after.position}::text::timestamptz, ${after.id}::uuid)`}
    order by received_at desc, id desc limit ${limit + 1}`.execute(tx);
  return rows;
}

/** Mail whose product is not known is everybody's who may look. */
const ofReader = ({ products }: Principal) =>
  products === '*' ? sql`true` : sql`(product is null or product = any(${[...products]}::text[]))`;

/**
 * Ends a message's time in quarantine: it is worked off again, or never.
 *
 * @returns false when it is not in quarantine, or not the reader's
 */
export async function leaveQuarantine(
  tx: TenantTx,
  reader: Principal,
  id: string,
  { to, reason }: { readonly to: 'received' | 'discarded'; readonly reason: string },
): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update inbound_message
    set state = ${to}, released_by = ${reader.actor}, release_reason = ${reason}, attempts = 0, lease_until = null,
        next_try_at = now(), updated_at = now()
    where tenant_id = ${reader.tenant} and id = ${id} and state = 'quarantined' and ${ofReader(reader)}
    returning id`.execute(tx);
  return rows.length > 0;
}
