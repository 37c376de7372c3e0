/** Paths of mappings and guards: a root and what lies within it. Source: journeys.md, section 5; scripts.md, section 2. */

/** What an expression or a mapping may begin with. */
export const roots: readonly string[] = ['input', 'context', 'steps', 'subject', 'event', 'journey', 'now'];

/** The root beside them within `forEach`: the item at hand. */
export const itemRoot = 'item';

export type Segment = string | number;
/** Root first. */
export type Segments = readonly Segment[];

const part = /^(?:\.?([A-Za-z0-9_-]+)|\[(\d{1,6})\]|\["([^"\\]*)"\])/;
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Words an expression cannot use as a member name. */
const words: readonly string[] = ['in', 'true', 'false', 'null'];

/** The parts of a text such as `context.orders[0].total`; a text that is no path is one part. */
export function namesOf(text: string): Segments {
  const segments: Segment[] = [];
  let rest = text;
  while (rest !== '') {
    const found = part.exec(rest);
    const isFirst = segments.length === 0;
    if (found === null || isFirst !== (found[0] === found[1])) return [text];
    segments.push(found[1] ?? found[3] ?? Number(found[2]));
    rest = rest.slice(found[0].length);
  }
  return segments.length === 0 ? [text] : segments;
}

/** The path a text spells, or null where it begins with no root. */
export function parsePath(text: string, also: readonly string[] = []): Segments | null {
  const segments = namesOf(text);
  const [root] = segments;
  return typeof root === 'string' && (roots.includes(root) || also.includes(root)) ? segments : null;
}

/** The one spelling of a path, valid in expressions. */
export const pathOf = (segments: Segments): string =>
  segments
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      if (!identifier.test(segment) || words.includes(segment)) return `[${JSON.stringify(segment)}]`;
      return index === 0 ? segment : `.${segment}`;
    })
    .join('');
