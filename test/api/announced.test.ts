/** Files announced with the ticket they belong to. */
import { expect, test } from 'vitest';
import { scopeOf, ticketIdOf } from '../../api/middleware/idempotency.js';
import { asTicketId } from '../../domain/ids.js';
import { aTicket } from '../support/builders.js';
import { demo, useStage } from './support.js';
import type { Who } from './support.js';
import { upload } from './upload.js';

const stage = useStage();
const file = { name: '../photo of it.txt', type: 'text/plain', size: 5 };
const create = (who: Who, fields: object, headers = {}) =>
  stage.call(who, 'POST', '/v1/tickets', { product: 'demo', subject: 's', description: 'd', channel: 'web', ...fields }, headers);
const byCustomer = { requester: { customerId: demo.customers[0] } };

interface Announced {
  readonly id: string;
  readonly upload: { readonly url: string; readonly fields: Record<string, string> };
}

async function send({ id, upload: to }: Announced, who: Who = 'customer') {
  expect((await upload(stage.app, to.url, to.fields, Buffer.from('hello'))).status).toBe(204);
  return stage.call(who, 'POST', `/v1/attachments/${id}/complete`);
}

test('files come with the description: announced, sent, then part of the first message', async () => {
  const made = await create('customer', { attachments: [file, { ...file, name: 'second.txt' }] });
  expect(made.status).toBe(201);
  const [first, second]: Announced[] = made.body.attachments;
  if (first === undefined || second === undefined) throw new Error('two files were announced');
  expect(first).toMatchObject({ name: 'photo of it.txt', type: 'text/plain', size: 5, state: 'awaiting' });
  expect((await send(first)).body).toMatchObject({ id: first.id, ticket: made.body.id, state: 'clean' });
  const read = await stage.call('customer', 'GET', `/v1/tickets/${made.body.id}?include=messages`);
  expect(read.body.attachments).toBeUndefined();
  expect(read.body.included.messages).toMatchObject([{ kind: 'opening', attachments: [{ id: first.id, state: 'clean' }] }]);
  const atTheDesk = await stage.call('agent', 'GET', `/v1/tickets/${made.body.id}/messages`);
  expect(atTheDesk.body.data[0].attachments).toHaveLength(2);
  expect((await stage.call('stranger', 'GET', `/v1/attachments/${first.id}`)).status).toBe(404);
  const other = await stage.call('agent', 'POST', `/v1/tickets/${made.body.id}/messages`, { body: 'x', attachments: [first.id] });
  expect(other.body.code).toBe('unknown_reference');
});

test('the desk announces files of the customer, who sees them once they are clean', async () => {
  const made = await create('agent', { ...byCustomer, attachments: [file] });
  const [one]: Announced[] = made.body.attachments;
  if (one === undefined) throw new Error('a file was announced');
  await send(one, 'agent');
  expect((await stage.call('customer', 'GET', `/v1/attachments/${one.id}`)).status).toBe(200);
});

test('the same key announces the same files', async () => {
  const key = { 'idempotency-key': 'with-files' };
  const made = await create('agent', { ...byCustomer, attachments: [file] }, key);
  const again = await create('agent', { ...byCustomer, attachments: [file] }, key);
  expect(again.body).toEqual(made.body);
});

test('a create that died midway announces them again, but for those that were sent', async () => {
  const key = { 'idempotency-key': 'died' };
  const fields = { ...byCustomer, attachments: [file, file] };
  stage.desk.trouble = 'lost_after';
  expect((await create('admin', fields, key)).status).toBe(503);
  stage.desk.trouble = null;
  const again = await create('admin', fields, key);
  const [first, second]: Announced[] = again.body.attachments;
  if (first === undefined || second === undefined) throw new Error('two files were announced');
  expect(first.id).not.toBe(second.id);
  await send(first, 'admin');
  await stage.sql((tx) => tx.deleteFrom('idempotency').execute());
  const third = await create('admin', fields, key);
  expect(third.body.id).toBe(again.body.id);
  expect(third.body.attachments).toMatchObject([
    { id: first.id, state: 'clean' },
    { id: second.id, state: 'awaiting' },
  ]);
  expect(third.body.attachments.map((one: object) => 'upload' in one)).toEqual([false, true]);
});

test('files go with the number the ticket gets', async () => {
  const scope = scopeOf(demo.tenant, `user/${demo.admin}`, 'POST', '/v1/tickets', 'files-collide');
  const taken = asTicketId(ticketIdOf(scope, 0));
  stage.desk.occupy(taken, aTicket({ id: taken, scope: 'somebody else' }));
  const made = await create('admin', { ...byCustomer, attachments: [file] }, { 'idempotency-key': 'files-collide' });
  expect(made.body.id).toBe(ticketIdOf(scope, 1));
  expect((await send(made.body.attachments[0], 'admin')).body.ticket).toBe(made.body.id);
});

test('where they go is said although reads lag', async () => {
  stage.desk.trouble = 'unprojected';
  const made = await create('admin', { ...byCustomer, attachments: [file] });
  stage.desk.trouble = null;
  expect([made.status, made.body.attachments.length]).toEqual([202, 1]);
});

test('a wrong file is refused with its place, and nothing is made', async () => {
  const before = stage.desk.received.length;
  const large = { ...file, size: 25 * 1024 * 1024 };
  const wrong = await create('customer', { attachments: [file, { ...large, size: large.size + 1, colour: 'red' }] });
  expect(wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
    expect.arrayContaining(['/attachments/1/size', '/attachments/1/colour']),
  );
  expect((await create('customer', { attachments: Array.from({ length: 21 }, () => file) })).body.code).toBe('invalid_request');
  expect((await create('customer', { attachments: Array.from({ length: 5 }, () => large) })).body).toMatchObject({
    code: 'too_large',
    limit: 100 * 1024 * 1024,
  });
  expect((await create('reader', { ...byCustomer, attachments: [file] })).status).toBe(403);
  expect(stage.desk.received).toHaveLength(before);
});
