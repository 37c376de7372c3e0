/** Webhooks on the whole stack: real events at a real receiver, and a worker that is killed while one is on its way. Source: api-surfaces.md, section 2. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeskClient } from '../support/desk-client.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';
import { answering, startReceiver } from '../support/webhook-receiver.js';
import type { WebhookReceiver } from '../support/webhook-receiver.js';

let running: TestStack;
let desk: DeskClient;
let receiver: WebhookReceiver;
let secret = '';

beforeAll(async () => {
  receiver = await startReceiver(() => [secret]);
  running = await startTestStack();
  desk = running.desk;
}, 400_000);
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

test('an event arrives within seconds; a worker killed in an attempt: the same id again, in order, nothing lost', async () => {
  const made = await desk.call('POST', '/webhook-endpoints', { url: receiver.url, types: ['ticket.*'], description: 'Test' });
  expect(made.status).toBe(201);
  secret = made.body.secret;
  const tried = await desk.call('POST', `/webhook-endpoints/${made.body.id}/test`);
  expect([tried.status, tried.body.state]).toEqual([200, 'succeeded']);

  const first = await desk.createTicket('webhooks@example.com');
  await expect
    .poll(() => receiver.received.map(({ body }) => JSON.parse(body).subject), { timeout: 120_000, interval: 20 })
    .toContain(`ticket/${first.body.id}`);

  // The next attempt never comes to an end.
  receiver.behave = () => undefined;
  const before = receiver.received.length;
  const hold = await desk.call('POST', `/tickets/${first.body.id}/hold`);
  expect(hold.status).toBe(200);
  await expect.poll(() => receiver.received.length, { timeout: 120_000, interval: 20 }).toBe(before + 1);
  await running.stack.worker.kill('SIGKILL');
  // Told while nobody is there to tell it.
  receiver.behave = answering(200);
  await running.stack.worker.start();
  await desk.call('POST', `/tickets/${first.body.id}/start`);
  const told = () =>
    receiver.received.slice(before).map(({ id, body, signedBy }) => ({ id, seq: JSON.parse(body).seq, signed: signedBy.length }));
  await expect.poll(() => told().map(({ seq }) => seq), { timeout: 120_000, interval: 200 }).toEqual([2, 2, 3]);
  const [lost, again] = told();
  expect(again).toEqual(lost);
  expect(told().every(({ signed }) => signed === 1)).toBe(true);
  const sent = await desk.call('GET', `/webhook-endpoints/${made.body.id}/deliveries`);
  expect(sent.body.data.map(({ state, attempts }: { state: string; attempts: number }) => [state, attempts])).toEqual([
    ['succeeded', 1],
    ['succeeded', 2],
    ['succeeded', 1],
    ['succeeded', 1],
  ]);
}, 400_000);
