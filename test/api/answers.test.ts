/** A command is answered without reading the ticket again; what is answered is what a read then shows. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { recordAfter } from '../../api/tickets/after.js';
import { recordOnRow } from '../../db/queries/projection.js';
import { findTicket, findWholeTicket, lockTicket } from '../../db/queries/tickets.js';
import type { Principal } from '../../domain/access/principal.js';
import { asTeamId, asTicketId } from '../../domain/ids.js';
import { opened } from '../../domain/ticket/escalation.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { demo, secondTeam, useStage } from './support.js';
import type { Who } from './support.js';

const stage = useStage();
const aPrincipal = { tenant: demo.tenant, products: '*', teams: [asTeamId(demo.team)], scopes: [], actingFor: null } as const;
const shown = async (who: Who, id: string) => {
  const { status, body, headers } = await stage.call(who, 'GET', `/v1/tickets/${id}`);
  return { status, body, etag: headers.get('etag') };
};

/** Verbs in an order in which each one is legal. */
const life: readonly (readonly [who: Who, method: string, path: string, body?: unknown])[] = [
  ['lead', 'POST', '/start'],
  ['lead', 'POST', '/start'],
  ['lead', 'PATCH', '', { subject: 'Another', customFields: { 'A-1': 1.5, b: 'x', yes: true }, tags: ['one', 'two', 'one'] }],
  ['lead', 'PATCH', '', { customFields: { b: null, c: 1e21 }, category: 'Billing', priority: 'high' }],
  ['lead', 'POST', '/priority', { priority: 'urgent', reason: 'Payment run' }],
  ['lead', 'POST', '/assign', { agentId: demo.agents[0], reason: 'Knows it' }],
  ['agent', 'POST', '/hold'],
  ['agent', 'POST', '/await-customer', { until: new Date(Date.now() + 60_000).toISOString(), reason: 'A screenshot' }],
  ['agent', 'POST', '/unassign'],
  ['agent', 'POST', '/claim'],
  ['agent', 'POST', '/resolve', { resolution: 'Replaced.' }],
  ['customer', 'POST', '/reopen', { reason: 'It came back' }],
  ['lead', 'POST', '/status', { status: 'resolved' }],
  ['customer', 'POST', '/close'],
];

test('every verb answers as the next read does', async () => {
  const id = await stage.ticket({ customFields: { z: 1, a: 'x' }, tags: ['t', 't'] }, 'customer');
  for (const [who, method, path, body] of life) {
    const reply = await stage.call(who, method, `/v1/tickets/${id}${path}`, body);
    expect({ status: reply.status, body: reply.body, etag: reply.headers.get('etag') }, path).toEqual(await shown(who, id));
  }
  expect((await shown('admin', id)).body.status).toBe('closed');
});

test('a product’s own name of a status is told of the new status', async () => {
  const id = await stage.ticket({ product: 'second' });
  const { body } = await stage.call('admin', 'POST', `/v1/tickets/${id}/start`);
  expect(body).toEqual((await shown('admin', id)).body);
});

test.each<[Who, object]>([
  ['customer', {}],
  ['agent', { requester: { email: 'somebody@example.com', name: 'Some Body' } }],
  ['service', { requester: { customerId: demo.customers[1] }, priority: 'low', category: 'Billing', status: 'on_hold' }],
  ['admin', { requester: { customerId: demo.customers[1] }, product: 'second' }],
])('a create by %s answers as the next read does', async (who, fields) => {
  const made = await stage.call(who, 'POST', '/v1/tickets', {
    product: 'demo',
    subject: 'Ä “quoted”',
    description: 'One\n\ttwo',
    channel: 'web',
    tags: ['b', 'a', 'b'],
    customFields: { long: 1, b: false, a: 'x' },
    ...fields,
  });
  expect({ status: 200, body: made.body, etag: made.headers.get('etag') }).toEqual(await shown(who, made.body.id));
});

test('service levels and escalations are told as they are stored, to staff alone', async () => {
  const id = asTicketId(await stage.ticket({}, 'customer'));
  const lead = { ...aPrincipal, id: demo.lead, actor: `user/${demo.lead}`, role: 'lead' } as const;
  const customer = { ...aPrincipal, id: demo.customers[0] ?? '', actor: `customer/${demo.customers[0]}`, role: 'customer' } as const;
  await stage.sql(async (tx) => {
    const known = async (reader: Principal) => {
      const before = await findWholeTicket(tx, reader, id);
      if (before === undefined) throw new Error('the ticket is there');
      return { before, written: [], statusLabels: before.statusLabels };
    };
    const [seenByLead, seenByCustomer] = [await known(lead), await known(customer)];
    const stored = await lockTicket(tx, demo.tenant, id);
    if (stored === undefined) throw new Error('the ticket is there');
    const opening = {
      level: 2,
      to: { kind: 'lead' },
      raisedBy: 'system/sla',
      reason: null,
      from: null,
      ackWithinS: null,
      takeOver: false,
    } as const;
    const at = stored.updatedAt + 1_000;
    const ticket: Ticket = {
      ...stored,
      version: 2,
      updatedAt: at,
      sla: { set: 1, state: 'warned', breached: true, dueAt: at + 60_000 },
      escalations: [opened(opening, [], at)],
    };
    const events = [{ type: 'sla.warned', version: 2, data: {} }] as const;
    const step = { commandId: 'x', kind: 'edit', actor: 'system/sla', role: 'system', source: 'system', runId: 'test', at } as const;
    await recordOnRow(tx, { ...step, events, ticket, planned: [] }, randomUUID);
    const told = recordAfter(lead, ticket, seenByLead);
    expect(told).toMatchObject({ slaState: 'warned', slaBreached: true, escalationLevel: 2, dueAt: new Date(at + 60_000) });
    expect(told).toEqual(await findTicket(tx, lead, id));
    expect(recordAfter(customer, ticket, seenByCustomer)).toEqual(await findTicket(tx, customer, id));
  });
});

test('words that somebody else changes meanwhile are those of the answer', async () => {
  const id = await stage.ticket();
  stage.desk.beforehand = () => stage.call('admin', 'PATCH', `/v1/tickets/${id}`, { subject: 'Meanwhile', tags: ['new'] });
  const { body } = await stage.call('lead', 'POST', `/v1/tickets/${id}/start`);
  expect(body).toMatchObject({ subject: 'Meanwhile', tags: ['new'], status: 'in_progress', version: 3 });
  expect(body).toEqual((await shown('lead', id)).body);
});

test('only the words a command changes are its own', async () => {
  const id = await stage.ticket();
  stage.desk.beforehand = () => stage.call('admin', 'PATCH', `/v1/tickets/${id}`, { subject: 'Meanwhile' });
  const { body } = await stage.call('lead', 'PATCH', `/v1/tickets/${id}`, { tags: ['mine'] });
  expect(body).toMatchObject({ subject: 'Meanwhile', tags: ['mine'], version: 3 });
});

test('a command repeated after others is answered with the ticket as it is now', async () => {
  const id = await stage.ticket();
  const hold = () => stage.call('lead', 'POST', `/v1/tickets/${id}/hold`, undefined, { 'idempotency-key': 'first' });
  stage.desk.trouble = 'lost_after';
  expect((await hold()).status).toBe(503);
  stage.desk.trouble = null;
  await stage.call('lead', 'POST', `/v1/tickets/${id}/start`);
  const again = await hold();
  expect(again.body).toMatchObject({ status: 'in_progress', version: 3 });
  expect(again.body).toEqual((await shown('lead', id)).body);
});

test('what a command takes out of sight is answered without words', async () => {
  const id = await stage.ticket();
  await stage.call('lead', 'PATCH', `/v1/tickets/${id}`, { subject: 'Secret', teamId: demo.team });
  const given = await stage.call('lead', 'PATCH', `/v1/tickets/${id}`, { subject: 'Still secret', teamId: secondTeam });
  expect([given.status, given.body.team, given.headers.get('etag')]).toEqual([200, secondTeam, `"${given.body.version}"`]);
  expect(JSON.stringify(given.body)).not.toContain('ecret');
});

test('a refused request leaves no words behind for its key', async () => {
  const id = await stage.ticket();
  const verb = (body: object) => stage.call('admin', 'POST', `/v1/tickets/${id}/status`, body, { 'idempotency-key': 'again' });
  expect((await verb({ status: 'closed', reason: 'The first words' })).body.code).toBe('ticket.illegal_move');
  expect((await verb({ status: 'on_hold', reason: 'The second words' })).status).toBe(200);
  const { data } = (await stage.call('lead', 'GET', `/v1/tickets/${id}/history`)).body;
  expect(data.at(-1)).toMatchObject({ summary: 'Moved from new to on hold', text: 'The second words' });
});

test('a merge that was never sent does not come back with its key', async () => {
  const id = await stage.ticket({ customFields: { a: 1 } });
  const edit = (key: string, fields: object) =>
    stage.call('lead', 'PATCH', `/v1/tickets/${id}`, { customFields: fields }, { 'idempotency-key': key });
  stage.desk.trouble = 'unavailable';
  expect((await edit('late', { b: 1 })).body.code).toBe('engine_unavailable');
  stage.desk.trouble = null;
  await edit('between', { c: 1 });
  expect((await edit('late', { b: 1 })).body.customFields).toEqual({ a: 1, b: 1, c: 1 });
  expect((await shown('lead', id)).body.customFields).toEqual({ a: 1, b: 1, c: 1 });
});
