/** How a journey stood after one of its events: its log, folded. Source: journeys-change.md, section 10. */
import type { StateView } from './schema.js';
import type { CalledOff, SeqEvent } from '../../db/queries/journeys.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import type { JourneyStatus, VisitState } from '../../domain/journey/run/state.js';

interface Standing {
  status: JourneyStatus;
  result: StateView['result'];
  outcome: string | null;
  stage: string | null;
  readonly steps: Map<string, StateView['steps'][number]>;
}

/** What an event of a step leaves it in. */
const stepStates: Readonly<Record<string, VisitState>> = {
  'journey.step.entered': 'open',
  'journey.step.completed': 'completed',
  'journey.step.skipped': 'skipped',
  'journey.step.failed': 'failed',
  'journey.incident.opened': 'incident',
  'journey.incident.resolved': 'open',
};

/**
 * @param events of the journey itself, from its first on
 * @param calledOff visits that others ended: no event tells of them
 * @returns null when there are no events
 */
export function stateAfter(id: string, events: readonly SeqEvent[], calledOff: readonly CalledOff[]): StateView | null {
  const last = events.at(-1);
  if (last === undefined) return null;
  const standing: Standing = { status: 'active', result: null, outcome: null, stage: null, steps: new Map() };
  let isPaused = false;
  for (const { type, data } of events) {
    if (type === 'journey.paused' || type === 'journey.resumed') isPaused = type === 'journey.paused';
    follow(standing, type, data);
  }
  for (const { step, visit, item, state, endedAt } of calledOff) {
    const key = keyOf(step, visit, item === '' ? null : item);
    const known = standing.steps.get(key);
    if (known !== undefined && endedAt <= last.at) standing.steps.set(key, { ...known, state });
  }
  const steps = [...standing.steps.values()];
  const isParked = steps.some(({ state }) => state === 'incident');
  const isOver = standing.status !== 'active';
  return {
    id,
    seq: last.seq,
    at: last.at.toISOString(),
    status: isOver ? standing.status : isPaused ? 'paused' : isParked ? 'incident' : 'active',
    result: standing.result,
    outcome: standing.outcome,
    stage: standing.stage,
    openSteps: [...new Set(steps.flatMap(({ step, state }) => (state === 'open' || state === 'incident' ? [step] : [])))],
    steps,
  };
}

function follow(standing: Standing, type: string, data: JsonObject): void {
  const { step, visit, item = null, outcome, result, status, to } = data;
  if (type === 'journey.stage.changed') standing.stage = text(to) ?? standing.stage;
  if (type === 'journey.ended') {
    standing.status = status === 'cancelled' ? 'cancelled' : 'completed';
    standing.result = result === 'won' || result === 'lost' ? result : null;
    standing.outcome = text(outcome);
  }
  const state = stepStates[type];
  if (state === undefined || typeof step !== 'string' || typeof visit !== 'number') return;
  const key = keyOf(step, visit, item);
  standing.steps.set(key, { step, visit, item: text(item), state, outcome: text(outcome) });
}

const keyOf = (step: string, visit: number, item: Json): string => JSON.stringify([step, visit, item]);
const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
