/** Batches over journeys and handoffs that really run, on a real server: with what can come in between. */
import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createBulk } from '../../activities/bulk.js';
import type { Instances } from '../../activities/bulk-ports.js';
import type { BulkActivities } from '../../activities/contract.js';
import { createBulkEngine } from '../../api/bulk/engine.js';
import { findBatch, startBatch, storePreview } from '../../db/queries/bulk.js';
import type { BulkRecord, NewPreview } from '../../db/queries/bulk.js';
import { findHandoffFacts, findJourneyFacts } from '../../db/queries/bulk-facts.js';
import { countBulkItems, listBulkItems } from '../../db/queries/bulk-items.js';
import { demo } from '../../db/seed.js';
import type { Principal } from '../../domain/access/principal.js';
import type { BulkCommand } from '../../domain/bulk/command.js';
import { forecastHandoff, forecastJourney } from '../../domain/bulk/forecast.js';
import type { Foreseen } from '../../domain/bulk/preview.js';
import type { Step } from '../../domain/journey/step.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { hour } from '../../domain/time.js';
import { createInstances } from '../../worker/bulk-instances.js';
import { bulkStartOptions, bulkWorkflowId, bulkWorkflowType, usualBulkPace } from '../../workflows/bulk/start.js';
import type { BulkPace } from '../../workflows/bulk/start.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { keepHistory } from '../support/histories.js';
import { JourneyDesk } from '../support/journey-run.js';
import type { Begin, JourneyRun, Published } from '../support/journey-run.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: JourneyDesk;
let real: Instances;
/** What happens on the way to an instance, instead of asking it or around it; nothing by default. */
let onTheWay: Instances['ask'];
/** What happens around an activity. */
let around: (ask: BulkActivities['askInstance']) => BulkActivities['askInstance'];
let calling: Published;
let signing: Published;
let handing: Published;

const template = (key: string, step: Step): JourneyTemplate => ({
  key,
  name: key,
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  start: 'do',
  steps: { do: step, won: { kind: 'end', outcome: 'done', result: 'won' }, lost: { kind: 'end', outcome: 'gone', result: 'lost' } },
});
const either = (yes: string, no: string) => [
  { to: 'won', outcome: yes },
  { to: 'lost', outcome: no },
];

const open = (queueSuffix?: string): Promise<JourneyDesk> => {
  const bulk = createBulk({ db: database.db, instances: { ask: (command, signal) => onTheWay(command, signal) } });
  const activities = { ...bulk, askInstance: ((request) => around(bulk.askInstance)(request)) satisfies BulkActivities['askInstance'] };
  const { client, nativeConnection: connection } = env;
  const again = queueSuffix === undefined ? {} : { queueSuffix, seeded: true };
  return JourneyDesk.open({ client, connection, namespace: 'usher', database, activities, ...again });
};

beforeAll(async () => {
  env = await devEnvironment();
  real = createInstances({ client: env.client });
  database = await freshDatabase();
  desk = await open();
  calling = await desk.publish(
    template('calling', { kind: 'manual', name: 'Call', outcomes: ['done', 'declined'], transitions: either('done', 'declined') }),
  );
  signing = await desk.publish(
    template('signing', {
      kind: 'approval',
      name: 'Sign',
      approvers: { roles: ['lead', 'agent'] },
      quorum: 'any',
      within: 'P1D',
      onTimeout: 'incident',
      transitions: either('approved', 'rejected'),
    }),
  );
  handing = await desk.publish(
    template('handing', {
      kind: 'handoff',
      name: 'Hand over',
      from: 'crm',
      to: 'field-ops',
      mode: 'accept',
      acceptWithin: 'P1D',
      onTimeout: 'incident',
      transitions: either('completed', 'rejected'),
    }),
  );
});
afterAll(async () => {
  await desk.rest();
  await database[Symbol.asyncDispose]();
  await env.teardown();
});
beforeEach(() => {
  onTheWay = (command, signal) => real.ask(command, signal);
  around = (ask) => ask;
});

const by = (id: string, role: Principal['role']): Principal => ({
  tenant: demo.tenant,
  actor: `user/${id}`,
  id,
  role,
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
});
const lead = by(demo.lead, 'lead');
/** Quick enough for a test. */
const pace: BulkPace = { ...usualBulkPace, againMs: 500 };
const soon = (): number => Date.now() + 20_000;

async function start(published: Published, count: number, fields: Begin = {}): Promise<JourneyRun[]> {
  const runs: JourneyRun[] = [];
  while (runs.length < count) {
    const some = Math.min(20, count - runs.length);
    runs.push(...(await Promise.all(Array.from({ length: some }, () => desk.start(published, fields)))));
  }
  return runs;
}

/** Stores what the API would, a preview that was started at once. */
async function begin(command: BulkCommand, ids: readonly string[], words: NewPreview['words'] = {}, rate = 50): Promise<string> {
  const id = randomUUID();
  await desk.inTenant(async (tx) => {
    const items: Foreseen[] =
      command.target === 'journeys'
        ? (await findJourneyFacts(tx, lead, { ids }, 1_000)).map((one) => ({
            ref: one.id,
            forecast: forecastJourney(command, one, undefined, lead),
          }))
        : (await findHandoffFacts(tx, lead, { ids }, 1_000)).map((one) => ({ ref: one.id, forecast: forecastHandoff(command, one, lead) }));
    const { actor } = lead;
    const roles = ['lead', 'team_lead'];
    await storePreview(
      tx,
      demo.tenant,
      { id, command, words, filter: {}, actor, role: 'lead', roles, expiresAt: Date.now() + hour },
      items,
    );
    await startBatch(tx, demo.tenant, id, rate);
  });
  return id;
}

const run = (batch: string, changes: Partial<BulkPace> = {}) =>
  env.client.workflow.start(
    bulkWorkflowType,
    bulkStartOptions({ tenant: demo.tenant, batch, pace: { ...pace, ...changes } }, desk.queueSuffix),
  );
const job = (batch: string): Promise<BulkRecord | undefined> => desk.inTenant((tx) => findBatch(tx, demo.tenant, batch));
const counts = async (batch: string) =>
  Object.fromEntries((await desk.inTenant((tx) => countBulkItems(tx, demo.tenant, batch))).map(({ code, count }) => [code, count]));
const itemsOf = async (batch: string, target: BulkCommand['target']) =>
  Object.fromEntries(
    (await desk.inTenant((tx) => listBulkItems(tx, lead, { id: batch, target }, { limit: 1_000 }))).map(({ ref, code }) => [ref, code]),
  );
const pausing = { target: 'journeys', verb: 'pause', args: {} } as const;
const keep = (batch: string, name: string): Promise<void> => keepHistory(env.client, bulkWorkflowId(batch), `bulk/0.3-${name}`);
const settledOf = ({ ok, failed, skipped }: BulkRecord): number => ok + failed + skipped;

test('S50: the worker dies in the middle of a pause of 200; afterwards each has settled once, and it adds up', async () => {
  const journeys = await start(calling, 200);
  const batch = await begin(
    pausing,
    journeys.map(({ id }) => id),
    { reason: 'The provider is down' },
  );
  let asked = 0;
  let isDead = false;
  // Some are asked and their answer is lost with the worker, some have settled and Temporal never hears of it.
  onTheWay = async (command, signal) => {
    asked += 1;
    const answer = await real.ask(command, signal);
    if (asked > 80 && !isDead) throw new Error('killed');
    return answer;
  };
  around = (ask) => async (request) => {
    const said = await ask(request);
    if (asked > 70 && !isDead) throw new Error('killed');
    return said;
  };
  const handle = await run(batch, { pageSize: 60 });
  await expect.poll(() => asked, { timeout: 120_000 }).toBeGreaterThan(90);
  const { queueSuffix } = desk;
  await desk.rest();
  const half = await job(batch);
  expect([half?.state, half !== undefined && settledOf(half) < 200]).toEqual(['running', true]);
  isDead = true;
  desk = await open(queueSuffix);

  expect(await handle.result()).toMatchObject({ state: 'done', ended: true, total: 200, ok: 200, failed: 0, skipped: 0 });
  expect(await job(batch)).toMatchObject({ state: 'done', total: 200, ok: 200, failed: 0, skipped: 0, endedAt: expect.any(Date) });
  const commands = await desk.inTenant((tx) =>
    tx.selectFrom('event').select(['subject', 'commandId']).where('type', '=', 'journey.paused').orderBy('commandId').execute(),
  );
  expect(commands.map(({ subject }) => subject).toSorted()).toEqual(journeys.map(({ id }) => `journey/${id}`).toSorted());
  expect(new Set(commands.map(({ commandId }) => commandId)).size).toBe(200);
  const texts = await desk.inTenant((tx) =>
    tx.selectFrom('content').select(['journeyId', 'body', 'linkedAt']).where('kind', '=', 'reason').execute(),
  );
  expect(texts).toHaveLength(200);
  expect(texts.every(({ body, linkedAt }) => body === 'The provider is down' && linkedAt !== null)).toBe(true);
  await keep(batch, 'continued-as-new');
}, 300_000);

test('is started, paused, resumed and cancelled by the API, also after somebody terminated it', async () => {
  const journeys = await start(calling, 12);
  const engine = createBulkEngine(env.client, { queueSuffix: desk.queueSuffix });
  const batch = await begin(
    pausing,
    journeys.map(({ id }) => id),
    { reason: 'Too many' },
    2,
  );
  await engine.start(demo.tenant, batch, soon());
  await engine.start(demo.tenant, batch, soon());
  const control = (name: 'pause' | 'resume' | 'cancel') =>
    engine.control({ tenant: demo.tenant, batch, control: name, actor: lead.actor, commandId: `${name}/${batch}` }, soon());
  await expect.poll(async () => (await job(batch))?.ok, { timeout: 120_000 }).toBeGreaterThan(0);
  await control('pause');
  expect((await job(batch))?.state).toBe('paused');
  await env.client.workflow.getHandle(bulkWorkflowId(batch)).terminate();
  await control('resume');
  expect((await job(batch))?.state).toBe('running');
  const before = (await job(batch))?.ok ?? 0;
  await expect.poll(async () => (await job(batch))?.ok, { timeout: 120_000 }).toBeGreaterThan(before);
  await control('cancel');
  await env.client.workflow.getHandle(bulkWorkflowId(batch)).result();
  const ended = await job(batch);
  expect(ended).toMatchObject({ state: 'cancelled', total: 12, failed: 0, endedAt: expect.any(Date) });
  expect(ended !== undefined && settledOf(ended)).toBe(12);
  expect(await counts(batch)).toEqual({ done: ended?.ok, cancelled: ended?.skipped });
  const paused = await Promise.all(journeys.map(async (journey) => (await journey.state())?.status === 'paused'));
  expect(paused.filter(Boolean)).toHaveLength(ended?.ok ?? -1);
  await control('resume');
  expect((await job(batch))?.state).toBe('cancelled');
  await keep(batch, 'begun-again-and-cancelled');
});

test('many votes at once: each gate decides, who asked for it is left out, and what is over is skipped', async () => {
  const others = await start(signing, 3, { requester: demo.admin });
  const own = await start(signing, 1, { requester: demo.lead });
  const all = [...others, ...own];
  for (const journey of all) await expect.poll(async () => (await journey.row()).awaitsApproval, { timeout: 120_000 }).toBe(true);
  const vote = { target: 'journeys', verb: 'vote', args: { decision: 'approve' } } as const;
  const batch = await begin(
    vote,
    all.map(({ id }) => id),
    { comment: 'As agreed' },
  );
  // Somebody was quicker with the first one.
  const reason = await others[0]?.text('Not needed any more');
  await others[0]?.send('cancel', {}, reason === undefined ? {} : { reason });
  expect(await (await run(batch)).result()).toMatchObject({ state: 'done', total: 4, ok: 2, failed: 0, skipped: 2 });
  const [first = '', second = '', third = '', mine = ''] = all.map(({ id }) => id);
  expect(await itemsOf(batch, 'journeys')).toEqual({
    [first]: 'journey_ended',
    [second]: 'done',
    [third]: 'done',
    [mine]: 'requester_excluded',
  });
  expect(await others[1]?.row()).toMatchObject({ status: 'completed', result: 'won' });
  await keep(batch, 'votes');
  const rejecting = await begin({ ...vote, args: { decision: 'reject' } }, [mine, second]);
  expect(await (await run(rejecting)).result()).toMatchObject({ total: 2, skipped: 2 });
});

test('many handoffs at once; one whose answer is lost as it ends has done it', async () => {
  const journeys = await start(handing, 3);
  const handoffs = journeys.map((journey) => journey.handoff('do'));
  for (const handoff of handoffs) await expect.poll(async () => (await handoff.row())?.state, { timeout: 120_000 }).toBe('offered');
  const refs = journeys.map(({ id }) => `${id}.do.1`);
  const reject = { target: 'handoffs', verb: 'reject', args: { reason: 'no_capacity' } } as const;
  const batch = await begin(reject, refs, { comment: 'No crew this week' });
  await handoffs[0]?.send('accept', {});
  let isLost = false;
  onTheWay = async (command, signal) => {
    const answer = await real.ask(command, signal);
    if (command.ref !== refs[1] || isLost) return answer;
    isLost = true;
    throw new Error('connection lost');
  };
  expect(await (await run(batch)).result()).toMatchObject({ state: 'done', total: 3, ok: 2, failed: 0, skipped: 1 });
  const [first = '', second = '', third = ''] = refs;
  expect(await itemsOf(batch, 'handoffs')).toEqual({ [first]: 'handoff.illegal_move', [second]: 'done', [third]: 'done' });
  expect((await handoffs[1]?.row())?.state).toBe('rejected');
  for (const journey of journeys.slice(1)) await expect.poll(async () => (await journey.row()).result, { timeout: 120_000 }).toBe('lost');
  await keep(batch, 'handoffs');
});
