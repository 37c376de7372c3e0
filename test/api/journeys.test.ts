import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { hour, minute, toIso } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import { aDoer, aGate, aHandoffEvent, aHandoffRecord, anEvent, aRecord, aStart, aTask, aVisit } from '../support/journey-records.js';
import { demo, outsider, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const base = '/v1/journeys';

const get = (path: string, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'GET', path, undefined, headers);
const post = (path: string, body?: unknown, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', path, body, headers);
const patch = (path: string, body: unknown, who: Who = 'lead'): Promise<Reply> => stage.call(who, 'PATCH', path, body);

const agent = demo.agents[0] ?? '';

/** What every journey here runs on; `aStart` names it. */
const renewal: JourneyTemplate = {
  key: 'renewal',
  name: 'Renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  context: {
    score: { schema: { type: 'number' } },
    plan: { schema: { type: 'string', enum: ['fiber 100', 'fiber 200'] } },
    remark: { schema: { type: 'string' } },
    birthday: { schema: { type: 'string' }, pii: true },
  },
  stages: [{ id: 'lead', name: 'Lead', order: 1 }],
  start: 'call',
  steps: {
    call: {
      kind: 'manual',
      name: 'Call the customer',
      stage: 'lead',
      assign: { roles: ['agent'] },
      form: {
        type: 'object',
        properties: { plan: { type: 'string', enum: ['fiber 100', 'fiber 200'] }, minutes: { type: 'integer', minimum: 1 } },
      },
      outcomes: ['done', 'declined'],
      transitions: [
        { to: 'check', outcome: 'done' },
        { to: 'lost', outcome: 'declined' },
      ],
    },
    check: { kind: 'automated', action: 'crm.qualify_lead@1', input: { leadId: 'input.customerId' }, transitions: [{ to: 'won' }] },
    won: { kind: 'end', outcome: 'renewed', result: 'won' },
    lost: { kind: 'end', outcome: 'declined', result: 'lost' },
  },
};

beforeAll(() => publishBuiltInsOf(stage.db, demo.tenant, [renewal]));
beforeEach(() => stage.journeys.reset());

let count = 0;
const newId = (): string => `JRN-J${String((count += 1)).padStart(15, '0')}`;
/** A journey whose first step is open. */
const aJourney = (over: Parameters<typeof aRecord>[1] = {}): Promise<string> =>
  stage.journeys.keep(aRecord(newId(), { visits: [aVisit()], ...over }));
const ended = async (): Promise<string> => {
  const id = await aJourney();
  const view = {
    status: 'completed',
    result: 'won',
    outcome: 'renewed',
    progress: 100,
    openSteps: [],
    currentStep: null,
    endedAt: noon + hour,
  } as const;
  const visit = aVisit({ state: 'completed', outcome: 'done', endedAt: noon + hour, output: { minutes: 3 } });
  const events = [
    anEvent('journey.step.completed', 3, { step: 'call', visit: 1, outcome: 'done' }),
    anEvent('journey.ended', 4, { status: 'completed', outcome: 'renewed', result: 'won' }),
  ];
  return stage.journeys.keep(aRecord(id, { doer: aDoer({ commandId: 'c-end' }), events, view, visits: [visit] }));
};

describe('reading', () => {
  test('a journey reads with its template’s name and what is open', async () => {
    const id = await aJourney();
    const { status, headers, body } = await get(`${base}/${id}`);
    expect([status, headers.get('etag')]).toEqual([200, '"2"']);
    expect(body).toMatchObject({
      id,
      name: 'Renewal',
      templateKey: 'renewal',
      version: 1,
      status: 'active',
      result: null,
      stage: 'lead',
      progress: 20,
      currentStep: 'call',
      openSteps: ['call'],
      subject: { type: 'customer', id: 'cust-1' },
      context: { score: 60 },
      incidents: [],
      lastActivity: toIso(noon),
    });
  });

  test('of one that is open the version does not say whether it has changed; of one that is over it does', async () => {
    const id = await aJourney();
    const known = { 'if-none-match': '"2"' };
    expect((await get(`${base}/${id}`, 'lead', known)).body).toMatchObject({ awaitsApproval: false });
    await stage.journeys.keep(aRecord(id, { events: [], view: { version: 2, awaitsApproval: true } }));
    expect((await get(`${base}/${id}`, 'lead', known)).body).toMatchObject({ awaitsApproval: true });
    const over = await ended();
    const { headers } = await get(`${base}/${over}`);
    expect((await get(`${base}/${over}`, 'lead', { 'if-none-match': headers.get('etag') ?? '' })).status).toBe(304);
  });

  test('texts stand in their places; an erased one is null', async () => {
    const id = await aJourney();
    await patch(`${base}/${id}/context`, { remark: 'Wants to think about it.' });
    const { patch: sent } = stage.journeys.last.args as { patch: { remark: { $ref: string } } };
    const view = { context: { ...sent, birthday: { $ref: '018f3b1e-0000-7000-8000-00000000dead' } } };
    const commandId = String(stage.journeys.received[0]?.args['commandId']);
    await stage.journeys.keep(
      aRecord(id, { doer: aDoer({ commandId }), events: [anEvent('journey.paused', 4)], view: { ...view, version: 4 } }),
    );
    expect((await get(`${base}/${id}`)).body.context).toEqual({ remark: 'Wants to think about it.', birthday: null });
  });

  test('open incidents are told', async () => {
    const incident = { code: 'action_failed', detail: { error: 'Unavailable' } } as const;
    const opened = anEvent('journey.incident.opened', 1, { step: 'check', visit: 1, reason: 'action_failed', detail: incident.detail });
    const id = await aJourney({
      events: [opened],
      visits: [aVisit({ step: 'check', state: 'incident', incident })],
      view: { status: 'incident' },
    });
    const { body } = await get(`${base}/${id}`);
    expect(body.incidents).toMatchObject([
      { step: 'check', visit: 1, item: null, code: 'action_failed', detail: { error: 'Unavailable' } },
    ]);
  });

  test('lists go from the newest, page by page, and filter', async () => {
    const subject = { type: 'lead', id: 'page-lead' };
    const at = (ms: number) => {
      const id = newId();
      return stage.journeys.keep(aRecord(id, { view: { start: aStart(id, { subject, startedAt: noon + ms }) } }));
    };
    const ids = [await at(1), await at(2), await at(3)];
    const seen: string[] = [];
    for (let path = '?limit=2&subject=lead/page-lead'; path !== '';) {
      const { body } = await get(`${base}${path}`);
      seen.push(...body.data.map((one: { id: string }) => one.id));
      path = body.page.next === null ? '' : `?limit=2&subject=lead/page-lead&cursor=${body.page.next}`;
    }
    expect(seen).toEqual(ids.toReversed());
    expect((await get(`${base}?subject=lead/page-lead&status=completed`)).body.data).toEqual([]);
    expect((await get(`${base}?template=renewal&status=active&stage=lead&subject=lead/page-lead`)).body.data).toHaveLength(3);
    expect((await get(`${base}?state=open`)).body.code).toBe('unknown_parameter');
  });

  test('steps tell what each visit was about', async () => {
    const id = await ended();
    const { body } = await get(`${base}/${id}/steps`);
    expect(body.data).toMatchObject([
      {
        step: 'call',
        name: 'Call the customer',
        kind: 'manual',
        visit: 1,
        item: null,
        state: 'completed',
        outcome: 'done',
        output: { minutes: 3 },
        actions: [],
      },
    ]);
  });

  test('steps go by when they were entered, page by page, with their actions', async () => {
    const id = await aJourney({
      visits: [aVisit(), aVisit({ visit: 2, enteredAt: noon + minute }), aVisit({ step: 'check', enteredAt: noon + 2 * minute })],
    });
    await stage.sql((tx) =>
      tx
        .insertInto('journeyAction')
        .values({
          tenantId: demo.tenant,
          dedupeKey: id,
          journeyId: id,
          step: 'check',
          visit: 1,
          action: 'crm.qualify_lead@1',
          effect: 'idempotent',
          state: 'failed',
          attempts: 2,
          error: 'Unavailable',
        })
        .execute(),
    );
    const first = await get(`${base}/${id}/steps?limit=2`);
    expect(first.body.data.map(({ step, visit }: { step: string; visit: number }) => `${step}.${visit}`)).toEqual(['call.1', 'call.2']);
    const second = await get(`${base}/${id}/steps?limit=2&cursor=${first.body.page.next}`);
    expect(second.body.data).toMatchObject([
      { step: 'check', actions: [{ action: 'crm.qualify_lead@1', state: 'failed', attempts: 2, error: 'Unavailable' }] },
    ]);
  });

  test('history tells what happened in the journey and its handoffs, with the reasons given', async () => {
    const id = await aJourney();
    await post(`${base}/${id}/pause`, { reason: 'The bridge is closed' });
    await stage.journeys.keepHandoff(aHandoffRecord(id, { events: [aHandoffEvent('handoff.created', 1, { dueAt: noon })] }));
    const { body } = await get(`${base}/${id}/history`);
    expect(body.data.map(({ type, text }: { type: string; text: string | null }) => [type, text])).toEqual([
      ['journey.started', null],
      ['journey.step.entered', null],
      ['journey.context.changed', 'The bridge is closed'],
      ['handoff.created', null],
    ]);
    expect(body.data[3]).toMatchObject({
      subject: `handoff/${id}.install.1`,
      seq: 1,
      actorName: 'Demo Lead',
      data: { dueAt: toIso(noon) },
    });
    const page = await get(`${base}/${id}/history?limit=3`);
    expect((await get(`${base}/${id}/history?limit=3&cursor=${page.body.page.next}`)).body.data).toHaveLength(1);
  });

  test('the state after any event', async () => {
    const id = await ended();
    expect((await get(`${base}/${id}/state`)).body).toMatchObject({
      seq: 4,
      status: 'completed',
      result: 'won',
      outcome: 'renewed',
      openSteps: [],
    });
    const past = await get(`${base}/${id}/state?seq=2`);
    expect(past.body).toMatchObject({
      seq: 2,
      status: 'active',
      result: null,
      openSteps: ['call'],
      steps: [{ step: 'call', visit: 1, item: null, state: 'open', outcome: null }],
    });
    expect((await get(`${base}/${id}/state?seq=9`)).status).toBe(404);
    expect((await get(`${base}/${id}/state?seq=0`)).body.code).toBe('unknown_parameter');
  });

  test('the state follows incidents, pauses, stages, and what others ended', async () => {
    const events = [
      anEvent('journey.started', 1),
      anEvent('journey.stage.changed', 2, { to: 'lead' }),
      anEvent('journey.step.entered', 3, { step: 'call', visit: 1 }),
      anEvent('journey.step.entered', 4, { step: 'check', visit: 1 }),
      anEvent('journey.incident.opened', 5, { step: 'check', visit: 1, reason: 'action_failed' }),
      anEvent('journey.incident.resolved', 6, { step: 'check', visit: 1 }),
      anEvent('journey.paused', 7),
    ];
    const lost = aVisit({ state: 'superseded', endedAt: noon });
    const id = await aJourney({ events, visits: [lost, aVisit({ step: 'check' })] });
    const at = async (seq: number) => (await get(`${base}/${id}/state?seq=${seq}`)).body;
    expect(await at(2)).toMatchObject({ stage: 'lead', steps: [] });
    expect(await at(5)).toMatchObject({ status: 'incident' });
    expect(await at(6)).toMatchObject({ status: 'active', openSteps: ['check'] });
    expect(await at(7)).toMatchObject({
      status: 'paused',
      steps: [
        { step: 'call', state: 'superseded' },
        { step: 'check', state: 'open' },
      ],
    });
  });

  test('a diagram shows where the journey is', async () => {
    const id = await aJourney();
    const { body } = await get(`${base}/${id}/diagram`);
    expect(body.flowchart).toContain('class s0 open');
    const places = await get(`${base}/${id}/diagram?format=json`);
    expect(places.body.nodes).toMatchObject([
      { id: 'call', state: 'open' },
      { id: 'check', state: 'pending' },
      { id: 'won' },
      { id: 'lost' },
    ]);
  });
});

describe('tasks', () => {
  test('mine are those I have and those I may take', async () => {
    const roles = await aJourney({ visits: [aVisit({ task: aTask({ roles: ['agent'] }) })] });
    const team = await aJourney({ visits: [aVisit({ task: aTask({ roles: ['support'] }) })] });
    const named = await aJourney({ visits: [aVisit({ task: aTask({ people: [agent], roles: [] }) })] });
    const open = await aJourney({ visits: [aVisit({ task: aTask({ roles: [] }) })] });
    const others = await aJourney({ visits: [aVisit({ task: aTask({ roles: ['agent'], assignee: demo.lead }) })] });
    const expired = await aJourney({ visits: [aVisit({ task: aTask({ roles: ['agent'], assignee: demo.lead, claimedUntil: noon }) })] });
    const given = await aJourney({ visits: [aVisit({ task: aTask({ roles: ['sales'], assignee: agent }) })] });
    const done = await aJourney({ visits: [aVisit({ state: 'completed', endedAt: noon })] });
    const listed = async (path: string, who: Who) =>
      (await get(`/v1/tasks?limit=100&journey=${[roles, team, named, open, others, expired, given, done].join(',')}${path}`, who)).body
        .data;
    const ids = async (path: string, who: Who) => (await listed(path, who)).map(({ journey }: { journey: string }) => journey);
    expect(await ids('&mine=true', 'agent')).toEqual([roles, team, named, open, expired, given]);
    expect(await ids('&mine=true', 'other')).toEqual([roles, open, expired]);
    expect(await ids('', 'lead')).toEqual([roles, team, named, open, others, expired, given]);
    expect((await listed('&mine=true', 'agent'))[0]).toMatchObject({
      id: `${roles}.call.1`,
      journeyName: 'Renewal',
      step: 'call',
      name: 'Call the customer',
      outcomes: ['done', 'declined'],
      form: { type: 'object' },
      subject: { type: 'customer', id: 'cust-1' },
    });
  });

  test('are claimed, given back, given away and completed', async () => {
    const id = await aJourney();
    await post(`${base}/${id}/tasks/call/claim`, undefined, 'agent');
    expect(stage.journeys.last).toMatchObject({ to: `journey/${id}`, verb: 'claim', args: { step: 'call' } });
    expect(stage.journeys.received[0]?.args['roles']).toEqual(['agent', 'support']);
    await post(`${base}/${id}/tasks/call/unclaim`, { visit: 1 }, 'agent');
    expect(stage.journeys.last).toMatchObject({ verb: 'unclaim', args: { step: 'call', visit: 1 } });
    await post(`${base}/${id}/tasks/call/assign`, { to: outsider });
    expect(stage.journeys.last).toMatchObject({ verb: 'assign', args: { step: 'call', to: outsider } });
    const nobody = await post(`${base}/${id}/tasks/call/assign`, { to: '018f3b1e-0000-7000-8000-00000000dead' });
    expect([nobody.status, nobody.body.code, nobody.body.pointer]).toEqual([422, 'unknown_reference', '/to']);
    await post(`${base}/${id}/tasks/call/complete`, { outcome: 'done', output: { minutes: 4 } }, 'agent');
    expect(stage.journeys.last).toMatchObject({ verb: 'advance', args: { expectStep: 'call', outcome: 'done', output: { minutes: 4 } } });
  });
});

describe('advancing', () => {
  test('sends one command and answers with the journey', async () => {
    const id = await aJourney();
    const { status, body, headers } = await post(`${base}/${id}/advance`, {
      outcome: 'done',
      expectStep: 'call',
      output: { plan: 'fiber 100' },
    });
    expect([status, body.seq, headers.get('etag')]).toEqual([200, 3, '"3"']);
    expect(stage.journeys.received).toHaveLength(1);
    expect(stage.journeys.last).toEqual({
      to: `journey/${id}`,
      verb: 'advance',
      args: { outcome: 'done', expectStep: 'call', output: { plan: 'fiber 100' } },
    });
    expect(stage.journeys.received[0]?.args).toMatchObject({
      actor: `user/${demo.lead}`,
      role: 'lead',
      source: 'api',
      roles: ['lead', 'team_lead', 'support'],
    });
  });

  test('takes an outcome alone as a string', async () => {
    const id = await aJourney();
    expect((await post(`${base}/${id}/advance`, '"done"')).status).toBe(200);
    expect(stage.journeys.last.args).toEqual({ outcome: 'done' });
  });

  test('of what happened before says so', async () => {
    const id = await aJourney();
    stage.journeys.said = { already_recorded: true };
    const { status, body } = await post(`${base}/${id}/advance`, { outcome: 'done' });
    expect([status, body.code]).toEqual([200, 'already_recorded']);
  });

  test('keeps texts out of the journey, but for enums and ids', async () => {
    const id = await aJourney();
    await post(`${base}/${id}/advance`, {
      expectStep: 'call',
      outcome: 'done',
      output: { plan: 'fiber 200', note: 'Call again on Monday', ref: 'A-7' },
    });
    const { output } = stage.journeys.last.args as { output: Record<string, unknown> };
    expect(output).toEqual({ plan: 'fiber 200', note: { $ref: expect.any(String) }, ref: 'A-7' });
    const texts = await stage.sql((tx) =>
      tx.selectFrom('content').select(['kind', 'body', 'linkedAt']).where('journeyId', '=', id).execute(),
    );
    expect(texts).toEqual([{ kind: 'variable', body: 'Call again on Monday', linkedAt: expect.any(Date) }]);
  });

  test('refuses an output that breaks the form, with every path', async () => {
    const id = await aJourney();
    const { status, body } = await post(`${base}/${id}/advance`, { outcome: 'done', output: { plan: 'copper', minutes: 0 } });
    expect([status, body.code]).toEqual([422, 'output_invalid']);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/output/plan', '/output/minutes']);
    expect(stage.journeys.received).toEqual([]);
  });

  test('refuses references: texts are made here', async () => {
    const id = await aJourney();
    const stolen = { $ref: '018f3b1e-0000-7000-8000-000000000001' };
    const outputs = await post(`${base}/${id}/advance`, { outcome: 'done', output: { note: stolen } });
    const context = await patch(`${base}/${id}/context`, { remark: stolen });
    expect([outputs.body.code, context.body.code]).toEqual(['invalid_request', 'invalid_request']);
    expect(stage.journeys.received).toEqual([]);
  });

  test.each([
    ['step_mismatch', 409, { openSteps: ['call'] }],
    ['ambiguous', 409, { steps: ['a', 'b'] }],
    ['nothing_to_advance', 409, { openSteps: [] }],
    ['outcome_required', 422, { outcomes: ['done', 'declined'] }],
    ['unknown_outcome', 422, { outcomes: ['done'] }],
    ['step_not_open', 409, { steps: ['call'] }],
    ['journey_paused', 409, {}],
    ['journey_ended', 409, { outcome: 'renewed' }],
    ['already_claimed', 409, { assignee: 'ann' }],
    ['context_too_large', 422, {}],
    ['version_mismatch', 412, { current: 7 }],
  ])('passes the refusal %s on as %i', async (code, status, members) => {
    const id = await aJourney();
    stage.journeys.refusal = { code, members };
    const { status: answered, body } = await post(`${base}/${id}/advance`, { outcome: 'done' });
    expect([answered, body.code]).toEqual([status, code]);
    expect(body).toMatchObject(members);
  });

  test('is for the owner of the step, where an agent asks', async () => {
    const mine = await aJourney({
      visits: [aVisit({ task: aTask({ people: [agent], roles: [] }) }), aVisit({ step: 'check', task: aTask({ roles: ['sales'] }) })],
    });
    expect((await post(`${base}/${mine}/advance`, { expectStep: 'call', outcome: 'done' }, 'agent')).status).toBe(200);
    const other = await post(`${base}/${mine}/advance`, { expectStep: 'check', outcome: 'done' }, 'agent');
    expect([other.status, other.body.permission]).toEqual([403, 'journey.advance']);
    expect((await post(`${base}/${mine}/advance`, { outcome: 'done' }, 'other')).status).toBe(403);
    expect((await post(`${base}/${mine}/advance`, { outcome: 'done' }, 'service')).status).toBe(200);
    expect((await post(`${base}/${mine}/advance`, { outcome: 'done' }, 'reader')).status).toBe(403);
  });

  test('of a handoff is for who has accepted it', async () => {
    const id = await aJourney({ visits: [] });
    await stage.journeys.keepHandoff(aHandoffRecord(id, { view: { state: 'accepted', to: 'support', assignee: agent } }));
    expect((await post(`${base}/${id}/advance`, { expectStep: 'install', outcome: 'done' }, 'agent')).status).toBe(200);
    expect((await post(`${base}/${id}/advance`, { expectStep: 'install', outcome: 'done' }, 'other')).status).toBe(403);
  });
});

describe('the context', () => {
  test('is patched by declared variables; personal values stay here', async () => {
    const id = await aJourney();
    expect((await patch(`${base}/${id}/context`, { score: 70, plan: 'fiber 100', birthday: '1990-01-05', remark: null })).status).toBe(200);
    expect(stage.journeys.last).toMatchObject({
      verb: 'updateContext',
      args: { patch: { score: 70, plan: 'fiber 100', birthday: { $ref: expect.any(String) }, remark: null } },
    });
  });

  test('names the variables at fault', async () => {
    const id = await aJourney();
    stage.journeys.refusal = { code: 'unknown_variable', members: { paths: ['/scor'] } };
    expect((await patch(`${base}/${id}/context`, { scor: 1 })).body).toMatchObject({
      status: 422,
      code: 'unknown_variable',
      errors: [{ pointer: '/scor', code: 'unknown_variable' }],
    });
    stage.journeys.refusal = { code: 'context_invalid', members: { paths: ['/score must be number'] } };
    expect((await patch(`${base}/${id}/context`, { score: 'x' })).body.errors).toEqual([
      { pointer: '/score', code: 'context_invalid', message: 'must be number' },
    ]);
  });
});

describe('repairing', () => {
  test.each([
    ['pause', { deadlines: 'keep', reason: 'As agreed' }, 'pause', { deadlines: 'keep' }],
    ['cancel', { reason: 'As agreed' }, 'cancel', {}],
    ['compensate-and-end', { reason: 'As agreed' }, 'compensateAndEnd', {}],
    [
      'steps/check/complete-with',
      { outcome: 'completed', output: { score: 80 }, reason: 'As agreed' },
      'completeWith',
      { step: 'check', outcome: 'completed', output: { score: 80 } },
    ],
    ['steps/check/skip', { reason: 'As agreed' }, 'skip', { step: 'check' }],
    [
      'steps/check/goto',
      { to: 'call', context: { score: 1 }, reason: 'As agreed' },
      'goto',
      { step: 'check', to: 'call', context: { score: 1 } },
    ],
  ])('%s needs a reason, which becomes a text', async (path, body, verb, args) => {
    const id = await aJourney();
    const { reason: _, ...without } = body;
    const refused = await post(`${base}/${id}/${path}`, without);
    expect([refused.status, refused.body.code]).toEqual([403, 'reason_required']);
    expect(stage.journeys.received).toEqual([]);
    expect((await post(`${base}/${id}/${path}`, body)).status).toBe(200);
    expect(stage.journeys.last).toEqual({ to: `journey/${id}`, verb, args: { ...args, reason: expect.any(String) } });
    const texts = await stage.sql((tx) => tx.selectFrom('content').select(['kind', 'body']).where('journeyId', '=', id).execute());
    expect(texts).toEqual([{ kind: 'reason', body: 'As agreed' }]);
  });

  test('retry and resume need none', async () => {
    const id = await aJourney();
    await post(`${base}/${id}/steps/check/retry`, { input: { leadId: 'L-1' } });
    expect(stage.journeys.last).toEqual({ to: `journey/${id}`, verb: 'retry', args: { step: 'check', input: { leadId: 'L-1' } } });
    await post(`${base}/${id}/resume`);
    expect(stage.journeys.last).toEqual({ to: `journey/${id}`, verb: 'resume', args: {} });
  });

  test.each([
    ['no_incident', 409],
    ['not_skippable', 409],
    ['unknown_step', 422],
  ])('passes the refusal %s on as %i', async (code, status) => {
    const id = await aJourney();
    stage.journeys.refusal = { code, members: { step: 'check' } };
    const { status: answered, body } = await post(`${base}/${id}/steps/check/skip`, { reason: 'As agreed' });
    expect([answered, body.code, body.step]).toEqual([status, code, 'check']);
  });

  test('resume says anew what becomes of deadlines', async () => {
    const id = await aJourney();
    await post(`${base}/${id}/resume`, { deadlines: 'keep' });
    expect(stage.journeys.last).toEqual({ to: `journey/${id}`, verb: 'resume', args: { deadlines: 'keep' } });
    expect((await post(`${base}/${id}/resume`, { deadlines: 'later' })).body.errors).toMatchObject([{ pointer: '/deadlines' }]);
  });

  test('is for leads and admins', async () => {
    const id = await aJourney();
    const answers = await Promise.all(
      (['agent', 'service', 'customer'] as const).map((who) => post(`${base}/${id}/cancel`, { reason: 'As agreed' }, who)),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    const said =
      'Your role does not allow what you asked, or only on journeys whose open step asks you, and there that step. `permission` names what is missing.';
    for (const { body } of answers) expect([body.permission, body.detail]).toEqual(['journey.repair', said]);
  });
});

describe('every command', () => {
  test('is done once for a key, however often it is sent', async () => {
    const id = await aJourney();
    const headers = { 'idempotency-key': 'one' };
    const first = await post(`${base}/${id}/advance`, { outcome: 'done' }, 'lead', headers);
    const second = await post(`${base}/${id}/advance`, { outcome: 'done' }, 'lead', headers);
    expect([second.status, second.headers.get('idempotency-lookup')]).toEqual([200, 'hit']);
    expect(second.body).toEqual(first.body);
    expect(stage.journeys.received).toHaveLength(1);
    expect((await post(`${base}/${id}/advance`, { outcome: 'declined' }, 'lead', headers)).body.code).toBe('idempotency_key_reused');
  });

  test('may expect a version', async () => {
    const id = await aJourney();
    await post(`${base}/${id}/resume`, undefined, 'lead', { 'if-match': '"2"' });
    expect(stage.journeys.received[0]?.args['expectedVersion']).toBe(2);
    const never = await post(`${base}/${id}/resume`, undefined, 'lead', { 'if-match': '"x"' });
    expect([never.status, never.body.current]).toEqual([412, 3]);
  });

  test('that PostgreSQL has not yet is 202 with what the workflow said', async () => {
    const id = await aJourney();
    stage.journeys.projected = false;
    const { status, headers, body } = await post(`${base}/${id}/advance`, { outcome: 'done' });
    expect([status, headers.get('usher-projection'), headers.get('location'), body.seq]).toEqual([202, 'pending', `${base}/${id}`, 3]);
  });

  test('may be left alone', async () => {
    const id = await aJourney();
    const { status, headers, body } = await post(`${base}/${id}/advance`, { outcome: 'done' }, 'lead', { prefer: 'respond-async' });
    expect([status, headers.get('preference-applied'), body]).toEqual([202, 'respond-async', { id, commandId: expect.any(String) }]);
  });

  test('to a journey that is over is refused; one that ended it is answered again', async () => {
    const id = await ended();
    stage.journeys.trouble = 'gone';
    expect((await post(`${base}/${id}/advance`, { outcome: 'done' })).body.code).toBe('journey_ended');
    const last = await aJourney();
    const headers = { 'idempotency-key': 'last', 'if-match': '"2"' };
    stage.journeys.trouble = null;
    await post(`${base}/${last}/cancel`, { reason: 'As agreed' }, 'lead', headers);
    await stage.sql((tx) => tx.deleteFrom('idempotency').execute());
    stage.journeys.trouble = 'gone';
    expect((await post(`${base}/${last}/cancel`, { reason: 'As agreed' }, 'lead', headers)).status).toBe(200);
  });

  test.each([
    ['unavailable', 503, 'engine_unavailable'],
    ['busy', 429, 'engine_busy'],
    ['unconfirmed', 503, 'command_unconfirmed'],
  ] as const)('an engine that is %s is %i %s', async (trouble, status, code) => {
    const id = await aJourney();
    stage.journeys.trouble = trouble;
    const { status: answered, body } = await post(`${base}/${id}/advance`, { outcome: 'done' });
    expect([answered, body.code]).toEqual([status, code]);
  });
});

describe('other tenants, products and roles', () => {
  test('a foreign tenant finds nothing', async () => {
    const id = await aJourney();
    const paths = ['', '/steps', '/history', '/state', '/diagram'];
    const answers = await Promise.all(paths.map((path) => get(`${base}/${id}${path}`, 'foreign')));
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 404));
    expect((await post(`${base}/${id}/advance`, { outcome: 'done' }, 'foreign')).status).toBe(404);
    expect((await get(`${base}?limit=100`, 'foreign')).body.data).toEqual([]);
    expect((await get('/v1/tasks?limit=100', 'foreign')).body.data).toEqual([]);
    expect(stage.journeys.received).toEqual([]);
  });

  test('a journey about a ticket is seen by those who see the ticket', async () => {
    const ticket = await stage.ticket();
    const id = newId();
    await stage.journeys.keep(
      aRecord(id, { visits: [aVisit()], view: { start: aStart(id, { subject: { type: 'ticket', id: ticket } }) } }),
    );
    expect((await get(`${base}/${id}`, 'agent')).status).toBe(200);
    expect((await get(`${base}/${id}`, 'other')).status).toBe(404);
    expect((await get(`${base}?subject=ticket/${ticket}`, 'other')).body.data).toEqual([]);
    expect((await get(`/v1/tasks?journey=${id}`, 'other')).body.data).toEqual([]);
    expect((await get(`/v1/tasks?journey=${id}`, 'agent')).body.data).toHaveLength(1);
  });

  test('customers have no part in them, services what their scopes say', async () => {
    const id = await aJourney();
    expect((await get(`${base}/${id}`, 'customer')).status).toBe(403);
    expect((await get(`${base}/JRN-0000000000000000`, 'customer')).status).toBe(403);
    expect((await get(base, 'customer')).status).toBe(403);
    expect((await get(`${base}/${id}`, 'service')).status).toBe(200);
    expect((await get(`${base}/${id}`, 'reader')).status).toBe(403);
  });

  test('what does not exist, or cannot, is not found', async () => {
    expect((await get(`${base}/JRN-0000000000000000`)).status).toBe(404);
    expect((await get(`${base}/nonsense`)).status).toBe(404);
    expect((await post(`${base}/nonsense/advance`, '"done"')).status).toBe(404);
    const id = await aJourney();
    expect((await post(`${base}/${id}/steps/no%20step/skip`, { reason: 'As agreed' })).status).toBe(404);
  });
});

test('an approval of a step makes the journey wait', async () => {
  const id = await aJourney({ gates: [{ step: 'call', visit: 1, gate: aGate() }], view: { awaitsApproval: true } });
  expect((await get(`${base}/${id}`)).body.awaitsApproval).toBe(true);
});
