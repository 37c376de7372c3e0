/** Escalations: records of who was asked to step in, and what came of it. Source: service-desk.md, section 4; sla.md, section 6. */
import type { Actor } from '../actor.js';
import { refused } from '../decision.js';
import type { Refused, TicketCode } from '../decision.js';
import type { AgentId, ContentId, TeamId } from '../ids.js';
import type { Instant } from '../time.js';

export const escalationStatuses = ['pending', 'in_progress', 'resolved', 'closed'] as const;
export type EscalationStatus = (typeof escalationStatuses)[number];

/** Outcomes a person may give. */
export const escalationOutcomes = ['fixed', 'advised', 'reassigned', 'declined'] as const;
export type EscalationOutcome = (typeof escalationOutcomes)[number];

export const escalationTargets = ['admin', 'specialist', 'team', 'lead'] as const;
export type EscalationTargetKind = (typeof escalationTargets)[number];

/** `specialist` names a user, `team` a team; without an id the ticket's own. */
export interface EscalationTarget {
  readonly kind: EscalationTargetKind;
  readonly id?: AgentId | TeamId;
}

export interface Escalation {
  /** Counts up in the ticket: `<ticket>.e<n>`. */
  readonly n: number;
  /** 1–9. */
  readonly level: number;
  readonly to: EscalationTarget;
  readonly status: EscalationStatus;
  readonly raisedBy: Actor;
  readonly reason: ContentId | null;
  /** The rung that opened it; null: a person did. */
  readonly from: { readonly clock: string; readonly rung: string } | null;
  /** Open seconds within which somebody must acknowledge; null: no window. */
  readonly ackWithinS: number | null;
  /** End of that window. */
  readonly ackDueAt: Instant | null;
  /** Whoever acknowledges gets the ticket. */
  readonly takeOver: boolean;
  readonly owner: Actor | null;
  /** Had the ticket before it was taken over. */
  readonly formerAssignee: AgentId | null;
  readonly outcome: EscalationOutcome | 'withdrawn' | 'no_longer_needed' | 'ticket_closed' | null;
  readonly outcomeText: ContentId | null;
  readonly createdAt: Instant;
  readonly acknowledgedAt: Instant | null;
  readonly resolvedAt: Instant | null;
  readonly closedAt: Instant | null;
}

/** Closed ones a ticket remembers; all of them stay in PostgreSQL. */
const remembered = 10;

/** From → to. Source: service-desk.md, section 4. */
const moves: Readonly<Record<EscalationStatus, readonly EscalationStatus[]>> = {
  pending: ['in_progress', 'closed'],
  in_progress: ['resolved'],
  resolved: ['closed', 'in_progress'],
  closed: [],
};

/** Somebody is asked, or at it. */
export const isOpenEscalation = ({ status }: Escalation): boolean => status === 'pending' || status === 'in_progress';

/** The highest level of those open; 0: not escalated. */
export const levelOf = (escalations: readonly Escalation[]): number =>
  Math.max(0, ...escalations.filter(isOpenEscalation).map(({ level }) => level));

/** Whether one waits, within its window, for somebody to acknowledge it. */
export const awaitsAcknowledgement = (escalations: readonly Escalation[]): boolean =>
  escalations.some(({ status, ackDueAt }) => status === 'pending' && ackDueAt !== null);

/** What opens an escalation. */
export type EscalationOpening = Pick<Escalation, 'level' | 'to' | 'raisedBy' | 'reason' | 'from' | 'ackWithinS' | 'takeOver'>;

/** The next escalation of a ticket, `pending`. */
export const opened = (opening: EscalationOpening, before: readonly Escalation[], now: Instant): Escalation => ({
  ...opening,
  n: (before.at(-1)?.n ?? 0) + 1,
  status: 'pending',
  ackDueAt: null,
  owner: null,
  formerAssignee: null,
  outcome: null,
  outcomeText: null,
  createdAt: now,
  acknowledgedAt: null,
  resolvedAt: null,
  closedAt: null,
});

/** The list with one escalation added or replaced; of the closed ones only the last are kept, and always the newest, which numbers the next. */
export function withEscalation(escalations: readonly Escalation[], changed: Escalation): Escalation[] {
  const known = escalations.some(({ n }) => n === changed.n);
  const all = known ? escalations.map((one) => (one.n === changed.n ? changed : one)) : [...escalations, changed];
  const spare = all.filter(({ status }) => status === 'closed').length - remembered;
  let dropped = 0;
  return all.filter(({ status }) => status !== 'closed' || (dropped += 1) > spare);
}

/** The escalation a command is about, if it may move there. */
export function movable(
  escalations: readonly Escalation[],
  n: number,
  to: EscalationStatus,
): Refused<TicketCode> | { readonly ok: true; readonly escalation: Escalation } {
  const escalation = escalations.find((one) => one.n === n);
  if (escalation === undefined) return refused('escalation.not_found', { escalation: n });
  if (!moves[escalation.status].includes(to)) {
    return refused('escalation.illegal_move', { from: escalation.status, to, allowed: moves[escalation.status] });
  }
  return { ok: true, escalation };
}
