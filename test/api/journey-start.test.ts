/** Starting journeys over the API: what answers what, and that a repetition starts no other. Source: journeys.md, sections 2, 3, 10 and 13. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import { withTenant } from '../../db/client.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { demo, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
/** Straight to the database. */
const past = async (query: RawBuilder<Record<string, unknown>>): Promise<Record<string, unknown>[]> =>
  (await withTenant(stage.db, demo.tenant, (tx) => query.execute(tx))).rows;
beforeEach(() => stage.journeys.reset());

const start = (body: unknown, who: Who = 'lead', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', '/v1/journeys', body, headers);

let count = 0;
async function publish(changes: Partial<JourneyTemplate> = {}): Promise<string> {
  count += 1;
  const template: JourneyTemplate = {
    key: `entered${count}`,
    name: 'Entered',
    category: 'custom',
    subject: { type: 'customer', id: 'customerId' },
    input: {
      type: 'object',
      properties: { customerId: { type: 'string' }, score: { type: 'number', minimum: 0 }, issue: { type: 'string' } },
      required: ['customerId'],
    },
    start: 'call',
    steps: {
      call: { kind: 'manual', assign: { roles: ['admin'] }, transitions: [{ to: 'end' }] },
      end: { kind: 'end', outcome: 'done', result: 'won' },
    },
    ...changes,
  };
  await publishBuiltInsOf(stage.db, demo.tenant, [template]);
  return template.key;
}
const entries = (key: string) =>
  withTenant(stage.db, demo.tenant, (tx) =>
    tx.selectFrom('journeyEntry').select(['result', 'reason', 'journeyId', 'actor']).where('templateKey', '=', key).orderBy('at').execute(),
  );
const opened = () => stage.journeys.received.filter(({ verb }) => verb === 'open');

test('a start answers with the journey, where it is, and its version', async () => {
  const key = await publish();
  const made = await start({ template: key, input: { customerId: 'C1', score: 5 } });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  expect(made.body).toMatchObject({
    templateKey: key,
    version: 1,
    entry: 'started',
    status: 'active',
    subject: { type: 'customer', id: 'C1' },
  });
  expect(made.headers.get('location')).toBe(`/v1/journeys/${made.body.id}`);
  expect(made.headers.get('etag')).toBe(`"${made.body.seq}"`);
  expect(opened()).toMatchObject([
    {
      to: `journey/${made.body.id}`,
      args: { actor: `user/${demo.lead}`, role: 'lead', source: 'api', requester: demo.lead, trigger: null, parent: null, entry: 1 },
    },
  ]);
  expect(await entries(key)).toMatchObject([{ result: 'started', journeyId: made.body.id, actor: `user/${demo.lead}` }]);
});

test('the subject may be named beside the input, and fills it', async () => {
  const key = await publish();
  const made = await start({ template: key, subject: { type: 'customer', id: 'C1' }, input: { score: 5 } }, 'service');
  expect(made.status).toBe(201);
  expect(opened()[0]?.args).toMatchObject({ input: { customerId: 'C1', score: 5 }, requester: null });
});

describe('a second start of the same subject', () => {
  test.each([
    ['ignore', 200, 'existing'],
    ['signal', 200, 'signalled'],
  ] as const)('%s', async (onDuplicate, status, entry) => {
    const key = await publish({ entry: { onDuplicate } });
    const first = await start({ template: key, input: { customerId: 'C1' } });
    const second = await start({ template: key, input: { customerId: 'C1', score: 9 } });
    expect([second.status, second.body.entry, second.body.id]).toEqual([status, entry, first.body.id]);
    expect(opened()).toHaveLength(1);
    const attached = stage.journeys.received.filter(({ verb }) => verb === 'attach');
    expect(attached.map(({ args }) => args['input'])).toEqual(entry === 'signalled' ? [{ customerId: 'C1', score: 9 }] : []);
  });

  test('reject', async () => {
    const key = await publish({ entry: { onDuplicate: 'reject' } });
    await start({ template: key, input: { customerId: 'C1' } });
    const second = await start({ template: key, input: { customerId: 'C1' } });
    expect([second.status, second.body.code, second.body.reason]).toEqual([409, 'already_active', 'already_active']);
    expect((await entries(key)).map(({ result, reason }) => [result, reason])).toEqual([
      ['started', null],
      ['refused', 'already_active'],
    ]);
  });
});

describe('a repetition', () => {
  test('under the same key is answered as the first', async () => {
    const key = await publish();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers);
    const again = await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers);
    expect([again.status, again.body, again.headers.get('idempotency-lookup')]).toEqual([201, first.body, 'hit']);
    expect((await start({ template: key, input: { customerId: 'C2' } }, 'lead', headers)).body.code).toBe('idempotency_key_reused');
    expect(opened()).toHaveLength(1);
  });

  test('of one whose answer was lost finds the journey it started', async () => {
    const key = await publish();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers);
    // The process died before it could keep the answer.
    await past(sql`update idempotency set status = null, body = null, headers = null, lease_until = now() - interval '1 second'`);
    const again = await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers);
    expect([again.status, again.body.id, again.body.entry]).toEqual([201, first.body.id, 'started']);
    expect(opened()).toHaveLength(1);
  });

  test('after the engine did not answer goes on with the same command', async () => {
    const key = await publish();
    const headers = { 'idempotency-key': randomUUID() };
    stage.journeys.trouble = 'unconfirmed';
    const lost = await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers);
    expect([lost.status, lost.body.code, lost.body.idempotencyKey]).toEqual([503, 'command_unconfirmed', headers['idempotency-key']]);
    stage.journeys.trouble = 'unavailable';
    expect((await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers)).body.code).toBe('engine_unavailable');
    stage.journeys.trouble = null;
    expect((await start({ template: key, input: { customerId: 'C1' } }, 'lead', headers)).status).toBe(201);
    expect(new Set(opened().map(({ args }) => args['commandId'])).size).toBe(1);
  });
});

test('S48: a cap of three; after one has ended the fourth start succeeds', async () => {
  const key = await publish();
  const settings = await stage.call('admin', 'GET', '/v1/journey-settings');
  const open = Number((await past(sql`select count(*)::int as n from journey where ended_at is null`))[0]?.['n']);
  const change = (most: number, etag: string | null) =>
    stage.call('admin', 'PUT', '/v1/journey-settings', { maxConcurrentJourneys: most }, { 'if-match': etag ?? '' });
  const changed = await change(open + 3, settings.headers.get('etag'));
  expect([changed.status, changed.body.maxConcurrentJourneys]).toEqual([200, open + 3]);
  for (const id of ['C1', 'C2', 'C3']) expect((await start({ template: key, input: { customerId: id } })).status).toBe(201);
  const headers = { 'idempotency-key': randomUUID() };
  const fourth = await start({ template: key, input: { customerId: 'C4' } }, 'lead', headers);
  expect([fourth.status, fourth.body.code, fourth.headers.get('retry-after')]).toEqual([429, 'capacity', '60']);
  expect((await entries(key)).at(-1)).toMatchObject({ result: 'refused', reason: 'capacity' });
  await past(sql`update journey set ended_at = now(), status = 'completed' where subject_id = 'C1' and template_key = ${key}`);
  expect((await start({ template: key, input: { customerId: 'C4' } }, 'lead', headers)).status).toBe(201);
  await change(500, changed.headers.get('etag'));
});

describe('refused with its reason', () => {
  test('S9: re-entry never', async () => {
    const key = await publish({ entry: { reentry: 'never' } });
    const first = await start({ template: key, input: { customerId: 'C1' } });
    await past(sql`update journey set ended_at = now(), status = 'completed' where id = ${first.body.id}`);
    const second = await start({ template: key, input: { customerId: 'C1' } });
    expect([second.status, second.body.code]).toEqual([409, 'reentry_not_allowed']);
  });

  test('an audience, by an attribute that was noted', async () => {
    const key = await publish({ entry: { audience: 'subject.plan == "gold"' } });
    const begin = () => start({ template: key, input: { customerId: 'C7' } });
    const unknown = await begin();
    expect([unknown.status, unknown.body.code, unknown.body.path]).toEqual([409, 'guard_error', 'subject.plan']);
    await stage.call('admin', 'PUT', '/v1/subjects/customer/C7', { attributes: { plan: 'tin' } });
    expect((await begin()).body).toMatchObject({ code: 'audience', guard: 'subject.plan == "gold"' });
    await stage.call('admin', 'PATCH', '/v1/subjects/customer/C7', { attributes: { plan: 'gold' } });
    expect((await begin()).status).toBe(201);
  });

  test('a template that is paused', async () => {
    const key = await publish();
    await past(sql`update journey_template set paused_at = now() where key = ${key}`);
    expect((await start({ template: key, input: { customerId: 'C1' } })).body.code).toBe('trigger_disabled');
  });
});

describe('what does not fit', () => {
  test('is told with every path, and nothing is started or noted', async () => {
    const key = await publish();
    const made = await start({ template: key, input: { score: -1, issue: 7 } });
    expect([made.status, made.body.code]).toEqual([422, 'input_invalid']);
    expect(made.body.errors).toEqual([
      { pointer: '/input/customerId', code: 'input_invalid', message: 'is required' },
      { pointer: '/input/score', code: 'input_invalid', message: 'must be at least 0' },
      { pointer: '/input/issue', code: 'input_invalid', message: 'must be string' },
    ]);
    const other = await start({ template: key, subject: { type: 'customer', id: 'C2' }, input: { customerId: 'C1' } });
    expect([other.status, other.body.errors[0].pointer]).toEqual([422, '/subject/id']);
    const wrong = await start({ template: key, subject: { type: 'lead', id: 'C1' }, input: { customerId: 'C1' } });
    expect(wrong.body.errors[0].pointer).toBe('/subject/type');
    expect(opened()).toEqual([]);
    expect(await entries(key)).toEqual([]);
  });

  test('a template or a version that is not there', async () => {
    const key = await publish();
    const unknown = await start({ template: 'nothing', input: {} });
    expect([unknown.status, unknown.body.code, unknown.body.pointer]).toEqual([422, 'unknown_reference', '/template']);
    const version = await start({ template: key, version: 9, input: { customerId: 'C1' } });
    expect([version.status, version.body.pointer]).toEqual([422, '/version']);
    expect((await start({ template: key, version: 1, input: { customerId: 'C1' } })).status).toBe(201);
  });

  test('another’s text, and fields that do not exist', async () => {
    const key = await publish();
    const named = await start({ template: key, input: { customerId: 'C1', issue: { $ref: randomUUID() } } });
    expect([named.status, named.body.errors[0].pointer]).toEqual([400, '/input']);
    expect((await start({ template: key, input: {}, why: 1 })).body.errors).toMatchObject([{ pointer: '/why', code: 'unknown_field' }]);
  });
});

test('texts stay in the database: the workflow gets their ids', async () => {
  const key = await publish();
  const made = await start({ template: key, input: { customerId: 'C1', issue: 'The modem smokes' } });
  expect(made.status).toBe(201);
  const { issue } = Object(opened()[0]?.args['input']);
  expect(JSON.stringify(stage.journeys.received)).not.toContain('smokes');
  const rows = await past(sql`select body, journey_id from content where id = ${issue.$ref}`);
  expect(rows).toEqual([{ body: 'The modem smokes', journeyId: made.body.id }]);
});

test('accepted, and PostgreSQL follows', async () => {
  const key = await publish();
  stage.journeys.projected = false;
  const made = await start({ template: key, input: { customerId: 'C1' } });
  expect([made.status, made.headers.get('usher-projection'), made.body.entry]).toEqual([202, 'pending', 'started']);
});

test.each([
  ['admin', 201],
  ['lead', 201],
  ['service', 201],
  ['agent', 403],
  ['customer', 403],
  ['reader', 403],
] as const)('%s: %i', async (who, status) => {
  const key = await publish();
  expect((await start({ template: key, input: { customerId: 'C1' } }, who)).status).toBe(status);
});

test('another tenant knows nothing of it', async () => {
  const key = await publish();
  expect((await start({ template: key, input: { customerId: 'C1' } }, 'foreign')).body.code).toBe('unknown_reference');
});

describe('settings', () => {
  const path = '/v1/journey-settings';
  test('have every package, and a revision to be read first', async () => {
    const read = await stage.call('lead', 'GET', path);
    expect(read.body.packageIntegrations).toMatchObject({ crm: { enabled: true }, 'field-ops': { enabled: true } });
    expect((await stage.call('admin', 'PUT', path, {})).status).toBe(428);
    expect((await stage.call('admin', 'PUT', path, {}, { 'if-match': '"99"' })).status).toBe(412);
    expect((await stage.call('lead', 'PUT', path, {}, { 'if-match': '"1"' })).status).toBe(403);
    const etag = read.headers.get('etag') ?? '';
    const wrong = await stage.call('admin', 'PUT', path, { packageIntegrations: { none: { enabled: true } } }, { 'if-match': etag });
    expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([400, '/packageIntegrations/none']);
    const off = await stage.call('admin', 'PUT', path, { packageIntegrations: { crm: { enabled: false } } }, { 'if-match': etag });
    expect(off.body.packageIntegrations).toMatchObject({ crm: { enabled: false }, 'field-ops': { enabled: true } });
    const same = await stage.call('lead', 'GET', path, undefined, { 'if-none-match': off.headers.get('etag') ?? '' });
    expect(same.status).toBe(304);
    await stage.call('admin', 'PUT', path, {}, { 'if-match': off.headers.get('etag') ?? '' });
  });
});
