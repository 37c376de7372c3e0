/** Who may do what, over the routes: the matrix of security.md, tenants, products, teams, keys. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { newApiKey } from '../../db/seed.js';
import { demo, foreignAdmin, otherTenant, outsider, useStage } from './support.js';
import type { Who } from './support.js';

const stage = useStage();
const code = (reply: { body: { code?: string } }): string | undefined => reply.body?.code;

const everyone: Who[] = ['admin', 'lead', 'agent', 'customer', 'service', 'reader', 'other', 'stranger', 'foreign'];

/** Who gets past permission, on a ticket of the demo team that nobody has, requested by `customer`. Others get the code. */
const matrix: readonly [method: string, path: string, body: unknown, Partial<Record<Who, 200 | 403 | 404>>][] = [
  [
    'GET',
    '',
    undefined,
    { admin: 200, lead: 200, agent: 200, customer: 200, service: 200, reader: 200, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'GET',
    '/messages',
    undefined,
    { admin: 200, lead: 200, agent: 200, customer: 200, service: 200, reader: 200, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'GET',
    '/notes',
    undefined,
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'GET',
    '/events',
    undefined,
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 200, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'GET',
    '/history',
    undefined,
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 200, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/messages',
    { body: 'x' },
    { admin: 200, lead: 200, agent: 200, customer: 200, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/notes',
    { body: 'x' },
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/priority',
    { priority: 'low' },
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'PATCH',
    '',
    { tags: ['x'] },
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/start',
    undefined,
    { admin: 200, lead: 200, agent: 403, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/await-customer',
    undefined,
    { admin: 200, lead: 200, agent: 403, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/hold',
    undefined,
    { admin: 200, lead: 200, agent: 403, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/assign',
    { agentId: demo.agents[0] },
    { admin: 200, lead: 200, agent: 200, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/resolve',
    undefined,
    { admin: 200, lead: 200, agent: 403, customer: 403, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
  [
    'POST',
    '/attachments',
    { name: 'a.txt', type: 'text/plain', size: 1 },
    { admin: 200, lead: 200, agent: 200, customer: 200, service: 200, reader: 403, other: 404, stranger: 404, foreign: 404 },
  ],
];

test.each(matrix)('%s /tickets/{id}%s', async (method, path, body, expected) => {
  for (const who of everyone) {
    const id = await stage.ticket();
    const reply = await stage.call(who, method, `/v1/tickets/${id}${path}`, body);
    const got = reply.status < 300 ? 200 : reply.status;
    expect(got, `${who}: ${JSON.stringify(reply.body).slice(0, 200)}`).toBe(expected[who]);
  }
});

test.each([
  ['reopen', { reason: 'again' }, { admin: 200, lead: 200, agent: 403, customer: 200, service: 200, other: 404, stranger: 404 }],
  ['close', undefined, { admin: 200, lead: 200, agent: 403, customer: 200, service: 403, other: 404, stranger: 404 }],
] as const)('%s of a resolved ticket', async (verb, body, expected) => {
  for (const [who, status] of Object.entries(expected)) {
    const id = await stage.ticket();
    await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
    expect((await stage.call(who as Who, 'POST', `/v1/tickets/${id}/${verb}`, body)).status, who).toBe(status);
  }
});

test('an agent works on what is assigned to them', async () => {
  const id = await stage.ticket();
  await stage.call('agent', 'POST', `/v1/tickets/${id}/claim`);
  for (const verb of ['start', 'hold', 'resolve'])
    expect((await stage.call('agent', 'POST', `/v1/tickets/${id}/${verb}`)).status, verb).toBe(200);
});

test('absent, malformed and foreign look alike', async () => {
  const id = await stage.ticket();
  const answers = await Promise.all(
    [`/v1/tickets/${id}`, '/v1/tickets/TKT-00000000', '/v1/tickets/nonsense'].map((path) => stage.call('foreign', 'GET', path)),
  );
  const said = answers.map(({ status, body: { requestId: _id, instance: _path, ...rest } }) => ({ status, rest }));
  expect(said[0]).toEqual(said[1]);
  expect(said[1]).toEqual(said[2]);
});

test('T1: another tenant sees, counts, finds and changes nothing', async () => {
  const id = await stage.ticket({ subject: 'Zebra crossing' });
  const message = (await stage.call('admin', 'GET', `/v1/tickets/${id}/messages`)).body.data[0].id;
  const list = await stage.call('foreign', 'GET', '/v1/tickets?product=*');
  expect(list.body.data).toEqual([]);
  expect((await stage.call('foreign', 'GET', '/v1/tickets?product=*&q=zebra')).body.data).toEqual([]);
  expect((await stage.call('foreign', 'GET', '/v1/tickets/count?product=*')).body.count).toBe(0);
  expect((await stage.call('foreign', 'GET', `/v1/messages/${message}/deliveries`)).status).toBe(404);
  expect((await stage.call('foreign', 'GET', `/v1/customers/${demo.customers[0]}`)).status).toBe(404);
  expect((await stage.call('foreign', 'GET', `/v1/customers/${demo.customers[0]}/history`)).status).toBe(404);
  expect((await stage.call('foreign', 'GET', '/v1/customers')).body.data).toEqual([]);
  expect((await stage.call('foreign', 'GET', `/v1/agents/${demo.admin}`)).status).toBe(404);
  expect((await stage.call('foreign', 'GET', '/v1/agents')).body.data).toMatchObject([{ id: foreignAdmin }]);
  expect((await stage.call('foreign', 'GET', `/v1/teams/${demo.team}`)).status).toBe(404);
  expect((await stage.call('foreign', 'GET', '/v1/products/second/settings')).status).toBe(404);
  expect((await stage.call('foreign', 'GET', '/v1/products/demo')).body.name).toBe('Their product');
  const create = { product: 'demo', subject: 's', description: 'd', channel: 'api', requester: { customerId: demo.customers[0] } };
  expect((await stage.call('foreign', 'POST', '/v1/tickets', create)).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/requester/customerId',
  });
  const theirs = await stage.call('foreign', 'POST', '/v1/tickets', { ...create, requester: { email: 'customer1@example.com' } });
  expect(theirs.status).toBe(201);
  expect(theirs.body.requester).not.toBe(demo.customers[0]);
  expect((await stage.call('foreign', 'POST', `/v1/tickets/${theirs.body.id}/assign`, { agentId: demo.agents[0] })).body.code).toBe(
    'unknown_reference',
  );
  expect((await stage.call('foreign', 'POST', `/v1/tickets/${theirs.body.id}/assign`, { teamId: demo.team })).body.code).toBe(
    'unknown_reference',
  );
});

test('T1: another product does not exist', async () => {
  const id = await stage.ticket({ product: 'second' });
  expect((await stage.call('reader', 'GET', `/v1/tickets/${id}`)).status).toBe(404);
  expect((await stage.call('reader', 'GET', '/v1/tickets?product=second')).body.data).toEqual([]);
  expect((await stage.call('other', 'GET', `/v1/tickets/${id}`)).status).toBe(200);
  const create = { subject: 's', description: 'd', channel: 'api', requester: { customerId: demo.customers[0] } };
  const [foreign, absent] = await Promise.all(
    ['demo', 'nowhere'].map((product) => stage.call('other', 'POST', '/v1/tickets', { ...create, product })),
  );
  expect([code(foreign ?? { body: {} }), code(absent ?? { body: {} })]).toEqual(['unknown_reference', 'unknown_reference']);
  expect((await stage.call('other', 'GET', '/v1/products')).body.data.map((product: { key: string }) => product.key)).toEqual(['second']);
  expect((await stage.call('other', 'GET', '/v1/products/demo/settings')).status).toBe(404);
});

test('T2: customers see their own and nothing of the desk', async () => {
  const id = await stage.ticket({}, 'customer');
  await stage.call('agent', 'POST', `/v1/tickets/${id}/notes`, { body: 'difficult person' });
  await stage.call('agent', 'POST', `/v1/tickets/${id}/claim`);
  const read = await stage.call('customer', 'GET', `/v1/tickets/${id}?include=assignee,messages,requester,links`);
  for (const field of ['escalationLevel', 'slaState', 'slaBreached', 'dueAt']) expect(read.body[field]).toBeUndefined();
  expect(read.body.included.assignee).toEqual({ id: demo.agents[0], name: 'Demo Agent 1' });
  expect(JSON.stringify(read.body)).not.toContain('difficult');
  expect(JSON.stringify((await stage.call('customer', 'GET', `/v1/tickets/${id}/messages`)).body)).not.toContain('difficult');
  expect((await stage.call('agent', 'GET', `/v1/tickets/${id}?include=assignee`)).body.included.assignee.email).toBe(
    'agent1@usher.localhost',
  );
  const list = await stage.call('customer', 'GET', '/v1/tickets?product=*&limit=100');
  expect(new Set(list.body.data.map((ticket: { requester: string }) => ticket.requester))).toEqual(new Set([demo.customers[0]]));
  expect((await stage.call('customer', 'GET', `/v1/customers/${demo.customers[0]}`)).status).toBe(200);
  expect((await stage.call('customer', 'GET', `/v1/customers/${demo.customers[1]}`)).status).toBe(404);
  expect((await stage.call('customer', 'GET', '/v1/customers')).body.data).toHaveLength(1);
  expect((await stage.call('customer', 'POST', '/v1/customers', { name: 'x' })).status).toBe(403);
  expect((await stage.call('customer', 'GET', '/v1/agents')).status).toBe(403);
  expect((await stage.call('customer', 'GET', '/v1/products')).status).toBe(403);
});

const make = (fields: object) =>
  stage.call('customer', 'POST', '/v1/tickets', { product: 'demo', subject: 's', description: 'd', channel: 'web', ...fields });

test('T4: customers are the requester, whatever they write', async () => {
  expect((await make({ requester: { customerId: demo.customers[1] } })).status).toBe(403);
  expect((await make({ requester: { email: 'customer2@example.com' } })).status).toBe(403);
  expect((await make({ status: 'on_hold' })).status).toBe(403);
  expect((await make({ requester: { customerId: demo.customers[0] } })).body.requester).toBe(demo.customers[0]);
});

test('a service without notes does not read them', async () => {
  const id = await stage.ticket();
  await stage.call('agent', 'POST', `/v1/tickets/${id}/notes`, { body: 'between us' });
  expect(JSON.stringify((await stage.call('reader', 'GET', `/v1/tickets/${id}/messages`)).body)).not.toContain('between us');
  expect(JSON.stringify((await stage.call('reader', 'GET', `/v1/tickets/${id}/history`)).body)).not.toContain('between us');
  expect(JSON.stringify((await stage.call('service', 'GET', `/v1/tickets/${id}/history`)).body)).toContain('between us');
});

test('acting for a customer: their rights, capped by the scopes', async () => {
  const acting = { 'usher-acting-for': `customer/${demo.customers[0]}` };
  const body = { product: 'demo', subject: 's', description: 'd', channel: 'in_app' };
  const made = await stage.call('service', 'POST', '/v1/tickets', body, acting);
  expect(made.body.requester).toBe(demo.customers[0]);
  expect(made.body.slaState).toBeUndefined();
  const { id } = made.body;
  const events = await stage.call('service', 'GET', `/v1/tickets/${id}/events`);
  expect(events.body.data[0]).toMatchObject({ actor: `service/${demo.service}`, role: 'customer' });
  expect((await stage.call('service', 'GET', `/v1/tickets/${id}/notes`, undefined, acting)).status).toBe(403);
  expect((await stage.call('service', 'GET', `/v1/tickets/${await stage.ticket({}, 'stranger')}`, undefined, acting)).status).toBe(404);
  expect((await stage.call('service', 'POST', `/v1/tickets/${id}/messages`, { body: 'hello' }, acting)).body.author).toMatchObject({
    kind: 'customer',
    id: demo.customers[0],
  });
  await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
  expect((await stage.call('service', 'POST', `/v1/tickets/${id}/close`, undefined, acting)).body.status).toBe('closed');
  expect((await stage.call('reader', 'GET', `/v1/tickets/${id}`, undefined, acting)).body).toMatchObject({
    code: 'forbidden',
    permission: 'act_for',
  });
  expect((await stage.call('admin', 'GET', `/v1/tickets/${id}`, undefined, acting)).status).toBe(403);
  expect((await stage.call('service', 'GET', `/v1/tickets/${id}`, undefined, { 'usher-acting-for': `customer/${outsider}` })).status).toBe(
    404,
  );
});

test('keys: missing, malformed, unknown, revoked, expired, in an address', async () => {
  const bearer = (authorization: string) => stage.call('nobody', 'GET', '/v1/tickets?product=*', undefined, { authorization });
  const missing = await stage.call('nobody', 'GET', '/v1/tickets?product=*');
  expect([missing.status, code(missing), missing.headers.get('www-authenticate')]).toEqual([401, 'auth_missing', 'Bearer realm="usher"']);
  for (const wrong of [
    `bearer ${stage.keys.admin}`,
    `Basic ${stage.keys.admin}`,
    `Bearer ${stage.keys.admin}x`,
    'Bearer',
    `Bearer ${newApiKey()}`,
  ]) {
    expect(code(await bearer(wrong)), wrong).toBe('auth_invalid');
  }
  expect(code(await stage.call('admin', 'GET', `/v1/tickets?product=*&key=${stage.keys.admin}`))).toBe('auth_invalid');
  const insert = async (fields: { expiresAt?: Date; revokedAt?: Date; ownerId?: string }) => {
    const key = newApiKey();
    const row = {
      tenantId: demo.tenant,
      id: crypto.randomUUID(),
      hash: createHash('sha256').update(key).digest(),
      ownerKind: 'user',
      ownerId: demo.lead,
      prefix: 'usk_test',
    };
    await stage.sql((tx) =>
      tx
        .insertInto('apiKey')
        .values({ ...row, ...fields })
        .execute(),
    );
    return `Bearer ${key}`;
  };
  expect(code(await bearer(await insert({ expiresAt: new Date(Date.now() - 1000) })))).toBe('auth_expired');
  expect(code(await bearer(await insert({ revokedAt: new Date() })))).toBe('auth_invalid');
  expect(code(await bearer(await insert({ ownerId: foreignAdmin })))).toBe('auth_invalid');
  expect((await bearer(await insert({ expiresAt: new Date(Date.now() + 60_000) }))).status).toBe(200);
});

test('the last use of a key is kept to the minute', async () => {
  await stage.call('lead', 'GET', '/v1/agents');
  await expect
    .poll(async () =>
      stage.sql((tx) =>
        tx.selectFrom('apiKey').select('lastUsedAt').where('ownerId', '=', demo.lead).where('id', '=', demo.lead).executeTakeFirst(),
      ),
    )
    .toMatchObject({ lastUsedAt: expect.any(Date) as Date });
});

test('an agent who left has no key any more', async () => {
  const key = newApiKey();
  const id = crypto.randomUUID();
  await stage.sql(async (tx) => {
    await tx
      .insertInto('agent')
      .values({ tenantId: demo.tenant, id, name: 'Left', email: 'left@usher.localhost', role: 'agent', active: false })
      .execute();
    const hash = createHash('sha256').update(key).digest();
    await tx.insertInto('apiKey').values({ tenantId: demo.tenant, id, hash, ownerKind: 'user', ownerId: id, prefix: 'usk_left' }).execute();
  });
  expect(code(await stage.call('nobody', 'GET', '/v1/agents', undefined, { authorization: `Bearer ${key}` }))).toBe('auth_invalid');
});

test('rows of one tenant are not there for another, whatever the query', async () => {
  await stage.ticket();
  const seen = await stage.sql((tx) => tx.selectFrom('ticket').select('id').where('tenantId', '=', demo.tenant).execute(), otherTenant);
  expect(seen).toEqual([]);
});
