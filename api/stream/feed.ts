/** One reader's stream: what it began with, what it was told since, and when it ends. */
import type { Batch, TailListener } from './tail.js';
import type { Item } from './event.js';
import { beatFrame, openingFrame, resyncFrame } from './frame.js';
import { Outlet } from './outlet.js';
import type { Beginning, Opened, Subscription } from './streams.js';
import { tellingOf } from '../../domain/access/audience.js';
import type { Principal } from '../../domain/access/principal.js';

/** Why a stream is over. */
export type Ending = 'gone' | 'slow' | 'rights' | 'age' | 'shutdown' | 'over' | 'behind';

export interface FeedOptions extends Subscription {
  readonly principal: Principal;
  /** Once, when it is over. */
  readonly onEnded: (why: Ending) => void;
}

export class Feed implements TailListener {
  principal: Principal;
  readonly #options: FeedOptions;
  readonly #outlet: Outlet;
  /** What came before the stream has begun. */
  #held: Batch[] | null = [];
  #last = 0;
  #ended = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.principal = options.principal;
    this.#outlet = new Outlet(() => this.#finish('gone'));
  }

  get outlet(): Opened {
    return this.#outlet;
  }

  begin({ frames, from, ends }: Beginning): void {
    this.#last = from;
    this.#outlet.write(Buffer.concat([openingFrame(from), ...frames]), 0);
    const held = this.#held ?? [];
    this.#held = null;
    if (ends !== undefined) return this.end(ends);
    for (const batch of held) this.hear(batch);
  }

  hear(batch: Batch): void {
    if (this.#ended) return;
    if (this.#held !== null) return void this.#held.push(batch);
    const told: { readonly name: string; readonly bytes: Buffer }[] = [];
    let isOver = false;
    for (const item of batch.items) {
      const frame = isOver ? null : this.#told(item);
      if (frame === null) continue;
      told.push(frame);
      isOver = item.event !== null && this.#options.isLast?.(item.event) === true;
    }
    if (told.length > 0 && !this.#outlet.write(batch.joined(told), told.length)) return this.#fallBehind();
    if (isOver) this.end('over');
  }

  /** Says that it is still there. */
  beat(): void {
    if (!this.#ended && this.#held === null && !this.#outlet.write(beatFrame(this.#last), 0)) this.#fallBehind();
  }

  end(why: Ending): void {
    this.#outlet.end();
    this.#finish(why);
  }

  /** What the reader is told of an item; null: nothing. */
  #told({ position, event, frame }: Item): { readonly name: string; readonly bytes: Buffer } | null {
    const { numbering, wants } = this.#options;
    if (numbering === 'position') {
      if (position <= this.#last) return null;
      this.#last = position;
    }
    if (event === null || !wants(event)) return null;
    if (numbering === 'seq') {
      if (event.seq <= this.#last) return null;
      this.#last = event.seq;
    }
    const telling = tellingOf(this.principal, event);
    return telling === 'nothing' ? null : { name: `${position} ${telling} ${numbering}`, bytes: frame(telling, numbering) };
  }

  #fallBehind(): void {
    this.#outlet.end({ insteadOfAll: resyncFrame('slow_reader', this.#last) });
    this.#finish('slow');
  }

  #finish(why: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#held = null;
    this.#options.onEnded(why);
  }
}
