/** The state of one journey as the reducer keeps it and as it is carried from run to run. Plain JSON. */
import type { Instant } from '../../time.js';
import type { JsonObject } from '../json.js';
import type { EffectId, HandoffStart, HandoffState, OccurredEvent, TouchpointEffect } from './effect.js';
import type { Report } from './effect.js';
import type { JourneyStart, VisitState, VisitView } from './state.js';
import type { Visit } from './visit.js';

export interface JourneyState {
  readonly schema: 1;
  readonly start: JourneyStart;
  /** Sequence number of the last event. */
  readonly version: number;
  readonly lastActivity: Instant;
  readonly end: JourneyEnd | null;
  readonly paused: Pause | null;
  readonly context: JsonObject;
  readonly stage: string | null;
  readonly progress: number;
  /** When it has lasted as long as it may; null: it has. */
  readonly limitAt: Instant | null;
  /** What is open or on its way, in order of entry. */
  readonly visits: readonly Visit[];
  /** What is left of ended visits, by step. */
  readonly past: Readonly<Record<string, Past>>;
  /** The last events that were heard, with their number. */
  readonly heard: { readonly count: number; readonly last: readonly { readonly id: string; readonly n: number }[] };
  /** Events that wait to be weighed; the first one is. */
  readonly inbox: readonly OccurredEvent[];
  readonly weighing: { readonly id: EffectId; readonly at: Instant } | null;
  /** Events that completed a step before their signal came. */
  readonly served: readonly string[];
  /** Ids of goals that were reached. */
  readonly goals: readonly string[];
  /** The exits that need no event are being asked about. */
  readonly exits: {
    readonly asked: number;
    readonly ask: { readonly id: EffectId; readonly at: Instant } | null;
    readonly isStale: boolean;
  };
  /** An exit that lets the open steps finish first. */
  readonly leaving: string | null;
  /** People who voted so far. */
  readonly voters: readonly string[];
  /** Completed work that can be undone, in order. */
  readonly undoable: readonly Undoable[];
  /** Work that is being undone, the last first. */
  readonly undoing: Undoing | null;
  /** Handoffs apart from the template's steps. */
  readonly extras: readonly ExtraHandoff[];
  /** Those there ever were. */
  readonly extraCount: number;
  /** Messages that quiet hours hold while the journey goes on. */
  readonly held: readonly TouchpointEffect[];
}

export interface JourneyEnd {
  readonly at: Instant;
  readonly status: 'completed' | 'cancelled';
  readonly outcome: string;
  readonly result: 'won' | 'lost' | null;
}

export interface Pause {
  readonly since: Instant;
  readonly deadlines: 'shift' | 'keep';
  readonly freezeTasks: boolean;
  /** What was reported meanwhile, in order. */
  readonly facts: readonly Report[];
  /** Variables have changed meanwhile. */
  readonly isStale: boolean;
}

export interface Past {
  /** Visits that began. */
  readonly visits: number;
  readonly firstAt: Instant;
  /** Of the newest visit. */
  readonly state: VisitState;
  readonly outcome: string | null;
  /** Of the newest visit that left one. */
  readonly output: JsonObject | null;
  readonly wasCompleted: boolean;
  /** Events that completed a visit. */
  readonly consumed: readonly string[];
  /** The newest visit that has ended. */
  readonly last: VisitView | null;
  /** Attempts of it that may still answer. */
  readonly dropped: readonly EffectId[];
}

export interface Undoable {
  readonly step: string;
  readonly visit: number;
  readonly item: string | null;
  readonly input: JsonObject;
  readonly output: JsonObject;
}

export interface Undoing {
  /** How the journey ends afterwards. */
  readonly outcome: string;
  readonly asked: number;
  /** Attempts at the last of `undoable` since its budget was filled. */
  readonly spent: number;
  readonly ask: { readonly id: EffectId; readonly at: Instant } | null;
  readonly retryAt: Instant | null;
  /** It failed for good; its step is parked. */
  readonly error: string | null;
}

export interface ExtraHandoff {
  readonly id: string;
  readonly step: string;
  readonly visit: number;
  readonly state: HandoffState | null;
  readonly seq: number;
  /** Until it has told of itself. */
  readonly start: HandoffStart | null;
  /** Paths its rules read of the journey, and how often it was told of them; absent: none. */
  readonly reads?: readonly string[];
  readonly told?: number;
}
