/** What W4 is made of. Source: performance.md, section 6. */
import { seeded } from '../../db/sample/draws.js';

export const partNames = ['spread-1000', 'instant-1000', 'spread-5000'] as const;
export type PartName = (typeof partNames)[number];

export interface Part {
  name: PartName;
  tickets: number;
  /** Over which the deadlines are spread; 0: they are one instant. */
  spreadS: number;
  /** Creates beside the storm, counted from the first deadline. */
  stormS: number;
  /** Creates before it, at least. */
  calmS: number;
}

const full: Record<PartName, Omit<Part, 'name'>> = {
  'spread-1000': { tickets: 1_000, spreadS: 60, stormS: 60, calmS: 30 },
  'instant-1000': { tickets: 1_000, spreadS: 0, stormS: 20, calmS: 30 },
  'spread-5000': { tickets: 5_000, spreadS: 60, stormS: 60, calmS: 30 },
};

/** @param quick a tenth of the tickets in a third of the time: shows that it works, nothing else */
export function partOf(name: PartName, quick: boolean): Part {
  const part = full[name];
  if (!quick) return { name, ...part };
  return { name, tickets: part.tickets / 10, spreadS: part.spreadS / 3, stormS: Math.max(10, part.stormS / 3), calmS: 10 };
}

/** Whole seconds, as all deadlines are: each second gets as many as any other, or one more. */
export const deadlinesOf = ({ tickets, spreadS }: Pick<Part, 'tickets' | 'spreadS'>, firstAt: number): number[] =>
  Array.from({ length: tickets }, (_, index) => firstAt + Math.floor((index * spreadS) / tickets) * 1_000);

/** The same in random order: tickets of one minute did not come in the order in which they fall due, and the worker's memory would notice. */
export function dealt<T>(all: readonly T[], seed: number): T[] {
  const random = seeded(seed);
  return all
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** How many fall due in a second, at least and at most, over the seconds from the first to the last. */
export function perSecond(dueAt: readonly number[]): [least: number, most: number] {
  const counts = new Map<number, number>();
  for (const due of dueAt) counts.set(due, (counts.get(due) ?? 0) + 1);
  const seconds = [...counts.keys()];
  const spanned = seconds.length === 0 ? 0 : (Math.max(...seconds) - Math.min(...seconds)) / 1_000 + 1;
  const all = [...counts.values()];
  return [spanned > seconds.length ? 0 : Math.min(...all), Math.max(...all)];
}
