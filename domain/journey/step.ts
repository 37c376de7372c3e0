/** What a template says about its steps. Source: journeys.md, sections 2, 8 and 9; scripts.md, section 2. */
import type { JsonObject } from './json.js';
import type { JsonSchema } from './json-schema.js';

export const stepKinds = [
  'automated',
  'manual',
  'approval',
  'handoff',
  'wait',
  'decision',
  'parallel',
  'forEach',
  'experiment',
  'journey',
  'touchpoint',
  'end',
] as const;
export type StepKind = (typeof stepKinds)[number];

/** ISO 8601 of weeks, days, hours, minutes and seconds, longer than zero. */
export type Duration = string;
/** From a guard root inwards, `steps.qualify.output.score`. */
export type Path = string;
/** Variable or field → where its value comes from. */
export type Mapping = Readonly<Record<string, Path>>;
/** Path within the event → path within the journey; all must be equal. */
export type Match = Readonly<Record<Path, Path>>;

export const operators = [
  'equals',
  'not_equals',
  'greater_than',
  'greater_than_or_equal',
  'less_than',
  'less_than_or_equal',
  'in',
  'not_in',
  'contains',
  'starts_with',
  'ends_with',
  'exists',
  'not_exists',
] as const;
export type Operator = (typeof operators)[number];

type Scalar = string | number | boolean | null;

/** One row of a condition builder. */
export interface ConditionRow {
  /** A path; a bare name is an attribute of the subject in triggers, a variable in steps. */
  readonly field: string;
  readonly operator: Operator;
  readonly value?: Scalar | readonly Scalar[];
}

/** An expression, or rows that must all hold. */
export type Guard = string | readonly ConditionRow[];

export interface Transition<G = Guard> {
  /** A step, or `$join` at the end of a branch. */
  readonly to: string;
  readonly when?: G;
  readonly outcome?: string;
  readonly label?: string;
  /** Only the last: taken when nothing before it is. */
  readonly default?: boolean;
}

/** The target that ends a branch. */
export const join = '$join';

export interface Requirement {
  readonly path: Path;
  readonly schema?: JsonSchema;
  readonly message?: string;
}

export interface StepSla<D = Duration> {
  readonly target: D;
  /** Share of the target; absent: 0.8. */
  readonly warnAt?: number;
  readonly onBreach?: Route;
}

/** What to do then: an outcome, a step, `route:<step>`, `incident`; of approvals also `approve` and `reject`. */
export type Route = string;

export interface Timeouts<D = Duration> {
  /** Absent: 25 s. */
  readonly attempt?: D;
  readonly total?: D;
  readonly schedule?: D;
  readonly heartbeat?: D;
}

export interface Retry<D = Duration> {
  /** Absent: 3. */
  readonly maxAttempts?: number | 'unlimited';
  /** Absent: PT1S. */
  readonly initial?: D;
  /** Absent: 2. */
  readonly factor?: number;
  /** Absent: PT1M. */
  readonly max?: D;
  readonly nonRetryable?: readonly string[];
}

export interface Catch {
  /** Error names; `*` is every error. */
  readonly errors: readonly string[];
  readonly to: string;
  /** Variable that takes the error's name. */
  readonly as?: string;
}

/** An event that completes an open step. */
export interface CompleteOn<G = Guard> {
  readonly type: string;
  readonly match?: Match;
  readonly when?: G;
  readonly outcome?: string;
  readonly output?: Mapping;
}

export interface People {
  readonly users?: readonly string[];
  readonly roles?: readonly string[];
  /** Yields a list of people. */
  readonly expr?: string;
}

export interface QuietHours {
  /** HH:MM in the subject's zone. */
  readonly from: string;
  readonly to: string;
}

export interface FrequencyCap {
  readonly count: number;
  readonly per: 'day' | 'week';
}

interface Common<G, D> {
  /** False: the step is skipped. */
  readonly when?: G;
  readonly requires?: readonly Requirement[];
  readonly input?: Mapping;
  readonly output?: Mapping;
  /** A number is minutes. */
  readonly estimatedDuration?: number | D;
  readonly progressWeight?: number;
  readonly sla?: StepSla<D>;
  readonly timeouts?: Timeouts<D>;
  readonly retry?: Retry<D>;
  readonly catch?: readonly Catch[];
  readonly optional?: boolean;
  readonly skippable?: boolean;
  readonly skipOutput?: JsonObject;
  /** Action that undoes the step. */
  readonly compensate?: string;
  /** Message content and assignees stay as they were when the journey started. */
  readonly pin?: boolean;
}

export interface Automated<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'automated';
  /** `name@major`; absent: completes at once. */
  readonly action?: string;
}

export interface Manual<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'manual';
  /** Absent: the default team. */
  readonly assign?: People;
  readonly form?: JsonSchema;
  readonly due?: D;
  /** Absent: the outcomes its transitions name, else `completed`. */
  readonly outcomes?: readonly string[];
  readonly claimFor?: D;
  readonly completeOn?: readonly CompleteOn<G>[];
}

export type Quorum = 'any' | 'all' | { readonly count: number } | { readonly percent: number } | { readonly per_group: number };

export interface Rung<D = Duration> {
  /** From the opening. */
  readonly after: D;
  readonly action: 'remind' | 'add' | 'replace';
  readonly to?: People;
}

/** The rules of one vote. */
export interface Gate<D = Duration> {
  readonly approvers: People;
  readonly quorum: Quorum;
  /** Absent: `quorum`. */
  readonly reject?: 'quorum' | 'first';
  /** Roles whose no decides. */
  readonly veto?: readonly string[];
  readonly fourEyes?: boolean;
  /** Absent: `snapshot`. */
  readonly eligible?: 'snapshot' | 'dynamic';
  readonly within?: D;
  readonly escalation?: readonly Rung<D>[];
  readonly onTimeout?: Route;
  readonly evidence?: readonly Path[];
  /** Absent: `reject`. */
  readonly requireComment?: 'reject' | 'always' | 'never';
  readonly claimFor?: D;
}

export interface Approval<G = Guard, D = Duration> extends Common<G, D>, Gate<D> {
  readonly kind: 'approval';
}

export interface Handoff<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'handoff';
  readonly from: string;
  readonly to: string;
  readonly mode: 'automatic' | 'accept' | 'approve';
  /** After an approval; absent: `automatic`. */
  readonly then?: 'automatic' | 'accept';
  /** The gate of mode `approve`. */
  readonly approval?: Gate<D>;
  /** Names of variables. */
  readonly requiredData?: readonly string[];
  readonly assign?: People;
  readonly acceptWithin?: D;
  readonly completeWithin?: D;
  /** Absent: `complete`. */
  readonly waitFor?: 'complete' | 'accept';
  readonly onReturn?: Route;
  readonly onTimeout?: Route;
  /** Outcome instead of `completed`. */
  readonly completeAs?: string;
  readonly claimFor?: D;
  readonly completeOn?: readonly CompleteOn<G>[];
}

/** A time of day: the next one in the zone; absent: the subject's, else the template's, the tenant's, UTC. */
export interface LocalTime {
  readonly local: string;
  readonly zone?: string;
}

export interface Wait<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'wait';
  readonly for?: D;
  /** An instant, a path to one, or a time of day. */
  readonly until?: string | LocalTime;
  /** Added to `until`; may be negative. */
  readonly offset?: D;
  readonly event?: readonly CompleteOn<G>[];
  readonly condition?: G;
  readonly max?: D;
  readonly onMax?: Route;
  /** Absent: `new`. */
  readonly consume?: 'new' | 'since_entry' | 'since_start';
  readonly completeOn?: readonly CompleteOn<G>[];
}

export interface DecisionStep<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'decision';
}

export interface Parallel<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'parallel';
  /** First step of each branch. */
  readonly branches: readonly string[];
  /** Absent: `all`. */
  readonly join?: 'all' | 'any' | number;
}

export interface ForEach<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'forEach';
  readonly items: Path;
  readonly do: ItemStep<G, D>;
  /** Absent: 5. */
  readonly maxConcurrency?: number;
  /** Absent: 0. */
  readonly tolerateFailures?: number;
}

export interface Experiment<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'experiment';
  readonly variants: readonly { readonly id: string; readonly weight: number }[];
  readonly salt: string;
}

export interface ChildJourney<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'journey';
  /** Key of the child's template. */
  readonly key: string;
  /** Absent: `latest_published`. */
  readonly version?: 'latest_published' | number;
}

export interface Touchpoint<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'touchpoint';
  readonly channel: string;
  /** Key of the message template. */
  readonly template: string;
  readonly quietHours?: QuietHours;
  readonly frequencyCap?: FrequencyCap;
  /** Absent: true, the journey goes on while quiet hours hold the message. */
  readonly advance?: boolean;
}

export interface End<G = Guard, D = Duration> extends Common<G, D> {
  readonly kind: 'end';
  readonly outcome: string;
  readonly result: 'won' | 'lost';
}

/** What a `forEach` does for each item. */
export type ItemStep<G = Guard, D = Duration> =
  Automated<G, D> | Manual<G, D> | Approval<G, D> | Handoff<G, D> | Wait<G, D> | ChildJourney<G, D> | Touchpoint<G, D>;
export type StepBody<G = Guard, D = Duration> =
  ItemStep<G, D> | DecisionStep<G, D> | Parallel<G, D> | ForEach<G, D> | Experiment<G, D> | End<G, D>;

/** Where a step stands in its template. */
interface Standing<G> {
  readonly name?: string;
  readonly stage?: string;
  readonly transitions?: readonly Transition<G>[];
}
/** As authors write it, or with the guards and durations of the compiled form. */
export type Step<G = Guard, D = Duration> = StepBody<G, D> & Standing<G>;
