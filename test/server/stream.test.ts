/** Live streams on the whole stack: real processes that are killed, restarted and stopped while readers listen. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demo, newApiKey } from '../../db/seed.js';
import type { DeskClient } from '../support/desk-client.js';
import { Sse } from '../support/sse.js';
import type { Message } from '../support/sse.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack();
  desk = running.desk;
}, 400_000);
afterAll(() => running[Symbol.asyncDispose]());

async function listen(path: string, { key = desk.info.credentials.admin, from }: { key?: string; from?: string } = {}): Promise<Sse> {
  const response = await fetch(`${desk.info.apiUrl}/v1${path}`, {
    headers: { authorization: `Bearer ${key}`, ...(from === undefined ? {} : { 'last-event-id': from }) },
  });
  expect(response.status).toBe(200);
  return new Sse(response.body).begun();
}

/** Reads on until a ticket was opened. */
async function untilOpened(reader: Sse, id: string): Promise<Message[]> {
  const seen: Message[] = [];
  while (seen.at(-1)?.data.subject !== `ticket/${id}`) {
    const message = await reader.next();
    if (message === undefined) throw new Error('the stream ended');
    seen.push(message);
  }
  return seen;
}

const open = async (): Promise<string> => {
  const created = await desk.createTicket('stream@example.com');
  expect(created.status).toBe(201);
  return created.body.id;
};

test('an API process that is killed: its reader comes back to the next one, nothing missing, nothing twice', async () => {
  const reader = await listen('/stream?types=ticket.created');
  const first = await untilOpened(reader, await open());
  await running.stack.api.kill('SIGKILL');
  await reader.rest().catch(() => []);
  await running.stack.api.start();
  const more = [await open(), await open()];
  const back = await listen('/stream?types=ticket.created', { from: first.at(-1)?.id ?? '' });
  more.push(await open());
  const seen = await untilOpened(back, more.at(-1) ?? '');
  expect(seen.map(({ data }) => data.subject)).toEqual(more.map((id) => `ticket/${id}`));
  await back.leave();
});

test('a worker that is killed before it has published: told once another one is there', async () => {
  const reader = await listen('/stream?types=customer.erased');
  await running.stack.worker.kill('SIGKILL');
  // Committed while nobody publishes.
  await desk.sql(
    `insert into event (tenant_id, subject, seq, id, type, at, actor, role, source, command_id, run_id, digest, data, routing)
     select $1, 'customer/late', n, gen_random_uuid(), 'customer.erased', now(), 'system/test', 'system', 'system', 'c', 'r', '', '{}', 'routed'
     from generate_series(1, 3) n`,
    [demo.tenant],
  );
  await running.stack.worker.start();
  const told = await reader.take(3);
  expect(told.map(({ data }) => data.seq)).toEqual([1, 2, 3]);
  await reader.leave();
});

test('a journey, from its start to its end', async () => {
  const template = {
    key: 'stream_renewal',
    name: 'Renewal',
    category: 'retention',
    subject: { type: 'customer', id: 'input.customerId' },
    input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
    start: 'call',
    steps: {
      call: {
        kind: 'manual',
        name: 'Call',
        assign: { roles: ['agent'] },
        due: 'P2D',
        outcomes: ['renewed'],
        transitions: [{ to: 'won', outcome: 'renewed' }],
      },
      won: { kind: 'end', outcome: 'renewed', result: 'won' },
    },
  };
  expect((await desk.call('POST', '/journey-templates', template, { as: 'lead' })).status).toBe(201);
  expect((await desk.call('POST', `/journey-templates/${template.key}/publish`, {})).status).toBe(201);
  const inbox = await listen(`/journey-templates/${template.key}/stream?snapshot=false`);
  const started = await desk.call('POST', '/journeys', { template: template.key, input: { customerId: 'cust-7' } });
  expect(started.status).toBe(201);
  const { id } = started.body;
  const reader = await listen(`/journeys/${id}/stream`);
  const snapshot = await reader.next();
  expect(snapshot).toMatchObject({ event: 'snapshot', data: { journey: { id, status: 'active', openSteps: ['call'] } } });
  expect((await desk.call('POST', `/journeys/${id}/advance`, { outcome: 'renewed' })).status).toBe(200);
  const told = await reader.rest();
  expect(told.at(-1)).toMatchObject({ event: 'journey.ended', data: { subject: `journey/${id}` } });
  const numbers = told.map((message) => Number(message.id));
  expect(numbers).toEqual(numbers.map((_, index) => Number(snapshot?.id) + 1 + index));
  expect((await inbox.next())?.data).toMatchObject({ type: 'journey.started', subject: `journey/${id}`, seq: 1 });
  await inbox.leave();
});

/** As many keys of demo agents. */
async function moreKeys(count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, newApiKey);
  for (const [index, key] of keys.entries()) {
    await desk.sql(
      `insert into api_key (tenant_id, id, hash, owner_kind, owner_id, prefix) values ($1, gen_random_uuid(), $2, 'user', $3, $4)`,
      [demo.tenant, createHash('sha256').update(key).digest(), demo.agents[index % demo.agents.length], key.slice(0, 8)],
    );
  }
  return keys;
}

const metrics = async () => (await fetch(`${desk.info.adminUrl}/metrics`)).text();

test('a thousand readers, and the API stops at once when it is told to', async () => {
  const keys = await moreKeys(50);
  const readers = await Promise.all(keys.flatMap((key) => Array.from({ length: 20 }, () => listen('/stream', { key }))));
  expect(readers).toHaveLength(1_000);
  const id = await open();
  await Promise.all(readers.map((reader) => untilOpened(reader, id)));
  // Who left a moment ago may still be counted.
  await expect.poll(metrics).toContain('usher_sse_clients 1000\n');
  const began = Date.now();
  await running.stack.api.stop();
  const took = Date.now() - began;
  // Each was ended, not cut.
  await Promise.all(readers.map((reader) => reader.rest()));
  expect(took).toBeLessThan(15_000);
}, 400_000);
