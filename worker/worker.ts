/** Builds the two workers of a process: workflows with their projection, and deliveries. */
import { hostname } from 'node:os';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkflowBundleOption } from '@temporalio/worker';
import type { Activities } from '../activities/contract.js';
import { taskQueue } from '../workflows/names.js';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundleOption;
  readonly activities: Activities;
  readonly queueSuffix: string;
  /** Workflows kept in memory. */
  readonly cache: number;
  /** Deliveries started per second, over all workers. */
  readonly outboundRate: number;
}

/** No send is cut midway: every attempt ends within this time. */
const shutdownGraceTime = '30s';

/** What reaches the world outside has a queue of its own. */
type Outbound = 'deliver' | 'runAction' | 'deliverTouchpoint' | 'attemptWebhook' | 'tellOwner';
const coreActivities = ({
  deliver: _d,
  runAction: _a,
  deliverTouchpoint: _t,
  attemptWebhook: _w,
  tellOwner: _o,
  ...core
}: Activities): Omit<Activities, Outbound> => core;
const outboundActivities = ({
  deliver,
  runAction,
  deliverTouchpoint,
  attemptWebhook,
  tellOwner,
}: Activities): Pick<Activities, Outbound> => ({
  deliver,
  runAction,
  deliverTouchpoint,
  attemptWebhook,
  tellOwner,
});

/** Runs workflows and what they do to the database. */
export const createCoreWorker = ({
  connection,
  namespace,
  workflowBundle,
  activities,
  queueSuffix,
  cache,
}: WorkerOptions): Promise<Worker> =>
  Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue('core', queueSuffix),
    identity: `usher-core@${hostname()}:${process.pid}`,
    workflowBundle,
    activities: coreActivities(activities),
    maxCachedWorkflows: cache,
    // After a crash the next task waits on the dead worker's own queue; the default of 10 s is longer than a caller waits.
    stickyQueueScheduleToStartTimeout: '2s',
    shutdownGraceTime,
  });

/** Sends; a dead mail server fills only this one. */
export const createOutboundWorker = ({ connection, namespace, activities, queueSuffix, outboundRate }: WorkerOptions): Promise<Worker> =>
  Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue('outbound', queueSuffix),
    identity: `usher-outbound@${hostname()}:${process.pid}`,
    activities: outboundActivities(activities),
    maxTaskQueueActivitiesPerSecond: outboundRate,
    shutdownGraceTime,
  });
