/** One instance of a batch is asked: what it is sent, and what is kept of it, whatever it answers. */
import { randomUUID } from 'node:crypto';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createBulk } from '../../activities/bulk.js';
import type { InstanceCommand, Instances } from '../../activities/bulk-ports.js';
import { CommandRefused } from '../../activities/ports.js';
import { createDb, withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { startBatch, storePreview } from '../../db/queries/bulk.js';
import type { NewPreview } from '../../db/queries/bulk.js';
import { listBulkItems } from '../../db/queries/bulk-items.js';
import { projectHandoff } from '../../db/queries/handoff-projection.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import type { Principal } from '../../domain/access/principal.js';
import { hour } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { aDoer, aHandoffRecord, anEvent, aRecord } from '../support/journey-records.js';

const { tenant } = demo;
let database: TestDatabase;
const principal: Principal = {
  tenant: demo.tenant,
  actor: `user/${demo.admin}`,
  id: demo.admin,
  role: 'admin',
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
};
let batch: string;
let target: 'journeys' | 'handoffs';
let journey: string;
let count = 0;

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  journey = `JRN-${String((count += 1)).padStart(16, '0')}`;
  await projectJourney(options(), [aRecord(journey)]);
});

const options = () => ({ db: database.db, newId: randomUUID, onRepaired: () => undefined });
const inTenant = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => withTenant(database.db, tenant, work);

/** A job of one instance. */
async function begin(
  changes: Partial<NewPreview> = {},
  ref = journey,
  place: { step: string; visit: number } | null = null,
): Promise<void> {
  batch = randomUUID();
  const preview: NewPreview = {
    id: batch,
    command: { target: 'journeys', verb: 'pause', args: { deadlines: 'keep' } },
    words: { reason: 'Too many calls' },
    filter: {},
    actor: `user/${demo.lead}`,
    role: 'lead',
    roles: ['lead', 'demo-team'],
    expiresAt: noon + hour,
    ...changes,
  };
  ({ target } = preview.command);
  const forecast = { code: null, place: place === null ? null : { ...place, item: null }, isFinal: false };
  await inTenant(async (tx) => {
    await storePreview(tx, tenant, preview, [{ ref, forecast }]);
    await startBatch(tx, tenant, batch, 20);
  });
}

const sent: InstanceCommand[] = [];
beforeEach(() => void sent.splice(0));
const answering =
  (answer: () => Promise<'done' | 'gone'>): Instances['ask'] =>
  (command) => {
    sent.push(command);
    return answer();
  };

const ask = (answer: () => Promise<'done' | 'gone'>, { isLast = false, db = database.db } = {}): Promise<'settled' | 'no_answer'> => {
  const { askInstance } = createBulk({ db, instances: { ask: answering(answer) } });
  return new MockActivityEnvironment().run(askInstance, { tenant, batch, n: 1, isLast });
};
const done = () => Promise.resolve('done' as const);
const gone = () => Promise.resolve('gone' as const);
const silent = (): Promise<never> => Promise.reject(new Error('connection lost'));
const refusing = (code: string) => (): Promise<never> => Promise.reject(new CommandRefused(code));
const never = (): Promise<never> => Promise.reject(new Error('nobody should be asked'));

const item = async () => (await inTenant((tx) => listBulkItems(tx, principal, { id: batch, target }, { limit: 1 })))[0];
const texts = () => inTenant((tx) => tx.selectFrom('content').selectAll().where('journeyId', '=', journey).orderBy('kind').execute());
const accepted = (commandId: string) =>
  projectJourney(options(), [aRecord(journey, { doer: aDoer({ commandId }), events: [anEvent('journey.paused', 3)] })]);

test('the command carries who asked, and its words as a row that is the journey’s once it accepts', async () => {
  await begin();
  expect(await ask(done)).toBe('settled');
  const commandId = `bulk/${batch}/1`;
  const [text] = await texts();
  expect(text).toMatchObject({
    kind: 'reason',
    visibility: 'internal',
    authorKind: 'agent',
    authorId: demo.lead,
    body: 'Too many calls',
    commandId,
  });
  expect(sent).toEqual([
    {
      ref: journey,
      order: { target: 'journeys', verb: 'pause', fields: { deadlines: 'keep' } },
      commandId,
      actor: `user/${demo.lead}`,
      role: 'lead',
      roles: ['lead', 'demo-team'],
      reason: text?.id,
    },
  ]);
  expect(await item()).toEqual({ n: 1, ref: journey, outcome: 'ok', code: 'done' });
  await accepted(commandId);
  expect((await texts()).map(({ linkedAt }) => linkedAt)).toEqual([expect.any(Date)]);
});

test('a repeated call asks nobody, and a repeated question is the same to the letter', async () => {
  await begin();
  expect(await ask(silent)).toBe('no_answer');
  expect(await ask(silent)).toBe('no_answer');
  expect(await ask(done)).toBe('settled');
  expect(sent[1]).toEqual(sent[0]);
  expect(sent[2]).toEqual(sent[0]);
  expect(await texts()).toHaveLength(1);
  expect(await ask(never)).toBe('settled');
  expect(sent).toHaveLength(3);
  expect(await item()).toMatchObject({ outcome: 'ok', code: 'done' });
});

test.each<[string, () => Promise<'done' | 'gone'>, string, string]>([
  ['says that it does not concern it', refusing('journey_paused'), 'skipped', 'journey_paused'],
  ['refuses for another reason', refusing('output_invalid'), 'failed', 'output_invalid'],
  ['has no workflow, and should have', gone, 'failed', 'not_found'],
])('one that %s', async (_, answer, outcome, code) => {
  await begin();
  expect(await ask(answer)).toBe('settled');
  expect(await item()).toMatchObject({ outcome, code });
});

test('one that is over is skipped, a handoff too', async () => {
  await begin();
  const ended = { events: [anEvent('journey.ended', 3)], view: { status: 'completed', endedAt: noon } } as const;
  await projectJourney(options(), [aRecord(journey, { ...ended, doer: aDoer({ commandId: 'c-2' }) })]);
  expect(await ask(gone)).toBe('settled');
  expect(await item()).toMatchObject({ outcome: 'skipped', code: 'journey_ended' });

  const ref = `${journey}.install.1`;
  await projectHandoff(options(), [aHandoffRecord(journey, { view: { state: 'completed', endedAt: noon } })]);
  const command = { target: 'handoffs', verb: 'reject', args: { reason: 'no_capacity' } } as const;
  await begin({ command, words: { comment: 'No crew' } }, ref);
  expect(await ask(gone)).toBe('settled');
  expect(await item()).toMatchObject({ ref, outcome: 'skipped', code: 'handoff.illegal_move' });
  const [text] = (await texts()).filter(({ kind }) => kind === 'comment');
  expect(text).toMatchObject({ body: 'No crew', commandId: `bulk/${batch}/1` });
  expect(sent.at(-1)).toMatchObject({ ref, order: { verb: 'reject', fields: { reason: 'no_capacity' } }, comment: text?.id });
});

test('nobody knows until it answers; after the last question it has failed', async () => {
  await begin();
  expect(await ask(silent)).toBe('no_answer');
  expect(await item()).toBeUndefined();
  expect(await ask(silent, { isLast: true })).toBe('settled');
  expect(await item()).toMatchObject({ outcome: 'failed', code: 'no_answer' });
});

test.each<[string, () => Promise<'done' | 'gone'>, boolean]>([
  ['lost', silent, false],
  ['lost for the last time', silent, true],
  ['that the run that gave it is over', gone, false],
  ['that it has forgotten the command, and cannot do it twice', refusing('journey_paused'), false],
])('what the log has of the command counts, if the answer is %s', async (_, answer, isLast) => {
  await begin();
  await accepted(`bulk/${batch}/1`);
  expect(await ask(answer, { isLast })).toBe('settled');
  expect(await item()).toMatchObject({ outcome: 'ok', code: 'done' });
});

test('a question that is cut off is asked again by another worker', async () => {
  await begin();
  const environment = new MockActivityEnvironment();
  const { askInstance } = createBulk({
    db: database.db,
    instances: {
      ask: async (_command, signal) => {
        environment.cancel('WORKER_SHUTDOWN');
        expect(signal.aborted).toBe(true);
        throw new CancelledFailure('shutdown');
      },
    },
  });
  const failure = await environment.run(askInstance, { tenant, batch, n: 1, isLast: true }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'bulk.retry', nonRetryable: false });
  expect(await item()).toBeUndefined();
});

test('the step of the preview is the step that is asked', async () => {
  await begin({ command: { target: 'journeys', verb: 'retry', args: {} }, words: {} }, journey, { step: 'charge', visit: 3 });
  expect(await ask(done)).toBe('settled');
  expect(sent).toHaveLength(1);
  expect(sent[0]).not.toHaveProperty('reason');
  expect(sent[0]?.order).toEqual({ target: 'journeys', verb: 'retry', fields: { step: 'charge', visit: 3 } });
  await begin({ command: { target: 'journeys', verb: 'retry', args: {} } });
  expect(await ask(never)).toBe('settled');
  expect(await item()).toMatchObject({ outcome: 'skipped', code: 'step_not_open' });
});

test('a batch that is not started is asked for again; one that is tells how far it is', async () => {
  const { findBatch, readBatchPage, markBatch, endBatch } = createBulk({ db: database.db, instances: { ask: never } });
  const missing = await findBatch({ tenant, batch: randomUUID() }).catch((error: unknown) => error);
  expect(missing).toMatchObject({ type: 'bulk.retry', nonRetryable: false, message: 'bulk.retry: not_started' });
  await begin();
  const status = { state: 'running', rate: 20, total: 1, ok: 0, failed: 0, skipped: 0, ended: false };
  expect(await findBatch({ tenant, batch })).toEqual(status);
  expect(await readBatchPage({ tenant, batch, after: 0, limit: 5 })).toEqual({ items: [{ n: 1, ref: journey }], status });
  expect(await endBatch({ tenant, batch })).toEqual(status);
  expect(await markBatch({ tenant, batch, state: 'cancelled' })).toEqual({ ...status, state: 'cancelled', skipped: 1 });
  expect(await endBatch({ tenant, batch })).toEqual({ ...status, state: 'cancelled', skipped: 1, ended: true });
});

test('what a database says is kept out of histories', async () => {
  await begin();
  const away = createDb({
    url: 'postgres://nobody@127.0.0.1:1/secret',
    role: 'usher_app',
    pool: 1,
    name: 'away',
    onBroken: () => undefined,
  });
  const failure = await ask(never, { db: away }).catch((error: unknown) => error);
  await away.destroy();
  expect(String(failure)).toContain('database_ECONNREFUSED');
  expect(JSON.stringify(failure)).not.toContain('127.0.0.1');
});
