/** A step that cannot go on is parked; other branches do. Source: journeys.md, section 7. */
import type { JsonObject } from '../json.js';
import type { Draft } from './draft.js';
import type { IncidentCode } from './state.js';
import { bury, callOff, hush } from './stop.js';
import type { Visit } from './visit.js';

/**
 * Parks a step. An item of a list is not parked: it fails, and the list sees how many it bears.
 *
 * @param isOutside what the step waits for is not at fault, and stays as it is until somebody lets it go on
 */
export function park(draft: Draft, visit: Visit, code: IncidentCode, detail: JsonObject = {}, isOutside = false): void {
  const still = hush(draft, visit);
  const incident = { code, detail, isOutside };
  if (visit.item !== null) {
    const ended: Visit = { ...callOff(draft, still), state: 'failed', incident, endedAt: draft.at, timers: {} };
    draft.recordOf(visit, 'journey.step.failed', { reason: code });
    bury(draft, ended);
    draft.moves.push({ do: 'item', ended });
    return;
  }
  draft.put({ ...still, state: 'incident', incident, endedAt: null });
  draft.recordOf(visit, 'journey.incident.opened', { reason: code, detail });
}

/**
 * Parks the step that was entered last, for a reason that is not its own. Where all are parked already it is told of the last one all the same, which stays
 * parked for the reason it has.
 */
export function parkNewest(draft: Draft, code: IncidentCode, detail: JsonObject): void {
  const leaves = draft.state.visits.filter(({ item, branches }) => item === null && branches === null);
  const leaf = leaves.findLast(({ incident }) => incident === null);
  if (leaf !== undefined) return park(draft, leaf, code, detail, true);
  const [last] = leaves.slice(-1);
  if (last !== undefined) draft.recordOf(last, 'journey.incident.opened', { reason: code, detail });
}

/** Lets a parked step go on. */
export function unpark(draft: Draft, visit: Visit, how: string): Visit {
  const reason = visit.incident?.code ?? null;
  const state = visit.ending !== null && visit.phase === 'route' ? visit.ending.state : 'open';
  const open = draft.put({ ...visit, state, incident: null });
  draft.recordOf(visit, 'journey.incident.resolved', { reason, how });
  return open;
}
