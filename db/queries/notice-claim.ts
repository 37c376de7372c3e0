/** Sending a notice to staff: whether it may still go, and all it takes to write it. Source: reliability.md, R3, R4 and R6; security.md, section 8. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import type { AgentId, ProductKey, TenantId, TicketId } from '../../domain/ids.js';
import { ownMailbox, parseAddress } from '../../domain/messaging/headers.js';
import type { NoticeEscalation } from '../../domain/messaging/notice-words.js';
import { noticeObsolete } from '../../domain/sla/notice.js';
import type { NoticeAbout, NoticeFacts, NoticeObsolete } from '../../domain/sla/notice.js';
import { noticeChannels } from '../../domain/sla/policy.js';
import type { NoticeChannel } from '../../domain/sla/policy.js';
import type { Priority, TicketStatus } from '../../domain/ticket/status.js';
import { day, hour, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { applyReports } from './hook-receipts.js';
import { findReportPath } from './hooks.js';
import { phonePattern } from './notices.js';
import { oneOf } from './outbound.js';
import { beginAttempt, endRow, takeTurn } from './outbound-claim.js';
import type { ClaimRequest, LedgerRow, NoAttempt, Turn } from './outbound-claim.js';
import { endAttempt, markWire } from './outbound-settle.js';
import type { Holder } from './outbound-settle.js';

/** SMS cost money: to one person in an hour and in a day, and of one tenant in a day. */
const smsLimits = { personHour: 5, personDay: 20, tenantDay: 1_000 } as const;

export interface NoticeClaimRequest extends ClaimRequest {
  /** Of the mail; fixed with the first claim. */
  readonly messageId: string;
  /** Right-hand side of our own addresses. */
  readonly domain: string;
  /** SMS can be sent. */
  readonly sms: boolean;
}

/** Everything a notice is made of. */
export interface ClaimedNotice extends Holder {
  readonly kind: 'notice';
  readonly attempt: number;
  /** An earlier attempt may have been sent. */
  readonly repeats: boolean;
  readonly channel: NoticeChannel;
  /** Of a mail. */
  readonly messageId: string;
  readonly createdAt: Instant;
  readonly about: NoticeAbout;
  readonly ticket: { readonly id: TicketId; readonly priority: Priority; readonly status: TicketStatus };
  readonly product: { readonly key: ProductKey; readonly name: string; readonly fromName: string };
  readonly escalation: NoticeEscalation | null;
  readonly fallback: boolean;
  /** Of an SMS: where, below the address of the API, its provider may report what becomes of it; null: nowhere. */
  readonly reportPath: string | null;
  readonly recipient: { readonly id: AgentId; readonly name: string; readonly address: string; readonly phone: string | null };
}

export type NoticeClaim = NoAttempt | { readonly kind: 'claimed'; readonly message: ClaimedNotice };

/** Begins an attempt, if the notice's reason still holds. */
export async function claimNotice(tx: TenantTx, request: NoticeClaimRequest): Promise<NoticeClaim> {
  const turn = await takeTurn(tx, request);
  if (turn.kind !== 'free') return turn;
  const { row, repeats } = turn;
  const scene = await loadScene(tx, row);
  const obsolete = noticeObsolete(scene.about.reason, scene);
  if (obsolete !== null) return end(tx, request, turn, { state: 'suppressed', reason: obsolete });
  if (!scene.active) return end(tx, request, turn, { state: 'suppressed', reason: 'recipient_inactive' });
  const channel = oneOf(noticeChannels, row.channel);
  const fault = channel === 'sms' ? (request.sms ? phoneFault(scene.phone) : 'sms_off') : addressFault(scene.email, request.domain);
  if (fault !== null) return end(tx, request, turn, { state: 'failed', errorCode: fault });
  if (channel === 'sms' && (await isOverLimit(tx, row, request.now)))
    return end(tx, request, turn, { state: 'suppressed', reason: 'sms_limit' });
  const { attempt, messageId } = await beginAttempt(tx, request, turn, channel === 'email' ? request.messageId : null);
  const message: ClaimedNotice = {
    kind: 'notice',
    tenant: request.tenant,
    id: row.id,
    lease: request.lease,
    attempt,
    repeats,
    channel,
    messageId: messageId ?? request.messageId,
    createdAt: row.createdAt.getTime(),
    about: scene.about,
    ticket: { id: scene.ticket, priority: scene.priority, status: scene.status },
    product: { key: scene.product, name: scene.productName, fromName: ProductSettings.parse(scene.settings).fromName },
    escalation: scene.escalationWords,
    fallback: row.fallback,
    reportPath: channel === 'sms' ? await findReportPath(tx, request.tenant) : null,
    recipient: { id: scene.agent, name: scene.name, address: scene.email, phone: scene.phone },
  };
  return { kind: 'claimed', message };
}

type End = { readonly state: 'suppressed'; readonly reason: string } | { readonly state: 'failed'; readonly errorCode: string };

/** What may have gone out before is unknown, whatever keeps its repetition from going. */
async function end(tx: TenantTx, request: ClaimRequest, { repeats }: Extract<Turn, { kind: 'free' }>, wanted: End): Promise<NoAttempt> {
  const last = repeats ? { errorCode: 'no_reply', ...wanted, state: 'unknown' as const } : wanted;
  await endRow(tx, request, last);
  return { kind: 'ended', state: last.state };
}

const phone = new RegExp(phonePattern);
const phoneFault = (number: string | null): string | null => (number !== null && phone.test(number) ? null : 'no_phone');
const addressFault = (address: string, domain: string): string | null =>
  parseAddress(address) === null || ownMailbox(address, domain) !== null ? 'invalid_address' : null;

interface Scene extends NoticeFacts {
  readonly about: NoticeAbout;
  readonly ticket: TicketId;
  readonly priority: Priority;
  readonly status: TicketStatus;
  readonly product: ProductKey;
  readonly productName: string;
  readonly settings: unknown;
  readonly escalationWords: NoticeEscalation | null;
  readonly agent: AgentId;
  readonly name: string;
  readonly email: string;
  readonly phone: string | null;
  readonly active: boolean;
}

type StoredScene = Omit<Scene, 'escalationWords'> & Record<'n' | 'level', number | null> & { to: string | null; ackDueAt: Date | null };

async function loadScene(tx: TenantTx, row: LedgerRow): Promise<Scene> {
  const { rows } = await sql<StoredScene>`
    select n.about, t.id as ticket, t.priority, t.status, t.product, p.name as product_name, p.settings, t.removed_at is not null as ticket_removed,
      c.phase as clock, e.status as escalation, e.n, e.level, e.to_kind as "to", e.ack_due_at,
      a.id as agent, a.name, a.email, a.phone, a.active
    from notice n
    join ticket t on t.tenant_id = n.tenant_id and t.id = n.ticket_id
    join product p on p.tenant_id = t.tenant_id and p.key = t.product
    join agent a on a.tenant_id = n.tenant_id and a.id = ${row.recipientId}
    left join sla_clock c on c.tenant_id = n.tenant_id and c.ticket_id = n.ticket_id and c.clock = n.about->>'clock'
    left join escalation e on e.tenant_id = n.tenant_id and e.ticket_id = n.ticket_id and e.n = (n.about->>'escalation')::integer
    where n.tenant_id = ${row.tenantId} and n.ticket_id = ${row.ticketId} and n.message = ${row.message}`.execute(tx);
  const [scene] = rows;
  if (scene === undefined) throw new Error('a notice of the ledger without its record');
  const { n, level, to, ackDueAt, ...rest } = scene;
  const known = n !== null && level !== null && to !== null;
  return { ...rest, escalationWords: known ? { n, level, to, ackDueAt: ackDueAt?.getTime() ?? null } : null };
}

/** Counted under a lock, so that two claims at once cannot both be the last allowed; what is reported of an SMS later makes it no younger. */
async function isOverLimit(tx: TenantTx, { tenantId, id, recipientId }: LedgerRow, now: Instant): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`sms/${tenantId}`}, 0))`.execute(tx);
  const { rows } = await sql<Record<keyof typeof smsLimits, number>>`
    select count(*) filter (where recipient_id = ${recipientId} and coalesce(wire_at, updated_at) > ${toIso(now - hour)})::int as person_hour,
      count(*) filter (where recipient_id = ${recipientId})::int as person_day, count(*)::int as tenant_day
    from outbound_message
    where tenant_id = ${tenantId} and id <> ${id} and automatic and channel = 'sms'
      and updated_at > ${toIso(now - day)} and coalesce(wire_at, updated_at) > ${toIso(now - day)}
      and (state in ('sending', 'sent', 'unknown') or wire_at is not null)`.execute(tx);
  const [sent] = rows;
  return sent !== undefined && (['personHour', 'personDay', 'tenantDay'] as const).some((limit) => sent[limit] >= smsLimits[limit]);
}

/** `lost`: another attempt took the row over; `gone`: somebody acknowledged or answered since the claim. */
export type Wire = { readonly kind: 'marked' } | { readonly kind: 'lost' } | { readonly kind: 'gone'; readonly reason: NoticeObsolete };

/** Asks once more for the reason and notes that the notice is about to be sent: connecting takes seconds, and an acknowledgement counts at once. */
export async function wireNotice(tx: TenantTx, notice: ClaimedNotice, now: Instant): Promise<Wire> {
  const { tenant, about, ticket } = notice;
  const { rows } = await sql<NoticeFacts>`
    select t.removed_at is not null as ticket_removed,
      (select phase from sla_clock c where c.tenant_id = t.tenant_id and c.ticket_id = t.id and c.clock = ${about.clock}) as clock,
      (select status from escalation e where e.tenant_id = t.tenant_id and e.ticket_id = t.id and e.n = ${about.escalation}::integer) as escalation
    from ticket t where t.tenant_id = ${tenant} and t.id = ${ticket.id}`.execute(tx);
  const [facts] = rows;
  const reason = facts === undefined ? null : noticeObsolete(about.reason, facts);
  if (reason !== null) return { kind: 'gone', reason };
  return { kind: (await markWire(tx, notice, now)) ? 'marked' : 'lost' };
}

/** The number a notice went to; null: it has none any more. */
export async function phoneOf(tx: TenantTx, tenant: TenantId, id: string): Promise<string | null> {
  const row = await tx
    .selectFrom('outboundMessage as o')
    .innerJoin('agent as a', (join) => join.onRef('a.tenantId', '=', 'o.tenantId').onRef('a.id', '=', 'o.recipientId'))
    .select('a.phone')
    .where('o.tenantId', '=', tenant)
    .where('o.id', '=', id)
    .executeTakeFirst();
  return row?.phone ?? null;
}

export interface Found {
  readonly tenant: TenantId;
  readonly id: string;
  /** When the attempt reached the wire. */
  readonly wireAt: Instant;
  readonly providerId: string;
}

/**
 * Records that the provider has a message of which nobody could say whether it went out.
 *
 * @returns false when somebody else settled it or sends it again
 */
export async function settleFound(tx: TenantTx, { tenant, id, wireAt, providerId }: Found, now: Instant): Promise<boolean> {
  const row = await tx
    .updateTable('outboundMessage')
    .set({ state: 'sent', providerId, delivery: 'accepted', errorCode: null, sentAt: toIso(wireAt), updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .where('state', '=', 'planned')
    .where('wireAt', '=', new Date(wireAt))
    .returning('attempts')
    .executeTakeFirst();
  if (row === undefined) return false;
  await endAttempt(tx, { tenant, id, attempt: row.attempts, now, outcome: 'found' });
  await applyReports(tx, tenant, providerId, now);
  return true;
}
