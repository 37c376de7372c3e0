/** The whole system with its built-in journeys: tickets that start one, and events that survive a killed worker. Source: journeys.md, section 4; reliability.md, section 1. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { DeskClient } from '../support/desk-client.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack({ journeys: true });
  desk = running.desk;
}, 400_000);
afterAll(() => running[Symbol.asyncDispose]());
afterEach(({ task }) => {
  if (task.result?.state === 'fail')
    process.stderr.write(`--- api\n${running.stack.api.tail()}\n--- worker\n${running.stack.worker.tail()}\n`);
});

interface JourneyRow {
  readonly id: string;
  readonly status: string;
  readonly open_steps: readonly string[];
}
const journeysOf = (template: string, subject: string): Promise<JourneyRow[]> =>
  desk.sql<JourneyRow>('select id, status, open_steps from journey where template_key = $1 and subject_id = $2', [template, subject]);

test('a new ticket starts its journey, which follows what becomes of it', async () => {
  const { status, body } = await desk.createTicket(`c-${randomUUID().slice(0, 8)}@example.com`);
  expect(status).toBe(201);
  const ticket: string = body.id;
  const journey = () => journeysOf('support_resolution', ticket);
  await expect.poll(journey, { timeout: 120_000, interval: 100 }).toMatchObject([{ status: 'active', open_steps: ['issue_diagnosis'] }]);
  const { body: triaged } = await desk.call('GET', `/tickets/${ticket}`);
  expect(triaged.assignee).not.toBeNull();
  expect((await desk.call('POST', `/tickets/${ticket}/resolve`, { resolution: 'Sent again' }, { key: randomUUID() })).status).toBe(200);
  await expect.poll(journey, { timeout: 120_000, interval: 100 }).toMatchObject([{ open_steps: ['customer_verification'] }]);
}, 400_000);

test('events published around the death of the worker start one journey each, and none is lost', async () => {
  const customers = Array.from({ length: 20 }, () => `C-${randomUUID().slice(0, 8)}`);
  const publish = (customerId: string, n: number) =>
    desk.call('POST', '/events', {
      id: `${customerId}/${n}`,
      type: 'crm:customer_created',
      source: 'crm',
      customerId,
      data: { type: 'home' },
    });
  // Each twice under one id, as senders do who did not hear the answer.
  for (const customerId of customers.slice(0, 10))
    for (const status of [202, 200]) expect((await publish(customerId, 1)).status).toBe(status);
  await running.stack.worker.kill('SIGKILL');
  for (const customerId of customers.slice(10)) expect((await publish(customerId, 1)).status).toBe(202);
  await running.stack.worker.start();
  const started = async (): Promise<number> => {
    const rows = await Promise.all(customers.map((customerId) => journeysOf('customer_onboarding', customerId)));
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(1);
    return rows.filter(({ length }) => length === 1).length;
  };
  await expect.poll(started, { timeout: 120_000, interval: 250 }).toBe(20);
  const waiting = () => desk.sql('select id from inbound_event where state = $1', ['pending']);
  await expect.poll(waiting, { timeout: 120_000, interval: 250 }).toEqual([]);
  expect(await started()).toBe(20);
  const entries = await desk.sql<{ result: string }>(`select result from journey_entry where template_key = 'customer_onboarding'`);
  expect(entries.map(({ result }) => result)).toEqual(customers.map(() => 'started'));
}, 400_000);
