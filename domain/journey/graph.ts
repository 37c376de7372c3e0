/** The ways through a template: who leads where, what is certain to have run. */
import { pointer } from './json.js';
import { directionOf } from './outcomes.js';
import { join } from './step.js';
import type { Route, Step } from './step.js';
import type { JourneyTemplate } from './template.js';

export interface Edge {
  readonly from: string;
  /** A step's id, not always an existing one; null is the end of a branch. */
  readonly to: string | null;
  /** `done`: the step has completed; `branch`: the first step of one; `aside`: caught, returned or too late. */
  readonly kind: 'done' | 'branch' | 'aside';
  /** Where the template says so. */
  readonly path: string;
}

export interface Graph {
  /** In document order. */
  readonly steps: ReadonlyMap<string, Step>;
  readonly edges: readonly Edge[];
  /** Edges that leave a step. */
  readonly from: (id: string) => readonly Edge[];
}

export function graphOf({ steps: record }: JourneyTemplate): Graph {
  const steps = new Map(Object.entries(record));
  const isStep = (name: string): boolean => steps.has(name);
  const edges = Array.from(steps, ([id, step]) => edgesOf(id, step, isStep)).flat();
  const byStep = groups(edges, ({ from }) => from);
  return { steps, edges, from: (id) => byStep.get(id) ?? [] };
}

function groups<Key>(edges: readonly Edge[], keyOf: (edge: Edge) => Key): Map<Key, Edge[]> {
  const found = new Map<Key, Edge[]>();
  for (const edge of edges) {
    const group = found.get(keyOf(edge)) ?? [];
    group.push(edge);
    found.set(keyOf(edge), group);
  }
  return found;
}

function edgesOf(id: string, step: Step, isStep: (name: string) => boolean): Edge[] {
  const at = (...segments: readonly (string | number)[]): string => pointer('steps', id, ...segments);
  const routed = (word: Route | undefined, path: string, votes = step.kind === 'approval'): Edge[] => {
    const direction = word === undefined ? null : directionOf(word, step, isStep, votes);
    return direction?.kind === 'step' ? [{ from: id, to: direction.to, kind: 'aside', path }] : [];
  };
  // An item's own words lead to the steps around it as well.
  const bodies = step.kind === 'forEach' ? [{ body: step.do, below: ['do'] }] : [];
  const places = [{ body: step, below: [] }, ...bodies];
  return [
    ...(step.transitions ?? []).map(({ to }, index): Edge => ({
      from: id,
      to: to === join ? null : to,
      kind: 'done',
      path: at('transitions', index, 'to'),
    })),
    ...(step.kind === 'parallel'
      ? step.branches.map((to, index): Edge => ({ from: id, to, kind: 'branch', path: at('branches', index) }))
      : []),
    ...places.flatMap(({ body, below }) => [
      ...(body.catch ?? []).map(({ to }, index): Edge => ({ from: id, to, kind: 'aside', path: at(...below, 'catch', index, 'to') })),
      ...routed(body.sla?.onBreach, at(...below, 'sla', 'onBreach')),
      ...(body.kind === 'wait' ? routed(body.onMax, at(...below, 'onMax')) : []),
      ...(body.kind === 'approval' ? routed(body.onTimeout, at(...below, 'onTimeout')) : []),
      ...(body.kind === 'handoff'
        ? [
            ...routed(body.onReturn, at(...below, 'onReturn')),
            ...routed(body.onTimeout, at(...below, 'onTimeout')),
            ...routed(body.approval?.onTimeout, at(...below, 'approval', 'onTimeout'), true),
          ]
        : []),
    ]),
  ];
}

/** Every step that can be reached from some steps along edges that are let through, the steps themselves included. */
export function reachable(graph: Graph, starts: Iterable<string>, lets: (edge: Edge) => boolean = () => true): Set<string> {
  const seen = new Set<string>();
  const open = Array.from(starts).filter((id) => graph.steps.has(id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const edge of graph.from(id)) if (lets(edge) && edge.to !== null && graph.steps.has(edge.to)) open.push(edge.to);
  }
  return seen;
}

/** Every step from which one of some steps can be reached, these included. */
export function leadingTo(graph: Graph, targets: Iterable<string>): Set<string> {
  const into = groups(graph.edges, ({ to }) => to);
  const seen = new Set<string>();
  const open = Array.from(targets);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const { from } of into.get(id) ?? []) open.push(from);
  }
  return seen;
}

/** Steps that stand in a loop with each other along edges that are let through; a step is alone unless it leads to itself. */
export function loops(graph: Graph, lets: (edge: Edge) => boolean): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const next = (id: string): string[] =>
    graph.from(id).flatMap((edge) => (edge.to !== null && lets(edge) && graph.steps.has(edge.to) ? [edge.to] : []));
  // Tarjan's algorithm with a stack of its own: five hundred steps in a row are deeper than some stacks.
  for (const root of graph.steps.keys()) {
    if (index.has(root)) continue;
    const walk: { readonly id: string; readonly targets: readonly string[]; at: number }[] = [];
    const enter = (id: string): void => {
      index.set(id, index.size);
      low.set(id, index.size - 1);
      stack.push(id);
      walk.push({ id, targets: next(id), at: 0 });
    };
    enter(root);
    for (let frame = walk.at(-1); frame !== undefined; frame = walk.at(-1)) {
      const target = frame.targets[frame.at];
      frame.at += 1;
      if (target !== undefined) {
        if (!index.has(target)) enter(target);
        else if (stack.includes(target)) lower(low, frame.id, index.get(target));
        continue;
      }
      walk.pop();
      const above = walk.at(-1);
      if (above !== undefined) lower(low, above.id, low.get(frame.id));
      if (low.get(frame.id) === index.get(frame.id)) {
        const group = stack.splice(stack.indexOf(frame.id));
        if (group.length > 1 || frame.targets.includes(frame.id)) found.push(group);
      }
    }
  }
  return found;
}

const lower = (low: Map<string, number>, id: string, other = Infinity): void => {
  low.set(id, Math.min(low.get(id) ?? Infinity, other));
};
