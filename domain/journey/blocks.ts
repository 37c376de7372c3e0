/** Parallel blocks: which steps stand in which branch, and what is certain to have run before a step. Source: journeys.md, section 2. */
import { reachable } from './graph.js';
import type { Edge, Graph } from './graph.js';
import type { Parallel, Step } from './step.js';

export interface Block {
  readonly id: string;
  readonly step: Parallel;
  /** Steps that can be reached without entering a branch. */
  readonly outside: ReadonlySet<string>;
  /** What each branch reaches, its first step included, and whatever it leaves to. */
  readonly branches: readonly ReadonlySet<string>[];
}

/** The parallel blocks of a template, in document order. */
export function blocksOf(graph: Graph, start: string): Block[] {
  return Array.from(graph.steps).flatMap(([id, step]): Block[] => {
    if (step.kind !== 'parallel') return [];
    const outside = reachable(graph, [start], (edge) => edge.from !== id || edge.kind !== 'branch');
    return [{ id, step, outside, branches: step.branches.map((first) => reachable(graph, [first])) }];
  });
}

/** How many branches a join needs; never more than there are. */
export const neededBranches = ({ join = 'all', branches }: Parallel): number => {
  if (join === 'all') return branches.length;
  return join === 'any' ? 1 : Math.min(Math.max(join, 1), branches.length);
};

const isSkippable = ({ when }: Step): boolean => when !== undefined;

/** Steps at whose entry others are certain to have completed, as `certainBefore(graph, start).get(step)`. */
export function certainBefore(graph: Graph, start: string): ReadonlyMap<string, ReadonlySet<string>> {
  const ids = Array.from(graph.steps.keys());
  const bits = new Map(ids.map((id, index) => [id, 1n << BigInt(index)]));
  const all = (1n << BigInt(ids.length)) - 1n;
  const before = new Map(ids.map((id) => [id, id === start ? 0n : all]));
  const blocks = new Map(blocksOf(graph, start).map((block) => [block.id, block]));
  /** What has completed once this step has: a skipped one leaves nothing behind. */
  const after = (id: string, step: Step): bigint => {
    const self = isSkippable(step) ? 0n : (bits.get(id) ?? 0n);
    return (before.get(id) ?? all) | self | joined(id);
  };
  const joined = (id: string): bigint => {
    const block = blocks.get(id);
    if (block === undefined || isSkippable(block.step)) return 0n;
    const ends = block.branches.map((branch) => meet(graph.edges.filter(({ from, to }) => to === null && branch.has(from))));
    const isAll = neededBranches(block.step) === ends.length;
    return ends.reduce((sum, end) => (isAll ? sum | end : sum & end), isAll ? 0n : all);
  };
  const meet = (edges: readonly Edge[]): bigint => edges.reduce((sum, edge) => sum & along(edge), all);
  const along = ({ from, kind }: Edge): bigint => {
    const step = graph.steps.get(from);
    return step !== undefined && kind === 'done' ? after(from, step) : (before.get(from) ?? all);
  };

  const into = new Map(ids.map((id) => [id, graph.edges.filter(({ to }) => to === id)]));
  for (let isStable = false; !isStable;) {
    isStable = true;
    for (const id of ids) {
      if (id === start) continue;
      const next = meet(into.get(id) ?? []);
      if (next !== before.get(id)) isStable = false;
      before.set(id, next);
    }
  }
  return new Map(ids.map((id) => [id, new Set(ids.filter((other) => ((before.get(id) ?? 0n) & (bits.get(other) ?? 0n)) !== 0n))]));
}
