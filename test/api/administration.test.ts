/** People, service accounts, teams, products and keys, as administrators keep them. */
import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { isApiKey } from '../../domain/access/api-key.js';
import { day, hour } from '../../domain/time.js';
import { demo, foreignAdmin, secondTeam, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const unknown = '018f3b1e-0000-7000-8000-0000000000ff';
let count = 0;
beforeEach(() => {
  count += 1;
});

const admin = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call('admin', method, path, body, headers);
const as = (key: string, method: string, path: string, body?: unknown): Promise<Reply> =>
  stage.call('nobody', method, path, body, { authorization: `Bearer ${key}` });
const match = (reply: Reply): Record<string, string> => ({ 'if-match': reply.headers.get('etag') ?? '' });

/** What the log says of a thing, oldest first. */
const logOf = (subject: string) =>
  stage.sql((tx) =>
    tx.selectFrom('event').select(['seq', 'type', 'actor', 'data']).where('subject', '=', subject).orderBy('seq').execute(),
  );

async function somebody(membership: object = { role: 'agent', products: ['demo'], teams: [demo.team] }): Promise<Reply> {
  const made = await admin('POST', '/v1/users', { name: 'Ada', email: `Ada${count}@Example.com`, memberships: [membership] });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made;
}

async function keyOf(owner: string, fields: object = {}): Promise<Reply> {
  const made = await admin('POST', '/v1/api-keys', { owner, name: 'test', ...fields });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made;
}

const account = async (fields: object = {}): Promise<Reply> =>
  admin('POST', '/v1/service-accounts', { name: 'Shop', scopes: ['tickets:read', 'tickets:write'], ...fields });

const administration: readonly [method: string, path: string, body?: unknown][] = [
  ['GET', '/v1/users'],
  ['GET', `/v1/users/${demo.lead}`],
  ['POST', '/v1/users', { name: 'Eve', email: 'eve@example.com', memberships: [{ role: 'admin' }] }],
  ['PATCH', `/v1/users/${demo.lead}`, { active: false }],
  ['PUT', `/v1/users/${demo.lead}/memberships`, { memberships: [{ role: 'admin' }] }],
  ['PUT', `/v1/users/${demo.lead}/identities`, { identities: [] }],
  ['GET', '/v1/service-accounts'],
  ['GET', `/v1/service-accounts/${demo.service}`],
  ['POST', '/v1/service-accounts', { name: 'x', scopes: [] }],
  ['PATCH', `/v1/service-accounts/${demo.service}`, { active: false }],
  ['GET', '/v1/api-keys'],
  ['GET', `/v1/api-keys/${demo.admin}`],
  ['POST', '/v1/api-keys', { owner: `user/${demo.admin}`, name: 'x' }],
  ['POST', `/v1/api-keys/${demo.admin}/rotate`],
  ['DELETE', `/v1/api-keys/${demo.admin}`],
  ['GET', '/v1/identity-providers'],
  ['GET', `/v1/identity-providers/${unknown}`],
  ['POST', '/v1/identity-providers', { issuer: 'https://login.example.com', name: 'x', audience: 'x' }],
  ['PUT', `/v1/identity-providers/${unknown}`, { name: 'x', audience: 'x' }],
  ['DELETE', `/v1/identity-providers/${unknown}`],
  ['POST', '/v1/products', { key: 'x', name: 'x', settings: { fromName: 'x' } }],
  ['PUT', '/v1/products/demo', { name: 'x' }],
  ['POST', '/v1/teams', { name: 'x' }],
  ['PATCH', `/v1/teams/${demo.team}`, { name: 'x' }],
  ['PUT', `/v1/teams/${demo.team}/members`, { agents: [] }],
];

test.each(administration)('%s %s is for admins', async (method, path, body) => {
  for (const who of ['lead', 'agent', 'customer', 'service', 'reader', 'other'] as const satisfies readonly Who[]) {
    const reply = await stage.call(who, method, path, body);
    expect([reply.status, reply.body.code], who).toEqual([403, 'forbidden']);
  }
  expect((await stage.call('nobody', method, path, body)).status).toBe(401);
});

test('an admin of another tenant finds none of it', async () => {
  for (const path of [
    `/v1/users/${demo.lead}`,
    `/v1/service-accounts/${demo.service}`,
    `/v1/api-keys/${demo.admin}`,
    `/v1/teams/${demo.team}`,
  ]) {
    expect((await stage.call('foreign', 'GET', path)).status, path).toBe(404);
  }
  expect((await stage.call('foreign', 'DELETE', `/v1/api-keys/${demo.admin}`)).status).toBe(404);
  expect((await stage.call('foreign', 'POST', `/v1/api-keys/${demo.admin}/rotate`)).status).toBe(404);
  const change = { memberships: [{ role: 'agent' }] };
  expect((await stage.call('foreign', 'PUT', `/v1/users/${demo.lead}/memberships`, change, { 'if-match': '"1"' })).status).toBe(404);
  expect((await stage.call('foreign', 'POST', '/v1/api-keys', { owner: `user/${demo.admin}`, name: 'x' })).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/owner',
  });
  const users = await stage.call('foreign', 'GET', '/v1/users');
  expect(users.body.data.map((user: { id: string }) => user.id)).toEqual([foreignAdmin]);
});

test('a person is added, found, and told apart by address', async () => {
  const made = await somebody();
  expect(made.body).toMatchObject({
    name: 'Ada',
    email: `ada${count}@example.com`,
    active: true,
    memberships: [{ role: 'agent', products: ['demo'], teams: [demo.team] }],
    identities: [],
    revision: 1,
  });
  expect(made.headers.get('location')).toBe(`/v1/users/${made.body.id}`);
  expect((await admin('GET', `/v1/users/${made.body.id}`)).body).toEqual(made.body);
  expect((await admin('GET', `/v1/users?email=ADA${count}@example.com`)).body.data).toEqual([made.body]);
  const leads = await admin('GET', '/v1/users?role=lead,admin&active=true&limit=1');
  expect(leads.body.page.hasMore).toBe(true);
  const rest = await admin('GET', `/v1/users?role=lead,admin&active=true&cursor=${encodeURIComponent(leads.body.page.next)}`);
  expect(rest.body.data.map((user: { id: string }) => user.id)).not.toContain(leads.body.data[0].id);
  const again = { name: 'Other', email: `ada${count}@EXAMPLE.com`, memberships: [{ role: 'agent' }] };
  expect((await admin('POST', '/v1/users', again)).body).toMatchObject({ code: 'already_exists', pointer: '/email' });
  expect(await logOf(`user/${made.body.id}`)).toMatchObject([
    { seq: 1, type: 'user.added', actor: `user/${demo.admin}`, data: { role: 'agent', products: ['demo'] } },
  ]);
});

test('what a person is made of is checked field by field', async () => {
  const make = (fields: object) =>
    admin('POST', '/v1/users', { name: 'Ada', email: 'x@example.com', memberships: [{ role: 'agent' }], ...fields });
  const pointers = async (fields: object) => (await make(fields)).body.errors.map(({ pointer }: { pointer: string }) => pointer);
  expect(await pointers({ email: 'nobody' })).toEqual(['/email']);
  expect(await pointers({ name: 'a\nb' })).toEqual(['/name']);
  expect(await pointers({ memberships: [] })).toEqual(['/memberships']);
  expect(await pointers({ memberships: [{ role: 'customer' }] })).toEqual(['/memberships/0/role']);
  expect(await pointers({ memberships: [{ role: 'admin', products: ['demo'] }] })).toEqual(['/memberships/0/products']);
  expect(await pointers({ id: demo.admin })).toEqual(['/id']);
  expect((await make({ memberships: [{ role: 'agent', products: ['demo', 'nowhere'] }] })).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/memberships/0/products/1',
  });
  expect((await make({ memberships: [{ role: 'agent', teams: [unknown] }] })).body.pointer).toBe('/memberships/0/teams/0');
  expect((await admin('GET', '/v1/users?email=x@example.com')).body.data).toEqual([]);
  expect((await admin('GET', '/v1/users?role=boss')).body.code).toBe('unknown_parameter');
});

test('T9: what somebody may changes with the next request', async () => {
  const made = await somebody();
  const { key } = (await keyOf(`user/${made.body.id}`)).body;
  expect((await as(key, 'GET', '/v1/users')).status).toBe(403);
  const path = `/v1/users/${made.body.id}/memberships`;
  const promotion = { memberships: [{ role: 'admin' }] };
  expect((await admin('PUT', path, promotion)).body.code).toBe('version_required');
  expect((await admin('PUT', path, promotion, { 'if-match': '"7"' })).body).toMatchObject({ code: 'version_mismatch', current: 1 });
  const promoted = await admin('PUT', path, promotion, match(made));
  expect(promoted.body).toMatchObject({ revision: 2, memberships: [{ role: 'admin', products: '*', teams: [] }] });
  expect((await as(key, 'GET', '/v1/users')).status).toBe(200);
  const out = await admin('PATCH', `/v1/users/${made.body.id}`, { active: false }, match(promoted));
  expect(out.body.active).toBe(false);
  expect((await as(key, 'GET', '/v1/users')).body.code).toBe('auth_invalid');
  expect(await logOf(`user/${made.body.id}`)).toMatchObject([
    { seq: 1, type: 'user.added' },
    { seq: 2, type: 'user.memberships_changed', data: { role: 'admin', from: { role: 'agent', products: ['demo'] } } },
    { seq: 3, type: 'user.changed', data: { changed: ['active'], active: false } },
  ]);
});

test('the last admin stays', async () => {
  const path = `/v1/users/${foreignAdmin}`;
  const foreign = (method: string, to: string, body: unknown) => stage.call('foreign', method, to, body, { 'if-match': '"1"' });
  expect((await foreign('PATCH', path, { active: false })).body.code).toBe('last_admin');
  expect((await foreign('PUT', `${path}/memberships`, { memberships: [{ role: 'lead' }] })).body.code).toBe('last_admin');
  expect((await stage.call('foreign', 'GET', path)).body).toMatchObject({ active: true, revision: 1, memberships: [{ role: 'admin' }] });
});

test('T8: a key is shown once and kept as its hash', async () => {
  const made = await keyOf(`service/${demo.service}`, { expiresInDays: 30 });
  const { key, id } = made.body;
  expect(isApiKey(key)).toBe(true);
  expect(made.body).toMatchObject({
    owner: `service/${demo.service}`,
    prefix: key.slice(0, 12),
    products: '*',
    scopes: null,
    name: 'test',
  });
  expect(Math.abs(Date.parse(made.body.expiresAt) - Date.now() - 30 * day)).toBeLessThan(60_000);
  expect((await admin('GET', `/v1/api-keys/${id}`)).body).not.toHaveProperty('key');
  const stored = await stage.sql((tx) => tx.selectFrom('apiKey').selectAll().where('id', '=', id).executeTakeFirstOrThrow());
  expect(stored.hash).toEqual(createHash('sha256').update(key).digest());
  expect(JSON.stringify({ ...stored, hash: '' })).not.toContain(key);
  expect((await as(key, 'GET', '/v1/tickets?product=*')).status).toBe(200);
  expect((await admin('GET', `/v1/api-keys?owner=service/${demo.service}`)).body.data.map((row: { id: string }) => row.id)).toContain(id);
  expect(JSON.stringify(await logOf(`api_key/${id}`))).not.toContain(key.slice(0, 12));
});

test('a repeated request makes no second key and shows the first no more', async () => {
  const owner = `service/${demo.service}`;
  const make = () => admin('POST', '/v1/api-keys', { owner, name: 'once' }, { 'idempotency-key': 'key-once' });
  const first = await make();
  const second = await make();
  expect(isApiKey(first.body.key)).toBe(true);
  expect([second.status, second.headers.get('idempotency-lookup')]).toEqual([201, 'hit']);
  expect(second.body).toEqual({ ...first.body, key: null });
  const kept = await stage.sql((tx) => tx.selectFrom('idempotency').select('body').where('body', 'like', `%${first.body.id}%`).execute());
  expect(kept).toHaveLength(1);
  expect(JSON.stringify(kept)).not.toContain(first.body.key);
});

test('what a key may ask for', async () => {
  const owner = `service/${demo.service}`;
  const make = (fields: object) => admin('POST', '/v1/api-keys', { owner, name: 'x', ...fields });
  expect((await make({ owner: `service/${unknown}` })).body).toMatchObject({ code: 'unknown_reference', pointer: '/owner' });
  expect((await make({ owner: 'system/relay' })).body.errors).toMatchObject([{ pointer: '/owner' }]);
  expect((await make({ expiresInDays: 366 })).body.errors).toMatchObject([{ pointer: '/expiresInDays' }]);
  expect((await make({ expiresInDays: 0 })).body.errors).toMatchObject([{ pointer: '/expiresInDays' }]);
  expect((await make({ scopes: ['everything'] })).body.errors).toMatchObject([{ pointer: '/scopes/0' }]);
  expect((await make({ products: ['nowhere'] })).body).toMatchObject({ code: 'unknown_reference', pointer: '/products/0' });
  expect((await make({ owner: `user/${demo.lead}`, scopes: ['notes'] })).body.errors).toMatchObject([{ pointer: '/scopes' }]);
  const shop = await account();
  expect((await make({ owner: `service/${shop.body.id}`, scopes: ['tickets:read', 'notes'] })).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/scopes/1',
  });
});

test('a key may less than its owner, never more', async () => {
  const shop = await account({ products: ['demo', 'second'] });
  const { key } = (await keyOf(`service/${shop.body.id}`, { scopes: ['tickets:read'], products: ['demo'] })).body;
  const second = await stage.ticket({ product: 'second' });
  const first = await stage.ticket();
  expect((await as(key, 'GET', `/v1/tickets/${first}`)).status).toBe(200);
  expect((await as(key, 'GET', `/v1/tickets/${second}`)).status).toBe(404);
  const body = { product: 'demo', subject: 's', description: 'd', channel: 'api', requester: { customerId: demo.customers[0] } };
  expect((await as(key, 'POST', '/v1/tickets', body)).status).toBe(403);
  const narrowed = await admin('PATCH', `/v1/service-accounts/${shop.body.id}`, { products: ['second'] }, match(shop));
  expect(narrowed.body).toMatchObject({ products: ['second'], scopes: ['tickets:read', 'tickets:write'], revision: 2 });
  expect((await as(key, 'GET', `/v1/tickets/${first}`)).status).toBe(404);
  const agent = (await keyOf(`user/${demo.lead}`, { products: ['second'] })).body.key;
  expect((await as(agent, 'GET', `/v1/tickets/${first}`)).status).toBe(404);
});

test('a service account that is off takes its keys with it', async () => {
  const shop = await account();
  const { key } = (await keyOf(`service/${shop.body.id}`)).body;
  expect((await as(key, 'GET', '/v1/tickets?product=*')).status).toBe(200);
  const off = await admin('PATCH', `/v1/service-accounts/${shop.body.id}`, { active: false }, match(shop));
  expect((await as(key, 'GET', '/v1/tickets?product=*')).body.code).toBe('auth_invalid');
  await admin('PATCH', `/v1/service-accounts/${shop.body.id}`, { active: true }, match(off));
  expect((await as(key, 'GET', '/v1/tickets?product=*')).status).toBe(200);
  expect((await admin('PATCH', `/v1/service-accounts/${shop.body.id}`, { name: 'late' }, match(off))).body.code).toBe('version_mismatch');
  expect((await logOf(`service_account/${shop.body.id}`)).map(({ type }) => type)).toEqual([
    'service_account.added',
    'service_account.changed',
    'service_account.changed',
  ]);
});

test('T8: a rotated key goes on for a while beside its successor', async () => {
  const first = (await keyOf(`service/${demo.service}`, { scopes: ['tickets:read'], products: ['demo'] })).body;
  const rotated = await admin('POST', `/v1/api-keys/${first.id}/rotate`, { overlapHours: 2 });
  expect(rotated.body).toMatchObject({ owner: first.owner, scopes: ['tickets:read'], products: ['demo'], name: 'test' });
  for (const key of [first.key, rotated.body.key]) expect((await as(key, 'GET', '/v1/tickets?product=demo')).status).toBe(200);
  const old = (await admin('GET', `/v1/api-keys/${first.id}`)).body;
  expect(old.replacedBy).toBe(rotated.body.id);
  expect(Math.abs(Date.parse(old.expiresAt) - Date.now() - 2 * hour)).toBeLessThan(60_000);
  expect((await admin('POST', `/v1/api-keys/${first.id}/rotate`)).body.code).toBe('key_ended');
  const last = await admin('POST', `/v1/api-keys/${rotated.body.id}/rotate`, { overlapHours: 0 });
  expect((await as(rotated.body.key, 'GET', '/v1/tickets?product=demo')).body.code).toBe('auth_expired');
  expect((await as(last.body.key, 'GET', '/v1/tickets?product=demo')).status).toBe(200);
  expect((await admin('POST', `/v1/api-keys/${last.body.id}/rotate`, { overlapHours: 169 })).body.errors).toMatchObject([
    { pointer: '/overlapHours' },
  ]);
  expect((await admin('POST', `/v1/api-keys/${last.body.id}/rotate`)).status).toBe(201);
  expect(await logOf(`api_key/${first.id}`)).toMatchObject([
    { type: 'api_key.issued' },
    { type: 'api_key.rotated', data: { successor: rotated.body.id } },
  ]);
});

test('a revoked key ends at once, and a second time nothing happens', async () => {
  const made = (await keyOf(`customer/${demo.customers[0]}`)).body;
  expect((await as(made.key, 'GET', '/v1/tickets?product=*')).status).toBe(200);
  expect((await admin('DELETE', `/v1/api-keys/${made.id}`)).status).toBe(204);
  expect((await as(made.key, 'GET', '/v1/tickets?product=*')).body.code).toBe('auth_invalid');
  expect((await admin('DELETE', `/v1/api-keys/${made.id}`)).status).toBe(204);
  expect((await admin('POST', `/v1/api-keys/${made.id}/rotate`)).body.code).toBe('key_ended');
  expect((await logOf(`api_key/${made.id}`)).map(({ type }) => type)).toEqual(['api_key.issued', 'api_key.revoked']);
});

test('teams are added, renamed and filled', async () => {
  const made = await admin('POST', '/v1/teams', { name: `Returns ${count}` });
  expect(made.body).toMatchObject({ name: `Returns ${count}`, members: [], revision: 1 });
  expect((await admin('POST', '/v1/teams', { name: `Returns ${count}` })).body).toMatchObject({ code: 'already_exists', pointer: '/name' });
  const path = `/v1/teams/${made.body.id}`;
  const renamed = await admin('PATCH', path, { name: `Refunds ${count}` }, match(made));
  expect(renamed.body).toMatchObject({ name: `Refunds ${count}`, revision: 2 });
  expect((await admin('PATCH', path, { name: 'Second team' }, match(renamed))).body.code).toBe('already_exists');
  expect((await admin('PUT', `${path}/members`, { agents: [unknown] }, match(renamed))).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/agents/0',
  });
  const person = await somebody({ role: 'agent', products: ['demo'] });
  const { key } = (await keyOf(`user/${person.body.id}`)).body;
  const ticket = await stage.ticket();
  expect((await admin('POST', `/v1/tickets/${ticket}/assign`, { teamId: made.body.id })).status).toBe(200);
  expect((await as(key, 'GET', `/v1/tickets/${ticket}`)).status).toBe(404);
  const filled = await admin('PUT', `${path}/members`, { agents: [person.body.id] }, match(renamed));
  expect(filled.body).toMatchObject({ members: [person.body.id], revision: 3 });
  expect((await as(key, 'GET', `/v1/tickets/${ticket}`)).status).toBe(200);
  const emptied = await admin('PUT', `${path}/members`, { agents: [] }, match(filled));
  expect((await as(key, 'GET', `/v1/tickets/${ticket}`)).status).toBe(404);
  expect((await admin('PUT', `${path}/members`, { agents: [] }, match(filled))).status).toBe(412);
  expect(emptied.body.revision).toBe(4);
  expect((await admin('GET', `/v1/users/${person.body.id}`)).body.revision).toBe(3);
  expect((await logOf(`team/${made.body.id}`)).map(({ type }) => type)).toEqual([
    'team.added',
    'team.changed',
    'team.members_changed',
    'team.members_changed',
  ]);
});

test('products are added and renamed; their keys stay', async () => {
  const body = { key: `shop-${count}`, name: 'Shop', settings: { fromName: 'Shop support', defaultTeam: secondTeam } };
  const made = await admin('POST', '/v1/products', body);
  expect(made.body).toMatchObject({ key: body.key, name: 'Shop', revision: 1 });
  expect((await admin('POST', '/v1/products', body)).body).toMatchObject({ code: 'already_exists', pointer: '/key' });
  const renamed = await admin('PUT', `/v1/products/${body.key}`, { name: 'Web shop' }, match(made));
  expect(renamed.body).toMatchObject({ name: 'Web shop', revision: 2 });
  expect((await admin('PUT', `/v1/products/${body.key}`, { name: 'Late' }, match(made))).body).toMatchObject({
    code: 'version_mismatch',
    current: 2,
  });
  expect((await admin('POST', '/v1/products', { ...body, key: 'Shop' })).body.errors).toMatchObject([{ pointer: '/key' }]);
  const badTeam = { ...body, key: 'other-shop', settings: { fromName: 'x', defaultTeam: unknown } };
  expect((await admin('POST', '/v1/products', badTeam)).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/settings/defaultTeam',
  });
  expect(await stage.ticket({ product: body.key })).toMatch(/^TKT-/);
  expect((await logOf(`product/${body.key}`)).map(({ type }) => type)).toEqual(['product.added', 'product.changed']);
});
