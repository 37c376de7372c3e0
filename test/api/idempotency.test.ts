import { expect, test } from 'vitest';
import { canonical, commandIdOf, scopeOf, ticketIdOf } from '../../api/middleware/idempotency.js';
import { asTicketId } from '../../domain/ids.js';
import { aTicket } from '../support/builders.js';
import { demo, useStage } from './support.js';

const stage = useStage();
const body = { product: 'demo', subject: 'Once', description: 'Only once', channel: 'api', requester: { customerId: demo.customers[0] } };
const key = (name: string) => ({ 'idempotency-key': name });
const create = (name: string, fields: object = {}, who: 'admin' | 'agent' = 'admin') =>
  stage.call(who, 'POST', '/v1/tickets', { ...body, ...fields }, key(name));

test('the vector of reliability.md, R5', () => {
  const scope = scopeOf(
    '018f3b1e-0000-7000-8000-000000000001',
    'service/018f3b1e-0000-7000-8000-0000000000aa',
    'POST',
    '/v1/tickets',
    'order-4711',
  );
  expect(commandIdOf(scope)).toBe('k-13c4a0e3d5f41b2e0f2d1e0e5fd50e0e');
  expect(ticketIdOf(scope, 0)).toBe('TKT-WF0RRE7K');
  expect(ticketIdOf(scope, 1)).toBe('TKT-CVE6HJH6');
});

test('the service of the vector gets that number', async () => {
  const made = await stage.call('service', 'POST', '/v1/tickets', body, key('order-4711'));
  expect(made.body.id).toBe('TKT-WF0RRE7K');
});

test('canonical JSON does not depend on order or spaces', () => {
  expect(canonical(JSON.parse('{"b":[1,{"d":null,"c":"x"}], "a":true}'))).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
});

test('the same key, the same request: the same answer (G18)', async () => {
  const first = await create('same');
  expect(first.headers.get('idempotency-lookup')).toBe('miss');
  const again = await create('same');
  expect(again.status).toBe(201);
  expect(again.headers.get('idempotency-lookup')).toBe('hit');
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
  expect(await stage.metrics.registry.getSingleMetricAsString('usher_idempotency_lookup_total')).toContain('result="hit"');
});

test('the same key, another body: refused, nothing made (F12)', async () => {
  await create('other-body');
  const before = stage.desk.received.length;
  expect((await create('other-body', { subject: 'Another' })).body.code).toBe('idempotency_key_reused');
  expect(stage.desk.received).toHaveLength(before);
});

test('another principal, route or ticket is independent', async () => {
  const mine = await create('shared');
  const theirs = await create('shared', {}, 'agent');
  expect(theirs.body.id).not.toBe(mine.body.id);
  const started = await stage.call('admin', 'POST', `/v1/tickets/${mine.body.id}/start`, undefined, key('shared'));
  expect(started.headers.get('idempotency-lookup')).toBe('miss');
  const other = await stage.call('admin', 'POST', `/v1/tickets/${theirs.body.id}/start`, undefined, key('shared'));
  expect(other.headers.get('idempotency-lookup')).toBe('miss');
});

test('another tenant is independent', async () => {
  const team = { name: 'By one key' };
  const made = await Promise.all((['admin', 'foreign'] as const).map((who) => stage.call(who, 'POST', '/v1/teams', team, key('tenants'))));
  expect(made.map(({ status, headers }) => [status, headers.get('idempotency-lookup')])).toEqual([
    [201, 'miss'],
    [201, 'miss'],
  ]);
  expect(made[0]?.body.id).not.toBe(made[1]?.body.id);
});

test('the same key, another query: refused', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
  await stage.call('admin', 'POST', `/v1/tickets/${id}/close`);
  const remove = (reason: string) => stage.call('admin', 'DELETE', `/v1/tickets/${id}?reason=${reason}`, undefined, key('query'));
  expect([(await remove('first')).status, (await remove('second')).body.code]).toEqual([204, 'idempotency_key_reused']);
});

test('a number written in small letters is the same ticket', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/start`, undefined, key('letters'));
  const again = await stage.call('admin', 'POST', `/v1/tickets/${id.toLowerCase()}/start`, undefined, key('letters'));
  expect(again.headers.get('idempotency-lookup')).toBe('hit');
});

test('while the first runs, the second is told so', async () => {
  const id = await stage.ticket();
  const verb = () => stage.call('admin', 'POST', `/v1/tickets/${id}/hold`, undefined, key('slow'));
  const during: { reply?: Awaited<ReturnType<typeof verb>> } = {};
  stage.desk.meanwhile = async () => {
    stage.desk.meanwhile = null;
    during.reply = await verb();
  };
  expect((await verb()).status).toBe(200);
  expect(during.reply?.body.code).toBe('idempotency_in_flight');
  expect(during.reply?.headers.get('retry-after')).toBe('1');
});

test('many creates with one key make one ticket (F11)', async () => {
  const replies = await Promise.all(Array.from({ length: 6 }, () => create('burst')));
  const made = replies.filter((reply) => reply.status === 201);
  expect(made.length).toBeGreaterThan(0);
  expect(new Set(made.map((reply) => reply.body.id)).size).toBe(1);
  expect(replies.every((reply) => reply.status === 201 || reply.body.code === 'idempotency_in_flight')).toBe(true);
});

test('after a death midway the same command is sent again, and answered as the first time (F10)', async () => {
  const id = await stage.ticket();
  const hold = () => stage.call('admin', 'POST', `/v1/tickets/${id}/hold`, undefined, key('died'));
  stage.desk.trouble = 'lost_after';
  expect((await hold()).body).toMatchObject({ code: 'command_unconfirmed', idempotencyKey: 'died' });
  stage.desk.trouble = null;
  expect((await hold()).body).toMatchObject({ status: 'on_hold', version: 2 });
  const [first, second] = stage.desk.received.filter((command) => command.id === id && command.kind === 'hold');
  expect(first?.commandId).toMatch(/^k-[0-9a-f]{32}$/);
  expect(second?.commandId).toBe(first?.commandId);
});

test('a create that died midway finds its ticket, with its key or the one made for the call', async () => {
  stage.desk.trouble = 'lost_after';
  const keyed = await create('died');
  const keyless = await stage.call('admin', 'POST', '/v1/tickets', body);
  stage.desk.trouble = null;
  expect([keyed.body.code, keyless.body.code]).toEqual(['command_unconfirmed', 'command_unconfirmed']);
  for (const used of ['died', keyless.body.idempotencyKey]) {
    const again = await create(used);
    expect(again.body).toMatchObject({ version: 1 });
    expect(stage.desk.received.filter((command) => command.id === again.body.id && command.kind === 'open')).toHaveLength(1);
  }
});

test('a message repeated after a death is one message', async () => {
  const id = await stage.ticket();
  const post = () => stage.call('agent', 'POST', `/v1/tickets/${id}/messages`, { body: 'Hello' }, key('message'));
  stage.desk.trouble = 'lost_after';
  expect((await post()).body.code).toBe('command_unconfirmed');
  stage.desk.trouble = null;
  const again = await post();
  expect(again.status).toBe(201);
  const { data } = (await stage.call('agent', 'GET', `/v1/tickets/${id}/messages`)).body;
  expect(data.map((message: { id: string }) => message.id).filter((message: string) => message === again.body.id)).toHaveLength(1);
  expect(data).toHaveLength(2);
});

test('a refused request is executed afresh, with another body too', async () => {
  const id = await stage.ticket();
  const verb = (fields: object) => stage.call('admin', 'POST', `/v1/tickets/${id}/status`, fields, key('afresh'));
  expect((await verb({ status: 'closed' })).body.code).toBe('ticket.illegal_move');
  expect((await verb({ status: 'on_hold' })).status).toBe(200);
});

test('a lease that ran out lets the next one in', async () => {
  const id = await stage.ticket();
  const verb = () => stage.call('admin', 'POST', `/v1/tickets/${id}/hold`, undefined, key('lease'));
  await verb();
  await stage.sql((tx) =>
    tx
      .updateTable('idempotency')
      .set({ status: null, body: null, leaseUntil: new Date(Date.now() + 60_000) })
      .where('ticketId', 'is', null)
      .execute(),
  );
  expect((await verb()).body.code).toBe('idempotency_in_flight');
  await stage.sql((tx) =>
    tx
      .updateTable('idempotency')
      .set({ leaseUntil: new Date(0) })
      .where('status', 'is', null)
      .execute(),
  );
  expect((await verb()).body).toMatchObject({ status: 'on_hold', version: 2 });
});

test('the last command of a ticket is answered again after its workflow ended', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
  const close = () => stage.call('admin', 'POST', `/v1/tickets/${id}/close`, undefined, key('last'));
  stage.desk.trouble = 'lost_after';
  expect((await close()).status).toBe(503);
  stage.desk.trouble = null;
  expect((await close()).body).toMatchObject({ id, status: 'closed' });
});

test('authorised anew before an answer is shown again', async () => {
  const id = await stage.ticket({}, 'agent');
  const start = () => stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, key('seen'));
  expect((await start()).status).toBe(200);
  await stage.sql((tx) => tx.updateTable('ticket').set({ teamId: '018f3b1e-0000-7000-8000-000000000011' }).where('id', '=', id).execute());
  expect((await start()).status).toBe(404);
});

test('a number that is taken is passed over, and the choice kept', async () => {
  const scope = scopeOf(demo.tenant, `user/${demo.admin}`, 'POST', '/v1/tickets', 'collides');
  stage.desk.occupy(ticketIdOf(scope, 0), aTicket({ id: asTicketId(ticketIdOf(scope, 0)), scope: 'somebody else' }));
  expect((await create('collides')).body.id).toBe(ticketIdOf(scope, 1));
  const row = await stage.sql((tx) =>
    tx.selectFrom('idempotency').select('ticketId').where('scope', '=', Buffer.from(scope, 'hex')).executeTakeFirst(),
  );
  expect(row?.ticketId).toBe(ticketIdOf(scope, 1));
});

test('a repeated create finds its ticket when its key is forgotten', async () => {
  const first = await create('forgotten');
  await stage.sql((tx) => tx.deleteFrom('idempotency').execute());
  expect((await create('forgotten')).body.id).toBe(first.body.id);
  await stage.call('admin', 'POST', `/v1/tickets/${first.body.id}/resolve`);
  await stage.call('admin', 'POST', `/v1/tickets/${first.body.id}/close`);
  await stage.sql((tx) => tx.deleteFrom('idempotency').execute());
  expect((await create('forgotten')).body).toMatchObject({ id: first.body.id, status: 'closed' });
});

test('a removal is repeated without a body', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
  await stage.call('admin', 'POST', `/v1/tickets/${id}/close`);
  const remove = () => stage.call('admin', 'DELETE', `/v1/tickets/${id}?reason=as+asked`, undefined, key('remove'));
  expect([(await remove()).status, (await remove()).status]).toEqual([204, 204]);
});

test.each(['', ' ', 'ü', 'x'.repeat(256)])('%j is no key', async (bad) => {
  const reply = await stage.app.request('/v1/tickets', {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.keys.admin}`, 'content-type': 'application/json', 'idempotency-key': encodeHeader(bad) },
    body: JSON.stringify(body),
  });
  expect(await reply.json()).toMatchObject({ code: 'idempotency_key_invalid' });
});

/** Headers carry bytes. */
const encodeHeader = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
