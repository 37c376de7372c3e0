/** What a writer probably meant. */

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
function distance(left: string, right: string): number {
  let before: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const above = last[column] ?? 0;
      const beside = current[column - 1] ?? 0;
      const diagonal = last[column - 1] ?? 0;
      const swapped = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const plain = Math.min(above + 1, beside + 1, diagonal + (same ? 0 : 1));
      current.push(swapped ? Math.min(plain, (before[column - 2] ?? 0) + 1) : plain);
    }
    before = last;
    last = current;
  }
  return last[right.length] ?? 0;
}

/** The candidate that differs least from the word, by no more than a third of it; null where none is near. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > 64) return null;
  const most = Math.max(1, Math.floor(word.length / 3));
  let best: { readonly candidate: string; readonly far: number } | null = null;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > most) continue;
    const far = distance(word.toLowerCase(), candidate.toLowerCase());
    if (far <= most && (best === null || far < best.far)) best = { candidate, far };
  }
  return best?.candidate ?? null;
}
