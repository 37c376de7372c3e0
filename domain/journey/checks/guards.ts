/** Expressions: J022 to J026, J036. */
import { certainBefore } from '../blocks.js';
import { guardText } from '../condition-rows.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { groups, reachable } from '../graph.js';
import { pathOf } from '../path.js';
import type { Segments } from '../path.js';
import { guardsOf } from '../places.js';
import type { GuardPlace } from '../places.js';
import type { Case } from './case.js';
import { isReadable } from './shape.js';

/** J022 to J025. */
export const wrongExpressions = (scene: Case): Diagnostic[] =>
  guardsOf(scene.template).flatMap((place) =>
    isReadable(place.guard) ? reportOf(scene, place).problems.map(({ code, message }) => found(code, place.path, message)) : [],
  );

const reportOf = ({ report }: Case, { guard, root, wanted, isItem }: GuardPlace) => report(guardText(guard, root), wanted, isItem);

/** J026 and J036: a guard that reads the output of a step that may have left none. */
export function unsafeReads(scene: Case): Diagnostic[] {
  const { template, graph, blocks, isWhole, typeAt } = scene;
  if (!isWhole || !graph.steps.has(template.start)) return [];
  const isCertain = certainBefore(graph, template.start, blocks);
  const wayAround = waysAround(scene);
  return guardsOf(template).flatMap((place) => {
    const { reads } = reportOf(scene, place);
    const { stepId } = place;
    const tested = reads.flatMap(({ path, tested: isTested }) => (isTested ? [path] : []));
    return reads.flatMap(({ path, tested: isTested }) => {
      const source = path[0] === 'steps' && path.length > 2 ? String(path[1]) : null;
      const step = source === null ? undefined : graph.steps.get(source);
      if (source === null || step === undefined || isTested || tested.some((other) => isTestFor(other, path))) return [];
      // What no step leaves behind is told as such.
      if (typeAt(path).kind === 'unknown') return [];
      if (stepId === null || !(isCertain(source, stepId) || (place.phase === 'after' && source === stepId))) {
        return [found('J026', place.path, `\`${pathOf(path)}\` may be absent${wayAround(stepId, source)}; use \`has(...)\``)];
      }
      if (step.optional !== true) return [];
      return [found('J036', place.path, `\`${source}\` is optional but \`${stepId}\` reads its output \`${pathOf(path)}\``)];
    });
  });
}

/** A test of the path itself, or of what it lies in beyond the step. */
const isTestFor = (tested: Segments, path: Segments): boolean =>
  tested.length > 2 && tested.every((segment, index) => path[index] === segment);

/** Tells the last step on a way to a guard that does not lead through the step it reads, if there is one to name. */
function waysAround({ template: { start }, graph }: Case): (stepId: string | null, source: string) => string {
  const into = groups(graph.edges, ({ to }) => to);
  const others = new Map<string, ReadonlySet<string>>();
  const without = (source: string): ReadonlySet<string> => {
    const reached = others.get(source) ?? reachable(graph, [start], ({ from, to }) => from !== source && to !== source);
    others.set(source, reached);
    return reached;
  };
  return (stepId, source) => {
    if (stepId === null || stepId === source) return '';
    const last = into.get(stepId)?.find(({ from }) => from !== source && without(source).has(from));
    return last === undefined ? '' : ` via \`${last.from}\``;
  };
}
