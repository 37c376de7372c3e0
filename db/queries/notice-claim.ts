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
import { day, hour, second, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { applyReports } from './hook-receipts.js';
import { findReportPath } from './hooks.js';
import { phonePattern } from './notices.js';
import { oneOf } from './outbound.js';
import { beginAttempts, endRow, lockRows, turnOf } from './outbound-claim.js';
import type { Begun, ClaimRequest, LedgerRow, NoAttempt, Turn } from './outbound-claim.js';
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

/** Long enough for an attempt that was claimed at the same moment to have gone on. */
const turnAside = 5 * second;

/** Begins an attempt at each notice whose reason still holds; answers in their order. Of two that ask for one row, the second has to wait. */
export async function claimNotices(tx: TenantTx, tenant: TenantId, requests: readonly NoticeClaimRequest[]): Promise<NoticeClaim[]> {
  const ids = requests.map(({ id }) => id);
  const rows = await lockRows(tx, tenant, ids);
  const scenes = await loadScenes(tx, tenant, ids);
  const claims = new Map<string, NoAttempt>();
  const free: Free[] = [];
  for (const [index, request] of requests.entries()) {
    if (ids.indexOf(request.id) !== index) continue;
    const turn = await turnOf(tx, request, rows.get(request.id));
    const scene = scenes.get(request.id);
    if (turn.kind !== 'free') {
      claims.set(request.id, turn);
      continue;
    }
    if (scene === undefined) throw new Error('a notice of the ledger without its record');
    const channel = oneOf(noticeChannels, turn.row.channel);
    const against = await reasonAgainst(tx, request, turn.row, scene, channel);
    if (against === null) free.push({ request, turn, scene, channel });
    else claims.set(request.id, await end(tx, request, turn, against));
  }
  const begun = await beginAttempts(
    tx,
    tenant,
    free.map(({ request, turn, channel }) => ({ ...request, ...turn, messageId: channel === 'email' ? request.messageId : null })),
  );
  const reportPath = free.some(({ channel }) => channel === 'sms') ? await findReportPath(tx, tenant) : null;
  const claimed = new Map(
    free.map((one, index) => [one.request.id, messageOf(one, begun[index], one.channel === 'sms' ? reportPath : null)] as const),
  );
  return requests.map(({ id, now }, index) => {
    if (ids.indexOf(id) !== index) return { kind: 'wait', until: now + turnAside };
    const message = claimed.get(id);
    return message === undefined ? (claims.get(id) ?? { kind: 'over', state: null }) : { kind: 'claimed', message };
  });
}

/** A notice that may go. */
interface Free {
  readonly request: NoticeClaimRequest;
  readonly turn: Extract<Turn, { kind: 'free' }>;
  readonly scene: Scene;
  readonly channel: NoticeChannel;
}

/** Why a notice whose turn it is must not go; null: it may. */
async function reasonAgainst(
  tx: TenantTx,
  request: NoticeClaimRequest,
  row: LedgerRow,
  scene: Scene,
  channel: NoticeChannel,
): Promise<End | null> {
  const obsolete = noticeObsolete(scene.about.reason, scene);
  if (obsolete !== null) return { state: 'suppressed', reason: obsolete };
  if (!scene.active) return { state: 'suppressed', reason: 'recipient_inactive' };
  const fault = channel === 'sms' ? (request.sms ? phoneFault(scene.phone) : 'sms_off') : addressFault(scene.email, request.domain);
  if (fault !== null) return { state: 'failed', errorCode: fault };
  return channel === 'sms' && (await isOverLimit(tx, row, request.now)) ? { state: 'suppressed', reason: 'sms_limit' } : null;
}

const messageOf = (
  { request, turn: { row, repeats }, scene, channel }: Free,
  begun: Begun | undefined,
  reportPath: string | null,
): ClaimedNotice => ({
  kind: 'notice',
  tenant: request.tenant,
  id: row.id,
  lease: request.lease,
  attempt: begun?.attempt ?? row.attempts + 1,
  repeats,
  channel,
  messageId: begun?.messageId ?? request.messageId,
  createdAt: row.createdAt.getTime(),
  about: scene.about,
  ticket: { id: scene.ticket, priority: scene.priority, status: scene.status },
  product: { key: scene.product, name: scene.productName, fromName: ProductSettings.parse(scene.settings).fromName },
  escalation: scene.escalationWords,
  fallback: row.fallback,
  reportPath,
  recipient: { id: scene.agent, name: scene.name, address: scene.email, phone: scene.phone },
});

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

/** By the id of the ledger's row. */
async function loadScenes(tx: TenantTx, tenant: TenantId, ids: readonly string[]): Promise<Map<string, Scene>> {
  const { rows } = await sql<StoredScene & { id: string }>`
    select o.id, n.about, t.id as ticket, t.priority, t.status, t.product, p.name as product_name, p.settings,
      t.removed_at is not null as ticket_removed, c.phase as clock, e.status as escalation, e.n, e.level, e.to_kind as "to", e.ack_due_at,
      a.id as agent, a.name, a.email, a.phone, a.active
    from outbound_message o
    join notice n on n.tenant_id = o.tenant_id and n.ticket_id = o.ticket_id and n.message = o.message
    join ticket t on t.tenant_id = n.tenant_id and t.id = n.ticket_id
    join product p on p.tenant_id = t.tenant_id and p.key = t.product
    join agent a on a.tenant_id = n.tenant_id and a.id = o.recipient_id
    left join sla_clock c on c.tenant_id = n.tenant_id and c.ticket_id = n.ticket_id and c.clock = n.about->>'clock'
    left join escalation e on e.tenant_id = n.tenant_id and e.ticket_id = n.ticket_id and e.n = (n.about->>'escalation')::integer
    where o.tenant_id = ${tenant} and o.id = any(${[...ids]}::uuid[])`.execute(tx);
  return new Map(
    rows.map(({ id, n, level, to, ackDueAt, ...rest }) => {
      const known = n !== null && level !== null && to !== null;
      return [id, { ...rest, escalationWords: known ? { n, level, to, ackDueAt: ackDueAt?.getTime() ?? null } : null }];
    }),
  );
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

/** Asks once more for the reasons and notes that notices are about to be sent: connecting takes seconds, and an acknowledgement counts at once. */
export async function wireNotices(tx: TenantTx, tenant: TenantId, notices: readonly ClaimedNotice[], now: Instant): Promise<Wire[]> {
  const asked = notices.map(({ id, ticket, about }) => ({ id, ticket: ticket.id, clock: about.clock, escalation: about.escalation }));
  const { rows } = await sql<NoticeFacts & { id: string }>`
    select q.id,
      (select t.removed_at is not null from ticket t where t.tenant_id = ${tenant} and t.id = q.ticket) as ticket_removed,
      (select c.phase from sla_clock c where c.tenant_id = ${tenant} and c.ticket_id = q.ticket and c.clock = q.clock) as clock,
      (select e.status from escalation e where e.tenant_id = ${tenant} and e.ticket_id = q.ticket and e.n = q.escalation) as escalation
    from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as q(id uuid, ticket text, clock text, escalation int)`.execute(tx);
  const facts = new Map(rows.map((row) => [row.id, row]));
  const reasons = notices.map(({ id, about }) => {
    const found = facts.get(id);
    return found === undefined ? null : noticeObsolete(about.reason, found);
  });
  const marked = await markWire(
    tx,
    tenant,
    notices.filter((_notice, index) => reasons[index] === null),
    now,
  );
  return notices.map(({ id }, index) => {
    const reason = reasons[index] ?? null;
    if (reason !== null) return { kind: 'gone', reason };
    return { kind: marked.has(id) ? 'marked' : 'lost' };
  });
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
