/** Builds the workers of a process: those of workflows with their projection, and that of deliveries. */
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

/**
 * Run workflows and what they do to the database, each in a thread of its own. The SDK walks through all that one of them keeps in memory
 * several times a step: with some thousands in one, that took longer than the step.
 *
 * @param connections one for each thread: the SDK lets a connection serve a queue once
 */
export const createCoreWorkers = (
  connections: readonly NativeConnection[],
  { cache, tasks, ...options }: Omit<WorkerOptions, 'connection'>,
): Promise<Worker[]> => {
  const threads = connections.length;
  const share = { cache: Math.ceil(cache / threads), tasks: Math.max(leastTasks, Math.ceil(tasks / threads)) };
  const guard = createLocalGuard();
  const nameOf = (index: number): string => (threads === 1 ? 'usher-core' : `usher-core-${index + 1}`);
  return Promise.all(
    connections.map((connection, index) => createCoreWorker({ ...options, ...share, connection, guard, name: nameOf(index) })),
  );
};

/** One for a workflow in memory, one for a new one. */
const leastTasks = 2;

const createCoreWorker = ({
  connection,
  namespace,
  workflowBundle,
  activities,
  queueSuffix,
  cache,
  tasks,
  stickyMs,
  guard,
  name,
}: WorkerOptions & { guard: ActivityInterceptorsFactory; name: string }): Promise<Worker> =>
  Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue('core', queueSuffix),
    identity: `${name}@${hostname()}:${process.pid}`,
    workflowBundle,
    activities: coreActivities(activities),
    interceptors: { activity: [guard] },
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
