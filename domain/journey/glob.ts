/** A matcher whose time is bounded: each part of the pattern is looked for once, from where the one before ended. */

/** Longer texts and patterns are refused, so that the search for one part stays short. */
export const globLimits = { text: 16_384, pattern: 256 } as const;

/** Whether the whole text matches a pattern in which `*` is any run of characters and `?` any one of them; nothing else is special. */
export function matchesGlob(text: string, pattern: string): boolean {
  const characters = Array.from(text);
  const [first = [], ...others] = pattern.split('*').map((part) => Array.from(part));
  const last = others.pop();
  if (last === undefined) return characters.length === first.length && fitsAt(characters, 0, first);
  if (!fitsAt(characters, 0, first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = placeOf(characters, at, part);
    if (found === null) return false;
    at = found + part.length;
  }
  const end = characters.length - last.length;
  return end >= at && fitsAt(characters, end, last);
}

const fitsAt = (characters: readonly string[], at: number, part: readonly string[]): boolean =>
  part.every((wanted, index) => {
    const is = characters[at + index];
    return is !== undefined && (wanted === '?' || wanted === is);
  });

function placeOf(characters: readonly string[], from: number, part: readonly string[]): number | null {
  for (let at = from; at + part.length <= characters.length; at += 1) {
    if (fitsAt(characters, at, part)) return at;
  }
  return null;
}
