/** Parallel blocks: which steps stand in which branch, and what is certain to have run before a step. Source: journeys.md, section 2. */
import { groups, reachable, walkingOrder } from './graph.js';
import type { Edge, Graph } from './graph.js';
import type { Parallel, Step } from './step.js';

export interface Branch {
  readonly first: string;
  /** What it reaches, its first step included, and whatever it leaves to. */
  readonly steps: ReadonlySet<string>;
}

export interface Block {
  readonly id: string;
  readonly step: Parallel;
  /** Steps that can be reached without entering a branch. */
  readonly outside: ReadonlySet<string>;
  readonly branches: readonly Branch[];
}

/** The parallel blocks of a template, in document order. */
export function blocksOf(graph: Graph, start: string): Block[] {
  // Branches of broken templates may begin with the same steps over and over.
  const reached = new Map<string, ReadonlySet<string>>();
  const branchFrom = (first: string): Branch => {
    const steps = reached.get(first) ?? reachable(graph, [first]);
    reached.set(first, steps);
    return { first, steps };
  };
  return Array.from(graph.steps).flatMap(([id, step]): Block[] => {
    if (step.kind !== 'parallel') return [];
    const outside = reachable(graph, [start], (edge) => edge.from !== id || edge.kind !== 'branch');
    return [{ id, step, outside, branches: step.branches.map(branchFrom) }];
  });
}

/** How many branches a join needs; never more than there are. */
export const neededBranches = ({ join = 'all', branches }: Parallel): number => {
  if (join === 'all') return branches.length;
  return join === 'any' ? 1 : Math.min(Math.max(join, 1), branches.length);
};

/**
 * Tells whether a step is certain to have completed at the entry of another.
 *
 * Everything is taken for certain at first; ways around a step take it away, again and again, until nothing changes.
 */
export function certainBefore(graph: Graph, start: string, blocks: readonly Block[]): (earlier: string, step: string) => boolean {
  // In walking order a loop costs one more round, whatever the order of writing.
  const order = walkingOrder(graph, start).map(([id, step], index) => ({ id, step, bit: 1n << BigInt(index) }));
  const all = (1n << BigInt(order.length)) - 1n;
  const before = new Map<string, bigint>();
  const after = new Map<string, bigint>();
  const into = groups(graph.edges, ({ to }) => to);
  const joins = joinsOf(blocks, into.get(null));

  const along = ({ from, kind }: Edge): bigint => (kind === 'done' ? after : before).get(from) ?? all;
  const meet = (edges: readonly Edge[] = []): bigint => edges.reduce((sum, edge) => sum & along(edge), all);
  /** All of what a join waits for; of branches it need not wait for, what they share. */
  const joined = ({ needsAll, branches }: Join): bigint =>
    branches.map(meet).reduce((sum, one) => (needsAll ? sum | one : sum & one), needsAll ? 0n : all);
  /** What a step leaves behind for certain: nothing, where it may be skipped. */
  const left = (id: string, step: Step, bit: bigint): bigint => {
    const join = joins.get(id);
    if (step.when !== undefined) return 0n;
    return join === undefined ? bit : bit | joined(join);
  };

  for (let isStable = false; !isStable;) {
    isStable = true;
    for (const { id, step, bit } of order) {
      const entered = id === start ? 0n : meet(into.get(id));
      const done = entered | left(id, step, bit);
      if (entered !== before.get(id) || done !== after.get(id)) isStable = false;
      before.set(id, entered);
      after.set(id, done);
    }
  }
  const bits = new Map(order.map(({ id, bit }) => [id, bit]));
  return (earlier, step) => ((before.get(step) ?? 0n) & (bits.get(earlier) ?? 0n)) > 0n;
}

/** What a block waits for: for each branch the ways on which it ends. */
interface Join {
  readonly needsAll: boolean;
  readonly branches: readonly (readonly Edge[])[];
}

const joinsOf = (blocks: readonly Block[], ends: readonly Edge[] = []): ReadonlyMap<string, Join> =>
  new Map(
    blocks.map(({ id, step, branches }) => [
      id,
      {
        needsAll: neededBranches(step) === branches.length,
        branches: branches.map(({ steps }) => ends.filter(({ from }) => steps.has(from))),
      },
    ]),
  );
