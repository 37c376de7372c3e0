import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from 'kysely';
import { withTenant } from '../../db/client.js';
import { projectHandoff } from '../../db/queries/handoff-projection.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { storeContent } from '../../db/queries/content.js';
import { deleteTexts, strayTexts } from '../../db/queries/sweep.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asContentId, asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { hour } from '../../domain/time.js';
import { noon } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { aDoer, aGate, aHandoffEvent, aHandoffRecord, anEvent, aRecord, aStart, aTask, aVisit } from '../support/journey-records.js';

let database: TestDatabase;
let repaired = 0;
const options = () => ({ db: database.db, newId: randomUUID, onRepaired: () => void (repaired += 1) });
const project = (...records: Parameters<typeof projectJourney>[1]) => projectJourney(options(), records);
const hand = (...records: Parameters<typeof projectHandoff>[1]) => projectHandoff(options(), records);

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
});
beforeEach(() => (repaired = 0));
afterAll(() => database[Symbol.asyncDispose]());

let count = 0;
const newId = (): string => `JRN-${String((count += 1)).padStart(16, '0')}`;

const read = (id: string, tenant: TenantId = demo.tenant) =>
  withTenant(database.db, tenant, async (tx) => ({
    row: await tx.selectFrom('journey').selectAll().where('id', '=', id).executeTakeFirst(),
    events: await tx
      .selectFrom('event')
      .select(['subject', 'seq', 'type', 'routing', 'entity'])
      .where('journeyId', '=', id)
      .orderBy('subject')
      .orderBy('seq')
      .execute(),
    visits: await tx.selectFrom('journeyVisit').selectAll().where('journeyId', '=', id).orderBy('step').orderBy('visit').execute(),
    incidents: await tx.selectFrom('journeyIncident').selectAll().where('journeyId', '=', id).orderBy('seq').execute(),
    goals: await tx.selectFrom('journeyGoal').selectAll().where('journeyId', '=', id).execute(),
    approvals: await tx.selectFrom('approval').selectAll().where('journeyId', '=', id).execute(),
    votes: await tx.selectFrom('approvalVote').selectAll().where('approvalId', 'like', `${id}%`).orderBy('n').execute(),
    handoffs: await tx.selectFrom('handoff').selectAll().where('journeyId', '=', id).execute(),
  }));

test('a reaction writes events, the row and the visit together', async () => {
  const id = newId();
  expect(await project(aRecord(id, { visits: [aVisit()] }))).toEqual({ stored: 2, conflict: false });
  const { row, events, visits } = await read(id);
  expect(row).toMatchObject({
    templateKey: 'renewal',
    status: 'active',
    progress: 20,
    openSteps: ['call'],
    context: { score: 60 },
    version: 2,
  });
  expect(events).toEqual([
    { subject: `journey/${id}`, seq: 1, type: 'journey.started', routing: 'pending', entity: 'customer/cust-1' },
    { subject: `journey/${id}`, seq: 2, type: 'journey.step.entered', routing: 'routed', entity: 'customer/cust-1' },
  ]);
  expect(visits).toMatchObject([
    { step: 'call', visit: 1, item: '', state: 'open', people: [], roles: ['agent'], outcomes: ['done', 'declined'] },
  ]);
});

test('the same reaction again changes nothing', async () => {
  const id = newId();
  const record = aRecord(id);
  await project(record);
  expect(await project(record)).toEqual({ stored: 2, conflict: false });
  expect((await read(id)).events).toHaveLength(2);
  expect(repaired).toBe(0);
});

test('a part that is stored already is left out, the rest follows', async () => {
  const id = newId();
  const first = aRecord(id);
  const second = aRecord(id, { doer: aDoer({ commandId: 'c-2' }), events: [anEvent('journey.paused', 3)], view: { status: 'paused' } });
  await project(first);
  expect(await project(first, second)).toEqual({ stored: 3, conflict: false });
  const { row, events } = await read(id);
  expect(row).toMatchObject({ status: 'paused', version: 3 });
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test('what another run holds is a conflict, and nothing is written', async () => {
  const id = newId();
  await project(aRecord(id));
  const other = aRecord(id, {
    runId: 'run-2',
    doer: aDoer({ commandId: 'c-other' }),
    visits: [aVisit({ step: 'other' })],
    view: { status: 'paused' },
  });
  expect(await project(other)).toEqual({ stored: 2, conflict: true });
  expect(repaired).toBe(1);
  const { row, visits } = await read(id);
  expect(row?.status).toBe('active');
  expect(visits).toEqual([]);
});

test('a lost attempt of the same command gives way to what the workflow says', async () => {
  const id = newId();
  await project(aRecord(id, { view: { progress: 90 } }));
  const again = aRecord(id, { events: [anEvent('journey.started', 1), anEvent('journey.step.entered', 2, { step: 'call', visit: 2 })] });
  expect(await project(again)).toEqual({ stored: 2, conflict: false });
  expect(repaired).toBe(1);
  expect((await read(id)).row?.progress).toBe(20);
});

test('an older word on a row or a visit does not replace a newer one', async () => {
  const id = newId();
  const later = aRecord(id, {
    events: [anEvent('journey.paused', 3)],
    visits: [aVisit({ state: 'completed', outcome: 'done' })],
    view: { status: 'paused' },
  });
  await project(later);
  await project(aRecord(id, { visits: [aVisit()] }));
  const { row, visits } = await read(id);
  expect(row).toMatchObject({ status: 'paused', version: 3 });
  expect(visits).toMatchObject([{ state: 'completed', outcome: 'done' }]);
});

test('a task shows who has it; when it is done it is none any more', async () => {
  const id = newId();
  const claimed = aVisit({ task: aTask({ people: ['ann'], assignee: 'ann', claimedUntil: noon + hour }) });
  await project(aRecord(id, { visits: [claimed] }));
  expect((await read(id)).visits).toMatchObject([{ people: ['ann'], assignee: 'ann', claimedUntil: new Date(noon + hour) }]);
});

test('an incident stays in the record with what resolved it', async () => {
  const id = newId();
  const parked = aVisit({ state: 'incident', incident: { code: 'action_failed', detail: { error: 'Unavailable' } } });
  const opened = anEvent('journey.incident.opened', 3, { step: 'call', visit: 1, reason: 'action_failed' });
  await project(aRecord(id), aRecord(id, { events: [opened], visits: [parked], view: { status: 'incident' } }));
  expect((await read(id)).incidents).toMatchObject([
    { seq: 3, step: 'call', visit: 1, code: 'action_failed', detail: { error: 'Unavailable' }, resolvedAt: null },
  ]);
  const resolved = anEvent('journey.incident.resolved', 4, { step: 'call', visit: 1, how: 'retry' });
  await project(aRecord(id, { doer: aDoer({ commandId: 'c-3' }), events: [resolved] }));
  expect((await read(id)).incidents).toMatchObject([{ resolution: 'retry', resolvedBy: `user/${demo.lead}`, resolvedAt: new Date(noon) }]);
});

test('an incident opened and resolved in one go is resolved; another stays open until the journey ends', async () => {
  const id = newId();
  const events = [
    anEvent('journey.incident.opened', 1, { step: 'a', visit: 1, reason: 'action_failed' }),
    anEvent('journey.incident.resolved', 2, { step: 'a', visit: 1 }),
    anEvent('journey.incident.opened', 3, { step: 'b', visit: 1, reason: 'guard_error' }),
  ];
  await project(aRecord(id, { doer: aDoer({ kind: 'skip' }), events }));
  expect((await read(id)).incidents).toMatchObject([
    { seq: 1, resolution: 'skip' },
    { seq: 3, resolution: null, resolvedAt: null },
  ]);
  const end = aRecord(id, { events: [anEvent('journey.ended', 4)], view: { status: 'cancelled', endedAt: noon + hour, openSteps: [] } });
  await project(end);
  expect((await read(id)).incidents[1]).toMatchObject({ resolution: 'cancelled', resolvedAt: new Date(noon + hour) });
});

const reached = (seq: number, value: number) => anEvent('journey.goal.reached', seq, { goal: 'converted', eventId: `e${seq}`, value });

test('a goal counts once', async () => {
  const id = newId();
  await project(aRecord(id, { events: [reached(1, 5)] }));
  await project(aRecord(id, { doer: aDoer({ commandId: 'c-2' }), events: [reached(2, 9)] }));
  expect((await read(id)).goals).toMatchObject([{ goal: 'converted', eventId: 'e1', value: 5 }]);
});

test('a modified journey stays marked', async () => {
  const id = newId();
  await project(aRecord(id, { events: [anEvent('journey.modified', 1)] }));
  await project(aRecord(id, { events: [anEvent('journey.paused', 2)] }));
  expect((await read(id)).row?.modified).toBe(true);
});

test('a vote is a row, and those who may still vote are known, delegates included', async () => {
  const id = newId();
  const delegated = aGate({ delegations: [{ from: 'bea', to: 'cho', at: noon, until: null }] });
  await project(aRecord(id, { gates: [{ step: 'credit', visit: 1, gate: delegated }], view: { awaitsApproval: true } }));
  expect((await read(id)).approvals).toMatchObject([
    { id: `${id}.credit.1`, required: 2, voters: ['ann', 'bea', 'cho'], outcome: null, closedAt: null },
  ]);
  const vote = { n: 1, by: 'cho', onBehalfOf: 'bea', decision: 'approve', at: noon, comment: null, void: false, round: 1 } as const;
  const voted = aRecord(id, {
    doer: aDoer({ commandId: 'c-2' }),
    events: [anEvent('approval.voted', 3)],
    gates: [{ step: 'credit', visit: 1, gate: { ...delegated, votes: [vote] } }],
  });
  await project(voted);
  const { approvals, votes } = await read(id);
  expect(approvals).toMatchObject([{ voters: ['ann'] }]);
  expect(votes).toMatchObject([{ n: 1, by: 'cho', onBehalfOf: 'bea', decision: 'approve', void: false }]);
});

test('a new round voids the votes, also those it does not name any more; the outcome closes it at its instant', async () => {
  const id = newId();
  const vote = { n: 1, by: 'ann', onBehalfOf: null, decision: 'approve', at: noon, comment: null, void: false, round: 1 } as const;
  const first = aRecord(id, { gates: [{ step: 'credit', visit: 1, gate: aGate({ votes: [vote] }) }] });
  const stale = aGate({ round: 2, votes: [] });
  await project(first);
  await project(aRecord(id, { events: [anEvent('approval.stale', 3)], gates: [{ step: 'credit', visit: 1, gate: stale }] }));
  expect(await read(id)).toMatchObject({ approvals: [{ round: 2, voters: ['ann', 'bea'] }], votes: [{ void: true }] });
  const closed = aRecord(id, {
    at: noon + hour,
    events: [anEvent('approval.closed', 4)],
    gates: [{ step: 'credit', visit: 1, gate: aGate({ round: 2, outcome: 'timeout', cause: 'timeout', closedAt: noon + hour }) }],
  });
  await project(closed);
  expect((await read(id)).approvals).toMatchObject([{ outcome: 'timeout', cause: 'timeout', voters: [], closedAt: new Date(noon + hour) }]);
});

test('a handoff has a row, a log of its own and its gate', async () => {
  const id = newId();
  await project(aRecord(id));
  expect(await hand(aHandoffRecord(id, { gate: aGate() }))).toEqual({ stored: 2, conflict: false });
  const { handoffs, events, approvals } = await read(id);
  expect(handoffs).toMatchObject([
    { id: `${id}.install.1`, state: 'offered', fromPackage: 'crm', toPackage: 'field-ops', owner: 'crm', version: 2 },
  ]);
  expect(events.filter(({ subject }) => subject === `handoff/${id}.install.1`)).toMatchObject([
    { seq: 1, type: 'handoff.created', entity: 'customer/cust-1' },
    { seq: 2, type: 'handoff.offered' },
  ]);
  expect(approvals).toMatchObject([{ id: `${id}.install.1`, handoffId: `${id}.install.1` }]);
});

test('a handoff repeats, conflicts and is repaired as a journey is', async () => {
  const id = newId();
  const first = aHandoffRecord(id);
  await hand(first);
  expect(await hand(first)).toEqual({ stored: 2, conflict: false });
  expect(await hand(aHandoffRecord(id, { runId: 'run-2', doer: aDoer({ commandId: 'c-9' }) }))).toEqual({ stored: 2, conflict: true });
  const changed = aHandoffRecord(id, {
    events: [aHandoffEvent('handoff.created', 1, { from: 'crm' }), aHandoffEvent('handoff.offered', 2)],
    view: { attempts: 3 },
  });
  expect(await hand(changed)).toEqual({ stored: 2, conflict: false });
  expect((await read(id)).handoffs).toMatchObject([{ attempts: 3 }]);
  expect(repaired).toBe(2);
});

test('no records are no work', async () => {
  expect([await project(), await hand()]).toEqual([
    { stored: 0, conflict: false },
    { stored: 0, conflict: false },
  ]);
});

test('the texts of a command are the journey’s once it is recorded; others are swept after a day', async () => {
  const id = newId();
  const text = (commandId: string) => ({
    id: asContentId(randomUUID()),
    kind: 'reason' as const,
    visibility: 'internal' as const,
    authorKind: 'agent' as const,
    authorId: demo.lead,
    body: 'As agreed',
    journeyId: id,
    commandId,
  });
  const [taken, left] = [text('c-1'), text('c-refused')];
  await withTenant(database.db, demo.tenant, (tx) => storeContent(tx, demo.tenant, [taken, left]));
  await project(aRecord(id));
  await withTenant(database.db, demo.tenant, (tx) =>
    sql`update content set created_at = now() - interval '2 days' where journey_id = ${id}`.execute(tx),
  );
  const stray = await strayTexts(database.relay, 100);
  expect(stray.map((one) => one.id)).toContain(left.id);
  expect(stray.map((one) => one.id)).not.toContain(taken.id);
  await deleteTexts(database.relay, stray);
  const kept = await withTenant(database.db, demo.tenant, (tx) =>
    tx.selectFrom('content').select('id').where('journeyId', '=', id).execute(),
  );
  expect(kept).toEqual([{ id: taken.id }]);
});

test('another tenant sees nothing and can write nothing into it', async () => {
  const id = newId();
  await project(aRecord(id, { visits: [aVisit()], gates: [{ step: 'credit', visit: 1, gate: aGate() }] }));
  await hand(aHandoffRecord(id));
  const other = asTenantId('018f3b1e-0000-7000-8000-00000000ffff');
  expect(await read(id, other)).toEqual({
    row: undefined,
    events: [],
    visits: [],
    incidents: [],
    goals: [],
    approvals: [],
    votes: [],
    handoffs: [],
  });
  await expect(
    withTenant(database.db, other, (tx) =>
      sql`insert into journey_subject (tenant_id, type, id) values (${demo.tenant}, 'customer', 'x')`.execute(tx),
    ),
  ).rejects.toMatchObject({ code: '42501' });
});

test('two entries of one key cannot share a number', async () => {
  const [one, other] = [newId(), newId()];
  const keyed = (id: string) => aRecord(id, { view: { start: aStart(id, { entryKey: `key-${one}` }) } });
  await project(keyed(one));
  await expect(project(keyed(other))).rejects.toMatchObject({ code: '23505' });
});
