/** What may be chosen at an open step. Source: journeys.md, section 3. */
import { doneOutcome, eventOutcome, manualOutcomes } from '../outcomes.js';
import { authoredStep, bodyOf, stepOf } from './plan.js';
import type { Plan } from './plan.js';
import type { Visit } from './visit.js';

/** Outcomes somebody may complete the step of a visit with: of its people, or of the events it waits for; empty: nobody may. */
export function openOutcomes(plan: Plan, visit: Visit): readonly string[] {
  const step = authoredStep({ ...stepOf(plan, visit.step), ...bodyOf(plan, visit) });
  switch (step.kind) {
    case 'manual':
      return manualOutcomes(step);
    case 'handoff': {
      const done = doneOutcome(step);
      return [...new Set([done, ...(step.completeOn ?? []).map((event) => eventOutcome(event, done))])];
    }
    case 'wait':
      return [...new Set([...(step.event ?? []), ...(step.completeOn ?? [])].map((event) => eventOutcome(event, 'received')))];
    default:
      return [];
  }
}
