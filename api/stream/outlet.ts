/** One reader's end of a stream: a queue with an end, so that a slow reader costs memory up to here and nobody else's time. */
import type { Connection, Opened } from './streams.js';

/** Behind this a reader is told to take a snapshot. Source: api-surfaces.md, section 1. */
const most = { events: 1_000, bytes: 1_048_576 } as const;
/** Pieces are joined up to this size when a reader catches up: fewer writes. */
const piece = 65_536;

interface Chunk {
  readonly bytes: Buffer;
  readonly events: number;
}

export class Outlet implements Opened {
  readonly body: ReadableStream<Uint8Array>;
  readonly #queue: Chunk[] = [];
  #behind = { events: 0, bytes: 0 };
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #connection: Connection | undefined;
  /** The reader waits, and nothing is on its way to him. */
  #hungry = false;
  #ended = false;

  /** @param onGone the reader has left */
  constructor(onGone: () => void) {
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#feed(),
        cancel: () => {
          this.#ended = true;
          this.#controller = undefined;
          this.#drop();
          onGone();
        },
      },
      // Nothing is taken before the reader wants it: what waits, waits here, where it is counted.
      { highWaterMark: 0 },
    );
  }

  carriedBy(connection: Connection): void {
    this.#connection = connection;
  }

  /** @returns false when the reader is too far behind, and nothing was added; one who has taken everything so far never is */
  write(bytes: Buffer, events: number): boolean {
    if (this.#ended) return true;
    const behind = { events: this.#behind.events + events, bytes: this.#behind.bytes + bytes.length };
    if (this.#queue.length > 0 && (behind.events > most.events || behind.bytes > most.bytes)) return false;
    this.#push({ bytes, events });
    return true;
  }

  /** Ends the stream behind what is written; `last` is told even to a reader who is too far behind. */
  end(last?: { readonly insteadOfAll: Buffer }): void {
    if (this.#ended) return;
    if (last !== undefined) {
      this.#drop();
      this.#push({ bytes: last.insteadOfAll, events: 0 });
    }
    this.#ended = true;
    if (this.#queue.length === 0) this.#close();
  }

  #push(chunk: Chunk): void {
    this.#queue.push(chunk);
    this.#behind = { events: this.#behind.events + chunk.events, bytes: this.#behind.bytes + chunk.bytes.length };
    if (this.#hungry) this.#feed();
  }

  /** The reader has taken everything so far, and wants more. */
  #feed(): void {
    this.#hungry = true;
    while (this.#hungry && this.#queue.length > 0) this.#hand(this.#next());
    if (this.#ended && this.#queue.length === 0) this.#close();
  }

  /** What waits, up to the size of a piece. */
  #next(): Buffer {
    const taken: Buffer[] = [];
    let size = 0;
    while (size < piece) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      taken.push(chunk.bytes);
      size += chunk.bytes.length;
      this.#behind = { events: this.#behind.events - chunk.events, bytes: this.#behind.bytes - chunk.bytes.length };
    }
    const [only, ...others] = taken;
    return only !== undefined && others.length === 0 ? only : Buffer.concat(taken);
  }

  #hand(bytes: Buffer): void {
    const connection = this.#connection;
    if (connection === undefined || !connection.headersSent) {
      this.#hungry = false;
      this.#controller?.enqueue(bytes);
    } else if (!connection.destroyed) {
      // The body's reader waits for a piece, so it has written all it had: this one comes behind.
      this.#hungry = connection.write(bytes);
      if (!this.#hungry) connection.once('drain', () => this.#feed());
    }
  }

  /** Once: what the connection has yet to take may still ask for more. */
  #close(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  #drop(): void {
    this.#queue.length = 0;
    this.#behind = { events: 0, bytes: 0 };
  }
}
