/** One effect for one key, whatever breaks on the way: real PostgreSQL, and the packages as a process. Source: reliability.md, R1 and R3. */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RegisteredAction } from '../../../activities/actions/action.js';
import { createActionRunner } from '../../../activities/actions.js';
import { createDb, withTenant } from '../../../db/client.js';
import { releaseActions } from '../../../db/queries/journey-actions.js';
import { storeValues } from '../../../db/queries/journey-questions.js';
import { demo, newApiKey, seedDemo } from '../../../db/seed.js';
import { effectKey } from '../../../domain/journey/action.js';
import type { ActionRequest, ActionResult } from '../../../domain/journey/action.js';
import type { BehaviourRule } from '../../../local/packages/behaviour.js';
import type { PackagesPart } from '../../../local/stack-parts.js';
import { freshDatabase } from '../../support/db.js';
import type { TestDatabase } from '../../support/db.js';
import { actionsAt, addressesAt, startPackagesPart } from './packages.js';

let database: TestDatabase;
let packages: PackagesPart;
let actions: ReadonlyMap<string, RegisteredAction>;
/** These wait no longer than tests can. */
let hasty: ReadonlyMap<string, RegisteredAction>;
/** Added to the clock, so that a lease can be over without waiting for it. */
let ahead = 0;

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  packages = await startPackagesPart();
  actions = actionsAt(database.db, addressesAt(packages.url));
  hasty = actionsAt(database.db, addressesAt(packages.url), { patienceMs: 2_000 });
});
afterAll(async () => {
  await packages.stop();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  ahead = 0;
  await packages.clear();
});

const tenant = demo.tenant;
const lease = 25_000;

let journeys = 0;
const aRequest = (changes: Partial<ActionRequest> = {}): ActionRequest => ({
  tenant,
  journeyId: `JRN-${String((journeys += 1)).padStart(16, '0')}`,
  step: 'pay',
  visit: 1,
  item: null,
  attempt: 1,
  effect: 'crm.qualify_lead@1',
  input: { leadId: 'L-1' },
  recipient: 'L-1',
  ...changes,
});
const aCharge = (changes: Partial<ActionRequest> = {}): ActionRequest =>
  aRequest({ effect: 'billing.charge@1', input: { customerId: 'C-1', amountCents: 4_900, currency: 'EUR' }, recipient: 'C-1', ...changes });

/** @param limitMs what the attempt has in all, before the workflow stops waiting */
const run = (request: ActionRequest, { limitMs = 25_000, with: registered = actions } = {}): Promise<ActionResult> =>
  new MockActivityEnvironment({ startToCloseTimeoutMs: limitMs }).run(
    createActionRunner({ db: database.db, actions: registered, now: () => Date.now() + ahead }).runAction,
    request,
  );

const rowOf = (request: ActionRequest) =>
  withTenant(database.db, tenant, (tx) =>
    tx
      .selectFrom('journeyAction')
      .select(['state', 'attempts', 'output', 'error', 'lateResult', 'effect', 'leaseUntil'])
      .where('tenantId', '=', tenant)
      .where('dedupeKey', '=', effectKey(request))
      .executeTakeFirst(),
  );

/** How often the package was called for a request, and how often it did something. */
async function effects(request: ActionRequest): Promise<{ calls: number; executed: number }> {
  const calls = await packages.calls({ key: effectKey(request) });
  return { calls: calls.length, executed: calls.filter(({ executed }) => executed).length };
}

const recommend = (): ActionRequest =>
  aRequest({ effect: 'crm.recommend_plan@1', input: { customerId: 'C-1', usagePercentage: 90 }, recipient: 'C-1' });
const textAt = (id: string) =>
  withTenant(database.db, tenant, (tx) =>
    tx.selectFrom('content').select(['body', 'kind', 'journeyId', 'visibility', 'linkedAt']).where('id', '=', id).executeTakeFirst(),
  );

/** As a killed worker leaves it. */
const abandon = (request: ActionRequest): Promise<void> =>
  withTenant(database.db, tenant, async (tx) => {
    await tx
      .updateTable('journeyAction')
      .set({ state: 'sending', output: null, error: null, leaseUntil: new Date(Date.now() + ahead + lease).toISOString() })
      .where('dedupeKey', '=', effectKey(request))
      .execute();
  });

describe('an answer', () => {
  test('is recorded, and what nobody declared is left out', async () => {
    const request = aRequest({ input: { leadId: 'L-1', leadScore: 85 } });
    expect(await run(request)).toEqual({ state: 'done', output: { score: 85, qualified: true } });
    expect(await rowOf(request)).toEqual({
      state: 'done',
      attempts: 1,
      output: { score: 85, qualified: true },
      error: null,
      lateResult: null,
      effect: 'idempotent',
      leaseUntil: null,
    });
  });

  test('is given again without a call, whatever the attempt, and also when the package is gone', async () => {
    const request = aRequest();
    const first = await run(request);
    await packages.behave({ path: '/', status: 500 });
    expect(await run({ ...request, attempt: 2 })).toEqual(first);
    expect(await run({ ...request, attempt: 3, input: { leadId: 'L-other' } })).toEqual(first);
    expect(await effects(request)).toEqual({ calls: 1, executed: 1 });
  });

  test('of another visit, item, recipient or action is another effect', async () => {
    const request = aRequest();
    const others = [request, { ...request, visit: 2 }, { ...request, item: 'i2' }, { ...request, recipient: 'L-2' }];
    for (const other of others) await run(other);
    expect(new Set(others.map(effectKey)).size).toBe(4);
    expect((await packages.calls({ path: '/crm' })).map(({ executed }) => executed)).toEqual([true, true, true, true]);
  });

  test('of two attempts at once is the same, and has one effect', async () => {
    const request = aRequest();
    await packages.behave({ path: '/crm', delayMs: 100 });
    const answers = await Promise.all([run(request), run(request)]);
    expect(answers.map((answer) => (answer.state === 'done' ? answer.output : answer))).toEqual([
      { score: expect.any(Number), qualified: expect.any(Boolean) },
      { score: expect.any(Number), qualified: expect.any(Boolean) },
    ]);
    expect(answers[0]).toMatchObject({ output: answers[1]?.state === 'done' ? answers[1].output : null });
    expect((await effects(request)).executed).toBe(1);
  });

  test('keeps the score that came with the lead', async () => {
    const answer = await run(aRequest({ input: { leadId: 'L-7', qualificationScore: 12 } }));
    expect(answer).toMatchObject({ state: 'done', output: { score: 12 } });
  });
});

describe('texts', () => {
  test('of an output stay in the database; the journey is given their id', async () => {
    const request = recommend();
    const answer = await run(request);
    expect(answer).toEqual({ state: 'done', output: { plan: 'fiber-1000', reason: { $ref: expect.stringMatching(/^[0-9a-f-]{36}$/) } } });
    const { $ref } = (answer as unknown as { output: { reason: { $ref: string } } }).output.reason;
    expect(await textAt($ref)).toEqual({
      body: 'You use 90 % of your plan; fiber-1000 leaves you room.',
      kind: 'variable',
      journeyId: request.journeyId,
      visibility: 'internal',
      linkedAt: expect.any(Date),
    });
    expect(JSON.stringify(await rowOf(request))).not.toContain('leaves you room');
  });

  test('get the same id in a second attempt', async () => {
    const request = recommend();
    await packages.behave({ path: '/crm', drop: 'after', times: 1 });
    await run(request);
    const [second, third] = [await run(request), await run(request)];
    expect(second).toEqual(third);
    const rows = await withTenant(database.db, tenant, (tx) =>
      tx.selectFrom('content').select('id').where('journeyId', '=', request.journeyId).execute(),
    );
    expect(rows).toHaveLength(1);
  });

  test('of an input are looked up for the call alone', async () => {
    const id = randomUUID();
    await withTenant(database.db, tenant, (tx) =>
      tx
        .insertInto('content')
        .values({ tenantId: tenant, id, kind: 'variable', visibility: 'internal', authorKind: 'system', body: 'the website' })
        .execute(),
    );
    const request = aRequest({ input: { leadId: 'L-1', source: { $ref: id } } });
    expect(await run(request)).toMatchObject({ state: 'done' });
    expect(await packages.calls({ key: effectKey(request) })).toMatchObject([{ body: { leadId: 'L-1', source: 'the website' } }]);
  });

  test('that are no texts come as the values they are', async () => {
    const id = randomUUID();
    const values = [{ id, value: 90 }];
    await withTenant(database.db, tenant, (tx) => storeValues(tx, tenant, 'JRN-0000000000000009', values));
    const request = aRequest({ effect: 'crm.recommend_plan@1', input: { customerId: 'C-1', usagePercentage: { $ref: id } } });
    expect(await run(request)).toMatchObject({ state: 'done' });
    expect(await packages.calls({ key: effectKey(request) })).toMatchObject([{ body: { customerId: 'C-1', usagePercentage: 90 } }]);
  });

  test.each([randomUUID(), 'no-uuid'])('that are gone (%s) are no reason to ask without them', async (id) => {
    const request = aRequest({ input: { leadId: 'L-1', source: { $ref: id } } });
    expect(await run(request)).toEqual({ state: 'failed', error: 'content_missing', retryable: false });
    expect(await effects(request)).toEqual({ calls: 0, executed: 0 });
  });
});

describe('a clear no', () => {
  test('by a code of the declaration is called by it', async () => {
    const request = aCharge({ input: { customerId: 'bad-card', amountCents: 1, currency: 'EUR' } });
    expect(await run(request)).toEqual({ state: 'failed', error: 'card_declined', retryable: false });
    expect(await rowOf(request)).toMatchObject({ state: 'failed', error: 'card_declined', leaseUntil: null });
  });

  test.each<[string, BehaviourRule, string, boolean]>([
    ['any other', { path: '/', status: 403, code: 'no_rights' }, 'Rejected', false],
    ['one without a code', { path: '/', status: 404 }, 'Rejected', false],
    ['to our haste', { path: '/', status: 429 }, 'Unavailable', true],
  ])('%s', async (_, rule, error, retryable) => {
    await packages.behave(rule);
    expect(await run(aCharge())).toEqual({ state: 'failed', error, retryable });
  });

  test('leaves the way free for another attempt, of an effect that must not be doubled too', async () => {
    const request = aCharge();
    await packages.behave({ path: '/', status: 429, times: 1 });
    await run(request);
    expect(await run({ ...request, attempt: 2 })).toMatchObject({ state: 'done' });
    expect(await effects(request)).toEqual({ calls: 2, executed: 1 });
    expect(await rowOf(request)).toMatchObject({ attempts: 2, error: null });
  });

  test('of nobody listening is none of the package, and may be tried again', async () => {
    const elsewhere = actionsAt(database.db, { ...addressesAt('http://127.0.0.1:9'), billing: null });
    expect(await run(aRequest(), { with: elsewhere })).toEqual({ state: 'failed', error: 'Unavailable', retryable: true });
    expect(await run(aCharge(), { with: elsewhere })).toEqual({ state: 'failed', error: 'not_configured', retryable: false });
  });
});

describe('no clear answer', () => {
  const broken: [string, BehaviourRule, string, number][] = [
    ['broken off before', { path: '/', drop: 'before', times: 1 }, 'Unavailable', 0],
    ['broken off after', { path: '/', drop: 'after', times: 1 }, 'Unavailable', 1],
    ['a fault of theirs', { path: '/', status: 503, times: 1 }, 'Unavailable', 0],
    ['silence before', { path: '/', hang: 'before', times: 1 }, 'timeout', 0],
    ['silence after', { path: '/', hang: 'after', times: 1 }, 'timeout', 1],
  ];

  test.each(broken)('%s: what may be repeated is asked again under the same key, and has one effect', async (_, rule, error, before) => {
    const request = aRequest();
    await packages.behave(rule);
    expect(await run(request, { with: rule.hang === undefined ? actions : hasty })).toEqual({ state: 'failed', error, retryable: true });
    expect(await effects(request)).toEqual({ calls: 1, executed: before });
    expect(await rowOf(request)).toMatchObject({ state: 'unknown', error });
    expect(await run({ ...request, attempt: 2 })).toMatchObject({ state: 'done' });
    expect(await effects(request)).toEqual({ calls: 2, executed: 1 });
  });

  test.each(broken)('%s: what must not be doubled is kept as unknown and not asked again', async (_, rule, _error, before) => {
    const request = aCharge();
    await packages.behave(rule);
    expect(await run(request, { with: rule.hang === undefined ? actions : hasty })).toEqual({ state: 'unknown', error: 'no_answer' });
    expect(await run({ ...request, attempt: 2 })).toEqual({ state: 'unknown', error: 'no_answer' });
    expect(await rowOf(request)).toMatchObject({ state: 'unknown', error: 'no_answer', attempts: 1 });
    expect(await effects(request)).toEqual({ calls: 1, executed: before });
  });

  test('a person may let it be asked for once more', async () => {
    const request = aCharge();
    const { journeyId, step, visit } = request;
    const release = (at = visit) =>
      withTenant(database.db, tenant, (tx) => releaseActions(tx, tenant, { journeyId, step, visit: at }, Date.now()));
    await packages.behave({ path: '/', drop: 'before', times: 1 });
    await run(request);
    expect(await release(2)).toBe(0);
    expect(await run({ ...request, attempt: 2 })).toMatchObject({ state: 'unknown' });
    expect(await run({ ...request, attempt: 2, release: true })).toMatchObject({ state: 'done' });
    expect(await effects(request)).toEqual({ calls: 2, executed: 1 });
    expect(await release()).toBe(0);
  });
});

describe('an answer nobody can use', () => {
  test.each(['html', 'huge', 'strange'] as const)('%s is no reason to ask again', async (answer) => {
    await packages.behave({ path: '/', answer });
    const request = aRequest({ effect: 'service.test@1', input: { customerId: 'C-1' } });
    expect(await run(request)).toEqual({ state: 'failed', error: 'invalid_output', retryable: false });
  });

  test.each(['html', 'huge', 'strange'] as const)('%s of what must not be doubled is for a person', async (answer) => {
    await packages.behave({ path: '/', answer, times: 1 });
    const request = aCharge();
    expect(await run(request)).toEqual({ state: 'unknown', error: 'invalid_output' });
    expect(await run(request)).toEqual({ state: 'unknown', error: 'invalid_output' });
    expect(await effects(request)).toEqual({ calls: 1, executed: 1 });
  });
});

describe('an attempt that did not come back', () => {
  test('is taken over at once, where repeating is safe', async () => {
    const request = aRequest();
    const first = await run(request);
    await abandon(request);
    expect(await run(request)).toEqual(first);
    expect(await effects(request)).toEqual({ calls: 2, executed: 1 });
    expect(await rowOf(request)).toMatchObject({ state: 'done', attempts: 2 });
  });

  test('is waited for, where it is not, and unknown when its time is over', async () => {
    const request = aCharge();
    await run(request);
    await abandon(request);
    expect(await run(request, { limitMs: 500 })).toEqual({ state: 'failed', error: 'timeout', retryable: true });
    expect(await rowOf(request)).toMatchObject({ state: 'sending', attempts: 1 });
    ahead = lease + 1_000;
    expect(await run(request)).toEqual({ state: 'unknown', error: 'no_answer' });
    expect(await rowOf(request)).toMatchObject({ state: 'unknown', attempts: 1, leaseUntil: null });
    expect((await effects(request)).calls).toBe(1);
  });

  test('is answered for by its own end, when that comes in time', async () => {
    const request = aCharge();
    await packages.behave({ path: '/', delayMs: 250 });
    const first = run(request);
    await expect.poll(() => rowOf(request)).toMatchObject({ state: 'sending' });
    const second = run({ ...request, attempt: 2 });
    expect(await second).toEqual(await first);
    expect(await effects(request)).toEqual({ calls: 1, executed: 1 });
  });
});

describe('an answer that comes late', () => {
  test('to an attempt whose time was over is recorded, and marked as late', async () => {
    const request = aRequest();
    await packages.behave({ path: '/', delayMs: 200 });
    const running = run(request, { limitMs: 25_000 });
    await expect.poll(() => rowOf(request)).toMatchObject({ state: 'sending' });
    ahead = 60_000;
    const answer = await running;
    expect(answer).toMatchObject({ state: 'done', late: true });
    const output = answer.state === 'done' ? answer.output : {};
    expect(await rowOf(request)).toMatchObject({ state: 'done', output, lateResult: output });
  });

  test('to an attempt that was given up does not change the state', async () => {
    const request = aCharge();
    await packages.behave({ path: '/', delayMs: 300 });
    const running = run(request);
    await expect.poll(() => rowOf(request)).toMatchObject({ state: 'sending' });
    ahead = lease + 1_000;
    expect(await run({ ...request, attempt: 2 })).toEqual({ state: 'unknown', error: 'no_answer' });
    const answer = await running;
    expect(answer).toMatchObject({ state: 'done', late: true, output: { chargeId: expect.stringMatching(/^CHG-/) } });
    expect(await rowOf(request)).toMatchObject({
      state: 'unknown',
      output: null,
      lateResult: { chargeId: expect.stringMatching(/^CHG-/) },
    });
    expect(await effects(request)).toEqual({ calls: 1, executed: 1 });
  });
});

describe('what is not even asked', () => {
  test('an action nobody registered', async () => {
    expect(await run(aRequest({ effect: 'crm.sell_soul@1' }))).toEqual({ state: 'failed', error: 'unknown_action', retryable: false });
  });

  test('one with an input it does not take', async () => {
    const request = aRequest({ input: { leadId: 'L-1', leadScore: 'high' } });
    expect(await run(request)).toEqual({ state: 'failed', error: 'invalid_input', retryable: false });
    expect(await effects(request)).toEqual({ calls: 0, executed: 0 });
  });
});

test('a database that is away is told by its code alone, and nothing is called', async () => {
  const request = aRequest();
  const away = createDb({
    url: 'postgres://desk:s3cret@127.0.0.1:9/desk',
    role: 'usher_app',
    pool: 1,
    name: 'test',
    onBroken: () => undefined,
  });
  const { runAction } = createActionRunner({ db: away, actions, now: Date.now });
  const failure = { type: 'action.retry', nonRetryable: false, message: 'action.retry: database_ECONNREFUSED' };
  await expect(new MockActivityEnvironment().run(runAction, request)).rejects.toMatchObject(failure);
  expect(await effects(request)).toEqual({ calls: 0, executed: 0 });
  await away.destroy();
});

test.each(['crm', 'business-logic', 'field-ops', 'support-system', 'billing-system'])('%s takes handoffs', async (receiver) => {
  const request = aRequest({
    effect: `${receiver}.accept_handoff@1`,
    input: { handoffId: 'JRN-1.s.1', journeyId: 'JRN-1', stepId: 's', from: 'sales', to: receiver, data: { customerId: 'C-1' } },
    recipient: receiver,
  });
  expect(await run(request)).toEqual({
    state: 'done',
    output: { accepted: true, reference: expect.stringMatching(/^[A-Z]+-[0-9a-f]{12}$/) },
  });
  const refused = { ...request, visit: 2, input: { ...request.input, data: { customerId: 'bad-1' } } };
  expect(await run(refused)).toEqual({ state: 'failed', error: 'handoff_refused', retryable: false });
});

test('no other tenant sees the ledger', async () => {
  const request = aRequest();
  await run(request);
  const other = '018f3b1e-0000-7000-8000-0000000000ff';
  const seen = await withTenant(database.db, other as typeof tenant, (tx) =>
    tx.selectFrom('journeyAction').select('state').where('dedupeKey', '=', effectKey(request)).execute(),
  );
  expect(seen).toEqual([]);
});
