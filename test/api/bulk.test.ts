/** One verb for many journeys or handoffs: the preview, the token, the job. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { claimItem, settleItem } from '../../db/queries/bulk-items.js';
import { insertDraft, insertVersion } from '../../db/queries/journey-templates.js';
import { plainJson } from '../../domain/journey/json.js';
import { hour } from '../../domain/time.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { aGate, aHandoffRecord, anEvent, aRecord, aStart, aVisit } from '../support/journey-records.js';
import { noon } from '../support/builders.js';
import { demo, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const journeys = '/v1/journeys/bulk';
const handoffs = '/v1/handoffs/bulk';

const post = (path: string, body?: unknown, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', path, body, headers);
const get = (path: string, who: Who = 'lead'): Promise<Reply> => stage.call(who, 'GET', path);
const brief = ({ status, body }: Reply) => [status, body.code];
const faults = ({ body }: Reply): [string, string][] =>
  body.errors.map((error: { pointer: string; code: string }) => [error.pointer, error.code]);

const idOf = (n: number): string => `JRN-${String(n).padStart(16, '0')}`;
const [active, second, parked, paused, over, voting] = [1, 2, 3, 4, 5, 6].map(idOf) as [string, string, string, string, string, string];
const offered = `${active}.install.1`;
const gated = `${voting}.pass.1`;
const template: JourneyTemplate = {
  key: 'renewal',
  name: 'Renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  start: 'charge',
  steps: {
    charge: { kind: 'automated', name: 'Charge', action: 'bill@1', skippable: true, transitions: [{ to: 'won', default: true }] },
    call: { kind: 'manual', name: 'Call', outcomes: ['done'], transitions: [{ to: 'won', outcome: 'done' }] },
    won: { kind: 'end', outcome: 'won', result: 'won' },
  },
};

const start = (id: string, n: number) => aStart(id, { startedAt: noon + n, requester: demo.admin });

beforeAll(async () => {
  const by = `user/${demo.admin}`;
  await stage.sql(async (tx) => {
    const { key, name, category } = template;
    const document = plainJson(template).value;
    await insertDraft(tx, demo.tenant, key, { name, category, document, by, editor: demo.admin });
    await insertVersion(tx, demo.tenant, { template, version: 1, mode: 'new_only', by });
  });
  await stage.journeys.keep(aRecord(active, { view: { start: start(active, 1) }, visits: [aVisit()] }));
  await stage.journeys.keep(aRecord(second, { view: { start: start(second, 2) } }));
  await stage.journeys.keep(
    aRecord(parked, {
      view: { start: start(parked, 3), status: 'incident' },
      events: [anEvent('journey.started', 1), anEvent('journey.incident.opened', 2, { step: 'call', visit: 2, reason: 'action_failed' })],
    }),
  );
  await stage.journeys.keep(aRecord(paused, { view: { start: start(paused, 4), status: 'paused' } }));
  await stage.journeys.keep(aRecord(over, { view: { start: start(over, 5), status: 'completed', endedAt: noon } }));
  const open = aGate({ requester: demo.admin, eligible: [{ id: demo.lead, roles: ['lead'] }] });
  await stage.journeys.keep(aRecord(voting, { view: { start: start(voting, 6) }, gates: [{ step: 'sign', visit: 1, gate: open }] }));
  await stage.journeys.keepHandoff(aHandoffRecord(active, { view: { createdAt: noon + 1 } }));
  await stage.journeys.keepHandoff(
    aHandoffRecord(voting, { view: { handoffId: gated, step: 'pass', state: 'awaiting_approval', createdAt: noon + 2 }, gate: open }),
  );
});
beforeEach(() => {
  stage.batches.trouble = null;
  stage.journeys.reset();
});

const all = [active, second, parked, paused, over, voting];
const reason = 'The provider is down';
const pauseAll = { verb: 'pause', args: { reason, deadlines: 'keep' }, filter: { ids: all } };

const previewed = async (body: unknown = pauseAll, path = journeys, who: Who = 'lead'): Promise<Reply['body']> => {
  const reply = await post(`${path}/preview`, body, who);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
};
const begun = async (body: unknown = pauseAll, path = journeys, who: Who = 'lead'): Promise<string> => {
  const { previewToken } = await previewed(body, path, who);
  const reply = await post(path, { previewToken }, who);
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return String(reply.body.id);
};
const settle = (job: string, n: number, outcome: 'ok' | 'failed' | 'skipped', code: string) =>
  stage.sql(async (tx) => {
    await claimItem(tx, demo.tenant, job, n);
    await settleItem(tx, demo.tenant, job, { n, outcome, code });
  });

describe('a preview', () => {
  test('says what would become of each journey, and changes nothing', async () => {
    const started = stage.batches.started.length;
    const { previewToken, expiresAt, ...seen } = await previewed();
    expect(seen).toEqual({
      verb: 'pause',
      total: 6,
      wouldApply: 4,
      wouldSkip: [
        { code: 'journey_paused', count: 1 },
        { code: 'journey_ended', count: 1 },
      ],
      sample: [
        { ref: active, code: null },
        { ref: second, code: null },
        { ref: parked, code: null },
        { ref: paused, code: 'journey_paused' },
        { ref: over, code: 'journey_ended' },
        { ref: voting, code: null },
      ],
    });
    expect(previewToken).toMatch(/^[0-9a-f-]{36}\.k1\.[\w-]{22}$/);
    expect(new Date(expiresAt).getTime() - Date.now()).toBeGreaterThan(hour - 60_000);
    expect(stage.batches.started.length).toBe(started);
    expect(stage.journeys.received).toEqual([]);
    expect((await get('/v1/jobs')).body.data.map(({ id }: { id: string }) => id)).not.toContain(previewToken.slice(0, 36));
  });

  test.each<[string, object, object, number, [string, number][]]>([
    ['retry', {}, { status: ['incident', 'active'] }, 1, [['no_incident', 3]]],
    ['retry', { step: 'charge' }, { incident: ['action_failed'] }, 0, [['no_incident', 1]]],
    ['retry', { step: 'chrage' }, { ids: [parked] }, 0, [['unknown_step', 1]]],
    ['skip', { reason }, { ids: [parked] }, 0, [['not_skippable', 1]]],
    ['complete_with', { outcome: 'done', output: { amount: 5 }, reason }, { ids: [parked] }, 1, []],
    ['complete_with', { outcome: 'gone', reason }, { ids: [parked] }, 0, [['unknown_outcome', 1]]],
    ['resume', {}, { template: 'renewal' }, 1, [['journey_not_paused', 4]]],
    ['cancel', { reason }, { template: 'renewal', version: 1 }, 5, []],
    ['compensate_and_end', { reason }, { ids: [over] }, 0, [['journey_ended', 1]]],
    ['vote', { decision: 'approve' }, { ids: [voting, active] }, 1, [['step_not_open', 1]]],
    ['pause', { reason }, { template: 'nothing' }, 0, []],
  ])('%s %j of %j', async (verb, args, filter, wouldApply, wouldSkip) => {
    const seen = await previewed({ verb, args, filter });
    expect([seen.wouldApply, seen.wouldSkip]).toEqual([wouldApply, wouldSkip.map(([code, count]) => ({ code, count }))]);
    expect(seen.total).toBe(wouldApply + wouldSkip.reduce((sum, [, count]) => sum + count, 0));
  });

  test('votes are foreseen for who asks', async () => {
    const vote = { verb: 'vote', args: { decision: 'approve' }, filter: { ids: [voting] } };
    expect((await previewed(vote, journeys, 'admin')).wouldSkip).toEqual([{ code: 'requester_excluded', count: 1 }]);
    expect((await previewed(vote, journeys, 'agent')).wouldSkip).toEqual([{ code: 'not_eligible', count: 1 }]);
    const approve = { verb: 'approve', filter: { state: ['awaiting_approval'] } };
    expect(await previewed(approve, handoffs)).toMatchObject({ verb: 'approve', total: 1, wouldApply: 1 });
    expect((await previewed(approve, handoffs, 'admin')).wouldSkip).toEqual([{ code: 'requester_excluded', count: 1 }]);
  });

  test('of handoffs asks who may handle them', async () => {
    const reject = { verb: 'reject', args: { reason: 'no_capacity' }, filter: { ids: [offered, gated] } };
    expect(await previewed(reject, handoffs)).toMatchObject({ total: 2, wouldApply: 2 });
    expect((await previewed(reject, handoffs, 'agent')).sample).toEqual([
      { ref: offered, code: 'forbidden' },
      { ref: gated, code: 'not_eligible' },
    ]);
    const reassign = (to: string) => post(`${handoffs}/preview`, { verb: 'reassign', args: { to }, filter: { to: 'field-ops' } });
    expect((await reassign(demo.agents[0])).body).toMatchObject({ total: 2, wouldApply: 1, wouldSkip: [{ code: 'handoff.illegal_move' }] });
    const nobody = await reassign('018f3b1e-0000-7000-8000-00000000dead');
    expect([...brief(nobody), nobody.body.pointer]).toEqual([422, 'unknown_reference', '/args/to']);
    expect(await previewed({ verb: 'retry', filter: { journey: active } }, handoffs)).toMatchObject({
      wouldSkip: [{ code: 'no_incident' }],
    });
    expect(await previewed({ verb: 'cancel', args: { comment: 'Not needed' }, filter: { step: 'install' } }, handoffs)).toMatchObject({
      wouldApply: 1,
    });
  });

  test.each<[string, unknown, number, string, [string, string][]?]>([
    ['no verb', { filter: { ids: all } }, 400, 'invalid_request'],
    ['a verb that is none', { verb: 'explode', args: {}, filter: { ids: all } }, 400, 'invalid_request'],
    ['no condition', { verb: 'resume', filter: {} }, 400, 'invalid_request', [['/filter', 'custom']]],
    ['no filter', { verb: 'resume' }, 400, 'invalid_request', [['/filter', 'required']]],
    [
      'an unknown condition',
      { verb: 'resume', filter: { template: 'renewal', colour: 'red' } },
      400,
      'invalid_request',
      [['/filter/colour', 'unknown_field']],
    ],
    [
      'a field of another verb',
      { verb: 'resume', args: { outcome: 'x' }, filter: { ids: all } },
      400,
      'invalid_request',
      [['/args/outcome', 'unknown_field']],
    ],
    [
      'no outcome',
      { verb: 'complete_with', args: { reason }, filter: { ids: all } },
      400,
      'invalid_request',
      [['/args/outcome', 'required']],
    ],
    ['no reason', { verb: 'pause', filter: { ids: all } }, 403, 'reason_required'],
    ['no reason', { verb: 'skip', args: { step: 'call' }, filter: { ids: all } }, 403, 'reason_required'],
    [
      'a short reason',
      { verb: 'cancel', args: { reason: 'x' }, filter: { ids: all } },
      400,
      'invalid_request',
      [['/args/reason', 'too_small']],
    ],
    [
      'a text in a value',
      { verb: 'retry', args: { input: { why: 'A long story' } }, filter: { ids: all } },
      400,
      'invalid_request',
      [['/args/input/why', 'invalid']],
    ],
    [
      'a reference',
      { verb: 'retry', args: { input: { why: { $ref: '018f3b1e-0000-7000-8000-000000000001' } } }, filter: { ids: all } },
      400,
      'invalid_request',
      [['/args/input', 'invalid']],
    ],
    [
      'a verb of a later version',
      { verb: 'migrate', args: { to: 2 }, filter: { ids: all } },
      422,
      'kind_not_available',
      [['/verb', 'kind_not_available']],
    ],
    ['another', { verb: 'modify' }, 422, 'kind_not_available', [['/verb', 'kind_not_available']]],
  ])('refuses %s', async (_, body, status, code, errors) => {
    const reply = await post(`${journeys}/preview`, body);
    expect(brief(reply)).toEqual([status, code]);
    if (errors !== undefined) expect(faults(reply)).toEqual(errors);
  });

  test('the same key is one preview', async () => {
    const key = { 'idempotency-key': 'preview' };
    const first = await post(`${journeys}/preview`, pauseAll, 'lead', key);
    const again = await post(`${journeys}/preview`, pauseAll, 'lead', key);
    expect([again.headers.get('idempotency-lookup'), again.body]).toEqual(['hit', first.body]);
  });
});

describe('a start', () => {
  test('makes a job of exactly what was previewed, and begins it', async () => {
    const { previewToken } = await previewed();
    const reply = await post(journeys, { previewToken, rate: 5 });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    const { id } = reply.body;
    expect(reply.headers.get('location')).toBe(`/v1/jobs/${id}`);
    expect(reply.body).toEqual({
      id,
      kind: 'journeys_bulk',
      subject: 'journeys/pause',
      state: 'running',
      total: 6,
      ok: 0,
      failed: 0,
      skipped: 0,
      startedAt: expect.any(String),
      endedAt: null,
    });
    expect(stage.batches.started.at(-1)).toBe(id);
    expect((await get(`/v1/jobs/${id}`, 'agent')).body).toEqual(reply.body);
    const claimed = await stage.sql((tx) => claimItem(tx, demo.tenant, id, 1));
    expect(claimed).toMatchObject({
      ref: active,
      command: { target: 'journeys', verb: 'pause', args: { deadlines: 'keep' } },
      words: { reason },
      actor: `user/${demo.lead}`,
      role: 'lead',
    });
    expect(claimed?.roles).toEqual(expect.arrayContaining(['lead', 'team_lead']));
  });

  test('the same token is one job, with a key and without', async () => {
    const { previewToken } = await previewed();
    const started = stage.batches.started.length;
    const first = await post(journeys, { previewToken });
    const again = await post(journeys, { previewToken, rate: 50 });
    const keyed = await post(journeys, { previewToken }, 'lead', { 'idempotency-key': 'start' });
    const repeated = await post(journeys, { previewToken }, 'lead', { 'idempotency-key': 'start' });
    expect([again.body, keyed.body, repeated.body]).toEqual([first.body, first.body, first.body]);
    expect(repeated.headers.get('idempotency-lookup')).toBe('hit');
    expect(stage.batches.started.length).toBe(started + 1);
  });

  test('needs a token that is whole, fresh, the caller’s own and of this kind', async () => {
    const { previewToken } = await previewed();
    const stale = [409, 'preview_stale'];
    const [id = '', version, mac] = previewToken.split('.');
    const other = (await previewed({ ...pauseAll, filter: { ids: [active] } })).previewToken.split('.');
    for (const token of [
      undefined,
      '',
      'x',
      `${id}.`,
      `${id}.${version}.${other[2]}`,
      `${other[0]}.${version}.${mac}`,
      `x${previewToken}`,
    ]) {
      expect(brief(await post(journeys, token === undefined ? {} : { previewToken: token })), String(token)).toEqual(stale);
    }
    expect(brief(await post(journeys, { previewToken }, 'admin'))).toEqual(stale);
    expect(brief(await post(journeys, { previewToken }, 'foreign'))).toEqual(stale);
    expect(brief(await post(handoffs, { previewToken }))).toEqual(stale);
    expect(stage.batches.started).not.toContain(id);
    await stage.sql((tx) =>
      tx
        .updateTable('bulkJob')
        .set({ filter: JSON.stringify({ template: 'other' }) })
        .where('id', '=', id)
        .execute(),
    );
    expect(brief(await post(journeys, { previewToken }))).toEqual(stale);
  });

  test('is too late after an hour', async () => {
    const { previewToken } = await previewed();
    const id = previewToken.slice(0, 36);
    const late = new Date(Date.now() - 1_000);
    await stage.sql((tx) => tx.updateTable('bulkJob').set({ expiresAt: late }).where('id', '=', id).execute());
    expect(brief(await post(journeys, { previewToken }))).toEqual([409, 'preview_stale']);
    expect(stage.batches.started).not.toContain(id);
  });

  test.each([
    ['unavailable', 503, 'engine_unavailable'],
    ['busy', 429, 'engine_busy'],
    ['unconfirmed', 503, 'command_unconfirmed'],
  ] as const)('engine %s: no job, and the token stays good', async (trouble, status, code) => {
    const { previewToken } = await previewed();
    const jobs = (await get('/v1/jobs?limit=100')).body.data.length;
    stage.batches.trouble = trouble;
    expect(brief(await post(journeys, { previewToken }))).toEqual([status, code]);
    expect((await get('/v1/jobs?limit=100')).body.data.length).toBe(jobs);
    stage.batches.trouble = null;
    expect((await post(journeys, { previewToken })).status).toBe(202);
  });

  test.each<[string, unknown]>([
    ['no rate', { rate: 0 }],
    ['too fast', { rate: 51 }],
    ['half of one', { rate: 1.5 }],
  ])('%s', async (_, body) => expect(brief(await post(journeys, body))).toEqual([400, 'invalid_request']));
});

describe('who may', () => {
  test.each<[string, unknown, string, Partial<Record<Who, number>>]>([
    [
      'repair journeys',
      { verb: 'resume', filter: { ids: [paused] } },
      journeys,
      { admin: 200, lead: 200, agent: 403, service: 403, customer: 403 },
    ],
    [
      'vote',
      { verb: 'vote', args: { decision: 'approve' }, filter: { ids: [voting] } },
      journeys,
      { admin: 200, lead: 200, agent: 200, service: 403, customer: 403 },
    ],
    [
      'decide on handoffs',
      { verb: 'approve', filter: { ids: [gated] } },
      handoffs,
      { admin: 200, lead: 200, agent: 200, service: 403, customer: 403 },
    ],
    ['retry handoffs', { verb: 'retry', filter: { ids: [offered] } }, handoffs, { admin: 200, lead: 200, agent: 403, service: 403 }],
    ['cancel handoffs', { verb: 'cancel', filter: { ids: [offered] } }, handoffs, { admin: 200, lead: 200, agent: 200, service: 403 }],
  ])('%s', async (_, body, path, expected) => {
    for (const [who, status] of Object.entries(expected)) {
      expect((await post(`${path}/preview`, body, who as Who)).status, who).toBe(status);
    }
  });

  test('another tenant finds nothing', async () => {
    expect(await previewed(pauseAll, journeys, 'foreign')).toMatchObject({ total: 0, sample: [] });
    expect(await previewed({ verb: 'approve', filter: { ids: [gated] } }, handoffs, 'foreign')).toMatchObject({ total: 0 });
  });
});

describe('a job', () => {
  test('counts and lists what came of its instances, in their order', async () => {
    const job = await begun();
    await settle(job, 1, 'ok', 'done');
    await settle(job, 2, 'failed', 'no_answer');
    await settle(job, 4, 'skipped', 'journey_paused');
    expect((await get(`/v1/jobs/${job}`)).body).toMatchObject({ total: 6, ok: 1, failed: 1, skipped: 1, endedAt: null });
    expect((await get(`/v1/jobs/${job}/result`)).body).toEqual({
      verb: 'pause',
      outcomes: [
        { result: 'failed', outcome: 'no_answer', count: 1 },
        { result: 'ok', outcome: 'done', count: 1 },
        { result: 'skipped', outcome: 'journey_paused', count: 1 },
      ],
    });
    const expected = [
      { ref: active, result: 'ok', code: 'done' },
      { ref: second, result: 'failed', code: 'no_answer' },
      { ref: paused, result: 'skipped', code: 'journey_paused' },
    ];
    expect((await get(`/v1/jobs/${job}/items`)).body.data).toEqual(expected);
    const page = (await get(`/v1/jobs/${job}/items?limit=2`)).body;
    expect(page.data).toEqual(expected.slice(0, 2));
    expect((await get(`/v1/jobs/${job}/items?limit=2&cursor=${encodeURIComponent(page.page.next)}`)).body.data).toEqual(expected.slice(2));
    expect((await get(`/v1/jobs/${job}/items?outcome=failed,skipped`)).body.data).toEqual(expected.slice(1));
    expect((await get(`/v1/jobs/${job}/items?outcome=breached`)).body.data).toEqual([]);
  });

  test('pauses, resumes and is cancelled; then what was never asked is skipped, and it adds up', async () => {
    const job = await begun();
    await settle(job, 1, 'ok', 'done');
    expect((await post(`/v1/jobs/${job}/pause`)).body).toMatchObject({ state: 'paused', endedAt: null });
    expect((await post(`/v1/jobs/${job}/resume`)).body.state).toBe('running');
    const cancelled = await post(`/v1/jobs/${job}/cancel`);
    expect(cancelled.body).toMatchObject({ state: 'cancelled', total: 6, ok: 1, failed: 0, skipped: 5, endedAt: expect.any(String) });
    expect(stage.batches.controlled.slice(-3).map(({ control, batch, actor }) => [control, batch, actor])).toEqual(
      ['pause', 'resume', 'cancel'].map((control) => [control, job, `user/${demo.lead}`]),
    );
    const told = stage.batches.controlled.length;
    expect((await post(`/v1/jobs/${job}/resume`)).body).toEqual(cancelled.body);
    expect(stage.batches.controlled.length).toBe(told);
  });

  test('is controlled by who began it, and by who may repair any journey', async () => {
    const job = await begun({ verb: 'vote', args: { decision: 'approve' }, filter: { ids: [voting] } }, journeys, 'agent');
    expect((await post(`/v1/jobs/${job}/pause`, undefined, 'agent')).status).toBe(200);
    expect((await post(`/v1/jobs/${job}/resume`, undefined, 'lead')).status).toBe(200);
    const theirs = await begun();
    const refused = await post(`/v1/jobs/${theirs}/cancel`, undefined, 'agent');
    expect([...brief(refused), refused.body.permission]).toEqual([403, 'forbidden', 'journey.repair']);
    expect((await get(`/v1/jobs/${theirs}`)).body.state).toBe('running');
    expect((await post(`/v1/jobs/${theirs}/cancel`, undefined, 'foreign')).status).toBe(404);
    expect((await get(`/v1/jobs/${theirs}/items`, 'foreign')).status).toBe(404);
  });

  test('stands among jobs of every kind, newest first, page after page', async () => {
    const mine = [await begun(), await begun({ verb: 'approve', filter: { ids: [gated] } }, handoffs)];
    const { previewToken } = (await post('/v1/sla/policy-sets/preview', { policies: [] }, 'admin')).body;
    const published = await post('/v1/sla/policy-sets', { policies: [], mode: 'reproject', previewToken }, 'admin');
    expect(published.status, JSON.stringify(published.body)).toBe(201);
    mine.push(published.body.job, await begun());
    const expected = mine.toReversed();
    const seen: [string, string][] = [];
    for (let cursor = '', n = 0; n < 4; n += 1) {
      const { data, page } = (await get(`/v1/jobs?limit=1${cursor}`)).body;
      seen.push([data[0].id, data[0].kind]);
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    expect(seen).toEqual([
      [expected[0], 'journeys_bulk'],
      [expected[1], 'sla_reprojection'],
      [expected[2], 'handoffs_bulk'],
      [expected[3], 'journeys_bulk'],
    ]);
    expect((await get('/v1/jobs?limit=3')).body.data.map(({ id }: { id: string }) => id)).toEqual(expected.slice(0, 3));
  });
});
