/** What is to happen at instants to come. */
import type { Instant } from '../../time.js';

export type Work = () => void | Promise<void>;

interface Entry {
  readonly at: Instant;
  readonly work: Work;
}

export class Agenda {
  /** Sorted; of one instant in order of entry. */
  private readonly entries: Entry[] = [];

  /** @returns takes it back */
  add(at: Instant, work: Work): () => void {
    const entry = { at, work };
    const place = this.entries.findLastIndex((other) => other.at <= at);
    this.entries.splice(place + 1, 0, entry);
    return () => {
      const found = this.entries.indexOf(entry);
      if (found >= 0) this.entries.splice(found, 1);
    };
  }

  next(): Instant | null {
    return this.entries[0]?.at ?? null;
  }

  take(): Work | undefined {
    return this.entries.shift()?.work;
  }
}
