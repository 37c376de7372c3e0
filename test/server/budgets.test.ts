/** What tickets cost the engine and the database, counted, never timed, against bench/budgets.json. */
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { WebhookActivities } from '../../activities/contract.js';
import { tryAgain } from '../../activities/failures.js';
import { createProjection } from '../../activities/projection.js';
import { budgets } from '../../bench/budgets.js';
import type { TicketCounts } from '../../bench/counts.js';
import { countTicket, medianCounts } from '../../bench/counts.js';
import { demo } from '../../db/seed.js';
import { asAgentId } from '../../domain/ids.js';
import type { TicketSettings } from '../../domain/ticket/ticket.js';
import { taskQueue } from '../../workflows/names.js';
import { webhookStartOptions, webhookWorkflowType } from '../../workflows/webhook/start.js';
import { settings } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import type { Desk, TicketRun } from '../support/ticket-run.js';
import { closeDesk, openDesk } from '../support/ticket-run.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;
let statements = 0;

/** Counts what is sent to PostgreSQL, the statement that sets the tenant among it. */
const counting: KyselyPlugin = {
  transformQuery: ({ node }) => {
    statements += 1;
    return node;
  },
  transformResult: ({ result }) => Promise.resolve(result),
};

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  const { project } = createProjection({ db: database.db.withPlugin(counting), newId: randomUUID, onRepaired: () => undefined });
  desk = await openDesk({ client: env.client, connection: env.nativeConnection, namespace: 'usher', database, project });
});

afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const silent: TicketSettings = { ...settings, mail: { acknowledgement: false, reply: false, resolved: false } };

/** Nine calls, from the first to the last. Source: performance.md, 2.3. */
async function live(kept: TicketSettings): Promise<TicketRun> {
  const ticket = await desk.open({ settings: kept });
  await ticket.send('assign', { agent: asAgentId(demo.agents[0] ?? '') });
  await ticket.reply();
  await ticket.reply();
  await ticket.receive();
  await ticket.send('awaitCustomer', {});
  await ticket.receive();
  await ticket.send('resolve', {});
  await ticket.send('close', {});
  await ticket.handle.result();
  return ticket;
}

async function countLives(kept: TicketSettings): Promise<TicketCounts> {
  const counts: TicketCounts[] = [];
  for (let life = 0; life < 5; life += 1) counts.push(await countTicket((await live(kept)).handle));
  return medianCounts(counts);
}

describe('the engine', () => {
  test('a life of nine calls stays within its budget, and a delivery adds no more than its own', async () => {
    const plain = await countLives(silent);
    expect.soft(plain.transitions).toBeLessThanOrEqual(budgets.life.transitions);
    expect.soft(plain.events).toBeLessThanOrEqual(budgets.life.events);
    expect.soft(plain.tasks).toBeLessThanOrEqual(budgets.life.tasks);
    expect.soft(plain.upserts).toBeLessThanOrEqual(budgets.life.upserts);

    const before = desk.deliveries.length;
    const mailing = await countLives(settings);
    const deliveries = (desk.deliveries.length - before) / 5;
    expect(deliveries).toBe(4); // acknowledgement, two replies, resolved
    expect.soft(mailing.transitions - plain.transitions).toBeLessThanOrEqual(budgets.delivery.transitions * deliveries);
    expect.soft(mailing.events - plain.events).toBeLessThanOrEqual(budgets.delivery.events * deliveries);
  });

  test('a refused command adds nothing to the history', async () => {
    const ticket = await desk.open({ settings: silent });
    await ticket.reply();
    const before = await countTicket(ticket.handle);
    await expect(ticket.send('close', {})).rejects.toThrow(WorkflowUpdateFailedError);
    await expect(ticket.send('reopen', { reason: 'no content id' as never })).rejects.toThrow(WorkflowUpdateFailedError);
    const after = await countTicket(ticket.handle);
    expect(after.events - before.events).toBeLessThanOrEqual(budgets.refusal.events);
    expect(after.transitions).toBe(before.transitions);
    await ticket.send('close', { cause: 'spam' });
  });
});

/** An event that arrives after so many attempts in vain. */
async function countWebhook(failures: number): Promise<TicketCounts> {
  const queueSuffix = `-${randomUUID()}`;
  let left = failures;
  const attemptWebhook: WebhookActivities['attemptWebhook'] = () => {
    if ((left -= 1) >= 0) return Promise.reject(tryAgain('webhook.retry', ['http_500'], 1));
    return Promise.resolve({ state: 'succeeded', disabled: false });
  };
  const common = { connection: env.nativeConnection, namespace: 'usher' };
  const core = await Worker.create({
    ...common,
    taskQueue: taskQueue('core', queueSuffix),
    workflowBundle: { codePath: inject('bundle') },
  });
  const outbound = await Worker.create({ ...common, taskQueue: taskQueue('outbound', queueSuffix), activities: { attemptWebhook } });
  const which = { tenant: demo.tenant, endpoint: randomUUID(), delivery: randomUUID(), round: 1, event: randomUUID() };
  const options = webhookStartOptions({ ...which, type: 'ticket.created', subject: 'ticket/TKT-1', isReplay: false }, queueSuffix);
  return core.runUntil(
    outbound.runUntil(async () => {
      const handle = await env.client.workflow.start(webhookWorkflowType, options);
      await handle.result();
      return countTicket(handle);
    }),
  );
}

test('an event on its way to an endpoint stays within its budget, and another attempt adds next to nothing', async () => {
  const [at, late] = [await countWebhook(0), await countWebhook(5)];
  expect.soft(at.transitions).toBeLessThanOrEqual(budgets.webhook.transitions);
  expect.soft(at.events).toBeLessThanOrEqual(budgets.webhook.events);
  expect.soft(at.upserts).toBe(0);
  expect.soft(late.transitions - at.transitions).toBeLessThanOrEqual(5 * budgets.webhook.attempt);
  expect.soft(late.events).toBe(at.events);
});

/** Statements of each command; null: the machine stood still in one, which then was tried again. */
async function projectedBy(): Promise<number[] | null> {
  const ticket = await desk.open({ settings: silent });
  const content = await ticket.text('message');
  const commands = [
    () => ticket.send('reply', { content }), // two events
    () => ticket.send('hold', {}),
    () => ticket.send('close', { cause: 'spam' }),
  ];
  const counted: number[] = [];
  for (const command of commands) {
    statements = 0;
    if (!(await command()).projected) return null;
    counted.push(statements);
  }
  return counted;
}

test('a command is projected by one statement, besides the one that sets the tenant', async () => {
  let counted = await projectedBy();
  while (counted === null) counted = await projectedBy();
  for (const count of counted) expect(count).toBeLessThanOrEqual(budgets.projection.withSetConfig);
});

describe('the bundle', () => {
  test('stays small: every cached workflow pays for what it holds', () => {
    expect(readFileSync(inject('bundle')).byteLength).toBeLessThanOrEqual(budgets.bundleBytes);
  });

  test.each(['zod', '@marcbachmann/cel-js', 'pg', 'hono', 'kysely', 'sanitize-html'])('holds nothing of %s', (name) => {
    expect(readFileSync(inject('bundle'), 'utf8')).not.toMatch(new RegExp(`node_modules/${name}/`));
  });

  test('is loaded once for all workflows', () => {
    const modules = modulesOf(readFileSync(inject('bundle'), 'utf8'));
    const shared = new Set<string>();
    const visit = (name: string): void => {
      if (shared.has(name)) return;
      shared.add(name);
      modules.get(name)?.forEach(visit);
    };
    visit('./workflows/preload.ts');
    expect(shared.size).toBeGreaterThan(80);
    const ours = Array.from(modules.keys()).filter((name) => /^\.\/(domain|workflows)\//.test(name));
    expect(ours.filter((name) => !shared.has(name))).toEqual([]);
  });

  test('is made of what it should be: the check above sees packages', () => {
    expect(readFileSync(inject('bundle'), 'utf8')).toMatch(/node_modules\/@temporalio\/workflow\//);
  });
});

/** Modules of a bundle with those each one needs. */
function modulesOf(bundle: string): Map<string, string[]> {
  const parts = bundle.split(/^\/\*\*\*\/ "(?=\.\/)/m).slice(1);
  return new Map(
    parts.map((part) => [
      part.slice(0, part.indexOf('"')),
      Array.from(part.matchAll(/__webpack_require__\(\/\*! [^*]* \*\/ "([^"]+)"\)/g), ([, needed]) => needed ?? ''),
    ]),
  );
}
