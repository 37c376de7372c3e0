/** Activities by kind of work, each with its retry policy and the reason for it. A person's slowness is a timer, never a retry. */
import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type {
  BulkActivities,
  DeliveryActivities,
  EntryActivities,
  ErasureActivities,
  GiveUpActivities,
  JourneyActionActivities,
  JourneyProjectionActivities,
  JourneyQuestionActivities,
  NoticeActivities,
  NoticeEndActivities,
  PlanningActivities,
  ProjectionActivities,
  ReprojectionActivities,
  StaffingActivities,
  TouchpointActivities,
  WebhookActivities,
} from '../activities/contract.js';

/** Inside the workflow task: saves four state transitions per command. Holds back all other messages of its workflow, hence the 3 s. */
export const projectNow = proxyLocalActivities<ProjectionActivities>({
  scheduleToCloseTimeout: '3s',
  startToCloseTimeout: '1500ms',
  // The count is what bounds it: the time does not end a local activity that waits between two attempts. Two of at most 1.5 s.
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '500ms', maximumAttempts: 2 },
}).project;

/** When PostgreSQL is slow or away: waits for it as long as it takes, and shows under Pending Activities what waits. */
export const projectLater = (summary: string) =>
  proxyActivities<ProjectionActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).project;

/** A mail server that is down for a day still gets the mail; every attempt ends before its worker's grace does. */
export const deliver = (taskQueue: string, summary: string) =>
  proxyActivities<DeliveryActivities>({
    taskQueue,
    startToCloseTimeout: '25s',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).deliver;

/** As patient as any delivery; those that are through are not asked again. */
export const deliverNotices = (taskQueue: string) =>
  proxyActivities<NoticeActivities>({
    taskQueue,
    startToCloseTimeout: '25s',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary: 'notices to staff',
  }).deliverNotices;

/** Writes only, and tells the tickets; as patient as the projection. */
export const { giveUpNotices } = proxyActivities<NoticeEndActivities>({
  startToCloseTimeout: '25s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  summary: 'give up the rest',
});

/** Writes only; as patient as the projection. */
export const giveUp = (summary: string) =>
  proxyActivities<GiveUpActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).giveUp;

/** Usually answered from the worker's memory; as impatient as the projection that waits for it. */
export const planNow = proxyLocalActivities<PlanningActivities>({
  scheduleToCloseTimeout: '3s',
  startToCloseTimeout: '1500ms',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '500ms', maximumAttempts: 2 },
});

/** When PostgreSQL is slow or away: no ticket stays without its clocks. */
export const planLater = (summary: string) =>
  proxyActivities<PlanningActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });

/** A ladder's wish for another agent; a day later nobody needs it any more. */
export const findAgent = (summary: string) =>
  proxyActivities<StaffingActivities>({
    startToCloseTimeout: '10s',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).findAgent;

/** Asked before the transaction that published the revision may have ended, or while PostgreSQL is away; after that it was taken back. */
export const findReprojection = proxyActivities<ReprojectionActivities>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  summary: 'the revision as published',
}).findReprojection;

/** As patient as a projection: what waits is a page of tickets, and nobody else. Each ticket answered is a heartbeat. */
export const reprojectPage = (summary: string) =>
  proxyActivities<ReprojectionActivities>({
    startToCloseTimeout: '25s',
    heartbeatTimeout: '15s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).reprojectPage;

/** Writes only; as patient as the projection. */
export const markReprojection = (summary: string) =>
  proxyActivities<ReprojectionActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).markReprojection;

/** Asked before the transaction that starts the batch may have ended, or while PostgreSQL is away; after that it was taken back. */
export const findBatch = proxyActivities<BulkActivities>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  summary: 'the batch as started',
}).findBatch;

/**
 * An instance has 20 s to answer, PostgreSQL the rest. An instance that does not answer is no failure: the batch asks it again. What is tried
 * here until it works is PostgreSQL, and a question whose worker died.
 */
export const askInstance = (summary: string) =>
  proxyActivities<BulkActivities>({
    startToCloseTimeout: '30s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).askInstance;

/** Reads and writes only; as patient as the projection. */
export const onBatch = (summary: string) =>
  proxyActivities<BulkActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });

/** Tried until it works, however long: a person was promised it. Pages give a sign of life every two seconds. */
export const onErasure = (summary: string) =>
  proxyActivities<ErasureActivities>({
    startToCloseTimeout: '25s',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });

/** As the ticket's projection: in the task while that is quick. */
export const recordNow = proxyLocalActivities<JourneyProjectionActivities>({
  scheduleToCloseTimeout: '3s',
  startToCloseTimeout: '1500ms',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '500ms', maximumAttempts: 2 },
});

/** When PostgreSQL is slow or away. */
export const recordLater = (summary: string) =>
  proxyActivities<JourneyProjectionActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });

/** A guard has a second; what takes longer is the database, which is asked once more. */
export const askNow = proxyLocalActivities<JourneyQuestionActivities>({
  scheduleToCloseTimeout: '3s',
  startToCloseTimeout: '1500ms',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '500ms', maximumAttempts: 2 },
});

/** When PostgreSQL is slow or away: no journey takes a wrong way for it, it waits. */
export const askLater = (summary: string) =>
  proxyActivities<JourneyQuestionActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });

/**
 * One attempt, and no more: the journey itself counts attempts and waits between them, where everybody sees it. Called off before it has begun
 * it does not begin; after that its answer is still heard.
 */
export const runAction = (taskQueue: string, { timeoutMs, scheduleMs, summary }: ActionTimes & { readonly summary: string }) =>
  proxyActivities<JourneyActionActivities>({
    taskQueue,
    startToCloseTimeout: timeoutMs,
    ...(scheduleMs === undefined ? {} : { scheduleToStartTimeout: scheduleMs }),
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  }).runAction;

interface ActionTimes {
  readonly timeoutMs: number;
  readonly scheduleMs: number | undefined;
}

/** As patient as a mail to a customer. */
export const deliverTouchpoint = (taskQueue: string, summary: string) =>
  proxyActivities<TouchpointActivities>({
    taskQueue,
    startToCloseTimeout: '25s',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).deliverTouchpoint;

/** A start that Temporal or PostgreSQL could not take is tried until they can; a refusal is an answer. */
export const enterChild = (summary: string) =>
  proxyActivities<EntryActivities>({
    startToCloseTimeout: '20s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).enterChild;

/** A day's work waits for it; missed, it waits for the next. */
export const fireSchedule = (summary: string) =>
  proxyActivities<EntryActivities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  }).fireSchedule;

/**
 * As long as it takes: each failed attempt says when the next one is due. The interval is that after an attempt whose worker died, which
 * has a lease on its delivery until the activity's time is over.
 */
export const attemptWebhook = (taskQueue: string, summary: string) =>
  proxyActivities<WebhookActivities>({
    taskQueue,
    startToCloseTimeout: '25s',
    retry: { initialInterval: '5s', backoffCoefficient: 1, maximumInterval: '5s' },
    summary,
  }).attemptWebhook;

/** As patient as any mail to staff. */
export const tellOwner = (taskQueue: string) =>
  proxyActivities<WebhookActivities>({
    taskQueue,
    startToCloseTimeout: '25s',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary: 'tell the owner that the endpoint is disabled',
  }).tellOwner;
