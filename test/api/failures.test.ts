/** What callers hear while the engine or the database is away: nothing half done, nothing accepted lost. */
import { afterEach, expect, test } from 'vitest';
import { createAdmin } from '../../api/health/admin.js';
import { createApp } from '../../api/app.js';
import { keepDenials } from '../../api/audit/denials.js';
import { createMetrics } from '../../api/metrics.js';
import { createSigningKeys } from '../../api/signing.js';
import { createHub } from '../../api/stream/hub.js';
import { sourceOf } from '../../api/stream/live.js';
import { createDb } from '../../db/client.js';
import { createDiskFiles } from '../../db/files.js';
import { createSecretBox } from '../../db/secret-box.js';
import { createLogger } from '../../logger.js';
import { countingAlone } from './counting.js';
import { demo, secretKeys, useStage } from './support.js';
import type { Trouble } from './support.js';

const stage = useStage();
const create = { product: 'demo', subject: 's', description: 'd', channel: 'api', requester: { customerId: demo.customers[0] } };

afterEach(() => {
  stage.desk.trouble = null;
  stage.desk.meanwhile = null;
});

test.each([
  ['unavailable', 503, 'engine_unavailable', '2'],
  ['busy', 429, 'engine_busy', '1'],
  ['unconfirmed', 503, 'command_unconfirmed', '2'],
] as const)('engine %s', async (trouble: Trouble, status, code, retryAfter) => {
  const id = await stage.ticket();
  stage.desk.trouble = trouble;
  for (const reply of [
    await stage.call('lead', 'POST', `/v1/tickets/${id}/start`),
    await stage.call('lead', 'POST', '/v1/tickets', create),
  ]) {
    expect([reply.status, reply.body.code, reply.headers.get('retry-after')]).toEqual([status, code, retryAfter]);
  }
  stage.desk.trouble = null;
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}`)).body.status).toBe('new');
  expect(await stage.metrics.registry.getSingleMetricAsString('usher_command_seconds')).toContain(`verb="start",outcome="${trouble}"`);
});

test('an unconfirmed command names the key that repeats it', async () => {
  const id = await stage.ticket();
  stage.desk.trouble = 'unconfirmed';
  const mine = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, { 'idempotency-key': 'mine' });
  expect(mine.body.idempotencyKey).toBe('mine');
  const made = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`);
  expect(made.body.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
});

test('accepted while PostgreSQL lags: 202 with the state the workflow returned', async () => {
  const id = await stage.ticket();
  stage.desk.trouble = 'unprojected';
  const reply = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, { 'idempotency-key': 'lag' });
  expect(reply.status).toBe(202);
  expect(
    Object.fromEntries(['usher-projection', 'location', 'retry-after', 'etag'].map((name) => [name, reply.headers.get(name)])),
  ).toEqual({
    'usher-projection': 'pending',
    location: `/v1/tickets/${id}`,
    'retry-after': '2',
    etag: '"2"',
  });
  expect(reply.body).toMatchObject({ id, status: 'in_progress', version: 2 });
  expect(reply.body.subject).toBeUndefined();
  const made = await stage.call('lead', 'POST', '/v1/tickets', create);
  expect([made.status, made.body.version]).toEqual([202, 1]);
  const message = await stage.call('lead', 'POST', `/v1/tickets/${id}/messages`, { body: 'hello' });
  expect([message.status, message.body]).toEqual([202, { id: message.body.id, ticket: id, version: 3 }]);
  const again = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, { 'idempotency-key': 'lag' });
  expect([again.status, again.headers.get('usher-projection')]).toEqual([202, 'pending']);
});

test('not waiting for the result', async () => {
  const id = await stage.ticket();
  const reply = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, { prefer: 'respond-async' });
  expect([reply.status, reply.headers.get('preference-applied'), reply.headers.get('location')]).toEqual([
    202,
    'respond-async',
    `/v1/tickets/${id}`,
  ]);
  expect(reply.body).toEqual({ id, commandId: expect.stringMatching(/^k-/) as string });
  const message = await stage.call('lead', 'POST', `/v1/tickets/${id}/messages`, { body: 'x' }, { prefer: 'respond-async' });
  expect(message.body.id).toBe(id);
});

test('a command to a number without workflow or row', async () => {
  const id = await stage.ticket();
  stage.desk.trouble = 'gone';
  expect((await stage.call('lead', 'POST', `/v1/tickets/${id}/start`)).body.code).toBe('ticket.closed');
});

/** The same app on a database that can be lost. */
function appOn(url: string) {
  const db = createDb({ url, role: 'usher_app', pool: 2, name: 'test-lost', onBroken: () => undefined });
  const app = createApp({
    db,
    commands: stage.desk,
    reprojections: stage.jobs,
    batches: stage.batches,
    erasures: stage.erasures,
    journeys: stage.journeys,
    streams: createHub({ source: sourceOf(db, () => undefined), now: Date.now }),
    metrics: createMetrics(),
    requests: countingAlone(),
    denials: keepDenials({ db, log: createLogger({ level: 'silent', pretty: false, name: 'test' }), now: () => Date.now() }),
    files: createDiskFiles('/nowhere'),
    keys: createSigningKeys(secretKeys),
    log: createLogger({ level: 'silent', pretty: false, name: 'test' }),
    now: () => Date.now(),
    answerWithin: 5_000,
    publicUrl: 'http://api.test',
    signIn: { privateTargets: false },
    webhooks: { secrets: createSecretBox(secretKeys), testMs: 0 },
    webUi: { url: 'http://ui.test', namespace: 'usher' },
  });
  const call = (method: string, path: string, headers = {}, body?: unknown) =>
    app.request(path, {
      method,
      headers: { authorization: `Bearer ${stage.keys.lead}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return { db, call };
}

test('the database away before anything is sent: 503, nothing done', async () => {
  const id = await stage.ticket();
  const { db, call } = appOn(stage.database.url.replace(/:\d+\//, ':1/'));
  const reply = await call('POST', `/v1/tickets/${id}/start`);
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '2']);
  expect(await reply.json()).toMatchObject({ code: 'database_unavailable' });
  expect(stage.desk.received.filter((command) => command.id === id)).toHaveLength(1);
  await db.destroy();
});

test('the database lost once the command is in: never an error', async () => {
  const id = await stage.ticket();
  const { db, call } = appOn(stage.database.url);
  stage.desk.meanwhile = () => db.destroy();
  const reply = await call('POST', `/v1/tickets/${id}/start`, { 'idempotency-key': 'lost' });
  expect([reply.status, reply.headers.get('usher-projection')]).toEqual([200, null]);
  expect(await reply.json()).toMatchObject({ id, status: 'in_progress', subject: 'It does not start' });
});

test('the database lost before an answer that needs it: 202, never an error', async () => {
  const id = await stage.ticket();
  const { db, call } = appOn(stage.database.url);
  stage.desk.meanwhile = () => db.destroy();
  const reply = await call('POST', `/v1/tickets/${id}/notes`, {}, { body: 'Call back' });
  expect([reply.status, reply.headers.get('usher-projection')]).toEqual([202, 'pending']);
  expect(await reply.json()).toMatchObject({ ticket: id, version: 2 });
});

test('T29: an unknown error says its request id and nothing else', async () => {
  const id = await stage.ticket();
  stage.desk.meanwhile = () => Promise.reject(new Error('secret detail'));
  const reply = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, { 'x-request-id': 'odd' });
  expect([reply.status, reply.body.code, reply.body.requestId]).toEqual([500, 'internal', 'odd']);
  expect(JSON.stringify(reply.body)).not.toContain('secret');
});

const fails = (): Promise<void> => Promise.reject(new Error('away'));

const works = (): Promise<void> => Promise.resolve();

test('readiness names the failing part, liveness does not care', async () => {
  const metrics = createMetrics();
  const admin = createAdmin({ metrics, now: () => Date.now(), checks: { database: works, temporal: fails } });
  const ready = await admin.request('/readyz');
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false, failing: ['temporal'] }]);
  expect((await admin.request('/livez')).status).toBe(200);
  const well = createAdmin({ metrics, now: () => Date.now(), checks: { database: works } });
  expect((await well.request('/readyz')).status).toBe(200);
  metrics.command('start', 'ok', 0.02);
  expect(await (await well.request('/metrics')).text()).toContain('usher_command_seconds_bucket');
});
