/** How a step is left: what it gave is stored, then the way on is found. Source: journeys.md, sections 2 and 5. */
import type { Choice } from '../expression.js';
import type { Json, JsonObject } from '../json.js';
import { join } from '../step.js';
import { bytesOf, changed, filling, mostBytes } from './context.js';
import { foreign, readAll } from './data.js';
import type { Draft } from './draft.js';
import { sceneOf, unread } from './effects.js';
import { park } from './incident.js';
import { publicId } from './names.js';
import { bodyOf, isStep } from './plan.js';
import { abandon, bury, callOff, hush } from './stop.js';
import { faultIn, traceOf } from './traces.js';
import type { Ending, Visit } from './visit.js';
import { guardsOut, waysOut } from './ways.js';

type Told = Pick<Ending, 'cause'> & Partial<Ending>;

/**
 * A step has come out, one way or another.
 *
 * @param by the event that did it; null: none did
 */
export function complete(draft: Draft, visit: Visit, told: Told, by: string | null = null): void {
  for (const part of draft.state.visits.filter(({ parent }) => parent === visit.key)) abandon(draft, part, 'superseded');
  const ending: Ending = {
    state: 'completed',
    outcome: null,
    output: {},
    fills: false,
    reads: {},
    to: null,
    reason: null,
    trace: null,
    ...told,
    ...(by === null ? {} : { by }),
  };
  const released = release(draft, hush(draft, visit), ending);
  const ended = draft.put({
    ...released,
    phase: 'settle',
    state: ending.state,
    incident: null,
    endedAt: draft.at,
    timers: {},
    event: by ?? visit.event,
    ending,
  });
  settle(draft, ended);
}

/** Tells those who still work on it that it is done, or not wanted. */
function release(draft: Draft, visit: Visit, { state, cause, outcome, output }: Ending): Visit {
  const { handoff } = visit;
  if (handoff === null) return callOff(draft, visit);
  const isOver =
    handoff.state !== null && ['completed', 'rejected', 'returned', 'cancelled', 'accepted', 'in_progress'].includes(handoff.state);
  const isDone = state === 'completed' && (cause === 'advance' || cause === 'event' || cause === 'operator');
  // Where acceptance is all that was waited for, the receiver works on.
  if (cause === 'handoff' && isOver) return { ...visit, handoff: null };
  if (!isDone) return callOff(draft, visit);
  const id = publicId(draft.state.start.journeyId, visit.key);
  draft.want({
    kind: 'tellHandoff',
    id: `${visit.key}/complete`,
    handoff: id,
    word: { kind: 'complete', outcome: outcome ?? 'completed', output },
  });
  return { ...visit, handoff: null };
}

/** Looks up what the mapping still lacks, then stores. */
export function settle(draft: Draft, visit: Visit): void {
  const body = bodyOf(draft.plan, visit);
  const wanted = visit.ending?.state === 'failed' ? [] : Object.keys(foreign(unread(visit, body)));
  if (wanted.length > 0) draft.ask(visit, { to: 'settle' });
  else store(draft, visit, {});
}

/** Puts what a step gave where the template wants it. */
export function store(draft: Draft, visit: Visit, found: JsonObject): void {
  const { ending } = visit;
  if (ending === null) return;
  const { output } = ending;
  const size = bytesOf(output);
  if (size > mostBytes) return park(draft, visit, 'context_too_large', { bytes: size, limit: mostBytes });
  const gave = ending.state === 'completed' || Object.keys(output).length > 0;
  const mapping = (gave ? bodyOf(draft.plan, visit).output : undefined) ?? {};
  const before = draft.state;
  const past = { ...before.past, [visit.step]: { ...draft.past(visit.step), ...(gave ? { output } : {}) } };
  const data = sceneOf({ ...before, past }, visit, draft.at);
  const own = ending.fills ? Object.entries(filling(draft.plan, output)).filter(([name]) => !Object.hasOwn(mapping, name)) : [];
  const changes = { ...Object.fromEntries(own), ...readAll(mapping, data, { ...visit.found, ...ending.reads, ...found }) };
  const result = changed(draft.plan, before.context, changes, false);
  if (!result.ok) {
    const code = result.code === 'context_too_large' ? result.code : 'action_failed';
    return park(draft, visit, code, { error: result.code, paths: result.paths });
  }
  if (result.names.length > 0 || gave) draft.isChanged = true;
  draft.set({ context: result.context, ...(visit.item === null ? { past } : {}) });
  route(draft, draft.put({ ...visit, phase: 'route' }));
}

/** Finds the way on. */
export function route(draft: Draft, visit: Visit): void {
  const to = visit.ending?.to ?? null;
  if (visit.item !== null) return leaveItem(draft, visit);
  const body = bodyOf(draft.plan, visit);
  if (body.kind === 'end') {
    conclude(draft, visit, null, null);
    draft.moves.push({ do: 'end', outcome: body.outcome, result: body.result });
    return;
  }
  if (draft.state.leaving !== null) return conclude(draft, visit, null, null);
  if (to !== null) return goOn(draft, visit, to, null);
  const ways = waysOut(draft.plan, visit);
  const [first] = ways;
  if (first === undefined) return park(draft, visit, 'no_transition_matched', { outcome: visit.ending?.outcome ?? null });
  if (guardsOut(ways)[0] === null) return goOn(draft, visit, first.to, null);
  draft.ask(visit, { to: 'route' });
}

/** Takes the way that the guards have chosen. */
export function routed(draft: Draft, visit: Visit, choice: Choice): void {
  const chosen = choice.chosen === null ? undefined : waysOut(draft.plan, visit)[choice.chosen];
  if (chosen !== undefined) return goOn(draft, visit, chosen.to, traceOf(choice.trace));
  const fault = faultIn(choice);
  if (fault !== null) return park(draft, visit, 'guard_error', fault);
  park(draft, visit, 'no_transition_matched', { outcome: visit.ending?.outcome ?? null, trace: traceOf(choice.trace) });
}

function goOn(draft: Draft, visit: Visit, to: string, trace: Json): void {
  const { parent, branch, event } = visit;
  const isLost = to === join ? parent === null : !isStep(draft.plan, to);
  if (isLost) return park(draft, visit, 'no_transition_matched', { to });
  conclude(draft, visit, to === join ? null : to, trace);
  if (to !== join) draft.moves.push({ do: 'enter', step: to, parent, branch, event });
  else if (parent !== null && branch !== null) draft.moves.push({ do: 'join', parent, branch });
}

/** An item has no ways of its own; a word that names a step leads there from the whole list. */
function leaveItem(draft: Draft, visit: Visit): void {
  const to = visit.ending?.to ?? null;
  conclude(draft, visit, to, null);
  const list = to === null ? undefined : draft.visit(visit.parent ?? '');
  if (list === undefined || to === null) {
    draft.moves.push({ do: 'item', ended: visit });
    return;
  }
  const { state = 'completed', outcome = null, cause = 'timeout', reason = null } = visit.ending ?? {};
  draft.moves.push({ do: 'quit', list: list.key, ending: { state, outcome, cause, reason, to } });
}

/** Tells how the visit ended, and lets it go. */
function conclude(draft: Draft, visit: Visit, to: string | null, trace: Json): void {
  const { ending } = visit;
  if (ending === null) return;
  const { state, outcome, cause, reason, output, by } = ending;
  const verdicts = trace ?? ending.trace;
  const data = {
    ...(outcome === null ? {} : { outcome }),
    ...(state === 'completed' ? { cause } : {}),
    ...(reason === null ? {} : { reason }),
    ...(to === null ? {} : { to }),
    ...(by === undefined ? {} : { eventId: by }),
    ...(verdicts === null ? {} : { trace: verdicts }),
  };
  draft.recordOf(visit, `journey.step.${state}`, data);
  const { compensate } = bodyOf(draft.plan, visit);
  if (state === 'completed') {
    if (visit.item === null) draft.remember(visit.step, { wasCompleted: true });
    if (compensate !== undefined) {
      const { step, item, input } = visit;
      draft.set({ undoable: [...draft.state.undoable, { step, visit: visit.visit, item, input, output }] });
    }
  }
  bury(draft, { ...visit, endedAt: visit.endedAt ?? draft.at });
}
