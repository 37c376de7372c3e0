/** One visit of a step while it lasts: what the reducer keeps of it. Plain JSON. */
import type { GateState, Wanted } from '../gate/gate.js';
import type { Instant } from '../../time.js';
import type { Json, JsonObject } from '../json.js';
import type { EffectId, HandoffReport, HandoffState, OccurredEvent, Person } from './effect.js';
import type { Cause, IncidentCode, LateResult, VisitState } from './state.js';

/** `<step>.<visit>`, with the item behind it in a `forEach`. */
export type VisitKey = string;

/**
 * How far a visit has come: it is asked whether the step is to be done (`when`), what it needs from elsewhere is looked up (`prepare`), it is done (`work`),
 * its values are stored (`settle`), the way on is looked for (`route`).
 */
export type Phase = 'when' | 'prepare' | 'work' | 'settle' | 'route';

/** A question, or a piece of work, whose answer is awaited; with the template and the state it can be put again. */
export type Ask = { readonly id: EffectId; readonly at: Instant } & (
  | { readonly to: 'when' | 'prepare' | 'settle' | 'route' | 'condition' | 'assignees' | 'approvers' | 'hash' | 'rehash' }
  | { readonly to: 'wanted'; readonly wanted: Wanted }
  | { readonly to: 'until' | 'quiet' | 'openTime' | 'lookBack' | 'handoff' | 'child' }
  | { readonly to: 'look'; readonly event: OccurredEvent }
  | { readonly to: 'action'; readonly attempt: number; readonly timeoutMs: number }
  | { readonly to: 'touchpoint'; readonly notBefore: Instant | null }
);
export type AskOf<To extends Ask['to']> = Extract<Ask, { readonly to: To }>;

/** Attempts of a step that works by itself. */
export interface Effort {
  /** Begun in this visit. */
  readonly begun: number;
  /** Begun since the budget was last filled. */
  readonly spent: number;
  /** When the next one begins; null: none is due. */
  readonly retryAt: Instant | null;
  /** When trying ends whatever the count. */
  readonly totalAt: Instant | null;
  /** Attempts whose answer is not wanted any more, and may still come. */
  readonly dropped: readonly EffectId[];
}

/** What a visit comes to; kept from its completion until the way on is found. */
export interface Ending {
  readonly state: 'completed' | 'skipped' | 'failed';
  readonly outcome: string | null;
  readonly cause: Cause;
  /** The event that did it. */
  readonly by?: string;
  readonly output: JsonObject;
  /** Members of `output` fill the variables of their name. */
  readonly fills: boolean;
  /** Values of paths into the event that completed it. */
  readonly reads: JsonObject;
  /** Goes straight there, past the transitions. */
  readonly to: string | null;
  /** Of a return, a refusal, a failure, a skip. */
  readonly reason: string | null;
  /** Verdicts that led here; null: none did. */
  readonly trace: Json;
}

export interface VisitIncident {
  readonly code: IncidentCode;
  readonly detail: Json;
  /** It came from outside; what the step waits for stays as it was. */
  readonly isOutside: boolean;
}

/** Instants at which somebody is late or something happens by itself. */
export interface Timers {
  readonly elapseAt?: Instant;
  readonly maxAt?: Instant;
  readonly warnAt?: Instant;
  readonly breachAt?: Instant;
  /** Shown; moves nothing. */
  readonly dueAt?: Instant;
  readonly claimUntil?: Instant;
}

export interface Task {
  /** Ids of people. */
  readonly people: readonly string[];
  readonly roles: readonly string[];
  readonly assignee: string | null;
}

/** What an approval needs before it opens; null: not found yet. */
export interface Preparing {
  readonly people: readonly Person[] | null;
  readonly hash: string | null;
  /** Absent: the first round, or one that is opened again by hand. */
  readonly isChanged?: true;
}

export interface HandoffLine {
  /** Null: nothing was heard of it. */
  readonly state: HandoffState | null;
  readonly seq: number;
  readonly dueAt: Instant | null;
  readonly attempts: number;
  /** Came while the step was parked. */
  readonly held: HandoffReport | null;
}

export interface Child {
  readonly journey: string | null;
  /** It ran already when the step wanted it. */
  readonly isJoined?: true;
  /** Came while the step was parked. */
  readonly held: { readonly outcome: string; readonly result: 'won' | 'lost' | null } | null;
}

/** How each branch stands; `left`: a jump led out of it. */
export type BranchState = 'open' | 'done' | 'left';

export interface Items {
  /** The values, in order. */
  readonly list: readonly Json[];
  /** Position of the next one that has not begun. */
  readonly next: number;
  readonly completed: number;
  readonly skipped: number;
  /** Positions. */
  readonly failed: readonly number[];
}

export interface Visit {
  readonly key: VisitKey;
  readonly step: string;
  readonly visit: number;
  readonly item: string | null;
  /** Position of the item. */
  readonly index: number | null;
  /** The block or list it is part of. */
  readonly parent: VisitKey | null;
  /** Which branch of the block. */
  readonly branch: number | null;
  readonly phase: Phase;
  /** `completed`, `skipped` or `failed` while the way on is looked for. */
  readonly state: VisitState;
  /** `journey.step.entered` is recorded. */
  readonly isEntered: boolean;
  readonly stage: string | null;
  readonly enteredAt: Instant;
  readonly endedAt: Instant | null;
  readonly incident: VisitIncident | null;
  readonly asks: readonly Ask[];
  /** Counts questions, so that each has a name of its own. */
  readonly asked: number;
  /** Events heard before the entry. */
  readonly heard: number;
  /** The event that led here, for `event` in guards and mappings. */
  readonly event: string | null;
  /** Values at paths that are not the journey's own, looked up at the entry. */
  readonly found: JsonObject;
  readonly input: JsonObject;
  /** What an operator gave instead of parts of it. */
  readonly override: JsonObject;
  readonly ending: Ending | null;
  readonly timers: Timers;
  readonly effort: Effort | null;
  readonly late: LateResult | null;
  readonly task: Task | null;
  readonly gate: GateState | null;
  readonly preparing: Preparing | null;
  readonly handoff: HandoffLine | null;
  readonly child: Child | null;
  readonly branches: readonly BranchState[] | null;
  readonly items: Items | null;
  /** Events found in the log that are still to be weighed, the oldest first. */
  readonly look: readonly OccurredEvent[];
  /** A wait that has looked at the present, and sleeps. */
  readonly isAsleep: boolean;
  /** What was asked about has changed since; it is asked again after the answer. */
  readonly isStale: boolean;
}
