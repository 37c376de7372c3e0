/** Goals of journeys that are over: they count inside their window still. Source: journeys.md, section 2. */
import { day } from '../../time.js';
import type { Instant } from '../../time.js';
import type { CompiledTemplate } from '../compile.js';
import type { GuardEngine } from '../expression.js';
import { weigh } from '../run/weigh.js';
import { sceneOf } from './correlation.js';
import type { Instance } from './correlation.js';
import { eventRoot } from './event.js';
import type { BusEvent } from './event.js';

/** From the start of the journey, unless the goal says otherwise. */
export const goalWindowMs = 30 * day;

export interface ReachedGoal {
  readonly goal: string;
  /** What it is worth; null: nobody says. */
  readonly value: number | null;
}

/** The goals an event reaches for a journey, whether or not it reached them before. */
export function reachedGoals(
  { goals = [] }: CompiledTemplate,
  event: BusEvent,
  instance: Instance & { readonly startedAt: Instant },
  engine: GuardEngine,
  now: Instant,
): ReachedGoal[] {
  if (event.journeyId !== undefined && event.journeyId !== instance.journeyId) return [];
  const possible = goals.filter((goal) => goal.event === event.type && event.at <= instance.startedAt + (goal.window ?? goalWindowMs));
  const candidates = possible.map(({ id, match = null, when = null, value }) => ({
    ref: id,
    match,
    when,
    output: value === undefined ? {} : { value },
  }));
  const root = eventRoot(event);
  return weigh(engine, candidates, root, { ...sceneOf(root, instance), now }).verdicts.flatMap(({ ref, taken, output: { value } }) =>
    taken ? [{ goal: ref, value: typeof value === 'number' ? value : null }] : [],
  );
}
