/** Deletes what was stored for commands and is no longer needed: texts that no ticket took, answers kept for repetitions, previews nobody used, ids of callbacks. */
import type { Db } from '../db/client.js';
import { deleteAnswers, deleteDedupeKeys, deletePreviews, deleteReceipts, deleteTexts, strayTexts } from '../db/queries/sweep.js';
import type { StrayText } from '../db/queries/sweep.js';
import { hour, minute } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { startRounds } from './rounds.js';

export interface Swept {
  readonly texts: number;
  readonly answers: number;
  /** Of batches, with their instances. */
  readonly previews: number;
}

/** Rows of one statement, so that none runs long. */
const batch = 1_000;
/** Previews of one statement: each may have thousands of instances. */
const few = 10;
/** Texts remembered from one round to the next. */
const mostTexts = 5_000;

/**
 * Makes the rounds.
 *
 * A text is deleted at the second round that finds it, and only if nobody has written it in between: the first attempt after an outage may be
 * about a text that is days old, and whatever a command was accepted with must be there when PostgreSQL catches up.
 *
 * @returns one round; it ends early when the signal says so
 */
export function createSweep(relay: Db): (signal?: AbortSignal) => Promise<Swept> {
  let seen: readonly StrayText[] = [];
  return async (signal) => {
    const stopped = (): boolean => signal?.aborted === true;
    const all = async (some: (db: Db, most: number) => Promise<number>, most = batch): Promise<number> => {
      let count = 0;
      for (let deleted = most; deleted === most && !stopped(); count += deleted) deleted = await some(relay, most);
      return count;
    };
    let texts = 0;
    for (let from = 0; from < seen.length && !stopped(); from += batch) {
      texts += await deleteTexts(relay, seen.slice(from, from + batch));
    }
    seen = await strayTexts(relay, mostTexts);
    const answers = await all(deleteAnswers);
    await all(deleteDedupeKeys);
    await all(deleteReceipts);
    const previews = await all(deletePreviews, few);
    return { texts, answers, previews };
  };
}

export interface SweepOptions {
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly log: Logger;
  readonly onSwept: (swept: Swept) => void;
}

/** Between two rounds. Workers started together do not stay together. */
const pause = (): number => hour * (0.9 + 0.2 * Math.random());
/** Before the first one, so that a start is not made slower. */
const firstPause = (): number => minute * (1 + Math.random());

/** Starts the rounds; disposing waits for one that is under way. */
export function startSweep({ relay, log, onSwept }: SweepOptions): AsyncDisposable {
  const sweep = createSweep(relay);
  return startRounds({
    first: firstPause(),
    async round(signal) {
      const swept = await sweep(signal);
      onSwept(swept);
      if (swept.texts + swept.answers + swept.previews > 0) log.info(swept, 'swept');
      return pause();
    },
    onFailed(error) {
      log.warn({ err: error }, 'not swept, will be tried again');
      return pause();
    },
  });
}
