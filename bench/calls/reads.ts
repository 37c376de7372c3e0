/** Reads of a desk as its people make them: single tickets, first pages of lists, searches by words of every frequency. */
import { Draws } from '../../db/sample/draws.js';
import { agentOf, sampleProduct, ticketOf } from '../../db/sample/plan.js';
import type { SampleSize } from '../../db/sample/plan.js';
import { wordOf } from '../../db/sample/words.js';

/** Words that stand in about every second ticket, in one of a hundred, in one of ten thousand. */
const words = { common: [0, 8], middling: [150, 400], rare: [12_000, 20_000] } as const;
export const searches = ['common', 'middling', 'rare'] as const;
export type Search = (typeof searches)[number];
export type Read = 'get' | 'list' | `search, ${Search}`;
export const reads: readonly Read[] = ['get', 'list', ...searches.map((search) => `search, ${search}` as const)];

/** In shares of all reads; the rest of W2 are articles. Source: performance.md, section 6. */
const shares = { get: 50, list: 30, search: 15 } as const;

/** Draws what is read next. */
export class Reader {
  private readonly draws: Draws;
  private readonly size: SampleSize;

  constructor(size: SampleSize, seed: number) {
    this.size = size;
    this.draws = new Draws(seed);
  }

  next(): { readonly read: Read; readonly path: string } {
    const drawn = this.draws.below(shares.get + shares.list + shares.search);
    if (drawn < shares.get) return { read: 'get', path: `/v1/tickets/${ticketOf(this.draws.below(this.size.tickets))}` };
    if (drawn < shares.get + shares.list) return { read: 'list', path: `/v1/tickets?${this.list()}` };
    const search = this.draws.pick(searches);
    const [least, beyond] = words[search];
    return { read: `search, ${search}`, path: `/v1/tickets?product=${sampleProduct}&q=${wordOf(this.draws.between(least, beyond - 1))}` };
  }

  private list(): string {
    const { draws, size } = this;
    return draws.pick([
      `product=${sampleProduct}&status=new,in_progress,waiting_on_customer,on_hold&sort=-updatedAt`,
      `product=${sampleProduct}&assignee=${agentOf(draws.below(size.agents))}&sort=-createdAt`,
      `product=${sampleProduct}&sort=-createdAt`,
      `product=${sampleProduct}&priority=urgent,high&sort=-updatedAt`,
    ]);
  }
}
