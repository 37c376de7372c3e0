import type { Log } from './log.js';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const calmMs = 60_000;

/** Starts parts again that ended by themselves, ever more slowly while they keep ending. */
export interface Supervisor {
  /** What to call when the part has ended by itself. */
  readonly watch: (name: string, start: () => Promise<void>) => (reason: string) => void;
  stop(): void;
}

/** @param restart false only says that a part has ended, as tests want it */
export function createSupervisor(restart: boolean, log: Log): Supervisor {
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();

  const watch = (name: string, start: () => Promise<void>) => {
    let pauseMs = firstPauseMs;
    let lastEnd = 0;
    const again = (): void => {
      if (stopped) return;
      start().then(
        () => log(`${name} runs again`),
        (error: unknown) => onEnd(error instanceof Error ? error.message : String(error)),
      );
    };
    const onEnd = (reason: string): void => {
      if (stopped) return;
      if (!restart) return log(`${name} has ended (${reason})`);
      if (Date.now() - lastEnd > calmMs) pauseMs = firstPauseMs;
      lastEnd = Date.now();
      log(`${name} has ended (${reason}); starting it again in ${pauseMs / 1000} s`);
      const timer = setTimeout(() => {
        timers.delete(timer);
        again();
      }, pauseMs);
      timers.add(timer);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    };
    return onEnd;
  };
  return {
    watch,
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
