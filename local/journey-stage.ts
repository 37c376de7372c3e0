/** The real workflows of journeys and handoffs on a server that skips time, with activities that answer from a script instead of from a database. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import type { JourneyActivities } from '../activities/contract.js';
import { playScript } from '../cli/journey/simulator.js';
import type { Casting } from '../cli/journey/cast.js';
import type { Run } from '../domain/journey/simulate/run.js';
import type { Script } from '../domain/journey/simulate/script.js';
import { second } from '../domain/time.js';
import { taskQueue } from '../workflows/names.js';
import { Exchange, week } from './journey-exchange.js';
import { grainOf } from './journey-grain.js';
import { skipTo } from './journey-skip.js';
import { WorkflowWorld } from './journey-world.js';
import type { Log } from './log.js';
import { startTimeSkippingServer } from './time-skipping-server.js';
import type { TimeSkippingServer } from './time-skipping-server.js';

/** A machine that stalls in each of these stalls always. */
const attempts = 8;

/** Plays one script after the other; of no use any more after one that did not end. */
export class JourneyStage implements AsyncDisposable {
  private readonly server: TimeSkippingServer;
  private readonly queueSuffix = `-${randomBytes(4).toString('hex')}`;
  private readonly workers: { readonly worker: Worker; readonly done: Promise<void> }[] = [];
  private world: WorkflowWorld | null = null;
  private plays = 0;
  /** Rejects with the reason when a worker fails. */
  private readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;

  private constructor(server: TimeSkippingServer) {
    this.server = server;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => undefined); // between two scripts nobody waits for it
  }

  /** @param log hears how the server's program is fetched, once */
  static async build(bundle: WorkflowBundleOption, log: Log): Promise<JourneyStage> {
    const stage = new JourneyStage(await startTimeSkippingServer(log));
    try {
      await stage.hire(bundle);
      return stage;
    } catch (error) {
      await stage.server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws Unplayable, and Error when it cannot be played to its end */
  async perform(script: Script, casting: Pick<Casting, 'cast' | 'actions'>): Promise<Run> {
    for (let attempt = 1; ; attempt += 1) {
      const { run, disturbance } = await Promise.race([this.performOnce(script, casting), this.server.crashed, this.failed]);
      if (disturbance === null || attempt >= attempts) return run;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { worker } of this.workers) worker.shutdown();
    // A server that stands still holds them up for half a minute; they end when it has.
    await Promise.race([Promise.allSettled(this.workers.map(({ done }) => done)), pause(5 * second)]);
    await this.server[Symbol.asyncDispose]();
  }

  private async performOnce(
    script: Script,
    casting: Pick<Casting, 'cast' | 'actions'>,
  ): Promise<{ readonly run: Run; readonly disturbance: string | null }> {
    this.plays += 1;
    const { server, queueSuffix } = this;
    const { at } = script.start;
    const offsetMs = Math.ceil(((await server.now()) + second - at) / week) * week;
    await skipTo(server, at + offsetMs);
    const exchange = new Exchange(offsetMs, `${queueSuffix}-${this.plays}`, grainOf(script, casting.cast));
    const { run } = await playScript(script, casting, (setting) => {
      this.world = new WorkflowWorld(setting, { server, queueSuffix, exchange });
      return this.world;
    });
    const { world } = this;
    await world?.close();
    if (world !== null && world.refusal !== null) throw world.refusal;
    return { run, disturbance: world?.disturbance ?? null };
  }

  private async hire(bundle: WorkflowBundleOption): Promise<void> {
    const { runAction, deliverTouchpoint, ...core } = this.activities();
    const { connection } = this.server;
    const shared = { connection, shutdownForceTime: '3s' } as const;
    const { queueSuffix } = this;
    const workers = [
      await Worker.create({
        ...shared,
        taskQueue: taskQueue('core', queueSuffix),
        workflowBundle: bundle,
        activities: { ...core },
        maxCachedWorkflows: 20,
      }),
      await Worker.create({ ...shared, taskQueue: taskQueue('outbound', queueSuffix), activities: { runAction, deliverTouchpoint } }),
    ];
    for (const worker of workers) {
      const done = worker.run();
      done.catch(this.fail);
      this.workers.push({ worker, done });
    }
  }

  /** Those of the script that is on. */
  private activities(): JourneyActivities {
    const now = (): JourneyActivities => {
      if (this.world === null) throw ApplicationFailure.nonRetryable('nothing is played', 'over');
      return this.world.activities();
    };
    return {
      loadTemplate: async (request) => now().loadTemplate(request),
      evaluateGuards: async (request) => now().evaluateGuards(request),
      findValues: async (request) => now().findValues(request),
      findPeople: async (request) => now().findPeople(request),
      hashEvidence: async (request) => now().hashEvidence(request),
      nextLocalTime: async (request) => now().nextLocalTime(request),
      quietUntil: async (request) => now().quietUntil(request),
      afterOpenTime: async (request) => now().afterOpenTime(request),
      weighEvent: async (request) => now().weighEvent(request),
      lookBack: async (request) => now().lookBack(request),
      projectJourney: async (records) => now().projectJourney(records),
      projectHandoff: async (records) => now().projectHandoff(records),
      runAction: async (request) => now().runAction(request),
      deliverTouchpoint: async (request) => now().deliverTouchpoint(request),
      enterChild: async (request) => now().enterChild(request),
      fireSchedule: async (firing) => now().fireSchedule(firing),
    };
  }
}
