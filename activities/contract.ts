/** What workflows may ask of the outside, as types only; `index.ts` has the implementation. All arguments are plain JSON: ids, enums, numbers, instants. */
import type { AgentId, ContentId, TeamId, TenantId, TicketId } from '../domain/ids.js';
import type { CalendarRef, MatchField, SlaPlan } from '../domain/sla/policy.js';
import type { ReprojectionCounts, ReprojectionState } from '../domain/sla/preview.js';
import type { Windows } from '../domain/sla/windows.js';
import type { TicketStep } from '../domain/ticket/step.js';
import type { Ticket } from '../domain/ticket/ticket.js';
import type { Instant } from '../domain/time.js';

export interface ProjectionResult {
  /** Highest version stored for the ticket. */
  readonly stored: number;
  /** Another run or another command holds these versions: nothing was written, the workflow has to renumber from `stored`. */
  readonly conflict: boolean;
}

export interface ProjectionActivities {
  /** Records the steps in order, each at most once; a repeated call changes nothing. */
  readonly project: (steps: readonly TicketStep[]) => Promise<ProjectionResult>;
}

export interface DeliveryRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** The planned message; all its recipients are worked through. */
  readonly message: string;
}

/** How many ledger rows of the message ended how. */
export interface DeliveryResult {
  readonly sent: number;
  readonly failed: number;
  readonly unknown: number;
  readonly suppressed: number;
}

export interface DeliveryActivities {
  /** Sends one planned message to each of its recipients: each at most once, or kept as `unknown`. Throws only what may be tried again. */
  readonly deliver: (request: DeliveryRequest) => Promise<DeliveryResult>;
}

export interface GiveUpActivities {
  /** Ends what is still open of a message that could not be delivered in its time: `failed`, or `unknown` where the wire was reached. */
  readonly giveUp: (request: DeliveryRequest) => Promise<DeliveryResult>;
}

/** What of a ticket decides under which policy it falls, and on which calendar. */
export interface PlanFacts extends Pick<Ticket, 'product' | 'priority' | 'category' | 'channel' | 'team' | 'requester'> {
  /** The content row that holds its tags. */
  readonly tags: ContentId;
}

export interface PlanRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** Revision of the policy set the ticket has pinned; 0: none. */
  readonly set: number;
  readonly facts: PlanFacts;
  /** Stays as it is when the policy that matches asks for the same calendar; else, and when absent, the newest revision is taken. */
  readonly pinned?: CalendarRef;
  /** Where the windows begin: the oldest instant that still matters. */
  readonly from: Instant;
  readonly now: Instant;
}

export interface PlanResult {
  /** Null: no policy matches, so there are no clocks. */
  readonly plan: SlaPlan | null;
  /** Open windows of the plan's calendar, past the furthest instant it can need; null without a plan. */
  readonly windows: Windows | null;
  /** What some policy of the set asks about: a change of anything else matches as before. */
  readonly rematchOn: readonly MatchField[];
  /** Some policy runs on the team's calendar: a move to another team is to be planned anew. */
  readonly teamCalendar: boolean;
}

export interface ExpandRequest {
  readonly tenant: TenantId;
  readonly calendar: CalendarRef;
  readonly from: Instant;
  readonly until: Instant;
  /** Open time that must lie within, counted from `needFrom`. */
  readonly needMs: number;
  readonly needFrom: Instant;
}

export interface PlanningActivities {
  /** The policy and the calendar a ticket falls under. Fails for good only when the revision it pinned was never published. */
  readonly planSla: (request: PlanRequest) => Promise<PlanResult>;
  /** A calendar revision as open windows. Those end after five years at the latest, even if less open time than needed lies within. */
  readonly expandCalendar: (request: ExpandRequest) => Promise<Windows>;
}

export interface AgentRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** Null: the ticket's own team. */
  readonly team: TeamId | null;
}

export interface StaffingActivities {
  /** The next eligible agent of a team other than the present one; null: nobody. */
  readonly findAgent: (request: AgentRequest) => Promise<{ readonly agent: AgentId; readonly team: TeamId } | null>;
}

/** One revision of the policies on its way to open tickets. */
export interface ReprojectionRequest {
  readonly tenant: TenantId;
  readonly revision: number;
}

export interface ReprojectionStatus {
  readonly state: ReprojectionState;
  /** Open tickets under an older revision when it was published. */
  readonly total: number;
  readonly counts: ReprojectionCounts;
}

export interface ReprojectionPageRequest extends ReprojectionRequest {
  /** The last ticket of the page before; null: from the first on. */
  readonly after: TicketId | null;
  readonly limit: number;
}

export interface ReprojectionPage {
  /** The last ticket of this page; `after` when there was none. */
  readonly last: TicketId | null;
  /** No ticket is left behind it. */
  readonly isLast: boolean;
  /** Of the whole job so far. */
  readonly counts: ReprojectionCounts;
}

export interface ReprojectionActivities {
  /** How far a job is. Fails until the revision is published with it. */
  readonly findReprojection: (request: ReprojectionRequest) => Promise<ReprojectionStatus>;
  /** Moves the next tickets to the revision and keeps what came of each; a repeated call asks no ticket twice. */
  readonly reprojectPage: (request: ReprojectionPageRequest) => Promise<ReprojectionPage>;
  /** Notes that a job goes on, pauses or is over. */
  readonly markReprojection: (request: ReprojectionRequest & { readonly state: ReprojectionState }) => Promise<void>;
}

export type Activities = ProjectionActivities &
  DeliveryActivities &
  GiveUpActivities &
  PlanningActivities &
  StaffingActivities &
  ReprojectionActivities;
