/** The relay of the live stream: gives what is committed its position, and rings. Source: api-surfaces.md, section 1; performance.md, section 4. */
import type { Db } from '../db/client.js';
import { forgetPositions, isAnyUnpublished, publishEvents } from '../db/queries/stream-relay.js';
import { minute, second } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { startRounds } from './rounds.js';

export interface StreamRelayOptions {
  /** Pool of the role usher_relay; of its own, so that nobody else's work is waited for. */
  readonly relay: Db;
  readonly log: Logger;
  /** Told how many were published at once. */
  readonly onPublished?: (count: number) => void;
}

/** Events of one transaction. */
const batch = 500;
/** A look costs a fifth of a millisecond, hence a hundredth of a core; readers are to hear within a quarter of a second. */
const idle = 20;
/** While many come: what a round costs by itself is shared by all that come meanwhile. */
const busy = 100;
/** After a database that did not answer. */
const pause = second;
const forgetEvery = 10 * minute;

/** Starts the relay; disposing waits for what it is at. */
export function startStreamRelay({ relay, log, onPublished }: StreamRelayOptions): AsyncDisposable {
  let forgetAt = Date.now() + forgetEvery;

  const forget = async (signal: AbortSignal): Promise<void> => {
    if (Date.now() < forgetAt) return;
    forgetAt = Date.now() + forgetEvery;
    while (!signal.aborted && (await forgetPositions(relay, 1_000)) === 1_000);
  };

  return startRounds({
    async round(signal) {
      await forget(signal);
      if (!(await isAnyUnpublished(relay))) return idle;
      const published = await publishEvents(relay, batch);
      if (published !== null && published > 0) onPublished?.(published);
      if (published === batch) return 0;
      return published !== null && published > 1 ? busy : idle;
    },
    onFailed(error) {
      log.warn({ err: error }, 'events cannot be published');
      return pause;
    },
  });
}
