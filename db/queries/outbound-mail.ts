/** Mails to customers: whether one may still go, and all it takes to write it. Source: reliability.md, R6. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import { asCustomerId, asProductKey, asTicketId } from '../../domain/ids.js';
import type { CustomerId, ProductKey, TenantId, TicketId } from '../../domain/ids.js';
import { ownMailbox, parseAddress } from '../../domain/messaging/headers.js';
import { mailTemplates } from '../../domain/messaging/plan.js';
import type { MailTemplate } from '../../domain/messaging/plan.js';
import { reasonAgainst } from '../../domain/messaging/suppression.js';
import type { SuppressionFacts } from '../../domain/messaging/suppression.js';
import { ticketStatuses } from '../../domain/ticket/status.js';
import type { TicketStatus } from '../../domain/ticket/status.js';
import { hour } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { oneOf } from './outbound.js';
import { beginAttempts, endRow, takeTurn } from './outbound-claim.js';
import type { ClaimRequest, LedgerRow, NoAttempt } from './outbound-claim.js';

/** Message-IDs a mail refers to, besides the one it answers. */
const mostReferences = 10;

export interface MailClaimRequest extends ClaimRequest {
  /** Fixed with the first claim. */
  readonly messageId: string;
  /** Right-hand side of our own addresses. */
  readonly domain: string;
}

export interface MailFile {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly storageKey: string;
}

/** Everything a mail is made of. */
export interface ClaimedMail {
  readonly kind: 'mail';
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

export type MailClaim = NoAttempt | { readonly kind: 'claimed'; readonly message: ClaimedMail };

/** Begins an attempt, if the mail's reason still holds; a mail of which nobody can say whether it went out is never sent again. */
export async function claimMail(tx: TenantTx, request: MailClaimRequest): Promise<MailClaim> {
  const { tenant, id, lease } = request;
  const turn = await takeTurn(tx, request);
  if (turn.kind !== 'free') return turn;
  const { row } = turn;
  const scene = await loadScene(tx, row, request);
  const reason = reasonAgainst(scene.facts);
  if (reason !== null || scene.address === null) {
    await endRow(tx, request, { state: 'suppressed', reason: reason ?? 'no_address' });
    return { kind: 'ended', state: 'suppressed' };
  }
  const [begun] = await beginAttempts(tx, tenant, [{ ...request, ...turn }]);
  const parts = await loadMail(tx, row, { ...scene, address: scene.address });
  const attempt = begun?.attempt ?? row.attempts + 1;
  const mail: ClaimedMail = { kind: 'mail', ...parts, tenant, id, lease, attempt, messageId: begun?.messageId ?? request.messageId };
  return { kind: 'claimed', message: mail };
}

/** What decides whether the mail may go, and what it takes to write it. */
async function loadScene(tx: TenantTx, row: LedgerRow, { tenant, id, domain, now }: MailClaimRequest) {
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
const contactOf = (tx: TenantTx, tenant: TenantId, row: LedgerRow) =>
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
  { tenant, id, row, now }: { tenant: TenantId; id: string; row: LedgerRow; now: Instant },
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
    .where('recipientKind', '=', 'customer')
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

type MailParts = Omit<ClaimedMail, 'kind' | 'tenant' | 'id' | 'lease' | 'attempt' | 'messageId'>;

async function loadMail(tx: TenantTx, row: LedgerRow, scene: Scene & { readonly address: string }): Promise<MailParts> {
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
async function threadOf(tx: TenantTx, row: LedgerRow): Promise<{ inReplyTo: string | null; references: string[] }> {
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
