/** The ways out of a step. Source: journeys.md, section 2; scripts.md, section 3. */
import type { Transition } from '../step.js';
import { stepOf } from './plan.js';
import type { Plan } from './plan.js';
import type { Visit } from './visit.js';

/**
 * The transitions an ended visit may take, in order, up to the first that is taken in any case.
 *
 * Without an outcome (it was skipped, or failed and is optional) those that name one do not fit. Where nothing fits and all lead to one place, so does it.
 */
export function waysOut(plan: Plan, { step, ending }: Visit): readonly Transition<string>[] {
  const { transitions = [] } = stepOf(plan, step);
  const outcome = ending?.outcome ?? null;
  const fitting = transitions.filter((one) => one.outcome === undefined || one.outcome === outcome);
  const certain = fitting.findIndex((one) => one.when === undefined || one.default === true);
  if (fitting.length > 0 || outcome !== null) return certain === -1 ? fitting : fitting.slice(0, certain + 1);
  const [first, ...others] = transitions;
  return first !== undefined && others.every(({ to }) => to === first.to) ? [{ to: first.to }] : [];
}

/** The guards of such transitions; null is always true. */
export const guardsOut = (ways: readonly Transition<string>[]): readonly (string | null)[] =>
  ways.map(({ when, default: isDefault }) => (isDefault === true ? null : (when ?? null)));
