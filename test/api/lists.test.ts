import { beforeAll, expect, test } from 'vitest';
import { demo, secondTeam, useStage } from './support.js';
import type { Who } from './support.js';

const stage = useStage();
const ids: string[] = [];

beforeAll(async () => {
  const kinds = [
    { priority: 'urgent', category: 'Billing', channel: 'email', tags: ['vat'], subject: 'Zebra invoice' },
    { priority: 'low', category: 'Technical', channel: 'phone', tags: ['vat', 'slow'], customFields: { contract: 'A-17' } },
    { priority: 'urgent', channel: 'web', description: 'The zebra does not print.' },
    { priority: 'medium', channel: 'web', requester: { customerId: demo.customers[1] } },
    { priority: 'high', channel: 'chat', product: 'second' },
  ];
  for (const fields of kinds) ids.push(await stage.ticket(fields));
  await stage.call('agent', 'POST', `/v1/tickets/${ids[0]}/claim`);
  await stage.call('admin', 'POST', `/v1/tickets/${ids[1]}/start`);
  await stage.call('admin', 'POST', `/v1/tickets/${ids[3]}/assign`, { teamId: secondTeam });
});

const list = (query: string, who: Who = 'admin') => stage.call(who, 'GET', `/v1/tickets?${query}`);
const found = async (query: string, who: Who = 'admin'): Promise<number[]> => {
  const { body } = await list(query, who);
  return body.data.map((ticket: { id: string }) => ids.indexOf(ticket.id)).toSorted();
};

test.each([
  ['product=*', [0, 1, 2, 3, 4]],
  ['product=demo', [0, 1, 2, 3]],
  ['product=second', [4]],
  ['product=demo,second&status=new', [0, 2, 3, 4]],
  ['product=*&status=in_progress', [1]],
  ['product=*&priority=urgent,low', [0, 1, 2]],
  ['product=*&channel=web', [2, 3]],
  ['product=*&category=Billing,Technical', [0, 1]],
  [`product=*&team=${secondTeam}`, [3]],
  [`product=*&assignee=${demo.agents[0]}`, [0]],
  [`product=*&assignee=none,${demo.agents[0]}`, [0, 1, 2, 3, 4]],
  ['product=*&assignee=me', []],
  [`product=*&requester=${demo.customers[1]}`, [3]],
  ['product=*&tag=vat', [0, 1]],
  ['product=*&tag=slow,none', [1]],
  ['product=*&cf.contract=A-17', [1]],
  ['product=*&cf.contract=B', []],
  ['product=*&q=zebra', [0, 2]],
  ['product=*&q=zebra+-invoice', [2]],
  ['product=*&createdAt.gte=2999-01-01T00:00:00.000Z', []],
  ['product=*&createdAt.lt=2999-01-01T00:00:00.000Z&updatedAt.gte=2000-01-01T00:00:00.000Z', [0, 1, 2, 3, 4]],
  ['product=*&updatedAt.lt=2000-01-01T00:00:00.000Z', []],
  ["product=*&q='%3B drop table ticket --", []],
] as const)('%s', async (query, expected) => {
  expect(await found(query)).toEqual(expected);
});

test('me is whoever asks; teams and assignments bound what is seen', async () => {
  expect(await found('product=*&assignee=me', 'agent')).toEqual([0]);
  expect(await found('product=*', 'agent')).toEqual([0, 1, 2]);
  expect(await found('product=*', 'stranger')).toEqual([3]);
  expect(await found('', 'other')).toEqual([4]);
});

test('counts', async () => {
  expect((await stage.call('admin', 'GET', '/v1/tickets/count?product=*&priority=urgent')).body).toEqual({ count: 2, text: '2' });
});

test.each(['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'dueAt', '-dueAt', 'priority', '-priority'])(
  'pages by %s meet every ticket once',
  async (sort) => {
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const { body } = await list(`product=*&limit=2&sort=${sort}${cursor}`);
      seen.push(...body.data.map((ticket: { id: string }) => ticket.id));
      if (!body.page.hasMore) break;
      cursor = `&cursor=${encodeURIComponent(body.page.next)}`;
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
    const whole = await list(`product=*&sort=${sort}`);
    expect(seen).toEqual(whole.body.data.map((ticket: { id: string }) => ticket.id));
  },
);

test('sort by priority puts the urgent first', async () => {
  const { body } = await list('product=*&sort=-priority');
  expect(body.data.map((ticket: { priority: string }) => ticket.priority)).toEqual(['urgent', 'urgent', 'high', 'medium', 'low']);
});

test('a cursor is good for its caller, filter and sort only', async () => {
  const { next } = (await list('product=*&limit=1')).body.page;
  const cursor = `cursor=${encodeURIComponent(next)}`;
  expect((await list(`product=*&limit=3&${cursor}`)).status).toBe(200);
  for (const [query, who] of [
    [`product=demo&${cursor}`, 'admin'],
    [`product=*&sort=priority&${cursor}`, 'admin'],
    [`product=*&status=new&${cursor}`, 'admin'],
    [`product=*&cf.x=1&${cursor}`, 'admin'],
    [`product=*&${cursor}`, 'lead'],
    [`product=*&${cursor}`, 'foreign'],
    ['product=*&cursor=nonsense', 'admin'],
    [`product=*&cursor=${encodeURIComponent(`X${String(next).slice(1)}`)}`, 'admin'],
  ] as const) {
    expect((await list(query, who)).body.code, query).toBe('cursor_invalid');
  }
  expect((await stage.call('admin', 'GET', `/v1/customers?${cursor}`)).body.code).toBe('cursor_invalid');
});

test.each([
  'foo=1',
  'status=open',
  'sort=subject',
  'include=clocks',
  'include=csat',
  'limit=0',
  'limit=101',
  'limit=x',
  'slaState=late',
  'slaBreached=maybe',
  'escalationLevel=10',
  'escalationLevel=',
  'dueAt.lt=tomorrow',
  'createdAt.gte=yesterday',
  'assignee=nobody',
  'cf.=1',
  'cf.a%20b=1',
  'q=%00',
  'includeRemoved=maybe',
])('%s is no parameter', async (query) => {
  const reply = await list(`product=*&${query}`);
  expect([reply.status, reply.body.code]).toEqual([400, 'unknown_parameter']);
});

test('parameters elsewhere are refused as well', async () => {
  expect((await stage.call('admin', 'GET', `/v1/tickets/${ids[0]}?include=clocks`)).body.code).toBe('unknown_parameter');
  expect((await stage.call('admin', 'POST', `/v1/tickets/${ids[0]}/start?force=true`)).body.code).toBe('unknown_parameter');
  expect((await stage.call('admin', 'GET', `/v1/customers/${demo.customers[0]}?x=1`)).body.code).toBe('unknown_parameter');
});

test('a list says of which product', async () => {
  expect((await list('')).body.code).toBe('product_required');
  expect((await list('', 'customer')).body.code).toBe('product_required');
  expect((await list('', 'reader')).status).toBe(200);
});

test('removed tickets are for admins who ask', async () => {
  const id = await stage.ticket({ priority: 'low' });
  await stage.call('admin', 'POST', `/v1/tickets/${id}/resolve`);
  await stage.call('admin', 'POST', `/v1/tickets/${id}/close`);
  await stage.call('admin', 'DELETE', `/v1/tickets/${id}?reason=as+asked`);
  const numbers = async (query: string) => (await list(query)).body.data.map((ticket: { id: string }) => ticket.id);
  expect(await numbers('product=*&status=closed')).toEqual([]);
  expect(await numbers('product=*&status=closed&includeRemoved=true')).toEqual([id]);
  expect((await list('product=*&includeRemoved=true', 'lead')).status).toBe(403);
});

test('includes bring what they name, per ticket', async () => {
  const { body } = await list('product=*&include=requester,messages&limit=100');
  const second = body.data.find((ticket: { id: string }) => ticket.id === ids[3]);
  expect(second.included.requester.emails).toEqual(['customer2@example.com']);
  expect(second.included.messages).toHaveLength(1);
  expect(second.included.assignee).toBeUndefined();
});

test('links tell of follow-ups the reader may see', async () => {
  const [first, second] = [await stage.ticket({}, 'customer'), await stage.ticket({}, 'stranger')];
  const third = await stage.ticket({}, 'customer');
  await stage.sql((tx) => tx.updateTable('ticket').set({ followUpOf: first }).where('id', 'in', [second, third]).execute());
  const staff = await stage.call('admin', 'GET', `/v1/tickets/${first}?include=links`);
  expect(staff.body.links.followUps).toEqual([second, third].toSorted());
  const mine = await stage.call('customer', 'GET', `/v1/tickets/${first}?include=links`);
  expect(mine.body.links.followUps).toEqual([third]);
  expect(mine.body.included.links).toMatchObject([{ id: third, status: 'new' }]);
  await stage.call('admin', 'POST', `/v1/tickets/${first}/resolve`);
  await stage.call('admin', 'POST', `/v1/tickets/${first}/close`);
  expect((await stage.call('admin', 'POST', `/v1/tickets/${first}/start`)).body).toMatchObject({
    code: 'ticket.closed',
    followUp: expect.stringMatching(/^TKT-/) as string,
  });
});

test('events come in pages', async () => {
  const id = await stage.ticket();
  for (const verb of ['start', 'hold', 'start', 'hold']) await stage.call('admin', 'POST', `/v1/tickets/${id}/${verb}`);
  const first = await stage.call('lead', 'GET', `/v1/tickets/${id}/events?limit=3`);
  expect(first.body.page.hasMore).toBe(true);
  const rest = await stage.call('lead', 'GET', `/v1/tickets/${id}/events?limit=3&cursor=${encodeURIComponent(first.body.page.next)}`);
  expect([...first.body.data, ...rest.body.data].map((event: { version: number }) => event.version)).toEqual([1, 2, 3, 4, 5]);
  expect((await stage.call('lead', 'GET', `/v1/tickets/${id}/history?cursor=${encodeURIComponent(first.body.page.next)}`)).body.code).toBe(
    'cursor_invalid',
  );
});
