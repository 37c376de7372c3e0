/** What PostgreSQL is told of a journey and of a handoff: the events of one reaction, and how things stand after it. Source: architecture.md, "The command path". */
import type { Instant } from '../../time.js';
import type { JsonObject } from '../json.js';
import type { GateState } from '../gate/gate.js';
import type { HandoffEvent } from '../../handoff/event.js';
import type { HandoffState } from './effect.js';
import type { Doer, JourneyEvent } from './event.js';
import type { JourneyStart, JourneyStatus, VisitView } from './state.js';

/** A journey as readers see it, less what the template says (its name, the names of its steps). */
export interface JourneyView {
  readonly start: JourneyStart;
  readonly status: JourneyStatus;
  readonly result: 'won' | 'lost' | null;
  readonly outcome: string | null;
  readonly stage: string | null;
  readonly progress: number;
  /** The step entered last among the open ones. */
  readonly currentStep: string | null;
  readonly openSteps: readonly string[];
  readonly context: JsonObject;
  /** The nearest instant at which somebody is late or something happens by itself. */
  readonly dueAt: Instant | null;
  /** The nearest instant at which somebody is late. */
  readonly deadline: Instant | null;
  readonly awaitsApproval: boolean;
  /** Sequence number of the last event. */
  readonly version: number;
  readonly lastActivity: Instant;
  readonly endedAt: Instant | null;
}

/** A vote as it stands; of an approval step `handoff` is null. */
export interface GateView {
  readonly step: string;
  readonly visit: number;
  /** In a `forEach`; absent or null: the step's own. */
  readonly item?: string | null;
  readonly gate: GateState;
}

export interface JourneyRecord {
  readonly tenant: string;
  readonly journeyId: string;
  readonly runId: string;
  readonly doer: Doer;
  readonly at: Instant;
  /** In order, at least one. */
  readonly events: readonly JourneyEvent[];
  readonly view: JourneyView;
  /** Those that changed. */
  readonly visits: readonly VisitView[];
  readonly gates: readonly GateView[];
}

export interface HandoffView {
  /** `<journey>.<step>.<visit>`. */
  readonly handoffId: string;
  readonly journeyId: string;
  readonly step: string;
  readonly visit: number;
  readonly extra: boolean;
  readonly state: HandoffState;
  readonly from: string;
  readonly to: string;
  readonly mode: 'automatic' | 'accept' | 'approve';
  /** The package that owns the clock. */
  readonly owner: string;
  /** Who works on it. */
  readonly assignee: string | null;
  readonly data: JsonObject;
  readonly missing: readonly string[];
  /** Who may take it: ids, and roles or team keys; the receiving package is its team's key. Absent: that team alone. */
  readonly people?: readonly string[];
  readonly roles?: readonly string[];
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly dueAt: Instant | null;
  readonly attempts: number;
  readonly version: number;
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
}

export interface HandoffRecord {
  readonly tenant: string;
  readonly handoffId: string;
  readonly runId: string;
  readonly doer: Doer;
  readonly at: Instant;
  readonly events: readonly HandoffEvent[];
  readonly view: HandoffView;
  readonly gate: GateState | null;
}
