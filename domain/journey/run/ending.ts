/** How a journey ends: at an end, by an exit, by a goal, or because somebody cancels it. Source: journeys.md, sections 2 and 7. */
import type { JsonObject } from '../json.js';
import type { Exit } from '../template.js';
import type { Draft } from './draft.js';
import { abandon } from './stop.js';

interface Over {
  readonly status: 'completed' | 'cancelled';
  readonly outcome: string;
  readonly result: 'won' | 'lost' | null;
  readonly data?: JsonObject;
}

/** Calls off what is open, and closes. */
export function endJourney(draft: Draft, { status, outcome, result, data = {} }: Over): void {
  if (draft.state.end !== null) return;
  abandonAll(draft);
  if (status === 'cancelled') cancelOthers(draft);
  const { progress, exits } = draft.state;
  draft.set({
    end: { at: draft.at, status, outcome, result },
    progress: result === 'won' ? 100 : progress,
    paused: null,
    leaving: null,
    undoing: null,
    limitAt: null,
    exits: { ...exits, ask: null, isStale: false },
  });
  draft.moves.length = 0;
  draft.record('journey.ended', { status, outcome, result, ...data });
}

export function abandonAll(draft: Draft): void {
  for (const visit of draft.state.visits.filter(({ parent }) => parent === null)) abandon(draft, visit, 'cancelled');
}

/** Messages that are held and handoffs apart from the steps go with a journey that is cancelled. */
function cancelOthers(draft: Draft): void {
  for (const { id } of draft.state.held) draft.want({ kind: 'dropAction', id: `${id}/drop`, action: id });
  for (const { step, visit, id } of draft.state.extras) {
    const key = `${step}.${visit}`;
    draft.want({ kind: 'tellHandoff', id: `${key}/cancel`, handoff: id, word: { kind: 'cancel' } });
  }
  draft.set({ held: [], extras: [] });
}

/** An exit holds: at once, or as soon as the open steps have finished. */
export function leaveBy(draft: Draft, exit: Exit<string>, eventId: string | null): void {
  const { id, outcome, result, waitForStep = false } = exit;
  if (waitForStep && !isIdle(draft)) draft.set({ leaving: id });
  else endJourney(draft, { status: 'completed', outcome, result, data: { exit: id, ...(eventId === null ? {} : { eventId }) } });
}

/** Nothing is open but blocks whose branches have all stopped. */
const isIdle = (draft: Draft): boolean => draft.state.visits.every(({ branches }) => branches !== null);

/** The exit that was waiting for open steps, as soon as there are none. */
export function leaveIfIdle(draft: Draft): void {
  const { leaving } = draft.state;
  const exit = leaving === null ? undefined : (draft.plan.template.exits ?? []).find(({ id }) => id === leaving);
  if (exit !== undefined && isIdle(draft)) leaveBy(draft, { ...exit, waitForStep: false }, null);
}
