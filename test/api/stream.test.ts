/** Live streams over the routes: who is told what, how streams begin, how readers come back. Source: api-surfaces.md, section 1. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { projectHandoff } from '../../db/queries/handoff-projection.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { publishEvents } from '../../db/queries/stream-relay.js';
import type { JourneyRecord } from '../../domain/journey/run/record.js';
import { Sse } from '../support/sse.js';
import type { Message } from '../support/sse.js';
import { aHandoffEvent, aHandoffRecord, aRecord, aStart, anEvent } from '../support/journey-records.js';
import { demo, otherTenant, secondTeam, useStage } from './support.js';
import type { Who } from './support.js';
import { conforms } from './conforms.js';

const stage = useStage();
const open: Sse[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map((reader) => reader.leave()));
});

beforeEach(() => publish());

/** Everything that was committed is told. */
async function publish(): Promise<void> {
  while ((await publishEvents(stage.database.relay, 500)) !== 0);
  await stage.streams.ring(null);
}

const get = (who: Who, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  Promise.resolve(
    stage.app.request(`http://api.test${path}`, {
      headers: { ...(who === 'nobody' ? {} : { authorization: `Bearer ${stage.keys[who]}` }), ...headers },
    }),
  );

/** Opens a stream whose reader has begun. */
async function listen(who: Who, path = '/v1/stream', headers: Record<string, string> = {}): Promise<Sse> {
  const response = await get(who, path, headers);
  if (response.status !== 200) throw new Error(`${path} → ${response.status} ${await response.text()}`);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(conforms('GET', path, { status: 200, headers: response.headers, body: '' })).toEqual([]);
  const reader = await new Sse(response.body).begun();
  open.push(reader);
  return reader;
}

/** What is told up to a ticket that the reader sees being opened now. */
async function toldUntilMark(reader: Sse): Promise<Message[]> {
  const mark = await stage.ticket({ requester: { customerId: demo.customers[0] } });
  await publish();
  const told: Message[] = [];
  for (;;) {
    const message = await reader.next();
    if (message === undefined) throw new Error('the stream ended');
    if (message.data.subject === `ticket/${mark}`) return told;
    told.push(message);
  }
}
const types = (messages: readonly Message[]): string[] => messages.map(({ event }) => event);

let count = 0;
const newJourney = (): string => `JRN-${String((count += 1)).padStart(16, '0')}`;
const project = (...records: JourneyRecord[]) => projectJourney({ db: stage.db, newId: randomUUID, onRepaired: () => undefined }, records);
const hand = (...records: Parameters<typeof projectHandoff>[1]) =>
  projectHandoff({ db: stage.db, newId: randomUUID, onRepaired: () => undefined }, records);
/** The next events of a journey that was begun with two. */
const next = (id: string, from: number, number = 1, view: Parameters<typeof aRecord>[1] = {}): Promise<unknown> =>
  project(
    aRecord(id, {
      ...view,
      events: Array.from({ length: number }, (_, n) => anEvent('journey.step.completed', from + n, { step: 'call' })),
    }),
  );

const onTicket = (id: string, ticket: string) => ({ view: { start: aStart(id, { subject: { type: 'ticket', id: ticket } }) } });

async function asSuperuser(statement: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: stage.database.superuser });
  await client.connect();
  await client.query(statement, values);
  await client.end();
}

test('T27: an event is a CloudEvent on one line, numbered by its position', async () => {
  const reader = await listen('agent');
  const before = Number(reader.lastId);
  const id = await stage.ticket();
  await publish();
  const message = await reader.next();
  expect(message).toMatchObject({ event: 'ticket.created', id: String(before + 1) });
  expect(message?.data).toMatchObject({
    specversion: '1.0',
    source: 'usher',
    type: 'ticket.created',
    subject: `ticket/${id}`,
    datacontenttype: 'application/json',
    tenant: demo.tenant,
    product: 'demo',
    seq: 1,
    correlationid: `ticket/${id}`,
    data: { status: 'new', version: 1 },
  });
  expect(JSON.stringify(message?.data)).not.toContain('It does not start');
  expect(reader.retry).toBe(3_000);
});

test('customers: their own tickets, without notes, clocks, escalations and staff', async () => {
  const reader = await listen('customer');
  const id = await stage.ticket({ requester: { customerId: demo.customers[0] } });
  await stage.ticket({ requester: { customerId: demo.customers[1] } });
  for (const [verb, body] of [
    ['notes', { body: 'secret' }],
    ['escalate', { kind: 'handover', reason: 'too hard for us', to: { teamId: secondTeam } }],
    ['start', {}],
    ['messages', { body: 'Have you tried?' }],
  ] as const) {
    await stage.call('admin', 'POST', `/v1/tickets/${id}/${verb}`, body);
  }
  const told = await toldUntilMark(reader);
  expect(types(told)).toEqual(['ticket.created', 'ticket.status_changed', 'message.sent']);
  expect(new Set(told.map(({ data }) => data.subject))).toEqual(new Set([`ticket/${id}`]));
  for (const { data } of told) {
    expect(data).not.toHaveProperty('actor');
    expect(data).not.toHaveProperty('content');
    expect(JSON.stringify(data)).not.toContain(demo.admin);
  }
});

test('agents: their teams and products; another tenant is told nothing of it', async () => {
  const mine = await listen('agent');
  const others = await listen('other');
  const foreign = await listen('foreign');
  const id = await stage.ticket();
  await publish();
  expect((await mine.next())?.data.subject).toBe(`ticket/${id}`);
  const theirs = await stage.ticket({ product: 'second' });
  await stage.call('admin', 'POST', `/v1/tickets/${theirs}/assign`, { teamId: secondTeam });
  await publish();
  expect((await others.next())?.data.subject).toBe(`ticket/${theirs}`);
  // Whatever was first told to the team of everybody is followed by nothing.
  await stage.call('admin', 'POST', `/v1/tickets/${theirs}/priority`, { priority: 'low' });
  expect((await toldUntilMark(mine)).filter(({ event }) => event === 'ticket.updated')).toEqual([]);
  await asSuperuser(
    `insert into event (tenant_id, subject, seq, id, type, at, actor, role, source, command_id, run_id, digest, data)
     values ($1, 'customer/x', 1, $2, 'customer.erased', now(), 'system/x', 'system', 'system', 'c', 'r', '', '{}')`,
    [otherTenant, randomUUID()],
  );
  await publish();
  expect(await foreign.next()).toMatchObject({ id: '1', event: 'customer.erased' });
});

test('who had a ticket hears that it was given away, and nothing more', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/assign`, { teamId: demo.team });
  await publish();
  const reader = await listen('agent', `/v1/stream?team=${demo.team}`);
  await stage.call('admin', 'POST', `/v1/tickets/${id}/assign`, { teamId: secondTeam });
  await stage.call('admin', 'POST', `/v1/tickets/${id}/priority`, { priority: 'low' });
  await publish();
  const mark = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${mark}/assign`, { teamId: demo.team });
  await publish();
  const told = await reader.take(2);
  expect(told.map(({ event, data }) => [event, data.subject])).toEqual([
    ['ticket.assigned', `ticket/${id}`],
    // By now it is the team's, whenever it was opened.
    ['ticket.created', `ticket/${mark}`],
  ]);
});

test('a service without notes is not told of them', async () => {
  const reader = await listen('reader');
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/notes`, { body: 'secret' });
  await stage.call('admin', 'POST', `/v1/tickets/${id}/start`);
  expect(types(await toldUntilMark(reader))).toEqual(['ticket.created', 'ticket.status_changed']);
});

test('narrowed by type, subject, assignee, product', async () => {
  const id = await stage.ticket();
  await publish();
  const byType = await listen('agent', '/v1/stream?types=sla.*,ticket.status_changed');
  const bySubject = await listen('agent', `/v1/stream?subject=ticket/${id.toLowerCase()}`);
  const byMe = await listen('agent', '/v1/stream?assignee=me');
  const byProduct = await listen('admin', '/v1/stream?product=second');
  await stage.call('admin', 'POST', `/v1/tickets/${id}/assign`, { agentId: demo.agents[0] });
  await stage.call('admin', 'POST', `/v1/tickets/${id}/start`);
  await stage.call('admin', 'POST', `/v1/tickets/${id}/unassign`);
  const another = await stage.ticket({ product: 'second' });
  await publish();
  expect((await byType.next())?.event).toBe('ticket.status_changed');
  expect(types(await bySubject.take(3))).toEqual(['ticket.assigned', 'ticket.status_changed', 'ticket.assigned']);
  // By the time they are read it is nobody's; that it left is told.
  expect((await byMe.next())?.data.data).toMatchObject({ assignee: null, from: demo.agents[0] });
  expect((await byProduct.next())?.data.subject).toBe(`ticket/${another}`);
});

test('back after a dropped connection: nothing missing, nothing twice', async () => {
  const first = await listen('admin');
  await stage.ticket();
  await publish();
  const seen = await first.take(1);
  await first.leave();
  for (let n = 0; n < 5; n += 1) await stage.ticket();
  await publish();
  const second = await listen('admin', '/v1/stream', { 'last-event-id': first.lastId });
  await stage.ticket();
  await publish();
  seen.push(...(await second.take(6)));
  const ids = seen.map(({ id }) => Number(id));
  expect(ids).toEqual(Array.from({ length: 7 }, (_, index) => (ids[0] ?? 0) + index));
  // The header of a reader that comes back by itself counts, whatever stands in its address.
  const again = await listen('admin', '/v1/stream?after=0&snapshot=true', { 'last-event-id': String(ids[5]) });
  expect((await again.next())?.id).toBe(String(ids[6]));
  const byAddress = await listen('admin', `/v1/stream?after=${ids[4]}`);
  expect((await byAddress.take(2)).map(({ id }) => Number(id))).toEqual(ids.slice(5));
});

test('dropped again and again while transactions commit in any order: every event once', async () => {
  const subjects = Array.from({ length: 4 }, () => newJourney());
  const writes = subjects.map(async (id) => {
    await project(aRecord(id));
    for (let seq = 3; seq <= 8; seq += 1) await next(id, seq);
  });
  const seen: string[] = [];
  let last = (await listen('admin')).lastId;
  const after = last;
  const relay = { running: true };
  const publishing = (async () => {
    while (relay.running) await publish();
    await publish();
  })();
  const written = Promise.all(writes).then(() => {
    relay.running = false;
  });
  while (seen.length < subjects.length * 8) {
    const reader = await listen('admin', '/v1/stream?types=journey.*', { 'last-event-id': last });
    const message = await reader.next();
    if (message === undefined) throw new Error('the stream ended');
    seen.push(`${message.data.subject} ${message.data.seq}`);
    // Others may have come with it: who is dropped now has not looked at them.
    last = message.id;
    await reader.leave();
  }
  await Promise.all([written, publishing]);
  expect(new Set(seen).size).toBe(seen.length);
  for (const id of subjects) {
    const numbers = seen.filter((line) => line.startsWith(`journey/${id} `)).map((line) => Number(line.split(' ')[1]));
    expect(numbers).toEqual(Array.from({ length: 8 }, (_, index) => index + 1));
  }
  expect(Number(last) - Number(after)).toBe(32);
});

test('a position never given, older than a day, or no number at all: resync, and then it goes on', async () => {
  await stage.ticket();
  await stage.ticket();
  await publish();
  const reader = await listen('admin');
  const head = Number(reader.lastId);
  // Nobody else listens: what was told lately is no longer remembered.
  await reader.leave();
  await asSuperuser(`update stream_event set published_at = now() - interval '25 hours' where tenant_id = $1 and position < $2`, [
    demo.tenant,
    head,
  ]);
  for (const given of [String(head + 1), '0', '-1', 'nonsense', '1e3', '9'.repeat(16)]) {
    const back = await listen('admin', '/v1/stream', { 'last-event-id': given });
    expect(await back.next(), given).toEqual({
      event: 'resync',
      id: String(head),
      data: { reason: 'unknown_position', position: head },
    });
  }
  const anew = await listen('admin', '/v1/stream?snapshot=true', { 'last-event-id': '0' });
  expect(types(await anew.take(2))).toEqual(['resync', 'snapshot']);
  await stage.ticket();
  await publish();
  expect((await anew.next())?.id).toBe(String(head + 1));
});

test('more than a thousand events behind: resync, then closed', async () => {
  const from = (await listen('admin')).lastId;
  const id = newJourney();
  await project(aRecord(id));
  await next(id, 3, 998);
  await publish();
  const near = await listen('admin', '/v1/stream?types=journey.*', { 'last-event-id': from });
  expect(await near.take(1_000)).toHaveLength(1_000);
  await next(id, 1_001);
  await publish();
  const head = (await listen('admin')).lastId;
  const far = await listen('admin', '/v1/stream?types=journey.*', { 'last-event-id': from });
  expect(await far.rest()).toEqual([{ event: 'resync', id: head, data: { reason: 'too_far_behind', position: Number(head) } }]);
  // Who asked for something else is not behind at all.
  const elsewhere = await listen('admin', '/v1/stream?types=sla.*', { 'last-event-id': from });
  expect(elsewhere.lastId).toBe(head);
});

test('a snapshot: open tickets the reader sees, without their texts, then what comes', async () => {
  const id = await stage.ticket();
  const done = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${done}/resolve`);
  await publish();
  const reader = await listen('agent', '/v1/stream?snapshot=true');
  const snapshot = await reader.next();
  expect(snapshot?.event).toBe('snapshot');
  expect(String(snapshot?.data.position)).toBe(snapshot?.id);
  const tickets: { id: string }[] = snapshot?.data.tickets;
  expect(tickets.map((ticket) => ticket.id)).toContain(id);
  expect(tickets.map((ticket) => ticket.id)).not.toContain(done);
  expect(tickets[0]).toMatchObject({ status: 'new', slaState: 'none', version: 1 });
  expect(tickets[0]).not.toHaveProperty('subject');
  expect(tickets[0]).not.toHaveProperty('description');
  const [customers] = await (await listen('customer', '/v1/stream?snapshot=true')).take(1);
  expect(customers?.data.tickets[0]).not.toHaveProperty('slaState');
  const one = await (await listen('agent', `/v1/stream?snapshot=true&subject=ticket/${id}`)).next();
  expect(one?.data.ticket).toMatchObject({ id, version: 1 });
  await stage.call('admin', 'POST', `/v1/tickets/${id}/start`);
  await publish();
  expect((await reader.next())?.event).toBe('ticket.status_changed');
});

test.each([
  ['/v1/stream?product=', 'product'],
  ['/v1/stream?team=nobody', 'team'],
  ['/v1/stream?assignee=you', 'assignee'],
  ['/v1/stream?types=ticket*', 'types'],
  ['/v1/stream?types=', 'types'],
  ['/v1/stream?subject=TKT-00000001', 'subject'],
  ['/v1/stream?subject=customer/1', 'subject'],
  ['/v1/stream?snapshot=yes', 'snapshot'],
  ['/v1/stream?after=-1', 'after'],
  ['/v1/stream?after=01', 'after'],
  ['/v1/stream?after=', 'after'],
  ['/v1/stream?unknown=1', 'unknown'],
  ['/v1/handoffs/stream?mine=1', 'mine'],
  ['/v1/journeys/JRN-0000000000000000/stream?types=x', 'types'],
])('%s is refused, naming %s', async (path, name) => {
  const reply = await stage.call('admin', 'GET', path);
  expect(reply).toMatchObject({ status: 400, body: { code: 'unknown_parameter' } });
  expect(reply.body.errors.map(({ pointer }: { pointer: string }) => pointer.split('/')[0])).toContain(name);
});

test('a subject that is not there, or not theirs, is not found', async () => {
  const id = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${id}/assign`, { teamId: secondTeam });
  for (const [who, subject] of [
    ['agent', `ticket/${id}`],
    ['foreign', `ticket/${id}`],
    ['stranger', `ticket/${id}`],
    ['admin', 'ticket/TKT-00000000'],
    ['admin', 'ticket/nonsense'],
    ['admin', 'journey/JRN-ZZZZZZZZZZZZZZZZ'],
    ['admin', 'handoff/JRN-ZZZZZZZZZZZZZZZZ.a.1'],
    ['customer', 'journey/JRN-ZZZZZZZZZZZZZZZZ'],
  ] as const) {
    const reply = await stage.call(who, 'GET', `/v1/stream?subject=${subject}`);
    expect([who, subject, reply.status, reply.body.code]).toEqual([who, subject, 404, 'not_found']);
  }
});

test('without a credential, or with too little of one', async () => {
  expect((await stage.call('nobody', 'GET', '/v1/stream')).status).toBe(401);
  for (const path of ['/v1/journeys/JRN-0000000000000001/stream', '/v1/journey-templates/renewal/stream', '/v1/handoffs/stream']) {
    expect((await stage.call('nobody', 'GET', path)).status, path).toBe(401);
    expect((await stage.call('customer', 'GET', path)).body, path).toMatchObject({ code: 'forbidden', permission: 'journey.read' });
    expect((await stage.call('reader', 'GET', path)).body, path).toMatchObject({ code: 'forbidden' });
  }
});

test('HEAD opens nothing', async () => {
  const before = stage.streams.size;
  const response = await stage.app.request('http://api.test/v1/stream', {
    method: 'HEAD',
    headers: { authorization: `Bearer ${stage.keys.admin}` },
  });
  expect(response.status).toBe(200);
  expect(stage.streams.size).toBe(before);
});

test('the 21st stream of a credential is refused, with a time to come back', async () => {
  await Promise.all(Array.from({ length: 20 }, () => listen('lead')));
  const reply = await stage.call('lead', 'GET', '/v1/stream');
  expect(reply).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect(reply.headers.get('retry-after')).toBe('5');
});

test('a key that is revoked ends its streams', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const reader = await listen('service');
  const other = await listen('admin');
  const key = stage.keys.service;
  await asSuperuser(`update api_key set revoked_at = now() where hash = sha256($1::bytea)`, [Buffer.from(key)]);
  for (let n = 0; n < 3; n += 1) {
    vi.setSystemTime(Date.now() + 31_000);
    await stage.streams.tick();
  }
  expect(await reader.rest()).toEqual([]);
  await stage.ticket();
  await publish();
  expect((await other.next())?.event).toBe('ticket.created');
  await asSuperuser(`update api_key set revoked_at = null where hash = sha256($1::bytea)`, [Buffer.from(key)]);
});

test('a journey: a snapshot, then its own events by its own numbers, and an end with its end', async () => {
  const id = newJourney();
  await project(aRecord(id));
  const reader = await listen('agent', `/v1/journeys/${id}/stream`);
  const snapshot = await reader.next();
  expect(snapshot).toMatchObject({ event: 'snapshot', id: '2' });
  expect(snapshot?.data).toMatchObject({ position: 2, journey: { id, status: 'active', progress: 20, openSteps: ['call'], seq: 2 } });
  expect(snapshot?.data.journey).not.toHaveProperty('context');
  await project(aRecord(newJourney()));
  await next(id, 3);
  await publish();
  const ended = aRecord(id, {
    events: [anEvent('journey.ended', 4, { outcome: 'done', result: 'won' })],
    view: { status: 'completed', endedAt: aStart(id).startedAt },
  });
  await project(ended);
  await publish();
  const told = await reader.rest();
  expect(told.map(({ id: number, event, data }) => [number, event, data.subject])).toEqual([
    ['3', 'journey.step.completed', `journey/${id}`],
    ['4', 'journey.ended', `journey/${id}`],
  ]);
  expect(told[0]?.data).toMatchObject({ journeyid: id, entityid: 'customer/cust-1', correlationid: `journey/${id}` });

  // It has ended: the state, and nothing behind it.
  const late = await listen('agent', `/v1/journeys/${id}/stream`);
  expect((await late.rest()).map(({ event, data }) => [event, data.journey.status])).toEqual([['snapshot', 'completed']]);
  const back = await listen('agent', `/v1/journeys/${id}/stream`, { 'last-event-id': '2' });
  expect((await back.rest()).map(({ id: number }) => number)).toEqual(['3', '4']);
  // Who knows all of it is told not to come back.
  expect((await get('agent', `/v1/journeys/${id}/stream`, { 'last-event-id': '4' })).status).toBe(204);
});

test('a journey, back after a dropped connection: from its number, published or not', async () => {
  const id = newJourney();
  await project(aRecord(id));
  await next(id, 3, 2);
  const reader = await listen('agent', `/v1/journeys/${id}/stream`, { 'last-event-id': '1' });
  await publish();
  await next(id, 5);
  await publish();
  expect((await reader.take(4)).map(({ id: number }) => number)).toEqual(['2', '3', '4', '5']);
  const unknown = await listen('agent', `/v1/journeys/${id}/stream`, { 'last-event-id': '6' });
  expect(types(await unknown.take(2))).toEqual(['resync', 'snapshot']);
  await next(id, 6, 1_000);
  const far = await listen('agent', `/v1/journeys/${id}/stream`, { 'last-event-id': '4' });
  expect(await far.rest()).toEqual([{ event: 'resync', id: '1005', data: { reason: 'too_far_behind', position: 1_005 } }]);
});

test('a journey about a ticket is for those who see the ticket', async () => {
  const ticket = await stage.ticket();
  await stage.call('admin', 'POST', `/v1/tickets/${ticket}/assign`, { teamId: secondTeam });
  const id = newJourney();
  const everything = await listen('agent', '/v1/stream?types=journey.*');
  await project(aRecord(id, onTicket(id, ticket)));
  const mine = newJourney();
  await project(aRecord(mine));
  await publish();
  expect((await everything.next())?.data.subject).toBe(`journey/${mine}`);
  expect((await stage.call('agent', 'GET', `/v1/journeys/${id}/stream`)).status).toBe(404);
  expect((await stage.call('foreign', 'GET', `/v1/journeys/${id}/stream`)).status).toBe(404);
  expect((await stage.call('agent', 'GET', '/v1/journeys/nonsense/stream')).status).toBe(404);
  expect((await (await listen('admin', `/v1/journeys/${id}/stream`)).next())?.data.journey.subject).toEqual({ type: 'ticket', id: ticket });
});

test('a ticket that goes out of sight ends the stream of its journey', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const ticket = await stage.ticket();
  const id = newJourney();
  await project(aRecord(id, onTicket(id, ticket)));
  const reader = await listen('agent', `/v1/journeys/${id}/stream?snapshot=false`);
  await stage.call('admin', 'POST', `/v1/tickets/${ticket}/assign`, { teamId: secondTeam });
  vi.setSystemTime(Date.now() + 31_000);
  await stage.streams.tick();
  expect(await reader.rest()).toEqual([]);
});

/** A template by name alone: what of it a stream needs. */
const template = async (key: string): Promise<void> => {
  await stage.sql((tx) =>
    sql`insert into journey_template (tenant_id, key, name, category, document, hash, updated_by)
      values (${demo.tenant}, ${key}, ${key}, 'custom', '{}', ${'0'.repeat(64)}, 'system/test') on conflict do nothing`.execute(tx),
  );
};

test('a template: its open instances, then what happens in all of them', async () => {
  await template('renewal');
  const [one, ended, other] = [newJourney(), newJourney(), newJourney()];
  await project(aRecord(one));
  await project(aRecord(ended, { view: { status: 'cancelled', endedAt: aStart(ended).startedAt } }));
  await publish();
  const reader = await listen('agent', '/v1/journey-templates/renewal/stream');
  const snapshot = await reader.next();
  const ids = snapshot?.data.journeys.map((journey: { id: string }) => journey.id);
  expect(ids).toContain(one);
  expect(ids).not.toContain(ended);
  const start = aStart(other, { template: { key: 'another', version: 1, hash: 'a'.repeat(64) } });
  await project(aRecord(other, { view: { start } }));
  await next(one, 3);
  await publish();
  expect((await reader.next())?.data).toMatchObject({ subject: `journey/${one}`, seq: 3 });
  expect((await stage.call('agent', 'GET', '/v1/journey-templates/nothing/stream')).status).toBe(404);
});

test('handoffs: all of them, or those that ask me, also when somebody else takes one', async () => {
  await stage.sql((tx) => sql`update team set name = 'Field Ops' where id = ${demo.team}`.execute(tx));
  const id = newJourney();
  await project(aRecord(id));
  await hand(aHandoffRecord(id));
  await publish();
  const inbox = await listen('agent', '/v1/handoffs/stream?mine=true');
  const all = await listen('agent', '/v1/handoffs/stream?snapshot=false&to=billing-system');
  const snapshot = await inbox.next();
  expect(snapshot?.data.handoffs).toEqual([
    expect.objectContaining({ id: `${id}.install.1`, state: 'offered', from: 'crm', to: 'field-ops', seq: 2 }),
  ]);
  expect(snapshot?.data.handoffs[0]).not.toHaveProperty('data');
  const another = newJourney();
  await project(aRecord(another));
  await hand(aHandoffRecord(another, { view: { to: 'billing-system' } }));
  const taken = { state: 'accepted', assignee: demo.lead } as const;
  await hand(aHandoffRecord(id, { events: [aHandoffEvent('handoff.accepted', 3)], view: taken }));
  await publish();
  expect((await inbox.next())?.data).toMatchObject({ type: 'handoff.accepted', subject: `handoff/${id}.install.1` });
  expect((await all.next())?.data).toMatchObject({ type: 'handoff.created', subject: `handoff/${another}.install.1`, journeyid: another });
});
