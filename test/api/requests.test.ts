/** Bodies, headers, methods: what comes in is strict, what goes out is guarded. */
import { afterEach, expect, test, vi } from 'vitest';
import { acceptsJson } from '../../api/middleware/accept.js';
import { slowBody } from './slow-body.js';
import { demo, useStage } from './support.js';

const stage = useStage();
const good = { product: 'demo', subject: 's', description: 'd', channel: 'api', requester: { customerId: demo.customers[0] } };
const post = (body: unknown, headers: Record<string, string> = {}) => stage.call('admin', 'POST', '/v1/tickets', body, headers);

test('T3: every field that is none is told, and every other error, with its place', async () => {
  const { status, body } = await post({ ...good, subject: '', channel: 'pigeon', customerId: 'x', tenant: 'y', tags: ['ok', ''] });
  expect(status).toBe(400);
  expect(body.code).toBe('invalid_request');
  expect(body.errors).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ pointer: '/subject', code: 'too_small' }),
      expect.objectContaining({ pointer: '/channel', code: 'invalid_value' }),
      expect.objectContaining({ pointer: '/tags/1' }),
      expect.objectContaining({ pointer: '/customerId', code: 'unknown_field' }),
      expect.objectContaining({ pointer: '/tenant', code: 'unknown_field' }),
    ]),
  );
});

test('what is missing is said to be required', async () => {
  const { body } = await post({ product: 'demo' });
  expect(body.errors).toEqual(expect.arrayContaining([{ pointer: '/subject', code: 'required', message: 'is required' }]));
});

test.each([
  ['subject with a newline', { subject: 'a\nBcc: x@y.example' }],
  ['name with a control character', { requester: { email: 'a@example.com', name: 'a\u0007' } }],
  ['description with a control character', { description: 'a\u0001' }],
  ['no mail address', { requester: { email: 'nobody' } }],
  ['two addresses in one', { requester: { email: 'a@example.com,b@example.com' } }],
  ['no phone number', { requester: { phone: '12' } }],
  ['server fields', { requester: { email: 'a@example.com', id: 'x' } }],
  ['too many tags', { tags: Array.from({ length: 21 }, (_, index) => `t${index}`) }],
  ['a long subject', { subject: 'x'.repeat(301) }],
  ['a long reason', { category: 'x'.repeat(65) }],
  ['too many custom fields', { customFields: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, 1])) }],
  ['a nested custom field', { customFields: { a: { b: 1 } } }],
  ['half a character', { description: 'a\ud800' }],
  ['NUL', { customFields: { a: '\u0000' } }],
])('%s is refused', async (_name, fields) => {
  expect((await post({ ...good, ...fields })).body.code).toBe('invalid_request');
});

test('an address is one, however it is written', async () => {
  const one = await post({ ...good, requester: { email: ' Mixed.Case@Example.COM ' } });
  const other = await post({ ...good, requester: { email: 'mixed.case@example.com' } });
  expect(one.body.requester).toBe(other.body.requester);
});

test.each(['{', '', '{"a":1}{"b":2}', 'null,', '\u00ff{'])('%j is no JSON', async (text) => {
  const reply = await post(text);
  expect([reply.status, reply.body.code]).toEqual([400, text === '' ? 'invalid_request' : 'malformed_json']);
});

test('bytes that are no UTF-8 are no JSON', async () => {
  const response = await stage.app.request('/v1/tickets', {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.keys.admin}`, 'content-type': 'application/json' },
    body: Buffer.from([0x22, 0xff, 0x22]),
  });
  expect(await response.json()).toMatchObject({ code: 'malformed_json' });
});

test.each([
  ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`],
  ['1,001 items', JSON.stringify({ ...good, tags: Array.from({ length: 1001 }, () => 'x') })],
  ['201 keys', JSON.stringify({ ...good, customFields: Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`f${index}`, 1])) })],
  ['__proto__', '{"__proto__":{"admin":true}}'],
  ['constructor', '{"customFields":{"constructor":1}}'],
])('%s are too much', async (_name, text) => {
  expect((await post(text)).body.code).toBe('too_deep');
});

test('bodies and headers have their limits', async () => {
  const large = await post({ ...good, description: 'x'.repeat(300_000) });
  expect(large.body).toMatchObject({ code: 'too_large', limit: 262_144 });
  const response = await stage.app.request('/v1/tickets', { method: 'POST', headers: { 'x-large': 'x'.repeat(17_000) } });
  expect(response.status).toBe(431);
  expect(await response.json()).toMatchObject({ code: 'headers_too_large' });
});

test('a body of a length that is told is read as a whole', async () => {
  const text = JSON.stringify({ ...good, subject: 'Ä' });
  const told = (length: number) => post(text, { 'content-length': String(length) });
  expect((await told(Buffer.byteLength(text))).body.subject).toBe('Ä');
  expect((await told(262_145)).body).toMatchObject({ code: 'too_large', limit: 262_144 });
});

test('other media types are refused', async () => {
  expect((await post(JSON.stringify(good), { 'content-type': 'text/plain' })).body.code).toBe('media_type');
  expect((await post(JSON.stringify(good), { 'content-type': 'application/xml' })).status).toBe(415);
  expect((await post(JSON.stringify(good), { 'content-type': 'application/json; charset=utf-8' })).status).toBe(201);
  const id = await stage.ticket();
  expect(
    (await stage.call('admin', 'PATCH', `/v1/tickets/${id}`, { priority: 'low' }, { 'content-type': 'application/merge-patch+json' }))
      .status,
  ).toBe(200);
});

test.each([
  ['', true],
  ['*/*', true],
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['application/*;q=0.1', true],
  ['text/html, application/xhtml+xml, */*;q=0.8', true],
  ['text/csv', false],
  ['text/html, application/xml;q=0.9', false],
  ['application/problem+json', false],
  ['application/json;q=0', false],
  ['application/json;q=0, */*', false],
  ['*/*;q=0', false],
])('Accept: %s', (header, expected) => {
  expect(acceptsJson(header)).toBe(expected);
});

test('who does not accept JSON is told so before anything is done, as a problem', async () => {
  const csv = { accept: 'text/csv' };
  expect((await stage.call('admin', 'GET', '/v1/tickets?product=*', undefined, csv)).body).toMatchObject({
    status: 406,
    code: 'not_acceptable',
  });
  const before = stage.desk.received.length;
  expect((await post(good, csv)).status).toBe(406);
  expect(stage.desk.received).toHaveLength(before);
  expect((await stage.call('nobody', 'GET', '/v1/tickets?product=*', undefined, csv)).status).toBe(401);
  expect((await stage.call('admin', 'GET', '/docs', undefined, { accept: 'text/html' })).status).toBe(200);
});

afterEach(() => {
  vi.useRealTimers();
});

/** A create that has sent half of its body. */
async function halfSent() {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const { body, awaited, finish } = slowBody(JSON.stringify(good));
  const headers = { authorization: `Bearer ${stage.keys.admin}`, 'content-type': 'application/json' };
  const reply = stage.app.request('/v1/tickets', { method: 'POST', headers, body, duplex: 'half' });
  await awaited;
  return { reply, finish };
}

test('a body has 30 seconds to come in', async () => {
  const { reply } = await halfSent();
  await vi.advanceTimersByTimeAsync(30_000);
  const response = await reply;
  expect([response.status, response.headers.get('connection')]).toEqual([408, 'close']);
  expect(await response.json()).toMatchObject({ code: 'request_timeout' });
});

test('the time a body takes is not taken from the answer', async () => {
  const { reply, finish } = await halfSent();
  await vi.advanceTimersByTimeAsync(29_000);
  finish();
  expect((await reply).status).toBe(201);
});

test('a verb needs no body, and takes no other', async () => {
  const id = await stage.ticket();
  expect((await stage.call('admin', 'POST', `/v1/tickets/${id}/start`, undefined, { 'content-type': 'application/json' })).status).toBe(
    200,
  );
  expect((await stage.call('admin', 'POST', `/v1/tickets/${id}/hold`, {})).status).toBe(200);
  expect((await stage.call('admin', 'POST', `/v1/tickets/${id}/hold`, { untl: 1 })).body.errors).toMatchObject([
    { pointer: '/untl', code: 'unknown_field' },
  ]);
});

test('the row is asked about before the body', async () => {
  const id = await stage.ticket();
  expect((await stage.call('foreign', 'POST', `/v1/tickets/${id}/hold`, '{')).status).toBe(404);
  expect((await stage.call('customer', 'POST', `/v1/tickets/${id}/hold`, '{')).status).toBe(403);
  expect((await stage.call('nobody', 'POST', '/v1/tickets', '{')).status).toBe(401);
});

test('other methods are named', async () => {
  const reply = await stage.call('admin', 'PUT', '/v1/tickets');
  expect([reply.status, reply.body.code, reply.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'GET, HEAD, POST']);
  const one = await stage.call('admin', 'POST', `/v1/tickets/${await stage.ticket()}`);
  expect(one.headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH');
  expect((await stage.call('admin', 'GET', '/v1/nothing')).body.code).toBe('not_found');
});

test('request ids come back, odd ones are replaced', async () => {
  const sent = (id: string) => stage.call('admin', 'GET', '/v1/agents', undefined, { 'x-request-id': id });
  expect((await sent('abc-1')).headers.get('x-request-id')).toBe('abc-1');
  expect((await sent('a b')).headers.get('x-request-id')).not.toBe('a b');
  const refused = await stage.call('nobody', 'GET', '/v1/agents', undefined, { 'x-request-id': 'mine' });
  expect(refused.body.requestId).toBe('mine');
});

test('every answer is guarded', async () => {
  for (const path of ['/v1/agents', '/docs', '/problems', '/operators', '/nothing']) {
    const { headers } = await stage.call('admin', 'GET', path);
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('content-security-policy'), path).toContain("default-src 'none'");
    expect(headers.get('content-security-policy'), path).not.toContain('unsafe');
  }
});

test('T28: no other origin may read an answer, and nobody is known by a cookie', async () => {
  const elsewhere = { origin: 'https://evil.example', cookie: `authorization=${stage.keys.admin}` };
  const known = await stage.call('admin', 'GET', '/v1/agents', undefined, elsewhere);
  expect(known.status).toBe(200);
  expect([...known.headers.keys()].filter((name) => name.startsWith('access-control-') || name === 'set-cookie')).toEqual([]);
  expect((await stage.call('nobody', 'GET', '/v1/agents', undefined, elsewhere)).status).toBe(401);
  const asked = await stage.app.request('http://api.test/v1/agents', {
    method: 'OPTIONS',
    headers: { ...elsewhere, 'access-control-request-method': 'POST' },
  });
  expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([405, null]);
});
