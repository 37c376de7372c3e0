/** Follows one tenant's positions for everyone who listens: one query a round, however many there are. */
import { itemOf } from './event.js';
import type { Item } from './event.js';
import type { PublishedEvent } from '../../db/queries/stream.js';
import type { TenantId } from '../../domain/ids.js';

export interface TailSource {
  /** The position given last. */
  head(tenant: TenantId): Promise<number>;
  /** Events behind a position, in order. */
  read(tenant: TenantId, after: number, limit: number): Promise<PublishedEvent[]>;
  /** Told when the source did not answer; it is asked again with the next ring. */
  onFailed(error: unknown): void;
}

/** Events that came together, in order. */
export class Batch {
  readonly items: readonly Item[];
  readonly #joined = new Map<string, Buffer>();

  constructor(items: readonly Item[]) {
    this.items = items;
  }

  /** Several frames as one piece; who asks for the same ones gets the same bytes. */
  joined(frames: readonly { readonly name: string; readonly bytes: Buffer }[]): Buffer {
    const [first, ...others] = frames;
    if (first !== undefined && others.length === 0) return first.bytes;
    const key = frames.map(({ name }) => name).join();
    const known = this.#joined.get(key);
    if (known !== undefined) return known;
    const made = Buffer.concat(frames.map(({ bytes }) => bytes));
    this.#joined.set(key, made);
    return made;
  }
}

export interface TailListener {
  /** Takes what came; it must neither wait nor throw. */
  hear(batch: Batch): void;
}

/** Events of one round. */
const limit = 500;
/** Events that are remembered for those who come back, as all do after a restart. */
const remembered = 1_000;

export class Tail {
  readonly listeners = new Set<TailListener>();
  /** Settled once the tail knows where it begins; from then on nothing behind that is missed. */
  readonly ready: Promise<void>;
  readonly #tenant: TenantId;
  readonly #source: TailSource;
  /** The newest ones, without gaps. */
  #recent: Item[] = [];
  #position = 0;
  #reading: Promise<void> | null = null;
  #rang = false;

  constructor(tenant: TenantId, source: TailSource) {
    this.#tenant = tenant;
    this.#source = source;
    this.ready = this.#begin();
    // Whoever opens a stream hears of it.
    this.ready.catch(() => undefined);
  }

  /** Of the event that was handed on last. */
  get position(): number {
    return this.#position;
  }

  /**
   * Events behind a position, up to where the tail is.
   *
   * @param oldest epoch milliseconds: what was published before does not count any more
   * @returns null: not all of them are remembered
   */
  since(position: number, oldest: number): readonly Item[] | null {
    if (position === this.#position) return [];
    const at = this.#recent.findIndex((item) => item.position === position + 1);
    const first = this.#recent[at];
    return first === undefined || first.publishedAt < oldest ? null : this.#recent.slice(at);
  }

  async #begin(): Promise<void> {
    const head = await this.#source.head(this.#tenant);
    const rows = await this.#source.read(this.#tenant, Math.max(0, head - limit), limit);
    this.#recent = rows.map((row) => itemOf(this.#tenant, row));
    this.#position = Math.max(head, rows.at(-1)?.position ?? 0);
  }

  /** Looks for what is new; while that goes on, once more behind it. */
  ring(): Promise<void> {
    this.#rang = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    try {
      await this.ready;
      while (this.#rang) {
        this.#rang = false;
        await this.#readOnce();
      }
    } catch (error) {
      this.#source.onFailed(error);
    }
  }

  async #readOnce(): Promise<void> {
    const rows = await this.#source.read(this.#tenant, this.#position, limit);
    const last = rows.at(-1);
    if (last === undefined) return;
    const batch = new Batch(rows.map((row) => itemOf(this.#tenant, row)));
    this.#position = last.position;
    this.#recent.push(...batch.items);
    // Not each time: moving a thousand costs more than keeping some hundreds.
    if (this.#recent.length > 2 * remembered) this.#recent = this.#recent.slice(-remembered);
    for (const listener of this.listeners) listener.hear(batch);
    if (rows.length === limit) this.#rang = true;
  }
}
