/** How fast a batch goes, how many it asks at once, how often it asks those who do not answer; and that it always adds up. In virtual time. */
import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { BatchStatus, BulkActivities } from '../../activities/contract.js';
import { tryAgain } from '../../activities/failures.js';
import type { BulkOutcome } from '../../domain/bulk/outcome.js';
import { minute, second } from '../../domain/time.js';
import { progress, updates } from '../../workflows/bulk/messages.js';
import type { BatchProgress } from '../../workflows/bulk/messages.js';
import { bulkStartOptions, bulkWorkflowType, usualBulkPace } from '../../workflows/bulk/start.js';
import { taskQueue } from '../../workflows/names.js';
import type { BulkPace } from '../../workflows/bulk/start.js';
import { tenant, uuid } from '../support/builders.js';
import { timeEnvironment } from '../support/time-env.js';

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
const by = { actor: 'user/lea' };

let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeEnvironment();
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: { Tenant: KEYWORD, Status: KEYWORD, Stage: KEYWORD },
  });
});
afterAll(() => env.teardown());

type Said = BulkOutcome | 'no_answer' | Promise<BulkOutcome | 'no_answer'>;

interface Asked {
  readonly n: number;
  readonly isLast: boolean;
  /** Virtual time. */
  readonly at: number;
}

/** What PostgreSQL would hold, and instances that answer as a test says. */
class Scripted {
  readonly items: { outcome: BulkOutcome | null; wasAsked: boolean }[];
  state: BatchStatus['state'] = 'running';
  ended = false;
  rate: number;
  readonly asked: Asked[] = [];
  readonly marked: string[] = [];
  /** Turns behind which pages were read. */
  readonly pages: number[] = [];
  underWay = 0;
  most = 0;
  private readonly answer: (n: number, asks: number) => Said;

  constructor(total: number, { rate = 20, answer = () => 'ok' }: { rate?: number; answer?: (n: number, asks: number) => Said } = {}) {
    this.items = Array.from({ length: total }, () => ({ outcome: null, wasAsked: false }));
    this.rate = rate;
    this.answer = answer;
  }

  get status(): BatchStatus {
    const count = (outcome: BulkOutcome): number => this.items.filter((item) => item.outcome === outcome).length;
    const { state, ended, rate, items } = this;
    return { state, ended, rate, total: items.length, ok: count('ok'), failed: count('failed'), skipped: count('skipped') };
  }

  readonly activities: BulkActivities = {
    findBatch: () => Promise.resolve(this.status),
    readBatchPage: ({ after, limit }) => {
      this.pages.push(after);
      const open = this.items.flatMap(({ outcome }, index) =>
        outcome === null && index >= after ? [{ n: index + 1, ref: `JRN-${index + 1}` }] : [],
      );
      return Promise.resolve({ items: open.slice(0, limit), status: this.status });
    },
    askInstance: async ({ n, isLast }) => {
      const item = this.items[n - 1];
      if (item === undefined || item.outcome !== null) return 'settled';
      item.wasAsked = true;
      this.asked.push({ n, isLast, at: await env.currentTimeMs() });
      this.underWay += 1;
      this.most = Math.max(this.most, this.underWay);
      const said = await this.answer(n, this.asked.filter((one) => one.n === n).length);
      this.underWay -= 1;
      if (said === 'no_answer' && !isLast) return 'no_answer';
      item.outcome = said === 'no_answer' ? 'failed' : said;
      return 'settled';
    },
    markBatch: ({ state }) => {
      this.marked.push(state);
      this.state = state;
      if (state === 'cancelled') for (const item of this.items) if (!item.wasAsked) item.outcome ??= 'skipped';
      return Promise.resolve(this.status);
    },
    endBatch: () => {
      this.ended = this.items.every(({ outcome }) => outcome !== null);
      if (this.ended && this.state !== 'cancelled') this.state = 'done';
      return Promise.resolve(this.status);
    },
  };
}

type Handle = WorkflowHandle<() => Promise<BatchProgress>>;
let batches = 0;

/** Runs one on activities that answer at once. */
async function run<T>(activities: BulkActivities, pace: Partial<BulkPace>, watch: (handle: Handle) => Promise<T>): Promise<T> {
  const queueSuffix = `-${randomBytes(4).toString('hex')}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: taskQueue('core', queueSuffix),
    workflowBundle: { codePath: inject('bundle') },
    activities,
  });
  batches += 1;
  const start = { tenant, batch: uuid(0x7000 + batches), pace: { ...usualBulkPace, ...pace } };
  const { typedSearchAttributes: _unknownToTheTestServer, ...options } = bulkStartOptions(start, queueSuffix);
  return worker.runUntil(async () =>
    watch(await env.client.workflow.start<() => Promise<BatchProgress>>(bulkWorkflowType, { ...options, args: options.args as never })),
  );
}

const result = (handle: Handle): Promise<BatchProgress> => handle.result();
const adds = ({ total, ok, failed, skipped }: BatchStatus): boolean => total === ok + failed + skipped;

/** Lets those who wait go on, well, when it is opened. */
function aDoor(): { readonly open: () => void; readonly pass: Promise<BulkOutcome> } {
  let resolve: ((said: BulkOutcome) => void) | undefined;
  const pass = new Promise<BulkOutcome>((accept) => {
    resolve = accept;
  });
  return { open: () => resolve?.('ok'), pass };
}

test('twenty a second, one page a run, and every instance once', async () => {
  const desk = new Scripted(450, { answer: (n) => (n % 10 === 0 ? 'failed' : n % 15 === 1 ? 'skipped' : 'ok') });
  const { end, tookMs, runs } = await run(desk.activities, {}, async (handle) => {
    const first = await handle.describe();
    const said = await handle.result();
    const { closeTime } = await env.client.workflow.getHandle(handle.workflowId).describe();
    const begun = await env.client.workflow.getHandle(handle.workflowId, first.runId).describe();
    return { end: said, tookMs: (closeTime?.getTime() ?? Infinity) - first.startTime.getTime(), runs: begun.status.name };
  });
  expect(end).toMatchObject({ state: 'done', ended: true, total: 450, ok: 375, failed: 45, skipped: 30, underWay: 0 });
  expect(adds(end)).toBe(true);
  expect(desk.asked.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
  // 22 full seconds lie before the last ten.
  expect(tookMs).toBeGreaterThanOrEqual(22 * second);
  // The server's clock also runs while a machine is slow.
  expect(tookMs).toBeLessThan(2 * minute);
  expect(runs).toBe('CONTINUED_AS_NEW');
  expect(desk.pages).toEqual([0, 200, 400]);
  expect(desk.marked).toEqual([]);
});

test.each([
  ['has', 'failed', { Status: 'done', Stage: 'failed_items' }],
  ['has not', 'skipped', { Status: 'done' }],
] as const)('a list tells a batch that %s instances that failed', async (_, outcome, shown) => {
  const desk = new Scripted(3, { answer: (n) => (n === 2 ? outcome : 'ok') });
  const attributes = await run(desk.activities, {}, async (handle) => {
    await handle.result();
    return (await env.client.workflow.getHandle(handle.workflowId).describe()).typedSearchAttributes;
  });
  expect(Object.fromEntries(attributes.getAll().map(({ key, value }) => [key.name, value]))).toMatchObject(shown);
  expect(attributes.getAll().some(({ key }) => key.name === 'Stage')).toBe('Stage' in shown);
});

test('the rate is what was asked for, across runs', async () => {
  const desk = new Scripted(12, { rate: 3 });
  await run(desk.activities, { pageSize: 4 }, result);
  const [from = 0] = desk.asked.map(({ at }) => at);
  const late = desk.asked.map(({ at }) => at - from);
  for (const [index, at] of late.entries()) expect(at, `turn ${index + 1}`).toBeGreaterThanOrEqual(Math.floor(index / 3) * second - 200);
  expect(desk.pages).toEqual([0, 4, 8, 12]);
});

test('as many at once as the window holds, and the next as soon as one is through', async () => {
  const doors = Array.from({ length: 9 }, aDoor);
  const desk = new Scripted(9, { answer: (n) => doors[n - 1]?.pass ?? 'ok' });
  const end = await run(desk.activities, { window: 4 }, async (handle) => {
    await expect.poll(() => desk.underWay, { timeout: 120_000 }).toBe(4);
    expect(await handle.query(progress)).toMatchObject({ state: 'running', underWay: 4, after: 4, total: 9 });
    doors[2]?.open();
    await expect.poll(() => desk.asked.length, { timeout: 120_000 }).toBe(5);
    expect(desk.underWay).toBe(4);
    for (const door of doors) door.open();
    return handle.result();
  });
  expect([end.ok, desk.most]).toEqual([9, 4]);
});

test('one that does not answer is asked each minute, holds its place alone, and fails after ten minutes', async () => {
  const desk = new Scripted(30, { answer: (n, asks) => (n === 2 ? 'no_answer' : n === 7 && asks < 4 ? 'no_answer' : 'ok') });
  const end = await run(desk.activities, { pageSize: 10 }, result);
  expect(end).toMatchObject({ state: 'done', total: 30, ok: 29, failed: 1, skipped: 0 });
  const silent = desk.asked.filter(({ n }) => n === 2);
  expect(silent.map(({ isLast }) => isLast)).toEqual([...Array.from({ length: 10 }, () => false), true]);
  const [first, last] = [silent[0]?.at ?? 0, silent.at(-1)?.at ?? 0];
  expect(last - first).toBeGreaterThanOrEqual(10 * minute - second);
  expect(last - first).toBeLessThan(13 * minute);
  expect(desk.asked.filter(({ n }) => n === 7)).toHaveLength(4);
  // Nobody waited for them: the last page was begun long before.
  const thirtieth = desk.asked.find(({ n }) => n === 30)?.at ?? Infinity;
  expect(thirtieth - first).toBeLessThan(5 * minute);
  expect(desk.pages).toEqual([0, 10, 20, 30]);
});

test('silent ones fill the window, and no more are asked until they are given up', async () => {
  const desk = new Scripted(6, { answer: (n) => (n <= 3 ? 'no_answer' : 'ok') });
  const end = await run(desk.activities, { window: 3, asks: 2 }, result);
  expect(end).toMatchObject({ ok: 3, failed: 3 });
  const turns = desk.asked.map(({ n }) => n);
  expect(turns.toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 5, 6]);
  expect(turns.slice(0, 3).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  // Another one is begun only once one of the three has been asked twice.
  const [firstOther, firstGivenUp] = [turns.findIndex((n) => n > 3), Math.min(...[1, 2, 3].map((n) => turns.lastIndexOf(n)))];
  expect(firstOther).toBeGreaterThan(firstGivenUp);
  const early = desk.asked.slice(0, 3).map(({ at }) => at);
  for (const { at } of desk.asked.slice(3)) expect(at - Math.min(...early)).toBeGreaterThan(minute - second);
});

test('pauses: those being asked are finished, nobody else is; resumes where it was', async () => {
  const doors = Array.from({ length: 8 }, aDoor);
  const desk = new Scripted(8, { answer: (n) => doors[n - 1]?.pass ?? 'ok' });
  const end = await run(desk.activities, { window: 3 }, async (handle) => {
    await expect.poll(() => desk.underWay, { timeout: 120_000 }).toBe(3);
    const paused = await handle.executeUpdate(updates.pause, { args: [by] });
    expect(paused).toMatchObject({ state: 'paused', total: 8, underWay: 3 });
    for (const door of doors) door.open();
    await expect.poll(() => desk.underWay, { timeout: 120_000 }).toBe(0);
    await env.sleep(5 * minute);
    expect(desk.asked).toHaveLength(3);
    const resumed = await handle.executeUpdate(updates.resume, { args: [by] });
    expect(resumed.state).toBe('running');
    return handle.result();
  });
  expect(end).toMatchObject({ state: 'done', ok: 8 });
  expect([desk.marked, desk.asked.length]).toEqual([['paused', 'running'], 8]);
});

test('one that is paused when its last instance settles ends once it is resumed', async () => {
  const door = aDoor();
  const desk = new Scripted(2, { answer: () => door.pass });
  const end = await run(desk.activities, {}, async (handle) => {
    await expect.poll(() => desk.underWay, { timeout: 120_000 }).toBe(2);
    await handle.executeUpdate(updates.pause, { args: [by] });
    door.open();
    await env.sleep(minute);
    expect([desk.ended, desk.status.ok]).toEqual([false, 2]);
    await handle.executeUpdate(updates.resume, { args: [by] });
    return handle.result();
  });
  expect(end).toMatchObject({ state: 'done', ended: true, ok: 2 });
});

test('is cancelled: those in the window finish, the silent ones too, the rest is skipped; it adds up', async () => {
  const doors = Array.from({ length: 5 }, aDoor);
  const desk = new Scripted(20, {
    answer: async (n, asks) => {
      if (n === 1 && asks === 1) return 'no_answer';
      await doors[n - 1]?.pass;
      return n === 2 ? 'failed' : 'ok';
    },
  });
  const end = await run(desk.activities, { window: 5 }, async (handle) => {
    await expect.poll(() => desk.asked.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(5);
    const cancelled = await handle.executeUpdate(updates.cancel, { args: [by] });
    expect(cancelled).toMatchObject({ state: 'cancelled', ended: false, skipped: 15 });
    expect((await handle.executeUpdate(updates.resume, { args: [by] })).state).toBe('cancelled');
    for (const door of doors) door.open();
    return handle.result();
  });
  expect(end).toMatchObject({ state: 'cancelled', ended: true, total: 20, ok: 4, failed: 1, skipped: 15 });
  expect(adds(end)).toBe(true);
  expect(new Set(desk.asked.map(({ n }) => n))).toEqual(new Set([1, 2, 3, 4, 5]));
});

test('a paused one is cancelled, also by a request to cancel its run', async () => {
  const desk = new Scripted(5, { rate: 1 });
  const end = await run(desk.activities, {}, async (handle) => {
    await expect.poll(() => desk.asked.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(1);
    await handle.executeUpdate(updates.pause, { args: [by] });
    await handle.cancel();
    return handle.result();
  });
  expect(end).toMatchObject({ state: 'cancelled', ended: true, total: 5 });
  expect(adds(end)).toBe(true);
  expect(end.skipped).toBe(5 - desk.asked.length);
});

test('one that was terminated, even while it paused, goes on with what had not settled when it is started again', async () => {
  const desk = new Scripted(10);
  for (const item of desk.items.slice(0, 6)) item.outcome = 'ok';
  // Asked by the run that is gone; its answer was lost.
  const seventh = desk.items[6];
  if (seventh !== undefined) seventh.wasAsked = true;
  desk.state = 'paused';
  const end = await run(desk.activities, {}, result);
  expect(end).toMatchObject({ state: 'done', ok: 10 });
  expect(desk.marked).toEqual(['running']);
  expect(desk.asked.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([7, 8, 9, 10]);
});

test('one that was terminated while it was being cancelled finishes those that were asked', async () => {
  const desk = new Scripted(10);
  desk.state = 'cancelled';
  for (const [index, item] of desk.items.entries()) {
    item.wasAsked = index < 4;
    item.outcome = index < 1 ? 'ok' : index < 4 ? null : 'skipped';
  }
  const end = await run(desk.activities, { pageSize: 2 }, result);
  expect(end).toMatchObject({ state: 'cancelled', ended: true, ok: 4, skipped: 6 });
  expect(desk.asked.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([2, 3, 4]);
});

const notStarted = (): Promise<never> => Promise.reject(tryAgain('bulk.retry', ['not_started']));

test('one whose start was taken back ends after ten minutes, and asks nobody', async () => {
  const desk = new Scripted(3);
  const end = await run({ ...desk.activities, findBatch: notStarted }, {}, result);
  expect(end).toMatchObject({ state: 'cancelled', ended: true, total: 0 });
  expect([desk.asked, desk.marked, desk.pages]).toEqual([[], [], []]);
});

test('one of nothing is done at once; what an operator types wrongly is refused', async () => {
  const desk = new Scripted(0);
  expect(await run(desk.activities, {}, result)).toMatchObject({ state: 'done', total: 0 });
  const door = aDoor();
  const waiting = new Scripted(1, { answer: () => door.pass });
  await run(waiting.activities, {}, async (handle) => {
    const refused = await handle.executeUpdate('pause', { args: [{ actor: 'lea' }] }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
    door.open();
    return handle.result();
  });
  expect(waiting.marked).toEqual([]);
});
