/** Words of no language: some in every other ticket, most in very few, so that a search has common, middling and rare ones to find. */
import type { Draws } from './draws.js';

/** Source: performance.md, section 6. */
export const vocabulary = 20_000;

const beginnings = ['ba', 'ker', 'lo', 'min', 'ta', 'res', 'vu', 'vel', 'no', 'dir', 'sa', 'pon', 'ci', 'gra', 'fe', 'zu'];
const middles = ['la', 'ro', 'ni', 'du', 'me', 'ka', 'to', 'vi', 'sha', 'po', 'gu', 'be', 'ya', 'wo', 'qui', 'ha'];
// No word ends like an English one, so that the stemmer leaves each as it is.
const ends = ['k', 'm', 'p', 'x', 'b', 'f', 'v', 'z'];

/** The word of a rank, the commonest first; no two ranks have the same. */
export function wordOf(rank: number): string {
  const tail = Math.floor(rank / (beginnings.length * ends.length));
  const middle = tail === 0 ? 'a' : spelt(tail);
  return `${at(beginnings, rank)}${middle}${at(ends, Math.floor(rank / beginnings.length))}`;
}

const at = (of: readonly string[], index: number): string => of[index % of.length] ?? '';

function spelt(number: number): string {
  let rest = number;
  let text = '';
  while (rest > 0) {
    text += middles[rest % middles.length] ?? '';
    rest = Math.floor(rest / middles.length);
  }
  return text;
}

const textOf = (draws: Draws, count: number): string[] => Array.from({ length: count }, () => wordOf(draws.logUniform(vocabulary)));

/** @returns one line of about `count` words, without a full stop */
export function lineOf(draws: Draws, count: number): string {
  const [first = '', ...rest] = textOf(draws, count);
  return [capital(first), ...rest].join(' ');
}

/** @returns sentences, about `count` words in all */
export function proseOf(draws: Draws, count: number): string {
  const sentences: string[] = [];
  for (let left = count; left > 0;) {
    const length = Math.min(left, draws.between(5, 14));
    sentences.push(`${lineOf(draws, length)}.`);
    left -= length;
  }
  return sentences.join(' ');
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
