/** What is kept of a batch: its preview, how far it is, what came of each instance; and which instances a filter finds. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { endBatch, findBatch, listBatches, lockPreview, markBatch, startBatch, storePreview } from '../../db/queries/bulk.js';
import type { NewPreview } from '../../db/queries/bulk.js';
import { findHandoffFacts, findJourneyFacts } from '../../db/queries/bulk-facts.js';
import type { HandoffFilter, JourneyFilter } from '../../db/queries/bulk-facts.js';
import { claimItem, countBulkItems, findStanding, listBulkItems, listOpenItems, settleItem } from '../../db/queries/bulk-items.js';
import { projectHandoff } from '../../db/queries/handoff-projection.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { deletePreviews } from '../../db/queries/sweep.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import type { Foreseen } from '../../domain/bulk/preview.js';
import type { Principal } from '../../domain/access/principal.js';
import { asTeamId, asTenantId, asTicketId } from '../../domain/ids.js';
import { hour } from '../../domain/time.js';
import { noon, uuid } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { aDoer, aGate, aHandoffRecord, anEvent, aRecord, aStart, aVisit } from '../support/journey-records.js';

const { tenant } = demo;
const other = asTenantId(uuid(2));
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
const foreign = { ...principal, tenant: other };
let database: TestDatabase;
const inTenant = <T>(work: (tx: TenantTx) => Promise<T>, of = tenant): Promise<T> => withTenant(database.db, of, work);
const options = () => ({ db: database.db, newId: randomUUID, onRepaired: () => undefined });

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  await inTenant((tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute(), other);
});
afterAll(() => database[Symbol.asyncDispose]());

const would = (ref: string): Foreseen => ({ ref, forecast: { code: null, place: null, isFinal: false } });
const aPreview = (changes: Partial<NewPreview> = {}): NewPreview => ({
  id: randomUUID(),
  command: { target: 'journeys', verb: 'pause', args: { deadlines: 'keep' } },
  words: { reason: 'Too many calls' },
  filter: { template: 'renewal' },
  actor: `user/${demo.lead}`,
  role: 'lead',
  roles: ['lead', 'demo-team'],
  expiresAt: noon + hour,
  ...changes,
});

/** Stores a preview and makes a job of it. */
async function started(refs: readonly Foreseen[], changes: Partial<NewPreview> = {}): Promise<string> {
  const preview = aPreview(changes);
  await inTenant(async (tx) => {
    await storePreview(tx, tenant, preview, refs);
    await startBatch(tx, tenant, preview.id, 20);
  });
  return preview.id;
}

let batch: string;
const find = () => inTenant((tx) => findBatch(tx, tenant, batch));
const open = () => inTenant((tx) => listOpenItems(tx, tenant, batch, { after: 0, limit: 100 }));
const claim = (n: number) => inTenant((tx) => claimItem(tx, tenant, batch, n));
const settle = (n: number, outcome: 'ok' | 'failed' | 'skipped', code: string) =>
  inTenant((tx) => settleItem(tx, tenant, batch, { n, outcome, code }));
const items = () => inTenant((tx) => listBulkItems(tx, principal, { id: batch, target: 'journeys' }, { limit: 100 }));

describe('a preview', () => {
  test('is no job until somebody starts it, and says what it was made of', async () => {
    const preview = aPreview();
    await inTenant((tx) => storePreview(tx, tenant, preview, [would('JRN-1')]));
    batch = preview.id;
    expect(await find()).toBeUndefined();
    expect(await inTenant((tx) => listBatches(tx, tenant, { limit: 100 }))).toEqual([]);
    expect(await inTenant((tx) => lockPreview(tx, tenant, batch))).toEqual({
      id: batch,
      command: preview.command,
      filter: preview.filter,
      by: preview.actor,
      state: 'previewed',
      expiresAt: noon + hour,
    });
    expect(await inTenant((tx) => lockPreview(tx, tenant, batch), other)).toBeUndefined();
    await inTenant((tx) => startBatch(tx, tenant, batch, 5));
    const { startedAt, ...job } = (await find()) ?? { startedAt: null };
    expect(job).toEqual({
      id: batch,
      command: preview.command,
      by: preview.actor,
      state: 'running',
      rate: 5,
      total: 1,
      ok: 0,
      failed: 0,
      skipped: 0,
      endedAt: null,
    });
    await inTenant((tx) => startBatch(tx, tenant, batch, 40));
    expect(await find()).toMatchObject({ rate: 5, startedAt });
    expect(await inTenant((tx) => findBatch(tx, tenant, batch), other)).toBeUndefined();
  });

  test('that nobody started in time is swept with its instances; a job is not', async () => {
    const [late, fresh, job] = [randomUUID(), randomUUID(), randomUUID()];
    await inTenant(async (tx) => {
      await storePreview(tx, tenant, aPreview({ id: late, expiresAt: Date.now() - hour }), [would('JRN-1')]);
      await storePreview(tx, tenant, aPreview({ id: fresh, expiresAt: Date.now() + hour }), [would('JRN-1')]);
      await storePreview(tx, tenant, aPreview({ id: job, expiresAt: Date.now() - hour }), [would('JRN-1')]);
      await startBatch(tx, tenant, job, 1);
    });
    expect(await deletePreviews(database.relay, 100)).toBeGreaterThanOrEqual(1);
    const left = await inTenant((tx) =>
      sql<{ id: string; items: number }>`
        select j.id, (select count(*)::int from bulk_item i where i.job_id = j.id) as items from bulk_job j
        where j.id = any(${[late, fresh, job]}::uuid[])`.execute(tx),
    );
    expect(new Map(left.rows.map(({ id, items: count }) => [id, count]))).toEqual(
      new Map([
        [fresh, 1],
        [job, 1],
      ]),
    );
  });
});

describe('the instances of a batch', () => {
  const [one, two, three, four] = ['1', '2', '3', '4'].map((n) => `JRN-${n.padStart(16, '0')}`) as [string, string, string, string];

  beforeAll(async () => {
    for (const id of [one, two, three, four])
      await projectJourney(options(), [aRecord(id, { view: { status: 'cancelled', endedAt: noon } })]);
  });

  beforeEach(async () => {
    const place = { step: 'charge', visit: 2, item: 'i1' };
    batch = await started([
      { ref: one, forecast: { code: null, place, isFinal: false } },
      { ref: two, forecast: { code: 'journey_paused', place: null, isFinal: false } },
      { ref: three, forecast: { code: 'ambiguous', place: null, isFinal: true } },
      would(four),
    ]);
  });

  test('are asked in their order, but those that are settled from the first', async () => {
    expect(await open()).toEqual([
      { n: 1, ref: one },
      { n: 2, ref: two },
      { n: 4, ref: four },
    ]);
    expect(await inTenant((tx) => listOpenItems(tx, tenant, batch, { after: 1, limit: 1 }))).toEqual([{ n: 2, ref: two }]);
    expect(await items()).toEqual([{ n: 3, ref: three, outcome: 'skipped', code: 'ambiguous' }]);
    expect(await find()).toMatchObject({ total: 4, ok: 0, failed: 0, skipped: 1 });
  });

  test('are taken up with what they are asked, as often as it takes, until they settle', async () => {
    const first = await claim(1);
    expect(first).toEqual({
      command: { target: 'journeys', verb: 'pause', args: { deadlines: 'keep' } },
      ref: one,
      journeyId: one,
      place: { step: 'charge', visit: 2, item: 'i1' },
      words: { reason: 'Too many calls' },
      actor: `user/${demo.lead}`,
      role: 'lead',
      roles: ['lead', 'demo-team'],
    });
    expect(await claim(1)).toEqual(first);
    expect(await claim(4)).toMatchObject({ ref: four, place: null });
    await settle(1, 'ok', 'done');
    await settle(1, 'failed', 'no_answer');
    expect(await claim(1)).toBeUndefined();
    expect(await claim(3)).toBeUndefined();
    expect(await claim(99)).toBeUndefined();
    expect((await items())[0]).toEqual({ n: 1, ref: one, outcome: 'ok', code: 'done' });
  });

  test('all settle before the batch ends; then it adds up, and stays ended', async () => {
    await settle(1, 'ok', 'done');
    await settle(2, 'failed', 'no_answer');
    expect(await inTenant((tx) => endBatch(tx, tenant, batch))).toBe(false);
    expect(await find()).toMatchObject({ state: 'running', endedAt: null });
    await settle(4, 'skipped', 'journey_ended');
    expect(await inTenant((tx) => endBatch(tx, tenant, batch))).toBe(true);
    const ended = await find();
    expect(ended).toMatchObject({ state: 'done', total: 4, ok: 1, failed: 1, skipped: 2, endedAt: expect.any(Date) });
    for (const state of ['running', 'paused', 'cancelled'] as const) await inTenant((tx) => markBatch(tx, tenant, batch, state));
    expect(await inTenant((tx) => endBatch(tx, tenant, batch))).toBe(true);
    expect(await find()).toEqual(ended);
    expect(await inTenant((tx) => countBulkItems(tx, tenant, batch))).toEqual([
      { outcome: 'failed', code: 'no_answer', count: 1 },
      { outcome: 'ok', code: 'done', count: 1 },
      { outcome: 'skipped', code: 'ambiguous', count: 1 },
      { outcome: 'skipped', code: 'journey_ended', count: 1 },
    ]);
  });

  test('that were never asked are left out when it is cancelled; the others are waited for', async () => {
    await inTenant((tx) => markBatch(tx, tenant, batch, 'paused'));
    expect((await find())?.state).toBe('paused');
    await claim(2);
    await inTenant((tx) => markBatch(tx, tenant, batch, 'cancelled'));
    expect(await find()).toMatchObject({ state: 'cancelled', skipped: 3, endedAt: null });
    expect(await claim(4)).toBeUndefined();
    expect(await inTenant((tx) => endBatch(tx, tenant, batch))).toBe(false);
    await inTenant((tx) => markBatch(tx, tenant, batch, 'running'));
    await settle(2, 'ok', 'done');
    expect(await inTenant((tx) => endBatch(tx, tenant, batch))).toBe(true);
    expect(await find()).toMatchObject({ state: 'cancelled', total: 4, ok: 1, failed: 0, skipped: 3, endedAt: expect.any(Date) });
    const cancelled = (await items()).filter(({ code }) => code === 'cancelled').map(({ ref }) => ref);
    expect(cancelled).toEqual([one, four]);
  });

  test('are listed page after page, by what came of them; another tenant sees none', async () => {
    for (const n of [1, 2, 4]) await settle(n, n === 2 ? 'failed' : 'ok', n === 2 ? 'no_answer' : 'done');
    const list = (filter: Partial<Parameters<typeof listBulkItems>[3]>, reader = principal) =>
      inTenant((tx) => listBulkItems(tx, reader, { id: batch, target: 'journeys' }, { limit: 1, ...filter }), reader.tenant);
    expect((await list({})).map(({ n }) => n)).toEqual([1, 2]);
    expect((await list({ after: 2 })).map(({ n }) => n)).toEqual([3, 4]);
    expect((await list({ outcome: ['failed', 'skipped'] })).map(({ n }) => n)).toEqual([2, 3]);
    expect(await list({}, foreign)).toEqual([]);
    expect(await inTenant((tx) => claimItem(tx, other, batch, 1), other)).toBeUndefined();
  });

  test('one instance stands in a batch once', async () => {
    await expect(started([would(one), would(one)])).rejects.toThrow(/bulk_item_tenant_id_job_id_ref_key/);
  });

  test('jobs are listed newest first, behind a position', async () => {
    const later = await started([would('JRN-9')]);
    const all = await inTenant((tx) => listBatches(tx, tenant, { limit: 100 }));
    const ids = all.map(({ id }) => id);
    expect(ids.indexOf(later)).toBeLessThan(ids.indexOf(batch));
    expect(all.map(({ startedAt }) => startedAt.getTime())).toEqual(
      all.map(({ startedAt }) => startedAt.getTime()).toSorted((a, b) => b - a),
    );
    const [first] = all;
    const before = { startedAt: first?.startedAt.toISOString() ?? '', id: first?.id ?? '' };
    const rest = await inTenant((tx) => listBatches(tx, tenant, { before, limit: 1 }));
    expect(rest.map(({ id }) => id)).toEqual(ids.slice(1, 3));
  });
});

const start = (id: string, n: number, over_: Parameters<typeof aStart>[1] = {}) => aStart(id, { startedAt: noon + n, ...over_ });

const incident = (seq: number, step: string, visit: number) =>
  anEvent('journey.incident.opened', seq, { step, visit, reason: 'action_failed' });

const found = async (filter: JourneyFilter, limit = 100) =>
  (await inTenant((tx) => findJourneyFacts(tx, principal, filter, limit))).map(({ id }) => id);

const facts = async (id: string) => (await inTenant((tx) => findJourneyFacts(tx, principal, { ids: [id] }, 1)))[0];

const standing = (target: 'journeys' | 'handoffs', of: string, commandId: string) =>
  inTenant((tx) => findStanding(tx, tenant, { target, ref: of, commandId }));

describe('instances a filter finds', () => {
  const ids = Array.from({ length: 6 }, (_, index) => `JRN-${String(100 + index).padStart(16, '0')}`);
  const [calm = '', parked = '', paused = '', over = '', voting = '', twin = ''] = ids;
  beforeAll(async () => {
    await projectJourney(options(), [aRecord(calm, { view: { start: start(calm, 1), stage: 'lead' }, visits: [aVisit()] })]);
    await projectJourney(options(), [
      aRecord(parked, {
        view: { start: start(parked, 2, { template: { key: 'renewal', version: 2, hash: 'b'.repeat(64) } }), status: 'incident' },
        events: [anEvent('journey.started', 1), incident(2, 'charge', 3)],
        visits: [aVisit({ step: 'charge', visit: 3, state: 'incident', incident: { code: 'action_failed', detail: null } })],
      }),
    ]);
    await projectJourney(options(), [
      aRecord(paused, { view: { start: start(paused, 3, { subject: { type: 'lead', id: 'l-1' } }), status: 'paused', stage: 'won' } }),
    ]);
    await projectJourney(options(), [
      aRecord(over, {
        view: { start: start(over, 4), status: 'completed', endedAt: noon + 9 },
        events: [anEvent('journey.started', 1), incident(2, 'charge', 1), anEvent('journey.ended', 3)],
      }),
    ]);
    const votes = [{ n: 1, by: 'cid', onBehalfOf: 'ann', decision: 'approve', at: noon, comment: null, void: false, round: 1 } as const];
    await projectJourney(options(), [
      aRecord(voting, {
        view: { start: start(voting, 5, { template: { key: 'approval', version: 1, hash: 'c'.repeat(64) } }), awaitsApproval: true },
        gates: [
          { step: 'sign', visit: 1, gate: aGate({ outcome: 'rejected', cause: 'vote', closedAt: noon }) },
          { step: 'sign', visit: 2, gate: aGate({ votes }) },
          { step: 'each', visit: 1, item: 'i2', gate: aGate({ requester: null }) },
        ],
      }),
    ]);
    await projectJourney(options(), [aRecord(twin, { view: { start: start(twin, 6) } })]);
    await projectHandoff(options(), [aHandoffRecord(calm, { view: { roles: ['installer'], people: ['ann'], createdAt: noon + 1 } })]);
    await projectHandoff(options(), [
      aHandoffRecord(voting, {
        view: {
          handoffId: `${voting}.pass.2`,
          step: 'pass',
          visit: 2,
          state: 'awaiting_approval',
          to: 'business-logic',
          createdAt: noon + 2,
        },
        gate: aGate(),
      }),
    ]);
    await projectHandoff(options(), [
      aHandoffRecord(twin, { view: { handoffId: `${twin}.install.1`, state: 'completed', endedAt: noon, createdAt: noon + 3 } }),
    ]);
  });

  test.each<[string, JourneyFilter, string[]]>([
    ['nothing but open ones, the oldest first', {}, [calm, parked, paused, voting, twin]],
    ['template', { template: 'renewal' }, [calm, parked, paused, twin]],
    ['template and version', { template: 'renewal', version: 2 }, [parked]],
    ['status, ended ones too', { status: ['paused', 'completed'] }, [paused, over]],
    ['stage', { stage: 'won' }, [paused]],
    ['an open or parked step', { step: 'charge' }, [parked]],
    ['an open incident', { incident: ['action_failed'] }, [parked]],
    ['another incident', { incident: ['guard_error'] }, []],
    ['subject', { subject: { type: 'lead', id: 'l-1' } }, [paused]],
    ['ids, whatever their status', { ids: [over, calm, 'JRN-0'] }, [calm, over]],
    ['ids and status', { ids: [over, calm], status: ['active'] }, [calm]],
  ])('%s', async (_, filter, expected) => expect(await found(filter)).toEqual(expected));

  test('one more than asked for says that there are others; another tenant has none', async () => {
    expect(await found({}, 2)).toEqual([calm, parked, paused]);
    expect(await inTenant((tx) => findJourneyFacts(tx, foreign, {}, 9), other)).toEqual([]);
    expect(await inTenant((tx) => findHandoffFacts(tx, foreign, {}, 9), other)).toEqual([]);
  });

  test('come with where they are parked, and with the newest vote of each step', async () => {
    expect(await facts(parked)).toEqual({
      id: parked,
      status: 'incident',
      template: { key: 'renewal', version: 2 },
      parked: [{ step: 'charge', visit: 3, item: null }],
      gates: [],
    });
    expect((await facts(over))?.parked).toEqual([]);
    const gates = (await facts(voting))?.gates.toSorted((one, next) => (one.step < next.step ? -1 : 1));
    expect(gates).toEqual([
      { step: 'each', visit: 1, item: 'i2', requester: null, voters: ['ann', 'bea'], voted: [], isOpen: true },
      { step: 'sign', visit: 2, item: null, requester: demo.lead, voters: ['bea'], voted: ['cid', 'ann'], isOpen: true },
    ]);
  });

  test.each<[string, HandoffFilter, string[]]>([
    ['open ones', {}, [`${calm}.install.1`, `${voting}.pass.2`]],
    ['state', { state: ['completed', 'offered'] }, [`${calm}.install.1`, `${twin}.install.1`]],
    ['receiver', { to: 'business-logic' }, [`${voting}.pass.2`]],
    ['sender', { from: 'field-ops' }, []],
    ['journey', { journey: calm }, [`${calm}.install.1`]],
    ['template', { template: 'approval' }, [`${voting}.pass.2`]],
    ['step', { step: 'pass' }, [`${voting}.pass.2`]],
    ['ids', { ids: [`${twin}.install.1`] }, [`${twin}.install.1`]],
  ])('handoffs: %s', async (_, filter, expected) =>
    expect((await inTenant((tx) => findHandoffFacts(tx, principal, filter, 100))).map(({ id }) => id)).toEqual(expected),
  );

  test('handoffs come with whom they ask, and with their vote', async () => {
    const [offered, gated] = await inTenant((tx) => findHandoffFacts(tx, principal, {}, 100));
    expect(offered).toEqual({ id: `${calm}.install.1`, state: 'offered', isMine: false, gate: null });
    const [asked] = await inTenant((tx) => findHandoffFacts(tx, { ...principal, id: 'ann' }, { ids: [`${calm}.install.1`] }, 1));
    expect(asked?.isMine).toBe(true);
    expect(gated).toMatchObject({ state: 'awaiting_approval', gate: { requester: demo.lead, voters: ['ann', 'bea'], isOpen: true } });
  });

  test('a handoff of a batch is known with its journey, and the log with its commands', async () => {
    const ref = `${calm}.install.1`;
    batch = await started([would(ref)], { command: { target: 'handoffs', verb: 'cancel', args: {} }, words: { comment: 'Done by hand' } });
    expect(await claim(1)).toMatchObject({ ref, journeyId: calm, words: { comment: 'Done by hand' } });
    expect(await standing('handoffs', ref, aDoer().commandId)).toEqual({ isRecorded: true, isOver: false });
    expect(await standing('handoffs', `${twin}.install.1`, 'c-9')).toEqual({ isRecorded: false, isOver: true });
    expect(await standing('journeys', over, aDoer().commandId)).toEqual({ isRecorded: true, isOver: true });
    expect(await standing('journeys', 'JRN-0', 'c-1')).toEqual({ isRecorded: false, isOver: false });
  });

  test('of a ticket that the reader does not see are not found, nor are they listed', async () => {
    const hidden = 'JRN-00000000000000H1';
    const elsewhere: Principal = { ...principal, role: 'lead', teams: [asTeamId(uuid(0x999))] };
    const ticket = asTicketId('TKT-00000001');
    await inTenant((tx) =>
      sql`
        insert into ticket (tenant_id, id, uuid, product, scope, status, priority, channel, requester_id, team_id, version, cycle, state, created_at, updated_at)
        select ${tenant}, ${ticket}, ${uuid(0x77)}, 'demo', 'x', 'new', 'low', 'api', ${demo.customers[0]}, ${demo.team}, 1, 1, '{}', now(), now()`.execute(
        tx,
      ),
    );
    await projectJourney(options(), [aRecord(hidden, { view: { start: start(hidden, 9, { subject: { type: 'ticket', id: ticket } }) } })]);
    await projectHandoff(options(), [aHandoffRecord(hidden)]);
    const mine = { ids: [hidden] };
    batch = await started([would(hidden)]);
    await settle(1, 'ok', 'done');
    const seen = async (reader: Principal) => [
      (await inTenant((tx) => findJourneyFacts(tx, reader, mine, 9))).length,
      (await inTenant((tx) => findHandoffFacts(tx, reader, { journey: hidden }, 9))).length,
      (await inTenant((tx) => listBulkItems(tx, reader, { id: batch, target: 'journeys' }, { limit: 9 }))).length,
    ];
    expect(await seen(principal)).toEqual([1, 1, 1]);
    expect(await seen(elsewhere)).toEqual([0, 0, 0]);
  });
});
