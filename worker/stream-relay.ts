/** The relay of the live stream: gives what is committed its position, and rings. Source: api-surfaces.md, section 1; performance.md, section 4. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/client.js';
import { forgetPositions, isAnyUnpublished, publishEvents } from '../db/queries/stream-relay.js';
import { minute, second } from '../domain/time.js';
import type { Logger } from '../logger.js';

export interface StreamRelayOptions {
  /** Pool of the role usher_relay; of its own, so that nobody else's work is waited for. */
  readonly relay: Db;
  readonly log: Logger;
  /** Told how many were published at once. */
  readonly onPublished?: (count: number) => void;
}

/** Events of one transaction. */
const batch = 500;
/** A look costs a fifth of a millisecond; readers are to hear within a quarter of a second. */
const idle = 50;
/** After a database that did not answer. */
const pause = second;
const forgetEvery = 10 * minute;

/** Starts the relay; disposing waits for what it is at. */
export function startStreamRelay({ relay, log, onPublished }: StreamRelayOptions): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rest = (time: number): Promise<void> => sleep(time, undefined, { signal }).catch(() => undefined);
  let forgetAt = Date.now() + forgetEvery;

  const forget = async (): Promise<void> => {
    if (Date.now() < forgetAt) return;
    forgetAt = Date.now() + forgetEvery;
    while (!signal.aborted && (await forgetPositions(relay, 1_000)) === 1_000);
  };

  /** @returns whether there may be more */
  const round = async (): Promise<boolean> => {
    await forget();
    if (!(await isAnyUnpublished(relay))) return false;
    const published = await publishEvents(relay, batch);
    if (published !== null && published > 0) onPublished?.(published);
    return published === batch;
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (!(await round())) await rest(idle);
      } catch (error) {
        log.warn({ err: error }, 'events cannot be published');
        await rest(pause);
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
