/** Where steps lead: J010 to J015, J070. */
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { closest } from '../closest.js';
import { leadingTo, reachable } from '../graph.js';
import type { Edge } from '../graph.js';
import { pointer } from '../json.js';
import type { Case } from './case.js';

/** J010. */
export function missingStart({ template: { start }, graph, isLost }: Case): Diagnostic[] {
  if (graph.steps.has(start) || isLost('/start') || isLost('/steps')) return [];
  return [found('J010', '/start', `\`start\` names \`${start}\`, which is not a step${meant(start, graph.steps.keys())}`)];
}

const meant = (name: string, known: Iterable<string>): string => {
  const near = closest(name, known);
  return near === null ? '' : `; closest is \`${near}\``;
};

/** J011. */
export function missingTargets({ graph, isLost }: Case): Diagnostic[] {
  return graph.edges.flatMap(({ from, to, path }) => {
    if (to === null || graph.steps.has(to) || isLost(pointer('steps', to))) return [];
    return [found('J011', path, `${sayOf(path, from)} goes to \`${to}\`, which does not exist${meant(to, graph.steps.keys())}`)];
  });
}

/** `transition 2 of \`convert\``, `onReturn of \`visit\``. */
function sayOf(path: string, from: string): string {
  const numbered = /\/(transition|catch|branch)(?:e?s)?\/(\d+)/.exec(path);
  const what = numbered === null ? `\`${path.slice(path.lastIndexOf('/') + 1)}\`` : `${numbered[1]} ${Number(numbered[2]) + 1}`;
  return `${what} of \`${from}\``;
}

/** J012. */
export function unreachableSteps({ template: { start }, graph, isWhole }: Case): Diagnostic[] {
  if (!isWhole || !graph.steps.has(start)) return [];
  const seen = reachable(graph, [start]);
  return Array.from(graph.steps.keys())
    .filter((id) => !seen.has(id))
    .map((id) => found('J012', pointer('steps', id), `\`${id}\` cannot be reached from \`start\``));
}

/** J013. A step without any way out is J014, and no second fault of those that lead to it. */
export function endlessSteps({ graph, isWhole }: Case): Diagnostic[] {
  if (!isWhole) return [];
  const leaves = (edge: Edge): boolean => edge.to === null || !graph.steps.has(edge.to);
  const done = Array.from(graph.steps).flatMap(([id, { kind }]) =>
    kind === 'end' || hasNoWay(graph.from(id)) || graph.from(id).some(leaves) ? [id] : [],
  );
  const ending = leadingTo(graph, done);
  return Array.from(graph.steps.keys())
    .filter((id) => !ending.has(id))
    .map((id) => found('J013', pointer('steps', id), `from \`${id}\` no \`end\` can be reached`));
}

const hasNoWay = (edges: readonly Edge[]): boolean => !edges.some(({ kind }) => kind === 'done');

/** J014. */
export function stepsWithoutWay({ graph, isLost }: Case): Diagnostic[] {
  return Array.from(graph.steps).flatMap(([id, { kind }]) => {
    if (kind === 'end' || !hasNoWay(graph.from(id)) || isLost(pointer('steps', id, 'transitions'))) return [];
    return [found('J014', pointer('steps', id), `\`${id}\` has neither transitions nor is it an \`end\``)];
  });
}

/** J015. */
export function endsWithWay({ graph }: Case): Diagnostic[] {
  return Array.from(graph.steps).flatMap(([id, { kind, transitions }]) =>
    kind === 'end' && transitions !== undefined
      ? [found('J015', pointer('steps', id, 'transitions'), `\`${id}\` is an end step and may not have transitions`)]
      : [],
  );
}

/** J070. */
export function stageOrder({ template: { stages = [] }, graph, isLost }: Case): Diagnostic[] {
  const order = new Map(stages.map((stage) => [stage.id, stage.order]));
  return Array.from(graph.steps).flatMap(([id, { stage }]) => {
    if (stage === undefined || isLost('/stages')) return [];
    const at = pointer('steps', id, 'stage');
    const here = order.get(stage);
    if (here === undefined) {
      return [found('J070', at, `\`${id}\` is in stage \`${stage}\`, which is not declared${meant(stage, order.keys())}`)];
    }
    const ahead = graph.from(id).flatMap(({ to, kind }) => (to === null || kind === 'aside' ? [] : [graph.steps.get(to)?.stage]));
    const next = ahead.filter((name) => name !== undefined);
    const isBack = next.every((name) => {
      const there = order.get(name);
      return there !== undefined && there < here;
    });
    if (next.length === 0 || next.length < ahead.length || !isBack) return [];
    const names = Array.from(new Set(next), (name) => `\`${name}\``).join(', ');
    return [
      found('J070', at, `\`${id}\` is in \`${stage}\`, followed only by ${names}`, {
        severity: 'warning',
        fix: 'Order the stages as the journey passes them.',
      }),
    ];
  });
}
