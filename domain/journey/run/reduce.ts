/**
 * A journey as a pure function: what happens to it, what it does thereupon, and what it asks of the world. The workflow, the simulator and the tests run
 * this one. Nothing in here throws or reads a clock. Source: journeys.md, section 1.
 */
import type { Members, Refused } from '../../decision.js';
import type { Instant } from '../../time.js';
import type { CompiledTemplate } from '../compile.js';
import { hold, take } from './answers.js';
import { askAgain } from './waits.js';
import { branchEnded } from './branching.js';
import { weighEffect, weighNext } from './correlate.js';
import type { JourneyCode, JourneyCommand } from './command.js';
import { initialContext } from './context.js';
import { Draft } from './draft.js';
import type { Move } from './draft.js';
import { fire, inSummary, nextOf } from './due.js';
import type { Effect, EffectKind, Report } from './effect.js';
import { effectOf } from './effects.js';
import { endJourney, leaveIfIdle } from './ending.js';
import { enter, enterItem } from './enter.js';
import type { Doer, JourneyEvent } from './event.js';
import { askExits, exitsEffect } from './exits.js';
import { openingOf, supplyExtras } from './extras.js';
import { supply } from './handoffs.js';
import { itemEnded } from './items.js';
import type { JourneyState } from './journey.js';
import { complete } from './leave.js';
import { obey } from './obey.js';
import { planOf } from './plan.js';
import { progressOf } from './progress.js';
import { rehash } from './approvals.js';
import type { GateView, JourneyView } from './record.js';
import type { JourneyStart, VisitView } from './state.js';
import { undoEffect } from './undoing.js';
import { gateView, journeyView, visitView } from './views.js';

export type { JourneyState } from './journey.js';

/** What comes of something that happened. */
export interface Reaction {
  readonly ok: true;
  readonly state: JourneyState;
  /** Wishes, in order; each is answered by a report that names it, unless its kind is not answered. */
  readonly effects: readonly Effect[];
  /** In order, each with the next version; empty: nothing changed that others have to know. */
  readonly events: readonly JourneyEvent[];
  /** Visits that changed, as they are now; ended ones are told of here for the last time. */
  readonly visits: readonly VisitView[];
  /** Votes that changed. */
  readonly gates: readonly GateView[];
  /** What the caller of a command is told besides: `already_recorded`, the version that a retry runs, the handoff that was made. */
  readonly said: Members;
}

/** Begins a journey: its variables, its first step. The input fits the template; that is checked at the entry. */
export function begin(template: CompiledTemplate, start: JourneyStart, doer: Doer, now: Instant): Reaction {
  const plan = planOf(template);
  const draft = new Draft(
    plan,
    {
      schema: 1,
      start,
      version: 0,
      lastActivity: now,
      end: null,
      paused: null,
      context: initialContext(plan, start.input),
      stage: null,
      progress: 0,
      limitAt: now + plan.maxDurationMs,
      visits: [],
      past: {},
      heard: { count: 0, last: [] },
      inbox: [],
      weighing: null,
      served: [],
      goals: [],
      exits: { asked: 0, ask: null, isStale: false },
      leaving: null,
      voters: [],
      undoable: [],
      undoing: null,
      extras: [],
      extraCount: 0,
      held: [],
    },
    now,
  );
  const { key, version } = start.template;
  const { id: trigger = null, eventId = null } = start.trigger ?? {};
  draft.record('journey.started', {
    template: key,
    templateVersion: version,
    subject: { type: start.subject.type, id: start.subject.id },
    entry: start.entry,
    by: doer.actor,
    ...(trigger === null ? {} : { trigger }),
    ...(eventId === null ? {} : { eventId }),
  });
  draft.moves.push({ do: 'enter', step: template.start, parent: null, branch: null, event: eventId });
  return reactionOf(draft);
}

/**
 * Decides one command. What was due before it is done first; a refusal leaves no trace, not even of that.
 *
 * @returns the reaction, or a refusal by one of `journeyCodes`
 */
export function command(
  template: CompiledTemplate,
  state: JourneyState,
  order: JourneyCommand,
  now: Instant,
): Reaction | Refused<JourneyCode> {
  const draft = new Draft(planOf(template), state, now);
  catchUp(draft, now, false);
  const refusal = obey(draft, order);
  return refusal ?? reactionOf(draft);
}

/** Takes an answer, or a fact nobody asked for. What is not awaited any more changes nothing; late results of actions are noted. */
export function report(template: CompiledTemplate, state: JourneyState, said: Report, now: Instant): Reaction {
  const draft = new Draft(planOf(template), state, now);
  catchUp(draft, now, false);
  if (draft.state.paused === null) take(draft, said);
  else hold(draft, said);
  return reactionOf(draft);
}

/** Does everything that is due at or before now, in order of the due instants; each event carries its own. */
export function wake(template: CompiledTemplate, state: JourneyState, now: Instant): Reaction {
  const draft = new Draft(planOf(template), state, now);
  catchUp(draft, now, true);
  return reactionOf(draft);
}

function catchUp(draft: Draft, until: Instant, isIncluded: boolean): void {
  for (;;) {
    const due = nextOf(draft.plan, draft.state);
    if (due === null || due.at > until || (due.at === until && !isIncluded)) break;
    // What came due in a pause happens when it is over.
    draft.at = Math.max(due.at, draft.state.lastActivity);
    fire(draft, due);
    goOn(draft);
  }
  draft.at = until;
}

/** The nearest instant at which something happens by itself; `what` says so to an operator: `wait · remind`. Null: nothing does. */
export function nextDue(template: CompiledTemplate, state: JourneyState): { readonly at: Instant; readonly what: string } | null {
  const due = nextOf(planOf(template), state);
  return due === null ? null : { at: due.at, what: inSummary(due) };
}

/** Effects that have not been answered yet, to be carried out again after a reset or in a new run. */
export function outstanding(template: CompiledTemplate, state: JourneyState): readonly Effect[] {
  const plan = planOf(template);
  const { inbox, weighing, paused, held, extras } = state;
  const [event] = inbox;
  const undo = undoEffect(plan, state);
  const exits = exitsEffect(plan, state);
  const all: readonly Effect[] = [
    ...state.visits.flatMap((visit) => visit.asks.map((ask) => effectOf(plan, state, visit, ask))),
    ...(weighing === null || event === undefined ? [] : [weighEffect(plan, state, event, weighing.at)]),
    ...(exits === null ? [] : [exits]),
    ...(undo === null ? [] : [undo]),
    ...held,
    ...extras.flatMap(openingOf),
  ];
  // What was answered in a pause is only not worked in yet.
  const facts = paused?.facts ?? [];
  return all.filter(({ id }) => !facts.some((fact) => 'effect' in fact && fact.effect === id));
}

/** The journey as readers see it. */
export const view = (_template: CompiledTemplate, state: JourneyState): JourneyView => journeyView(state);

/** The open visits, and of each step the newest that has ended. */
export function visitsOf(template: CompiledTemplate, state: JourneyState): readonly VisitView[] {
  const plan = planOf(template);
  const ended = Object.values(state.past).flatMap(({ last }) => last ?? []);
  return [...ended, ...state.visits.map((visit) => visitView(plan, visit))];
}

/** The open votes. */
export const gatesOf = (state: JourneyState): readonly GateView[] => state.visits.flatMap(gateView);

/** Does what follows from what happened, until nothing more does by itself. */
function goOn(draft: Draft): void {
  for (;;) {
    const move = draft.moves.shift();
    if (move !== undefined) make(draft, move);
    else if (!followUp(draft)) break;
  }
  draft.set({ progress: progressOf(draft.plan, draft.state) });
}

function make(draft: Draft, move: Move): void {
  switch (move.do) {
    case 'enter': {
      // A block that is over opens no branches.
      const isWanted = move.parent === null || draft.visit(move.parent)?.phase === 'work';
      return isWanted ? enter(draft, move) : undefined;
    }
    case 'join':
      return branchEnded(draft, move.parent, move.branch);
    case 'item':
      return itemEnded(draft, move.ended, (list, index, name) => enterItem(draft, list, index, name));
    case 'quit': {
      const list = draft.visit(move.list);
      return list?.phase === 'work' ? complete(draft, list, move.ending) : undefined;
    }
    case 'end':
      return endJourney(draft, { status: 'completed', outcome: move.outcome, result: move.result });
  }
}

/** What a change of variables, or the next event, leads to; false: nothing is left to do. */
function followUp(draft: Draft): boolean {
  const { end, paused, undoing } = draft.state;
  if (paused !== null) {
    if (draft.isChanged) draft.set({ paused: { ...paused, isStale: true } });
    return false;
  }
  if (end !== null) return weighNext(draft);
  if (draft.isChanged) {
    draft.isChanged = false;
    if (undoing === null) spread(draft);
    return true;
  }
  leaveIfIdle(draft);
  return draft.state.end !== null || weighNext(draft);
}

/** Tells everybody who may care that variables are not what they were. */
function spread(draft: Draft): void {
  for (const { key } of draft.state.visits) {
    const visit = draft.visit(key);
    if (visit === undefined || visit.phase !== 'work') continue;
    supply(draft, visit);
    if (visit.incident !== null) continue;
    askAgain(draft, visit);
    rehash(draft, visit);
  }
  supplyExtras(draft);
  askExits(draft);
}

/** Kinds that are answered under their own name. */
const answerable: readonly EffectKind[] = [
  'guards',
  'values',
  'people',
  'hash',
  'localTime',
  'quiet',
  'openTime',
  'weigh',
  'lookBack',
  'action',
  'touchpoint',
  'openChild',
];

function reactionOf(draft: Draft): Reaction {
  goOn(draft);
  const { state, plan } = draft;
  const awaited = new Set([
    ...state.visits.flatMap(({ asks }) => asks.map(({ id }) => id)),
    ...state.held.map(({ id }) => id),
    ...[state.weighing, state.exits.ask, state.undoing?.ask ?? null].flatMap((ask) => ask?.id ?? []),
  ]);
  // What was asked and dropped in one reaction is not asked, nor dropped.
  const idle = new Set(draft.effects().flatMap(({ id, kind }) => (answerable.includes(kind) && !awaited.has(id) ? [id] : [])));
  const effects = draft.effects().filter((effect) => !idle.has(effect.kind === 'dropAction' ? effect.action : effect.id));
  const touched = draft.touched();
  return {
    ok: true,
    state,
    effects,
    events: draft.events,
    visits: [...touched.map((visit) => visitView(plan, visit)), ...draft.shown()],
    gates: touched.flatMap(gateView),
    said: draft.said,
  };
}
