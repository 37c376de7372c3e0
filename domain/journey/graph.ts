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

/** Edges by what a function says of them. */
export function groups<Key>(edges: readonly Edge[], keyOf: (edge: Edge) => Key): Map<Key, Edge[]> {
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

/** The steps in an order in which each comes before those it leads to, but for ways back; those nothing leads to come last. */
export function walkingOrder(graph: Graph, start: string): (readonly [id: string, step: Step])[] {
  const seen = new Set<string>();
  const done: (readonly [string, Step])[] = [];
  const walk: { readonly id: string; readonly step: Step; readonly ways: Iterator<Edge> }[] = [];
  const enter = (id: string): void => {
    const step = graph.steps.get(id);
    if (step === undefined || seen.has(id)) return;
    seen.add(id);
    walk.push({ id, step, ways: graph.from(id).values() });
  };
  enter(start);
  for (let visit = walk.at(-1); visit !== undefined; visit = walk.at(-1)) {
    const way = visit.ways.next();
    if (way.done === true) {
      done.push([visit.id, visit.step]);
      walk.pop();
    } else if (way.value.to !== null) enter(way.value.to);
  }
  return [...done.toReversed(), ...Array.from(graph.steps).filter(([id]) => !seen.has(id))];
}

/** Every step from which one of some steps can be reached along edges that are let through, these included. */
export function leadingTo(graph: Graph, targets: Iterable<string>, lets: (edge: Edge) => boolean = () => true): Set<string> {
  const into = groups(graph.edges, ({ to }) => to);
  const seen = new Set<string>();
  const open = Array.from(targets);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const edge of into.get(id) ?? []) if (lets(edge)) open.push(edge.from);
  }
  return seen;
}

interface Visit {
  readonly id: string;
  readonly index: number;
  readonly targets: readonly string[];
  at: number;
  /** The earliest visit that can be reached again. */
  low: number;
  isOpen: boolean;
}

/** Steps that stand in a loop with each other along edges that are let through; a step is alone unless it leads to itself. */
export function loops(graph: Graph, lets: (edge: Edge) => boolean): string[][] {
  const visits = new Map<string, Visit>();
  const open: Visit[] = [];
  const walk: Visit[] = [];
  const found: string[][] = [];
  const enter = (id: string): void => {
    const targets = graph.from(id).flatMap((edge) => (edge.to !== null && lets(edge) && graph.steps.has(edge.to) ? [edge.to] : []));
    const visit = { id, index: visits.size, targets, at: 0, low: visits.size, isOpen: true };
    visits.set(id, visit);
    open.push(visit);
    walk.push(visit);
  };
  /** Closes a step whose ways have all been followed; if none led further back, all that is open since is one loop. */
  const leave = (visit: Visit): void => {
    walk.pop();
    const above = walk.at(-1);
    if (above !== undefined) above.low = Math.min(above.low, visit.low);
    if (visit.low < visit.index) return;
    const group = open.splice(open.indexOf(visit));
    for (const member of group) member.isOpen = false;
    if (group.length > 1 || visit.targets.includes(visit.id)) found.push(group.map(({ id }) => id));
  };
  // Tarjan's algorithm with a stack of its own: five hundred steps in a row are deeper than some stacks.
  for (const root of graph.steps.keys()) {
    if (!visits.has(root)) enter(root);
    for (let visit = walk.at(-1); visit !== undefined; visit = walk.at(-1)) {
      const target = visit.targets[visit.at];
      visit.at += 1;
      const seen = target === undefined ? undefined : visits.get(target);
      if (target === undefined) leave(visit);
      else if (seen === undefined) enter(target);
      else if (seen.isOpen) visit.low = Math.min(visit.low, seen.index);
    }
  }
  return found;
}
