/** Messages, notes, deliveries, attachments. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { demo, useStage } from './support.js';
import type { Who } from './support.js';
import { upload } from './upload.js';

const stage = useStage();
const post = (who: Who, id: string, body: unknown) => stage.call(who, 'POST', `/v1/tickets/${id}/messages`, body);

test('both sides talk; the ticket follows', async () => {
  const id = await stage.ticket({}, 'customer');
  const reply = await post('agent', id, { body: 'Please try again.' });
  expect(reply.status).toBe(201);
  expect(reply.body).toMatchObject({
    ticket: id,
    version: 2,
    kind: 'message',
    author: { kind: 'agent', name: 'Demo Agent 1' },
    deliveries: [{ template: 'reply', recipient: demo.customers[0], state: 'planned', attempts: 0 }],
  });
  expect((await stage.call('agent', 'GET', `/v1/tickets/${id}`)).body).toMatchObject({
    status: 'in_progress',
    firstResponseAt: expect.any(String) as string,
  });
  await stage.call('lead', 'POST', `/v1/tickets/${id}/await-customer`);
  const answer = await post('customer', id, { body: 'It works.\n\tThanks', format: 'text' });
  expect(answer.body).toMatchObject({ author: { kind: 'customer', id: demo.customers[0] }, deliveries: [] });
  expect((await stage.call('agent', 'GET', `/v1/tickets/${id}`)).body.status).toBe('in_progress');
  const talk = await stage.call('customer', 'GET', `/v1/tickets/${id}/messages`);
  expect(talk.body.data.map((message: { body: string }) => message.body)).toEqual([
    'Since this morning.',
    'Please try again.',
    'It works.\n\tThanks',
  ]);
  const paged = await stage.call('customer', 'GET', `/v1/tickets/${id}/messages?limit=2`);
  const rest = await stage.call('customer', 'GET', `/v1/tickets/${id}/messages?limit=2&cursor=${encodeURIComponent(paged.body.page.next)}`);
  expect(rest.body.data).toHaveLength(1);
});

test('a customer’s message reopens a resolved ticket', async () => {
  const id = await stage.ticket({}, 'customer');
  await stage.call('lead', 'POST', `/v1/tickets/${id}/resolve`);
  await post('customer', id, { body: 'Not yet.' });
  expect((await stage.call('customer', 'GET', `/v1/tickets/${id}`)).body.status).toBe('in_progress');
});

test('a reply may resolve, if its author may', async () => {
  const id = await stage.ticket();
  expect((await post('agent', id, { body: 'Done', then: 'resolved' })).body).toMatchObject({
    code: 'forbidden',
    permission: 'ticket.resolve',
  });
  await stage.call('agent', 'POST', `/v1/tickets/${id}/claim`);
  expect((await post('agent', id, { body: 'Done', then: 'resolved' })).status).toBe(201);
  expect((await stage.call('agent', 'GET', `/v1/tickets/${id}`)).body.status).toBe('resolved');
  expect((await post('lead', id, { body: 'x', then: 'waiting_on_customer' })).body.code).toBe('ticket.illegal_move');
});

test('a reply based on an older message is stale, unless forced', async () => {
  const id = await stage.ticket();
  const { data } = (await stage.call('agent', 'GET', `/v1/tickets/${id}/messages`)).body;
  const basedOn = data[0].id;
  expect((await post('agent', id, { body: 'one', basedOn })).status).toBe(201);
  expect((await post('lead', id, { body: 'two', basedOn })).body).toMatchObject({
    code: 'ticket.stale_reply',
    last: expect.any(String) as string,
  });
  expect((await post('lead', id, { body: 'two', basedOn, force: true })).status).toBe(201);
});

test('recipients become participants; wrong ones are named', async () => {
  const id = await stage.ticket();
  const bad = await post('agent', id, {
    body: 'x',
    to: ['ok@example.com', 'nobody', 'a@example.com,b@example.com', 'x@y.example\r\nBcc: z@y.example'],
  });
  expect(bad.body.code).toBe('recipient_invalid');
  expect(bad.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual(['/to/1', '/to/2', '/to/3']);
  const sent = await post('agent', id, { body: 'x', to: ['Fresh@Example.com', 'customer2@example.com', 'fresh@example.com'] });
  expect(sent.body.deliveries).toHaveLength(2);
  const found = await stage.call('agent', 'GET', '/v1/customers?email=fresh@example.com');
  expect(sent.body.deliveries.map((delivery: { recipient: string }) => delivery.recipient)).toEqual(
    expect.arrayContaining([found.body.data[0].id, demo.customers[1]]),
  );
  const again = await post('agent', id, { body: 'y' });
  expect(again.body.deliveries).toHaveLength(3);
  const seen = await stage.call('agent', 'GET', `/v1/messages/${sent.body.id}/deliveries`);
  expect(seen.body.data).toHaveLength(2);
});

test('customers see deliveries to themselves only, and steer nothing', async () => {
  const id = await stage.ticket({}, 'customer');
  const sent = await post('agent', id, { body: 'x', to: ['customer1@example.com', 'customer3@example.com'] });
  const seen = await stage.call('customer', 'GET', `/v1/messages/${sent.body.id}/deliveries`);
  expect(seen.body.data.map((delivery: { recipient: string }) => delivery.recipient)).toEqual([demo.customers[0]]);
  for (const fields of [{ then: 'resolved' }, { to: ['customer2@example.com'] }, { force: true }]) {
    expect((await post('customer', id, { body: 'x', ...fields })).status, JSON.stringify(fields)).toBe(403);
  }
  expect((await stage.call('stranger', 'GET', `/v1/messages/${sent.body.id}/deliveries`)).status).toBe(404);
  expect((await stage.call('admin', 'GET', '/v1/messages/not-an-id/deliveries')).status).toBe(404);
});

test('HTML is made safe on the way in, with its words beside it', async () => {
  const id = await stage.ticket();
  const hostile =
    '<p onclick="x()">Hi <b>there</b><script>alert(1)</script><img src="http://t.example/p.gif"></p><a href="javascript:x()">l</a>';
  const { body } = await post('agent', id, { body: hostile, format: 'html' });
  expect(body.html).not.toMatch(/script|onclick|img|javascript/);
  expect(body.html).toContain('<b>there</b>');
  expect(body.body).toContain('Hi there');
  expect((await post('agent', id, { body: '<script>x</script>', format: 'html' })).body).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/body' }],
  });
});

test('notes are for staff', async () => {
  const id = await stage.ticket({}, 'customer');
  const note = await stage.call('agent', 'POST', `/v1/tickets/${id}/notes`, { body: 'Call back' });
  expect(note.body).toMatchObject({ kind: 'note', visibility: 'internal', deliveries: [] });
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}/notes`)).body.data).toMatchObject([{ body: 'Call back' }]);
  expect((await stage.call('customer', 'GET', `/v1/messages/${note.body.id}/deliveries`)).status).toBe(404);
});

async function attach(
  who: Who,
  id: string,
  {
    name = 'a.txt',
    type = 'text/plain',
    bytes = Buffer.from('hello'),
    said = {},
  }: { name?: string; type?: string; bytes?: Buffer; said?: object } = {},
) {
  const made = await stage.call(who, 'POST', `/v1/tickets/${id}/attachments`, { name, type, size: bytes.length, ...said });
  if (made.status !== 201) return { made, file: '', completed: made };
  const { url, fields } = made.body.upload;
  await upload(stage.app, url, fields, bytes);
  return { made, file: String(made.body.id), completed: await stage.call(who, 'POST', `/v1/attachments/${made.body.id}/complete`) };
}

test('T24: an attachment goes up, is looked at, and comes down by a link', async () => {
  const id = await stage.ticket({}, 'customer');
  const bytes = Buffer.from('hello world');
  const { file, completed } = await attach('agent', id, {
    name: '../../e\u202ev"il.txt',
    bytes,
    said: { sha256: createHash('sha256').update(bytes).digest('hex') },
  });
  expect(completed.body).toMatchObject({ state: 'clean', name: 'ev"il.txt', message: null });
  expect((await stage.call('customer', 'GET', `/v1/attachments/${file}`)).status).toBe(404);
  const sent = await post('agent', id, { body: 'See here', attachments: [file] });
  expect(sent.body.attachments).toMatchObject([{ id: file, name: 'ev"il.txt' }]);
  expect((await stage.call('customer', 'GET', `/v1/attachments/${file}`)).body.message).toBe(sent.body.id);
  const link = await stage.call('customer', 'GET', `/v1/attachments/${file}/content`);
  expect(link.status).toBe(302);
  const { pathname, search, searchParams } = new URL(link.headers.get('location') ?? '');
  const down = await stage.app.request(`${pathname}${search}`);
  expect(await down.text()).toBe('hello world');
  expect(
    Object.fromEntries(
      ['content-disposition', 'x-content-type-options', 'content-security-policy'].map((name) => [name, down.headers.get(name)]),
    ),
  ).toEqual({
    'content-disposition': `attachment; filename="ev_il.txt"; filename*=UTF-8''ev%22il.txt`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  });
  for (const [name, value] of [
    ['expires', '1'],
    ['signature', 'k1.AAAAAAAAAAAAAAAAAAAAAA'],
    ['tenant', '018f3b1e-0000-7000-8000-000000000002'],
  ] as const) {
    const forged = new URLSearchParams(searchParams);
    forged.set(name, value);
    expect((await stage.app.request(`${pathname}?${forged.toString()}`)).status, name).toBe(404);
  }
  expect((await stage.call('foreign', 'GET', `/v1/attachments/${file}`)).status).toBe(404);
  expect((await stage.call('stranger', 'GET', `/v1/attachments/${file}/content`)).status).toBe(404);
});

test.each([
  ['another type than declared', { type: 'image/png', bytes: Buffer.from('no picture') }],
  ['a program said to be text', { bytes: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }],
  ['another hash', { said: { sha256: '0'.repeat(64) } }],
  ['fewer bytes than said', { said: { size: 99 } }],
  ['markup that runs', { type: 'text/html', bytes: Buffer.from('<script>') }],
])('%s is rejected', async (_name, options) => {
  const id = await stage.ticket();
  const { file, completed } = await attach('agent', id, options);
  expect(completed.body.state).toBe('rejected');
  expect((await stage.call('agent', 'GET', `/v1/attachments/${file}/content`)).status).toBe(404);
  expect((await post('agent', id, { body: 'x', attachments: [file] })).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/attachments/0',
  });
});

test('T24: sizes are limited, per file and per ticket', async () => {
  const id = await stage.ticket();
  const announce = (size: number) =>
    stage.call('agent', 'POST', `/v1/tickets/${id}/attachments`, { name: 'x.txt', type: 'text/plain', size });
  expect((await announce(25 * 1024 * 1024 + 1)).body.code).toBe('invalid_request');
  for (let count = 0; count < 4; count += 1) expect((await announce(25 * 1024 * 1024)).status).toBe(201);
  expect((await announce(1)).body).toMatchObject({ code: 'too_large', limit: 100 * 1024 * 1024 });
  // Bytes that were announced and never came count no longer than their links hold.
  await stage.sql((tx) => sql`update attachment set created_at = now() - interval '16 minutes' where ticket_id = ${id}`.execute(tx));
  expect((await announce(1)).status).toBe(201);
});

test('T24: an upload is for its signature, its size and once', async () => {
  const id = await stage.ticket();
  const made = await stage.call('agent', 'POST', `/v1/tickets/${id}/attachments`, { name: 'x.txt', type: 'text/plain', size: 3 });
  const { url, fields } = made.body.upload;
  expect((await stage.call('agent', 'POST', `/v1/attachments/${made.body.id}/complete`)).body.code).toBe('invalid_request');
  expect((await upload(stage.app, url, { ...fields, signature: 'k1.x' }, Buffer.from('abc'))).status).toBe(404);
  expect((await upload(stage.app, url, fields, Buffer.from('abcd'))).status).toBe(413);
  expect((await stage.app.request(new URL(url).pathname, { method: 'POST', body: 'abc' })).status).toBe(415);
  expect((await upload(stage.app, url, fields, Buffer.from('abc'))).status).toBe(204);
  expect((await upload(stage.app, url, fields, Buffer.from('abc'))).status).toBe(404);
});

test('a message takes only clean files of its ticket, and a customer only their own', async () => {
  const id = await stage.ticket({}, 'customer');
  const other = await stage.ticket({}, 'customer');
  const { file } = await attach('agent', id);
  expect((await post('agent', other, { body: 'x', attachments: [file] })).body.code).toBe('unknown_reference');
  expect((await post('customer', id, { body: 'x', attachments: [file] })).body.code).toBe('unknown_reference');
  const mine = await attach('customer', id);
  expect((await post('customer', id, { body: 'x', attachments: [mine.file] })).body.attachments).toHaveLength(1);
  expect((await post('agent', id, { body: 'again', attachments: [mine.file] })).body.code).toBe('unknown_reference');
});
