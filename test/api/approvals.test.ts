import { beforeEach, describe, expect, test } from 'vitest';
import type { GateState } from '../../domain/journey/gate/gate.js';
import { asContentId } from '../../domain/ids.js';
import { hour, toIso } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import { aGate, aHandoffRecord, aRecord, aStart } from '../support/journey-records.js';
import { demo, outsider, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const base = '/v1/approvals';
const agent = demo.agents[0] ?? '';

const get = (path: string, who: Who = 'lead'): Promise<Reply> => stage.call(who, 'GET', `${base}${path}`);
const post = (path: string, body?: unknown, who: Who = 'lead'): Promise<Reply> => stage.call(who, 'POST', `${base}${path}`, body);

beforeEach(() => stage.journeys.reset());

let count = 0;
const newId = (): string => `JRN-A${String((count += 1)).padStart(15, '0')}`;
/** An approval step of a journey of its own. */
async function anApproval(gate: Partial<GateState> = {}, start: Parameters<typeof aStart>[1] = {}): Promise<string> {
  const id = newId();
  await stage.journeys.keep(
    aRecord(id, { gates: [{ step: 'credit', visit: 1, gate: aGate(gate) }], view: { start: aStart(id, start), awaitsApproval: true } }),
  );
  return `${id}.credit.1`;
}
const people = (...ids: string[]) => ids.map((id) => ({ id, roles: ['lead'] }));
const journeyOf = (approval: string): string => approval.split('.')[0] ?? '';

describe('reading', () => {
  test('an approval reads with who may vote and who has', async () => {
    const id = await anApproval({ eligible: people('ann', demo.lead) });
    await post(`/${id}/votes`, { decision: 'reject', comment: 'The limit is not met' });
    const comment = asContentId(String(stage.journeys.last.args['comment']));
    const vote = { n: 1, by: demo.lead, onBehalfOf: null, decision: 'reject', at: noon, comment, void: false, round: 1 } as const;
    const gate = aGate({ eligible: people('ann', demo.lead), votes: [vote], dueAt: noon + hour });
    await stage.journeys.keep(aRecord(journeyOf(id), { events: [], gates: [{ step: 'credit', visit: 1, gate }], view: { version: 9 } }));
    const { status, body } = await get(`/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      journey: journeyOf(id),
      handoff: null,
      step: 'credit',
      visit: 1,
      state: 'open',
      outcome: null,
      required: 2,
      eligible: [{ id: 'ann' }, { id: demo.lead }],
      votes: [{ by: demo.lead, decision: 'reject', comment: 'The limit is not met', void: false, at: toIso(noon) }],
      awaitsMe: false,
      dueAt: toIso(noon + hour),
    });
  });

  test('mine are those that await my vote, or one that was given to me', async () => {
    const mine = await anApproval({ eligible: people('ann', agent) });
    const delegated = await anApproval({ delegations: [{ from: 'bea', to: agent, at: noon, until: null }] });
    const others = await anApproval();
    const closed = await anApproval({ eligible: people(agent), outcome: 'approved', cause: 'vote', closedAt: noon });
    const journeys = [mine, delegated, others, closed].map(journeyOf).join(',');
    const ids = async (path: string) => (await get(`?journey=${journeys}${path}`, 'agent')).body.data.map(({ id }: { id: string }) => id);
    expect(new Set(await ids('&mine=true'))).toEqual(new Set([mine, delegated]));
    expect(await ids('&state=closed')).toEqual([closed]);
    expect(new Set(await ids('&state=open'))).toEqual(new Set([mine, delegated, others]));
    expect((await get(`/${closed}`)).body).toMatchObject({ state: 'closed', outcome: 'approved', cause: 'vote', closedAt: toIso(noon) });
  });

  test('lists go from the newest, page by page', async () => {
    const ids = [await anApproval({ openedAt: noon }), await anApproval({ openedAt: noon + 1 }), await anApproval({ openedAt: noon + 2 })];
    const filter = `journey=${ids.map(journeyOf).join(',')}&limit=2`;
    const first = await get(`?${filter}`);
    const second = await get(`?${filter}&cursor=${first.body.page.next}`);
    expect([...first.body.data, ...second.body.data].map(({ id }) => id)).toEqual(ids.toReversed());
  });
});

describe('voting', () => {
  test('goes to the journey of the step', async () => {
    const id = await anApproval();
    const { status, body } = await post(`/${id}/votes`, { decision: 'approve', onBehalfOf: 'bea' }, 'agent');
    expect([status, body.id]).toEqual([200, id]);
    expect(stage.journeys.last).toEqual({
      to: `journey/${journeyOf(id)}`,
      verb: 'vote',
      args: { step: 'credit', visit: 1, decision: 'approve', onBehalfOf: 'bea' },
    });
    expect(stage.journeys.received[0]?.args).toMatchObject({ actor: `user/${agent}`, roles: ['agent', 'support'] });
  });

  test('goes to the handoff whose gate it is', async () => {
    const journey = await stage.journeys.keep(aRecord(newId()));
    const id = await stage.journeys.keepHandoff(
      aHandoffRecord(journey, { gate: aGate(), view: { state: 'awaiting_approval', mode: 'approve' } }),
    );
    expect((await post(`/${id}/votes`, { decision: 'reject', comment: 'Not yet' })).status).toBe(200);
    expect(stage.journeys.last).toEqual({ to: `handoff/${id}`, verb: 'vote', args: { decision: 'reject', comment: expect.any(String) } });
  });

  test('keeps the comment as a text of the journey', async () => {
    const id = await anApproval();
    await post(`/${id}/votes`, { decision: 'reject', comment: 'The limit is not met' });
    const texts = await stage.sql((tx) =>
      tx.selectFrom('content').select(['id', 'kind', 'body', 'linkedAt']).where('journeyId', '=', journeyOf(id)).execute(),
    );
    expect(texts).toEqual([
      { id: stage.journeys.last.args['comment'], kind: 'comment', body: 'The limit is not met', linkedAt: expect.any(Date) },
    ]);
  });

  test.each([
    ['requester_excluded', 403, {}],
    ['not_eligible', 403, {}],
    ['already_voted', 409, {}],
    ['approval_closed', 409, { outcome: 'approved' }],
    ['comment_required', 422, {}],
    ['step_not_open', 409, { step: 'credit' }],
    ['journey_paused', 409, {}],
  ])('passes the refusal %s on as %i', async (code, status, members) => {
    const id = await anApproval();
    stage.journeys.refusal = { code, members };
    const { status: answered, body } = await post(`/${id}/votes`, { decision: 'reject' });
    expect([answered, body.code]).toEqual([status, code]);
    expect(body).toMatchObject(members);
  });

  test('that comes when the journey or the handoff is over is told how the vote ended', async () => {
    const closed = { outcome: 'approved', cause: 'vote', closedAt: noon } as const;
    const open = await anApproval();
    const step = await anApproval(closed);
    const journey = await stage.journeys.keep(aRecord(newId()));
    const gate = await stage.journeys.keepHandoff(
      aHandoffRecord(journey, { gate: aGate(closed), view: { state: 'completed', mode: 'approve' } }),
    );
    stage.journeys.trouble = 'over';
    for (const [path, body] of [
      ['votes', { decision: 'approve' }],
      ['delegate', { to: outsider }],
    ] as const) {
      for (const id of [step, gate]) {
        const late = await post(`/${id}/${path}`, body);
        expect([late.status, late.body.code, late.body.outcome]).toEqual([409, 'approval_closed', 'approved']);
      }
      expect((await post(`/${open}/${path}`, body)).body.code).toBe('journey_ended');
    }
  });

  test('needs a decision', async () => {
    const id = await anApproval();
    expect((await post(`/${id}/votes`, { decision: 'maybe' })).body.errors).toMatchObject([{ pointer: '/decision' }]);
  });
});

describe('delegating', () => {
  test('names a user, whose roles go along', async () => {
    const id = await anApproval();
    expect((await post(`/${id}/delegate`, { to: outsider, until: '2026-01-06T09:00:00Z' })).status).toBe(200);
    expect(stage.journeys.last).toEqual({
      to: `journey/${journeyOf(id)}`,
      verb: 'delegate',
      args: { step: 'credit', visit: 1, to: outsider, toRoles: ['agent', 'second-team'], until: Date.parse('2026-01-06T09:00:00Z') },
    });
    const nobody = await post(`/${id}/delegate`, { to: '018f3b1e-0000-7000-8000-00000000dead' });
    expect([nobody.status, nobody.body.pointer]).toEqual([422, '/to']);
  });

  test('goes to the handoff whose gate it is', async () => {
    const journey = await stage.journeys.keep(aRecord(newId()));
    const id = await stage.journeys.keepHandoff(aHandoffRecord(journey, { gate: aGate() }));
    await post(`/${id}/delegate`, { to: outsider });
    expect(stage.journeys.last).toEqual({
      to: `handoff/${id}`,
      verb: 'delegate',
      args: { to: outsider, toRoles: ['agent', 'second-team'] },
    });
  });

  test('passes its refusal on', async () => {
    const id = await anApproval();
    stage.journeys.refusal = { code: 'delegation_invalid', members: { reason: 'cycle' } };
    expect((await post(`/${id}/delegate`, { to: outsider })).body).toMatchObject({
      status: 422,
      code: 'delegation_invalid',
      reason: 'cycle',
    });
  });
});

describe('other tenants and roles', () => {
  test('a foreign tenant finds nothing', async () => {
    const id = await anApproval();
    expect((await get(`/${id}`, 'foreign')).status).toBe(404);
    expect((await post(`/${id}/votes`, { decision: 'approve' }, 'foreign')).status).toBe(404);
    expect((await get('?limit=100', 'foreign')).body.data).toEqual([]);
  });

  test('one of a ticket is seen by who sees the ticket, and by whoever is asked', async () => {
    const ticket = await stage.ticket();
    const subject = { type: 'ticket', id: ticket };
    const hidden = await anApproval({}, { subject });
    expect((await get(`/${hidden}`, 'other')).status).toBe(404);
    const asked = await anApproval({ eligible: people('ann', outsider) }, { subject });
    expect((await get(`/${asked}`, 'other')).status).toBe(200);
    expect((await get('?mine=true', 'other')).body.data.map(({ id }: { id: string }) => id)).toEqual([asked]);
    expect((await post(`/${asked}/votes`, { decision: 'approve' }, 'other')).status).toBe(200);
  });

  test.each(['customer', 'service'] as const)('%s has no vote', async (who) => {
    const id = await anApproval();
    const answers = await Promise.all([get('', who), get(`/${id}`, who), post(`/${id}/votes`, { decision: 'approve' }, who)]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  });
});
