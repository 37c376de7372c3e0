/** How work is called off, and how a visit goes out of sight. */
import { closeGate } from '../gate/round.js';
import type { Draft } from './draft.js';
import { publicId } from './names.js';
import { visitView } from './views.js';
import type { Visit } from './visit.js';
import { tellGate } from './voting.js';

/** Takes back every question of a visit; an attempt that runs is dropped, and may still answer. */
export function hush(draft: Draft, visit: Visit): Visit {
  const running = visit.asks.filter(({ to }) => to === 'action' || to === 'touchpoint').map(({ id }) => id);
  for (const action of running) draft.want({ kind: 'dropAction', id: `${action}/drop`, action });
  const effort =
    visit.effort === null ? null : { ...visit.effort, retryAt: null, dropped: [...visit.effort.dropped, ...running].slice(-10) };
  return { ...visit, asks: [], look: [], isStale: false, effort };
}

/** Calls off what others do for a visit: its handoff, its child journey, its vote. */
export function callOff(draft: Draft, visit: Visit): Visit {
  const handoff = publicId(draft.state.start.journeyId, visit.key);
  if (visit.handoff !== null) draft.want({ kind: 'tellHandoff', id: `${visit.key}/cancel`, handoff, word: { kind: 'cancel' } });
  const { journey = null, isJoined = false } = visit.child ?? {};
  if (journey !== null && !isJoined) draft.want({ kind: 'cancelChild', id: `${visit.key}/cancelChild`, journey });
  const gate = visit.gate === null ? visit : tellGate(draft, visit, closeGate(visit.gate, 'cancelled', draft.at));
  return { ...gate, handoff: null, child: null };
}

/** Ends a visit that nobody waits for any more, with all that is part of it. */
export function abandon(draft: Draft, visit: Visit, state: 'superseded' | 'cancelled'): void {
  for (const part of draft.state.visits.filter(({ parent }) => parent === visit.key)) abandon(draft, part, state);
  const stopped = callOff(draft, hush(draft, visit));
  bury(draft, { ...stopped, state, incident: null, endedAt: draft.at, timers: {} });
}

/** Takes an ended visit out and keeps of it what later steps and readers need. */
export function bury(draft: Draft, visit: Visit): void {
  draft.drop(visit);
  if (visit.item !== null) return;
  const { ending, effort } = visit;
  const isNewest = draft.past(visit.step).visits === visit.visit;
  if (!isNewest) return;
  draft.remember(visit.step, {
    state: visit.state,
    outcome: ending?.outcome ?? null,
    last: visitView(draft.plan, visit),
    dropped: effort?.dropped ?? [],
  });
}
