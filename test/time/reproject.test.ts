/** How long a re-projection takes, and how long it waits, in virtual time. */
import { randomBytes } from 'node:crypto';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ReprojectionActivities, ReprojectionPageRequest } from '../../activities/contract.js';
import { tryAgain } from '../../activities/failures.js';
import { asTicketId } from '../../domain/ids.js';
import { minute, second } from '../../domain/time.js';
import { taskQueue } from '../../workflows/names.js';
import { reprojectionStartOptions, reprojectionWorkflowType, usualPace } from '../../workflows/reproject/start.js';
import type { ReprojectionProgress } from '../../workflows/reproject/messages.js';
import { tenant } from '../support/builders.js';
import { timeEnvironment } from '../support/time-env.js';

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeEnvironment();
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: { Tenant: KEYWORD, Status: KEYWORD },
  });
});
afterAll(() => env.teardown());

/** Runs one to its end on activities that answer at once. @returns what it came to, and how long it took */
async function run(activities: ReprojectionActivities): Promise<{ end: ReprojectionProgress; tookMs: number }> {
  const queueSuffix = `-${randomBytes(4).toString('hex')}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: taskQueue('core', queueSuffix),
    workflowBundle: { codePath: inject('bundle') },
    activities,
  });
  const { typedSearchAttributes: _unknownToTheTestServer, ...options } = reprojectionStartOptions({ tenant, revision: 3 }, queueSuffix);
  return worker.runUntil(async () => {
    const handle = await env.client.workflow.start<() => Promise<ReprojectionProgress>>(reprojectionWorkflowType, {
      ...options,
      args: options.args as never,
    });
    const end = await handle.result();
    const { startTime, closeTime } = await handle.describe();
    return { end, tookMs: (closeTime?.getTime() ?? Infinity) - startTime.getTime() };
  });
}

/** Some full pages, in each of the two passes. */
function pagesOf(first: number, second_: number) {
  const requests: ReprojectionPageRequest[] = [];
  const marked: string[] = [];
  const activities: ReprojectionActivities = {
    findReprojection: () => Promise.resolve({ state: 'running', total: first * usualPace.pageSize, counts: {} }),
    reprojectPage: (request) => {
      requests.push(request);
      const pages = requests.length;
      const isLast = pages === first || pages === first + second_;
      return Promise.resolve({ last: asTicketId(`TKT-${String(pages).padStart(8, '0')}`), isLast, counts: { unchanged: pages } });
    },
    markReprojection: ({ state }) => {
      marked.push(state);
      return Promise.resolve();
    },
  };
  return { requests, marked, activities };
}

test('fifty tickets a second at most, and ten seconds for those that are being opened', async () => {
  const { requests, marked, activities } = pagesOf(21, 1);
  const { end, tookMs } = await run(activities);
  expect(end).toEqual({ revision: 3, state: 'done', total: 525, counts: { unchanged: 22 }, pass: 2 });
  expect(marked).toEqual(['done']);
  expect(usualPace.pageSize * (second / usualPace.pageMs)).toBe(50);
  // 20 pages wait for their half second to be over; the last of the first pass waits longer.
  expect(tookMs).toBeGreaterThanOrEqual(20 * 500 + 10_000);
  expect(tookMs).toBeLessThan(20 * 500 + 10_000 + 5_000);
  const after = requests.map((request) => request.after);
  expect([after[0], after[1], after[20], after[21]]).toEqual([null, 'TKT-00000001', 'TKT-00000020', null]);
});

test('one whose revision is never stored ends after ten minutes, and asks no ticket', async () => {
  const { requests, marked, activities } = pagesOf(1, 1);
  let asked = 0;
  const findReprojection = (): Promise<never> => {
    asked += 1;
    return Promise.reject(tryAgain('reprojection.retry', ['not_published']));
  };
  const { end, tookMs } = await run({ ...activities, findReprojection });
  expect(end).toEqual({ revision: 3, state: 'cancelled', total: 0, counts: {}, pass: 1 });
  expect([requests, marked]).toEqual([[], []]);
  expect(asked).toBeGreaterThan(50);
  expect(tookMs).toBeGreaterThan(9 * minute);
  expect(tookMs).toBeLessThan(13 * minute);
});
