/** Erasure as two admins ask for it, and how long things are kept. */
import { createHash, randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { asCustomerId } from '../../domain/ids.js';
import { demo, otherTenant, useStage } from './support.js';
import type { Reply, Who } from './support.js';
import { findErasure } from '../../db/queries/erasures.js';
import { buryPerson, markErasing } from '../../db/queries/erasing.js';
import { claimSweep, endSweep } from '../../db/queries/retention.js';

const stage = useStage();
let customer: string;
let second: string;
let secondAdmin: string;

/** A second admin with a key of their own, as administrators make one. */
async function anotherAdmin(): Promise<{ id: string; key: string }> {
  const made = await stage.call('admin', 'POST', '/v1/users', {
    name: 'Grace',
    email: `grace-${randomUUID().slice(0, 8)}@example.com`,
    memberships: [{ role: 'admin' }],
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return { id: made.body.id, key: await keyOf(`user/${made.body.id}`) };
}

async function keyOf(owner: string): Promise<string> {
  const made = await stage.call('admin', 'POST', '/v1/api-keys', { owner, name: 'test' });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.key;
}

const as = (key: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call('nobody', method, path, body, { authorization: `Bearer ${key}`, ...headers });

beforeEach(async () => {
  const made = await stage.call('admin', 'POST', '/v1/customers', { name: 'Ada', email: `ada-${randomUUID().slice(0, 8)}@example.com` });
  customer = made.body.id;
  if (second === undefined) ({ id: secondAdmin, key: second } = await anotherAdmin());
  stage.erasures.trouble = null;
  stage.erasures.started.splice(0);
});

const ask = (who: Who = 'admin', id = customer): Promise<Reply> => stage.call(who, 'POST', `/v1/customers/${id}/erase`);

test('one admin asks, another confirms, and only then it runs', async () => {
  const asked = await ask();
  expect([asked.status, asked.headers.get('location')]).toEqual([202, `/v1/erasures/${asked.body.id}`]);
  expect(asked.body).toMatchObject({
    customer,
    state: 'waiting',
    requestedBy: `user/${demo.admin}`,
    confirmedBy: null,
    rows: {},
    files: 0,
    reportHash: null,
  });
  expect(stage.erasures.started).toEqual([]);
  const confirmed = await as(second, 'POST', `/v1/erasures/${asked.body.id}/confirm`);
  expect([confirmed.status, confirmed.body.state, confirmed.body.confirmedBy]).toEqual([202, 'running', `user/${secondAdmin}`]);
  expect(stage.erasures.started).toEqual([{ tenant: demo.tenant, customer, erasure: asked.body.id }]);
  expect((await stage.call('admin', 'GET', `/v1/erasures/${asked.body.id}`)).body).toEqual(confirmed.body);
  const events = await stage.sql((tx) =>
    tx.selectFrom('event').select(['type', 'actor']).where('subject', '=', `customer/${customer}`).orderBy('seq').execute(),
  );
  expect(events.filter(({ type }) => type.startsWith('erasure.'))).toEqual([
    { type: 'erasure.requested', actor: `user/${demo.admin}` },
    { type: 'erasure.confirmed', actor: `user/${secondAdmin}` },
  ]);
});

test('nobody confirms their own request, with whatever credential of theirs', async () => {
  const { body } = await ask();
  const otherKey = await keyOf(`user/${demo.admin}`);
  for (const key of [stage.keys.admin, otherKey]) {
    const reply = await as(key, 'POST', `/v1/erasures/${body.id}/confirm`);
    expect([reply.status, reply.body.code]).toEqual([403, 'requester_excluded']);
  }
  expect((await stage.call('admin', 'GET', `/v1/erasures/${body.id}`)).body.state).toBe('waiting');
  expect(stage.erasures.started).toEqual([]);
});

test('asked for twice it is one request; confirmed twice it is one erasure, and the engine hears of it again', async () => {
  const { body } = await ask();
  expect((await ask()).body).toEqual(body);
  expect((await as(second, 'POST', `/v1/customers/${customer}/erase`)).body).toEqual(body);
  const confirmed = await as(second, 'POST', `/v1/erasures/${body.id}/confirm`);
  expect((await as(second, 'POST', `/v1/erasures/${body.id}/confirm`)).body).toEqual(confirmed.body);
  expect((await ask()).body).toEqual(confirmed.body);
  expect(stage.erasures.started).toHaveLength(2);
});

test('without the engine nothing is confirmed', async () => {
  const { body } = await ask();
  stage.erasures.trouble = 'unavailable';
  const reply = await as(second, 'POST', `/v1/erasures/${body.id}/confirm`);
  expect([reply.status, reply.body.code]).toEqual([503, 'engine_unavailable']);
  expect((await stage.call('admin', 'GET', `/v1/erasures/${body.id}`)).body).toEqual(body);
});

test('a request is taken back by any admin until it is confirmed; then another one may be made', async () => {
  const { body } = await ask();
  const withdrawn = await as(second, 'POST', `/v1/erasures/${body.id}/withdraw`);
  expect([withdrawn.status, withdrawn.body.state, withdrawn.body.withdrawnBy]).toEqual([200, 'withdrawn', `user/${secondAdmin}`]);
  const late = await as(second, 'POST', `/v1/erasures/${body.id}/confirm`);
  expect([late.status, late.body.code]).toEqual([409, 'erasure_withdrawn']);
  const again = await ask();
  expect(again.body).toMatchObject({ state: 'waiting' });
  expect(again.body.id).not.toBe(body.id);
  await as(second, 'POST', `/v1/erasures/${again.body.id}/confirm`);
  const running = await stage.call('admin', 'POST', `/v1/erasures/${again.body.id}/withdraw`);
  expect([running.status, running.body.code]).toEqual([409, 'erasure_pending']);
});

test('the same key again is the same answer', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const first = await stage.call('admin', 'POST', `/v1/customers/${customer}/erase`, undefined, headers);
  const repeated = await stage.call('admin', 'POST', `/v1/customers/${customer}/erase`, undefined, headers);
  expect([repeated.status, repeated.headers.get('idempotency-lookup'), repeated.body]).toEqual([202, 'hit', first.body]);
});

test('a person of whom only a tombstone is left is gone, and the first proof is the answer', async () => {
  const { body } = await ask();
  await as(second, 'POST', `/v1/erasures/${body.id}/confirm`);
  const person = { tenant: demo.tenant, customer: asCustomerId(customer), erasure: String(body.id) };
  await stage.sql((tx) => markErasing(tx, person, Date.now()));
  for (const path of [`/v1/customers/${customer}`, `/v1/customers/${customer}/history`]) {
    const reply = await stage.call('agent', 'GET', path);
    expect([reply.status, reply.body.code], path).toEqual([410, 'erased']);
  }
  const list = await stage.call('admin', 'GET', '/v1/customers?limit=100');
  expect(list.body.data.map(({ id }: { id: string }) => id)).not.toContain(customer);
  const ticket = await stage.call('admin', 'POST', '/v1/tickets', {
    product: 'demo',
    subject: 'x',
    description: 'x',
    channel: 'api',
    requester: { customerId: customer },
  });
  expect([ticket.status, ticket.body.code]).toEqual([422, 'unknown_reference']);
  const noted = await stage.call('admin', 'PUT', `/v1/subjects/customer/${customer}`, { attributes: { email: 'a@example.com' } });
  expect([noted.status, noted.body.code]).toEqual([410, 'erased']);
  const hash = createHash('sha256').update('report').digest('hex');
  await stage.sql((tx) => buryPerson(tx, person, hash, Date.now()));
  const proof = await ask();
  expect([proof.status, proof.body.state, proof.body.reportHash]).toEqual([200, 'done', hash]);
  expect((await as(second, 'POST', `/v1/erasures/${body.id}/confirm`)).body).toEqual(proof.body);
  const late = await stage.call('admin', 'POST', `/v1/erasures/${body.id}/withdraw`);
  expect([late.status, late.body.code]).toEqual([410, 'erased']);
});

test('an attachment and an answer of which the words are gone say so', async () => {
  const key = randomUUID();
  const send = () => stage.call('admin', 'POST', '/v1/customers', { name: 'Edsger' }, { 'idempotency-key': key });
  expect((await send()).status).toBe(201);
  await stage.sql((tx) =>
    tx.updateTable('idempotency').set({ status: 410, body: null, headers: '{}' }).where('body', 'like', '%Edsger%').execute(),
  );
  expect([(await send()).status, (await send()).body.code]).toEqual([410, 'erased']);
  const ticket = await stage.ticket();
  const made = await stage.call('admin', 'POST', `/v1/tickets/${ticket}/attachments`, { name: 'a.pdf', type: 'application/pdf', size: 3 });
  await stage.sql((tx) =>
    tx.updateTable('attachment').set({ name: '', state: 'rejected', erasedAt: new Date() }).where('id', '=', made.body.id).execute(),
  );
  for (const path of [`/v1/attachments/${made.body.id}`, `/v1/attachments/${made.body.id}/content`]) {
    expect((await stage.call('admin', 'GET', path)).body.code, path).toBe('erased');
  }
});

const ids = (reply: Reply): string[] => reply.body.data.map(({ id }: { id: string }) => id);

test('the list shows requests newest first, by state, a page at a time', async () => {
  const asked = [await ask(), await ask('admin', demo.customers[2]), await ask('admin', demo.customers[3])].map(({ body }) => body.id);
  const first = await stage.call('admin', 'GET', '/v1/erasures?state=waiting&limit=2');
  const rest = await stage.call('admin', 'GET', `/v1/erasures?state=waiting&limit=2&cursor=${first.body.page.next}`);
  expect([...ids(first), ...ids(rest)].slice(0, 3)).toEqual(asked.toReversed());
  expect(ids(await stage.call('admin', 'GET', '/v1/erasures?state=done&limit=100'))).not.toContain(asked[0]);
  const wrong = await stage.call('admin', 'GET', '/v1/erasures?state=erased');
  expect([wrong.status, wrong.body.code]).toEqual([400, 'unknown_parameter']);
});

test('it is for admins, and of another tenant there is nothing', async () => {
  const { body } = await ask();
  const routes = [
    ['POST', `/v1/customers/${customer}/erase`],
    ['GET', '/v1/erasures'],
    ['GET', `/v1/erasures/${body.id}`],
    ['POST', `/v1/erasures/${body.id}/confirm`],
    ['POST', `/v1/erasures/${body.id}/withdraw`],
    ['GET', '/v1/retention'],
    ['GET', '/v1/retention/sweeps'],
  ] as const;
  for (const [method, path] of routes) {
    for (const who of ['lead', 'agent', 'customer', 'service'] as const) {
      const reply = await stage.call(who, method, path);
      expect([reply.status, reply.body.code], `${who} ${method} ${path}`).toEqual([403, 'forbidden']);
    }
    if (!path.includes(body.id) && !path.includes(customer)) continue;
    const foreign = await stage.call('foreign', method, path);
    expect([foreign.status, foreign.body.code], path).toEqual([404, 'not_found']);
  }
  expect((await stage.call('foreign', 'GET', '/v1/erasures')).body.data).toEqual([]);
  const absent = await stage.call('admin', 'POST', `/v1/customers/${randomUUID()}/erase`);
  expect([absent.status, absent.body.code]).toEqual([404, 'not_found']);
  expect(await stage.sql((tx) => findErasure(tx, otherTenant, String(body.id)), otherTenant)).toBeUndefined();
});

test('how long things are kept is changed at the revision one has read', async () => {
  const usual = await stage.call('admin', 'GET', '/v1/retention');
  expect(usual.body).toEqual({ rawMailDays: 30, closedTicketDays: null, journeyEntryDays: 365, webhookDays: 30, auditDays: 400 });
  const etag = usual.headers.get('etag') ?? '';
  expect((await stage.call('admin', 'GET', '/v1/retention', undefined, { 'if-none-match': etag })).status).toBe(304);
  const wanted = { rawMailDays: 14, closedTicketDays: 730, journeyEntryDays: 90, webhookDays: 60, auditDays: 730 };
  const bare = await stage.call('admin', 'PUT', '/v1/retention', wanted);
  expect([bare.status, bare.body.code]).toEqual([428, 'version_required']);
  const stored = await stage.call('admin', 'PUT', '/v1/retention', wanted, { 'if-match': etag });
  expect([stored.status, stored.body]).toEqual([200, wanted]);
  const stale = await stage.call('admin', 'PUT', '/v1/retention', wanted, { 'if-match': etag });
  expect([stale.status, stale.body.code]).toEqual([412, 'version_mismatch']);
  expect((await stage.call('admin', 'GET', '/v1/retention')).body).toEqual(wanted);
  // Other settings of the tenant are still what they were.
  expect((await stage.call('admin', 'GET', '/v1/journey-settings')).status).toBe(200);
  const [line] = await stage.sql((tx) => tx.selectFrom('audit').select('changes').where('action', '=', 'retention.replaced').execute());
  expect(line?.changes).toEqual(wanted);
});

/** At the present revision. */
const keep = async (body: object): Promise<Reply> => {
  const etag = (await stage.call('admin', 'GET', '/v1/retention')).headers.get('etag') ?? '';
  return stage.call('admin', 'PUT', '/v1/retention', body, { 'if-match': etag });
};

test('what is left out becomes usual again, and 400 days of the audit may be said', async () => {
  expect((await keep({ webhookDays: 7, auditDays: 36_500 })).body).toMatchObject({ rawMailDays: 30, webhookDays: 7, auditDays: 36_500 });
  const reply = await keep({ rawMailDays: 14, auditDays: 400 });
  expect([reply.status, reply.body]).toEqual([
    200,
    { rawMailDays: 14, closedTicketDays: null, journeyEntryDays: 365, webhookDays: 30, auditDays: 400 },
  ]);
});

test.each<[object, string, string?]>([
  [{ rawMailDays: 0 }, '/rawMailDays'],
  [{ closedTicketDays: 0.5 }, '/closedTicketDays'],
  [{ journeyEntryDays: 29 }, '/journeyEntryDays'],
  [{ rawMailDays: '30' }, '/rawMailDays'],
  [{ webhookDays: 6 }, '/webhookDays', '7'],
  [{ webhookDays: 366 }, '/webhookDays', '365'],
  [{ auditDays: 399 }, '/auditDays', '400'],
  [{ auditDays: null }, '/auditDays'],
  [{ invoiceDays: 400 }, '/invoiceDays'],
])('%j is refused by name, and nothing changes', async (body, pointer, rule = '') => {
  const before = await stage.call('admin', 'GET', '/v1/retention');
  const reply = await stage.call('admin', 'PUT', '/v1/retention', body, { 'if-match': before.headers.get('etag') ?? '' });
  expect([reply.status, reply.body.code, reply.body.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
  expect(reply.body.errors[0].message).toContain(rule);
  expect((await stage.call('admin', 'GET', '/v1/retention')).headers.get('etag')).toBe(before.headers.get('etag'));
});

test('what was swept stands day by day', async () => {
  expect((await stage.call('admin', 'GET', '/v1/retention/sweeps')).body.data).toEqual([]);
  await stage.sql(async (tx) => {
    expect(await claimSweep(tx, demo.tenant)).toBe(true);
    await endSweep(tx, demo.tenant, { content: 3, files: 1 });
  });
  const { body } = await stage.call('admin', 'GET', '/v1/retention/sweeps');
  expect(body.data).toMatchObject([{ counts: { content: 3, files: 1 } }]);
  expect(body.data[0].endedAt).not.toBeNull();
});
