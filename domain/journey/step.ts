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

export interface Transition {
  /** A step, or `$join` at the end of a branch. */
  readonly to: string;
  readonly when?: Guard;
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

export interface StepSla {
  readonly target: Duration;
  /** Share of the target; absent: 0.8. */
  readonly warnAt?: number;
  readonly onBreach?: Route;
}

/** What to do then: an outcome, a step, `route:<step>`, `incident`; of approvals also `approve` and `reject`. */
export type Route = string;

export interface Timeouts {
  /** Absent: 25 s. */
  readonly attempt?: Duration;
  readonly total?: Duration;
  readonly schedule?: Duration;
  readonly heartbeat?: Duration;
}

export interface Retry {
  /** Absent: 3. */
  readonly maxAttempts?: number | 'unlimited';
  /** Absent: PT1S. */
  readonly initial?: Duration;
  /** Absent: 2. */
  readonly factor?: number;
  /** Absent: PT1M. */
  readonly max?: Duration;
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
export interface CompleteOn {
  readonly type: string;
  readonly match?: Match;
  readonly when?: Guard;
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

interface Common {
  /** False: the step is skipped. */
  readonly when?: Guard;
  readonly requires?: readonly Requirement[];
  readonly input?: Mapping;
  readonly output?: Mapping;
  /** A number is minutes. */
  readonly estimatedDuration?: number | Duration;
  readonly progressWeight?: number;
  readonly sla?: StepSla;
  readonly timeouts?: Timeouts;
  readonly retry?: Retry;
  readonly catch?: readonly Catch[];
  readonly optional?: boolean;
  readonly skippable?: boolean;
  readonly skipOutput?: JsonObject;
  /** Action that undoes the step. */
  readonly compensate?: string;
  /** Message content and assignees stay as they were when the journey started. */
  readonly pin?: boolean;
}

export interface Automated extends Common {
  readonly kind: 'automated';
  /** `name@major`; absent: completes at once. */
  readonly action?: string;
}

export interface Manual extends Common {
  readonly kind: 'manual';
  /** Absent: the default team. */
  readonly assign?: People;
  readonly form?: JsonSchema;
  readonly due?: Duration;
  /** Absent: the outcomes its transitions name, else `completed`. */
  readonly outcomes?: readonly string[];
  readonly claimFor?: Duration;
  readonly completeOn?: readonly CompleteOn[];
}

export type Quorum = 'any' | 'all' | { readonly count: number } | { readonly percent: number } | { readonly per_group: number };

export interface Rung {
  /** From the opening. */
  readonly after: Duration;
  readonly action: 'remind' | 'add' | 'replace';
  readonly to?: People;
}

/** The rules of one vote. */
export interface Gate {
  readonly approvers: People;
  readonly quorum: Quorum;
  /** Absent: `quorum`. */
  readonly reject?: 'quorum' | 'first';
  /** Roles whose no decides. */
  readonly veto?: readonly string[];
  readonly fourEyes?: boolean;
  /** Absent: `snapshot`. */
  readonly eligible?: 'snapshot' | 'dynamic';
  readonly within?: Duration;
  readonly escalation?: readonly Rung[];
  readonly onTimeout?: Route;
  readonly evidence?: readonly Path[];
  /** Absent: `reject`. */
  readonly requireComment?: 'reject' | 'always' | 'never';
  readonly claimFor?: Duration;
}

export interface Approval extends Common, Gate {
  readonly kind: 'approval';
}

export interface Handoff extends Common {
  readonly kind: 'handoff';
  readonly from: string;
  readonly to: string;
  readonly mode: 'automatic' | 'accept' | 'approve';
  /** After an approval; absent: `automatic`. */
  readonly then?: 'automatic' | 'accept';
  /** The gate of mode `approve`. */
  readonly approval?: Gate;
  /** Names of variables. */
  readonly requiredData?: readonly string[];
  readonly assign?: People;
  readonly acceptWithin?: Duration;
  readonly completeWithin?: Duration;
  /** Absent: `complete`. */
  readonly waitFor?: 'complete' | 'accept';
  readonly onReturn?: Route;
  readonly onTimeout?: Route;
  /** Outcome instead of `completed`. */
  readonly completeAs?: string;
  readonly claimFor?: Duration;
  readonly completeOn?: readonly CompleteOn[];
}

/** A time of day: the next one in the zone; absent: the subject's, else the template's, the tenant's, UTC. */
export interface LocalTime {
  readonly local: string;
  readonly zone?: string;
}

export interface Wait extends Common {
  readonly kind: 'wait';
  readonly for?: Duration;
  /** An instant, a path to one, or a time of day. */
  readonly until?: string | LocalTime;
  /** Added to `until`; may be negative. */
  readonly offset?: Duration;
  readonly event?: readonly CompleteOn[];
  readonly condition?: Guard;
  readonly max?: Duration;
  readonly onMax?: Route;
  /** Absent: `new`. */
  readonly consume?: 'new' | 'since_entry' | 'since_start';
  readonly completeOn?: readonly CompleteOn[];
}

export interface DecisionStep extends Common {
  readonly kind: 'decision';
}

export interface Parallel extends Common {
  readonly kind: 'parallel';
  /** First step of each branch. */
  readonly branches: readonly string[];
  /** Absent: `all`. */
  readonly join?: 'all' | 'any' | number;
}

export interface ForEach extends Common {
  readonly kind: 'forEach';
  readonly items: Path;
  readonly do: ItemStep;
  /** Absent: 5. */
  readonly maxConcurrency?: number;
  /** Absent: 0. */
  readonly tolerateFailures?: number;
}

export interface Experiment extends Common {
  readonly kind: 'experiment';
  readonly variants: readonly { readonly id: string; readonly weight: number }[];
  readonly salt: string;
}

export interface ChildJourney extends Common {
  readonly kind: 'journey';
  /** Key of the child's template. */
  readonly key: string;
  /** Absent: `latest_published`. */
  readonly version?: 'latest_published' | number;
}

export interface Touchpoint extends Common {
  readonly kind: 'touchpoint';
  readonly channel: string;
  /** Key of the message template. */
  readonly template: string;
  readonly quietHours?: QuietHours;
  readonly frequencyCap?: FrequencyCap;
  /** Absent: true, the journey goes on while quiet hours hold the message. */
  readonly advance?: boolean;
}

export interface End extends Common {
  readonly kind: 'end';
  readonly outcome: string;
  readonly result: 'won' | 'lost';
}

/** What a `forEach` does for each item. */
export type ItemStep = Automated | Manual | Approval | Handoff | Wait | ChildJourney | Touchpoint;
export type StepBody = ItemStep | DecisionStep | Parallel | ForEach | Experiment | End;

/** Where a step stands in its template. */
interface Standing {
  readonly name?: string;
  readonly stage?: string;
  readonly transitions?: readonly Transition[];
}
export type Step = StepBody & Standing;
