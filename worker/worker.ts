/** Builds the two workers of a process: workflows with their projection, and deliveries. */
import { hostname } from 'node:os';
import { Worker } from '@temporalio/worker';
import type { ActivityInterceptorsFactory, NativeConnection, WorkflowBundleOption } from '@temporalio/worker';
import type { Activities } from '../activities/contract.js';
import { tryAgain } from '../activities/failures.js';
import { second } from '../domain/time.js';
import { taskQueue } from '../workflows/names.js';
import { createBreaker } from './breaker.js';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundleOption;
  readonly activities: Activities;
  readonly queueSuffix: string;
  /** Workflows kept in memory. */
  readonly cache: number;
  /** Steps of workflows worked on at once: more of them would only make each slower, those of new tickets too. */
  readonly tasks: number;
  /** Milliseconds a workflow waits for the worker that has it in memory. */
  readonly stickyMs: number;
  /** Deliveries started per second, over all workers. */
  readonly outboundRate: number;
}

/** No send is cut midway: every attempt ends within this time. */
const shutdownGraceTime = '30s';

/** What reaches the world outside has a queue of its own. */
type Outbound = 'deliver' | 'deliverNotices' | 'runAction' | 'deliverTouchpoint' | 'attemptWebhook' | 'tellOwner';
const coreActivities = ({
  deliver: _d,
  deliverNotices: _n,
  runAction: _a,
  deliverTouchpoint: _t,
  attemptWebhook: _w,
  tellOwner: _o,
  ...core
}: Activities): Omit<Activities, Outbound> => core;
const outboundActivities = ({
  deliver,
  deliverNotices,
  runAction,
  deliverTouchpoint,
  attemptWebhook,
  tellOwner,
}: Activities): Pick<Activities, Outbound> => ({
  deliver,
  deliverNotices,
  runAction,
  deliverTouchpoint,
  attemptWebhook,
  tellOwner,
});

/** A database that hangs is noticed by as many tasks as there are places by default; it is looked at again after the pause. */
const hanging = { slowMs: second, failures: 4, pauseMs: 2 * second } as const;

/** Local activities fail at once while the database hangs: their workflows go on, and bring home later what they have. */
function createLocalGuard(): ActivityInterceptorsFactory {
  const guarded = createBreaker({ ...hanging, now: Date.now, refusal: () => tryAgain('database.hangs', []) });
  return ({ info }) => ({ inbound: { execute: (input, next) => (info.isLocal ? guarded(() => next(input)) : next(input)) } });
}

/** Runs workflows and what they do to the database. */
export const createCoreWorker = ({
  connection,
  namespace,
  workflowBundle,
  activities,
  queueSuffix,
  cache,
  tasks,
  stickyMs,
}: WorkerOptions): Promise<Worker> =>
  Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue('core', queueSuffix),
    identity: `usher-core@${hostname()}:${process.pid}`,
    workflowBundle,
    activities: coreActivities(activities),
    interceptors: { activity: [createLocalGuard()] },
    maxCachedWorkflows: cache,
    maxConcurrentWorkflowTaskExecutions: tasks,
    // One of them waits for new tickets and keeps its place: those are not behind all that falls due at once.
    maxConcurrentWorkflowTaskPolls: tasks + 1,
    // After a crash the next task waits on the dead worker's own queue; the SDK's 10 s are longer than a caller waits.
    stickyQueueScheduleToStartTimeout: stickyMs,
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
