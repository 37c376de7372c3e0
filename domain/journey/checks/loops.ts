/** Loops: J016, J017. */
import { neededBranches } from '../blocks.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { leadingTo, loops } from '../graph.js';
import type { Graph } from '../graph.js';
import { pointer } from '../json.js';
import type { StepBody } from '../step.js';
import type { Case } from './case.js';

const slowKinds: readonly StepBody['kind'][] = ['wait', 'manual', 'approval', 'handoff'];

/** Steps that somebody or something outside has to let pass; a block is one where too few branches are quick. */
function slowSteps(graph: Graph): Set<string> {
  const slow = new Set<string>();
  for (const [id, step] of graph.steps) {
    if (slowKinds.includes(step.kind) || (step.kind === 'forEach' && slowKinds.includes(step.do.kind))) slow.add(id);
  }
  // A block within a block may be what slows the outer one: as often as blocks may be nested, and once more than enough for broken ones.
  for (let depth = 0; depth < 4; depth += 1) {
    const quick = quicklyDone(graph, slow);
    for (const [id, step] of graph.steps) {
      if (step.kind === 'parallel' && step.branches.filter((first) => quick.has(first)).length < neededBranches(step)) slow.add(id);
    }
  }
  return slow;
}

/** Steps from which the end of their own branch can be reached past nothing slow; a block on the way is passed as one step. */
function quicklyDone(graph: Graph, slow: ReadonlySet<string>): Set<string> {
  const ends = graph.edges.flatMap(({ from, to }) => (to === null && !slow.has(from) ? [from] : []));
  return leadingTo(graph, ends, ({ from, kind }) => kind !== 'branch' && !slow.has(from));
}

/** J016 and J017: a loop that nothing slows, else one that only the default limit ends. */
export function endlessLoops({ template, graph }: Case): Diagnostic[] {
  const slow = slowSteps(graph);
  const quick = loops(graph, ({ from, to }) => !slow.has(from) && to !== null && !slow.has(to));
  const racing = quick.map((ids) => {
    const [first = ''] = ids;
    const names = inOrder(graph, ids).map((id) => `\`${id}\``);
    const message =
      names.length === 1
        ? `${names[0]} leads back to itself and nothing slows it`
        : `${names.join(' and ')} form a loop that nothing slows`;
    return found('J016', pointer('steps', first), message);
  });
  if (template.limits?.maxVisitsPerStep !== undefined) return racing;
  const inQuick = new Set(quick.flat());
  const bounded = loops(graph, () => true)
    .filter((ids) => !ids.some((id) => inQuick.has(id)))
    .map((ids) => {
      const [first = ''] = inOrder(graph, ids);
      return found('J017', pointer('steps', first), `loop through \`${first}\` is bounded only by 20 visits`);
    });
  return [...racing, ...bounded];
}

function inOrder(graph: Graph, ids: readonly string[]): string[] {
  const members = new Set(ids);
  return Array.from(graph.steps.keys()).filter((id) => members.has(id));
}
