/** Words of no language, the same for the same number: a subject of 6 and a body of 60, as tickets have. */
import { seeded } from '../db/sample/draws.js';

const syllables = ['ba', 'ker', 'lo', 'min', 'ta', 'res', 'u', 'vel', 'no', 'dir', 'sa', 'pon', 'ci', 'gra', 'fe', 'zu'];

function words(count: number, seed: number): string {
  const random = seeded(seed);
  const syllable = (): string => syllables[Math.floor(random() * syllables.length)] ?? '';
  return Array.from({ length: count }, () => syllable() + syllable() + (random() < 0.5 ? syllable() : '')).join(' ');
}

export const subjectOf = (number: number): string => words(6, number * 2 + 1);
export const bodyOf = (number: number): string => words(60, number * 2);
