/** Notices to staff: what one says, whom it goes to, and when its reason is gone. Source: sla.md, section 6, R28 and R30; reliability.md, R6. */
import type { AgentId, TeamId, TicketId } from '../ids.js';
import { asAgentId, asTeamId } from '../ids.js';
import type { EscalationStatus } from '../ticket/escalation.js';
import { hour } from '../time.js';
import type { Instant } from '../time.js';
import type { Addressee, NoticeChannel } from './policy.js';

/** `warning` and `breach` tell of a clock, the other two of an escalation: that it waits, and that nobody acknowledged it. */
export type NoticeReason = 'warning' | 'breach' | 'escalation' | 'exhausted';

/** A rung the notice tells of. */
export interface NoticeRung {
  readonly rung: string;
  readonly dueAt: Instant;
  readonly lateMs: number;
}

/** Whom to tell by one channel. */
export interface NoticeGroup {
  readonly channel: NoticeChannel;
  readonly to: readonly Addressee[];
}

/** A notice as the workflow records it; who is behind the addressees is found when it is delivered. */
export interface NoticeAbout {
  /** Such as `resolution#1`; null: it is about no clock. */
  readonly clock: string | null;
  readonly reason: NoticeReason;
  /** Number of the escalation within the ticket. */
  readonly escalation: number | null;
  /** In the order in which they fell due; several when they did so at once. */
  readonly rungs: readonly NoticeRung[];
  readonly to: readonly NoticeGroup[];
}

/** How long one channel is tried, in milliseconds; then the other one is. */
export const noticePatience = hour;

const prefix = 'notice/';

/** Whether a planned message is a notice: `notice/<clock>/<rung>`, `notice/e<n>/raised`, `notice/e<n>/exhausted`. */
export const isNotice = (message: string): boolean => message.startsWith(prefix);

/** Unique per tenant; holds no run, attempt, time or address, so that no repetition of the work tells anybody twice. */
export const noticeKey = (ticket: TicketId, message: string, channel: NoticeChannel, recipient: AgentId): string =>
  `${ticket}/${message.slice(prefix.length)}/${channel}/${recipient}`;

export type StaffRole = 'agent' | 'lead' | 'admin';

/** An active agent who may see the ticket's product. */
export interface StaffMember {
  readonly id: AgentId;
  readonly role: StaffRole;
  readonly teams: readonly TeamId[];
  /** A number that SMS can go to. */
  readonly hasPhone: boolean;
}

/** What of a ticket its addressees depend on. */
export interface NoticeTicket {
  readonly assignee: AgentId | null;
  readonly team: TeamId | null;
}

export interface StaffQuery {
  readonly people: readonly AgentId[];
  readonly roles: readonly StaffRole[];
  readonly teams: readonly TeamId[];
}

type Part =
  { readonly person: AgentId } | { readonly role: StaffRole } | { readonly team: TeamId } | { readonly lead: TeamId | null } | null;

/** What an addressee stands for on this ticket; null: nobody. There is no on-call roster yet. */
function read(addressee: Addressee, { assignee, team }: NoticeTicket): Part {
  if (addressee === 'assignee') return assignee === null ? null : { person: assignee };
  if (addressee === 'lead') return { lead: team };
  const [kind, value = ''] = addressee.split(':');
  if (kind === 'role' && (value === 'agent' || value === 'lead' || value === 'admin')) return { role: value };
  if (kind === 'team') return { team: asTeamId(value) };
  return kind === 'user' ? { person: asAgentId(value) } : null;
}

/**
 * Who has to be looked up to find a notice's recipients.
 *
 * @param fallback the tenant's fallback recipient
 * @returns anybody who fits one of the three
 */
export function staffFor({ to }: NoticeAbout, ticket: NoticeTicket, fallback: AgentId | null): StaffQuery {
  const parts = to.flatMap((group) => group.to.map((addressee) => read(addressee, ticket))).filter((part) => part !== null);
  return {
    people: [...parts.flatMap((part) => ('person' in part ? [part.person] : [])), ...(fallback === null ? [] : [fallback])],
    roles: parts.flatMap((part) => ('role' in part ? [part.role] : 'lead' in part ? ['lead' as const] : [])),
    teams: parts.flatMap((part) => ('team' in part ? [part.team] : [])),
  };
}

/** The leads of the ticket's team; every lead where there is no team, or none in it. */
function leadsOf(team: TeamId | null, staff: readonly StaffMember[]): readonly StaffMember[] {
  const leads = staff.filter(({ role }) => role === 'lead');
  const own = leads.filter(({ teams }) => team !== null && teams.includes(team));
  return own.length === 0 ? leads : own;
}

function behind(addressee: Addressee, ticket: NoticeTicket, staff: readonly StaffMember[]): readonly StaffMember[] {
  const part = read(addressee, ticket);
  if (part === null) return [];
  if ('lead' in part) return leadsOf(part.lead, staff);
  if ('person' in part) return staff.filter(({ id }) => id === part.person);
  if ('role' in part) return staff.filter(({ role }) => role === part.role);
  return staff.filter(({ teams }) => teams.includes(part.team));
}

export interface NoticeRecipient {
  readonly agent: AgentId;
  readonly channel: NoticeChannel;
  /** Nobody addressed was found. */
  readonly fallback: boolean;
}

/**
 * Whom a notice goes to, each person once by each channel, in the order of the addressees.
 *
 * @param staff as found for `staffFor`
 * @param sms whether SMS can be sent at all; without it, and to people without a number, a mail goes instead
 * @returns the fallback recipient when nobody addressed is there; empty when there is none either
 */
export function noticeRecipients(
  { to }: NoticeAbout,
  ticket: NoticeTicket,
  staff: readonly StaffMember[],
  { fallback, sms }: { fallback: AgentId | null; sms: boolean },
): NoticeRecipient[] {
  const by = (channel: NoticeChannel, person: StaffMember, isFallback: boolean): NoticeRecipient => ({
    agent: person.id,
    channel: channel === 'sms' && sms && person.hasPhone ? 'sms' : 'email',
    fallback: isFallback,
  });
  const found = to.flatMap(({ channel, to: addressees }) =>
    addressees.flatMap((addressee) => behind(addressee, ticket, staff).map((person) => by(channel, person, false))),
  );
  if (found.length > 0) return distinct(found);
  const channels = to.length === 0 ? (['email'] as const) : to.map(({ channel }) => channel);
  return distinct(staff.filter(({ id }) => id === fallback).flatMap((person) => channels.map((channel) => by(channel, person, true))));
}

const distinct = (recipients: readonly NoticeRecipient[]): NoticeRecipient[] => [
  ...new Map(recipients.map((recipient) => [`${recipient.channel}/${recipient.agent}`, recipient])).values(),
];

export type NoticeObsolete = 'ticket_removed' | 'clock_fulfilled' | 'clock_cancelled' | 'acknowledged' | 'escalation_over';

/** What a notice tells of, as it is now; null: it tells of none, or there is none of that name. */
export interface NoticeFacts {
  readonly ticketRemoved: boolean;
  readonly clock: 'running' | 'paused' | 'fulfilled' | 'cancelled' | null;
  readonly escalation: EscalationStatus | null;
}

/** Why a notice must not go out any more; null: it may. A warning waits for nobody's acknowledgement, so its escalation is not asked. */
export function noticeObsolete(reason: NoticeReason, { ticketRemoved, clock, escalation }: NoticeFacts): NoticeObsolete | null {
  if (ticketRemoved) return 'ticket_removed';
  if (clock === 'fulfilled') return 'clock_fulfilled';
  if (clock === 'cancelled') return 'clock_cancelled';
  if (reason === 'warning' || reason === 'breach' || escalation === null || escalation === 'pending') return null;
  return escalation === 'in_progress' ? 'acknowledged' : 'escalation_over';
}
