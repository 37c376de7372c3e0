/** Events over the API: kept once, read with what they led to; and attributes of subjects. Source: journeys.md, section 11; api.md, section 5. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { describe, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { aRecord, anEvent } from '../support/journey-records.js';
import { demo, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
/** Straight to the database. */
const past = async (query: RawBuilder<Record<string, unknown>>): Promise<Record<string, unknown>[]> =>
  (await withTenant(stage.db, demo.tenant, (tx) => query.execute(tx))).rows;
const publish = (body: unknown, who: Who = 'admin', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', '/v1/events', body, headers);
const get = (path: string, who: Who = 'lead'): Promise<Reply> => stage.call(who, 'GET', `/v1/events${path}`);
const event = (changes: Record<string, unknown> = {}) => ({ id: randomUUID(), type: 'crm:lead_qualified', source: 'crm', ...changes });
const stored = (id: string) =>
  withTenant(stage.db, demo.tenant, (tx) => tx.selectFrom('inboundEvent').selectAll().where('id', '=', id).executeTakeFirst());

describe('an event', () => {
  test('is kept before the answer, once', async () => {
    const body = event({
      leadId: 'L1',
      customerId: 'C1',
      ticketId: 'T1',
      subject: 'order/O1',
      time: '2026-01-05T12:00:00+01:00',
      data: { score: 5 },
    });
    const first = await publish(body);
    expect([first.status, first.body]).toEqual([202, { id: body.id, result: 'accepted' }]);
    expect(await stored(body.id)).toMatchObject({
      type: body.type,
      source: 'crm',
      leadId: 'L1',
      customerId: 'C1',
      ticketId: 'T1',
      subject: 'order/O1',
      data: { score: 5 },
      at: new Date('2026-01-05T11:00:00.000Z'),
      state: 'pending',
      actor: `user/${demo.admin}`,
    });
    const again = await publish({ ...body, data: { score: 9 } });
    expect([again.status, again.body]).toEqual([200, { id: body.id, result: 'duplicate' }]);
    expect((await stored(body.id))?.data).toEqual({ score: 5 });
  });

  test('may come as a CloudEvent, with extensions in lower case', async () => {
    const body = event({
      specversion: '1.0',
      datacontenttype: 'application/json',
      leadid: 'L2',
      journeyid: 'JRN-0000000000000001',
      traceparent: '00-x',
    });
    const reply = await publish(body, 'admin', { 'content-type': 'application/cloudevents+json' });
    expect(reply.status).toBe(202);
    expect(await stored(body.id)).toMatchObject({ leadId: 'L2', journeyId: 'JRN-0000000000000001' });
  });

  test('may come with others, each with its receipt', async () => {
    const [one, two, old] = [event(), event(), event()];
    await publish(old);
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const reply = await publish([one, old, two, one], 'admin', headers);
    expect([reply.status, reply.body]).toEqual([
      202,
      {
        data: [
          { id: one.id, result: 'accepted' },
          { id: old.id, result: 'duplicate' },
          { id: two.id, result: 'accepted' },
          { id: one.id, result: 'duplicate' },
        ],
      },
    ]);
    expect((await publish([one, two], 'admin', headers)).status).toBe(200);
  });

  test('under a key of the caller is answered as the first', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const body = event();
    await publish(body, 'admin', headers);
    const again = await publish(body, 'admin', headers);
    expect([again.status, again.body.result, again.headers.get('idempotency-lookup')]).toEqual([202, 'accepted', 'hit']);
  });

  test.each([
    ['no id', { id: undefined }, '/id'],
    ['an id with spaces', { id: 'a b' }, '/id'],
    ['an id that is too long', { id: 'x'.repeat(129) }, '/id'],
    ['no type', { type: undefined }, '/type'],
    ['a type of ours', { type: 'usher.subject_changed' }, '/type'],
    ['no source', { source: undefined }, '/source'],
    ['our name for a source', { source: 'usher' }, '/source'],
    ['data that is no object', { data: 'words' }, '/data'],
    ['a journey that cannot be', { journeyId: 'JRN-1' }, '/journeyId'],
    ['an id of two words', { customerId: 'Jane Doe' }, '/customerId'],
    ['a time without a zone', { time: '2026-01-05T12:00:00' }, '/time'],
    ['a field that does not exist', { customer: 'C1' }, '/customer'],
  ])('with %s is refused by name', async (_, changes, pointer) => {
    const body = event(changes);
    const reply = await publish(body);
    expect([reply.status, reply.body.errors[0].pointer]).toEqual([400, pointer]);
  });

  test('in a batch is refused with its place, and none is kept', async () => {
    const good = event();
    const reply = await publish([good, event({ source: 7 })]);
    expect([reply.status, reply.body.errors[0].pointer]).toEqual([400, '/1/source']);
    expect(await stored(good.id)).toBeUndefined();
    expect((await publish([])).status).toBe(400);
    expect((await publish(Array.from({ length: 101 }, () => event()))).status).toBe(400);
  });

  test('with too much data is refused', async () => {
    const reply = await publish(event({ data: { text: 'x'.repeat(65_536) } }));
    expect([reply.status, reply.body.code, reply.body.errors[0].pointer]).toEqual([413, 'too_large', '/data']);
  });

  test.each([
    ['admin', 202],
    ['service', 202],
    ['lead', 403],
    ['agent', 403],
    ['customer', 403],
    ['reader', 403],
  ] as const)('from %s: %i', async (who, status) => {
    expect((await publish(event(), who)).status).toBe(status);
  });

  test('of another tenant may have the same id', async () => {
    const body = event();
    await publish(body);
    expect((await publish(body, 'foreign')).body.result).toBe('accepted');
  });
});

const named = ({ body }: Reply): string[] => body.data.map(({ id }: { id: string }) => id);

describe('what happened', () => {
  test('is listed newest first, by type and subject, page by page', async () => {
    const type = `test:${randomUUID()}`;
    const ids: string[] = [];
    for (const customerId of ['P1', 'P2', 'P1']) {
      const body = event({ type, customerId });
      await publish(body);
      ids.unshift(body.id);
    }
    expect(named(await get(`?type=${type}`))).toEqual(ids);
    expect(named(await get(`?type=${type}&subject=customer/P1`))).toEqual([ids[0], ids[2]]);
    const first = await get(`?type=${type}&limit=2`);
    expect([named(first), first.body.page.hasMore]).toEqual([ids.slice(0, 2), true]);
    expect(named(await get(`?type=${type}&limit=2&cursor=${encodeURIComponent(first.body.page.next)}`))).toEqual(ids.slice(2));
    expect(named(await get(`?type=${type}`, 'foreign'))).toEqual([]);
  });

  test('is read with our own log where a subject is named', async () => {
    const id = await stage.ticket();
    const reply = await get(`?subject=ticket/${id}`);
    expect(reply.body.data).toMatchObject([{ type: 'ticket.created', source: 'usher', subject: `ticket/${id}`, ticketId: id, seq: 1 }]);
    const [{ id: own }] = reply.body.data;
    expect((await get(`/${own}`)).body).toMatchObject({ type: 'ticket.created', customerId: demo.customers[0], state: 'pending' });
  });

  test('is told with what it led to', async () => {
    const body = event({ customerId: 'P9' });
    await publish(body);
    const journeyId = 'JRN-00000000000000ZZ';
    const step = { step: 'call', visit: 1, outcome: 'done', eventId: body.id };
    const events = [
      anEvent('journey.started', 1),
      anEvent('journey.step.completed', 2, step),
      anEvent('journey.goal.reached', 3, { goal: 'paid', eventId: body.id }),
      anEvent('journey.ended', 4, { outcome: 'left', exit: 'left', eventId: body.id }),
    ];
    await projectJourney({ db: stage.db, newId: randomUUID, onRepaired: () => undefined }, [aRecord(journeyId, { events })]);
    await past(
      sql`insert into journey_entry (tenant_id, id, template_key, template_version, trigger_id, event_id, result, reason, actor)
       values (${demo.tenant}, gen_random_uuid(), 'sample', 2, 'lead', ${body.id}, 'refused', 'audience', 'system/trigger')`,
    );
    const reply = await get(`/${body.id}/outcomes`);
    expect(reply.body).toMatchObject({
      state: 'pending',
      entries: [{ template: 'sample', version: 2, trigger: 'lead', result: 'refused', reason: 'audience', journey: null }],
      effects: [
        { journey: journeyId, seq: 2, type: 'journey.step.completed', step: 'call', outcome: 'done' },
        { journey: journeyId, seq: 3, type: 'journey.goal.reached', step: null, outcome: null },
        { journey: journeyId, seq: 4, type: 'journey.ended', step: null, outcome: 'left' },
      ],
    });
  });

  test('is nobody’s who may not read reports, and no other tenant’s', async () => {
    const body = event();
    await publish(body);
    expect((await get(`/${body.id}`)).status).toBe(200);
    expect((await get(`/${body.id}`, 'foreign')).status).toBe(404);
    expect((await get(`/${body.id}/outcomes`, 'foreign')).status).toBe(404);
    expect((await get('/nothing')).status).toBe(404);
    for (const who of ['agent', 'customer', 'reader'] as const) expect((await get('', who)).status).toBe(403);
  });
});

const path = (id: string): string => `/v1/subjects/customer/${id}`;

const put = (id: string, body: unknown, who: Who = 'admin'): Promise<Reply> => stage.call(who, 'PUT', path(id), body);
const patch = (id: string, body: unknown): Promise<Reply> => stage.call('admin', 'PATCH', path(id), body);

describe('a subject', () => {
  test('is noted as a whole, or beside what was noted before', async () => {
    const made = await put('S1', { attributes: { usage: 70, plan: 'gold' }, zone: 'Europe/Berlin' });
    expect([made.status, made.body]).toMatchObject([
      200,
      { type: 'customer', id: 'S1', attributes: { usage: 70, plan: 'gold' }, zone: 'Europe/Berlin' },
    ]);
    expect((await patch('S1', { attributes: { usage: 85, plan: null } })).body).toMatchObject({
      attributes: { usage: 85 },
      zone: 'Europe/Berlin',
    });
    expect((await put('S1', { attributes: { plan: 'tin' } })).body).toMatchObject({ attributes: { plan: 'tin' }, zone: null });
    expect((await stage.call('lead', 'GET', path('S1'))).body.attributes).toEqual({ plan: 'tin' });
  });

  test('tells of each change, by names alone', async () => {
    await put('S2', { attributes: { usage: 70 } });
    const rows = await withTenant(stage.db, demo.tenant, (tx) =>
      tx.selectFrom('inboundEvent').select(['type', 'source', 'data', 'state']).where('subject', '=', 'customer/S2').execute(),
    );
    expect(rows).toEqual([{ type: 'usher.subject_changed', source: 'usher', data: { changed: ['usage'] }, state: 'pending' }]);
  });

  test('that nobody noted is not there', async () => {
    expect((await stage.call('lead', 'GET', path('S3'))).status).toBe(404);
    expect((await stage.call('admin', 'PUT', '/v1/subjects/planet/S3', { attributes: {} })).status).toBe(404);
  });

  test.each([
    ['a name that is none', { attributes: { 'a-b': 1 } }, '/attributes/a-b'],
    ['a zone that is none', { attributes: {}, zone: 'Europe/Brusels' }, '/zone'],
  ])('with %s is refused', async (_, body, pointer) => {
    const reply = await put('S4', body);
    expect([reply.status, reply.body.errors[0].pointer]).toEqual([400, pointer]);
  });

  test('with too many attributes is refused', async () => {
    expect((await put('S4', { attributes: { text: 'x'.repeat(17_000) } })).status).toBe(413);
  });

  test('is for those who may publish events', async () => {
    expect((await put('S5', { attributes: {} }, 'lead')).status).toBe(403);
    expect((await put('S5', { attributes: {} }, 'service')).status).toBe(200);
  });
});
