/** What a handoff knows: carried from run to run, so plain JSON of bounded size. Source: journeys.md, section 8. */
import type { Refused } from '../decision.js';
import type { GateState } from '../journey/gate/gate.js';
import type { GuardData } from '../journey/expression.js';
import { memberAt, own } from '../journey/json.js';
import type { Json, JsonObject } from '../journey/json.js';
import { namesOf } from '../journey/path.js';
import type { Effect, EffectId, HandoffReport, HandoffStart, HandoffState, Person } from '../journey/run/effect.js';
import type { HandoffView } from '../journey/run/record.js';
import type { Instant } from '../time.js';
import type { HandoffCode } from './codes.js';
import type { HandoffEvent } from './event.js';

/** What a question is about; its effect can be made from it again. */
export type Question =
  /** Who may vote, when a round begins. */
  | { readonly to: 'approvers' }
  | { readonly to: 'rung'; readonly rung: number }
  /** Who may vote by now, with `dynamic`. */
  | { readonly to: 'electorate' }
  | { readonly to: 'hash' }
  /** Who of the receiver may accept, where an expression says so. */
  | { readonly to: 'assignees' }
  /** The receiver's activity. */
  | { readonly to: 'acceptance'; readonly attempt: number; readonly timeoutMs: number };
export type Ask = Question & { readonly id: EffectId };

/** Found, or still looked for, before a round of votes begins. */
export interface Preparing {
  readonly why: 'open' | 'changed' | 'again';
  readonly people: readonly Person[] | null;
  /** `none`: there is no evidence; null: it is being hashed. */
  readonly hash: string | null;
}

export interface Parked {
  readonly incident: NonNullable<HandoffReport['incident']>;
  readonly leg: 'approval' | 'offer';
  /** The question to put again, where the vote can go on with its answer. */
  readonly question: Question | null;
}

/** Instants at which something happens by itself; a missing one is not awaited. */
export interface Timers {
  readonly acceptAt?: Instant;
  readonly retryAt?: Instant;
  /** Automatic acceptance is over, whatever the count. */
  readonly totalAt?: Instant;
  readonly completeAt?: Instant;
  readonly claimUntil?: Instant;
}

export interface HandoffLedger {
  readonly schema: 1;
  readonly start: Omit<HandoffStart, 'data' | 'known'>;
  readonly state: HandoffState;
  readonly data: JsonObject;
  readonly known: GuardData;
  /** The package that owns the clock. */
  readonly owner: string;
  readonly assignee: string | null;
  /** People an expression names as receivers; null: none does, or they are looked up. */
  readonly candidates: readonly string[] | null;
  readonly gate: GateState | null;
  readonly preparing: Preparing | null;
  readonly asks: readonly Ask[];
  /** Counts questions, so that each has a name of its own. */
  readonly asked: number;
  /** Attempts begun, and those since the budget was last filled. */
  readonly attempts: number;
  readonly spent: number;
  readonly timers: Timers;
  /** Failed or expired, and waiting to be tried again. */
  readonly parked: Parked | null;
  readonly paused: { readonly at: Instant; readonly frozen: boolean } | null;
  readonly outcome: string | null;
  readonly reason: string | null;
  /** Number of the last event. */
  readonly version: number;
  /** Number of the last report. */
  readonly reported: number;
  readonly createdAt: Instant;
  /** Of the last event: none comes before it. */
  readonly lastAt: Instant;
  readonly endedAt: Instant | null;
}

/** What became of a command, an answer, a word or the time. */
export interface HandoffStep {
  readonly ok: true;
  readonly state: HandoffLedger;
  readonly effects: readonly Effect[];
  /** Empty: nothing changed that anybody sees. */
  readonly events: readonly HandoffEvent[];
  /** For its journey, in order. */
  readonly reports: readonly HandoffReport[];
}
export type HandoffAnswer = HandoffStep | Refused<HandoffCode>;

/** `<journey>.<step>.<visit>`, behind it the item of a `forEach`. */
export const handoffIdOf = ({ journeyId, step, visit, item }: Pick<HandoffStart, 'journeyId' | 'step' | 'visit' | 'item'>): string =>
  [journeyId, step, String(visit), ...(item === undefined ? [] : [item])].join('.');

/** Nobody has to accept: the receiver's activity does. */
export const isAutomatic = ({ mode, then }: Pick<HandoffStart['rules'], 'mode' | 'then'>): boolean =>
  mode === 'automatic' || (mode === 'approve' && then !== 'accept');

/** Names of required data that is not there. */
export const missingOf = (required: readonly string[] | undefined, data: JsonObject): readonly string[] =>
  (required ?? []).filter((name) => isEmpty(own(data, name) ?? namesOf(name).reduce<Json | undefined>(memberAt, data)));

const isEmpty = (value: Json | undefined): boolean => value === undefined || value === null || value === '';

/** When somebody is late in the present leg. */
export function dueOf({ state, gate, timers }: Pick<HandoffLedger, 'state' | 'gate' | 'timers'>): Instant | null {
  if (state === 'awaiting_approval') return gate?.dueAt ?? null;
  if (state === 'offered') return timers.acceptAt ?? timers.totalAt ?? null;
  return state === 'accepted' || state === 'in_progress' ? (timers.completeAt ?? null) : null;
}

/** The handoff as readers see it. */
export const view = (ledger: HandoffLedger): HandoffView => {
  const { start, state, data, owner, assignee, outcome, reason, attempts, version, createdAt, endedAt } = ledger;
  const { journeyId, step, visit, extra, rules } = start;
  const { from, to, mode, requiredData, assign: { users: people = [], roles = [] } = {} } = rules;
  const about = { handoffId: handoffIdOf(start), journeyId, step, visit, extra, from, to, mode, people, roles };
  const missing = missingOf(requiredData, data);
  return { ...about, state, owner, assignee, data, missing, outcome, reason, dueAt: dueOf(ledger), attempts, version, createdAt, endedAt };
};

/** Whether nothing more will happen to it. */
export const isOver = ({ endedAt }: Pick<HandoffLedger, 'endedAt'>): boolean => endedAt !== null;

/** Whether its journey has gone on: it waited for the acceptance alone. */
export const isReleased = ({ state, start }: Pick<HandoffLedger, 'state' | 'start'>): boolean =>
  start.rules.waitFor === 'accept' && (state === 'accepted' || state === 'in_progress' || state === 'completed');
