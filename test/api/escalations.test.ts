/** Escalations from raising to closing: who may do what, what is refused, what each reader sees. Expectations from service-desk.md, section 4. */
import { createHash } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newApiKey } from '../../db/seed.js';
import { asTicketId } from '../../domain/ids.js';
import { hour, toIso } from '../../domain/time.js';
import { uuid } from '../support/builders.js';
import { demo, otherTenant, outsider, secondTeam, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();

/** A colleague in the ticket's team, and one of the product in no team. */
const colleague = { id: demo.agents[1], key: newApiKey() };
const expert = { id: uuid(0x26), key: newApiKey() };
type Reader = Who | 'colleague' | 'expert';

const call = (who: Reader, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> => {
  if (who !== 'colleague' && who !== 'expert') return stage.call(who, method, path, body, headers);
  const { key } = who === 'colleague' ? colleague : expert;
  return stage.call('agent', method, path, body, { ...headers, authorization: `Bearer ${key}` });
};
const post = (who: Reader, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply> =>
  call(who, 'POST', path, body, headers);
const get = (who: Reader, path: string): Promise<Reply> => call(who, 'GET', path);

beforeAll(async () => {
  await stage.sql(async (tx) => {
    const tenantId = demo.tenant;
    await tx
      .insertInto('agent')
      .values({ tenantId, id: expert.id, name: 'Demo Expert', email: 'expert@usher.localhost', role: 'agent', products: ['demo'] })
      .execute();
    for (const { id, key } of [colleague, expert]) {
      const hash = createHash('sha256').update(key).digest();
      await tx
        .insertInto('apiKey')
        .values({ tenantId, id, hash, ownerKind: 'user', ownerId: id, prefix: key.slice(0, 8) })
        .execute();
    }
  });
});

afterEach(() => {
  stage.desk.now = Date.now;
});

const toLead = { to: { kind: 'lead' }, reason: 'The customer threatens to leave' };

const done = async (reply: Promise<Reply>): Promise<Reply> => {
  const answer = await reply;
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer;
};

/** A ticket of the demo team, escalated; the path of its escalation. */
async function escalated(who: Reader = 'agent', body: unknown = toLead): Promise<{ ticket: string; id: string; path: string }> {
  const ticket = await stage.ticket();
  await done(post(who, `/v1/tickets/${ticket}/escalate`, body));
  return { ticket, id: `${ticket}.e1`, path: `/v1/escalations/${ticket}.e1` };
}

const actorOf = { lead: `user/${demo.lead}`, agent: `user/${demo.agents[0]}`, admin: `user/${demo.admin}` };

describe('raising', () => {
  test('asks somebody, and tells staff where to look', async () => {
    const ticket = await stage.ticket();
    const asked = { to: { kind: 'team', id: secondTeam }, level: 4, reason: 'Needs their key', takeOver: true };
    const raised = await post('agent', `/v1/tickets/${ticket}/escalate`, asked);
    expect([raised.status, raised.headers.get('location')]).toEqual([200, `/v1/escalations/${ticket}.e1`]);
    expect(raised.body).toMatchObject({ id: ticket, escalationLevel: 4 });
    const { body, headers } = await get('lead', `/v1/escalations/${ticket}.e1`);
    expect(headers.get('etag')).toBe('"2"');
    expect(body).toEqual({
      id: `${ticket}.e1`,
      ticket,
      subject: 'ticket',
      product: 'demo',
      level: 4,
      to: { kind: 'team', id: secondTeam },
      status: 'pending',
      reason: 'Needs their key',
      raisedBy: actorOf.agent,
      from: null,
      takeOver: true,
      ackDueAt: null,
      owner: null,
      acknowledgedAt: null,
      outcome: null,
      outcomeText: null,
      createdAt: body.createdAt,
      resolvedAt: null,
      closedAt: null,
      history: [
        {
          version: 2,
          at: body.createdAt,
          type: 'escalation.opened',
          actor: { ref: actorOf.agent, role: 'agent', name: 'Demo Agent 1' },
          summary: 'Escalated to team, level 4',
          text: 'Needs their key',
        },
      ],
    });
    await done(post('lead', `/v1/tickets/${ticket}/escalate`, toLead));
    expect((await get('lead', `/v1/escalations/${ticket}.e2`)).body).toMatchObject({
      level: 1,
      to: { kind: 'lead', id: null },
      takeOver: false,
    });
  });

  test('by a customer is only a request, whatever it says', async () => {
    const ticket = await stage.ticket({}, 'customer');
    const raised = await post('customer', `/v1/tickets/${ticket}/escalate`, {
      reason: 'Nobody answers me',
      level: 9,
      to: { kind: 'admin' },
    });
    expect([raised.status, raised.headers.get('location')]).toEqual([200, null]);
    expect(raised.body).not.toHaveProperty('escalationLevel');
    expect((await get('lead', `/v1/tickets/${ticket}`)).body).toMatchObject({ escalationLevel: 0, version: 2 });
    expect((await get('lead', `/v1/escalations?ticket=${ticket}`)).body.data).toEqual([]);
    const history = await get('agent', `/v1/tickets/${ticket}/history`);
    expect(history.body.data[1]).toMatchObject({
      type: 'escalation.requested',
      summary: 'The customer asked for an escalation',
      text: 'Nobody answers me',
    });
    expect((await post('customer', `/v1/tickets/${ticket}/escalate`, { reason: 'Nobody answers me' })).status).toBe(200);
  });

  test('names people and teams that are there, and see the product', async () => {
    const ticket = await stage.ticket();
    const path = `/v1/tickets/${ticket}/escalate`;
    const raise = (to: unknown) => post('lead', path, { to, reason: 'Ask somebody' });
    const nowhere = { status: 422, code: 'unknown_reference', pointer: '/to/id' };
    expect((await raise({ kind: 'specialist', id: uuid(0xfff) })).body).toMatchObject(nowhere);
    expect((await raise({ kind: 'team', id: uuid(0xfff) })).body).toMatchObject(nowhere);
    expect((await raise({ kind: 'team', id: expert.id })).body).toMatchObject(nowhere);
    expect((await raise({ kind: 'specialist', id: outsider })).body).toMatchObject({ code: 'not_permitted_agent', missing: 'product' });
    await stage.sql((tx) => tx.updateTable('agent').set({ active: false }).where('id', '=', demo.agents[2]).execute());
    expect((await raise({ kind: 'specialist', id: demo.agents[2] })).body).toMatchObject(nowhere);
    expect((await raise({ kind: 'lead', id: demo.lead })).body.errors).toMatchObject([
      { pointer: '/to/id', message: 'belongs to specialist and team' },
    ]);
    expect((await post('lead', path, { reason: 'Ask somebody' })).body.errors).toMatchObject([{ pointer: '/to', code: 'required' }]);
    const wrong = await post('lead', path, { to: { kind: 'boss' }, level: 10, reason: 'x', takeOver: 'yes', by: 'me' });
    expect(wrong.body.errors.map((error: { pointer: string }) => error.pointer).toSorted()).toEqual([
      '/by',
      '/level',
      '/reason',
      '/takeOver',
      '/to/kind',
    ]);
    expect((await get('lead', `/v1/tickets/${ticket}`)).body.version).toBe(1);
    for (const to of [{ kind: 'specialist', id: expert.id }, { kind: 'specialist' }, { kind: 'team' }, { kind: 'admin' }])
      await done(raise(to));
  });

  test('a repeated request raises once', async () => {
    const ticket = await stage.ticket();
    const raise = (body: unknown = toLead) =>
      post('agent', `/v1/tickets/${ticket.toLowerCase()}/escalate`, body, { 'idempotency-key': 'once' });
    const first = await raise();
    const again = await raise();
    expect([again.status, again.headers.get('idempotency-lookup'), again.headers.get('location')]).toEqual([
      200,
      'hit',
      first.headers.get('location'),
    ]);
    expect((await get('lead', `/v1/escalations?ticket=${ticket}`)).body.data).toHaveLength(1);
    expect((await raise({ ...toLead, level: 2 })).body.code).toBe('idempotency_key_reused');
  });

  test('a closed ticket is not escalated', async () => {
    const ticket = await stage.ticket();
    await post('lead', `/v1/tickets/${ticket}/resolve`);
    await post('lead', `/v1/tickets/${ticket}/close`);
    expect((await post('lead', `/v1/tickets/${ticket}/escalate`, toLead)).body.code).toBe('ticket.closed');
  });
});

const pointers = ({ body }: Reply): string[] => body.errors.map((error: { pointer: string }) => error.pointer).toSorted();

describe('a life', () => {
  test('acknowledged, resolved, sent back, resolved again, closed', async () => {
    const { path, ticket } = await escalated();
    const acknowledged = await done(post('lead', `${path}/acknowledge`));
    expect(acknowledged.headers.get('etag')).toBe('"3"');
    expect(acknowledged.body).toMatchObject({ status: 'in_progress', owner: actorOf.lead, reason: toLead.reason, outcome: null });
    const resolved = await done(post('lead', `${path}/resolve`, { outcome: 'advised', text: 'Told them what to say.' }));
    expect(resolved.body).toMatchObject({ status: 'resolved', outcome: 'advised', outcomeText: 'Told them what to say.' });
    expect((await get('lead', `/v1/tickets/${ticket}`)).body.escalationLevel).toBe(0);
    const back = await done(post('agent', `${path}/send-back`, { reason: 'That did not help' }));
    expect(back.body).toMatchObject({ status: 'in_progress', outcome: null, outcomeText: null, owner: actorOf.lead });
    await done(post('lead', `${path}/resolve`, { outcome: 'fixed', text: 'Wrote to them myself.' }));
    const closed = await done(post('agent', `${path}/close`));
    expect(closed.body).toMatchObject({ status: 'closed', outcome: 'fixed', outcomeText: 'Wrote to them myself.' });
    const told = closed.body.history.map((entry: { type: string; actor: { ref: string }; text: string | null }) => [
      entry.type,
      entry.actor.ref,
      entry.text,
    ]);
    expect(told).toEqual([
      ['escalation.opened', actorOf.agent, toLead.reason],
      ['sla.acknowledged', actorOf.lead, null],
      ['escalation.resolved', actorOf.lead, 'Told them what to say.'],
      ['escalation.sent_back', actorOf.agent, 'That did not help'],
      ['escalation.resolved', actorOf.lead, 'Wrote to them myself.'],
      ['escalation.closed', actorOf.agent, null],
    ]);
    const read = await call('lead', 'GET', path);
    expect(read.body).toEqual(closed.body);
    expect((await call('lead', 'GET', path, undefined, { 'if-none-match': read.headers.get('etag') ?? '' })).status).toBe(304);
  });

  test('whoever takes over gets the ticket, and gives it back', async () => {
    const { path, ticket } = await escalated();
    await post('agent', `/v1/tickets/${ticket}/claim`);
    const assignee = async () => (await get('lead', `/v1/tickets/${ticket}`)).body.assignee;
    await done(post('lead', `${path}/acknowledge`, { takeOver: true }));
    expect(await assignee()).toBe(demo.lead);
    await done(post('lead', `${path}/resolve`, { outcome: 'fixed', text: 'Done.' }));
    expect(await assignee()).toBe(demo.agents[0]);
    const other = await escalated('agent', { ...toLead, takeOver: true });
    await done(post('lead', `${other.path}/acknowledge`, { takeOver: false }));
    expect((await get('lead', `/v1/tickets/${other.ticket}`)).body.assignee).toBeNull();
  });

  test('what nobody took up is withdrawn', async () => {
    const { path } = await escalated();
    expect((await done(post('agent', `${path}/withdraw`))).body).toMatchObject({ status: 'closed', outcome: 'withdrawn' });
  });

  test('it ends with its ticket', async () => {
    const { path, ticket } = await escalated();
    await post('lead', `/v1/tickets/${ticket}/resolve`);
    await post('lead', `/v1/tickets/${ticket}/close`);
    expect((await get('lead', path)).body).toMatchObject({ status: 'closed', outcome: 'ticket_closed' });
    expect((await post('lead', `${path}/acknowledge`)).body.code).toBe('ticket.closed');
  });

  const resolution = { outcome: 'fixed', text: 'Done.' };
  const bodies: Readonly<Record<string, unknown>> = { resolve: resolution, 'send-back': { reason: 'Not yet' } };
  /** Typed out from the page: what is allowed from each status. */
  test.each<[string, string[], string[]]>([
    ['pending', [], ['acknowledge', 'withdraw']],
    ['in_progress', ['acknowledge'], ['resolve']],
    ['resolved', ['acknowledge', 'resolve'], ['send-back', 'close']],
    ['closed', ['withdraw'], []],
  ])('from %s only some moves are legal', async (from, way, legal) => {
    for (const verb of ['acknowledge', 'resolve', 'send-back', 'withdraw', 'close']) {
      const { path } = await escalated();
      for (const step of way) await done(post('lead', `${path}/${step}`, bodies[step]));
      const reply = await post('lead', `${path}/${verb}`, bodies[verb]);
      if (legal.includes(verb)) expect(reply.status, verb).toBe(200);
      else expect(reply.body, verb).toMatchObject({ status: 409, code: 'escalation.illegal_move', from });
    }
  });

  test('one closed so long ago that its ticket forgot it cannot move either', async () => {
    const { path, ticket } = await escalated();
    await done(post('agent', `${path}/withdraw`));
    for (let n = 2; n <= 12; n += 1) {
      await done(post('agent', `/v1/tickets/${ticket}/escalate`, toLead));
      await done(post('agent', `/v1/escalations/${ticket}.e${n}/withdraw`));
    }
    expect((await post('lead', `${path}/acknowledge`)).body).toMatchObject({
      code: 'escalation.illegal_move',
      from: 'closed',
      to: 'in_progress',
    });
    expect((await get('lead', path)).body.status).toBe('closed');
  });

  test('what has the wrong form is refused by name', async () => {
    const { path } = await escalated();
    await post('lead', `${path}/acknowledge`);
    expect(pointers(await post('lead', `${path}/resolve`, {}))).toEqual(['/outcome', '/text']);
    expect(pointers(await post('lead', `${path}/resolve`, { outcome: 'gone', text: '', why: 1 }))).toEqual(['/outcome', '/text', '/why']);
    expect(pointers(await post('lead', `${path}/send-back`, { reason: 'x' }))).toEqual(['/reason']);
    expect(pointers(await post('lead', `${path}/acknowledge`, { takeOver: 1 }))).toEqual(['/takeOver']);
    expect((await post('lead', `${path}/acknowledge?force=true`)).body.code).toBe('unknown_parameter');
  });

  test('a repeated verb is one command, however its address is written', async () => {
    const { path } = await escalated();
    const first = await done(post('lead', `${path}/acknowledge`, undefined, { 'idempotency-key': 'one' }));
    const again = await post('lead', `${path.replace('TKT', 'tkt').replace('.e1', '.E1')}/acknowledge`, undefined, {
      'idempotency-key': 'one',
    });
    expect([again.status, again.headers.get('idempotency-lookup')]).toEqual([200, 'hit']);
    expect(again.body).toEqual(first.body);
    expect((await post('lead', `${path}/resolve`, resolution, { 'if-match': '"1"' })).body).toMatchObject({
      code: 'version_mismatch',
      current: 3,
    });
  });

  test('while PostgreSQL lags, the answer has no texts; who does not wait gets none', async () => {
    const { path, id, ticket } = await escalated();
    stage.desk.trouble = 'unprojected';
    const late = await post('lead', `${path}/acknowledge`);
    stage.desk.trouble = null;
    expect([late.status, late.headers.get('usher-projection'), late.headers.get('location')]).toEqual([202, 'pending', path]);
    expect(late.body).toMatchObject({ id, status: 'in_progress', owner: actorOf.lead, reason: null, from: null });
    const { id: other, path: elsewhere } = await escalated();
    const unheard = await post('lead', `${elsewhere}/acknowledge`, undefined, { prefer: 'respond-async' });
    expect([unheard.status, unheard.body.id, unheard.headers.get('preference-applied')]).toEqual([202, other, 'respond-async']);
    const raised = await post('lead', `/v1/tickets/${ticket}/escalate`, toLead, { prefer: 'respond-async' });
    expect([raised.status, raised.body.id]).toEqual([202, ticket]);
  });
});

const said = ({ status, body: { requestId: _id, instance: _path, ...rest } }: Reply) => ({ status, rest });

describe('who may', () => {
  const everyone: Reader[] = [
    'admin',
    'lead',
    'agent',
    'colleague',
    'expert',
    'service',
    'reader',
    'customer',
    'other',
    'stranger',
    'foreign',
  ];
  const outside = { customer: 403, stranger: 403, other: 404, expert: 404, foreign: 404 };

  const expectEach = async (expected: Partial<Record<Reader, number>>, attempt: (who: Reader) => Promise<Reply>): Promise<void> => {
    for (const who of everyone) {
      const reply = await attempt(who);
      expect(reply.status, `${who}: ${JSON.stringify(reply.body).slice(0, 200)}`).toBe(expected[who]);
    }
  };

  test('raise', async () => {
    await expectEach(
      {
        admin: 200,
        lead: 200,
        agent: 200,
        colleague: 200,
        service: 200,
        reader: 403,
        customer: 200,
        stranger: 404,
        other: 404,
        expert: 404,
        foreign: 404,
      },
      async (who) => post(who, `/v1/tickets/${await stage.ticket()}/escalate`, toLead),
    );
  });

  test('read', async () => {
    const { path } = await escalated();
    await expectEach({ admin: 200, lead: 200, agent: 200, colleague: 200, service: 200, reader: 200, ...outside }, (who) => get(who, path));
  });

  const handlers = { admin: 200, lead: 200, agent: 403, colleague: 403, service: 403, reader: 403, ...outside };
  test.each<[string, unknown, Partial<Record<Reader, number>>]>([
    ['the lead', { kind: 'lead' }, handlers],
    ['the admin', { kind: 'admin' }, handlers],
    ['nobody by name', { kind: 'specialist' }, handlers],
    ['a colleague', { kind: 'specialist', id: colleague.id }, { ...handlers, colleague: 200 }],
    ['the ticket’s own team', { kind: 'team' }, { ...handlers, agent: 200, colleague: 200 }],
    ['a team by name', { kind: 'team', id: demo.team }, { ...handlers, agent: 200, colleague: 200 }],
    ['somebody of no team', { kind: 'specialist', id: expert.id }, { ...handlers, expert: 200 }],
  ])('acknowledge what asks %s', async (_, to, expected) => {
    await expectEach(expected, async (who) => post(who, `${(await escalated('agent', { ...toLead, to })).path}/acknowledge`));
  });

  test('withdraw: whoever raised it, leads and admins', async () => {
    await expectEach({ admin: 200, lead: 200, agent: 200, colleague: 403, service: 403, reader: 403, ...outside }, async (who) =>
      post(who, `${(await escalated('agent')).path}/withdraw`),
    );
    const { path } = await escalated('service');
    expect((await post('agent', `${path}/withdraw`)).body).toMatchObject({ code: 'forbidden', permission: 'ticket.escalate' });
    expect((await post('service', `${path}/withdraw`)).status).toBe(200);
  });

  test('send back and close: likewise', async () => {
    for (const [verb, body] of [
      ['send-back', { reason: 'Not yet' }],
      ['close', undefined],
    ] as const) {
      const { path } = await escalated('agent', { ...toLead, to: { kind: 'specialist', id: colleague.id } });
      await done(post('colleague', `${path}/acknowledge`));
      await done(post('colleague', `${path}/resolve`, { outcome: 'fixed', text: 'Done.' }));
      expect((await post('colleague', `${path}/${verb}`, body)).body).toMatchObject({ code: 'forbidden', permission: 'ticket.escalate' });
      expect((await post('agent', `${path}/${verb}`, body)).status, verb).toBe(200);
    }
  });

  test('who is asked from outside the team sees the escalation, and the ticket while it is taken over', async () => {
    const ask = { to: { kind: 'specialist', id: expert.id }, reason: 'Knows the protocol', takeOver: true };
    const { path, ticket } = await escalated('agent', ask);
    await post('agent', `/v1/tickets/${ticket}/claim`);
    expect((await get('expert', path)).body).toMatchObject({ reason: 'Knows the protocol' });
    expect((await get('expert', `/v1/tickets/${ticket}`)).status).toBe(404);
    await done(post('expert', `${path}/acknowledge`));
    expect((await get('expert', `/v1/tickets/${ticket}`)).body.assignee).toBe(expert.id);
    await done(post('expert', `${path}/resolve`, { outcome: 'advised', text: 'It is a known fault.' }));
    expect((await get('expert', `/v1/tickets/${ticket}`)).status).toBe(404);
  });

  test('absent, malformed, foreign and removed look alike; customers hear the same of all', async () => {
    const { path, ticket } = await escalated();
    const paths = [path, '/v1/escalations/TKT-00000000.e1', `${path}0`, '/v1/escalations/nonsense', `/v1/escalations/${ticket}.e0`];
    const foreign = await Promise.all(paths.map(async (one) => said(await get('foreign', one))));
    expect(new Set(foreign.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(foreign[0]).toMatchObject({ status: 404, rest: { code: 'not_found' } });
    for (const one of paths) expect((await get('customer', one)).status).toBe(403);
    await post('admin', `/v1/tickets/${ticket}/resolve`);
    await post('admin', `/v1/tickets/${ticket}/close`);
    await call('admin', 'DELETE', `/v1/tickets/${ticket}?reason=as+asked`);
    expect((await get('admin', path)).status).toBe(404);
  });
});

const list = (query: string, who: Reader = 'admin') => get(who, `/v1/escalations?${query}`);

describe('lists', () => {
  let ids: string[] = [];
  const found = async (query: string, who: Reader = 'admin'): Promise<number[]> =>
    (await list(`limit=100&${query}`, who)).body.data
      .map((one: { id: string }) => ids.indexOf(one.id))
      .filter((index: number) => index >= 0);

  beforeAll(async () => {
    // 0: for the lead. 1: for the expert, at level 5. 2: for the second team, of its product. 3: acknowledged by the colleague. 4: resolved.
    const first = await escalated();
    const second = await escalated('lead', { to: { kind: 'specialist', id: expert.id }, level: 5, reason: 'Knows the protocol' });
    const ticket = await stage.ticket({ product: 'second' });
    await done(post('admin', `/v1/tickets/${ticket}/escalate`, { to: { kind: 'team', id: secondTeam }, reason: 'Theirs' }));
    const third = await escalated('agent', { ...toLead, to: { kind: 'team' } });
    await done(post('colleague', `${third.path}/acknowledge`));
    const fourth = await escalated();
    await done(post('lead', `${fourth.path}/acknowledge`));
    await done(post('lead', `${fourth.path}/resolve`, { outcome: 'declined', text: 'Not ours.' }));
    ids = [first.id, second.id, `${ticket}.e1`, third.id, fourth.id];
  });

  test.each<[string, number[]]>([
    ['product=*', [4, 3, 2, 1, 0]],
    ['product=demo', [4, 3, 1, 0]],
    ['product=second', [2]],
    ['product=*&status=pending', [2, 1, 0]],
    ['product=*&status=in_progress,resolved', [4, 3]],
    ['product=*&to=lead', [4, 0]],
    ['product=*&to=specialist,team', [3, 2, 1]],
    ['product=*&level=5', [1]],
    ['product=*&level=5,1&to=specialist', [1]],
    ['product=*&mine=false&level=5', [1]],
  ])('%s', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  test('of one ticket, whose product need not be said', async () => {
    const [ticket = ''] = (ids[2] ?? '').split('.');
    expect(await found(`ticket=${ticket.toLowerCase()}`)).toEqual([2]);
    expect(await found(`ticket=${ticket}&product=demo`)).toEqual([]);
  });

  test('mine: what waits for me, and what I am at', async () => {
    expect(await found('mine=true', 'lead')).toEqual([4, 0]);
    expect(await found('mine=true', 'colleague')).toEqual([3]);
    expect(await found('mine=true', 'expert')).toEqual([1]);
    expect(await found('mine=true', 'agent')).toEqual([]);
    expect(await found('mine=true', 'other')).toEqual([2]);
    expect(await found('product=*&mine=true', 'service')).toEqual([]);
  });

  test('bounded by team, product and tenant', async () => {
    expect(await found('', 'agent')).toEqual([4, 3, 1, 0]);
    expect(await found('', 'expert')).toEqual([1]);
    expect(await found('', 'other')).toEqual([2]);
    expect(await found('', 'reader')).toEqual([4, 3, 1, 0]);
    expect((await list('product=*', 'foreign')).body.data).toEqual([]);
    expect((await list('product=*', 'customer')).status).toBe(403);
    expect(await stage.sql((tx) => tx.selectFrom('escalation').select('n').execute(), otherTenant)).toEqual([]);
  });

  test('pages meet every one once, newest first', async () => {
    const seen: string[] = [];
    for (let cursor = '', more = true; more;) {
      const { body } = await list(`product=*&limit=2${cursor}`);
      seen.push(...body.data.map((one: { id: string }) => one.id));
      more = body.page.hasMore;
      cursor = `&cursor=${encodeURIComponent(body.page.next ?? '')}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => ids.includes(id))).toEqual(ids.toReversed());
    const { next } = (await list('product=*&limit=1')).body.page;
    expect((await list(`product=demo&cursor=${encodeURIComponent(next)}`)).body.code).toBe('cursor_invalid');
    expect((await list(`product=*&cursor=${encodeURIComponent(next)}`, 'service')).body.code).toBe('cursor_invalid');
  });

  test.each(['status=open', 'to=boss', 'level=0', 'level=10', 'level=', 'ticket=1', 'mine=maybe', 'limit=0', 'assignee=me'])(
    '%s is no parameter',
    async (query) => {
      const reply = await list(`product=*&${query}`);
      expect([reply.status, reply.body.code]).toEqual([400, 'unknown_parameter']);
    },
  );

  test('say of which product', async () => {
    expect((await list('')).body.code).toBe('product_required');
    expect((await list('', 'lead')).status).toBe(200);
  });
});

test('a rung of the ladder raises one, with a window; leads decide when it is done', async () => {
  const targets = { resolution: { low: 3_600, medium: 3_600, high: 3_600, urgent: 3_600 } };
  const rung = { id: 'late', clock: 'resolution', when: 'at_breach', level: 2 };
  const actions = [{ open_escalation: { to: { kind: 'team', id: demo.team }, ackWithin: 900 } }];
  const policy = { id: 'always', name: 'Always', calendar: { use: 'policy', id: '24x7' }, targets, rungs: [{ ...rung, actions }] };
  const published = await post('admin', '/v1/sla/policy-sets', { policies: [policy] });
  expect(published.status, JSON.stringify(published.body)).toBe(201);
  const opened = Date.UTC(2024, 0, 15, 9);
  stage.desk.now = () => opened;
  const ticket = await stage.ticket({}, 'customer');
  await stage.desk.pass(asTicketId(ticket), opened + hour + 1);
  const path = `/v1/escalations/${ticket}.e1`;
  const raised = await get('agent', path);
  expect(raised.body).toMatchObject({
    level: 2,
    to: { kind: 'team', id: demo.team },
    raisedBy: 'system/sla',
    from: { clock: 'resolution.1', rung: 'late' },
    reason: null,
    ackDueAt: toIso(opened + hour + 900_000),
    history: [{ type: 'sla.escalated', summary: 'Escalated to team by rung late, level 2', actor: { ref: 'system/sla', name: null } }],
  });
  expect((await get('agent', `/v1/escalations?mine=true&ticket=${ticket}`)).body.data).toHaveLength(1);
  stage.desk.now = () => opened + hour + 60_000;
  const taken = await done(post('agent', `${path}/acknowledge`));
  expect(taken.body).toMatchObject({ ackDueAt: null, acknowledgedAt: toIso(opened + hour + 60_000) });
  await done(post('agent', `${path}/resolve`, { outcome: 'fixed', text: 'Called them.' }));
  expect((await post('agent', `${path}/close`)).body.code).toBe('forbidden');
  await done(post('lead', `${path}/close`));
});
