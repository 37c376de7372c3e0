/** Notices to staff: whom one goes to, found once, and its rows in the ledger. Source: sla.md, section 6; reliability.md, R1. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { asAgentId, asTeamId, uuidPattern } from '../../domain/ids.js';
import type { AgentId, ProductKey, TeamId, TenantId, TicketId } from '../../domain/ids.js';
import { noticeKey, noticeRecipients, staffFor } from '../../domain/sla/notice.js';
import type { NoticeAbout, NoticeRecipient, StaffMember, StaffQuery } from '../../domain/sla/notice.js';
import type { NoticeChannel } from '../../domain/sla/policy.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** A number that SMS can go to: E.164. */
export const phonePattern = '^\\+[1-9][0-9]{6,14}$';

export interface NoticeRequest {
  readonly tenant: TenantId;
  readonly ticket: TicketId;
  /** Name of the notice within its ticket. */
  readonly message: string;
  /** SMS can be sent. */
  readonly sms: boolean;
  readonly newId: () => string;
  readonly now: Instant;
}

/** What became of the search for recipients; null: there is no such notice. */
export type Addressed = { readonly recipients: number; readonly isNew: boolean } | null;

interface StoredNotice {
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
 * Finds a notice's recipients and plans a message to each. A second call finds them found: whoever took the ticket over meanwhile is not
 * told of what another has been told of.
 */
export async function planNotice(tx: TenantTx, request: NoticeRequest): Promise<Addressed> {
  const { tenant, ticket, message, sms } = request;
  const { rows } = await sql<StoredNotice>`
    select n.about, n.about->'addressed' as addressed, t.cycle, t.product, t.assignee_id as assignee, t.team_id as team,
      (select settings->>'fallbackRecipient' from tenant where tenant_id = ${tenant}) as fallback
    from notice n join ticket t on t.tenant_id = n.tenant_id and t.id = n.ticket_id
    where n.tenant_id = ${tenant} and n.ticket_id = ${ticket} and n.message = ${message}
    for update of n`.execute(tx);
  const [notice] = rows;
  if (notice === undefined) return null;
  if (notice.addressed !== null) return { ...notice.addressed, isNew: false };
  const fallback = notice.fallback !== null && uuidPattern.test(notice.fallback) ? asAgentId(notice.fallback) : null;
  const staff = await listStaff(tx, tenant, notice.product, staffFor(notice.about, notice, fallback));
  const recipients = noticeRecipients(notice.about, notice, staff, { fallback, sms });
  await insertNotices(tx, request, notice.cycle, recipients);
  const addressed = JSON.stringify({ recipients: recipients.length, at: toIso(request.now) });
  await sql`
    update notice set about = about || jsonb_build_object('addressed', ${addressed}::jsonb)
    where tenant_id = ${tenant} and ticket_id = ${ticket} and message = ${message}`.execute(tx);
  return { recipients: recipients.length, isNew: true };
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
  { tenant, ticket, message, newId, now }: NoticeRequest,
  cycle: number,
  recipients: readonly NoticeRecipient[],
): Promise<void> {
  const rows = recipients.map(({ agent, channel, fallback }) => ({
    id: newId(),
    key: noticeKey(ticket, message, channel, agent),
    agent,
    channel,
    fallback,
  }));
  await sql`
    insert into outbound_message (tenant_id, id, dedupe_key, ticket_id, message, template, recipient_kind, recipient_id, automatic, cycle, channel,
      fallback, created_at, updated_at)
    select ${tenant}, id, key, ${ticket}, ${message}, 'notice', 'agent', agent, true, ${cycle}, channel, fallback, ${toIso(now)}, ${toIso(now)}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as g(id uuid, key text, agent uuid, channel text, fallback boolean)
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
  if (first !== undefined) await insertNotices(tx, request, first.cycle, rows);
  return rows.length;
}
