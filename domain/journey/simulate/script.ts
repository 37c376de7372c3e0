/** What a script says: what happens to journeys, and what is expected of them. The format is public and only grows. Source: scripts.md, section 1. */
import type { Instant } from '../../time.js';
import type { Calendar } from '../../sla/calendar.js';
import type { JsonObject } from '../json.js';

export interface Script {
  /** Key of a template that comes with the product, or a path beside the script. */
  readonly template?: string;
  /** More templates of the run: their triggers see its events, and steps may start them. */
  readonly templates: readonly string[];
  /** Path of the actions that are registered in this run besides those that come with the product. */
  readonly actions?: string;
  /** Person → roles and team keys. */
  readonly people: Roles;
  readonly config: Config;
  /** Calendars that templates may name. */
  readonly calendars: Readonly<Record<string, Calendar>>;
  /** Codes of validation errors to run in spite of. */
  readonly allow: readonly string[];
  readonly start: { readonly at: Instant; readonly call: StartCall | null };
  /** In order of time, those of one instant as they are written. */
  readonly events: readonly ScriptEvent[];
  /** As they are written. */
  readonly expect: readonly Expectation[];
  /** The last instant that is named: there the clock stops. */
  readonly until: Instant;
}

export type Roles = Readonly<Record<string, readonly string[]>>;

/** Settings by the names the configuration has. */
export interface Config {
  readonly maxConcurrentJourneys?: number;
  /** Milliseconds that an automatic acceptance may take in all. */
  readonly handoffTimeout?: number;
  /** Attempts of a step whose template says nothing. */
  readonly retryAttempts?: number;
  readonly packageIntegrations?: Readonly<Record<string, { readonly enabled: boolean }>>;
}

/** Members besides are attributes. */
export interface Subject {
  readonly type: string;
  readonly id: string;
  readonly zone?: string;
  readonly attributes: JsonObject;
}

export interface StartCall {
  readonly subject: Subject;
  readonly input: JsonObject;
  /** The requester. */
  readonly by?: string;
}

/** How many attempts are answered so, and when each of them answers. */
interface Answers {
  readonly step: string;
  readonly times: number;
  readonly takesMs: number;
  /** Only the attempts for this item of a list. */
  readonly item?: string;
}

export const handoffVerbs = ['accept', 'claim', 'return', 'complete', 'reject', 'cancel'] as const;
export type HandoffVerb = (typeof handoffVerbs)[number];

export const operatorVerbs = ['retry', 'skip', 'complete_with', 'goto', 'compensate_and_end', 'pause', 'resume', 'cancel'] as const;
export type OperatorVerb = (typeof operatorVerbs)[number];

export interface EventFields {
  /** An event of the outside; its `id` is made when it has none. */
  readonly event: { readonly event: JsonObject & { readonly type: string } };
  readonly complete: {
    readonly step: string;
    readonly item?: string;
    readonly outcome?: string;
    readonly output?: JsonObject;
    readonly by?: string;
  };
  readonly vote: {
    readonly step: string;
    readonly item?: string;
    readonly by: string;
    readonly onBehalfOf?: string;
    readonly decision: 'approve' | 'reject';
    readonly comment?: string;
  };
  readonly delegate: { readonly step: string; readonly by: string; readonly to: string };
  readonly handoff: {
    readonly step: string;
    readonly do: HandoffVerb;
    readonly by?: string;
    readonly reason?: string;
    readonly outcome?: string;
    readonly output?: JsonObject;
  };
  readonly fail: Answers & { readonly error: string };
  readonly result: Answers & { readonly result: JsonObject };
  readonly operator: {
    readonly verb: OperatorVerb;
    readonly step?: string;
    readonly item?: string;
    /** Of `goto`: where to go on. */
    readonly to?: string;
    readonly context?: JsonObject;
    readonly outcome?: string;
    readonly output?: JsonObject;
    readonly input?: JsonObject;
    readonly deadlines?: 'keep' | 'shift';
    /** Of `pause` and `resume`: the template with all its instances. */
    readonly scope?: 'template';
    readonly reason?: string;
    readonly by?: string;
  };
  readonly people: { readonly people: Roles };
  readonly start: StartCall;
  readonly subject: { readonly subject: Subject };
  readonly context: { readonly patch: JsonObject; readonly by?: string };
  readonly advance: { readonly outcome?: string; readonly expectStep?: string; readonly output?: JsonObject; readonly by?: string };
}

export type EventKind = keyof EventFields;
export type EventOf<Kind extends EventKind> = { readonly kind: Kind } & Aspects & EventFields[Kind];

interface Aspects {
  readonly at: Instant;
  /** Place among the events as they are written. */
  readonly index: number;
  /** In order of start, from 1. */
  readonly journey: number;
  readonly commandId?: string;
  /** The code it must be refused with; true is any. */
  readonly refused?: string | true;
}
export type ScriptEvent = { readonly [Kind in EventKind]: EventOf<Kind> }[EventKind];

export interface ExpectedVote {
  readonly by?: string;
  readonly onBehalfOf?: string | null;
  readonly decision?: 'approve' | 'reject';
}

export interface ExpectedApproval {
  readonly round?: number;
  readonly required?: number;
  readonly eligible?: readonly string[];
  readonly votes?: readonly ExpectedVote[];
  readonly outcome?: string | null;
}

export interface ExpectationFields {
  readonly step: {
    readonly at: Instant;
    readonly step: string;
    /** Absent: the newest. */
    readonly visit?: number;
    readonly state?: string;
    /** Code of the incident. */
    readonly reason?: string;
    readonly outcome?: string | null;
    readonly cause?: string | null;
    readonly due?: Instant | null;
    readonly attempts?: number;
    readonly approval?: ExpectedApproval;
  };
  readonly handoff: {
    readonly at: Instant;
    readonly handoff: string;
    readonly visit?: number;
    readonly state?: string;
    readonly owner?: string;
    readonly reason?: string | null;
    readonly outcome?: string | null;
    readonly due?: Instant | null;
    readonly attempts?: number;
  };
  readonly journey: { readonly at: Instant } & JourneyFields & { readonly status?: string };
  readonly ended: {
    /** Without it: by the end of the run. */
    readonly at?: Instant;
    readonly ended: 'won' | 'lost' | 'cancelled';
  } & JourneyFields;
  readonly emitted: {
    readonly emitted: string;
    readonly step?: string;
    readonly reason?: string;
    readonly at?: Instant;
    readonly times: number;
  };
}

interface JourneyFields {
  readonly stage?: string | null;
  readonly progress?: number;
  readonly outcome?: string | null;
  /** Only the variables that are named are compared. */
  readonly context?: JsonObject;
}

export type ExpectationKind = keyof ExpectationFields;
export type Expectation = {
  readonly [Kind in ExpectationKind]: {
    readonly kind: Kind;
    /** Absent: the first; of `emitted` all. */
    readonly journey?: number;
  } & ExpectationFields[Kind];
}[ExpectationKind];
