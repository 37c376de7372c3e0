/** Policies for open tickets: what a draft would do, publishing it, and the job. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { previewDraft } from '../../api/service-levels/preview.js';
import { claimReprojection, markReprojection, settleReprojection } from '../../db/queries/reprojection.js';
import type { Principal } from '../../domain/access/principal.js';
import { asProductKey, asTicketId } from '../../domain/ids.js';
import type { ReprojectionOutcome } from '../../domain/sla/preview.js';
import { hour } from '../../domain/time.js';
import { aPolicy } from '../support/policies.js';
import { demo, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const sets = '/v1/sla/policy-sets';

const post = (path: string, body?: unknown, who: Who = 'admin', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', path, body, headers);
const get = (path: string, who: Who = 'admin'): Promise<Reply> => stage.call(who, 'GET', path);

/** For tickets with a tag: hours around the clock, whatever the priority. */
const tagged = (tag: string, hours: number, changes: Record<string, unknown> = {}) => ({
  id: tag.toLowerCase(),
  name: tag,
  match: [{ field: 'tags', op: 'any', values: [tag] }],
  calendar: { use: 'policy', id: '24x7' },
  targets: { resolution: { low: hours * 3_600, medium: hours * 3_600, high: hours * 3_600, urgent: hours * 3_600 } },
  ...changes,
});

/** Tickets by tag, opened two hours ago under the first revision. */
const of: Record<string, string[]> = {};

async function open(tag: string, count: number, { tags = [], ...fields }: { tags?: string[]; product?: string } = {}): Promise<void> {
  of[tag] = [];
  for (let n = 0; n < count; n += 1) of[tag].push(await stage.ticket({ tags: [tag, ...tags], ...fields }));
}

const present = ['Earlier', 'Later', 'Breached', 'Lost', 'Same', 'Resolved', 'Office'].map((name) => tagged(name, 8));
const office = { zone: 'UTC', weekly: { sun: [['03:00', '03:30']] } };
const draft = [
  tagged('Earlier', 4),
  tagged('Later', 16),
  tagged('Breached', 1),
  tagged('Gained', 8),
  tagged('Same', 8),
  tagged('Resolved', 1),
  tagged('Office', 8, { calendar: { use: 'team', fallback: 'sundays' } }),
];

beforeAll(async () => {
  expect((await post('/v1/sla/calendars', { id: 'sundays', name: 'Sundays', ...office })).status).toBe(201);
  expect((await post(sets, { policies: present })).status).toBe(201);
  stage.desk.now = () => Date.now() - 2 * hour;
  await open('Earlier', 3);
  await open('Later', 2);
  await open('Breached', 2);
  await open('Lost', 1);
  await open('Gained', 2);
  await open('Same', 1, { tags: ['vip'] });
  await open('Resolved', 1);
  await open('Office', 1, { product: 'second' });
  stage.desk.now = Date.now;
  for (const id of of['Resolved'] ?? []) expect((await post(`/v1/tickets/${id}/resolve`)).status).toBe(200);
  await open('Closed', 1);
  for (const id of of['Closed'] ?? []) {
    for (const verb of ['resolve', 'close']) expect((await post(`/v1/tickets/${id}/${verb}`)).status).toBe(200);
  }
});

const previewed = async (policies: unknown[] = draft): Promise<Reply['body']> => {
  const reply = await post(`${sets}/preview`, { policies });
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
};

const current = async (): Promise<number> => (await get(`${sets}/current`)).body.revision;

/** Publishes for open tickets, with a preview of its own. */
async function reproject(policies: unknown[] = draft, headers: Record<string, string> = {}): Promise<Reply> {
  const { previewToken } = await previewed(policies);
  return post(sets, { policies, mode: 'reproject', previewToken }, 'admin', headers);
}

const faults = ({ body }: Reply): [string, string][] =>
  body.errors.map((error: { pointer: string; code: string }) => [error.pointer, error.code]);

const effectOn = (effect: string, ...tags: string[]) => {
  const tickets = tags.flatMap((tag) => of[tag] ?? []).toSorted();
  return { effect, count: tickets.length, tickets: effect === 'unchanged' ? [] : tickets };
};

describe('a preview', () => {
  test('says what the draft would do to each open ticket, and changes nothing', async () => {
    const before = await current();
    const { previewToken, ...seen } = await previewed();
    expect(seen).toEqual({
      current: before,
      open: 13,
      looked: 13,
      truncated: false,
      effects: [
        effectOn('breached', 'Breached'),
        effectOn('lost_policy', 'Lost'),
        effectOn('gained_policy', 'Gained'),
        effectOn('earlier', 'Earlier'),
        effectOn('later', 'Later', 'Office'),
        effectOn('unchanged', 'Same', 'Resolved'),
      ],
    });
    expect(previewToken).toMatch(/^k1\.[\w-]{22}$/);
    expect(await current()).toBe(before);
    expect((await get('/v1/jobs')).body.data).toEqual([]);
  });

  test('asks by tags and tier, and by the calendar of the team', async () => {
    const vip = [{ field: 'tags', op: 'any', values: ['vip'] }];
    const { effects } = await previewed([tagged('Same', 1, { match: vip }), tagged('Any', 8, { match: [] })]);
    expect(effects[0]).toEqual({ effect: 'breached', count: 1, tickets: of['Same'] });
  });

  test('refuses what publishing would refuse', async () => {
    const refused = await post(`${sets}/preview`, { policies: [tagged('Any', 0)] });
    expect([refused.status, refused.body.code]).toEqual([422, 'policy_invalid']);
    const wrong = await post(`${sets}/preview`, { policies: [{}], mode: 'reproject' });
    expect([wrong.status, wrong.body.code]).toEqual([400, 'invalid_request']);
    const empty = await previewed([]);
    expect(empty.effects.find(({ effect }: { effect: string }) => effect === 'lost_policy').count).toBe(10);
  });

  const admin: Principal = {
    tenant: demo.tenant,
    actor: `user/${demo.admin}`,
    id: demo.admin,
    role: 'admin',
    products: '*',
    teams: [],
    scopes: [],
    actingFor: null,
  };
  const nothing = [aPolicy({ id: 'none', match: [{ field: 'category', op: 'in', values: ['None'] }] })];

  test('says so when it ran out of time', async () => {
    const terms = { revision: 9, now: Date.now(), goesOn: () => false };
    const seen = await stage.sql((tx) => previewDraft(tx, admin, nothing, terms));
    expect(seen).toMatchObject({ open: 13, looked: 0, truncated: true });
  });

  test('names only tickets its reader may see, and counts all', async () => {
    const reader = { ...admin, products: [asProductKey('second')] };
    const terms = { revision: 9, now: Date.now(), goesOn: () => true };
    const { effects } = await stage.sql((tx) => previewDraft(tx, reader, nothing, terms));
    expect(effects.find(({ effect }) => effect === 'lost_policy')).toEqual({ effect: 'lost_policy', count: 10, tickets: of['Office'] });
  });
});

describe('publishing for open tickets', () => {
  beforeEach(async () => {
    stage.jobs.trouble = null;
    await stage.sql(async (tx) => {
      const under = await tx.selectFrom('slaReprojection').select('revision').where('state', 'in', ['running', 'paused']).execute();
      for (const { revision } of under) await markReprojection(tx, demo.tenant, revision, 'cancelled');
    });
  });

  test('needs the token of a preview of the same policies, over the same revision', async () => {
    const before = await current();
    const { previewToken } = await previewed();
    const publish = (changes: Record<string, unknown>) => post(sets, { policies: draft, mode: 'reproject', previewToken, ...changes });
    const { previewToken: _none, ...without } = { policies: draft, mode: 'reproject', previewToken };
    const missing = await post(sets, without);
    expect([missing.status, missing.body.code, faults(missing)]).toEqual([400, 'invalid_request', [['/previewToken', 'required']]]);
    for (const changes of [{ policies: draft.toReversed() }, { previewToken: 'k1.AAAAAAAAAAAAAAAAAAAAAA' }, { previewToken: 'x' }]) {
      const stale = await publish(changes);
      expect([stale.status, stale.body.code, faults(stale)]).toEqual([400, 'invalid_request', [['/previewToken', 'stale']]]);
    }
    expect(await current()).toBe(before);
    expect((await post(sets, { policies: present })).body).not.toHaveProperty('job');
    const late = await publish({});
    expect([late.status, faults(late)]).toEqual([400, [['/previewToken', 'stale']]]);
    expect(await current()).toBe(before + 1);
  });

  test('stores the revision with a job, and starts it', async () => {
    const before = await current();
    const made = await reproject();
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    expect(made.body).toMatchObject({ revision: before + 1, mode: 'reproject' });
    expect(stage.jobs.started.at(-1)).toBe(before + 1);
    const job = await get(`/v1/jobs/${made.body.job}`, 'agent');
    expect(job.body).toEqual({
      id: made.body.job,
      kind: 'sla_reprojection',
      subject: `sla/policy-sets/${before + 1}`,
      state: 'running',
      total: 13,
      ok: 0,
      failed: 0,
      skipped: 0,
      startedAt: expect.any(String),
      endedAt: null,
    });
    expect((await get('/v1/jobs?limit=1')).body.data).toEqual([job.body]);
  });

  test('the same key is one revision and one job', async () => {
    const { previewToken } = await previewed();
    const body = { policies: draft, mode: 'reproject', previewToken };
    const key = { 'idempotency-key': 'reproject' };
    const started = stage.jobs.started.length;
    const first = await post(sets, body, 'admin', key);
    const again = await post(sets, body, 'admin', key);
    expect([first.status, again.status, again.headers.get('idempotency-lookup')]).toEqual([201, 201, 'hit']);
    expect(again.body).toEqual(first.body);
    expect(stage.jobs.started.length).toBe(started + 1);
  });

  test('waits for an earlier one that is on its way; new tickets need not', async () => {
    const { body } = await reproject();
    const refused = await reproject();
    expect([refused.status, refused.body.code, refused.body.revision]).toEqual([409, 'still_in_use', body.revision]);
    expect((await post(sets, { policies: present })).status).toBe(201);
    expect((await post(`/v1/jobs/${body.job}/cancel`)).status).toBe(200);
    expect((await reproject()).status).toBe(201);
  });

  test.each([
    ['unavailable', 503, 'engine_unavailable'],
    ['busy', 429, 'engine_busy'],
    ['unconfirmed', 503, 'command_unconfirmed'],
  ] as const)('engine %s: nothing is published', async (trouble, status, code) => {
    const before = await current();
    const jobs = (await get('/v1/jobs?limit=100')).body.data.length;
    stage.jobs.trouble = trouble;
    const lost = await reproject();
    expect([lost.status, lost.body.code]).toEqual([status, code]);
    expect(await current()).toBe(before);
    expect((await get('/v1/jobs?limit=100')).body.data.length).toBe(jobs);
    stage.jobs.trouble = null;
    expect((await reproject()).body.revision).toBe(before + 1);
  });
});

describe('a job', () => {
  let job: string;
  let revision: number;

  /** What the worker would have found. */
  const settle = (outcomes: [string, ReprojectionOutcome, string | null][]): Promise<void> =>
    stage.sql(async (tx) => {
      await claimReprojection(tx, demo.tenant, { revision, after: null, limit: 100 });
      const settled = outcomes.map(([ticket, outcome, code]) => ({ ticket: asTicketId(ticket), outcome, code }));
      await settleReprojection(tx, demo.tenant, revision, settled);
    });

  beforeEach(async () => {
    stage.jobs.trouble = null;
    for (const { id, state } of (await get('/v1/jobs?limit=100')).body.data) {
      if (state === 'running' || state === 'paused') await post(`/v1/jobs/${id}/cancel`);
    }
    const { body } = await reproject();
    job = body.job;
    revision = body.revision;
    const [first = '', second = '', third = ''] = of['Earlier'] ?? [];
    const [resolved = ''] = of['Resolved'] ?? [];
    const [other = ''] = of['Office'] ?? [];
    await settle([
      [first, 'earlier', null],
      [second, 'failed', 'no_answer'],
      [third, 'breached', null],
      [resolved, 'closed', null],
      [other, 'later', null],
    ]);
  });

  test('counts what came of its tickets', async () => {
    expect((await get(`/v1/jobs/${job}`)).body).toMatchObject({ total: 13, ok: 3, failed: 1, skipped: 1 });
    expect((await get(`/v1/jobs/${job}/result`)).body).toEqual({
      revision,
      outcomes: [
        { result: 'ok', outcome: 'breached', count: 1 },
        { result: 'ok', outcome: 'lost_policy', count: 0 },
        { result: 'ok', outcome: 'gained_policy', count: 0 },
        { result: 'ok', outcome: 'earlier', count: 1 },
        { result: 'ok', outcome: 'later', count: 1 },
        { result: 'ok', outcome: 'unchanged', count: 0 },
        { result: 'skipped', outcome: 'closed', count: 1 },
        { result: 'failed', outcome: 'failed', count: 1 },
      ],
    });
    await stage.sql((tx) => markReprojection(tx, demo.tenant, revision, 'done'));
    const ended = (await get(`/v1/jobs/${job}`)).body;
    expect(ended).toMatchObject({ state: 'done', total: 5, ok: 3, failed: 1, skipped: 1, endedAt: expect.any(String) });
  });

  test('lists them by number, page after page, and by what came of them', async () => {
    const [first, second, third] = of['Earlier'] ?? [];
    const expected = [
      { ref: first, result: 'ok', code: 'earlier' },
      { ref: second, result: 'failed', code: 'no_answer' },
      { ref: third, result: 'ok', code: 'breached' },
      { ref: of['Resolved']?.[0], result: 'skipped', code: 'closed' },
      { ref: of['Office']?.[0], result: 'ok', code: 'later' },
    ].toSorted((a, b) => (String(a.ref) < String(b.ref) ? -1 : 1));
    expect((await get(`/v1/jobs/${job}/items`)).body.data).toEqual(expected);
    const page = (await get(`/v1/jobs/${job}/items?limit=2`)).body;
    expect(page.data).toEqual(expected.slice(0, 2));
    const rest = (await get(`/v1/jobs/${job}/items?limit=100&cursor=${encodeURIComponent(page.page.next)}`)).body;
    expect([rest.data, rest.page.hasMore]).toEqual([expected.slice(2), false]);
    const some = (await get(`/v1/jobs/${job}/items?outcome=failed,closed`)).body.data;
    expect(some).toEqual(expected.filter(({ result }) => result !== 'ok'));
    expect((await get(`/v1/jobs/${job}/items?outcome=odd`)).body.code).toBe('unknown_parameter');
    expect((await get(`/v1/jobs/${job}/items?cursor=odd`)).body.code).toBe('cursor_invalid');
    // An agent of another product sees what is there.
    const seen = (await get(`/v1/jobs/${job}/items`, 'other')).body.data.map(({ ref }: { ref: string }) => ref);
    expect(seen).toEqual(of['Office']);
  });

  test('pauses, resumes and is cancelled; once it has ended it stays as it is', async () => {
    expect((await post(`/v1/jobs/${job}/pause`)).body).toMatchObject({ state: 'paused', endedAt: null });
    expect((await post(`/v1/jobs/${job}/resume`)).body).toMatchObject({ state: 'running' });
    const cancelled = await post(`/v1/jobs/${job}/cancel`);
    expect(cancelled.body).toMatchObject({ state: 'cancelled', total: 13, ok: 3, failed: 1, skipped: 9 });
    const told = stage.jobs.controlled.length;
    expect(stage.jobs.controlled.slice(-3)).toMatchObject([
      { tenant: demo.tenant, revision, control: 'pause', actor: `user/${demo.admin}` },
      { control: 'resume' },
      { control: 'cancel' },
    ]);
    for (const control of ['pause', 'resume', 'cancel']) {
      expect((await post(`/v1/jobs/${job}/${control}`)).body).toEqual(cancelled.body);
    }
    expect(stage.jobs.controlled.length).toBe(told);
  });

  test('is told once under one key, and says when it could not be told', async () => {
    stage.jobs.trouble = 'unconfirmed';
    const key = { 'idempotency-key': `pause-${job}` };
    const lost = await post(`/v1/jobs/${job}/pause`, undefined, 'admin', key);
    expect([lost.status, lost.body.code, lost.body.idempotencyKey]).toEqual([503, 'command_unconfirmed', `pause-${job}`]);
    stage.jobs.trouble = null;
    const told = stage.jobs.controlled.length;
    expect((await post(`/v1/jobs/${job}/pause`, undefined, 'admin', key)).body.state).toBe('paused');
    const again = await post(`/v1/jobs/${job}/pause`, undefined, 'admin', key);
    expect([again.headers.get('idempotency-lookup'), stage.jobs.controlled.length]).toEqual(['hit', told + 1]);
  });

  test('is read by the desk and controlled by admins, in its own tenant', async () => {
    for (const who of ['agent', 'lead'] as const) {
      expect((await get(`/v1/jobs/${job}`, who)).status).toBe(200);
      expect((await post(`/v1/jobs/${job}/pause`, undefined, who)).body).toMatchObject({ code: 'forbidden', permission: 'config.write' });
      expect((await post(`${sets}/preview`, { policies: draft }, who)).body.code).toBe('forbidden');
    }
    expect((await get(`/v1/jobs/${job}`, 'customer')).status).toBe(403);
    for (const path of ['', '/items', '/result']) expect((await get(`/v1/jobs/${job}${path}`, 'foreign')).status).toBe(404);
    expect((await post(`/v1/jobs/${job}/cancel`, undefined, 'foreign')).status).toBe(404);
    expect((await get('/v1/jobs', 'foreign')).body.data).toEqual([]);
    for (const id of ['018f3b1e-0000-7000-8000-00000000dead', 'x']) expect((await get(`/v1/jobs/${id}`)).status).toBe(404);
    const theirs = (await post(`${sets}/preview`, { policies: [] }, 'foreign')).body;
    expect(theirs).toMatchObject({ current: 0, open: 0, looked: 0 });
    expect((await post(sets, { policies: [], mode: 'reproject', previewToken: theirs.previewToken })).body.code).toBe('invalid_request');
  });
});
