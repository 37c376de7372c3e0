/** The relay of notices to staff: hands those that wait to batches, and starts the workflow of each. Source: reliability.md, R2. */
import type { Client } from '@temporalio/client';
import type { Db } from '../db/client.js';
import { giveBackNotices, handNotices, noticesWait } from '../db/queries/notice-relay.js';
import type { NoticeBatch } from '../db/queries/notice-relay.js';
import { minute, second } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { noticesStartOptions, noticesWorkflowType } from '../workflows/notices/start.js';
import { startRounds } from './rounds.js';

/** Starts the workflow of a batch, or finds it running. */
export type StartNotices = (batch: NoticeBatch) => Promise<void>;

const startWithin = 5 * second;

/** The real thing. */
export const createNoticesStarter =
  (client: Client, queueSuffix: string): StartNotices =>
  async (batch) => {
    const options = noticesStartOptions(batch, queueSuffix);
    await client.withDeadline(Date.now() + startWithin, () => client.workflow.start(noticesWorkflowType, options));
  };

export interface NoticeRelayOptions {
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly start: StartNotices;
  /** Notices handed over in any second, by all relays together. */
  readonly perSecond: number;
  readonly log: Logger;
}

/** Notices of one batch, which one activity has 20 seconds for at a time, and of one round. */
const most = { perBatch: 50, limit: 200 } as const;
/** Deadlines fall on whole seconds: those of one go out together when the relay looks a moment after the first. */
const idle = 100;
/** While many come: what a batch costs by itself is shared by all that come meanwhile. */
const busy = second / 2;
/** After a database or an engine that did not answer. */
const pause = second;
/** A batch that waits longer for a worker, or whose relay died before it was started, is handed over once more; no message leaves twice for it. */
const leaseMs = 2 * minute;

/** Starts the relay; disposing waits for what it is at. */
export function startNoticeRelay({ relay, start, perSecond, log }: NoticeRelayOptions): AsyncDisposable {
  /** @returns whether the engine took it */
  const begin = async (batch: NoticeBatch): Promise<boolean> => {
    try {
      await start(batch);
      return true;
    } catch (error) {
      await giveBackNotices(relay, batch, { leaseMs });
      log.warn({ batch: batch.batch, err: error }, 'a batch of notices was not begun, they go into another one');
      return false;
    }
  };
  return startRounds({
    async round() {
      if (!(await noticesWait(relay))) return idle;
      const batches = (await handNotices(relay, { ...most, perSecond, leaseMs })) ?? [];
      const begun = await Promise.all(batches.map(begin));
      if (!begun.every(Boolean)) return pause;
      return batches.some(({ notices }) => notices > 1) ? busy : idle;
    },
    onFailed(error) {
      log.warn({ err: error }, 'notices cannot be looked at');
      return pause;
    },
  });
}
