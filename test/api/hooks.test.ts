/** Callbacks in: who may be believed, what is kept, and what is not. Source: api-surfaces.md, section 3; security.md, T16; reliability.md, R10 and F27. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { demo, useStage } from './support.js';
import type { Reply } from './support.js';

const stage = useStage();
const admin = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply> =>
  stage.call('admin', method, path, body, headers);
let count = 0;

const made = async (fields: object = {}): Promise<Reply['body']> => {
  const reply = await admin('POST', '/v1/hook-endpoints', {
    provider: 'standard',
    name: `shop-${(count += 1)}`,
    description: 'Shop',
    ...fields,
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return reply.body;
};

const now = (): number => Math.floor(Date.now() / 1_000);
/** As a sender would sign, by the standard alone. */
const standard = (secret: string, body: string, { id = `msg_${randomUUID()}`, at = now() } = {}): Record<string, string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(at),
  'webhook-signature': `v1,${createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(`${id}.${at}.${body}`)
    .digest('base64')}`,
});
const plain = (secret: string, body: string, at = now()): Record<string, string> => ({
  'usher-timestamp': String(at),
  'usher-signature': createHmac('sha256', secret).update(`${at}.${body}`).digest('hex'),
});
const post = (path: string, body: string, headers: Record<string, string>): Promise<Reply> =>
  stage.call('nobody', 'POST', path, body, { ...headers, 'content-type': 'application/json' });
const events = (source: string) =>
  stage.sql((tx) =>
    tx.selectFrom('inboundEvent').select(['id', 'type', 'data', 'customerId', 'actor']).where('source', '=', source).execute(),
  );

const order = JSON.stringify({
  type: 'shop:order_paid',
  timestamp: '2026-11-22T10:00:00Z',
  data: { order: 'A-1' },
  customerId: 'c-1',
  extra: 1,
});

test('a signed event is kept once, however often it comes', async () => {
  const hook = await made();
  expect(hook.path).toBe(`/v1/hooks/standard/demo.${hook.name}`);
  const headers = standard(hook.secret, order, { id: 'msg_1' });
  expect((await post(hook.path, order, headers)).body).toEqual({ result: 'accepted' });
  expect((await post(hook.path, order, headers)).body).toEqual({ result: 'duplicate' });
  expect((await post(hook.path, order, standard(hook.secret, order, { id: 'msg_1', at: now() - 60 }))).body).toEqual({
    result: 'duplicate',
  });
  const source = `standard/${hook.name}`;
  expect(await events(source)).toEqual([
    { id: `${source}/msg_1`, type: 'shop:order_paid', data: { order: 'A-1' }, customerId: 'c-1', actor: `system/hook-${hook.name}` },
  ]);
});

test('the same id from two senders is two events', async () => {
  const [one, other] = [await made(), await made()];
  for (const hook of [one, other])
    expect((await post(hook.path, order, standard(hook.secret, order, { id: 'same' }))).body.result).toBe('accepted');
});

test('a CRM signs instant and body, and names its event in the body', async () => {
  const hook = await made({ provider: 'crm', secret: 'a-secret-of-the-CRM-itself' });
  const body = JSON.stringify({ id: 'crm-1', type: 'crm:lead_converted', data: {}, leadId: 'l-1' });
  expect((await post(hook.path, body, plain(hook.secret, body))).body).toEqual({ result: 'accepted' });
  expect((await post(hook.path, body, plain(hook.secret, body, now() - 5))).body).toEqual({ result: 'duplicate' });
  expect((await post(hook.path, body, plain(hook.secret, `${body} `))).body.code).toBe('signature_invalid');
});

test('T16: who cannot sign, signed something else or signed long ago is not believed', async () => {
  const [hook, other] = [await made(), await made()];
  const good = standard(hook.secret, order);
  const bad: readonly Record<string, string>[] = [
    {},
    { ...good, 'webhook-signature': '' },
    { ...good, 'webhook-id': 'another' },
    { ...good, 'webhook-timestamp': String(now() - 1) },
    standard(other.secret, order),
    standard(`whsec_${randomBytes(32).toString('base64')}`, order),
    standard(hook.secret, `${order} `),
    standard(hook.secret, order, { at: now() - 400 }),
    standard(hook.secret, order, { at: now() + 400 }),
  ];
  for (const headers of bad) {
    const reply = await post(hook.path, order, headers);
    expect([reply.status, reply.body.code], JSON.stringify(headers)).toEqual([401, 'signature_invalid']);
  }
  expect(await events(`standard/${hook.name}`)).toEqual([]);
});

test.each(['/v1/hooks/standard/demo.unknown', '/v1/hooks/standard/other.shop-1', '/v1/hooks/standard/demo', '/v1/hooks/standard/..'])(
  '%s is nobody’s',
  async (path) => {
    const { secret } = await made();
    expect((await post(path, order, standard(secret, order))).status).toBe(404);
  },
);

test('a hook of one provider is none of another', async () => {
  const hook = await made();
  expect((await post(hook.path.replace('standard', 'crm'), order, plain(hook.secret, order))).status).toBe(404);
});

test.each<[string, string, string]>([
  ['no JSON', '{', 'malformed_json'],
  ['no object', '[]', 'invalid_request'],
  ['no type', '{"data":{}}', 'invalid_request'],
  ['a type that only we give', '{"type":"usher.tick"}', 'invalid_request'],
  ['data that are no object', '{"type":"a","data":1}', 'invalid_request'],
  ['a member nobody may name', '{"type":"a","data":{"__proto__":1}}', 'too_deep'],
  ['a well of brackets', `{"type":"a","data":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`, 'too_deep'],
])('signed, but %s: refused, and nothing kept', async (_, body, code) => {
  const hook = await made();
  const reply = await post(hook.path, body, standard(hook.secret, body));
  expect([reply.status, reply.body.code]).toEqual([400, code]);
  expect(await events(`standard/${hook.name}`)).toEqual([]);
});

test('what is too large is not even looked at', async () => {
  const hook = await made();
  const body = JSON.stringify({ type: 'a', data: { text: 'x'.repeat(1024 * 1024) } });
  expect((await post(hook.path, body, standard(hook.secret, body))).body.code).toBe('too_large');
});

test('both secrets count until the overlap is over', async () => {
  const hook = await made();
  const rotated = (await admin('POST', `/v1/hook-endpoints/${hook.id}/rotate-secret`, { overlapHours: 1 })).body;
  for (const secret of [hook.secret, rotated.secret]) expect((await post(hook.path, order, standard(secret, order))).status).toBe(200);
  const last = (await admin('POST', `/v1/hook-endpoints/${hook.id}/rotate-secret`, { overlapHours: 0 })).body;
  expect((await post(hook.path, order, standard(rotated.secret, order))).status).toBe(401);
  expect((await post(hook.path, order, standard(last.secret, order))).status).toBe(200);
});

test('hooks are for admins; names are taken once; what is removed takes nothing more', async () => {
  const hook = await made({ name: 'taken' });
  for (const who of ['lead', 'agent', 'customer', 'service'] as const) {
    expect((await stage.call(who, 'GET', '/v1/hook-endpoints')).status).toBe(403);
    expect((await stage.call(who, 'POST', '/v1/hook-endpoints', { provider: 'crm', name: 'x', description: 'x' })).status).toBe(403);
  }
  expect((await stage.call('foreign', 'GET', `/v1/hook-endpoints/${hook.id}`)).status).toBe(404);
  const fields = { provider: 'standard', name: 'taken', description: 'x' };
  expect((await admin('POST', '/v1/hook-endpoints', fields)).body).toMatchObject({ code: 'already_exists', pointer: '/name' });
  expect((await admin('POST', '/v1/hook-endpoints', { ...fields, name: 'Not OK' })).body.errors[0].pointer).toBe('/name');
  expect((await admin('POST', '/v1/hook-endpoints', { ...fields, name: 'ok', secret: 'short' })).body.errors[0].pointer).toBe('/secret');
  const { secret: _once, ...shown } = hook;
  expect((await admin('GET', `/v1/hook-endpoints/${hook.id}`)).body).toEqual(shown);
  expect((await admin('GET', '/v1/hook-endpoints?limit=100')).body.data).toContainEqual(shown);
  expect((await admin('DELETE', `/v1/hook-endpoints/${hook.id}`)).body.code).toBe('version_required');
  expect((await admin('DELETE', `/v1/hook-endpoints/${hook.id}`, undefined, { 'if-match': '"1"' })).status).toBe(204);
  expect((await post(hook.path, order, standard(hook.secret, order))).status).toBe(404);
  const log = await stage.sql((tx) =>
    tx
      .selectFrom('event')
      .select('type')
      .where('tenantId', '=', demo.tenant)
      .where('subject', '=', `hook/${hook.id}`)
      .orderBy('seq')
      .execute(),
  );
  expect(log.map(({ type }) => type)).toEqual(['hook.added', 'hook.removed']);
});
