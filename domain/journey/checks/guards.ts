/** Expressions: J022 to J026, J036. */
import { certainBefore } from '../blocks.js';
import { guardText } from '../condition-rows.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import type { TypeLookup } from '../expression.js';
import { reachable } from '../graph.js';
import { itemRoot, pathOf } from '../path.js';
import type { Segments } from '../path.js';
import { guardsOf } from '../places.js';
import type { GuardPlace } from '../places.js';
import type { Case } from './case.js';
import { isReadable } from './shape.js';

/** J022 to J025. */
export const wrongExpressions = (scene: Case): Diagnostic[] =>
  guardsOf(scene.template).flatMap((place) => {
    if (!isReadable(place.guard)) return [];
    const { problems } = reportOf(scene, place);
    return problems.map(({ code, message }) => found(code, place.path, message));
  });

const reportOf = ({ guards, typeAt }: Case, { guard, root, wanted, isItem }: GuardPlace) =>
  guards.check(guardText(guard, root), isItem ? typeAt : withoutItem(typeAt), wanted);

/** The item at hand is known within `forEach` only. */
export const withoutItem =
  (typeAt: TypeLookup): TypeLookup =>
  (path) =>
    path[0] === itemRoot ? { kind: 'unknown', known: [] } : typeAt(path);

/** J026 and J036: a guard that reads the output of a step that may have left none. */
export function unsafeReads(scene: Case): Diagnostic[] {
  const { template, graph, isWhole } = scene;
  if (!isWhole || !graph.steps.has(template.start)) return [];
  const before = certainBefore(graph, template.start);
  return guardsOf(template).flatMap((place) => {
    const { reads } = reportOf(scene, place);
    const tested = reads.flatMap(({ path, tested: isTested }) => (isTested ? [path] : []));
    return reads.flatMap(({ path, tested: isTested }) => {
      const source = path[0] === 'steps' && path.length > 2 ? String(path[1]) : null;
      const step = source === null ? undefined : graph.steps.get(source);
      if (source === null || step === undefined || isTested || tested.some((other) => isTestFor(other, path))) return [];
      const text = pathOf(path);
      if (!hasRun(place, source, before))
        return [found('J026', place.path, `\`${text}\` may be absent${wayAround(scene, place, source)}; use \`has(...)\``)];
      if (step.optional !== true) return [];
      return [found('J036', place.path, `\`${source}\` is optional but \`${place.stepId ?? 'a guard'}\` reads its output \`${text}\``)];
    });
  });
}

/** A test of the path itself, or of what it lies in beyond the step. */
const isTestFor = (tested: Segments, path: Segments): boolean =>
  tested.length > 2 && tested.every((segment, index) => path[index] === segment);

function hasRun({ stepId, phase }: GuardPlace, source: string, before: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (stepId === null) return false;
  return before.get(stepId)?.has(source) === true || (phase === 'after' && source === stepId);
}

/** The last step on a way to the guard that does not lead through the step it reads. */
function wayAround({ template: { start }, graph }: Case, { stepId }: GuardPlace, source: string): string {
  if (stepId === null || stepId === source || start === source) return '';
  const others = reachable(graph, [start], ({ from, to }) => from !== source && to !== source);
  const last = graph.edges.find(({ from, to }) => to === stepId && from !== source && others.has(from));
  return last === undefined ? '' : ` via \`${last.from}\``;
}
