/** What the packages tell the desk of their own accord, and how they take a mistake of ours. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startPackages } from '../../../local/packages/server.js';
import type { Packages } from '../../../local/packages/server.js';

interface Told {
  readonly key: string | undefined;
  readonly event: { readonly id: string; readonly type: string };
}

let desk: Server;
let told: Told[];
/** What the desk answers, in order; 202 when there is nothing left. */
let answers: number[];
let packages: Packages;

beforeEach(async () => {
  told = [];
  answers = [];
  desk = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      told.push({ key: request.headers.authorization, event: JSON.parse(Buffer.concat(chunks).toString()) as Told['event'] });
      response.writeHead(answers.shift() ?? 202).end();
    });
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(desk.address() as AddressInfo).port}/v1/events`;
  packages = await startPackages({ port: 0, events: { url, key: 'a key', delayMs: 10, pausesMs: [20, 20] }, log: () => undefined });
});
afterEach(async () => {
  await packages.stop();
  await new Promise((resolve) => desk.close(resolve));
});

const post = (path: string, body: unknown, key: string | null = 'k-1'): Promise<Response> =>
  fetch(packages.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  });

const handoff = (to: string, data: Record<string, string> = { customerId: 'C-1', serviceType: 'fiber' }) => ({
  handoffId: 'JRN-1.s.1',
  journeyId: 'JRN-1',
  from: 'crm',
  to,
  data,
});

describe('an accepted handoff', () => {
  test('to the business logic is followed by an activated service', async () => {
    await post('/business-logic/handoffs', handoff('business-logic'));
    await expect.poll(() => told).toHaveLength(1);
    expect(told[0]).toEqual({
      key: 'Bearer a key',
      event: {
        id: expect.stringMatching(/^pkg-[0-9a-f]{24}$/),
        type: 'service:activated',
        source: 'business-logic',
        customerId: 'C-1',
        journeyId: 'JRN-1',
        data: { serviceId: expect.stringMatching(/^SVC-/), serviceType: 'fiber', installationType: 'standard' },
      },
    });
  });

  test('to field operations is followed by a date', async () => {
    await post('/field-ops/handoffs', handoff('field-ops'));
    await expect.poll(() => told.map(({ event }) => event.type)).toEqual(['field-ops:installation_scheduled']);
  });

  test('repeated under its key is told once', async () => {
    const [first, second] = [
      await post('/field-ops/handoffs', handoff('field-ops')),
      await post('/field-ops/handoffs', handoff('field-ops')),
    ];
    expect(await second.json()).toEqual(await first.json());
    await post('/field-ops/handoffs', handoff('field-ops'), 'k-2');
    await expect.poll(() => told).toHaveLength(2);
    expect(new Set(told.map(({ event }) => event.id)).size).toBe(2);
  });
});

test('a desk that is busy hears it again as the same event, one that refuses does not', async () => {
  answers = [503, 429];
  await post('/field-ops/handoffs', handoff('field-ops'));
  await expect.poll(() => told).toHaveLength(3);
  expect(new Set(told.map(({ event }) => event.id)).size).toBe(1);
  answers = [403];
  for (const key of ['k-2', 'k-3', 'k-4', 'k-5']) {
    const before = told.length;
    await post('/field-ops/handoffs', handoff('field-ops'), key);
    await expect.poll(() => told.length).toBeGreaterThan(before);
  }
  // Another try of the refused one would have come among these.
  expect(new Set(told.slice(3).map(({ event }) => event.id)).size).toBe(told.length - 3);
});

test.each([
  ['no key', handoff('crm'), null, 400, 'idempotency_key_missing'],
  ['no handoff', { to: 'crm' }, 'k-1', 422, 'invalid_request'],
  ['a customer it wants nothing to do with', handoff('crm', { customerId: 'bad-1' }), 'k-1', 409, 'handoff_refused'],
])('%s is a clear no', async (_, body, key, status, code) => {
  const answer = await post('/crm/handoffs', body, key);
  expect([answer.status, await answer.json()]).toEqual([status, { title: code, status, code }]);
});

test('one key for two questions is a mistake', async () => {
  await post('/crm/handoffs', handoff('crm'));
  expect((await post('/crm/handoffs', handoff('crm', { customerId: 'C-2' }))).status).toBe(422);
});

test('a rule that is none is refused, one without a fault ends the one before', async () => {
  const behave = (rule: unknown): Promise<Response> => post('/behave', rule);
  expect((await behave({ path: 'crm' })).status).toBe(400);
  expect((await behave({ path: '/crm', status: 200 })).status).toBe(400);
  await behave({ path: '/crm', status: 500 });
  expect((await post('/crm/handoffs', handoff('crm'))).status).toBe(500);
  await behave({ path: '/crm' });
  expect((await post('/crm/handoffs', handoff('crm'))).status).toBe(200);
});
