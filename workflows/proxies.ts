/** Activities by kind of work, each with its retry policy and the reason for it. A person's slowness is a timer, never a retry. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type {
  DeliveryActivities,
  GiveUpActivities,
  PlanningActivities,
  ProjectionActivities,
  ReprojectionActivities,
  StaffingActivities,
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
