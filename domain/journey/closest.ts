/** What a writer probably meant. */

/** Beyond these nothing is near, however long the word; and no text makes the search long. */
const limits = { letters: 64, changes: 3, candidates: 500 } as const;

/** Letters to insert, delete, replace or swap with their neighbour between two words; more than `most` where they are further apart than that. */
function distance(left: string, right: string, most: number): number {
  let before: number[] = [];
  let above: number[] = [];
  for (let column = 0; column <= right.length; column += 1) above.push(column);
  for (let index = 1; index <= left.length; index += 1) {
    const row = [index];
    let least = index;
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[index - 1] === right[column - 1];
      const isSwapped = left[index - 1] === right[column - 2] && left[index - 2] === right[column - 1];
      const far = Math.min(
        at(above, column) + 1,
        at(row, column - 1) + 1,
        at(above, column - 1) + (isSame ? 0 : 1),
        at(before, column - 2) + (isSwapped ? 1 : Infinity),
      );
      row.push(far);
      least = Math.min(least, far);
    }
    // Every way on leads through this row, or by a swap past it, which costs no less.
    if (least > most) return least;
    before = above;
    above = row;
  }
  return at(above, right.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity;

/** Which letters a word has, one bit for several: a first look that costs little. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let index = 0; index < word.length; index += 1) letters |= 1 << (word.charCodeAt(index) & 31);
  return letters;
}

/** Whether one word may become the other by so many changes, of which each takes away one letter at most and brings another. */
function mayBeNear(one: number, other: number, most: number): boolean {
  let left = one ^ other;
  for (let count = 0; count < 2 * most; count += 1) left &= left - 1;
  return left === 0;
}

/** The candidate that differs least from the word, by no more than a third of it and three letters; null where none is near. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > limits.letters) return null;
  const most = Math.min(limits.changes, Math.max(1, Math.floor(word.length / 3)));
  const wanted = word.toLowerCase();
  const letters = lettersOf(wanted);
  let best: { readonly candidate: string; readonly far: number } | null = null;
  let count = 0;
  for (const candidate of candidates) {
    count += 1;
    if (count > limits.candidates) break;
    if (Math.abs(candidate.length - word.length) > most) continue;
    const other = candidate.toLowerCase();
    if (!mayBeNear(letters, lettersOf(other), most)) continue;
    const far = distance(wanted, other, most);
    if (far <= most && (best === null || far < best.far)) best = { candidate, far };
  }
  return best?.candidate ?? null;
}
