/** The state of one journey, as it is carried from run to run, projected and shown. Plain JSON. Source: journeys.md, sections 1, 3 and 7. */
import type { Instant } from '../../time.js';
import type { Json, JsonObject } from '../json.js';

export const incidentCodes = [
  'guard_error',
  'no_transition_matched',
  'max_visits',
  'max_duration',
  'action_failed',
  'action_timeout',
  'action_unknown',
  'requirement_missing',
  'handoff_timeout',
  'approval_timeout',
  'quorum_unsatisfiable',
  'compensation_failed',
  'context_too_large',
  'max_open_steps',
] as const;
export type IncidentCode = (typeof incidentCodes)[number];

export const visitStates = ['open', 'completed', 'skipped', 'failed', 'superseded', 'cancelled', 'incident'] as const;
export type VisitState = (typeof visitStates)[number];

/** What completed a step. */
export type Cause =
  | 'advance'
  | 'event'
  | 'condition'
  | 'elapsed'
  | 'max'
  | 'action'
  | 'vote'
  | 'timeout'
  | 'handoff'
  | 'child'
  | 'join'
  | 'operator'
  | 'entry';

export const journeyStatuses = ['active', 'paused', 'incident', 'completed', 'cancelled'] as const;
export type JourneyStatus = (typeof journeyStatuses)[number];

export interface JourneyStart {
  readonly journeyId: string;
  readonly tenant: string;
  readonly template: { readonly key: string; readonly version: number; readonly hash: string };
  readonly subject: { readonly type: string; readonly id: string };
  readonly entryKey: string;
  /** Entries of this key so far, this one included. */
  readonly entry: number;
  /** Checked against the template's input schema; texts as `{"$ref"}`. */
  readonly input: JsonObject;
  /** Who started it; null: an event, a schedule or a condition. */
  readonly requester: string | null;
  readonly trigger: { readonly id: string; readonly eventId: string | null } | null;
  readonly parent: { readonly journeyId: string; readonly effect: string } | null;
  readonly startedAt: Instant;
}

/** One visit of a step as readers see it; what the reducer needs besides is its own. */
export interface VisitView {
  readonly step: string;
  readonly visit: number;
  readonly item: string | null;
  readonly state: VisitState;
  readonly stage: string | null;
  readonly enteredAt: Instant;
  readonly endedAt: Instant | null;
  readonly outcome: string | null;
  readonly cause: Cause | null;
  readonly dueAt: Instant | null;
  /** Attempts begun. */
  readonly attempts: number;
  readonly incident: { readonly code: IncidentCode; readonly detail: Json } | null;
  /** Of a step a person does; absent: nobody has to. */
  readonly task?: TaskView;
  /** What it ended with, texts as `{"$ref"}`; absent: nothing. */
  readonly output?: JsonObject;
  /** The answer of an attempt that came after its time; it changes nothing. */
  readonly lateResult?: LateResult;
}

export interface LateResult {
  readonly effect: string;
  readonly at: Instant;
  readonly kind: 'done' | 'failed';
  readonly error?: string;
  readonly output?: JsonObject;
}

/** Whose work a step is. */
export interface TaskView {
  /** Ids of people who are named. */
  readonly people: readonly string[];
  /** Roles and team keys whose members may do it too. */
  readonly roles: readonly string[];
  /** Who has taken it, or was given it. */
  readonly assignee: string | null;
  /** When the claim ends by itself; null: it does not. */
  readonly claimedUntil: Instant | null;
  /** What may be chosen. */
  readonly outcomes: readonly string[];
}
