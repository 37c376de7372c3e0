/** Parallel blocks: J018. */
import { blocksOf } from '../blocks.js';
import type { Block } from '../blocks.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import type { Graph } from '../graph.js';
import { pointer } from '../json.js';
import type { Case } from './case.js';

const deepest = 3;

/** J018. */
export function brokenBlocks({ template, graph, isWhole }: Case): Diagnostic[] {
  const blocks = blocksOf(graph, template.start);
  const joins = blocks.flatMap(joinProblems);
  if (!isWhole) return joins;
  return [...joins, ...blocks.flatMap((block) => leaving(block, graph)), ...strayJoins(blocks, graph), ...tooDeep(blocks)];
}

function joinProblems({ id, step }: Block): Diagnostic[] {
  const { join, branches } = step;
  if (typeof join !== 'number' || (join >= 1 && join <= branches.length)) return [];
  return [found('J018', pointer('steps', id, 'join'), `\`${id}\` joins ${join} of ${branches.length} branches`)];
}

/** A branch may lead to its own steps only: not to an end, nor to a step that the journey or another branch reaches too. */
function leaving({ id, step, outside, branches }: Block, graph: Graph): Diagnostic[] {
  return branches.flatMap((reached, index) => {
    const name = step.branches[index] ?? '';
    const others = branches.slice(0, index);
    const isForeign = (to: string): boolean =>
      outside.has(to) || graph.steps.get(to)?.kind === 'end' || others.some((other) => other.has(to));
    const say = (path: string, to: string): Diagnostic =>
      found('J018', path, `branch \`${name}\` of \`${id}\` leaves the block to \`${to}\``);
    if (isForeign(name)) return [say(pointer('steps', id, 'branches', index), name)];
    const inside = Array.from(reached).filter((from) => !isForeign(from));
    return inside.flatMap((from) =>
      graph.from(from).flatMap(({ to, path }) => (to !== null && graph.steps.has(to) && isForeign(to) ? [say(path, to)] : [])),
    );
  });
}

function strayJoins(blocks: readonly Block[], graph: Graph): Diagnostic[] {
  const inBranches = new Set(blocks.flatMap(({ branches }) => branches.flatMap((branch) => Array.from(branch))));
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
      (other) => other.id !== id && !other.outside.has(id) && outside.has(other.id) && other.branches.some((branch) => branch.has(id)),
    );
    if (around.length < deepest) return [];
    return [found('J018', pointer('steps', id), `\`${id}\` is nested ${around.length + 1} blocks deep; the limit is ${deepest}`)];
  });
