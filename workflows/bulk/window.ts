/** The instances that are on their way: so many at once, each asked until it has settled. */
import { condition } from '@temporalio/workflow';
import type { Instant } from '../../domain/time.js';
import { now } from '../support/clock.js';

/** An instance that was asked, and has not answered. */
export interface Waiting {
  readonly n: number;
  readonly ref: string;
  /** How often it was asked. */
  readonly asks: number;
  /** When it is asked again. */
  readonly at: Instant;
}

export interface WindowOptions {
  /** Instances at once. */
  readonly size: number;
  /** Questions to one instance at most. */
  readonly asks: number;
  /** Between two of them, in milliseconds. */
  readonly againMs: number;
  readonly ask: (item: { readonly n: number; readonly ref: string }, isLast: boolean) => Promise<'settled' | 'no_answer'>;
}

export class Window {
  private readonly options: WindowOptions;
  /** Being asked right now. */
  private asking = 0;
  private readonly silent = new Map<number, Waiting>();
  private isLeaving = false;

  constructor(options: WindowOptions, carried: readonly Waiting[]) {
    this.options = options;
    for (const waiting of carried) this.later(waiting);
  }

  get count(): number {
    return this.asking + this.silent.size;
  }

  hasRoom(): boolean {
    return this.count < this.options.size;
  }

  isEmpty(): boolean {
    return this.count === 0;
  }

  /** Takes one in; there has to be room. */
  begin({ n, ref }: { readonly n: number; readonly ref: string }): void {
    void this.put({ n, ref, asks: 0, at: now() });
  }

  /**
   * Asks nobody anew, and waits for those being asked.
   *
   * @returns the silent ones, for the next run
   */
  async leave(): Promise<readonly Waiting[]> {
    this.isLeaving = true;
    await condition(() => this.asking === 0);
    return [...this.silent.values()];
  }

  /** A failure is a bug and must fail the task, visibly. */
  private async put(waiting: Waiting): Promise<void> {
    const { asks: most, againMs, ask } = this.options;
    const { n, ref, asks } = waiting;
    const begun = now();
    this.asking += 1;
    const said = await ask({ n, ref }, asks + 1 >= most);
    this.asking -= 1;
    if (said === 'no_answer') this.later({ n, ref, asks: asks + 1, at: begun + againMs });
  }

  private later(waiting: Waiting): void {
    this.silent.set(waiting.n, waiting);
    void this.wake(waiting);
  }

  private async wake(waiting: Waiting): Promise<void> {
    const rest = waiting.at - now();
    if (rest > 0) await condition(() => this.isLeaving, rest, { summary: `${waiting.ref} again` });
    if (this.isLeaving) return;
    this.silent.delete(waiting.n);
    await this.put(waiting);
  }
}
