/** Draws that look random and repeat with their seed. */

/** Numbers from 0 to below 1 that look random and repeat with the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Draws {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = seeded(seed);
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  isTrue(share: number): boolean {
    return this.next() < share;
  }

  /** @throws RangeError when there is nothing to pick from */
  pick<T>(of: readonly T[]): T {
    const picked = of[this.below(of.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** From 0 to below `limit`, small ones often, large ones seldom: each doubling is met as often as the one before. */
  logUniform(limit: number): number {
    return Math.min(limit - 1, Math.floor((limit + 1) ** this.next()) - 1);
  }
}
