/**
 * A scenario of a case file: one ticket under given targets, what happens to it, and the trace of playing it. Calendars are named here and
 * expanded elsewhere; times are epoch milliseconds, budgets whole seconds. Source: sla.md, section 10.
 */
import type { TicketStatus } from '../ticket/status.js';
import type { Instant } from '../time.js';
import type { Calendar } from './calendar.js';
import type { BreachCause, CancelReason, ClockPhase } from './clock.js';
import type { ClockKind, Counts, PauseMatrix, ReopenMode, Rung } from './policy.js';
import type { Windows } from './windows.js';

/** Budgets for the ticket's present priority; a kind left out has no clock. */
export type ScenarioTargets = Readonly<Partial<Record<ClockKind, number>>>;

/** Verbs that say everything by their name. */
export type PlainVerb =
  | 'customer'
  | 'reply'
  | 'reply_resolve'
  | 'bot'
  | 'auto_ack'
  | 'note'
  | 'call'
  | 'resolve'
  | 'reopen'
  | 'close'
  | 'merge'
  | 'no_policy'
  | 'policy_again'
  | 'acknowledge'
  | 'unsnooze'
  | 'worker_down'
  | 'worker_up';

/** What happens to the ticket, or to the desk (`worker_down`, `worker_up`). */
export type ScenarioEvent = { readonly at: Instant } & (
  | { readonly verb: PlainVerb }
  /** `receivedAt`: when its channel received the customer's message, at or before `at`. */
  | { readonly verb: 'open'; readonly by: 'customer' | 'agent'; readonly status: TicketStatus; readonly receivedAt: Instant }
  | { readonly verb: 'status'; readonly status: TicketStatus }
  /** A change of priority: these are its budgets, all of them. */
  | { readonly verb: 'target'; readonly targets: ScenarioTargets }
  | { readonly verb: 'calendar'; readonly calendar: string }
  /** `manual`, or `approval:<id>` for the kinds in `pauseOnApproval`. */
  | { readonly verb: 'cause+' | 'cause-'; readonly cause: string }
  /** Without an instant: until `unsnooze`. */
  | { readonly verb: 'snooze'; readonly until: Instant | null }
);
export type ScenarioVerb = ScenarioEvent['verb'];

export interface Scenario {
  readonly id: string;
  /** Name of the calendar its clocks begin with. */
  readonly calendar: string;
  readonly pause: PauseMatrix;
  readonly pauseOnApproval: readonly ClockKind[];
  readonly reopen: ReopenMode;
  readonly counts: Counts;
  readonly targets: ScenarioTargets;
  readonly rungs: readonly Rung[];
  /** In order of time, exactly one `open`; before it at most `worker_down` and `worker_up`. */
  readonly events: readonly ScenarioEvent[];
}

/** One clock instance as a case file sees it. */
export interface ClockView {
  /** `<kind>#<n>`. */
  readonly clock: string;
  readonly kind: ClockKind;
  readonly phase: ClockPhase;
  /** Null while paused, unless breached; kept when over. */
  readonly dueAt: Instant | null;
  readonly consumedS: number;
  /** Budget less what is consumed, negative when over; `spareS` likewise. */
  readonly remainingS: number;
  readonly spareS: number;
  /** Consumed less the budget in force at the breach; null without one. */
  readonly overrunS: number | null;
  /** Null while nothing is decided, and when cancelled in time. */
  readonly outcome: 'met' | 'breached' | null;
  /** How often it was recorded as breached: 0 or 1. */
  readonly breaches: number;
  readonly breachedAt: Instant | null;
  readonly fulfilledAt: Instant | null;
  /** Of the cancellation. */
  readonly reason: CancelReason | null;
  /** Of the breach, as is `lateMs`. */
  readonly cause: BreachCause | null;
  readonly lateMs: number | null;
}

/** An event that the ticket's rules refused, by its place in the scenario. */
export interface RefusedEvent {
  readonly event: number;
  readonly code: string;
}

/** A scenario that was played. */
export interface ScenarioTrace {
  /** The instances that exist, in order of their start: after everything due before the instant, and after the events of the instant. */
  clocksAt(at: Instant): readonly ClockView[];
  /** When the rung of that instance fired, to the whole second; null: not while the scenario was played. */
  rung(clock: string, rung: string): Instant | null;
  /** In order. */
  readonly refused: readonly RefusedEvent[];
}

/**
 * Expands a calendar of the scenario.
 *
 * @param until the windows reach at least so far
 * @param needMs open time after `from` that they hold at least, unless it lies beyond the horizon
 */
export type ExpandCalendar = (calendar: string, from: Instant, until: Instant, needMs: number) => Windows;

/** Plays a scenario in virtual time, up to and with `until`. */
export type PlayScenario = (scenario: Scenario, expand: ExpandCalendar, until: Instant) => ScenarioTrace;

/** What somebody wants to see of a trace. */
export interface ScenarioLooks {
  /** Instants at which the clocks are looked at, ascending, each once. */
  readonly at: readonly Instant[];
  readonly rungs: readonly { readonly clock: string; readonly rung: string }[];
  /** How long to play; not before the last of `at`. */
  readonly until: Instant;
}

/** What was to be seen of a trace, as plain JSON: one entry per look, in its order. Two engines agree when these are equal. */
export interface RecordedTrace {
  readonly clocks: readonly { readonly at: Instant; readonly clocks: readonly ClockView[] }[];
  readonly rungs: readonly { readonly clock: string; readonly rung: string; readonly firedAt: Instant | null }[];
  readonly refused: readonly RefusedEvent[];
}

/** Asks another process to play scenarios: one JSON value on its standard input. */
export interface PlayRequest {
  readonly schema: 1;
  readonly runs: readonly {
    readonly scenario: Scenario;
    /** Every calendar the scenario names, without the built-in one. */
    readonly calendars: Readonly<Record<string, Calendar>>;
    readonly looks: ScenarioLooks;
  }[];
}

/** Its answer, one JSON value on its standard output: one entry per run, in order. */
export interface PlayAnswer {
  readonly schema: 1;
  readonly traces: readonly ({ readonly ok: true; readonly trace: RecordedTrace } | { readonly ok: false; readonly error: string })[];
}
