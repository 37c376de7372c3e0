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

/** Parks the step that was entered last, for a reason that is not its own. */
export function parkNewest(draft: Draft, code: IncidentCode, detail: JsonObject): void {
  const open = draft.state.visits.filter(({ item, incident }) => item === null && incident === null);
  const leaf = open.findLast(({ branches }) => branches === null);
  if (leaf !== undefined) park(draft, leaf, code, detail, true);
}

/** Lets a parked step go on. */
export function unpark(draft: Draft, visit: Visit, how: string): Visit {
  const reason = visit.incident?.code ?? null;
  const state = visit.ending !== null && visit.phase === 'route' ? visit.ending.state : 'open';
  const open = draft.put({ ...visit, state, incident: null });
  draft.recordOf(visit, 'journey.incident.resolved', { reason, how });
  return open;
}
