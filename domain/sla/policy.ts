/** What a service-level policy says: budgets, pauses, reopening, the ladder. Times are whole seconds. Source: sla.md, sections 2, 5 and 6. */
import type { TeamId } from '../ids.js';
import type { EscalationTarget } from '../ticket/escalation.js';
import type { Priority } from '../ticket/status.js';

export const clockKinds = ['first_response', 'next_response', 'periodic_update', 'requester_wait', 'agent_work', 'resolution'] as const;
export type ClockKind = (typeof clockKinds)[number];

/** Kinds that a public message of the desk ends. */
export const replyKinds = ['first_response', 'next_response', 'periodic_update'] as const satisfies readonly ClockKind[];
/** Kinds that run from creation to resolution, and follow the policy's reopen mode. */
export const cycleKinds = ['requester_wait', 'agent_work', 'resolution'] as const satisfies readonly ClockKind[];

/** Statuses a policy may let a clock pause in. */
export const pausingStatuses = ['waiting_on_customer', 'on_hold'] as const;
export type PausingStatus = (typeof pausingStatuses)[number];
/** In which statuses each kind pauses; a kind left out never does. */
export type PauseMatrix = Readonly<Partial<Record<ClockKind, readonly PausingStatus[]>>>;

export const pausePresets = ['default', 'all', 'resolution_only', 'none'] as const;
export type PausePreset = (typeof pausePresets)[number];

const everywhere: readonly PausingStatus[] = pausingStatuses;
const waiting: readonly PausingStatus[] = ['waiting_on_customer'];

/** The presets as matrices. */
export const presets: Readonly<Record<PausePreset, PauseMatrix>> = {
  default: { requester_wait: waiting, agent_work: everywhere, resolution: waiting },
  all: {
    first_response: everywhere,
    next_response: everywhere,
    periodic_update: everywhere,
    requester_wait: everywhere,
    agent_work: everywhere,
    resolution: everywhere,
  },
  resolution_only: { resolution: everywhere },
  none: {},
};

export const reopenModes = ['resume', 'frozen', 'count_closed_time', 'restart'] as const;
export type ReopenMode = (typeof reopenModes)[number];

/** What else counts, besides a human agent's public message after the customer's. */
export interface Counts {
  /** A bot's public message fulfils a reply clock. */
  readonly bot: boolean;
  /** A logged, answered call with the requester fulfils a reply clock. */
  readonly call: boolean;
  /** `next_response` starts with the first customer message too. */
  readonly firstInNext: boolean;
}

/** When a rung is due, in the clock's own calendar. `at_breach` is 100 %. */
export type RungTime =
  | 'at_breach'
  | { readonly percent: number }
  /** Seconds before the deadline. */
  | { readonly before: number }
  /** Open seconds past the breach. */
  | { readonly after: number };

export const noticeChannels = ['email', 'sms'] as const;
export type NoticeChannel = (typeof noticeChannels)[number];

/** Whom a notice goes to: `assignee`, `lead`, `on-call`, `role:<agent|lead|admin>`, `team:<id>`, `user:<id>`. */
export const addresseePattern =
  /^(?:assignee|lead|on-call|role:(?:agent|lead|admin)|(?:team|user):[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
export type Addressee = string;

export type RungAction =
  | { readonly notify: { readonly to: readonly Addressee[]; readonly channel: NoticeChannel } }
  | { readonly reassign: { readonly team?: TeamId } }
  | { readonly raise_priority: { readonly to: Priority; readonly retarget?: boolean } }
  | { readonly open_escalation: { readonly to: EscalationTarget; readonly ackWithin: number } };

/** One step of the ladder; the order in the policy is the ladder's order. */
export interface Rung {
  /** Unique within the policy. */
  readonly id: string;
  readonly clock: ClockKind;
  readonly when: RungTime;
  /** 1–9; a rung at or below the ticket's level does nothing. */
  readonly level?: number;
  /** Only for tickets of these priorities. */
  readonly priorities?: readonly Priority[];
  /** After-breach rungs only: time counts while the clock is paused. */
  readonly whilePaused?: boolean;
  readonly actions: readonly RungAction[];
}

export type Targets = Readonly<Partial<Record<ClockKind, Readonly<Partial<Record<Priority, number>>>>>>;

export const matchFields = ['product', 'priority', 'category', 'channel', 'customer_tier', 'tags'] as const;
export type MatchField = (typeof matchFields)[number];
/** Scalars know `in` and `not_in`; tags know `any`, `all`, `none`. */
export interface MatchCondition {
  readonly field: MatchField;
  readonly op: 'in' | 'not_in' | 'any' | 'all' | 'none';
  readonly values: readonly string[];
}

export type CalendarChoice = { readonly use: 'policy'; readonly id: string } | { readonly use: 'team'; readonly fallback: string };

export interface Policy {
  /** Key, unique within the set. */
  readonly id: string;
  readonly name: string;
  /** All must hold; empty matches every ticket. */
  readonly match: readonly MatchCondition[];
  readonly calendar: CalendarChoice;
  readonly targets: Targets;
  readonly pause: PausePreset | PauseMatrix;
  /** Kinds that pause while an approval is open. */
  readonly pauseOnApproval: readonly ClockKind[];
  readonly reopen: ReopenMode;
  readonly counts: Counts;
  readonly rungs: readonly Rung[];
}

/** The calendar every tenant has: always open. */
export const alwaysOpen = '24x7';

/** A calendar's immutable revision, as a clock names it. */
export interface CalendarRef {
  readonly id: string;
  readonly revision: number;
}

/** What of a policy a ticket keeps while its clocks run: everything its ledger needs, nothing that must be looked up again. */
export interface SlaPlan {
  /** Revision of the policy set it was matched in. */
  readonly set: number;
  readonly policy: string;
  readonly calendar: CalendarRef;
  readonly targets: Targets;
  readonly pause: PauseMatrix;
  readonly pauseOnApproval: readonly ClockKind[];
  readonly reopen: ReopenMode;
  readonly counts: Counts;
  readonly rungs: readonly Rung[];
}

/** The part of a policy that travels with a ticket. */
export const planOf = (policy: Policy, set: number, calendar: CalendarRef): SlaPlan => ({
  set,
  policy: policy.id,
  calendar,
  targets: policy.targets,
  pause: typeof policy.pause === 'string' ? presets[policy.pause] : policy.pause,
  pauseOnApproval: policy.pauseOnApproval,
  reopen: policy.reopen,
  counts: policy.counts,
  rungs: policy.rungs,
});
