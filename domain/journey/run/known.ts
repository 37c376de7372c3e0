/**
 * What the rules of a handoff read of its journey: evidence, and people that an expression names. A handoff runs apart, so it is told that much at its
 * start, and again when it changes. Source: journeys.md, sections 8 and 9.
 */
import type { GuardData } from '../expression.js';
import { isObject, memberAt } from '../json.js';
import type { Json } from '../json.js';
import { namesOf, pathOf } from '../path.js';
import type { Segments } from '../path.js';
import type { Path } from '../step.js';
import { isForeign } from './data.js';
import type { HandoffRules } from './effect.js';

/** A root of the journey in an expression, with its first member; the subject is added by whoever evaluates. */
const mention = /(?<![\w.\]])(input|context|steps|journey|item)(?:\.([A-Za-z_]\w*)|\["([^"\\]*)"\])?/g;

/** Paths that the rules read, each once: those of the evidence, and what expressions mention. */
export function readsOf({ approval, assign }: Pick<HandoffRules, 'approval' | 'assign'>): readonly Path[] {
  const people = [assign, approval?.approvers, ...(approval?.escalation ?? []).map(({ to }) => to)];
  const mentioned = people.flatMap((one) =>
    Array.from((one?.expr ?? '').matchAll(mention), ([, root = '', name, quoted]) => {
      const member = name ?? quoted;
      return pathOf(member === undefined ? [root] : [root, member]);
    }),
  );
  return [...new Set([...(approval?.evidence ?? []), ...mentioned])];
}

/**
 * What lies at these paths, by root: of the journey's own the member that a path begins with, of others what was looked up.
 *
 * @param found values at paths that are not the journey's own
 * @returns null: nothing is read
 */
export function knownOf(reads: readonly Path[], data: GuardData, found: Readonly<Record<Path, Json>>): GuardData | null {
  let known: GuardData = {};
  for (const path of reads) {
    const whole = namesOf(path);
    const [root = ''] = whole;
    const place = isForeign(path) ? whole : whole.slice(0, root === 'item' ? 1 : 2);
    const value = isForeign(path) ? found[path] : place.reduce<Json | undefined>(memberAt, data);
    if (value !== undefined) known = laid(known, place, value);
  }
  return reads.length === 0 ? null : known;
}

/** An object with a value at a place. */
function laid(into: GuardData, [segment, ...rest]: Segments, value: Json): GuardData {
  if (segment === undefined) return into;
  const within = into[segment];
  return { ...into, [segment]: rest.length === 0 ? value : laid(isObject(within) ? within : {}, rest, value) };
}
