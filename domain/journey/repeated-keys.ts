/** Keys that stand twice in one object of a JSON text: parsing keeps the last, so that nothing later can tell. */
import { pointer } from './json.js';

const token = /\s*(?:("(?:[^"\\]|\\.)*")|([{}[\],:])|([^\s"{}[\],:]+))/y;

interface Open {
  /** Null in a list. */
  readonly keys: Set<string> | null;
  at: string | number;
}

/** Pointers to the repetitions, in order; none for a text that is no JSON. */
export function repeatedKeys(text: string): string[] {
  const found: string[] = [];
  const open: Open[] = [];
  let isKey = false;
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, quoted, sign] = match;
    const inner = open.at(-1);
    if (sign === '{' || sign === '[') open.push({ keys: sign === '{' ? new Set() : null, at: 0 });
    else if (sign === '}' || sign === ']') open.pop();
    else if (sign === ',' && typeof inner?.at === 'number') inner.at += 1;
    if (isKey && quoted !== undefined && inner?.keys != null) {
      inner.at = keyOf(quoted);
      if (inner.keys.has(inner.at)) found.push(pointer(...open.map(({ at }) => at)));
      inner.keys.add(inner.at);
    }
    isKey = sign === '{' || (sign === ',' && inner?.keys != null);
  }
  return found;
}

/** A text that is no JSON is another's fault to tell. */
function keyOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
