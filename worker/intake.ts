/** The relay of inbound mail: works off what waits, a few at a time, and never lets one stop the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Intake, InboundOutcome } from '../activities/intake.js';
import type { Db } from '../db/client.js';
import { claimInbound, postponeInbound } from '../db/queries/inbound.js';
import type { InboundRef } from '../db/queries/inbound.js';
import { minute, second } from '../domain/time.js';
import type { Logger } from '../logger.js';

export interface IntakeLoopOptions {
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly intake: Intake;
  readonly log: Logger;
  /** Told how each attempt ended. */
  readonly onResult?: (result: InboundOutcome['kind'] | 'failed') => void;
}

export interface IntakeLoop extends AsyncDisposable {
  /** Looks at once instead of within a quarter of a second. */
  wake(): void;
}

/** Messages worked on at once; each may hold its whole mail in memory. */
const parallel = 4;
const idle = 200;
/** After a database that did not answer. */
const pause = second;
/** A message whose worker died is taken over after this time. */
const lease = 30 * second;
const retry = { first: 500, most: minute, soon: second } as const;

/** Starts the relay; disposing waits for what is being worked on. */
export function startIntake({ relay, intake, log, onResult }: IntakeLoopOptions): IntakeLoop {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let bell = new AbortController();
  const wake = (): void => bell.abort();

  /** Until something rings, at most so long. */
  const rest = async (time: number): Promise<void> => {
    const signal = AbortSignal.any([bell.signal, stopping.signal]);
    await sleep(time, undefined, { signal }).catch(() => undefined);
    if (bell.signal.aborted) bell = new AbortController();
  };

  const work = async (ref: InboundRef): Promise<void> => {
    try {
      const outcome = await intake.processInbound(ref);
      onResult?.(outcome.kind);
      if (outcome.kind === 'later') await postponeInbound(relay, ref, retry.soon, outcome.reason);
      if (outcome.kind === 'quarantined') log.info({ inbound: ref.id, cause: outcome.cause }, 'mail in quarantine');
    } catch (error) {
      onResult?.('failed');
      const delay = Math.min(retry.first * 2 ** Math.min(ref.attempts, 10), retry.most);
      log.warn({ inbound: ref.id, attempts: ref.attempts, err: error }, 'mail not worked off, will be tried again');
      await postponeInbound(relay, ref, delay, 'failed').catch((failure: unknown) =>
        log.warn({ inbound: ref.id, err: failure }, 'mail keeps its lease'),
      );
    }
  };

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const free = parallel - running.size;
      if (free === 0) {
        await Promise.race(running);
        continue;
      }
      try {
        const refs = await claimInbound(relay, { leaseMs: lease, limit: free });
        for (const ref of refs) {
          const job: Promise<void> = work(ref).finally(() => running.delete(job));
          running.add(job);
        }
        if (refs.length === 0) await rest(idle);
      } catch (error) {
        log.warn({ err: error }, 'inbound mail cannot be looked at');
        await rest(pause);
      }
    }
    await Promise.all(running);
  };

  const done = loop();
  return {
    wake,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };
}
