/** Customers, people, products, operators and documents. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeApp } from '../../api/app.js';
import { problems } from '../../api/problems.js';
import { ticketUuid } from '../../db/queries/ticket-row.js';
import { document } from './conforms.js';
import { demo, useStage } from './support.js';

const stage = useStage();

test('the uuid of api.md, section 1', () => {
  expect(ticketUuid('TKT-3V7K9M2Q')).toBe('b7bb5371-d0e0-5f05-a9f4-0755814050a5');
});

test('customers are added and found', async () => {
  const made = await stage.call('agent', 'POST', '/v1/customers', {
    name: 'Quince 100%',
    email: 'Quince@Example.com',
    phone: '+49 (30) 555-0123',
    externalId: 'crm-9',
  });
  expect(made.body).toMatchObject({
    contacts: [
      { kind: 'email', value: 'quince@example.com', verified: false },
      { kind: 'phone', value: '+49305550123' },
    ],
  });
  const find = async (query: string) =>
    (await stage.call('agent', 'GET', `/v1/customers?${query}`)).body.data.map((customer: { id: string }) => customer.id);
  for (const query of [
    'q=uince',
    'q=quince@',
    'q=%2B4930',
    'email=QUINCE@example.com',
    'phone=%2B49+30+5550123',
    'externalId=crm-9',
    'q=100%25',
  ]) {
    expect(await find(query), query).toEqual([made.body.id]);
  }
  expect(await find('q=%25')).toEqual([made.body.id]);
  expect(await find('q=_')).toEqual([]);
  for (const taken of [{ email: 'quince@example.com' }, { phone: '+49305550123' }, { externalId: 'crm-9' }]) {
    expect((await stage.call('lead', 'POST', '/v1/customers', taken)).body.code).toBe('contact_taken');
  }
  expect((await stage.call('lead', 'POST', '/v1/customers', {})).body.code).toBe('invalid_request');
  expect((await stage.call('reader', 'GET', '/v1/customers')).status).toBe(403);
});

test('customers come in pages', async () => {
  const first = await stage.call('admin', 'GET', '/v1/customers?limit=2');
  const second = await stage.call('admin', 'GET', `/v1/customers?limit=100&cursor=${encodeURIComponent(first.body.page.next)}`);
  const seen = [...first.body.data, ...second.body.data].map((customer: { id: string }) => customer.id);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(expect.arrayContaining([...demo.customers]));
});

test('a customer’s history is one line of time', async () => {
  const id = await stage.ticket({ subject: 'First' }, 'stranger');
  await stage.call('agent', 'POST', `/v1/tickets/${id}/messages`, { body: 'Answer' });
  await stage.call('agent', 'POST', `/v1/tickets/${id}/notes`, { body: 'hidden' });
  const path = `/v1/customers/${demo.customers[1]}/history`;
  const history = await stage.call('lead', 'GET', path);
  expect(history.body.data).toMatchObject([
    { kind: 'message', text: 'Answer', author: 'agent' },
    { kind: 'ticket', ticket: id, subject: 'First', status: 'in_progress' },
  ]);
  expect(JSON.stringify(history.body)).not.toContain('hidden');
  const first = await stage.call('stranger', 'GET', `${path}?limit=1`);
  const rest = await stage.call('stranger', 'GET', `${path}?limit=1&cursor=${encodeURIComponent(first.body.page.next)}`);
  expect([first.body.data[0].kind, rest.body.data[0].kind]).toEqual(['message', 'ticket']);
});

test('agents and teams are read', async () => {
  const agents = await stage.call('agent', 'GET', `/v1/agents?team=${demo.team}&limit=100`);
  expect(agents.body.data).toHaveLength(5);
  expect((await stage.call('lead', 'GET', `/v1/agents/${demo.lead}`)).body).toMatchObject({
    name: 'Demo Lead',
    role: 'lead',
    teams: [demo.team],
  });
  const first = await stage.call('lead', 'GET', '/v1/agents?limit=1');
  const second = await stage.call('lead', 'GET', `/v1/agents?limit=1&cursor=${encodeURIComponent(first.body.page.next)}`);
  expect(second.body.data[0].id).not.toBe(first.body.data[0].id);
  expect((await stage.call('lead', 'GET', '/v1/teams')).body.data).toHaveLength(2);
  expect((await stage.call('lead', 'GET', `/v1/teams/${demo.team}`)).body).toMatchObject({ name: 'Support' });
  expect((await stage.call('lead', 'GET', `/v1/teams/${demo.lead}`)).status).toBe(404);
});

test('settings are revisions, replaced only by who knows the present one', async () => {
  const path = '/v1/products/demo/settings';
  const read = await stage.call('agent', 'GET', path);
  const etag = read.headers.get('etag') ?? '';
  expect((await stage.call('agent', 'GET', path, undefined, { 'if-none-match': etag })).status).toBe(304);
  const next = { ...read.body, displayName: 'Demo desk', statusLabels: { new: 'Unread' } };
  const put = (body: unknown, headers: Record<string, string> = {}, who: 'admin' | 'lead' = 'admin') =>
    stage.call(who, 'PUT', path, body, headers);
  expect((await put(next)).body.code).toBe('version_required');
  expect((await put(next, { 'if-match': '"99"' })).body).toMatchObject({ code: 'version_mismatch', current: 1 });
  expect((await put(next, { 'if-match': etag }, 'lead')).status).toBe(403);
  expect((await put({ ...next, defaultTeam: demo.lead }, { 'if-match': etag })).body).toMatchObject({
    code: 'unknown_reference',
    pointer: '/defaultTeam',
  });
  expect((await put({ ...next, colour: 'red' }, { 'if-match': etag })).body.errors).toMatchObject([
    { pointer: '/colour', code: 'unknown_field' },
  ]);
  const done = await put(next, { 'if-match': etag, 'idempotency-key': 'settings' });
  expect([done.status, done.headers.get('etag')]).toEqual([200, '"2"']);
  expect((await put(next, { 'if-match': etag, 'idempotency-key': 'settings' })).headers.get('idempotency-lookup')).toBe('hit');
  expect((await put(next, { 'if-match': etag })).status).toBe(412);
  expect((await stage.call('lead', 'GET', '/v1/products/demo')).body).toMatchObject({ displayName: 'Demo desk', revision: 2 });
  expect((await put({ fromName: 'Short' }, { 'if-match': '"2"' })).body).toMatchObject({
    reopenWindowS: 604_800,
    mail: { reply: true },
    categories: [],
    defaultTeam: null,
  });
});

test('operators get links that open views', async () => {
  const { body } = await stage.call('lead', 'GET', '/v1/operators/views');
  expect(body.data.map((view: { name: string }) => view.name)).toEqual([
    'tickets',
    'urgent',
    'breached',
    'warned',
    'escalated',
    'ack_pending',
    'new',
    'in_progress',
    'waiting_on_customer',
    'on_hold',
    'resolved',
    'approvals',
    'handoffs_late',
    'journeys_parked',
    'batches',
    'batches_paused',
    'batches_failed',
    'erasures',
    'notices',
    'webhooks',
    'failing',
  ]);
  const urgent = new URL(body.data[1].keep);
  expect(urgent.pathname).toBe('/namespaces/usher/workflows');
  expect(urgent.searchParams.get('query')).toBe('ExecutionStatus="Running" AND WorkflowType="ticketWorkflow" AND Priority="urgent"');
  expect(urgent.searchParams.get('savedQuery')).toBe('Usher: Urgent tickets');
  expect(new URL(body.data[1].open).searchParams.has('savedQuery')).toBe(false);
  const queries = body.data.slice(2, 6).map((view: { open: string }) => new URL(view.open).searchParams.get('query'));
  expect(queries).toEqual([
    'ExecutionStatus="Running" AND WorkflowType="ticketWorkflow" AND SlaState="breached"',
    'ExecutionStatus="Running" AND WorkflowType="ticketWorkflow" AND SlaState="warned"',
    'ExecutionStatus="Running" AND EscalationLevel > 0',
    'ExecutionStatus="Running" AND WorkflowType="ticketWorkflow" AND Stage="ack_pending"',
  ]);
  const batches = body.data.slice(14, 17).map((view: { open: string }) => new URL(view.open).searchParams.get('query'));
  expect(batches).toEqual([
    'ExecutionStatus="Running" AND WorkflowType IN ("bulkWorkflow","reprojectWorkflow")',
    'ExecutionStatus="Running" AND WorkflowType IN ("bulkWorkflow","reprojectWorkflow") AND `Status`="paused"',
    'ExecutionStatus="Running" AND WorkflowType="bulkWorkflow" AND Stage="failed_items"',
  ]);
  expect((await stage.call('agent', 'GET', '/v1/operators/views')).status).toBe(403);
  const page = await stage.call('nobody', 'GET', '/operators');
  expect(page.body).toContain('Priority%3D%22urgent%22');
});

test('pages hold no script and no foreign address', async () => {
  for (const path of ['/docs', '/problems', '/problems/ticket.closed', '/operators']) {
    const { status, body } = await stage.call('nobody', 'GET', path);
    expect(status).toBe(200);
    expect(body.match(/<script(?! src="\/docs\/assets\/)/), path).toBeNull();
    expect(body.match(/(?:src|href)="(?!\/|http:\/\/ui\.test)/), path).toBeNull();
    expect(body).not.toMatch(/ style=| on[a-z]+=/);
  }
  for (const file of ['usher.css', 'usher-docs.js', 'swagger-ui.css', 'swagger-ui-bundle.js']) {
    expect((await stage.app.request(`/docs/assets/${file}`)).status, file).toBe(200);
  }
  expect((await stage.app.request('/docs/assets/package.json')).status).toBe(404);
  expect((await stage.call('nobody', 'GET', '/problems/nothing')).status).toBe(404);
});

test('every code has its page', async () => {
  for (const code of Object.keys(problems)) expect((await stage.call('nobody', 'GET', `/problems/${code}`)).status, code).toBe(200);
});

test('the document is what the routes say, and is served', async () => {
  const written: unknown = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
  expect(describeApp()).toEqual(written);
  expect((await stage.call('nobody', 'GET', '/v1/openapi.json')).body).toEqual(written);
});

test('every route has an id, a permission and its problems', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  const ids = operations.map((operation) => Reflect.get(operation, 'operationId') as unknown);
  expect(new Set(ids).size).toBe(operations.length);
  for (const operation of operations) {
    expect(Reflect.get(operation, 'x-permission')).toBeTypeOf('string');
    expect(operation['x-problems'].filter((code) => !Object.hasOwn(problems, code))).toEqual([]);
  }
});

test('every example body is accepted as to its form', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const body = Reflect.get(operation, 'requestBody') as { content: Record<string, { example?: unknown }> } | undefined;
      const example = body?.content['application/json']?.example;
      if (example === undefined) continue;
      const id = path.includes('{ticketId}') ? await stage.ticket() : '';
      const address = path
        .replace('{ticketId}', id)
        .replace('{key}', 'demo')
        .replace(/\{.+?\}/, '018f3b1e-0000-7000-8000-0000000000ff');
      const reply = await stage.call('admin', method.toUpperCase(), address, example);
      expect(reply.body.code, `${method} ${path}`).not.toBe('invalid_request');
    }
  }
});
