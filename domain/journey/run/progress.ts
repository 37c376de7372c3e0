/** How far a journey has come. Source: journeys.md, section 3; scripts.md, section 3. */
import { loops } from '../graph.js';
import type { Edge } from '../graph.js';
import { neededBy } from './branching.js';
import type { JourneyState } from './journey.js';
import { authoredStep, bodyOf, stepOf } from './plan.js';
import type { Plan } from './plan.js';
import { neededBranches } from '../blocks.js';
import type { Visit } from './visit.js';

/** What a path has to come to: a won end, any end, or the end of a branch. */
type Goal = 'won' | 'end' | 'join';

interface Path {
  readonly weight: number;
  readonly steps: readonly string[];
}

const weightless: readonly string[] = ['decision', 'parallel', 'experiment', 'end'];

function weightOf(plan: Plan, id: string): number {
  const { kind, progressWeight = 1 } = stepOf(plan, id);
  return weightless.includes(kind) ? 0 : progressWeight;
}

/** Steps that are looked at within one loop; beyond them the heaviest path found so far counts. */
const mostLooks = 1_000;

/** Heaviest paths of a template, each found once. */
class Paths {
  readonly #plan: Plan;
  /** Which loop a step stands in. */
  readonly #loops: ReadonlyMap<string, number>;
  readonly #known = new Map<string, Path | null>();
  #looks = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    const groups = loops(plan.graph, isOnward);
    this.#loops = new Map(groups.flatMap((ids, index) => ids.map((id) => [id, index] as const)));
  }

  /** The heaviest path without repeats from a step, itself included; null: it leads nowhere of the kind. */
  from(id: string, goal: Goal): Path | null {
    const name = `${goal} ${id}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // While it is looked for it counts as leading nowhere, so that no loop is gone round twice.
    this.#known.set(name, null);
    this.#looks = 0;
    const found = this.#walk(id, goal, new Set());
    this.#known.set(name, found);
    return found;
  }

  /** The heaviest path from what follows a step. */
  after(id: string, goal: Goal, seen: Set<string> = new Set([id])): Path | null {
    const { steps } = this.#plan.graph;
    let best: Path | null = null;
    for (const { to } of this.#plan.graph.from(id).filter(isOnward)) {
      if (to === null ? goal !== 'join' : seen.has(to) || !steps.has(to)) continue;
      const path = to === null ? { weight: 0, steps: [] } : this.#isSameLoop(id, to) ? this.#walk(to, goal, seen) : this.#enter(to, goal);
      if (path !== null && (best === null || path.weight > best.weight)) best = path;
    }
    return best;
  }

  #enter(id: string, goal: Goal): Path | null {
    const looks = this.#looks;
    const path = this.from(id, goal);
    this.#looks = looks;
    return path;
  }

  #isSameLoop(id: string, other: string): boolean {
    const loop = this.#loops.get(id);
    return loop !== undefined && loop === this.#loops.get(other);
  }

  #walk(id: string, goal: Goal, seen: Set<string>): Path | null {
    this.#looks += 1;
    const step = stepOf(this.#plan, id);
    if (step.kind === 'end') return goal === 'end' || (goal === 'won' && step.result === 'won') ? { weight: 0, steps: [id] } : null;
    if (this.#looks > mostLooks) return null;
    seen.add(id);
    const rest = this.after(id, goal, seen);
    seen.delete(id);
    return rest === null ? null : sum([{ weight: weightOf(this.#plan, id), steps: [id] }, this.#inside(id), rest]);
  }

  /** The branches a block still needs, all of them open. */
  #inside(id: string): Path {
    const step = authoredStep(stepOf(this.#plan, id));
    if (step.kind !== 'parallel') return nothing;
    return heaviest(
      step.branches.map((first) => this.#enter(first, 'join') ?? nothing),
      neededBranches(step),
    );
  }
}

const isOnward = ({ kind }: Edge): boolean => kind !== 'branch';
const nothing: Path = { weight: 0, steps: [] };

const sum = (paths: readonly Path[]): Path => ({
  weight: paths.reduce((total, { weight }) => total + weight, 0),
  steps: paths.flatMap(({ steps }) => steps),
});

/** So many of the heaviest, together. */
const heaviest = (paths: readonly Path[], count: number): Path =>
  sum(paths.toSorted((one, other) => other.weight - one.weight).slice(0, count));

const known = new WeakMap<Plan, Paths>();

function pathsOf(plan: Plan): Paths {
  const paths = known.get(plan) ?? new Paths(plan);
  known.set(plan, paths);
  return paths;
}

/** In percent; never less than before, and never 100 before a won end. */
export function progressOf(plan: Plan, state: JourneyState): number {
  const roots = state.visits.filter(({ parent }) => parent === null);
  if (state.end !== null || roots.length === 0) return state.progress;
  const remaining = new Set(
    roots.flatMap((visit) => (restOf(plan, state, visit, 'won') ?? restOf(plan, state, visit, 'end'))?.steps ?? []),
  );
  const done = Object.keys(state.past).filter((id) => state.past[id]?.wasCompleted === true && !remaining.has(id));
  const weigh = (ids: Iterable<string>): number => Array.from(ids).reduce((total, id) => total + weightOf(plan, id), 0);
  const [past, ahead] = [weigh(done), weigh(remaining)];
  if (past + ahead === 0) return state.progress;
  return Math.max(state.progress, Math.min(99, Math.floor((100 * past) / (past + ahead))));
}

/** What lies ahead of a visit, itself included unless it is done. */
function restOf(plan: Plan, state: JourneyState, visit: Visit, goal: Goal): Path | null {
  const paths = pathsOf(plan);
  const { step, ending, branches } = visit;
  if (ending !== null) return ending.to === null ? paths.after(step, goal) : paths.from(ending.to, goal);
  if (branches === null) return paths.from(step, goal);
  const rest = paths.after(step, goal);
  return rest === null ? null : sum([{ weight: weightOf(plan, step), steps: [step] }, insideOf(plan, state, visit), rest]);
}

/** What the join of an open block still waits for. */
function insideOf(plan: Plan, state: JourneyState, visit: Visit): Path {
  const body = bodyOf(plan, visit);
  const { branches } = visit;
  if (body.kind !== 'parallel' || branches === null) return nothing;
  const open = branches.flatMap((how, branch) => {
    const first = body.branches[branch];
    if (how !== 'open' || first === undefined) return [];
    const inside = state.visits.find((one) => one.parent === visit.key && one.branch === branch);
    return [(inside === undefined ? pathsOf(plan).from(first, 'join') : restOf(plan, state, inside, 'join')) ?? nothing];
  });
  const done = branches.filter((how) => how === 'done').length;
  return heaviest(open, Math.max(0, neededBy(plan, visit) - done));
}
