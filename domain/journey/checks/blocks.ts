/** Parallel blocks: J018. */
import type { Block } from '../blocks.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import type { Graph } from '../graph.js';
import { pointer } from '../json.js';
import type { Case } from './case.js';

const deepest = 3;

/** J018. */
export function brokenBlocks({ blocks, graph, isWhole }: Case): Diagnostic[] {
  const joins = blocks.flatMap(joinProblems);
  if (!isWhole) return joins;
  const left = new Map(blocks.flatMap((block) => leaving(block, graph)).map((finding) => [finding.path, finding]));
  return [...joins, ...left.values(), ...strayJoins(blocks, graph), ...tooDeep(blocks)];
}

function joinProblems({ id, step }: Block): Diagnostic[] {
  const { join, branches } = step;
  if (typeof join !== 'number' || (join >= 1 && join <= branches.length)) return [];
  return [found('J018', pointer('steps', id, 'join'), `\`${id}\` joins ${join} of ${branches.length} branches`)];
}

/** A branch may lead to its own steps only: not to an end, nor to a step that the journey or another branch reaches too. */
function leaving({ id, outside, branches }: Block, graph: Graph): Diagnostic[] {
  const others = new Set<string>();
  const isForeign = (to: string): boolean => outside.has(to) || graph.steps.get(to)?.kind === 'end' || others.has(to);
  return branches.flatMap(({ first, steps }, index) => {
    const say = (path: string, to: string): Diagnostic =>
      found('J018', path, `branch \`${first}\` of \`${id}\` leaves the block to \`${to}\``);
    if (isForeign(first)) return [say(pointer('steps', id, 'branches', index), first)];
    const inside = Array.from(steps).filter((from) => !isForeign(from));
    const left = inside.flatMap((from) =>
      graph.from(from).flatMap(({ to, path }) => (to !== null && graph.steps.has(to) && isForeign(to) ? [say(path, to)] : [])),
    );
    for (const step of inside) others.add(step);
    return left;
  });
}

function strayJoins(blocks: readonly Block[], graph: Graph): Diagnostic[] {
  const reached = new Set(blocks.flatMap(({ branches }) => branches.map(({ steps }) => steps)));
  const inBranches = new Set(Array.from(reached, (steps) => Array.from(steps)).flat());
  return graph.edges.flatMap(({ from, to, path }) =>
    to === null && !inBranches.has(from)
      ? [
          found('J018', path, `\`${from}\` goes to \`$join\` but stands in no branch`, {
            fix: 'Name a step, or put this one into a branch.',
          }),
        ]
      : [],
  );
}

const tooDeep = (blocks: readonly Block[]): Diagnostic[] =>
  blocks.flatMap(({ id, outside }) => {
    const around = blocks.filter(
      (other) => other.id !== id && !other.outside.has(id) && outside.has(other.id) && other.branches.some(({ steps }) => steps.has(id)),
    );
    if (around.length < deepest) return [];
    return [found('J018', pointer('steps', id), `\`${id}\` is nested ${around.length + 1} blocks deep; the limit is ${deepest}`)];
  });
