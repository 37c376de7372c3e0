/** Exits that hold because of what the journey knows, not because of an event: asked about whenever that changes. Source: journeys.md, section 2. */
import type { Choice } from '../expression.js';
import type { Exit } from '../template.js';
import { dataOf } from './data.js';
import type { Draft } from './draft.js';
import type { Effect } from './effect.js';
import { leaveBy } from './ending.js';
import { parkNewest } from './incident.js';
import type { JourneyState } from './journey.js';
import type { Plan } from './plan.js';
import { faultIn } from './traces.js';

const conditions = ({ template: { exits = [] } }: Plan): readonly Exit<string>[] =>
  exits.filter(({ on, when }) => on === undefined && when !== undefined);

/** Asks whether one of them holds now. */
export function askExits(draft: Draft): void {
  const { exits, leaving } = draft.state;
  if (conditions(draft.plan).length === 0 || leaving !== null) return;
  if (exits.ask !== null) {
    draft.set({ exits: { ...exits, isStale: true } });
    return;
  }
  const asked = exits.asked + 1;
  draft.set({ exits: { asked, ask: { id: `exits/${asked}`, at: draft.at }, isStale: false } });
  const effect = exitsEffect(draft.plan, draft.state);
  if (effect !== null) draft.want(effect);
}

export function exitsEffect(plan: Plan, state: JourneyState): Effect | null {
  const { ask } = state.exits;
  if (ask === null) return null;
  return { kind: 'guards', id: ask.id, guards: conditions(plan).map(({ when }) => when ?? null), data: dataOf(state, ask.at) };
}

export function exitsAnswered(draft: Draft, choice: Choice): void {
  const { exits } = draft.state;
  draft.set({ exits: { ...exits, ask: null, isStale: false } });
  if (draft.state.undoing !== null) return;
  const all = conditions(draft.plan);
  const chosen = choice.chosen === null ? undefined : all[choice.chosen];
  if (chosen !== undefined) return leaveBy(draft, chosen, null);
  const fault = faultIn(choice);
  const failed = all[choice.trace.length - 1]?.id ?? null;
  if (fault !== null) parkNewest(draft, 'guard_error', { ...fault, exit: failed });
  if (exits.isStale) askExits(draft);
}
