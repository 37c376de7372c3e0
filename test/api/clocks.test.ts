/** Clocks of tickets: how they stand, why, and what people do to them. Expectations are worked out by hand from sla.md. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { planNotices } from '../../db/queries/notices.js';
import { asTicketId } from '../../domain/ids.js';
import { hour, minute, second, toIso } from '../../domain/time.js';
import { demo, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();

/** Monday, 15 January 2024; offices are open from 9 to 17 UTC. */
const at = (hours: number, day = 0): number => Date.UTC(2024, 0, 15 + day) + hours * hour;
const hours = [['09:00', '17:00']];
const week = { zone: 'UTC', weekly: { mon: hours, tue: hours, wed: hours, thu: hours, fri: hours } };

const everyPriority = (seconds: number) => ({ low: seconds, medium: seconds, high: seconds, urgent: seconds });
const notify = (to: string) => ({ notify: { to: [to], channel: 'email' } });

/** By category: `office` counts office hours and has a ladder, others of the product count round the clock. */
const policies = [
  {
    id: 'office',
    name: 'Office hours',
    match: [{ field: 'category', op: 'in', values: ['Billing'] }],
    calendar: { use: 'policy', id: 'office' },
    targets: { resolution: everyPriority(28_800), first_response: { ...everyPriority(14_400), urgent: 3_600 } },
    rungs: [
      { id: 'half', clock: 'resolution', when: { percent: 50 }, actions: [notify('role:agent')] },
      {
        id: 'late',
        clock: 'resolution',
        when: 'at_breach',
        level: 1,
        actions: [notify('lead'), { open_escalation: { to: { kind: 'lead' }, ackWithin: 1_800 } }],
      },
    ],
  },
  {
    id: 'always',
    name: 'Always',
    match: [{ field: 'product', op: 'in', values: ['demo'] }],
    calendar: { use: 'policy', id: '24x7' },
    targets: { resolution: { ...everyPriority(7_200), urgent: 3_600 } },
  },
];

const post = (path: string, body: unknown, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', path, body, headers);
const get = (path: string, who: Who = 'lead'): Promise<Reply> => stage.call(who, 'GET', path);

beforeAll(async () => {
  expect((await post('/v1/sla/calendars', { id: 'office', name: 'Office', ...week }, 'admin')).status).toBe(201);
  const settings = await stage.call('admin', 'GET', '/v1/sla/settings');
  const fallback = { fallbackRecipient: demo.admin };
  const put = await stage.call('admin', 'PUT', '/v1/sla/settings', fallback, { 'if-match': settings.headers.get('etag') ?? '' });
  expect(put.status, JSON.stringify(put.body)).toBe(200);
  const published = await post('/v1/sla/policy-sets', { policies }, 'admin');
  expect(published.status, JSON.stringify(published.body)).toBe(201);
});

/** Runs work while the desk lives at another time. */
async function atTime<T>(instant: number, work: () => Promise<T>): Promise<T> {
  stage.desk.now = () => instant;
  try {
    return await work();
  } finally {
    stage.desk.now = Date.now;
  }
}

const done = async (reply: Promise<Reply>): Promise<Reply> => {
  const answer = await reply;
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer;
};

const open = (instant: number, fields: Record<string, unknown> = {}, who: Who = 'customer') =>
  atTime(instant, () => stage.ticket(fields, who));
const send = (instant: number, id: string, verb: string, body?: unknown) =>
  atTime(instant, () => done(stage.call('lead', 'POST', `/v1/tickets/${id}/${verb}`, body)));
const clockOf = async (id: string, clock: string) =>
  (await get(`/v1/tickets/${id}/clocks`)).body.data.find((one: { clock: string }) => one.clock === clock);
const explain = (id: string, clock = 'resolution.1', query = '', who: Who = 'lead') =>
  get(`/v1/tickets/${id}/clocks/${clock}/explain${query}`, who);

/** A ticket in office hours: half its time was used by 13:00, it was breached at 17:00, and nobody acknowledged by 9:30 the next day. */
async function breached(): Promise<string> {
  const id = await open(at(9), { category: 'Billing' });
  await stage.desk.pass(asTicketId(id), at(12, 1));
  return id;
}

describe('how clocks stand', () => {
  test('a clock that was met says so, to the second', async () => {
    const id = await open(at(12), { category: 'Billing' });
    await send(at(12) + 30 * minute, id, 'await-customer');
    await send(at(13), id, 'start');
    await send(at(13) + 30 * minute, id, 'resolve');
    expect(await clockOf(id, 'resolution.1')).toEqual({
      clock: 'resolution.1',
      kind: 'resolution',
      phase: 'fulfilled',
      policy: 'office',
      policyRevision: 1,
      calendar: 'office',
      calendarRevision: 1,
      originAt: toIso(at(12)),
      budgetS: 28_800,
      consumedS: 3_600,
      remainingS: 25_200,
      spareS: 25_200,
      overrunS: null,
      dueAt: toIso(at(12, 1) + 30 * minute),
      dueIfResumedNow: null,
      causes: [],
      runningSince: null,
      endedAt: toIso(at(13) + 30 * minute),
      breachedAt: null,
      breachCause: null,
      lateMs: null,
      fulfilledAt: toIso(at(13) + 30 * minute),
      outcome: 'met',
      reason: null,
      waived: false,
      fired: [],
    });
    expect(await clockOf(id, 'first_response.1')).toMatchObject({ phase: 'cancelled', reason: 'solved', outcome: null, consumedS: 5_400 });
  });

  test('a running clock counts on to now, though nobody wrote it down', async () => {
    const id = await open(Date.now() - hour);
    const { consumedS, remainingS, dueAt, originAt, ...clock } = await clockOf(id, 'resolution.1');
    expect(clock).toMatchObject({ phase: 'running', runningSince: originAt, outcome: null, dueIfResumedNow: null, calendar: '24x7' });
    expect(Math.abs(consumedS - 3_600)).toBeLessThan(120);
    expect(consumedS + remainingS).toBe(7_200);
    expect(Date.parse(dueAt)).toBe(Date.parse(originAt) + 2 * hour);
  });

  test('a paused one says when it would be due, were it resumed', async () => {
    const start = Math.floor(Date.now() / second) * second - 3 * hour;
    const id = await open(start);
    await send(start + hour, id, 'pause-clocks', { reason: 'The carrier is on strike' });
    const before = Date.now();
    const clock = await clockOf(id, 'resolution.1');
    expect(clock).toMatchObject({ phase: 'paused', causes: ['manual'], consumedS: 3_600, remainingS: 3_600, dueAt: null });
    expect(Date.parse(clock.dueIfResumedNow)).toBeGreaterThan(before + hour - second);
    expect(Date.parse(clock.dueIfResumedNow)).toBeLessThanOrEqual(Date.now() + hour);
    expect((await get(`/v1/tickets/${id}`)).body).toMatchObject({ slaState: 'paused', dueAt: null });
  });

  test('paused with nothing left, it would be due at once; beyond the horizon, never', async () => {
    const start = Math.floor(Date.now() / second) * second - 3 * hour;
    const id = await open(start);
    await send(start + 2 * hour, id, 'pause-clocks', { reason: 'At the very last second' });
    const clock = await clockOf(id, 'resolution.1');
    expect(clock).toMatchObject({ remainingS: 0, breachedAt: null });
    expect(Math.abs(Date.parse(clock.dueIfResumedNow) - Date.now())).toBeLessThan(120 * second);
    const other = await open(start);
    await send(start + hour, other, 'pause-clocks', { reason: 'For a long time' });
    await send(start + hour, other, 'override-target', { clock: 'resolution.1', budgetS: 300_000_000, reason: 'Ten years' });
    expect((await clockOf(other, 'resolution.1')).dueIfResumedNow).toBeNull();
  });

  test('a breached clock keeps its breach as due, and its ticket shows it', async () => {
    const id = await breached();
    expect(await clockOf(id, 'resolution.1')).toMatchObject({
      phase: 'running',
      dueAt: toIso(at(17)),
      breachedAt: toIso(at(17)),
      breachCause: 'deadline',
      lateMs: 1,
      outcome: 'breached',
      fired: ['half', 'late'],
      spareS: null,
    });
    expect((await get(`/v1/tickets/${id}`)).body).toMatchObject({
      slaState: 'breached',
      slaBreached: true,
      escalationLevel: 1,
      dueAt: null,
    });
    await send(at(12, 1), id, 'resolve');
    expect(await clockOf(id, 'resolution.1')).toMatchObject({ outcome: 'breached', overrunS: 10_800, consumedS: 39_600, spareS: null });
  });

  test('a ticket without policy has no clocks', async () => {
    const id = await stage.ticket({ product: 'second' });
    expect((await get(`/v1/tickets/${id}/clocks`, 'admin')).body).toEqual({ data: [] });
    expect((await explain(id, 'resolution.1', '', 'admin')).body.code).toBe('sla.unknown_clock');
    expect((await get(`/v1/tickets/${id}`, 'admin')).body).toMatchObject({ slaState: 'none', slaBreached: false, dueAt: null });
  });
});

describe('why', () => {
  test('an explanation has every stretch from origin to end', async () => {
    const id = await open(at(16), { category: 'Billing' });
    await send(at(16) + 30 * minute, id, 'await-customer');
    await send(at(10, 1), id, 'start');
    await send(at(12, 1), id, 'resolve');
    const { body } = await explain(id);
    const office = { calendar: 'office', calendarRevision: 1 };
    expect(body.segments).toEqual([
      {
        from: toIso(at(16)),
        to: toIso(at(16.5)),
        state: 'running',
        causes: [],
        ...office,
        openS: 1_800,
        wallS: 1_800,
        consumedAfterS: 1_800,
      },
      {
        from: toIso(at(16.5)),
        to: toIso(at(10, 1)),
        state: 'paused',
        causes: ['status'],
        ...office,
        openS: 0,
        wallS: 63_000,
        consumedAfterS: 1_800,
      },
      {
        from: toIso(at(10, 1)),
        to: toIso(at(12, 1)),
        state: 'running',
        causes: [],
        ...office,
        openS: 7_200,
        wallS: 7_200,
        consumedAfterS: 9_000,
      },
    ]);
    expect(body).toMatchObject({
      clock: 'resolution.1',
      policy: 'office',
      outcome: 'met',
      consumedS: 9_000,
      carriedS: 0,
      check: 'ok',
      changes: [],
      rungs: [],
    });
    expect(body.sentence).toBe(
      'The resolution target of 8 h was met at 2024-01-16 12:00:00 +00:00, 5 h 30 min to spare: 2 h 30 min of open time were used; ' +
        'it was paused once, for 17 h 30 min (status). Times are in UTC.',
    );
  });

  test('names rungs with their due instants, lateness and recipients, in the reader’s zone', async () => {
    const id = await breached();
    const messages = await stage.sql((tx) => tx.selectFrom('notice').select('message').where('ticketId', '=', id).execute());
    const notices = messages.map(({ message }) => ({ ticket: asTicketId(id), message }));
    await stage.sql((tx) => planNotices(tx, { tenant: demo.tenant, which: notices, sms: false, newId: randomUUID, now: at(12, 1) }));
    const { body } = await explain(id, 'resolution.1', '?zone=Europe/Berlin');
    expect(body.rungs).toEqual([
      { rung: 'half', dueAt: toIso(at(13)), firedAt: toIso(at(13) + 1), lateMs: 1, outcome: 'warned', recipients: 3 },
      { rung: 'late', dueAt: toIso(at(17)), firedAt: toIso(at(17) + 1), lateMs: 1, outcome: 'opened', recipients: 1 },
    ]);
    expect(body).toMatchObject({ zone: 'Europe/Berlin', breachedAt: toIso(at(17)), breachCause: 'deadline' });
    expect(body.sentence).toContain('The resolution target of 8 h was breached at 2024-01-15 18:00:00 +01:00 and is still open, ');
    expect(body.sentence).toContain('Times are in Europe/Berlin.');
  });

  test('tells who changed a target', async () => {
    const id = await open(at(9), { category: 'Billing' });
    await send(at(10), id, 'priority', { priority: 'urgent' });
    await send(at(11), id, 'override-target', { clock: 'first_response.1', budgetS: 18_000, reason: 'As agreed by phone' });
    const { body } = await explain(id, 'first_response.1');
    const actor = `user/${demo.lead}`;
    expect(body.changes).toEqual([
      { type: 'retarget', at: toIso(at(10)), from: 14_400, to: 3_600, reason: 'priority', actor },
      { type: 'retarget', at: toIso(at(11)), from: 3_600, to: 18_000, reason: 'override', actor },
    ]);
    // The smaller target was used up already when it came, and a breach stays.
    expect(body).toMatchObject({ breachedAt: toIso(at(10)), breachCause: 'retarget', budgetS: 18_000, dueAt: toIso(at(10)) });
    expect(body.sentence).toContain('target of 1 h was breached at 2024-01-15 10:00:00 +00:00 by a smaller target');
    expect(body.sentence).toContain('its target changed from 4 h to 1 h at 2024-01-15 10:00:00 +00:00 (priority)');
  });

  test('of an open clock goes on to now', async () => {
    const id = await open(Date.now() - hour);
    await send(Date.now() - 30 * minute, id, 'await-customer');
    const { body } = await explain(id);
    expect(body.segments.map((segment: { state: string }) => segment.state)).toEqual(['running', 'paused']);
    expect(Math.abs(Date.parse(body.segments[1].to) - Date.now())).toBeLessThan(120 * second);
    expect(body).toMatchObject({ check: 'ok', outcome: null, dueAt: null, consumedS: body.segments[0].openS });
  });

  test('says when what is recorded is not what the calendar says, and counts it', async () => {
    const id = await open(at(9), { category: 'Billing' });
    await send(at(10), id, 'resolve');
    await stage.sql((tx) =>
      tx.updateTable('slaSegment').set({ openS: 3_000 }).where('ticketId', '=', id).where('clock', '=', 'resolution#1').execute(),
    );
    const counted = async () =>
      (await stage.metrics.registry.getSingleMetricAsString('usher_sla_explain_mismatch_total')).split(' ').at(-1);
    const before = Number(await counted());
    expect((await explain(id)).body.check).toBe('mismatch');
    expect((await explain(id, 'first_response.1')).body.check).toBe('ok');
    expect(Number(await counted())).toBe(before + 1);
  });

  test('clocks and zones that do not exist are refused', async () => {
    const id = await open(at(9));
    for (const clock of ['resolution.2', 'first_response.1', 'nonsense', 'resolution', 'resolution.0']) {
      const reply = await explain(id, clock);
      expect([reply.status, reply.body.code], clock).toEqual([404, 'sla.unknown_clock']);
    }
    expect((await explain(id, 'resolution%231')).status).toBe(200);
    for (const zone of ['Mars/Olympus', '%2B02:00', '1']) {
      const reply = await explain(id, 'resolution.1', `?zone=${zone}`);
      expect([reply.status, reply.body.code, reply.body.errors?.[0]?.pointer], zone).toEqual([400, 'unknown_parameter', 'zone']);
    }
    expect((await explain(id, 'resolution.1', '?when=now')).body.code).toBe('unknown_parameter');
  });
});

describe('what people do to clocks', () => {
  test('pausing and resuming stops them to the second, once', async () => {
    const id = await open(at(9), { category: 'Billing' });
    const version = (await get(`/v1/tickets/${id}`)).body.version;
    await send(at(10), id, 'pause-clocks', { reason: 'The carrier is on strike' });
    const paused = await get(`/v1/tickets/${id}`);
    expect(paused.body.version).toBeGreaterThan(version);
    expect((await send(at(11), id, 'pause-clocks', { reason: 'Once more' })).body.version).toBe(paused.body.version);
    await send(at(12), id, 'resume-clocks', { reason: 'The strike is over' });
    await send(at(13), id, 'resolve');
    expect(await clockOf(id, 'resolution.1')).toMatchObject({ consumedS: 7_200, outcome: 'met' });
    const history = await get(`/v1/tickets/${id}/history?limit=100`);
    const told = history.body.data.map((entry: { summary: string; text: string | null }) => [entry.summary, entry.text]);
    expect(told).toContainEqual(['Clocks paused by hand', 'The carrier is on strike']);
    expect(told).toContainEqual(['Clock resolution.1 resumed (manual)', null]);
  });

  test('a repeated request is one command', async () => {
    const id = await open(at(9), { category: 'Billing' });
    const body = { clock: 'resolution.1', budgetS: 14_400, reason: 'As agreed by phone' };
    const path = `/v1/tickets/${id}/override-target`;
    const first = await atTime(at(10), () => post(path, body, 'lead', { 'idempotency-key': 'override' }));
    const again = await atTime(at(11), () => post(path, body, 'lead', { 'idempotency-key': 'override' }));
    expect([first.status, again.status, again.headers.get('idempotency-lookup')]).toEqual([200, 200, 'hit']);
    expect(again.body).toEqual(first.body);
    expect((await explain(id)).body.changes).toHaveLength(1);
    expect((await post(path, { ...body, budgetS: 60 }, 'lead', { 'idempotency-key': 'override' })).body.code).toBe(
      'idempotency_key_reused',
    );
    expect((await post(path, body, 'lead', { 'if-match': '"1"' })).body.code).toBe('version_mismatch');
  });

  test('a breach is excused, and stays', async () => {
    const id = await breached();
    const excuse = (clock: string) => post(`/v1/tickets/${id}/waive`, { clock, reason: 'Outage of the carrier' });
    expect((await excuse('resolution.2')).body).toMatchObject({ status: 404, code: 'sla.unknown_clock', clock: 'resolution#2' });
    await atTime(at(12, 1), () => done(excuse('resolution.1')));
    expect(await clockOf(id, 'resolution.1')).toMatchObject({ waived: true, outcome: 'breached', breachedAt: toIso(at(17)) });
    expect((await explain(id)).body.sentence).toContain('(waived)');
    expect((await get(`/v1/tickets/${id}`)).body.slaBreached).toBe(true);
  });

  test('a breach is excused after its ticket was closed, too', async () => {
    const id = await breached();
    await send(at(12, 1), id, 'resolve');
    await send(at(13, 1), id, 'close');
    const excuse = (headers: Record<string, string> = {}, clock = 'resolution.1') =>
      post(`/v1/tickets/${id}/waive`, { clock, reason: 'Outage of the carrier' }, 'lead', headers);
    expect((await excuse({ 'if-match': '"1"' })).body.code).toBe('version_mismatch');
    expect((await excuse({ 'if-match': 'W/"x"' })).body.code).toBe('version_mismatch');
    expect((await excuse({}, 'first_response.9')).body.code).toBe('sla.unknown_clock');
    const first = await excuse({ 'idempotency-key': 'closed' });
    expect(first.status, JSON.stringify(first.body)).toBe(200);
    expect((await excuse({ 'idempotency-key': 'closed' })).headers.get('idempotency-lookup')).toBe('hit');
    expect((await excuse()).body.version).toBe(first.body.version);
    expect(await clockOf(id, 'resolution.1')).toMatchObject({ waived: true, outcome: 'breached', phase: 'fulfilled' });
    expect((await post(`/v1/tickets/${id}/pause-clocks`, { reason: 'Too late' })).body.code).toBe('ticket.closed');
  });

  test('what cannot be done is refused by name', async () => {
    const id = await open(at(9), { category: 'Billing' });
    const path = `/v1/tickets/${id}`;
    const override = { clock: 'resolution.1', budgetS: 60, reason: 'As agreed' };
    for (const body of [{}, { reason: '  x ' }]) {
      for (const [verb, fields] of [
        ['pause-clocks', {}],
        ['resume-clocks', {}],
        ['override-target', { clock: 'resolution.1', budgetS: 60 }],
        ['waive', { clock: 'resolution.1' }],
      ] as const) {
        const reply = await post(`${path}/${verb}`, { ...fields, ...body });
        expect([reply.status, reply.body.code], verb).toEqual([403, 'reason_required']);
      }
    }
    expect((await stage.call('lead', 'POST', `${path}/pause-clocks`)).body.code).toBe('reason_required');
    const wrong = await post(`${path}/override-target`, { ...override, clock: 'resolution', budgetS: 0, reason: '\u0007', until: 1 });
    expect(wrong.body.errors.map((error: { pointer: string }) => error.pointer).toSorted()).toEqual([
      '/budgetS',
      '/clock',
      '/reason',
      '/until',
    ]);
    expect((await post(`${path}/override-target`, { ...override, clock: 'agent_work.1' })).body.code).toBe('sla.unknown_clock');
    // A clock that runs has nothing to excuse.
    expect((await post(`${path}/waive`, { clock: 'resolution.1', reason: 'None' })).status).toBe(404);
  });
});

const said = ({ requestId: _id, instance: _path, ...rest }: Record<string, unknown>) => rest;

describe('who may', () => {
  const everyone: Who[] = ['admin', 'lead', 'agent', 'service', 'reader', 'customer', 'other', 'stranger', 'foreign'];
  const readers = { admin: 200, lead: 200, agent: 200, service: 200, reader: 200, customer: 403, other: 404, stranger: 404, foreign: 404 };
  const leads = { ...readers, agent: 403, service: 403, reader: 403 };
  const reason = 'As agreed by phone';

  test.each<[string, string, unknown, Partial<Record<Who, number>>]>([
    ['GET', '/clocks', undefined, readers],
    ['GET', '/clocks/resolution.1/explain', undefined, readers],
    ['POST', '/pause-clocks', { reason }, leads],
    ['POST', '/resume-clocks', { reason }, leads],
    ['POST', '/override-target', { clock: 'resolution.1', budgetS: 10_000, reason }, leads],
    ['POST', '/waive', { clock: 'resolution.1', reason }, leads],
  ])('%s /tickets/{id}%s', async (method, path, body, expected) => {
    const id = await breached();
    for (const who of everyone) expect((await stage.call(who, method, `/v1/tickets/${id}${path}`, body)).status, who).toBe(expected[who]);
  });

  test('absent and foreign look alike', async () => {
    const id = await open(at(9));
    const [foreign, absent] = await Promise.all([id, 'TKT-00000000'].map((ticket) => explain(ticket, 'resolution.1', '', 'foreign')));
    expect(said(foreign?.body)).toEqual(said(absent?.body));
  });
});

const dueWithin = (ahead: number): string => `dueAt.lt=${toIso(Date.now() + ahead)}`;
const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((one, other) => one - other);

describe('tickets by their service levels', () => {
  let ids: string[] = [];
  const found = async (query: string, who: Who = 'admin'): Promise<number[]> => {
    const { body } = await get(`/v1/tickets?product=*&tag=listed&${query}`, who);
    return body.data.map((ticket: { id: string }) => ids.indexOf(ticket.id));
  };

  beforeAll(async () => {
    const now = Date.now();
    // 0: breached long ago. 1: due in an hour. 2: due in half an hour. 3: paused. 4: resolved in time.
    ids = [];
    ids.push(await open(now - 10 * hour, { tags: ['listed'] }));
    await stage.desk.pass(asTicketId(ids[0] ?? ''), now);
    ids.push(await open(now - hour, { tags: ['listed'] }));
    ids.push(await open(now - 30 * minute, { tags: ['listed'], priority: 'urgent' }, 'admin'));
    ids.push(await open(now - hour, { tags: ['listed'] }));
    ids.push(await open(now - hour, { tags: ['listed'] }));
    await send(now, ids[3] ?? '', 'await-customer');
    await send(now, ids[4] ?? '', 'resolve');
    await send(now, ids[4] ?? '', 'reopen', { reason: 'Not yet done' });
    await send(now, ids[4] ?? '', 'resolve');
    await done(post(`/v1/tickets/${ids[1]}/escalate`, { to: { kind: 'admin' }, level: 3, reason: 'Ask the boss' }));
  });

  test.each<[string, () => string, number[]]>([
    ['breached once', () => 'slaBreached=true', [0]],
    ['never breached', () => 'slaBreached=false', [1, 2, 3, 4]],
    ['breached now', () => 'slaState=breached', [0]],
    ['paused, or without open clocks', () => 'slaState=paused,none', [3, 4]],
    ['in time', () => 'slaState=ok', [1, 2]],
    ['at a level', () => 'escalationLevel=3', [1]],
    ['at one of two levels', () => 'escalationLevel=0,9', [0, 2, 3, 4]],
    ['due soon', () => dueWithin(45 * minute), [2]],
    ['due later, and at a level', () => `${dueWithin(3 * hour)}&escalationLevel=3`, [1]],
  ])('%s', async (_, query, expected) => {
    expect(inOrder(await found(query()))).toEqual(expected);
    const { body } = await get(`/v1/tickets/count?product=*&tag=listed&${query()}`, 'admin');
    expect(body.count).toBe(expected.length);
  });

  test('by deadline, those without one last', async () => {
    const up = await found('sort=dueAt');
    expect(up.slice(0, 2)).toEqual([2, 1]);
    expect(inOrder(up.slice(2))).toEqual([0, 3, 4]);
    const down = await found('sort=-dueAt');
    expect(down).toEqual([1, 2, ...up.slice(2).toReversed()]);
    for (const [sort, whole] of [
      ['dueAt', up],
      ['-dueAt', down],
    ] as const) {
      const seen: number[] = [];
      for (let cursor = '', more = true; more;) {
        const { body } = await get(`/v1/tickets?product=*&tag=listed&limit=1&sort=${sort}${cursor}`, 'admin');
        seen.push(...body.data.map((ticket: { id: string }) => ids.indexOf(ticket.id)));
        more = body.page.hasMore;
        cursor = `&cursor=${encodeURIComponent(body.page.next ?? '')}`;
      }
      expect(seen).toEqual(whole);
    }
  });

  test('customers neither read nor ask for it', async () => {
    for (const query of [
      'slaBreached=true',
      'slaState=ok',
      'escalationLevel=3',
      'dueAt.lt=2999-01-01T00:00:00.000Z',
      'sort=dueAt',
      'sort=-dueAt',
    ]) {
      const reply = await get(`/v1/tickets?product=*&${query}`, 'customer');
      expect([reply.status, reply.body.permission], query).toEqual([403, 'ticket.events']);
    }
    const { body } = await get(`/v1/tickets/${ids[0]}`, 'customer');
    for (const field of ['escalationLevel', 'slaState', 'slaBreached', 'dueAt']) expect(body).not.toHaveProperty(field);
    expect((await get('/v1/tickets/count?product=*&slaState=ok', 'customer')).status).toBe(403);
  });
});
