/** Notices to staff: whom one goes to, found once, and its rows in the ledger. Source: sla.md, section 6; reliability.md, R1. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { asAgentId, asTeamId, uuidPattern } from '../../domain/ids.js';
import type { AgentId, ProductKey, TeamId, TenantId, TicketId } from '../../domain/ids.js';
import { noticeKey, noticeRecipients, staffFor } from '../../domain/sla/notice.js';
import type { NoticeAbout, NoticeRecipient, StaffMember, StaffQuery } from '../../domain/sla/notice.js';
import { noticeChannels } from '../../domain/sla/policy.js';
import type { NoticeChannel } from '../../domain/sla/policy.js';
import { hour, toIso } from '../../domain/time.js';
import { oneOf, outboundStates } from './outbound.js';
import type { OutboundRow } from './outbound.js';
import type { Instant } from '../../domain/time.js';

/** A number that SMS can go to: E.164. */
export const phonePattern = '^\\+[1-9][0-9]{6,14}$';

/** A notice, by its name within its ticket. */
export interface NoticeRef {
  readonly ticket: TicketId;
  readonly message: string;
}

interface Planning {
  readonly tenant: TenantId;
  /** SMS can be sent. */
  readonly sms: boolean;
  readonly newId: () => string;
  readonly now: Instant;
}

export interface NoticeRequest extends Planning, NoticeRef {}

export interface NoticesRequest extends Planning {
  /** Some by their names, or those of a batch that are not settled. */
  readonly which: readonly NoticeRef[] | { readonly batch: string };
}

/** A notice with its rows in the ledger. */
export interface NoticeRows extends NoticeRef {
  readonly recipients: number;
  /** Its recipients were found now, not before. */
  readonly isNew: boolean;
  /** Those tried least first. */
  readonly rows: readonly OutboundRow[];
}

interface StoredNotice extends NoticeRef {
  readonly about: NoticeAbout;
  /** Its recipients were found before. */
  readonly addressed: { readonly recipients: number } | null;
  readonly cycle: number;
  readonly product: ProductKey;
  readonly assignee: AgentId | null;
  readonly team: TeamId | null;
  readonly fallback: string | null;
}

/**
 * Finds the recipients of notices and plans a message to each. A second call finds them found: whoever took a ticket over meanwhile is not
 * told of what another has been told of.
 *
 * @returns those that exist
 */
export async function planNotices(tx: TenantTx, request: NoticesRequest): Promise<NoticeRows[]> {
  const { tenant, which, sms } = request;
  const stored = await lockNotices(tx, tenant, which);
  const staffOf = remembering((product: ProductKey, question: StaffQuery) => listStaff(tx, tenant, product, question));
  const planned: (NoticeRef & { readonly cycle: number; readonly recipients: readonly NoticeRecipient[] })[] = [];
  for (const notice of stored) {
    if (notice.addressed !== null) continue;
    const fallback = notice.fallback !== null && uuidPattern.test(notice.fallback) ? asAgentId(notice.fallback) : null;
    const staff = await staffOf(notice.product, staffFor(notice.about, notice, fallback));
    planned.push({ ...notice, recipients: noticeRecipients(notice.about, notice, staff, { fallback, sms }) });
  }
  if (planned.length > 0) {
    await insertNotices(tx, request, planned);
    await markAddressed(tx, request, planned);
  }
  await keepFromOthers(
    tx,
    request,
    stored.filter(({ addressed }) => addressed !== null),
  );
  const rows = await listNoticeRows(tx, tenant, stored);
  return stored.map(({ ticket, message, addressed }) => ({
    ticket,
    message,
    recipients: addressed?.recipients ?? planned.find((one) => one.ticket === ticket && one.message === message)?.recipients.length ?? 0,
    isNew: addressed === null,
    rows: rows.get(nameOf({ ticket, message })) ?? [],
  }));
}

/** With what their recipients depend on. A batch has what no other one was handed since: the lock shows what that came to. */
async function lockNotices(tx: TenantTx, tenant: TenantId, which: NoticesRequest['which']): Promise<StoredNotice[]> {
  const chosen =
    'batch' in which
      ? sql`n.batch = ${which.batch} and n.hand_at is not null`
      : sql`n.ticket_id = any(${ticketsOf(which)}) and (n.ticket_id, n.message) in (
          select w.ticket, w.message from jsonb_to_recordset(${JSON.stringify(which)}::jsonb) as w(ticket text, message text))`;
  const { rows } = await sql<StoredNotice>`
    select n.ticket_id as ticket, n.message, n.about, n.about->'addressed' as addressed, t.cycle, t.product, t.assignee_id as assignee,
      t.team_id as team, (select settings->>'fallbackRecipient' from tenant where tenant_id = ${tenant}) as fallback
    from notice n join ticket t on t.tenant_id = n.tenant_id and t.id = n.ticket_id
    where n.tenant_id = ${tenant} and ${chosen}
    order by n.created_at, n.ticket_id, n.message
    for update of n`.execute(tx);
  return rows;
}

/** Named beside each join, so that no plan made while the tables were small goes through all of a tenant. */
export const ticketsOf = (notices: readonly Pick<NoticeRef, 'ticket'>[]): RawBuilder<unknown> =>
  sql`${[...new Set(notices.map(({ ticket }) => ticket))]}::text[]`;

const nameOf = ({ ticket, message }: NoticeRef): string => `${ticket}/${message}`;

/** Deadlines of one policy ask the same question again and again. */
function remembering(ask: (product: ProductKey, question: StaffQuery) => Promise<StaffMember[]>): typeof ask {
  const answers = new Map<string, Promise<StaffMember[]>>();
  return (product, question) => {
    const key = JSON.stringify([product, question]);
    const answer = answers.get(key) ?? ask(product, question);
    answers.set(key, answer);
    return answer;
  };
}

/** A batch that has begun ends within a day and its worker's grace; what is open after that has lost its workflow. */
const lostAfter = 26 * hour;

/** A batch that has begun has its notices for itself; those whose recipients are being found now are marked with that. */
async function keepFromOthers(tx: TenantTx, { tenant, which, now }: NoticesRequest, begun: readonly NoticeRef[]): Promise<void> {
  if (!('batch' in which) || begun.length === 0) return;
  await sql`
    update notice set hand_at = ${toIso(now + lostAfter)}
    where tenant_id = ${tenant} and batch = ${which.batch} and hand_at is not null and about ? 'addressed'`.execute(tx);
}

async function markAddressed(
  tx: TenantTx,
  { tenant, now }: Planning,
  planned: readonly (NoticeRef & { readonly recipients: readonly NoticeRecipient[] })[],
): Promise<void> {
  const found = planned.map(({ ticket, message, recipients }) => ({
    ticket,
    message,
    addressed: { recipients: recipients.length, at: toIso(now) },
  }));
  await sql`
    update notice n set about = n.about || jsonb_build_object('addressed', f.addressed),
      hand_at = case when n.hand_at is not null then ${toIso(now + lostAfter)}::timestamptz end
    from jsonb_to_recordset(${JSON.stringify(found)}::jsonb) as f(ticket text, message text, addressed jsonb)
    where n.tenant_id = ${tenant} and n.ticket_id = any(${ticketsOf(found)}) and n.ticket_id = f.ticket and n.message = f.message`.execute(
    tx,
  );
}

/** By the name of the notice. */
async function listNoticeRows(tx: TenantTx, tenant: TenantId, notices: readonly NoticeRef[]): Promise<Map<string, OutboundRow[]>> {
  const { rows } = await sql<NoticeRef & { id: string; state: string; channel: string }>`
    select o.ticket_id as ticket, o.message, o.id, o.state, o.channel
    from jsonb_to_recordset(${JSON.stringify(notices)}::jsonb) as w(ticket text, message text)
    join outbound_message o on o.tenant_id = ${tenant} and o.ticket_id = w.ticket and o.message = w.message
    where o.ticket_id = any(${ticketsOf(notices)})
    order by o.attempts, o.id`.execute(tx);
  const byName = new Map<string, OutboundRow[]>();
  for (const { ticket, message, id, state, channel } of rows) {
    const name = nameOf({ ticket, message });
    const row = { id, state: oneOf(outboundStates, state), channel: oneOf(noticeChannels, channel) };
    byName.set(name, [...(byName.get(name) ?? []), row]);
  }
  return byName;
}

/** Active agents who may see the product and fit the question, by id. */
async function listStaff(tx: TenantTx, tenant: TenantId, product: ProductKey, wanted: StaffQuery): Promise<StaffMember[]> {
  const { rows } = await sql<{ id: string; role: StaffMember['role']; teams: string[]; hasPhone: boolean }>`
    select a.id, a.role, coalesce(a.phone ~ ${phonePattern}, false) as has_phone,
      array(select m.team_id from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id) as teams
    from agent a
    where a.tenant_id = ${tenant} and a.active and (a.products is null or ${product} = any(a.products))
      and (a.id = any(${[...wanted.people]}::uuid[]) or a.role = any(${[...wanted.roles]}::text[]) or exists (
        select from team_member m where m.tenant_id = a.tenant_id and m.agent_id = a.id and m.team_id = any(${[...wanted.teams]}::uuid[])))
    order by a.id`.execute(tx);
  return rows.map(({ id, teams, ...rest }) => ({ ...rest, id: asAgentId(id), teams: teams.map(asTeamId) }));
}

async function insertNotices(
  tx: TenantTx,
  { tenant, newId, now }: Planning,
  planned: readonly (NoticeRef & { readonly cycle: number; readonly recipients: readonly NoticeRecipient[] })[],
): Promise<void> {
  const rows = planned.flatMap(({ ticket, message, cycle, recipients }) =>
    recipients.map(({ agent, channel, fallback }) => ({
      id: newId(),
      key: noticeKey(ticket, message, channel, agent),
      ticket,
      message,
      cycle,
      agent,
      channel,
      fallback,
    })),
  );
  await sql`
    insert into outbound_message (tenant_id, id, dedupe_key, ticket_id, message, template, recipient_kind, recipient_id, automatic, cycle, channel,
      fallback, created_at, updated_at)
    select ${tenant}, id, key, ticket, message, 'notice', 'agent', agent, true, cycle, channel, fallback, ${toIso(now)}, ${toIso(now)}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as g(id uuid, key text, ticket text, message text, cycle int, agent uuid, channel text, fallback boolean)
    on conflict (tenant_id, dedupe_key) do nothing`.execute(tx);
}

/**
 * Plans a notice by the other channel for everybody whom it will not reach by the first: it was refused there, was not taken for an hour,
 * or met the limit of SMS. Not where nobody can say whether it arrived.
 *
 * @returns how many were planned; those that were before do not count
 */
export async function planOtherChannel(tx: TenantTx, request: NoticeRequest): Promise<number> {
  const { tenant, ticket, message, sms } = request;
  const { rows } = await sql<{ agent: AgentId; channel: NoticeChannel; fallback: boolean; cycle: number }>`
    select o.recipient_id as agent, other.channel, o.fallback, o.cycle
    from outbound_message o
    join agent a on a.tenant_id = o.tenant_id and a.id = o.recipient_id and a.active
    cross join lateral (select case o.channel when 'sms' then 'email' else 'sms' end as channel) other
    where o.tenant_id = ${tenant} and o.ticket_id = ${ticket} and o.message = ${message} and o.template = 'notice'
      and (o.state = 'failed' or (o.state = 'unknown' and o.error_code <> 'no_reply') or (o.state = 'suppressed' and o.reason = 'sms_limit'))
      and (other.channel = 'email' or (${sms} and a.phone ~ ${phonePattern}))
      and not exists (
        select from outbound_message p where p.tenant_id = o.tenant_id and p.ticket_id = o.ticket_id and p.message = o.message
          and p.recipient_id = o.recipient_id and p.channel = other.channel)
    order by o.id`.execute(tx);
  const [first] = rows;
  if (first !== undefined) await insertNotices(tx, request, [{ ticket, message, cycle: first.cycle, recipients: rows }]);
  return rows.length;
}
