/** Webhook endpoints over the routes: who may, what is shown once, what is checked, and what is sent again. Source: api-surfaces.md, section 2; security.md, T1, T13, T39. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createApp } from '../../api/app.js';
import { fanOut, releaseDeliveries } from '../../db/queries/webhook-relay.js';
import { publishEvents } from '../../db/queries/stream-relay.js';
import { claimWebhook, settleWebhook } from '../../db/queries/webhook-attempts.js';
import { turnReplayPage } from '../../db/queries/webhook-deliveries.js';
import { createSecretBox } from '../../db/secret-box.js';
import { demo, otherTenant, secretKeys, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const admin = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply> =>
  stage.call('admin', method, path, body, headers);
const match = (reply: Reply): Record<string, string> => ({ 'if-match': `"${reply.body.revision}"` });

const fields = { url: 'https://hooks.example.com/usher', types: ['ticket.*'], description: 'The warehouse' };
const made = async (changes: object = {}): Promise<Reply> => {
  const reply = await admin('POST', '/v1/webhook-endpoints', { ...fields, ...changes });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return reply;
};
const pathOf = ({ body }: Reply): string => `/v1/webhook-endpoints/${body.id}`;

/** What the relays do in one round each. */
async function bring(): Promise<void> {
  await publishEvents(stage.database.relay, 500);
  await stage.sql((tx) => fanOut(tx, demo.tenant, 500));
}
const sentTo = async (endpoint: Reply, query = ''): Promise<Reply['body'][]> =>
  (await admin('GET', `${pathOf(endpoint)}/deliveries${query}`)).body.data;

/** Every delivery whose turn has come, answered so. */
async function answer(status: number): Promise<void> {
  const due = (await releaseDeliveries(stage.database.relay, { leaseMs: 1_000, limit: 64 })) ?? [];
  for (const { id, round } of due) {
    await stage.sql(async (tx) => {
      const now = Date.now();
      const claim = await claimWebhook(tx, { tenant: demo.tenant, delivery: id, round, lease: randomUUID(), leaseMs: 25_000, now });
      if (claim.kind !== 'claimed') throw new Error(claim.kind);
      const verdict = { kind: status < 300 ? 'succeeded' : 'failed', code: `http_${status}`, restMs: null } as const;
      const after = { state: verdict.kind };
      await settleWebhook(tx, claim.webhook, { verdict, after, status, answer: 'said', durationMs: 12, now });
    });
  }
}

test.each<[string, string, object?]>([
  ['GET', '/v1/webhook-endpoints'],
  ['POST', '/v1/webhook-endpoints', fields],
  ['GET', '/v1/webhook-endpoints/ID'],
  ['PATCH', '/v1/webhook-endpoints/ID', {}],
  ['DELETE', '/v1/webhook-endpoints/ID'],
  ['POST', '/v1/webhook-endpoints/ID/rotate-secret'],
  ['POST', '/v1/webhook-endpoints/ID/test'],
  ['POST', '/v1/webhook-endpoints/ID/enable'],
  ['POST', '/v1/webhook-endpoints/ID/disable'],
  ['GET', '/v1/webhook-endpoints/ID/deliveries'],
  ['POST', '/v1/webhook-endpoints/ID/replay', { from: '2026-01-01T00:00:00.000Z', until: '2026-01-02T00:00:00.000Z' }],
  ['GET', '/v1/webhook-deliveries/DELIVERY'],
  ['POST', '/v1/webhook-deliveries/DELIVERY/replay'],
])('%s %s: admins of the tenant, and nobody else', async (method, path, body) => {
  const endpoint = await made();
  const tried = await admin('POST', `${pathOf(endpoint)}/test`, undefined, { prefer: 'respond-async' });
  const real = path.replace('ID', endpoint.body.id).replace('DELIVERY', tried.body.id);
  const others: readonly (readonly [Who, number])[] = [
    ['lead', 403],
    ['agent', 403],
    ['customer', 403],
    ['service', 403],
    ['nobody', 401],
    ...(path.includes('/ID') || path.includes('DELIVERY') ? ([['foreign', 404]] as const) : []),
  ];
  for (const [who, status] of others) {
    const reply = await stage.call(who, method, real, body, { 'if-match': '"1"' });
    expect(reply.status, who).toBe(status);
  }
  const unknown = path.replace(/ID|DELIVERY/, randomUUID());
  if (unknown !== path) expect((await admin(method, unknown, body, { 'if-match': '"1"' })).status).toBe(404);
  expect((await admin('GET', pathOf(endpoint))).body).toMatchObject({ revision: 1, state: 'active' });
});

test('T39: an endpoint is made, its secret shown once and kept sealed', async () => {
  const key = randomUUID();
  const first = await admin('POST', '/v1/webhook-endpoints', { ...fields, includeText: true, product: 'demo' }, { 'idempotency-key': key });
  expect(first.body).toMatchObject({
    ...fields,
    includeText: true,
    product: 'demo',
    state: 'active',
    cause: null,
    createdBy: `user/${demo.admin}`,
  });
  expect(first.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(first.headers.get('location')).toBe(pathOf(first));
  const again = await admin('POST', '/v1/webhook-endpoints', { ...fields, includeText: true, product: 'demo' }, { 'idempotency-key': key });
  expect(again.body).toEqual({ ...first.body, secret: null });
  const { secret: _once, ...shown } = first.body;
  expect((await admin('GET', pathOf(first))).body).toEqual(shown);
  expect((await admin('GET', '/v1/webhook-endpoints?limit=100')).body.data).toContainEqual(shown);
  const bytes = Buffer.from(first.body.secret.slice('whsec_'.length), 'base64');
  const { secret } = await stage.sql((tx) =>
    tx.selectFrom('webhookEndpoint').select('secret').where('id', '=', first.body.id).executeTakeFirstOrThrow(),
  );
  expect(secret.includes(bytes)).toBe(false);
  expect(createSecretBox(secretKeys).open(`${demo.tenant}/webhook_endpoint/${first.body.id}`, secret)).toEqual(bytes);
});

test.each<[string, object, string]>([
  ['no type', { types: [] }, '/types'],
  ['a type that is none', { types: ['Ticket.Created'] }, '/types/0'],
  ['a pattern in the middle', { types: ['*.created'] }, '/types/0'],
  ['no description', { description: '' }, '/description'],
  ['a description over lines', { description: 'a\nb' }, '/description'],
  ['a product key that is none', { product: 'Not A Key' }, '/product'],
  ['a field that does not exist', { secret: 'whsec_mine' }, '/secret'],
  ['a word for a truth', { includeText: 'yes' }, '/includeText'],
  ['an address as long as a book', { url: `https://hooks.example.com/${'x'.repeat(2_000)}` }, '/url'],
])('%s is refused, and nothing is made', async (_, changes, pointer) => {
  const before = (await admin('GET', '/v1/webhook-endpoints?limit=100')).body.data.length;
  const reply = await admin('POST', '/v1/webhook-endpoints', { ...fields, ...changes });
  expect(reply.status).toBe(400);
  expect(reply.body.errors[0].pointer).toBe(pointer);
  expect((await admin('GET', '/v1/webhook-endpoints?limit=100')).body.data).toHaveLength(before);
});

test('a product that is not there is refused', async () => {
  expect((await admin('POST', '/v1/webhook-endpoints', { ...fields, product: 'unknown' })).body.code).toBe('unknown_reference');
});

test('a change needs the revision that was read, and says what it changed', async () => {
  const endpoint = await made();
  const path = pathOf(endpoint);
  expect((await admin('PATCH', path, { types: ['*'] })).body.code).toBe('version_required');
  const changed = await admin(
    'PATCH',
    path,
    { types: ['sla.breached', 'sla.breached'], url: 'https://HOOKS.example.com:443/a b' },
    match(endpoint),
  );
  expect(changed.body).toMatchObject({
    types: ['sla.breached'],
    url: 'https://hooks.example.com/a%20b',
    description: 'The warehouse',
    revision: 2,
  });
  expect(changed.headers.get('etag')).toBe('"2"');
  expect((await admin('PATCH', path, { types: ['*'] }, match(endpoint))).body.code).toBe('version_mismatch');
  expect((await admin('PATCH', path, { product: 'unknown' }, match(changed))).body.code).toBe('unknown_reference');
  expect((await admin('DELETE', path, undefined, match(endpoint))).body.code).toBe('version_mismatch');
  expect((await admin('DELETE', path, undefined, match(changed))).status).toBe(204);
  expect((await admin('GET', path)).status).toBe(404);
  expect((await admin('GET', `${path}/deliveries`)).status).toBe(404);
  const log = await stage.sql((tx) =>
    tx.selectFrom('event').select(['type', 'data']).where('subject', '=', `webhook_endpoint/${endpoint.body.id}`).orderBy('seq').execute(),
  );
  expect(log.map(({ type }) => type)).toEqual(['webhook_endpoint.added', 'webhook_endpoint.changed', 'webhook_endpoint.removed']);
  expect(log[1]?.data).toMatchObject({ changed: ['url', 'types'] });
  expect(JSON.stringify(log)).not.toContain('hooks.example');
});

test('a secret is replaced by another, and both sign for a while', async () => {
  const endpoint = await made();
  const rotated = await admin('POST', `${pathOf(endpoint)}/rotate-secret`, { overlapHours: 2 });
  expect(rotated.body.secret).not.toBe(endpoint.body.secret);
  expect(Math.abs(Date.parse(rotated.body.oldSecretUntil) - Date.now() - 2 * 3_600_000)).toBeLessThan(60_000);
  expect((await admin('POST', `${pathOf(endpoint)}/rotate-secret`, { overlapHours: 169 })).body.errors).toMatchObject([
    { pointer: '/overlapHours' },
  ]);
  const usual = await admin('POST', `${pathOf(endpoint)}/rotate-secret`);
  expect(Math.abs(Date.parse(usual.body.oldSecretUntil) - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000);
});

test('switched off it gets nothing, switched on what comes from then on', async () => {
  const endpoint = await made({ types: ['ticket.created'] });
  const path = pathOf(endpoint);
  await stage.ticket();
  await bring();
  const off = await admin('POST', `${path}/disable`);
  expect(off.body).toMatchObject({ state: 'disabled', cause: 'admin' });
  await stage.ticket();
  await bring();
  expect((await admin('POST', `${path}/disable`)).body).toEqual(off.body);
  expect((await sentTo(endpoint)).map(({ state, reason }) => [state, reason])).toEqual([
    ['dropped', 'disabled'],
    ['dropped', 'disabled'],
  ]);
  const on = await admin('POST', `${path}/enable`);
  expect(on.body).toMatchObject({ state: 'active', cause: null, disabledAt: null, failures: 0 });
  const id = await stage.ticket();
  await bring();
  expect((await sentTo(endpoint, '?state=pending')).map(({ subject }) => subject)).toEqual([`ticket/${id}`]);
  await admin('POST', `${path}/disable`);
});

test('deliveries are listed newest first, by state, type and time, and each shows its attempts', async () => {
  const endpoint = await made({ types: ['ticket.*'] });
  const ids = [await stage.ticket(), await stage.ticket(), await stage.ticket()];
  await stage.call('admin', 'POST', `/v1/tickets/${ids[0]}/hold`);
  await bring();
  await answer(204);
  const all = await sentTo(endpoint);
  expect(all.map(({ type }) => type)).toEqual(['ticket.status_changed', 'ticket.created', 'ticket.created', 'ticket.created']);
  expect(all.map(({ state }) => state)).toEqual(['pending', 'succeeded', 'succeeded', 'succeeded']);
  expect((await sentTo(endpoint, '?state=succeeded&type=ticket.created')).map(({ subject }) => subject)).toEqual(
    ids.toReversed().map((id) => `ticket/${id}`),
  );
  expect(await sentTo(endpoint, '?state=failed,dropped')).toEqual([]);
  expect(await sentTo(endpoint, `?until=${all[3]?.createdAt}`)).toEqual([]);
  expect(await sentTo(endpoint, `?from=${all[3]?.createdAt}`)).toHaveLength(4);
  const page = await admin('GET', `${pathOf(endpoint)}/deliveries?limit=3`);
  const rest = await admin('GET', `${pathOf(endpoint)}/deliveries?limit=3&cursor=${page.body.page.next}`);
  expect([...page.body.data, ...rest.body.data]).toEqual(all);
  expect((await admin('GET', `${pathOf(endpoint)}/deliveries?state=waiting`)).body.code).toBe('unknown_parameter');
  expect((await admin('GET', `/v1/webhook-deliveries/${all[1]?.id}`)).body).toMatchObject({
    ...all[1],
    attempts: 1,
    log: [{ n: 1, outcome: 'succeeded', code: 'http_204', status: 204, durationMs: 12, answer: 'said' }],
  });
  await answer(204);
  expect((await sentTo(endpoint))[0]).toMatchObject({ state: 'succeeded' });
});

test('a test is sent at once, and answered with what came of it', async () => {
  const endpoint = await made({ types: ['sla.breached'] });
  const pending = await admin('POST', `${pathOf(endpoint)}/test`);
  expect([pending.status, pending.body.state, pending.body.type]).toEqual([202, 'pending', 'webhook.test']);
  await answer(200);
  const { webhooks } = stage.deps;
  const { testMs } = webhooks;
  Object.assign(webhooks, { testMs: 20_000 });
  onTestFinished(() => void Object.assign(webhooks, { testMs }));
  const answered = admin('POST', `${pathOf(endpoint)}/test`);
  await vi.waitFor(async () => expect(await sentTo(endpoint, '?state=pending')).toHaveLength(1), { timeout: 120_000, interval: 5 });
  await answer(500);
  expect((await answered).body).toMatchObject({ state: 'failed', log: [{ status: 500 }] });
  expect((await answered).status).toBe(200);
  await bring();
  expect(await sentTo(endpoint)).toHaveLength(2);
});

test('one delivery is sent again under its event, unless the endpoint is off', async () => {
  const endpoint = await made({ types: ['ticket.created'] });
  await stage.ticket();
  await bring();
  await answer(500);
  const [failed] = await sentTo(endpoint, '?state=failed');
  const again = await admin('POST', `/v1/webhook-deliveries/${failed.id}/replay`);
  expect([again.status, again.body.state, again.body.event]).toEqual([202, 'pending', failed.event]);
  await answer(200);
  expect((await admin('GET', `/v1/webhook-deliveries/${failed.id}`)).body).toMatchObject({ state: 'succeeded', attempts: 2 });
  await admin('POST', `${pathOf(endpoint)}/disable`);
  expect((await admin('POST', `/v1/webhook-deliveries/${failed.id}/replay`)).body.code).toBe('endpoint_disabled');
});

test('a time is sent again as a job that adds up', async () => {
  const endpoint = await made({ types: ['ticket.created'] });
  const path = pathOf(endpoint);
  await admin('POST', `${path}/disable`);
  for (let n = 0; n < 3; n += 1) await stage.ticket();
  await bring();
  const range = { from: '2000-01-01T00:00:00.000Z', until: '2100-01-01T00:00:00.000Z' };
  expect((await admin('POST', `${path}/replay`, range)).body.code).toBe('endpoint_disabled');
  await admin('POST', `${path}/enable`);
  expect((await admin('POST', `${path}/replay`, { ...range, until: range.from })).body.errors).toMatchObject([{ pointer: '/until' }]);
  const job = await admin('POST', `${path}/replay`, range);
  expect(job.status).toBe(202);
  expect(job.body).toMatchObject({
    kind: 'webhook_replay',
    state: 'running',
    total: 3,
    ok: 0,
    subject: `webhook_endpoint/${endpoint.body.id}`,
  });
  const jobPath = `/v1/jobs/${job.body.id}`;
  expect(job.headers.get('location')).toBe(jobPath);
  const turn = (limit: number) => stage.sql((tx) => turnReplayPage(tx, demo.tenant, limit));
  expect((await admin('POST', `${jobPath}/pause`)).body.state).toBe('paused');
  expect(await turn(2)).toBeNull();
  expect((await admin('POST', `${jobPath}/resume`)).body.state).toBe('running');
  expect([await turn(2), await turn(2)]).toEqual([2, 1]);
  expect((await admin('GET', jobPath)).body).toMatchObject({ state: 'running', ok: 0, endedAt: null });
  await answer(200);
  const over = (await admin('GET', jobPath)).body;
  expect(over).toMatchObject({ state: 'done', total: 3, ok: 3, failed: 0, skipped: 0 });
  expect(over.endedAt).not.toBeNull();
  expect((await admin('GET', `${jobPath}/items`)).body.data).toMatchObject([{ result: 'ok' }, { result: 'ok' }, { result: 'ok' }]);
  expect((await admin('GET', `${jobPath}/items?outcome=failed`)).body.data).toEqual([]);
  expect((await admin('GET', `${jobPath}/result`)).body).toEqual({ outcomes: [{ result: 'ok', outcome: 'succeeded', count: 3 }] });
  expect((await admin('GET', '/v1/jobs')).body.data.map(({ id }: { id: string }) => id)).toContain(job.body.id);
  expect((await stage.call('lead', 'GET', '/v1/jobs')).body.data.map(({ id }: { id: string }) => id)).not.toContain(job.body.id);
  expect((await stage.call('lead', 'GET', jobPath)).status).toBe(404);
});

test('a replay that is cancelled drops what has not been sent', async () => {
  const endpoint = await made({ types: ['ticket.created'] });
  for (let n = 0; n < 3; n += 1) await stage.ticket();
  await bring();
  await answer(200);
  const job = await admin('POST', `${pathOf(endpoint)}/replay`, { from: '2000-01-01T00:00:00.000Z', until: '2100-01-01T00:00:00.000Z' });
  await stage.sql((tx) => turnReplayPage(tx, demo.tenant, 2));
  const cancelled = await admin('POST', `/v1/jobs/${job.body.id}/cancel`);
  expect(cancelled.body).toMatchObject({ state: 'cancelled', total: 3, ok: 0, skipped: 3 });
  expect((await sentTo(endpoint)).map(({ state }) => state)).toEqual(['succeeded', 'dropped', 'dropped']);
});

test('T1: another tenant’s events never come near an endpoint', async () => {
  const endpoint = await made({ types: ['*'] });
  await stage.call('foreign', 'POST', '/v1/tickets', {
    product: 'demo',
    subject: 'Theirs',
    description: 'x',
    channel: 'api',
    requester: { email: 'someone@example.com' },
  });
  await publishEvents(stage.database.relay, 500);
  await stage.sql((tx) => fanOut(tx, otherTenant, 500), otherTenant);
  await bring();
  const subjects = (await sentTo(endpoint, '?limit=100')).map(({ subject }) => subject);
  expect(subjects.filter((subject) => String(subject).startsWith('ticket/'))).toEqual([]);
  const { count } = await stage.sql(
    (tx) =>
      tx
        .selectFrom('webhookDelivery')
        .select(sql<number>`count(*)::int`.as('count'))
        .executeTakeFirstOrThrow(),
    otherTenant,
  );
  expect(count).toBe(0);
});

test.each([
  'http://hooks.example.com/',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://[::ffff:10.0.0.1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://localhost/',
  'https://hooks.localhost/',
  'https://hooks.example.com:22/',
  'https://user:password@hooks.example.com/',
  'gopher://hooks.example.com/',
  'not an address',
])('T13: %s is refused where targets have to be public', async (url) => {
  const app = createApp({ ...stage.deps, signIn: { privateTargets: false } });
  const response = await app.request('http://api.test/v1/webhook-endpoints', {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.keys.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...fields, url }),
  });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ code: 'target_not_allowed', errors: [{ pointer: '/url', code: 'target_not_allowed' }] });
});
