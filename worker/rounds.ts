/** Work that a process does again and again for as long as it lives. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Rounds {
  /**
   * One round; it ends early when the signal says so.
   *
   * @returns milliseconds until the next one; 0: at once
   */
  readonly round: (signal: AbortSignal) => Promise<number>;
  /** Told why a round broke off; answers how many milliseconds later it is tried again. */
  readonly onFailed: (error: unknown) => number;
  /** Milliseconds before the first one. */
  readonly first?: number;
}

/** Starts the rounds, one after the other; disposing waits for the one that is under way. */
export function startRounds({ round, onFailed, first = 0 }: Rounds): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rest = (time: number): Promise<void> => sleep(time, undefined, { signal, ref: false }).catch(() => undefined);

  const loop = async (): Promise<void> => {
    if (first > 0) await rest(first);
    while (!signal.aborted) {
      const pause = await round(signal).catch(onFailed);
      if (pause > 0) await rest(pause);
    }
  };

  const done = loop();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };
}
