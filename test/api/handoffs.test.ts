import { beforeEach, describe, expect, test } from 'vitest';
import { hour, toIso } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import { aGate, aHandoffRecord, aRecord, aStart } from '../support/journey-records.js';
import { demo, outsider, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const base = '/v1/handoffs';
const agent = demo.agents[0] ?? '';

const get = (path: string, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'GET', `${base}${path}`, undefined, headers);
const post = (path: string, body?: unknown, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', `${base}${path}`, body, headers);

beforeEach(() => stage.journeys.reset());

let count = 0;
const newId = (): string => `JRN-H${String((count += 1)).padStart(15, '0')}`;
const aJourney = (over: Parameters<typeof aRecord>[1] = {}): Promise<string> => stage.journeys.keep(aRecord(newId(), over));
/** A handoff of a journey of its own, offered to the team `support`. */
async function aHandoff(
  view: NonNullable<Parameters<typeof aHandoffRecord>[1]>['view'] = {},
  gate: ReturnType<typeof aGate> | null = null,
): Promise<string> {
  const journey = await aJourney();
  return stage.journeys.keepHandoff(aHandoffRecord(journey, { gate, view: { to: 'support', ...view } }));
}
const texts = (journey: string) =>
  stage.sql((tx) =>
    tx.selectFrom('content').select(['kind', 'body', 'linkedAt']).where('journeyId', '=', journey).orderBy('body').execute(),
  );

describe('reading', () => {
  test('a handoff reads with its packages, its owner and its vote', async () => {
    const id = await aHandoff({ dueAt: noon + hour }, aGate());
    const { status, headers, body } = await get(`/${id}`);
    expect([status, headers.get('etag')]).toEqual([200, '"2"']);
    expect(body).toMatchObject({
      id,
      journey: id.split('.')[0],
      step: 'install',
      visit: 1,
      state: 'offered',
      from: 'crm',
      to: 'support',
      owner: 'crm',
      data: { serviceType: 'fiber' },
      approval: id,
      dueAt: toIso(noon + hour),
    });
    expect((await get(`/${id}`, 'lead', { 'if-none-match': '"2"' })).status).toBe(304);
  });

  test('lists go from the newest, page by page, and filter', async () => {
    const journey = await aJourney();
    const keep = (visit: number, state: 'offered' | 'completed') =>
      stage.journeys.keepHandoff(
        aHandoffRecord(journey, {
          view: {
            handoffId: `${journey}.install.${visit}`,
            visit,
            state,
            createdAt: noon + visit,
            endedAt: state === 'completed' ? noon : null,
          },
        }),
      );
    const ids = [await keep(1, 'completed'), await keep(2, 'offered'), await keep(3, 'offered')];
    const seen: string[] = [];
    for (let path = `?limit=2&journey=${journey}`; path !== '';) {
      const { body } = await get(path);
      seen.push(...body.data.map((one: { id: string }) => one.id));
      path = body.page.next === null ? '' : `?limit=2&journey=${journey}&cursor=${body.page.next}`;
    }
    expect(seen).toEqual(ids.toReversed());
    expect((await get(`?journey=${journey}&state=offered&from=crm&to=field-ops`)).body.data).toHaveLength(2);
    expect((await get(`?journey=${journey}&to=billing-system`)).body.data).toEqual([]);
  });

  test('mine are those my team may take, and those I have', async () => {
    const team = await aHandoff();
    const named = await aHandoff({ to: 'field-ops', people: [agent] });
    const roled = await aHandoff({ to: 'field-ops', roles: ['agent'] });
    const taken = await aHandoff({ assignee: demo.lead });
    const over = await aHandoff({ endedAt: noon, state: 'completed' });
    const journeys = [team, named, roled, taken, over].map((id) => id.split('.')[0]).join(',');
    const ids = async (who: Who) => (await get(`?mine=true&journey=${journeys}`, who)).body.data.map((one: { id: string }) => one.id);
    expect(new Set(await ids('agent'))).toEqual(new Set([team, named, roled]));
    expect(await ids('other')).toEqual([roled]);
    expect(new Set(await ids('lead'))).toEqual(new Set([team, taken]));
  });
});

const aRequest = (journeyId: string, over: object = {}) => ({
  journeyId,
  from: 'crm',
  to: 'field-ops',
  mode: 'accept',
  acceptWithin: 'PT4H',
  ...over,
});

describe('making one', () => {
  test('sends the journey a command with compiled rules', async () => {
    const journeyId = await aJourney();
    const id = await stage.journeys.keepHandoff(aHandoffRecord(journeyId));
    stage.journeys.said = { handoff: id };
    const made = await post(
      '',
      aRequest(journeyId, {
        data: { serviceType: 'fiber', note: 'Ring twice' },
        requiredData: ['serviceType', 'score'],
        assign: { roles: ['agent'] },
      }),
    );
    expect([made.status, made.headers.get('location'), made.body.id]).toEqual([201, `${base}/${id}`, id]);
    expect(stage.journeys.last).toEqual({
      to: `journey/${journeyId}`,
      verb: 'createHandoff',
      args: {
        from: 'crm',
        to: 'field-ops',
        mode: 'accept',
        data: { serviceType: 'fiber', note: { $ref: expect.any(String) } },
        requiredData: ['serviceType', 'score'],
        rules: { from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 4 * hour, assign: { roles: ['agent'] } },
      },
    });
    expect(await texts(journeyId)).toMatchObject([{ kind: 'variable', body: 'Ring twice' }]);
  });

  test('that is not stored yet can be read in a moment', async () => {
    const journeyId = await aJourney();
    stage.journeys.said = { handoff: `${journeyId}._extra.1` };
    const made = await post('', aRequest(journeyId));
    expect([made.status, made.headers.get('location')]).toEqual([202, `${base}/${journeyId}._extra.1`]);
  });

  test('takes the older names too, and a vote of leads and admins where none is given', async () => {
    const journeyId = await aJourney();
    await post('', { journeyId, fromPackage: 'crm', toPackage: 'business-logic', handoffType: 'approval', stepId: 'apart' });
    expect(stage.journeys.last.args).toMatchObject({
      from: 'crm',
      to: 'business-logic',
      mode: 'approve',
      step: 'apart',
      rules: { approval: { approvers: { roles: ['lead', 'admin'] }, quorum: 'any' } },
    });
    await post('', { journeyId, fromPackage: 'crm', toPackage: 'business-logic', handoffType: 'manual' });
    expect(stage.journeys.last.args).toMatchObject({ mode: 'accept' });
  });

  test('is refused with every place at fault, and nothing is sent', async () => {
    const none = await post('', aRequest('', { to: 'crm', requiredData: ['serviceId'], acceptWithin: 'soon' }));
    expect([none.status, none.body.code]).toEqual([422, 'handoff_invalid']);
    expect(none.body.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual([
      '/acceptWithin',
      '/data/serviceId',
      '/journeyId',
      '/to',
    ]);
    const strange = await post('', aRequest(await aJourney(), { from: 'sales', to: 'moon' }));
    expect(strange.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/from', '/to']);
    const unknown = await post('', aRequest('JRN-0000000000000000', { to: 'moon', requiredData: ['serviceId'] }));
    expect([unknown.status, unknown.body.code]).toEqual([422, 'handoff_invalid']);
    expect(unknown.body.errors.map(({ pointer, message }: Record<string, string>) => [pointer, message])).toEqual([
      ['/journeyId', 'names no journey'],
      ['/to', expect.stringContaining('must be one of')],
      ['/data/serviceId', 'is required, and the journey has none'],
    ]);
    expect((await post('', { journeyId: 'x' })).body.code).toBe('invalid_request');
    expect(stage.journeys.received).toEqual([]);
  });

  test('for a step that is not open is refused by the journey', async () => {
    const journeyId = await aJourney();
    stage.journeys.refusal = { code: 'step_not_open', members: { step: 'install' } };
    expect((await post('', aRequest(journeyId, { stepId: 'install' }))).body).toMatchObject({
      status: 409,
      code: 'step_not_open',
      step: 'install',
    });
  });
});

describe('working on one', () => {
  test.each([
    ['accept', undefined, 'accept', {}],
    ['return', { reason: 'no_access' }, 'return', { reason: 'no_access' }],
    ['complete', { outcome: 'done', output: { appointmentId: 'A-7' } }, 'complete', { outcome: 'done', output: { appointmentId: 'A-7' } }],
    ['claim', undefined, 'claim', {}],
    ['unclaim', undefined, 'unclaim', {}],
    ['assign', { to: outsider }, 'assign', { to: outsider }],
    ['reject', { reason: 'no_capacity' }, 'reject', { reason: 'no_capacity' }],
  ])('%s is for those who receive it', async (path, body, verb, args) => {
    const id = await aHandoff();
    const other = await post(`/${id}/${path}`, body, 'other');
    expect([other.status, other.body.permission]).toEqual([403, 'handoff.handle']);
    expect(stage.journeys.received).toEqual([]);
    const { status, headers } = await post(`/${id}/${path}`, body, 'agent');
    expect([status, headers.get('etag')]).toEqual([200, '"3"']);
    expect(stage.journeys.last).toEqual({ to: `handoff/${id}`, verb, args });
    expect(stage.journeys.received[0]?.args['roles']).toEqual(['agent', 'support']);
  });

  test('comments become texts of the journey', async () => {
    const id = await aHandoff();
    await post(`/${id}/return`, { reason: 'no_access', comment: 'Nobody at home' }, 'agent');
    expect(stage.journeys.last.args).toEqual({ reason: 'no_access', comment: expect.any(String) });
    expect(await texts(id.split('.')[0] ?? '')).toEqual([{ kind: 'comment', body: 'Nobody at home', linkedAt: expect.any(Date) }]);
  });

  test('a reason is a code', async () => {
    const id = await aHandoff();
    const { status, body } = await post(`/${id}/return`, { reason: 'Nobody at home' }, 'agent');
    expect([status, body.errors[0].pointer]).toEqual([400, '/reason']);
  });

  test('an assignee is a user', async () => {
    const id = await aHandoff();
    expect((await post(`/${id}/assign`, { to: '018f3b1e-0000-7000-8000-00000000dead' }, 'agent')).body).toMatchObject({
      code: 'unknown_reference',
      pointer: '/to',
    });
  });

  test('cancel is for the desk, retry for leads and admins', async () => {
    const id = await aHandoff({ state: 'failed' });
    expect((await post(`/${id}/retry`, undefined, 'agent')).status).toBe(403);
    expect((await post(`/${id}/retry`)).status).toBe(200);
    expect((await post(`/${id}/cancel`, { comment: 'Asked twice' }, 'agent')).status).toBe(200);
    expect(stage.journeys.last).toMatchObject({ verb: 'cancel', args: { comment: expect.any(String) } });
  });

  test.each([
    ['handoff.illegal_move', 409, { state: 'completed', verb: 'accept', allowed: [] }],
    ['already_claimed', 409, { assignee: 'ann' }],
    ['not_eligible', 403, {}],
    ['journey_paused', 409, {}],
  ])('passes the refusal %s on as %i', async (code, status, members) => {
    const id = await aHandoff();
    stage.journeys.refusal = { code, members };
    const { status: answered, body } = await post(`/${id}/accept`, undefined, 'agent');
    expect([answered, body.code]).toEqual([status, code]);
    expect(body).toMatchObject(members);
  });

  test('a version that was read before another change is refused with the present one', async () => {
    const id = await aHandoff();
    stage.journeys.refusal = { code: 'version_mismatch', members: { version: 3 } };
    const { status, body } = await post(`/${id}/accept`, undefined, 'agent', { 'if-match': '"2"' });
    expect([status, body.current]).toEqual([412, 3]);
    expect(stage.journeys.received[0]?.args['expectedVersion']).toBe(2);
  });

  test('what is over is not moved any more', async () => {
    const id = await aHandoff({ state: 'completed', endedAt: noon });
    stage.journeys.trouble = 'gone';
    expect((await post(`/${id}/accept`, undefined, 'agent')).body).toMatchObject({
      code: 'handoff.illegal_move',
      state: 'completed',
      verb: 'accept',
      allowed: [],
    });
  });

  test('what PostgreSQL has not yet is 202', async () => {
    const id = await aHandoff();
    stage.journeys.projected = false;
    const { status, headers, body } = await post(`/${id}/accept`, undefined, 'agent');
    expect([status, headers.get('usher-projection'), body.version]).toEqual([202, 'pending', 3]);
  });
});

describe('voting about one', () => {
  test('approve and reject are votes while the gate is open, for whoever is eligible', async () => {
    const id = await aHandoff({ state: 'awaiting_approval', mode: 'approve' }, aGate());
    await post(`/${id}/approve`, { comment: 'Go ahead', onBehalfOf: 'bea' }, 'other');
    expect(stage.journeys.last).toEqual({ to: `handoff/${id}`, verb: 'approve', args: { comment: expect.any(String), onBehalfOf: 'bea' } });
    await post(`/${id}/reject`, { comment: 'Not yet' }, 'other');
    expect(stage.journeys.last).toEqual({ to: `handoff/${id}`, verb: 'reject', args: { comment: expect.any(String) } });
    expect((await post(`/${id}/approve`, undefined, 'service')).status).toBe(403);
    expect((await post(`/${id}/reject`, { comment: 'No' }, 'service')).status).toBe(403);
  });

  test.each([
    ['requester_excluded', 403],
    ['already_voted', 409],
    ['approval_closed', 409],
    ['comment_required', 422],
    ['handoff.not_ready', 409],
  ])('passes the refusal %s on as %i', async (code, status) => {
    const id = await aHandoff({ state: 'awaiting_approval', mode: 'approve' }, aGate());
    stage.journeys.refusal = { code };
    const { status: answered, body } = await post(`/${id}/reject`);
    expect([answered, body.code]).toEqual([status, code]);
  });
});

describe('other tenants and roles', () => {
  test('a foreign tenant finds nothing', async () => {
    const id = await aHandoff();
    expect((await get(`/${id}`, 'foreign')).status).toBe(404);
    expect((await post(`/${id}/accept`, undefined, 'foreign')).status).toBe(404);
    expect((await get('?limit=100', 'foreign')).body.data).toEqual([]);
    const made = await post('', { journeyId: id.split('.')[0], from: 'crm', to: 'field-ops' }, 'foreign');
    expect([made.status, made.body.errors[0].pointer]).toEqual([422, '/journeyId']);
    expect(stage.journeys.received).toEqual([]);
  });

  test('those of a ticket are seen by who sees the ticket', async () => {
    const ticket = await stage.ticket();
    const journey = newId();
    await stage.journeys.keep(aRecord(journey, { view: { start: aStart(journey, { subject: { type: 'ticket', id: ticket } }) } }));
    const id = await stage.journeys.keepHandoff(aHandoffRecord(journey));
    expect((await get(`/${id}`, 'agent')).status).toBe(200);
    expect((await get(`/${id}`, 'other')).status).toBe(404);
  });

  test('customers have no part in them', async () => {
    const id = await aHandoff();
    expect((await get(`/${id}`, 'customer')).status).toBe(403);
    const refused = await post(`/${id}/accept`, undefined, 'customer');
    expect([refused.status, refused.body.detail]).toEqual([403, expect.not.stringContaining('ticket')]);
    expect((await get('/nonsense')).status).toBe(404);
  });
});
