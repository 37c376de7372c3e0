/** What a vote tells the journey: its events, the pause of a ticket that waits for it. Source: journeys.md, section 9. */
import type { GateFact, GateStep } from '../gate/gate.js';
import { votersOf } from '../gate/round.js';
import type { Json, JsonObject } from '../json.js';
import type { Draft } from './draft.js';
import { publicId } from './names.js';
import type { Visit } from './visit.js';

/** Takes over what happened to the vote of a visit. */
export function tellGate(draft: Draft, visit: Visit, { gate, facts }: Pick<GateStep, 'gate' | 'facts'>): Visit {
  const people = gate.eligible.map(({ id }) => id);
  const next = draft.put({ ...visit, gate, task: visit.task === null ? null : { ...visit.task, people } });
  for (const fact of facts) draft.recordOf(next, fact.type, dataOf(fact), fact.at);
  if (facts.some(({ type }) => type === 'approval.voted')) {
    draft.set({ voters: [...new Set([...draft.state.voters, ...votersOf(gate)])] });
  }
  const { subject, journeyId } = draft.state.start;
  const opened = facts.some(({ type, ...fact }) => type === 'approval.opened' && 'round' in fact && fact.round === 1);
  const closed = facts.some(({ type }) => type === 'approval.closed');
  if (subject.type === 'ticket' && (opened || closed)) {
    const approval = publicId(journeyId, visit.key);
    draft.want({ kind: 'ticketCause', id: `${visit.key}/ticket.${closed ? 'closed' : 'open'}`, approval, open: !closed });
  }
  return next;
}

/** A fact less its type and its instant. */
function dataOf({ type: _type, at: _at, ...data }: GateFact): JsonObject {
  return Object.fromEntries(Object.entries(data).map(([name, value]: [string, Json]) => [name, value]));
}
