/** The schedule of attempts, kept by the engine's own clock. Source: api-surfaces.md, section 2; reliability.md, F28. In virtual time. */
import { randomBytes, randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { WebhookActivities } from '../../activities/contract.js';
import { tryAgain } from '../../activities/failures.js';
import { hour, minute, second } from '../../domain/time.js';
import { afterAttempt } from '../../domain/webhook/schedule.js';
import { judge } from '../../domain/webhook/verdict.js';
import type { Answer } from '../../domain/webhook/verdict.js';
import { taskQueue } from '../../workflows/names.js';
import { webhookStartOptions, webhookWorkflowType } from '../../workflows/webhook/start.js';
import { tenant } from '../support/builders.js';
import { timeEnvironment } from '../support/time-env.js';

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeEnvironment();
  await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes: { Tenant: KEYWORD } });
});
afterAll(() => env.teardown());

interface Run {
  /** How the workflow ended. */
  readonly state: string;
  /** Virtual instants of the attempts. */
  readonly at: readonly number[];
  readonly told: number;
  /** Events in its history. */
  readonly events: number;
}

/** Runs one delivery to a receiver that answers so, attempt by attempt. */
async function run(answer: (n: number) => Answer): Promise<Run> {
  const queueSuffix = `-${randomBytes(4).toString('hex')}`;
  const at: number[] = [];
  let told = 0;
  const activities: WebhookActivities = {
    async attemptWebhook() {
      const now = await env.currentTimeMs();
      const verdict = judge(answer(at.length), now);
      const after = afterAttempt(verdict, { type: 'ticket.created', failed: at.length, chance: Math.random() });
      at.push(now);
      if (after.state === 'pending') throw tryAgain('webhook.retry', [verdict.code], after.pauseMs);
      return { state: after.state, disabled: verdict.kind === 'gone' };
    },
    tellOwner: () => {
      told += 1;
      return Promise.resolve();
    },
  };
  const common = { connection: env.nativeConnection, workflowBundle: { codePath: inject('bundle') } };
  const core = await Worker.create({ ...common, taskQueue: taskQueue('core', queueSuffix) });
  const outbound = await Worker.create({ connection: env.nativeConnection, taskQueue: taskQueue('outbound', queueSuffix), activities });
  const start = { tenant, endpoint: randomUUID(), delivery: randomUUID(), round: 1, event: randomUUID(), type: 'ticket.created' };
  const options = webhookStartOptions({ ...start, subject: 'ticket/TKT-7K3M2Q9A', isReplay: false }, queueSuffix);
  const running = outbound.run();
  try {
    return await core.runUntil(async () => {
      const handle = await env.client.workflow.start(webhookWorkflowType, options);
      const state = String(await handle.result());
      const { events } = await handle.fetchHistory();
      return { state, at, told, events: events?.length ?? 0 };
    });
  } finally {
    outbound.shutdown();
    await running;
  }
}

const answered = (status: number, retryAfter: string | null = null): Answer => ({ kind: 'answered', status, retryAfter });

test('F28: a receiver that is away for days is asked ten times in about 75 hours, and the history stays short', async () => {
  const { state, at, told, events } = await run(() => ({ kind: 'lost', reason: 'connection' }));
  expect(state).toBe('failed');
  expect(told).toBe(0);
  const planned = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
  const pauses = at.slice(1).map((one, n) => one - (at[n] ?? 0));
  expect(pauses).toHaveLength(planned.length);
  for (const [n, pause] of pauses.entries()) {
    const wanted = planned[n] ?? 0;
    expect(pause, `before attempt ${n + 2}`).toBeGreaterThanOrEqual(wanted * 0.8);
    expect(pause, `before attempt ${n + 2}`).toBeLessThanOrEqual(wanted * 1.2 + 3 * second);
  }
  expect(events).toBeLessThanOrEqual(11);
});

test('one that comes back is reached by the next attempt, and who asks for rest gets it', async () => {
  const { state, at } = await run((n) => (n === 0 ? answered(503, '7200') : answered(204)));
  expect(state).toBe('succeeded');
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(2 * hour);
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeLessThan(2 * hour + minute);
});

test('410 ends it at once, and the owner is told', async () => {
  expect(await run(() => answered(410))).toMatchObject({ state: 'failed', told: 1, at: [expect.any(Number)] });
});
