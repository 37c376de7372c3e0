/** One reader of the live stream: keeps a connection, comes back where it left off. No more work for a message than it has to be: a thousand share a process. */
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Arrival, ReaderLog } from './arrivals.js';

export interface ReaderOptions {
  readonly url: string;
  readonly key: string;
}

const now = (): number => performance.timeOrigin + performance.now();
/** Before the next try after an answer that was no stream. */
const pauseMs = 500;

export class Reader {
  readonly problems: string[] = [];
  readonly #options: ReaderOptions;
  readonly #arrivals: Arrival[] = [];
  readonly #gaps: { lostAt: number; backAt: number }[] = [];
  #from = 0;
  #last = '';
  #call: ClientRequest | undefined;
  #lostAt: number | undefined;
  #over = false;
  #begun: (() => void) | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Settles once the stream has begun. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#begun = resolve;
      this.#connect();
    });
  }

  /** Cuts the connection; the reader comes back by itself. */
  drop(): void {
    this.#call?.destroy();
  }

  close(): void {
    this.#over = true;
    this.#call?.destroy();
  }

  /** Where it is. */
  get position(): number {
    return Number(this.#last);
  }

  get isThere(): boolean {
    return this.#lostAt === undefined;
  }

  log(): ReaderLog {
    return { arrivals: this.#arrivals, from: this.#from, gaps: this.#gaps };
  }

  #connect(): void {
    const headers = { authorization: `Bearer ${this.#options.key}`, ...(this.#last === '' ? {} : { 'last-event-id': this.#last }) };
    const call = request(this.#options.url, { agent: false, headers }, (response) => this.#take(response));
    call.once('error', (error) => this.#lose(call, error.message));
    call.end();
    this.#call = call;
  }

  #take(response: IncomingMessage): void {
    const call = this.#call;
    if (response.statusCode !== 200) {
      response.resume();
      return this.#lose(call, `status ${response.statusCode ?? 0}`, pauseMs);
    }
    let text = '';
    response.setEncoding('latin1');
    response.on('data', (chunk: string) => {
      const at = now();
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.#block(text.slice(0, end), at);
        text = text.slice(end + 2);
      }
    });
    response.once('close', () => this.#lose(call, ''));
  }

  #block(block: string, at: number): void {
    const id = /(?:^|\n)id: (\d+)/.exec(block)?.[1];
    if (id === undefined) return;
    if (block.startsWith('retry:')) this.#begin(Number(id), at);
    else if (block.includes('event: resync')) this.problems.push('resync');
    else if (block.includes('\ndata: ')) this.#arrivals.push({ position: Number(id), at });
    this.#last = id;
  }

  #begin(position: number, at: number): void {
    if (this.#last === '') this.#from = position;
    if (this.#lostAt !== undefined) this.#gaps.push({ lostAt: this.#lostAt, backAt: at });
    this.#lostAt = undefined;
    this.#begun?.();
    this.#begun = undefined;
  }

  #lose(call: ClientRequest | undefined, problem: string, pause = 0): void {
    if (call !== this.#call || this.#over) return;
    if (problem.startsWith('status')) this.problems.push(problem);
    this.#call = undefined;
    this.#lostAt ??= now();
    setTimeout(() => {
      if (!this.#over) this.#connect();
    }, pause);
  }
}
