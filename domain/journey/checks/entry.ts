/** How journeys begin, split and count: J060 to J063, J071. */
import { minute } from '../../time.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { durationMs } from '../duration.js';
import { reachable } from '../graph.js';
import { pointer } from '../json.js';
import type { Step } from '../step.js';
import type { Case } from './case.js';

/** J060. Shares are counted in hundredths of a percent. */
export const wrongWeights = ({ bodies }: Case): Diagnostic[] =>
  bodies.flatMap(({ body, at }) => {
    if (body.kind !== 'experiment') return [];
    const weights = body.variants.map(({ weight }) => weight);
    const below = weights.findIndex((weight) => weight < 0);
    if (below >= 0) return [found('J060', at('variants', below, 'weight'), `a weight may not be negative (got ${weights[below]})`)];
    const sum = Math.round(weights.reduce((total, weight) => total + weight, 0) * 1_000_000) / 1_000_000;
    return sum === 100 ? [] : [found('J060', at('variants'), `weights add up to ${sum}, must be 100`)];
  });

/** J061. */
export function doubleStarts({ template: { triggers = [], entry = {} } }: Case): Diagnostic[] {
  const open = triggers.flatMap(({ id, kind, type, dedupeKey }) => (kind === 'event' && dedupeKey === undefined ? [type ?? id] : []));
  if (entry.concurrency !== 'unlimited' || open.length < 2) return [];
  return [found('J061', '/triggers', `${open.map((name) => `\`${name}\``).join(' and ')} both start this`)];
}

/** J062. */
export const swingingConditions = ({ template: { triggers = [] }, isLost }: Case): Diagnostic[] =>
  triggers.flatMap(({ kind, cooldown }, index) =>
    kind === 'condition' && cooldown === undefined && !isLost('/triggers')
      ? [found('J062', pointer('triggers', index), 'fires on every false-to-true; add `cooldown`')]
      : [],
  );

/** J063: by a trigger on its own end, or by a step that comes before anything slow. */
export function selfStarts({ template, graph, isWhole }: Case): Diagnostic[] {
  const { key, triggers = [], start } = template;
  const links = triggers.flatMap(({ kind, type, delay }, index) =>
    kind === 'journey' && type === key && (durationMs(delay ?? '') ?? 0) < minute
      ? [found('J063', pointer('triggers', index), `link to own key \`${key}\` needs a \`delay\` of at least 1 minute`)]
      : [],
  );
  if (!isWhole) return links;
  const quick = reachable(graph, [start], ({ from }) => !delays(graph.steps.get(from)));
  const children = Array.from(quick).flatMap((id) => {
    const step = graph.steps.get(id);
    const child = step?.kind === 'forEach' ? step.do : step;
    if (child?.kind !== 'journey' || child.key !== key) return [];
    return [found('J063', pointer('steps', id), `\`${id}\` starts its own key \`${key}\`; link to own key needs at least 1 minute`)];
  });
  return [...links, ...children];
}

/** Whether a step is sure to take a minute, or a person. */
function delays(step: Step | undefined): boolean {
  if (step?.when !== undefined) return false;
  switch (step?.kind) {
    case 'manual':
    case 'approval':
    case 'handoff':
      return true;
    case 'wait':
      return step.for !== undefined && (durationMs(step.for) ?? 0) >= minute;
    default:
      return false;
  }
}

/** J071. */
export function unwinnable({ template: { key, goals = [], exits = [] }, graph, isLost }: Case): Diagnostic[] {
  const isWon =
    exits.some(({ result }) => result === 'won') ||
    Array.from(graph.steps.values()).some((step) => step.kind === 'end' && step.result === 'won');
  if (goals.length === 0 || isWon || goals.some(({ endsJourney }) => endsJourney === true) || isLost('/steps')) return [];
  return [found('J071', '/goals', `\`${key}\` can never be won`)];
}
