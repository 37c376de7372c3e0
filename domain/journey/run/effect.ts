/**
 * What the reducer asks of the world. It names each wish, and the answer comes back as a report under the same name; how it is carried out, in a workflow
 * or on a virtual clock, is not its concern. Everything is plain JSON: ids, enums, numbers, instants, and `{"$ref"}` where a text stands. Source: journeys.md, section 1.
 */
import type { Instant } from '../../time.js';
import type { Choice, Fault, GuardData } from '../expression.js';
import type { Json, JsonObject } from '../json.js';
import type { CompleteOn, Handoff, Mapping, Match, People, Route } from '../step.js';

/** Names a wish within its journey: made of step, visit and purpose, never of a run or the time. */
export type EffectId = string;

/** Somebody of the directory, with the roles and team keys held. */
export interface Person {
  readonly id: string;
  readonly roles: readonly string[];
}

/** One of several things an event may serve, in order of precedence. */
export interface Candidate {
  /** `<step>.<visit>/event.<n>`, `/completeOn.<n>` or `/condition` of an open step, `exit/<id>` or `goal/<id>`. */
  readonly ref: string;
  readonly match: Match | null;
  readonly when: string | null;
  /** Variable → path; a name that is itself a path of the event is read as it is. */
  readonly output: Mapping;
  /** Names in `output` whose values are personal: they come back as `{"$ref"}`. */
  readonly pii?: readonly string[];
  /** The item at hand, as the root `item`. */
  readonly item?: Json;
}

export interface EffectFields {
  /** The first of these guards that is true; null is always true. Answered by `guards`. */
  readonly guards: {
    readonly guards: readonly (string | null)[];
    readonly data: GuardData;
    /** The event that stands under `event`; absent: none. */
    readonly eventId?: string;
  };
  /** What lies at paths the journey does not hold: of the subject and of an event. Answered by `values`. */
  readonly values: {
    readonly paths: Mapping;
    readonly data: GuardData;
    readonly eventId?: string;
    /** Names in `paths` whose values are personal: they come back as `{"$ref"}`, like every free text. */
    readonly pii: readonly string[];
  };
  /** The value of mappings that a guard engine is not needed for is taken by the reducer itself; this is for lists named by an expression. Answered by `people`. */
  readonly people: { readonly who: People; readonly data: GuardData; readonly eventId?: string };
  /** SHA-256 of the canonical form, pii by its content id. Answered by `hash`. */
  readonly hash: { readonly value: Json };
  /** The next time of day at or after `after`; zone null: the subject's, else `fallback` (the template's), the tenant's, UTC. Answered by `instant`. */
  readonly localTime: { readonly local: string; readonly zone: string | null; readonly fallback?: string; readonly after: Instant };
  /** Whether the hours are quiet now in the subject's zone (else `fallback`, …), and when they end. Answered by `instant` (null: not quiet). */
  readonly quiet: { readonly from: string; readonly to: string; readonly at: Instant; readonly fallback?: string };
  /** The instants at which so much open time of a calendar has passed since `from`. Answered by `instants`. */
  readonly openTime: { readonly calendar: string; readonly from: Instant; readonly amountsMs: readonly number[] };
  /** Which of the candidates an event serves. Answered by `weighed`. */
  readonly weigh: { readonly eventId: string; readonly candidates: readonly Candidate[]; readonly data: GuardData };
  /** Events of the log that came since an instant and are of one of these types, oldest first, and concern this journey. Answered by `found`. */
  readonly lookBack: { readonly since: Instant; readonly types: readonly string[]; readonly excluded: readonly string[] };
  /** One attempt of a registered action. Answered by `done` or `failed`. */
  readonly action: {
    readonly step: string;
    readonly visit: number;
    readonly item: string | null;
    readonly attempt: number;
    /** `name@major`. */
    readonly action: string;
    readonly input: JsonObject;
    readonly timeoutMs: number;
    /** How long it may wait for a worker, and how long it may stay silent. */
    readonly scheduleMs?: number;
    readonly heartbeatMs?: number;
    readonly recipient: string;
    /** Members of the result whose values are personal: they come back as `{"$ref"}`. */
    readonly pii?: readonly string[];
    /** It undoes what the step did. */
    readonly undoes?: true;
  };
  /** No answer of this attempt is wanted any more; its result is kept as late. Not answered. */
  readonly dropAction: { readonly action: EffectId };
  /** One message to the subject. Answered by `done` with outcome `sent`, `capped` or `failed`. */
  readonly touchpoint: {
    readonly step: string;
    readonly visit: number;
    readonly channel: string;
    readonly template: string;
    /** Held until then by quiet hours; null: at once. */
    readonly notBefore: Instant | null;
    readonly cap: { readonly count: number; readonly per: 'day' | 'week' } | null;
    readonly item?: string;
    readonly input?: JsonObject;
  };
  /** Starts the handoff's own workflow; again: nothing. Its reports come as `handoff`. */
  readonly openHandoff: { readonly start: HandoffStart };
  /** Tells the handoff something. Not answered. */
  readonly tellHandoff: {
    readonly handoff: string;
    readonly word:
      | { readonly kind: 'cancel' }
      | { readonly kind: 'supply'; readonly data: JsonObject; readonly known?: GuardData }
      | { readonly kind: 'complete'; readonly outcome: string; readonly output: JsonObject }
      | { readonly kind: 'retry' }
      /** With `freezeTasks: false` people may go on meanwhile. */
      | { readonly kind: 'pause'; readonly freezeTasks?: boolean }
      | { readonly kind: 'resume'; readonly shiftMs: number }
      /** Roles have changed: a gate whose electorate is dynamic looks again. Said by the desk itself, to all that are open. */
      | { readonly kind: 'directory' };
  };
  /** Starts a child journey; again: nothing. Answered by `childStarted`, then `childEnded`. */
  readonly openChild: {
    readonly step: string;
    readonly visit: number;
    readonly item: string | null;
    readonly key: string;
    readonly version: 'latest_published' | number;
    readonly input: JsonObject;
  };
  readonly cancelChild: { readonly journey: string };
  /** A ticket that is the subject waits for an approval, or no longer. Not answered. */
  readonly ticketCause: { readonly approval: string; readonly open: boolean };
}

export type EffectKind = keyof EffectFields;
export type EffectOf<Kind extends EffectKind> = { readonly kind: Kind; readonly id: EffectId } & EffectFields[Kind];
export type TouchpointEffect = EffectOf<'touchpoint'>;
export type Effect = { readonly [Kind in EffectKind]: EffectOf<Kind> }[EffectKind];

/** What a handoff begins with. Its id is `<journey>.<step>.<visit>`. */
export interface HandoffStart {
  readonly journeyId: string;
  readonly tenant: string;
  readonly step: string;
  readonly visit: number;
  /** In a `forEach`: its item, which ends the id. */
  readonly item?: string;
  /** A handoff apart from the template's steps does not move the journey. */
  readonly extra: boolean;
  /** The compiled rules: packages, mode, gate, times. */
  readonly rules: HandoffRules;
  /** What of the required data is there. */
  readonly data: JsonObject;
  /** Who may not vote: who started the journey, and, with four eyes, who voted before. */
  readonly requester: string | null;
  readonly earlierVoters: readonly string[];
  /** What expressions and evidence of the rules read besides the data, by root; absent: they see the data as `context`, and the journey's id. */
  readonly known?: GuardData;
  /** Outcomes a person may complete it with; absent: any. */
  readonly outcomes?: readonly string[];
}
export type HandoffRules = Omit<Handoff<string, number>, 'when' | 'requires' | 'transitions' | 'completeOn' | 'catch' | 'kind'> & {
  readonly completeOn?: readonly CompleteOn<string>[];
};

/** How a handoff tells its journey what became of it; `seq` counts within the handoff. */
export interface HandoffReport {
  readonly handoff: string;
  readonly seq: number;
  readonly state: HandoffState;
  /** The package that owns the clock. */
  readonly owner: string;
  readonly dueAt: Instant | null;
  /** With a final state, or `accepted`. */
  readonly outcome?: string;
  readonly output?: JsonObject;
  /** Of a return or a refusal. */
  readonly reason?: string;
  /** With `failed` and `expired`: the incident's code. */
  readonly incident?: 'handoff_timeout' | 'approval_timeout' | 'quorum_unsatisfiable' | 'action_failed' | 'action_unknown' | 'guard_error';
  readonly attempts?: number;
  /** Who has voted at the gate, once it is closed. */
  readonly voters?: readonly string[];
  /** With `expired`, where nobody has to see to it: the word of `onTimeout`, its own or the gate's, that says where to go on. The handoff is over. */
  readonly route?: Route;
  /** With the incidents of an action: its error. */
  readonly error?: string;
}

export const handoffStates = [
  'created',
  'awaiting_data',
  'awaiting_approval',
  'offered',
  'accepted',
  'in_progress',
  'completed',
  'rejected',
  'returned',
  'expired',
  'failed',
  'cancelled',
] as const;
export type HandoffState = (typeof handoffStates)[number];

/** Answers to effects, and what happens by itself. */
export interface ReportFields {
  readonly guards: { readonly effect: EffectId; readonly choice: Choice };
  readonly people: { readonly effect: EffectId; readonly people: readonly Person[]; readonly fault: Fault | null };
  /** What is not there is absent. */
  readonly values: { readonly effect: EffectId; readonly values: JsonObject };
  readonly hash: { readonly effect: EffectId; readonly hash: string };
  readonly instant: { readonly effect: EffectId; readonly at: Instant | null };
  readonly instants: { readonly effect: EffectId; readonly at: readonly Instant[] };
  readonly weighed: {
    readonly effect: EffectId;
    /** In order of the candidates; a fault is a guard that has no value. */
    readonly verdicts: readonly {
      readonly ref: string;
      readonly taken: boolean;
      readonly output: JsonObject;
      readonly fault: Fault | null;
    }[];
    readonly trace: Choice['trace'];
  };
  readonly found: { readonly effect: EffectId; readonly events: readonly OccurredEvent[] };
  readonly done: { readonly effect: EffectId; readonly output: JsonObject; readonly outcome?: string };
  readonly failed: {
    readonly effect: EffectId;
    /** As templates name it in `catch` and `nonRetryable`; `timeout` when no answer came in time. */
    readonly error: string;
    readonly retryable: boolean;
    /** The peer may have done it, and must not be asked again. */
    readonly unknown?: boolean;
  };
  readonly handoff: { readonly report: HandoffReport };
  /** `joined`: it ran already, so that it is not this step's to call off. */
  readonly childStarted: { readonly effect: EffectId; readonly journey: string; readonly joined?: true };
  readonly childEnded: { readonly effect: EffectId; readonly outcome: string; readonly result: 'won' | 'lost' | null };
  /** An event of the log that concerns the journey; its data stay in the log. */
  readonly event: { readonly event: OccurredEvent };
  /** Roles have changed: votes whose electorate is dynamic look again. */
  readonly directory: object;
}
export type ReportKind = keyof ReportFields;
export type Report = { readonly [Kind in ReportKind]: { readonly kind: Kind } & ReportFields[Kind] }[ReportKind];

export interface OccurredEvent {
  readonly id: string;
  readonly type: string;
  readonly at: Instant;
}
