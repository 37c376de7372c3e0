/** Reads server-sent events as a browser would. Source: the HTML standard, section 9.2.6. */

export interface Message {
  readonly event: string;
  /** The last id seen, as it would be sent back. */
  readonly id: string;
  // What a test looks into.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
}

export class Sse {
  lastId = '';
  retry: number | undefined;
  /** Comment lines seen so far. */
  comments = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #ready: Message[] = [];
  #text = '';
  #ended = false;

  constructor(body: ReadableStream<Uint8Array> | null) {
    if (body === null) throw new Error('a stream has a body');
    this.#reader = body.getReader();
  }

  /** The next message; undefined: the stream is over. */
  async next(): Promise<Message | undefined> {
    while (this.#ready.length === 0 && !this.#ended) await this.#read();
    return this.#ready.shift();
  }

  /** The next so many messages. */
  async take(count: number): Promise<Message[]> {
    const taken: Message[] = [];
    while (taken.length < count) {
      const message = await this.next();
      if (message === undefined) throw new Error(`the stream ended after ${taken.length} of ${count}`);
      taken.push(message);
    }
    return taken;
  }

  /** Everything until the stream ends. */
  async rest(): Promise<Message[]> {
    const all: Message[] = [];
    for (let message = await this.next(); message !== undefined; message = await this.next()) all.push(message);
    return all;
  }

  /** Reads on until a comment came. */
  async beat(): Promise<void> {
    for (const before = this.comments; this.comments === before;) {
      if (this.#ended) throw new Error('the stream is over');
      await this.#read();
    }
  }

  /** Reads the beginning: where the reader is. */
  async begun(): Promise<this> {
    while (this.retry === undefined && !this.#ended) await this.#read();
    return this;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#reader.read();
    this.#ended = done;
    this.#text += this.#decoder.decode(value, { stream: !done });
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#block(this.#text.slice(0, end).split('\n'));
      this.#text = this.#text.slice(end + 2);
    }
  }

  #block(lines: readonly string[]): void {
    const fields = new Map<string, string>();
    for (const line of lines) {
      const at = line.indexOf(':');
      if (at === 0) this.comments += 1;
      else fields.set(line.slice(0, at), line.slice(at + 1).replace(/^ /, ''));
    }
    this.lastId = fields.get('id') ?? this.lastId;
    const retry = fields.get('retry');
    if (retry !== undefined) this.retry = Number(retry);
    const data = fields.get('data');
    if (data !== undefined) this.#ready.push({ event: fields.get('event') ?? 'message', id: this.lastId, data: JSON.parse(data) });
  }
}
