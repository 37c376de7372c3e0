/** A run for machines. Members are only ever added; `schema` changes when one changes its meaning. */
import type { JsonObject } from '../../domain/journey/json.js';
import { shownAfter, shownInstant } from '../../domain/journey/simulate/instant.js';
import type { Run } from '../../domain/journey/simulate/run.js';

export function runJson({ startedAt, until, trace, answers, touchpoints, breaches, journeys, nextAt }: Run) {
  const moment = (at: number) => ({ at: shownInstant(at), after: shownAfter(at, startedAt) });
  return {
    schema: 1,
    startedAt: shownInstant(startedAt),
    until: shownInstant(until),
    nextAt: orNull(nextAt),
    trace: trace.map(({ at, data, ...line }) => ({ ...moment(at), ...line, data: withInstants(data) })),
    refused: answers.flatMap(({ index, at, journey, code }) => (code === null ? [] : [{ ...moment(at), event: index, journey, code }])),
    breaches: breaches.map(({ at, ...breach }) => ({ ...moment(at), ...breach })),
    touchpoints: touchpoints.map(({ at, heldFrom, ...sent }) => ({ ...moment(at), ...sent, heldFrom: orNull(heldFrom) })),
    journeys: journeys.map(({ view, visits, handoffs, gates }, index) => ({
      journey: index + 1,
      id: view.start.journeyId,
      template: view.start.template.key,
      subject: view.start.subject,
      status: view.status,
      result: view.result,
      outcome: view.outcome,
      stage: view.stage,
      progress: view.progress,
      openSteps: view.openSteps,
      context: view.context,
      startedAt: shownInstant(view.start.startedAt),
      endedAt: orNull(view.endedAt),
      steps: visits.map(({ step, visit, item, state, outcome, cause, attempts, incident, enteredAt, endedAt, dueAt }) => ({
        step,
        visit,
        item,
        state,
        outcome,
        cause,
        attempts,
        incident,
        enteredAt: shownInstant(enteredAt),
        endedAt: orNull(endedAt),
        dueAt: orNull(dueAt),
      })),
      handoffs: handoffs.map(({ step, visit, state, from, to, owner, outcome, reason, attempts, dueAt }) => ({
        step,
        visit,
        state,
        from,
        to,
        owner,
        outcome,
        reason,
        attempts,
        dueAt: orNull(dueAt),
      })),
      approvals: gates.map(({ step, visit, gate }) => ({
        step,
        visit,
        round: gate.round,
        required: gate.required,
        eligible: gate.eligible.map(({ id }) => id),
        votes: gate.votes.map(({ by, onBehalfOf, decision, at, void: isVoid, round }) => ({
          by,
          onBehalfOf,
          decision,
          at: shownInstant(at),
          void: isVoid,
          round,
        })),
        outcome: gate.outcome,
        dueAt: orNull(gate.dueAt),
      })),
    })),
  };
}

/** Members that hold an instant end so; outside it is text. */
const withInstants = (data: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      typeof value === 'number' && /(?:At|Until)$/.test(name) ? shownInstant(value) : value,
    ]),
  );

const orNull = (at: number | null) => (at === null ? null : shownInstant(at));
