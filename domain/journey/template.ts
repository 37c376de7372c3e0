/** What a template says beside its steps: whom it is for, what it takes, what starts and what ends it. Source: journeys.md, section 2; scripts.md, section 2. */
import type { Json } from './json.js';
import type { JsonSchema } from './json-schema.js';
import type { Duration, FrequencyCap, Guard, Mapping, Match, Path, QuietHours, Retry, Step, Timeouts } from './step.js';

export const categories = ['acquisition', 'onboarding', 'support', 'retention', 'custom'] as const;
export type Category = (typeof categories)[number];

export const subjectTypes = ['lead', 'customer', 'ticket', 'order', 'custom'] as const;
export type SubjectType = (typeof subjectTypes)[number];

/** The packages that exist unless the tenant's configuration says otherwise. */
export const packages = ['crm', 'business-logic', 'field-ops', 'support-system', 'billing-system'] as const;

/** A template as its author writes it and as `POST /v1/journey-templates` takes it. */
export interface JourneyTemplate<G = Guard, D = Duration> {
  readonly schemaVersion?: 1;
  readonly key: string;
  readonly name: string;
  readonly description?: string;
  readonly category: Category;
  readonly subject: Subject;
  /** Absent: an object without declared fields. */
  readonly input?: JsonSchema;
  readonly context?: Readonly<Record<string, Variable>>;
  readonly stages?: readonly Stage[];
  readonly triggers?: readonly Trigger<G, D>[];
  readonly entry?: Entry<G>;
  readonly exits?: readonly Exit<G>[];
  readonly goals?: readonly Goal<G, D>[];
  readonly defaults?: Defaults<D>;
  readonly limits?: Limits<D>;
  /** Id of the first step. */
  readonly start: string;
  readonly steps: Readonly<Record<string, Step<G, D>>>;
}

export interface Subject {
  readonly type: SubjectType;
  /** A path, or the name of an input field. */
  readonly id: Path;
}

export interface Variable {
  readonly schema: JsonSchema;
  /** The value stays in the database; the journey holds its content id. */
  readonly pii?: boolean;
  readonly default?: Json;
  /** The value nothing may change; `true` beside a `default` makes that default the constant. */
  readonly const?: Json;
}

export interface Stage {
  readonly id: string;
  readonly name: string;
  readonly order: number;
}

export const triggerKinds = ['event', 'condition', 'schedule', 'manual', 'journey'] as const;
export type TriggerKind = (typeof triggerKinds)[number];

export interface Trigger<G = Guard, D = Duration> {
  readonly id: string;
  readonly name?: string;
  readonly kind: TriggerKind;
  /** Event type; of a `journey` trigger the key of the template whose end starts this one. */
  readonly type?: string;
  readonly when?: G;
  /** Input field → path. */
  readonly map?: Mapping;
  /** A path, or the name of a mapped input field; absent: the event's id. */
  readonly dedupeKey?: Path;
  readonly dedupeWindow?: D;
  /** Condition triggers: not again within this time. */
  readonly cooldown?: D;
  readonly rrule?: string;
  readonly zone?: string;
  /** Absent: told by the prefix of the event type. */
  readonly package?: string;
  /** Journey triggers: time between the end of the other journey and this start. */
  readonly delay?: D;
}

export const concurrencies = ['one_per_subject', 'one_per_key', 'unlimited'] as const;
export const duplicateRules = ['ignore', 'signal', 'reject'] as const;

export interface Entry<G = Guard> {
  /** Absent: `one_per_subject`. */
  readonly concurrency?: (typeof concurrencies)[number];
  /** With `one_per_key`: a path, or the name of an input field. */
  readonly key?: Path;
  /** Absent: `ignore`. */
  readonly onDuplicate?: (typeof duplicateRules)[number];
  /** `never`, `after_exit` or `after:<duration>`; absent: `after_exit`. */
  readonly reentry?: string;
  readonly maxEntries?: number;
  readonly audience?: G;
}

export type EndResult = 'won' | 'lost';

export interface Exit<G = Guard> {
  readonly id: string;
  /** Event type. */
  readonly on?: string;
  readonly match?: Match;
  readonly when?: G;
  readonly outcome: string;
  readonly result: EndResult | null;
  /** Lets the open steps finish first. */
  readonly waitForStep?: boolean;
}

export interface Goal<G = Guard, D = Duration> {
  readonly id: string;
  /** Event type. */
  readonly event: string;
  readonly match?: Match;
  readonly when?: G;
  /** From the start of the journey; absent: P30D. */
  readonly window?: D;
  readonly value?: Path;
  readonly endsJourney?: boolean;
}

export interface Defaults<D = Duration> {
  readonly retry?: Retry<D>;
  readonly timeouts?: Timeouts<D>;
  readonly calendar?: string;
  readonly timezone?: string;
  readonly quietHours?: QuietHours;
  readonly frequencyCap?: FrequencyCap;
}

export interface Limits<D = Duration> {
  /** Absent: P180D. */
  readonly maxDuration?: D;
  /** Absent: 20. */
  readonly maxVisitsPerStep?: number;
  /** Absent: 50. */
  readonly maxOpenSteps?: number;
}
