/**
 * The relay of webhooks: makes deliveries of what the live stream has published, opens those of replays again, and starts the workflow of each
 * whose turn has come. Source: api-surfaces.md, section 2.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { turnReplayPage } from '../db/queries/webhook-deliveries.js';
import { fanOut, findWebhookWork, giveBack, markStarted, releaseDeliveries } from '../db/queries/webhook-relay.js';
import type { DueDelivery } from '../db/queries/webhook-relay.js';
import type { TenantId } from '../domain/ids.js';
import { second } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { webhookStartOptions, webhookWorkflowType } from '../workflows/webhook/start.js';

/** Starts the workflow of a delivery, or finds it running. */
export type StartWebhook = (due: DueDelivery) => Promise<void>;

/** The real thing. */
export const createWebhookStarter =
  (client: Client, queueSuffix: string): StartWebhook =>
  async ({ tenant, endpoint, id, event, type, subject, round, isReplay }) => {
    const options = webhookStartOptions({ tenant, endpoint, delivery: id, event, type, subject, round, isReplay }, queueSuffix);
    await client.withDeadline(Date.now() + startWithin, () => client.workflow.start(webhookWorkflowType, options));
  };

export interface WebhookRelayOptions {
  readonly db: Db;
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly start: StartWebhook;
  readonly log: Logger;
}

export interface WebhookRelay extends AsyncDisposable {
  /** Looks at once: something was published. */
  wake(): void;
}

/** Events of one transaction, deliveries opened again in one, and workflows started in one round. */
const batch = { events: 200, replayed: 500, started: 64 } as const;
/** A look costs a fifth of a millisecond; an attempt that ends lets the next one begin, and rings no bell. */
const idle = { first: 50, most: 250 } as const;
/** After a database or an engine that did not answer. */
const pause = second;
/** What was taken and not started is given out again after this time. */
const lease = 30 * second;
const startWithin = 5 * second;
/** Workflows started at once. */
const parallel = 8;

/** Starts the relay; disposing waits for what it is at. */
export function startWebhookRelay({ db, relay, start, log }: WebhookRelayOptions): WebhookRelay {
  const stopping = new AbortController();
  let bell = new AbortController();

  /** Until something rings, at most so long. */
  const rest = async (time: number): Promise<void> => {
    const signal = AbortSignal.any([bell.signal, stopping.signal]);
    await sleep(time, undefined, { signal }).catch(() => undefined);
    if (bell.signal.aborted) bell = new AbortController();
  };

  /** @returns whether anything was brought by this relay */
  const bring = async (tenant: TenantId): Promise<boolean> => {
    for (let brought = false; ; brought = true) {
      const done = await withTenant(db, tenant, (tx) => fanOut(tx, tenant, batch.events));
      if (done === null) return brought;
      if (done.seen < batch.events || stopping.signal.aborted) return true;
    }
  };

  /** @returns whether the engine took all of them */
  const begin = async (due: readonly DueDelivery[]): Promise<boolean> => {
    const next = due.values();
    const [started, refused]: [DueDelivery[], DueDelivery[]] = [[], []];
    const runner = async (): Promise<void> => {
      for (const one of next) {
        try {
          await start(one);
          started.push(one);
        } catch (error) {
          refused.push(one);
          log.warn({ delivery: one.id, err: error }, 'a webhook was not begun, will be tried again');
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, due.length) }, runner));
    await markStarted(relay, started);
    await giveBack(relay, refused);
    return refused.length === 0;
  };

  /** @returns whether anything was done; null: somebody did not answer */
  const round = async (): Promise<boolean | null> => {
    const { behind, replaying, waiting } = await findWebhookWork(relay);
    let moved = false;
    for (const tenant of behind) moved = (await bring(tenant)) || moved;
    for (const tenant of replaying) {
      moved = (await withTenant(db, tenant, (tx) => turnReplayPage(tx, tenant, batch.replayed))) !== null || moved;
    }
    if (!waiting && !moved) return false;
    const due = await releaseDeliveries(relay, { leaseMs: lease, limit: batch.started });
    if (due === null || due.length === 0) return moved;
    return (await begin(due)) ? true : null;
  };

  const loop = async (): Promise<void> => {
    let quiet: number = idle.first;
    while (!stopping.signal.aborted) {
      try {
        const done = await round();
        quiet = done === false ? Math.min(quiet * 2, idle.most) : idle.first;
        if (done !== true) await rest(done === null ? pause : quiet);
      } catch (error) {
        log.warn({ err: error }, 'webhooks cannot be looked at');
        await rest(pause);
      }
    }
  };

  const done = loop();
  return {
    wake: () => bell.abort(),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };
}
