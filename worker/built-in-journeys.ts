/** Looks for tenants that were made after the start, and gives them the templates that come with the product. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublishedBuiltIn } from '../db/built-in-journeys.js';
import { second } from '../domain/time.js';
import type { Logger } from '../logger.js';

export interface BuiltInOptions {
  /** Publishes to the tenants that have none yet. */
  readonly publish: () => Promise<readonly PublishedBuiltIn[]>;
  readonly log: Logger;
  /** Milliseconds between two looks. */
  readonly pauseMs?: number;
}

/** Starts the rounds; disposing waits for one that is under way. */
export function startBuiltIns({ publish, log, pauseMs = 30 * second }: BuiltInOptions): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async (): Promise<void> => {
    for (;;) {
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const published = await publish();
        if (published.length > 0) log.info({ published }, 'published journey templates');
      } catch (error) {
        log.warn({ err: error }, 'new tenants not looked for, will be tried again');
      }
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
