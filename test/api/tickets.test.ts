import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { demo, outsider, secondTeam, useStage } from './support.js';

const stage = useStage();
const agent = demo.agents[0] ?? '';

test('a ticket is opened, read and told as an event', async () => {
  const made = await stage.call('agent', 'POST', '/v1/tickets', {
    product: 'demo',
    subject: 'Invoice 4711',
    description: 'Wrong amount',
    channel: 'phone',
    requester: { email: 'New.Person@Example.com', phone: '+49 30 1234567', name: 'New Person' },
    tags: ['vat', 'vat', 'march'],
    customFields: { contract: 'A-17', seats: 3, paid: false },
    category: 'Billing',
  });
  expect(made.status).toBe(201);
  expect(made.headers.get('location')).toBe(`/v1/tickets/${made.body.id}`);
  expect(made.headers.get('etag')).toBe('"1"');
  expect(made.body).toMatchObject({
    status: 'new',
    statusLabel: 'New',
    priority: 'medium',
    tags: ['vat', 'march'],
    customFields: { contract: 'A-17', seats: 3, paid: false },
    team: demo.team,
    links: { followUpOf: null, followUps: [] },
  });
  const read = await stage.call('lead', 'GET', `/v1/tickets/${made.body.id.toLowerCase()}?include=requester,assignee,messages,links`);
  expect(read.body.included).toMatchObject({
    requester: { name: 'New Person', emails: ['new.person@example.com'], phones: ['+49301234567'] },
    assignee: null,
    messages: [{ kind: 'opening', body: 'Wrong amount', author: { kind: 'customer' } }],
    links: [],
  });
  const events = await stage.call('lead', 'GET', `/v1/tickets/${made.body.id}/events`);
  expect(events.body.data).toMatchObject([{ version: 1, type: 'ticket.created', actor: `user/${agent}`, via: 'api' }]);
  expect(JSON.stringify(events.body)).not.toContain('Wrong amount');
});

test('events are CloudEvents, one command the cause of all it led to', async () => {
  const id = await stage.ticket();
  await stage.call('lead', 'PATCH', `/v1/tickets/${id}`, { priority: 'high', status: 'on_hold' });
  const { data } = (await stage.call('lead', 'GET', `/v1/tickets/${id}/events`)).body;
  expect(data[1]).toEqual({
    specversion: '1.0',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    source: 'usher',
    type: 'ticket.updated',
    subject: `ticket/${id}`,
    time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    datacontenttype: 'application/json',
    tenant: demo.tenant,
    product: 'demo',
    seq: 2,
    causationid: expect.stringMatching(/^k-[0-9a-f]{32}$/) as string,
    correlationid: `ticket/${id}`,
    version: 2,
    actor: `user/${demo.lead}`,
    role: 'lead',
    via: 'api',
    content: null,
    data: { changed: ['priority'], priorityFrom: 'medium', priorityTo: 'high', reason: null, version: 2 },
  });
  expect(data.map((event: { seq: number }) => event.seq)).toEqual([1, 2, 3]);
  expect(data[2].causationid).toBe(data[1].causationid);
  expect(data[0].causationid).not.toBe(data[1].causationid);
});

test('the same address is the same customer, also for two at once', async () => {
  const body = { product: 'demo', subject: 's', description: 'd', channel: 'email', requester: { email: 'twice@example.com' } };
  const both = await Promise.all([stage.call('admin', 'POST', '/v1/tickets', body), stage.call('agent', 'POST', '/v1/tickets', body)]);
  expect(both.map((reply) => reply.status)).toEqual([201, 201]);
  expect(both[0]?.body.requester).toBe(both[1]?.body.requester);
});

test('the uuid of the page belongs to its number, and leads to the ticket', async () => {
  const id = await stage.ticket();
  const { uuid } = (await stage.call('admin', 'GET', `/v1/tickets/${id}`)).body;
  expect((await stage.call('admin', 'GET', `/v1/tickets/${uuid.toUpperCase()}`)).body.id).toBe(id);
  expect((await stage.call('admin', 'POST', `/v1/tickets/${uuid}/start`)).body).toMatchObject({ id, status: 'in_progress' });
});

test('a life from opening to removal', async () => {
  const id = await stage.ticket();
  const at = (verb: string, body?: unknown) => stage.call('admin', 'POST', `/v1/tickets/${id}/${verb}`, body);
  expect((await at('start')).body.status).toBe('in_progress');
  expect((await at('await-customer', { until: '2999-01-01T00:00:00.000Z' })).body).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/until' }],
  });
  expect((await at('await-customer', { until: new Date(Date.now() + 60_000).toISOString() })).body.status).toBe('waiting_on_customer');
  expect((await at('hold', { reason: 'Waits for a part' })).body.status).toBe('on_hold');
  expect((await at('close')).body).toMatchObject({
    code: 'ticket.illegal_move',
    from: 'on_hold',
    to: 'closed',
    allowed: ['in_progress', 'waiting_on_customer', 'resolved'],
  });
  const resolved = await at('resolve', { resolution: 'Replaced.' });
  expect(resolved.body.reopenUntil).not.toBeNull();
  expect((await at('reopen', { reason: 'It came back' })).body).toMatchObject({ status: 'in_progress', reopenUntil: null });
  expect((await stage.call('admin', 'DELETE', `/v1/tickets/${id}?reason=spam+again`)).body.code).toBe('ticket.not_closed');
  await at('resolve');
  expect((await at('close', { reason: 'Agreed' })).body).toMatchObject({ status: 'closed' });
  expect((await at('reopen', { reason: 'Too late' })).body.code).toBe('ticket.closed');
  expect((await stage.call('admin', 'DELETE', `/v1/tickets/${id}`)).body.code).toBe('reason_required');
  expect((await stage.call('admin', 'DELETE', `/v1/tickets/${id}?reason=as+asked`)).status).toBe(204);
  expect((await stage.call('admin', 'GET', `/v1/tickets/${id}`)).status).toBe(404);
  expect((await stage.call('admin', 'GET', `/v1/tickets/${id}?includeRemoved=true`)).body.removedAt).toBeDefined();
  expect((await stage.call('agent', 'GET', `/v1/tickets/${id}?includeRemoved=true`)).status).toBe(403);
  expect((await at('restore', { reason: 'Needed' })).body.status).toBe('closed');
  const history = await stage.call('lead', 'GET', `/v1/tickets/${id}/history?limit=100`);
  const told = history.body.data.map((entry: { summary: string }) => entry.summary);
  expect(told).toEqual([
    'Opened by api with priority medium',
    'Moved from new to in progress',
    'Moved from in progress to waiting on customer',
    'Moved from waiting on customer to on hold',
    'Resolved',
    'Reopened',
    'Resolved',
    'Closed (staff)',
    'Removed',
    'Restored',
  ]);
  expect(history.body.data[4]).toMatchObject({ text: 'Replaced.', actor: { name: 'Demo Admin' } });
});

test('a removed ticket cannot be restored after 30 days', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
  await stage.call('admin', 'POST', `/v1/tickets/${id}/close`);
  await stage.call('admin', 'DELETE', `/v1/tickets/${id}?reason=old+one`);
  const long = Date.now() - 31 * 86_400_000;
  await stage.sql(async (tx) => {
    await sql`update ticket set state = jsonb_set(state, '{removedAt}', to_jsonb(${long}::bigint)) where id = ${id}`.execute(tx);
  });
  expect((await stage.call('admin', 'POST', `/v1/tickets/${id}/restore`)).body.code).toBe('ticket.restore_expired');
});

test.each([
  ['in_progress', 'new', 'in_progress'],
  ['waiting_on_customer', 'new', 'waiting_on_customer'],
  ['on_hold', 'new', 'on_hold'],
  ['resolved', 'new', 'resolved'],
])('status %s sends the verb that leads there', async (status, _from, reached) => {
  const id = await stage.ticket();
  expect((await stage.call('lead', 'POST', `/v1/tickets/${id}/status`, { status })).body.status).toBe(reached);
});

test('status reopens a resolved ticket, and never leads back to new', async () => {
  const id = await stage.ticket();
  await stage.call('lead', 'POST', `/v1/tickets/${id}/status`, { status: 'resolved' });
  expect((await stage.call('lead', 'POST', `/v1/tickets/${id}/status`, { status: 'in_progress' })).body.status).toBe('in_progress');
  expect((await stage.call('lead', 'POST', `/v1/tickets/${id}/status`, { status: 'new' })).body.code).toBe('ticket.illegal_move');
});

test('agents take work; leads hand it out to whom it may go', async () => {
  const id = await stage.ticket();
  const assign = (who: 'agent' | 'lead', body: unknown) => stage.call(who, 'POST', `/v1/tickets/${id}/assign`, body);
  expect((await assign('agent', { agentId: demo.agents[1] })).body).toMatchObject({ code: 'forbidden', permission: 'ticket.assign' });
  expect((await assign('agent', { teamId: secondTeam })).status).toBe(403);
  expect((await assign('lead', { agentId: outsider })).body).toMatchObject({ code: 'not_permitted_agent', missing: 'product' });
  expect((await assign('lead', { agentId: demo.customers[0] })).body).toMatchObject({ code: 'unknown_reference', pointer: '/agentId' });
  expect((await assign('lead', { teamId: outsider })).body).toMatchObject({ code: 'unknown_reference', pointer: '/teamId' });
  expect((await assign('lead', { agentId: demo.agents[1], teamId: secondTeam })).body).toMatchObject({
    code: 'not_permitted_agent',
    missing: 'team',
  });
  expect((await assign('lead', { agentId: demo.agents[1] })).body.assignee).toBe(demo.agents[1]);
  expect((await stage.call('agent', 'POST', `/v1/tickets/${id}/claim`)).body).toMatchObject({
    code: 'ticket.already_assigned',
    assignee: demo.agents[1],
  });
  expect((await stage.call('agent', 'POST', `/v1/tickets/${id}/unassign`)).status).toBe(403);
  expect((await stage.call('lead', 'POST', `/v1/tickets/${id}/unassign`)).body.assignee).toBeNull();
  expect((await stage.call('agent', 'POST', `/v1/tickets/${id}/claim`)).body.assignee).toBe(agent);
  expect((await stage.call('agent', 'POST', `/v1/tickets/${id}/start`)).body.status).toBe('in_progress');
  expect((await stage.call('service', 'POST', `/v1/tickets/${id}/claim`)).status).toBe(403);
});

test('a ticket given to another team leaves the giver’s sight', async () => {
  const id = await stage.ticket();
  const given = await stage.call('lead', 'POST', `/v1/tickets/${id}/assign`, { teamId: secondTeam });
  expect(given.body).toMatchObject({ id, team: secondTeam });
  expect(given.body.subject).toBeUndefined();
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}`)).status).toBe(404);
});

test('PATCH changes everything at once, merging custom fields', async () => {
  const id = await stage.ticket({ customFields: { a: 1, b: 2 } });
  const edited = await stage.call('lead', 'PATCH', `/v1/tickets/${id}`, {
    subject: 'Another',
    tags: ['x'],
    customFields: { b: null, c: 'new' },
    category: 'Technical',
    priority: 'urgent',
    assigneeId: demo.agents[0],
    status: 'on_hold',
  });
  expect(edited.body).toMatchObject({
    subject: 'Another',
    description: 'Since this morning.',
    tags: ['x'],
    customFields: { a: 1, c: 'new' },
    category: 'Technical',
    priority: 'urgent',
    assignee: demo.agents[0],
    status: 'on_hold',
  });
  expect(edited.body.customFields.b).toBeUndefined();
  expect(stage.desk.received.filter((command) => command.id === id).map((command) => command.kind)).toEqual(['open', 'edit']);
});

test('PATCH is all or nothing, and each part needs its permission', async () => {
  const id = await stage.ticket();
  const edit = (who: 'agent' | 'lead' | 'customer', body: unknown, headers = {}) =>
    stage.call(who, 'PATCH', `/v1/tickets/${id}`, body, headers);
  expect((await edit('lead', { priority: 'low', status: 'closed' })).body.code).toBe('ticket.illegal_move');
  expect((await edit('agent', { priority: 'low', status: 'resolved' })).body).toMatchObject({
    code: 'forbidden',
    permission: 'ticket.resolve',
  });
  expect((await edit('agent', { assigneeId: demo.agents[1] })).status).toBe(403);
  expect((await edit('agent', { teamId: null })).status).toBe(403);
  expect((await edit('customer', { priority: 'low' })).status).toBe(403);
  expect((await edit('lead', { category: 'Nonsense' })).body).toMatchObject({ code: 'unknown_reference', pointer: '/category' });
  expect((await edit('lead', { assigneeId: outsider })).body.code).toBe('not_permitted_agent');
  expect((await edit('lead', {})).body.code).toBe('invalid_request');
  expect((await edit('lead', { priority: 'low' }, { 'if-match': '"9"' })).body).toMatchObject({ code: 'version_mismatch', current: 1 });
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}`)).body).toMatchObject({ priority: 'medium', version: 1 });
  expect((await edit('agent', { assigneeId: agent, priority: 'low' })).body).toMatchObject({ assignee: agent, priority: 'low' });
  expect((await edit('agent', { assigneeId: null })).body.assignee).toBeNull();
});

test('two merges of custom fields at once lose nothing', async () => {
  const id = await stage.ticket({ customFields: { a: 1 } });
  const replies = await Promise.all(
    ['b', 'c', 'd'].map((name) => stage.call('lead', 'PATCH', `/v1/tickets/${id}`, { customFields: { [name]: 1 } })),
  );
  expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200]);
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}`)).body.customFields).toEqual({ a: 1, b: 1, c: 1, d: 1 });
});

test('If-Match guards verbs; what names no version never matches', async () => {
  const id = await stage.ticket();
  const start = (match: string) => stage.call('lead', 'POST', `/v1/tickets/${id}/start`, undefined, { 'if-match': match });
  expect((await start('"7"')).status).toBe(412);
  expect((await start('nonsense')).status).toBe(412);
  expect((await start('"1"')).headers.get('etag')).toBe('"2"');
});

test('GET answers 304 to who has it', async () => {
  const id = await stage.ticket();
  const read = await stage.call('lead', 'GET', `/v1/tickets/${id}`);
  expect(read.headers.get('etag')).toBe('"1"');
  expect(read.headers.get('cache-control')).toBe('private, no-cache');
  expect(read.headers.get('vary')).toBe('Authorization');
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}`, undefined, { 'if-none-match': '"1"' })).status).toBe(304);
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}`, undefined, { 'if-none-match': '"2"' })).status).toBe(200);
  expect((await stage.call('lead', 'HEAD', `/v1/tickets/${id}`)).status).toBe(200);
});

test('products rename statuses for display', async () => {
  const id = await stage.ticket({ product: 'second' });
  expect((await stage.call('admin', 'GET', `/v1/tickets/${id}`)).body).toMatchObject({ status: 'new', statusLabel: 'Fresh' });
});

test('what a create refers to has to be there', async () => {
  const make = (fields: object) =>
    stage.call('admin', 'POST', '/v1/tickets', { product: 'demo', subject: 's', description: 'd', channel: 'api', ...fields });
  const requester = { customerId: demo.customers[0] };
  expect((await make({ requester, product: 'nowhere' })).body).toMatchObject({ code: 'unknown_reference', pointer: '/product' });
  expect((await make({ requester: { customerId: outsider } })).body).toMatchObject({ pointer: '/requester/customerId' });
  expect((await make({ requester, category: 'Nonsense' })).body).toMatchObject({ pointer: '/category' });
  expect((await make({})).body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/requester', code: 'required' }] });
  expect((await make({ requester: {} })).body.code).toBe('invalid_request');
  expect((await stage.call('reader', 'GET', '/v1/tickets')).status).toBe(200);
});
