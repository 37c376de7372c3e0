/** Real processes, really killed. After each fault: nothing acknowledged is lost, versions are gapless, at most one mail. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { DeskClient } from '../support/desk-client.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack({ env: { REQUEST_TIMEOUT_MS: '5000' } });
  desk = running.desk;
}, 400_000);
afterAll(() => running[Symbol.asyncDispose]());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail')
    process.stderr.write(`--- api\n${running.stack.api.tail()}\n--- worker\n${running.stack.worker.tail()}\n`);
  await desk.fault({ mode: 'ok' });
});

const customer = (): string => `c-${randomUUID().slice(0, 8)}@example.com`;

/** A ticket whose acknowledgement has arrived. */
const settledTicket = async (email = customer()): Promise<{ id: string; email: string }> => {
  const created = await desk.createTicket(email);
  expect(created.status).toBe(201);
  await desk.untilMails(email, 1);
  return { id: created.body.id, email };
};

test('worker killed between acceptance and projection: the change is projected by the next worker', async () => {
  const { id } = await settledTicket();
  const release = await desk.holdProjections();
  const answer = await desk.call('POST', `/tickets/${id}/hold`, {}, { impatient: true });
  expect(answer.status).toBe(202);
  expect(answer.headers.get('usher-projection')).toBe('pending');
  expect(answer.body).toMatchObject({ status: 'on_hold', version: 2 });
  await running.stack.worker.kill('SIGKILL');
  await release();
  await running.stack.worker.start();
  await expect.poll(() => desk.seqs(id), { timeout: 120_000, interval: 200 }).toEqual([1, 2]);
  expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('on_hold');
  await desk.expectSound(id);
}, 400_000);

test('F1: worker killed during a send, before the mail server had the mail: exactly one mail', async () => {
  const email = customer();
  await desk.fault({ mode: 'delay', match: email, delayMs: 600_000 });
  const created = await desk.createTicket(email);
  const id: string = created.body.id;
  const state = async () => (await desk.sql<{ state: string }>('select state from outbound_message where ticket_id = $1', [id]))[0]?.state;
  await expect.poll(state, { timeout: 120_000 }).toBe('sending');
  await running.stack.worker.kill('SIGKILL');
  const [row] = await desk.sql<{ wire_at: Date | null }>('select wire_at from outbound_message where ticket_id = $1', [id]);
  await desk.fault({ mode: 'ok' });
  await running.stack.worker.start();
  if (row?.wire_at === null) {
    await expect.poll(state, { timeout: 120_000 }).toBe('sent');
    expect(await desk.inbox(email)).toHaveLength(1);
  } else {
    // The dot was on its way: nobody knows, so nobody sends again.
    await expect.poll(state, { timeout: 120_000 }).toBe('unknown');
    expect((await desk.inbox(email)).length).toBeLessThanOrEqual(1);
  }
  await desk.expectSound(id);
}, 300_000);

test('F2: worker killed after the mail server took the mail: one mail, kept as unknown, never sent again', async () => {
  const email = customer();
  await desk.fault({ mode: 'execute_then_timeout', match: email });
  const created = await desk.createTicket(email);
  const id: string = created.body.id;
  await desk.untilMails(email, 1);
  await running.stack.worker.kill('SIGKILL');
  await desk.fault({ mode: 'ok' });
  await running.stack.worker.start();
  const state = async () => (await desk.sql<{ state: string }>('select state from outbound_message where ticket_id = $1', [id]))[0]?.state;
  await expect.poll(state, { timeout: 120_000, interval: 200 }).toBe('unknown');
  await expect.poll(() => desk.seqs(id), { timeout: 120_000 }).toEqual([1, 2]);
  expect(await desk.inbox(email)).toHaveLength(1);
  await desk.expectSound(id);
}, 300_000);

test('F10: API killed before its answer, the call repeated with the same key: the same ticket, one mail', async () => {
  const email = customer();
  const key = randomUUID();
  const release = await desk.holdProjections();
  const lost = desk.createTicket(email, { key }).then(
    () => 'answered',
    () => 'lost',
  );
  const claimed = () =>
    desk.sql<{ ticket_id: string }>(
      `select ticket_id from idempotency where status is null and ticket_id is not null and lease_until > now()`,
    );
  await expect.poll(async () => (await claimed()).length, { timeout: 120_000, interval: 20 }).toBe(1);
  const [claim] = await claimed();
  await running.stack.api.kill('SIGKILL');
  expect(await lost).toBe('lost');
  await release();
  await running.stack.api.start();
  const again = async () => desk.createTicket(email, { key });
  // While the first call's lease lives, the answer is that it may still be running.
  await expect.poll(async () => (await again()).status, { timeout: 120_000, interval: 500 }).toBe(201);
  const answer = await again();
  expect(answer.body.id).toBe(claim?.ticket_id);
  expect(answer.headers.get('idempotency-lookup')).toBe('hit');
  await desk.untilMails(email, 1);
  expect(
    (await desk.sql('select id from ticket where requester_id = (select requester_id from ticket where id = $1)', [answer.body.id])).length,
  ).toBe(1);
  await desk.expectSound(answer.body.id);
}, 400_000);

test('PostgreSQL stopped with accepted commands pending: they are projected in order when it is back', async () => {
  const { id, email } = await settledTicket();
  const release = await desk.holdProjections();
  const answers = [];
  for (const verb of ['hold', 'start', 'resolve']) answers.push(await desk.call('POST', `/tickets/${id}/${verb}`, {}, { impatient: true }));
  expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202]);
  await running.stack.postgres?.stopImmediate();
  await release().catch(() => undefined);
  const away = await desk.call('GET', `/tickets/${id}`, undefined, { impatient: true });
  expect(away.status).toBe(503);
  expect(away.headers.get('retry-after')).not.toBeNull();
  await running.stack.postgres?.start();
  await expect.poll(() => desk.seqs(id).catch(() => []), { timeout: 120_000, interval: 200 }).toEqual([1, 2, 3, 4]);
  await expect.poll(async () => (await desk.call('GET', `/tickets/${id}`)).body?.status, { timeout: 120_000 }).toBe('resolved');
  await desk.untilMails(email, 2);
  await desk.expectSound(id);
}, 400_000);

test('F13: Temporal killed and started again on its file: commands 503 within 5 s, reads work, everything acknowledged goes on', async () => {
  const { id } = await settledTicket();
  await desk.call('POST', `/tickets/${id}/hold`, {});
  await running.stack.temporal?.kill();
  const started = performance.now();
  const refused = await desk.call('POST', `/tickets/${id}/start`, {}, { impatient: true });
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  expect(['engine_unavailable', 'command_unconfirmed']).toContain(refused.body.code);
  expect((await desk.call('GET', `/tickets/${id}`)).body).toMatchObject({ status: 'on_hold', version: 2 });
  const ready = await fetch(`${desk.info.adminUrl}/readyz`);
  expect(ready.status).toBe(503);
  await running.stack.temporal?.start();
  await expect
    .poll(async () => (await desk.call('POST', `/tickets/${id}/start`, {})).status, { timeout: 120_000, interval: 500 })
    .toBe(200);
  expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('in_progress');
  await running.stack.untilReady();
  await desk.expectSound(id);
}, 400_000);
