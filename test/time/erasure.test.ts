/** How an erasure goes through its stages, and what stops it: nothing, in virtual time. */
import { randomBytes } from 'node:crypto';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ErasureActivities, ErasurePageRequest } from '../../activities/contract.js';
import { tryAgain } from '../../activities/failures.js';
import { asCustomerId } from '../../domain/ids.js';
import { day, minute, second } from '../../domain/time.js';
import type { ErasureProgress } from '../../workflows/erasure/messages.js';
import { erasureStartOptions, erasureWorkflowType, usualErasurePace } from '../../workflows/erasure/start.js';
import { taskQueue } from '../../workflows/names.js';
import { tenant, uuid } from '../support/builders.js';
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

let count = 0x300;

/** Runs one to its end on activities that answer at once; `meanwhile` is done once it has begun. */
async function run(
  activities: ErasureActivities,
  meanwhile: (workflowId: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ end: ErasureProgress; tookMs: number }> {
  const queueSuffix = `-${randomBytes(4).toString('hex')}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: taskQueue('core', queueSuffix),
    workflowBundle: { codePath: inject('bundle') },
    activities,
  });
  const start = { tenant, customer: asCustomerId(uuid((count += 1))), erasure: uuid(0x200) };
  const { typedSearchAttributes: _unknownToTheTestServer, ...options } = erasureStartOptions(start, queueSuffix);
  return worker.runUntil(async () => {
    const handle = await env.client.workflow.start<() => Promise<ErasureProgress>>(erasureWorkflowType, {
      ...options,
      args: options.args as never,
    });
    await meanwhile(options.workflowId);
    const end = await handle.result();
    const { startTime, closeTime } = await handle.describe();
    return { end, tookMs: (closeTime?.getTime() ?? Infinity) - startTime.getTime() };
  });
}

/** A person with so many pages of tickets in the first pass, and nothing in the second. */
function personOf(pages: number) {
  const asked: ErasurePageRequest[] = [];
  const finished: string[] = [];
  const activities: ErasureActivities = {
    markErasing: () => Promise.resolve('erasing'),
    erasePage: (request) => {
      asked.push(request);
      const { stage, after } = request;
      const turned = after === null ? 1 : Number(after) + 1;
      const isPaged = stage === 'close_tickets' || stage === 'tickets';
      const isFirst = asked.filter((one) => one.stage === stage && one.after === after).length === 1;
      return Promise.resolve({ last: String(turned), isLast: !isPaged || turned >= pages, changed: isFirst && isPaged ? 20 : 0 });
    },
    finishErasure: ({ erasure }) => {
      finished.push(erasure);
      return Promise.resolve();
    },
  };
  return { asked, finished, activities };
}

const stagesOf = (asked: readonly ErasurePageRequest[]): string[] => asked.map(({ stage, after }) => `${stage} ${after ?? 'first'}`);

test('every stage by its pages, once more after a rest, and the proof when nothing is left', async () => {
  const { asked, finished, activities } = personOf(2);
  const { end, tookMs } = await run(activities);
  const pass = [
    'cancel_journeys first',
    'close_tickets first',
    'close_tickets 1',
    'tickets first',
    'tickets 1',
    'journeys first',
    'person first',
  ];
  expect(stagesOf(asked)).toEqual([...pass, ...pass]);
  expect(asked.every(({ limit }) => limit === usualErasurePace.pageSize)).toBe(true);
  expect(end).toEqual({ state: 'done', pass: 2, stage: 'person', changed: 80 });
  expect(finished).toEqual([uuid(0x200)]);
  expect(tookMs).toBeGreaterThanOrEqual(usualErasurePace.settleMs);
  expect(tookMs).toBeLessThan(usualErasurePace.settleMs + 10 * second);
});

test('PostgreSQL away for days in the middle, and a request to cancel: it goes on where it was, and ends', async () => {
  const { asked, finished, activities } = personOf(3);
  let failures = 0;
  const erasePage: ErasureActivities['erasePage'] = (request) => {
    const isAway = request.stage === 'tickets' && request.after === '1' && failures < 6;
    if (!isAway) return activities.erasePage(request);
    failures += 1;
    return Promise.reject(tryAgain('erasure.retry', ['database_ECONNREFUSED'], failures === 6 ? 2 * day : undefined));
  };
  const { end, tookMs } = await run({ ...activities, erasePage }, (id) => env.client.workflow.getHandle(id).cancel());
  expect(end).toMatchObject({ state: 'done', pass: 2, changed: 120 });
  expect(finished).toHaveLength(1);
  expect(stagesOf(asked).filter((stage) => stage === 'tickets first')).toHaveLength(2);
  expect(tookMs).toBeGreaterThan(2 * day);
});

test('what never stops coming does not keep it from its end', async () => {
  const { asked, finished, activities } = personOf(1);
  const erasePage: ErasureActivities['erasePage'] = async (request) => ({ ...(await activities.erasePage(request)), changed: 1 });
  const { end } = await run({ ...activities, erasePage });
  expect(end).toMatchObject({ state: 'done', pass: 10 });
  expect(asked.filter(({ stage }) => stage === 'person')).toHaveLength(10);
  expect(finished).toHaveLength(1);
});

test('asked for again when the person is erased already: nothing is looked at', async () => {
  const { asked, finished, activities } = personOf(1);
  const { end } = await run({ ...activities, markErasing: () => Promise.resolve('over') });
  expect([end.state, asked, finished]).toEqual(['over', [], []]);
});

test('a confirmation that was taken back: given up after a minute', async () => {
  const { asked, finished, activities } = personOf(1);
  let looks = 0;
  const { end, tookMs } = await run({ ...activities, markErasing: () => ((looks += 1), Promise.resolve('unconfirmed' as const)) });
  expect([end.state, asked, finished]).toEqual(['abandoned', [], []]);
  expect(looks).toBe(20);
  expect(tookMs).toBeLessThan(4 * minute);
});
