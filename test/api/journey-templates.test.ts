import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { aRecord, aStart, aVisit, anEvent } from '../support/journey-records.js';
import { hour } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import { demo, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const base = '/v1/journey-templates';

const post = (path: string, body: unknown, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', `${base}${path}`, body, headers);
const put = (path: string, body: unknown, revision: number | null = 1, who: Who = 'lead'): Promise<Reply> =>
  stage.call(who, 'PUT', `${base}${path}`, body, revision === null ? {} : { 'if-match': `"${revision}"` });
const get = (path: string, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'GET', `${base}${path}`, undefined, headers);
const codes = ({ body }: Reply): string[] => body.errors.map(({ code }: { code: string }) => code);

const call = {
  kind: 'manual',
  assign: { roles: ['agent'] },
  due: 'P2D',
  outcomes: ['renewed', 'declined'],
  transitions: [
    { to: 'won', outcome: 'renewed' },
    { to: 'lost', outcome: 'declined' },
  ],
};
const ends = { won: { kind: 'end', outcome: 'renewed', result: 'won' }, lost: { kind: 'end', outcome: 'declined', result: 'lost' } };
const aTemplate = (key: string, changes: Record<string, unknown> = {}) => ({
  key,
  name: 'Renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  start: 'call',
  steps: { call, ...ends },
  ...changes,
});

/** One step after another, with an end. */
const aChain = (length: number) => ({
  start: 's1',
  steps: Object.fromEntries([
    ...Array.from({ length: length - 1 }, (_, index) => {
      const to = index + 2 === length ? 'won' : `s${index + 2}`;
      return [`s${index + 1}`, { kind: 'wait', for: 'PT1M', transitions: [{ to }] }];
    }),
    ['won', ends.won],
  ]),
});

/** A published template; the lead drafts, the admin publishes. */
async function published(key: string, changes: Record<string, unknown> = {}): Promise<void> {
  expect((await post('', aTemplate(key, changes))).status).toBe(201);
  const made = await post(`/${key}/publish`, {}, 'admin');
  expect(made.status, JSON.stringify(made.body)).toBe(201);
}

let count = 0;
/** An instance of a version, open unless it ended. */
async function anInstance(key: string, { version = 1, ended = false, template = stage } = {}): Promise<string> {
  count += 1;
  const id = `JRN-${String(count).padStart(16, '0')}`;
  const start = aStart(id, { template: { key, version, hash: 'a'.repeat(64) } });
  const view = ended ? { start, status: 'completed' as const, endedAt: noon + hour, openSteps: [] } : { start };
  const visit = ended ? aVisit({ state: 'completed', endedAt: noon + hour, outcome: 'renewed' }) : aVisit();
  await projectJourney({ db: template.db, newId: randomUUID, onRepaired: () => undefined }, [aRecord(id, { view, visits: [visit] })]);
  return id;
}

describe('drafts', () => {
  test('are saved whatever is wrong with them, and say what it is', async () => {
    const made = await post('', aTemplate('early', { start: 'nowhere' }));
    expect([made.status, made.headers.get('location'), made.headers.get('etag')]).toEqual([201, `${base}/early`, '"1"']);
    expect(made.body).toMatchObject({
      key: 'early',
      name: 'Renewal',
      status: 'draft',
      latest: null,
      revision: 1,
      isValid: false,
      versions: [],
    });
    expect(made.body.errors).toEqual([
      expect.objectContaining({ code: 'J010', path: '/start', severity: 'error', why: expect.any(String), fix: expect.any(String) }),
      ...made.body.errors.slice(1),
    ]);
    expect((await get('/early')).body.draft.template).toEqual(aTemplate('early', { start: 'nowhere' }));
  });

  test('keep the order of their steps', async () => {
    const steps = { zulu: { ...call, transitions: [{ to: 'alfa' }] }, mike: ends.won, alfa: ends.lost };
    await post('', aTemplate('ordered', { steps, start: 'zulu' }));
    expect(Object.keys((await get('/ordered')).body.draft.template.steps)).toEqual(['zulu', 'mike', 'alfa']);
  });

  test('need a key that can be an address, and one nobody has', async () => {
    const nameless = await post('', { name: 'No key' });
    expect([nameless.status, nameless.body.errors]).toEqual([400, [{ pointer: '/key', code: 'required', message: 'is required' }]]);
    const seed = await post('', { id: 'no key!', steps: [] });
    expect(seed.body.errors).toMatchObject([{ pointer: '/id', code: 'invalid' }]);
    await post('', aTemplate('unique'));
    const again = await post('', aTemplate('unique'));
    expect([again.status, again.body.code]).toEqual([409, 'template_taken']);
  });

  test('are replaced at the revision the author has read', async () => {
    await post('', aTemplate('edited'));
    expect((await put('/edited/draft', aTemplate('edited'), null)).status).toBe(428);
    const next = await put('/edited/draft', aTemplate('edited', { name: 'Other' }), 1);
    expect([next.status, next.headers.get('etag'), next.body.name, next.body.isValid]).toEqual([200, '"2"', 'Other', true]);
    const stale = await put('/edited/draft', aTemplate('edited'), 1);
    expect([stale.status, stale.body.current]).toEqual([412, 2]);
    expect((await put('/edited/draft', aTemplate('other'), 2)).body).toMatchObject({
      status: 422,
      code: 'template_invalid',
      errors: [{ pointer: '/key' }],
    });
    expect((await put('/nobody/draft', aTemplate('nobody'), 1)).status).toBe(404);
  });

  test('in the form with a list of steps are taken too', async () => {
    const seed = {
      id: 'seed_form',
      name: 'Seed',
      category: 'custom',
      triggers: [],
      steps: [{ id: 'analyze', name: 'Analyze', type: 'automated', order: 1, stage: 'lead', estimatedDuration: 5 }],
    };
    const made = await post('', seed);
    expect([made.status, made.body.isValid]).toEqual([201, true]);
    expect(made.body.warnings.map(({ code }: { code: string }) => code)).toEqual(['J038']);
    const version = await post('/seed_form/publish', {}, 'admin');
    expect(version.body.template).toMatchObject({ key: 'seed_form', start: 'analyze', steps: { analyze: { kind: 'automated' } } });
  });

  test('a repeated request makes one draft', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await post('', aTemplate('once'), 'lead', headers);
    const second = await post('', aTemplate('once'), 'lead', headers);
    expect([first.status, second.status, second.headers.get('idempotency-lookup')]).toEqual([201, 201, 'hit']);
    expect(second.body).toEqual(first.body);
  });
});

describe('validation', () => {
  test('names every error at once and saves nothing', async () => {
    const { status, body } = await post(
      '/validate',
      aTemplate('checked', { start: 'nowhere', steps: { call: { ...call, due: 'P0D' }, ...ends } }),
    );
    expect([status, body.isValid]).toEqual([200, false]);
    expect(body.errors.map(({ code, path }: { code: string; path: string }) => `${code} ${path}`)).toEqual(
      expect.arrayContaining(['J010 /start', 'J040 /steps/call/due']),
    );
    expect((await get('/checked')).status).toBe(404);
  });

  test('knows the calendars, zones, actions and teams of the tenant', async () => {
    const steps = {
      ask: {
        kind: 'approval',
        approvers: { roles: ['demo-team', 'demo-support'] },
        quorum: 'any',
        within: 'PT1H',
        onTimeout: 'incident',
        transitions: [{ to: 'won', default: true }],
      },
      ...ends,
    };
    const defaults = { calendar: 'none', timezone: 'Europe/Brusels' };
    const { body } = await post('/validate', aTemplate('known', { start: 'ask', steps, defaults }));
    const found = body.errors.map(({ code, path }: { code: string; path: string }) => `${code} ${path}`);
    expect(found).toEqual(expect.arrayContaining(['J043 /defaults/calendar', 'J043 /defaults/timezone']));
  });

  test('refuses what is no object', async () => {
    expect((await post('/validate', [])).body.code).toBe('invalid_request');
  });
});

describe('publishing', () => {
  test('makes a version that never changes, by somebody else than its author', async () => {
    await post('', aTemplate('renewal'), 'admin');
    const own = await post('/renewal/publish', {}, 'admin');
    expect([own.status, own.body.code, own.body.permission]).toEqual([403, 'forbidden', 'template.publish']);
    await post('', aTemplate('winback'));
    const made = await post('/winback/publish', {}, 'admin');
    expect([made.status, made.headers.get('location')]).toEqual([201, `${base}/winback/versions/1`]);
    expect(made.body).toMatchObject({
      key: 'winback',
      version: 1,
      status: 'published',
      mode: 'new_only',
      publishedBy: `user/${demo.admin}`,
    });
    expect(made.body.contentHash).toMatch(/^[0-9a-f]{64}$/);
    await put('/winback/draft', aTemplate('winback', { name: 'Second' }));
    expect((await get('/winback/versions/1')).body.template).toEqual(aTemplate('winback'));
    await post('', aTemplate('no_body'));
    const bare = await stage.call('admin', 'POST', `${base}/no_body/publish`);
    expect([bare.status, bare.body.mode]).toEqual([201, 'new_only']);
    expect((await get('/winback')).body).toMatchObject({ latest: 1, status: 'published', draft: { isPublished: false } });
    expect((await post('/winback/publish', {}, 'admin')).body.version).toBe(2);
    expect((await get('/winback')).body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
  });

  test('is for admins, and for who has read the draft as it is', async () => {
    await post('', aTemplate('guarded'));
    expect((await post('/guarded/publish', {}, 'lead')).status).toBe(403);
    const stale = await post('/guarded/publish', {}, 'admin', { 'if-match': '"7"' });
    expect([stale.status, stale.body.current]).toEqual([412, 1]);
    expect((await post('/nobody/publish', {}, 'admin')).status).toBe(404);
  });

  test('is refused with everything that is wrong, and stores nothing', async () => {
    await post('', aTemplate('broken', { start: 'nowhere' }));
    const refused = await post('/broken/publish', {}, 'admin');
    expect([refused.status, refused.body.code]).toEqual([422, 'template_invalid']);
    expect(codes(refused)).toContain('J010');
    expect(refused.body.diagnostics[0]).toMatchObject({ code: 'J010', why: expect.any(String) });
    expect((await get('/broken')).body.versions).toEqual([]);
  });

  test('takes up to 500 steps, by whatever way they come', async () => {
    const most = aTemplate('longest', aChain(500));
    expect((await post('/validate', most)).body).toMatchObject({ isValid: true, errors: [] });
    await published('longest', aChain(500));
    expect(Object.keys((await get('/longest/versions/1')).body.template.steps)).toHaveLength(500);

    expect((await post('', aTemplate('too_long', aChain(201)))).status).toBe(201);
    const drafted = await put('/too_long/draft', aTemplate('too_long', aChain(501)));
    expect([drafted.status, codes(drafted)]).toEqual([200, ['J005']]);
    const refused = await post('/too_long/publish', {}, 'admin');
    expect([refused.status, refused.body.code, codes(refused)]).toEqual([422, 'template_invalid', ['J005']]);
  });

  test('takes no object that nobody could read', async () => {
    const refused = await post('/validate', aTemplate('endless', aChain(1_001)));
    expect([refused.status, refused.body.code, refused.body.limit]).toEqual([400, 'too_deep', 1_000]);
    // Elsewhere objects are as small as ever.
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`k${index}`, 1]));
    const other = await stage.call('lead', 'POST', '/v1/journeys', { template: 'longest', input: many });
    expect([other.status, other.body.code, other.body.limit]).toEqual([400, 'too_deep', 200]);
  });

  test('of what was published already changes nothing', async () => {
    await published('same');
    await put('/same/draft', aTemplate('same'), 1);
    const again = await post('/same/publish', {}, 'admin');
    expect([again.status, again.body.code, again.body.version]).toEqual([409, 'nothing_changed', 1]);
  });

  test('says what this version of Usher cannot do yet', async () => {
    const steps = {
      test: {
        kind: 'experiment',
        salt: 's',
        variants: [
          { id: 'a', weight: 50 },
          { id: 'b', weight: 50 },
        ],
        transitions: [
          { to: 'won', outcome: 'a' },
          { to: 'lost', outcome: 'b' },
        ],
      },
      ...ends,
    };
    await post('', aTemplate('trial', { start: 'test', steps }));
    const kind = await post('/trial/publish', {}, 'admin');
    expect([kind.status, kind.body.code, kind.body.errors[0].pointer]).toEqual([422, 'kind_not_available', '/steps/test/kind']);
    await post('', aTemplate('moved'));
    const mode = await post('/moved/publish', { mode: 'migrate' }, 'admin');
    expect([mode.status, mode.body.code, mode.body.errors[0].pointer]).toEqual([422, 'kind_not_available', '/mode']);
  });

  test('two at once make one version', async () => {
    await post('', aTemplate('raced'));
    const both = await Promise.all([post('/raced/publish', {}, 'admin'), post('/raced/publish', {}, 'admin')]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]));
  });
});

describe('versions', () => {
  test('are deprecated, then archived once nobody runs on them', async () => {
    await published('leaving');
    await anInstance('leaving', { ended: true });
    const open = await anInstance('leaving');
    const early = await post('/leaving/versions/1/archive', undefined, 'admin');
    expect([early.status, early.body.code]).toEqual([409, 'still_in_use']);
    const deprecated = await post('/leaving/versions/1/deprecate', undefined, 'admin');
    expect(deprecated.body).toMatchObject({ status: 'deprecated', deprecatedAt: expect.any(String), openJourneys: 1 });
    const held = await post('/leaving/versions/1/archive', undefined, 'admin');
    expect([held.status, held.body.open]).toEqual([409, 1]);
    const end = aRecord(open, {
      events: [anEvent('journey.ended', 3)],
      view: { start: aStart(open, { template: { key: 'leaving', version: 1, hash: 'a'.repeat(64) } }), status: 'cancelled', endedAt: noon },
    });
    await projectJourney({ db: stage.db, newId: randomUUID, onRepaired: () => undefined }, [end]);
    const archived = await post('/leaving/versions/1/archive', undefined, 'admin');
    expect(archived.body).toMatchObject({ status: 'archived', archivedAt: expect.any(String) });
    expect((await post('/leaving/versions/1/deprecate', undefined, 'admin')).body.status).toBe('archived');
    expect((await get('/leaving')).body.status).toBe('archived');
  });

  test('that do not exist are not found', async () => {
    await published('single');
    expect((await get('/single/versions/2')).status).toBe(404);
    expect((await get('/single/versions/0')).status).toBe(404);
    expect((await post('/single/versions/2/deprecate', undefined, 'admin')).status).toBe(404);
    const { headers } = await get('/single/versions/1');
    expect((await get('/single/versions/1', 'lead', { 'if-none-match': headers.get('etag') ?? '' })).status).toBe(304);
  });
});

const entry = (at: string, fields: { readonly result: string; readonly [field: string]: unknown }) => ({
  tenantId: demo.tenant,
  id: randomUUID(),
  templateKey: 'entered',
  actor: 'system/relay',
  at,
  ...fields,
});

describe('lists', () => {
  test('go by key, page by page, and filter', async () => {
    await published('list_a', { category: 'custom' });
    await post('', aTemplate('list_b', { category: 'custom' }));
    const seen: string[] = [];
    for (let path = '?limit=1&category=custom'; path !== '';) {
      const { body } = await get(path);
      seen.push(...body.data.map(({ key }: { key: string }) => key));
      path = body.page.next === null ? '' : `?limit=1&category=custom&cursor=${body.page.next}`;
    }
    expect(seen.filter((key) => key.startsWith('list_'))).toEqual(['list_a', 'list_b']);
    expect(seen).toEqual(seen.toSorted((a, b) => (a < b ? -1 : 1)));
    const drafts = await get('?limit=100&status=draft');
    expect(drafts.body.data.map(({ key }: { key: string }) => key)).toContain('list_b');
    expect(drafts.body.data.map(({ key }: { key: string }) => key)).not.toContain('list_a');
    expect((await get('?status=open')).body.code).toBe('unknown_parameter');
  });

  test('of entries show who was refused and why', async () => {
    await published('entered');
    await stage.sql((tx) =>
      tx
        .insertInto('journeyEntry')
        .values([
          entry('2026-01-05T09:00:00Z', {
            result: 'started',
            subjectType: 'customer',
            subjectId: 'c1',
            journeyId: 'JRN-1',
            templateVersion: 1,
          }),
          entry('2026-01-05T10:00:00Z', { result: 'refused', reason: 'already_active', triggerId: 't', eventId: 'e1' }),
          entry('2026-01-05T11:00:00Z', { result: 'refused', reason: 'capacity' }),
        ])
        .execute(),
    );
    const first = await get('/entered/entries?limit=2');
    expect(first.body.data).toMatchObject([
      { result: 'refused', reason: 'capacity', subject: null, trigger: null },
      { result: 'refused', reason: 'already_active', trigger: 't', event: 'e1' },
    ]);
    const second = await get(`/entered/entries?limit=2&cursor=${first.body.page.next}`);
    expect(second.body.data).toMatchObject([{ result: 'started', subject: { type: 'customer', id: 'c1' }, journey: 'JRN-1', version: 1 }]);
    expect((await get('/entered/entries?reason=capacity')).body.data).toHaveLength(1);
    expect((await get('/nobody/entries')).status).toBe(404);
  });
});

describe('diagrams', () => {
  test('draw the newest version, another one, or the draft', async () => {
    await post('', aTemplate('drawn'));
    expect((await get('/drawn/diagram')).body).toMatchObject({ version: null, format: 'mermaid' });
    await post('/drawn/publish', {}, 'admin');
    const { body } = await get('/drawn/diagram');
    expect(body.version).toBe(1);
    expect(body.flowchart).toContain('flowchart TD');
    expect(body.states).toContain('stateDiagram-v2');
    await put('/drawn/draft', aTemplate('drawn', { name: 'Other', steps: { call: { ...call, name: 'Ring up' }, ...ends } }));
    expect((await get('/drawn/diagram?version=draft')).body.flowchart).toContain('Ring up');
    expect((await get('/drawn/diagram?version=2')).status).toBe(404);
  });

  test('as places, with what instances did', async () => {
    await published('figured');
    await anInstance('figured');
    await anInstance('figured', { ended: true });
    const { body } = await get('/figured/diagram?format=json&overlay=true');
    expect(body.nodes).toMatchObject([
      { id: 'call', kind: 'manual', x: 0, y: 0 },
      { id: 'won', x: 0, y: 1 },
      { id: 'lost', x: 1, y: 1 },
    ]);
    expect(body.edges).toEqual([
      { from: 'call', to: 'won', kind: 'done' },
      { from: 'call', to: 'lost', kind: 'done' },
    ]);
    expect(body.figures).toEqual([{ step: 'call', entered: 2, open: 1, incidents: 0, conversion: 1, medianDwellS: 3600 }]);
  });
});

describe('other tenants and roles', () => {
  test('a foreign tenant finds nothing and may use the same key', async () => {
    await published('private');
    expect((await get('/private', 'foreign')).status).toBe(404);
    expect((await get('/private/versions/1', 'foreign')).status).toBe(404);
    expect((await post('', aTemplate('private'), 'foreign')).status).toBe(201);
    expect((await get('?limit=100', 'foreign')).body.data.map(({ key }: { key: string }) => key)).toEqual(['private']);
  });

  test.each(['agent', 'customer', 'service'] as const)('%s has no part in templates', async (who) => {
    const answers = await Promise.all([get('', who), post('', aTemplate('mine'), who), post('/mine/publish', {}, who)]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  });
});
