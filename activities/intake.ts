/** Works off one inbound mail: to its ticket, to a new one, or to a person. Every step may be repeated. Source: service-desk.md, section 3. */
import { createHash } from 'node:crypto';
import { v5 as uuidFrom } from 'uuid';
import type { Db, TenantTx } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { FileMissing, newFileKey } from '../db/files.js';
import type { FileStore } from '../db/files.js';
import { findProduct } from '../db/queries/configuration.js';
import { storeContent } from '../db/queries/content.js';
import { insertCustomers } from '../db/queries/directory.js';
import { isTaken } from '../db/queries/errors.js';
import {
  acceptedText,
  attachToText,
  customersByAddress,
  dateText,
  findInbound,
  findThreadTicket,
  finishInbound,
  freeAddresses,
  keptAttachments,
  onlyProduct,
  scopeOfTicket,
  staffAddresses,
  ticketsOfMessageIds,
} from '../db/queries/inbound.js';
import type { InboundAttachment, InboundEnd, InboundFacts, InboundRow, ThreadTicket } from '../db/queries/inbound.js';
import { ticketSettings } from '../domain/configuration/settings.js';
import { asContentId, asCustomerId, asTeamId, ticketIdFrom } from '../domain/ids.js';
import type { ContentId, CustomerId, ProductKey, TenantId, TicketId } from '../domain/ids.js';
import { marksOf } from '../domain/messaging/automatic.js';
import { bareSubject, ownMailboxesOf } from '../domain/messaging/headers.js';
import type { OwnMailbox } from '../domain/messaging/headers.js';
import { findThread, quotedIds, routeClosed, routeMail } from '../domain/messaging/thread.js';
import type { QuarantineCause, Route } from '../domain/messaging/thread.js';
import { maxCopied } from '../domain/ticket/ticket.js';
import type { Instant } from '../domain/time.js';
import { readMail } from './inbound-mail.js';
import type { InboundFile, InboundMail } from './inbound-mail.js';
import type { MailTokens } from './mail-tokens.js';
import { CommandRefused } from './ports.js';
import type { Mailbox, MailCommand, TicketCommands } from './ports.js';

export interface IntakeDeps {
  readonly db: Db;
  readonly files: FileStore;
  readonly tokens: MailTokens;
  readonly tickets: TicketCommands;
  /** Domain of our own mailboxes. */
  readonly mailDomain: string;
  /** A new UUID. */
  readonly newId: () => string;
  readonly now: () => Instant;
}

export type InboundOutcome =
  | { readonly kind: 'done'; readonly ticket: TicketId }
  | { readonly kind: 'quarantined'; readonly cause: QuarantineCause }
  /** It waits for something that is on its way; to be asked again soon. */
  | { readonly kind: 'later'; readonly reason: string }
  /** Somebody else ended it. */
  | { readonly kind: 'over' };

export interface Intake {
  /**
   * Throws what may be tried again.
   *
   * @param ref.attempts how often it was tried, this one counted
   */
  processInbound(ref: { readonly tenant: TenantId; readonly id: string; readonly attempts: number }): Promise<InboundOutcome>;
}

/** Attempts, a second apart, for which a mail waits for the one it quotes. */
const mostPatience = 300;
/** Tries for a free ticket number. Source: reliability.md, R5. */
const mostNumbers = 8;
/** Tries to make customers whom others are making at the same time. */
const mostTries = 5;

export const createIntake = (deps: IntakeDeps): Intake => ({
  async processInbound({ tenant, id, attempts }) {
    const { db } = deps;
    const row = await withTenant(db, tenant, (tx) => findInbound(tx, tenant, id));
    if (row === undefined) return { kind: 'over' };
    const accepted = await withTenant(db, tenant, (tx) => acceptedText(tx, tenant, Object.values(textIds(row))));
    if (accepted !== undefined) return finish(deps, { tenant, row }, null, { state: 'done', ...accepted });
    const mail = await readRow(deps, row);
    if ('unreadable' in mail)
      return finish(deps, { tenant, row }, null, { state: 'quarantined', cause: 'unparsable', detail: mail.unreadable });
    const facts = factsOf(mail, deps.mailDomain);
    if (mail.sender === null)
      return finish(deps, { tenant, row }, facts, { state: 'quarantined', cause: 'unparsable', detail: 'no_sender' });
    return route(deps, { tenant, row, mail, sender: mail.sender, facts, patient: attempts < mostPatience });
  },
});

/** One mail on its way. */
interface Case {
  readonly tenant: TenantId;
  readonly row: InboundRow;
  readonly mail: InboundMail;
  readonly sender: Mailbox;
  readonly facts: InboundFacts;
  /** A thread that is not ready is waited for. */
  readonly patient: boolean;
}

async function readRow(
  { files, mailDomain }: IntakeDeps,
  { rawKey, cause }: InboundRow,
): Promise<InboundMail | { readonly unreadable: string }> {
  let raw: Buffer;
  try {
    raw = await files.read(rawKey);
  } catch (error) {
    if (error instanceof FileMissing) return { unreadable: 'raw_missing' };
    throw error;
  }
  try {
    const mail = await readMail(raw, mailDomain);
    return cause === 'too_large' && mail.text === '' ? { ...mail, text: 'This mail was too large. Only its header was kept.' } : mail;
  } catch {
    // Whatever a parser stumbles over, it would stumble over again.
    return { unreadable: 'parser' };
  }
}

function factsOf({ headers, sender, subject }: InboundMail, domain: string): InboundFacts {
  const address = sender?.address ?? null;
  const auto = marksOf({ headers, sender: address, domain }).length > 0;
  return { sender: address, subject, auto, product: supportProduct(ownMailboxesOf(headers, domain)) };
}

const supportProduct = (mailboxes: readonly OwnMailbox[]): ProductKey | null =>
  mailboxes.flatMap((mailbox) => (mailbox.kind === 'support' ? [mailbox.product] : [])).at(0) ?? null;

/** Finds the mail's ticket and who its sender is to that ticket, then does what follows from it. */
async function route(deps: IntakeDeps, given: Case): Promise<InboundOutcome> {
  const { tenant, row, facts, sender } = given;
  const thread = await withTenant(deps.db, tenant, (tx) => threadOf(tx, deps, given));
  if (thread === 'later') return { kind: 'later', reason: 'thread_not_ready' };
  const { ticket, customer } = thread;
  const staff = ticket !== null && (await withTenant(deps.db, tenant, (tx) => staffAddresses(tx, tenant, [sender.address]))).size > 0;
  const participates = ticket !== null && customer !== undefined && ticket.participants.includes(customer);
  const product = ticket === null ? undefined : await withTenant(deps.db, tenant, (tx) => findProduct(tx, tenant, ticket.product));
  const way = routeMail({
    auto: facts.auto,
    released: row.released,
    thread:
      ticket === null
        ? null
        : {
            ticket: ticket.id,
            sender: participates ? 'participant' : staff ? 'agent' : 'stranger',
            strangers: product?.settings.strangerPolicy ?? 'quarantine',
          },
  });
  if (way.kind === 'receive' && customer !== undefined) return receive(deps, given, way.ticket, customer, ticket);
  return start(deps, given, way, ticket, participates);
}

interface Thread {
  readonly ticket: ThreadTicket | null;
  /** The sender, when known. */
  readonly customer: CustomerId | undefined;
}

async function threadOf(
  tx: TenantTx,
  { tokens, mailDomain }: IntakeDeps,
  { tenant, row, mail, sender, patient }: Case,
): Promise<Thread | 'later'> {
  const quoted = quotedIds(mail.headers);
  const stored = await ticketsOfMessageIds(tx, tenant, quoted, row);
  if (stored.waiting && patient) return 'later';
  const found = findThread({
    quoted,
    signed: (messageId) => tokens.readMessageId(tenant, messageId)?.ticket ?? null,
    stored: stored.tickets,
    reply: await provenReply(tx, tokens, tenant, ownMailboxesOf(mail.headers, mailDomain)),
  });
  const ticket = found === null ? undefined : await findThreadTicket(tx, tenant, found);
  // The workflow knows the ticket already, PostgreSQL follows.
  if (found !== null && ticket === undefined && patient) return 'later';
  return { ticket: ticket ?? null, customer: (await customersByAddress(tx, tenant, [sender.address])).get(sender.address) };
}

/** The ticket of the first answer address whose token was given to a participant. */
async function provenReply(tx: TenantTx, tokens: MailTokens, tenant: TenantId, mailboxes: readonly OwnMailbox[]): Promise<TicketId | null> {
  for (const mailbox of mailboxes.slice(0, 5)) {
    if (mailbox.kind !== 'reply') continue;
    const ticket = await findThreadTicket(tx, tenant, mailbox.ticket);
    if (ticket !== undefined && tokens.isReplyToken(mailbox.token, tenant, ticket.id, ticket.participants)) return ticket.id;
  }
  return null;
}

/** A message of a participant; when the ticket turns out to be closed, a follow-up. */
async function receive(
  deps: IntakeDeps,
  given: Case,
  ticketId: TicketId,
  author: CustomerId,
  ticket: ThreadTicket | null,
): Promise<InboundOutcome> {
  const { tenant, row, mail, facts } = given;
  const content = textIds(row).message;
  await keepText(deps, given, { content, kind: 'message', author, ticket: ticketId });
  const copied = facts.auto ? [] : await customersFor(deps, tenant, mail.copied);
  const fields = { content, author, auto: facts.auto, copied };
  const answer = await refusable(() => deps.tickets.receive(command(given, ticketId, author), fields));
  if (typeof answer !== 'string') return finish(deps, { tenant, row }, facts, answer);
  const product = ticket?.product ?? facts.product;
  if (answer === 'received') return finish(deps, { tenant, row }, { ...facts, product }, { state: 'done', ticket: ticketId, content });
  return start(deps, given, routeClosed({ auto: facts.auto, released: row.released }, ticketId), ticket, true);
}

/** A new ticket, or quarantine. */
async function start(
  deps: IntakeDeps,
  given: Case,
  way: Route,
  thread: ThreadTicket | null,
  participates: boolean,
): Promise<InboundOutcome> {
  const { tenant, row, mail, sender, facts } = given;
  if (way.kind !== 'open') {
    const cause = way.kind === 'quarantine' ? way.cause : 'not_participant';
    return finish(
      deps,
      { tenant, row },
      { ...facts, product: thread?.product ?? facts.product },
      { state: 'quarantined', cause, detail: null },
    );
  }
  const key = thread?.product ?? facts.product ?? (await withTenant(deps.db, tenant, (tx) => onlyProduct(tx, tenant)));
  const product = key === undefined ? undefined : await withTenant(deps.db, tenant, (tx) => findProduct(tx, tenant, key));
  if (key === undefined || product === undefined) {
    return finish(deps, { tenant, row }, { ...facts, product: null }, { state: 'quarantined', cause: 'unparsable', detail: 'no_mailbox' });
  }
  const [author, ...others] = await customersFor(deps, tenant, [sender, ...mail.copied]);
  if (author === undefined) throw new Error('the sender is always a customer by now');
  const continued = participates && thread !== null ? thread : null;
  const { settings, policySet } = product;
  const fields = {
    scope: `mail/${row.id}`,
    product: key,
    channel: 'email',
    priority: settings.defaultPriority,
    category: continued?.category ?? null,
    requester: continued?.requester ?? author,
    copied: [...new Set([author, ...others])].slice(0, maxCopied),
    content: textIds(row).opening,
    settings: ticketSettings(settings),
    auto: facts.auto,
    ...(settings.defaultTeam === null ? {} : { team: asTeamId(settings.defaultTeam) }),
    ...(policySet === 0 ? {} : { sla: { set: policySet } }),
    ...(way.followUpOf === null ? {} : { followUpOf: way.followUpOf }),
  } as const;
  for (let n = 0; n < mostNumbers; n += 1) {
    const ticketId = numberFor(row, n);
    const scope = await withTenant(deps.db, tenant, (tx) => scopeOfTicket(tx, tenant, ticketId));
    if (scope !== undefined && scope !== fields.scope) continue;
    await keepText(deps, given, { content: fields.content, kind: 'opening', author, ticket: ticketId });
    const answer = await refusable(() => deps.tickets.open(command(given, ticketId, author), fields));
    if (typeof answer !== 'string') return finish(deps, { tenant, row }, facts, answer);
    const mine = answer === 'opened' || (await withTenant(deps.db, tenant, (tx) => scopeOfTicket(tx, tenant, ticketId))) === fields.scope;
    if (mine)
      return finish(deps, { tenant, row }, { ...facts, product: key }, { state: 'done', ticket: ticketId, content: fields.content });
  }
  throw new Error('no free ticket number');
}

/** A refusal is final: a person has to look. */
async function refusable<Answer extends string>(send: () => Promise<Answer>): Promise<Answer | (InboundEnd & { state: 'quarantined' })> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof CommandRefused) return { state: 'quarantined', cause: 'unparsable', detail: error.code };
    throw error;
  }
}

const command = ({ tenant, row }: Case, ticketId: TicketId, author: CustomerId): MailCommand => ({
  tenant,
  ticketId,
  commandId: `mail/${row.id}`,
  actor: `customer/${author}`,
  role: 'customer',
  source: 'mail',
  receivedAt: row.receivedAt,
});

/** Ids that follow from the mail alone, so that a second attempt writes the same rows. */
const textIds = ({ id }: InboundRow): { readonly message: ContentId; readonly opening: ContentId } => ({
  message: asContentId(uuidFrom('message', id)),
  opening: asContentId(uuidFrom('opening', id)),
});

/** The ticket number a mail takes at its n-th try. */
const numberFor = ({ id }: InboundRow, n: number): TicketId => ticketIdFrom(createHash('sha256').update(`mail/${id}\u001f${n}`).digest());

interface Text {
  readonly content: ContentId;
  readonly kind: 'opening' | 'message';
  readonly author: CustomerId;
  readonly ticket: TicketId;
}

/** Text and files first; the command that follows carries their id. */
async function keepText(
  { db, files }: IntakeDeps,
  { tenant, row, mail, facts }: Case,
  { content, kind, author, ticket }: Text,
): Promise<void> {
  const named = mail.files.map((file, index) => ({ file, id: uuidFrom(`attachment/${index}`, row.id) }));
  const ids = named.map(({ id }) => id);
  const kept = await withTenant(db, tenant, (tx) => keptAttachments(tx, tenant, ids));
  const added: InboundAttachment[] = [];
  for (const { file, id } of named) if (!kept.has(id)) added.push(await keepFile(files, file, id));
  const subject = bareSubject(mail.subject);
  await withTenant(db, tenant, async (tx) => {
    const words = {
      subject: kind === 'opening' ? subject : mail.subject,
      body: mail.text,
      html: mail.html,
      data: kind === 'opening' ? { tags: [], customFields: {} } : null,
    };
    await storeContent(tx, tenant, [
      { id: content, kind, visibility: 'public', authorKind: 'customer', authorId: author, channel: 'email', auto: facts.auto, ...words },
    ]);
    await dateText(tx, tenant, content, row.receivedAt);
    await attachToText(tx, tenant, { ticket, content, createdBy: `customer/${author}` }, added, ids);
  });
}

async function keepFile(files: FileStore, { name, type, bytes, executable }: InboundFile, id: string): Promise<InboundAttachment> {
  const storageKey = newFileKey('attachment');
  await files.put(storageKey, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { id, name, type, size: bytes.byteLength, sha256, state: executable ? 'rejected' : 'clean', storageKey };
}

/** Customers by their addresses, in the order given and made where unknown; staff are left out, but for the first, who wrote. */
async function customersFor(deps: Pick<IntakeDeps, 'db' | 'newId'>, tenant: TenantId, people: readonly Mailbox[]): Promise<CustomerId[]> {
  const addresses = people.map(({ address }) => address);
  const staff = await withTenant(deps.db, tenant, (tx) => staffAddresses(tx, tenant, addresses.slice(1)));
  const wanted = people.filter(({ address }, index) => index === 0 || !staff.has(address));
  for (let tries = mostTries; ; tries -= 1) {
    const known = await withTenant(deps.db, tenant, (tx) => customersByAddress(tx, tenant, addresses));
    const missing = wanted.filter(({ address }) => !known.has(address));
    if (missing.length === 0) return wanted.flatMap(({ address }) => known.get(address) ?? []);
    try {
      await withTenant(deps.db, tenant, (tx) => makeCustomers(tx, deps, tenant, missing));
    } catch (error) {
      // Another mail made one of them meanwhile.
      if (!isTaken(error) || tries === 0) throw error;
    }
  }
}

async function makeCustomers(
  tx: TenantTx,
  { newId }: Pick<IntakeDeps, 'newId'>,
  tenant: TenantId,
  people: readonly Mailbox[],
): Promise<void> {
  await freeAddresses(
    tx,
    tenant,
    people.map(({ address }) => address),
  );
  // In one order for all, so that two that make the same people do not wait for each other.
  const sorted = people.toSorted((left, right) => (left.address < right.address ? -1 : 1));
  const newcomers = sorted.map(({ name, address }) => ({
    id: asCustomerId(newId()),
    name: name === '' ? null : name,
    externalId: null,
    contacts: [{ kind: 'email' as const, value: address }],
  }));
  await insertCustomers(tx, { people: newcomers, by: { tenant, actor: 'system/mail', source: 'mail' } });
}

async function finish(
  { db, now }: IntakeDeps,
  { tenant, row }: Pick<Case, 'tenant' | 'row'>,
  facts: InboundFacts | null,
  end: InboundEnd,
): Promise<InboundOutcome> {
  await withTenant(db, tenant, (tx) => finishInbound(tx, tenant, row.id, facts, end, now()));
  return end.state === 'done' ? { kind: 'done', ticket: end.ticket } : { kind: 'quarantined', cause: end.cause };
}
