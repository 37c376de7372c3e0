/** What a run of a script leaves behind, for readers and for the comparison with what was expected. */
import type { HandoffView, JourneyView } from '../run/record.js';
import type { VisitView } from '../run/state.js';
import type { GateState } from '../gate/gate.js';
import type { GuardTrace } from '../expression.js';
import type { JsonObject } from '../json.js';
import type { Instant } from '../../time.js';

/** How one instance stands at an instant. */
export interface Standing {
  readonly view: JourneyView;
  readonly visits: readonly VisitView[];
  readonly gates: readonly { readonly step: string; readonly visit: number; readonly gate: GateState }[];
  readonly handoffs: readonly HandoffView[];
}

/** An event of the log; those of the outside stand under `event` with their type. */
export interface Told {
  readonly at: Instant;
  /** In order of start, from 1; null: of no instance. */
  readonly journey: number | null;
  readonly type: string;
  readonly data: JsonObject;
}

/** One line of the trace. */
export interface Traced extends Told {
  readonly step: string | null;
  readonly visit: number | null;
  /** Where guards decided. */
  readonly guards?: readonly GuardTrace[];
}

/** An event of the script that was refused, or was not where it should have been. */
export interface Answered {
  /** Place among the events; null: the start. */
  readonly index: number | null;
  readonly at: Instant;
  readonly journey: number | null;
  readonly expected: string | true | null;
  /** Null: accepted. */
  readonly code: string | null;
}

export interface SentTouchpoint {
  readonly at: Instant;
  readonly journey: number;
  readonly step: string;
  readonly visit: number;
  readonly channel: string;
  readonly template: string;
  readonly outcome: string;
  /** When it was due, where quiet hours held it. */
  readonly heldFrom: Instant | null;
}

export interface Breach {
  readonly at: Instant;
  readonly journey: number;
  readonly step: string;
  readonly visit: number;
  readonly kind: 'warned' | 'breached';
}

export interface Run {
  readonly startedAt: Instant;
  readonly until: Instant;
  readonly trace: readonly Traced[];
  /** What was emitted, in order. */
  readonly events: readonly Told[];
  readonly answers: readonly Answered[];
  readonly touchpoints: readonly SentTouchpoint[];
  readonly breaches: readonly Breach[];
  /** In order of start, at the end. */
  readonly journeys: readonly Standing[];
  /** In order of start, after everything that happened at an instant; only at instants that expectations name. */
  readonly at: (instant: Instant) => readonly Standing[];
  /** What would happen by itself after the end; null: nothing. */
  readonly nextAt: Instant | null;
}
