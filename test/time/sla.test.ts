/** Clocks of the ticket workflow, on a server that skips time: the rules themselves are tested where they live. */
import { randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProjection } from '../../activities/projection.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import type { Policy, Rung } from '../../domain/sla/policy.js';
import { demo } from '../../db/seed.js';
import { asCustomerId } from '../../domain/ids.js';
import { day, hour, minute } from '../../domain/time.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { closeDesk, openDesk, publishPolicies } from '../support/ticket-run.js';
import type { Desk, TicketRun } from '../support/ticket-run.js';
import { timeEnvironment } from '../support/time-env.js';
import { noticeEnded } from '../../workflows/ticket/messages.js';

const {
  INDEXED_VALUE_TYPE_KEYWORD: KEYWORD,
  INDEXED_VALUE_TYPE_INT: INT,
  INDEXED_VALUE_TYPE_DATETIME: DATETIME,
} = proto.temporal.api.enums.v1.IndexedValueType;

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;

beforeAll(async () => {
  env = await timeEnvironment();
  database = await freshDatabase();
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: {
      Tenant: KEYWORD,
      Product: KEYWORD,
      Priority: KEYWORD,
      Status: KEYWORD,
      SlaState: KEYWORD,
      Stage: KEYWORD,
      EscalationLevel: INT,
      DueAt: DATETIME,
    },
  });
  desk = await openDesk({ client: env.client, connection: env.nativeConnection, database });
});

afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const lead = { notify: { to: ['lead'], channel: 'email' } } as const;
const ladder: readonly Rung[] = [
  { id: 'r50', clock: 'resolution', when: { percent: 50 }, actions: [lead] },
  {
    id: 'r100',
    clock: 'resolution',
    when: 'at_breach',
    level: 1,
    actions: [{ open_escalation: { to: { kind: 'lead' }, ackWithin: 1800 } }],
  },
  { id: 'later', clock: 'resolution', when: { after: 4 * 3600 }, level: 2, actions: [lead] },
];

const aPolicy = (changes: Partial<Policy> = {}): Policy => ({
  id: 'all',
  name: 'All',
  match: [],
  calendar: { use: 'policy', id: alwaysOpen },
  targets: { resolution: { low: 8 * 3600, medium: 8 * 3600, high: 4 * 3600, urgent: 3600 } },
  pause: 'default',
  pauseOnApproval: [],
  reopen: 'resume',
  counts: { bot: false, call: false, firstInNext: false },
  rungs: ladder,
  ...changes,
});

const openUnder = async (policies: readonly Policy[], continueAfter?: number): Promise<TicketRun> =>
  desk.open({ sla: { set: await publishPolicies(database.db, policies) } }, continueAfter);

const createdAt = (ticket: TicketRun): number => Math.floor(ticket.opened.ticket.createdAt / 1000) * 1000;

test('a deadline is recorded at its second, its rungs at theirs, and each is told once', async () => {
  const ticket = await openUnder([aPolicy()]);
  const begin = createdAt(ticket);
  expect(await ticket.clocks()).toEqual({
    'resolution#1': { phase: 'running', dueAt: begin + 8 * hour, breachedAt: null, consumedS: 0 },
  });
  await env.sleep(9 * hour);
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ breachedAt: begin + 8 * hour });
  expect((await ticket.rungs()).map(({ rung, dueAt, outcome }) => [rung, dueAt.getTime() - begin, outcome])).toEqual([
    ['r50', 4 * hour, 'warned'],
    ['r100', 8 * hour, 'opened'],
    // Nobody acknowledged within half an hour: the next rung does not wait for its own time.
    ['later', 8.5 * hour, 'notified'],
  ]);
  expect(await ticket.notices()).toEqual(['notice/resolution#1/r50', 'notice/resolution#1/r100', 'notice/resolution#1/later']);
  expect(await ticket.waitingNotices(), 'for the relay').toEqual(await ticket.notices());
  expect(noticesOf(ticket), 'by the run itself').toEqual([]);
  await env.sleep(30 * day);
  expect((await ticket.rungs()).length).toBe(3);
});

test('a run whose projection answers as before there were batches delivers its notices itself', async () => {
  const { project } = createProjection({ db: database.db, newId: randomUUID, onRepaired: () => undefined });
  const before = await openDesk({
    client: env.client,
    connection: env.nativeConnection,
    database,
    project: async (steps) => {
      const { stored, conflict } = await project(steps);
      return { stored, conflict };
    },
  });
  const ticket = await before.open({ sla: { set: await publishPolicies(database.db, [aPolicy()]) } });
  await env.sleep(9 * hour);
  expect(noticesOf(ticket, before)).toEqual(['notice/resolution#1/r50', 'notice/resolution#1/r100', 'notice/resolution#1/later']);
  // Time would stand still for a run that nobody works on.
  await ticket.send('close', { cause: 'spam' });
  await ticket.handle.result();
  await closeDesk(before);
});

test('a notice that did not arrive is an event of its ticket, once; of another tenant, or of something else, it is none', async () => {
  const ticket = await openUnder([aPolicy()]);
  const told = { tenant: demo.tenant, message: 'notice/resolution#1/r50', outcome: 'failed' } as const;
  await ticket.handle.signal(noticeEnded, { ...told, tenant: '018f3b1e-0000-7000-8000-000000000009' });
  await ticket.handle.signal(noticeEnded, { ...told, message: 'reply.1' });
  await ticket.handle.signal(noticeEnded, { ...told, message: 'notice/' + 'a word of a customer'.repeat(20) });
  await ticket.handle.signal('noticeEnded', { ...told, outcome: 'whatever' });
  await ticket.handle.signal(noticeEnded, told);
  await ticket.handle.signal(noticeEnded, told);
  await env.sleep(minute);
  expect((await ticket.row()).types.filter((type) => type.startsWith('message.'))).toEqual(['message.failed']);
});

const noticesOf = (ticket: TicketRun, { deliveries } = desk): string[] =>
  deliveries.filter(({ ticketId, message }) => ticketId === ticket.id && message.startsWith('notice/')).map(({ message }) => message);

test('a pause stands still, over a continue-as-new too, and the rest of the budget counts after it', async () => {
  const ticket = await openUnder([aPolicy()], 2);
  const begin = createdAt(ticket);
  await env.sleep(hour);
  await ticket.send('awaitCustomer', {});
  await ticket.send('note', { content: await ticket.text('note') });
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ phase: 'paused', dueAt: null });
  await env.sleep(3 * day);
  await ticket.receive();
  const resumed = (await ticket.clocks())['resolution#1'];
  expect(resumed).toMatchObject({ phase: 'running', breachedAt: null });
  const { consumedS = 0, dueAt } = resumed ?? {};
  expect(consumedS).toBeGreaterThanOrEqual(3600);
  expect(consumedS).toBeLessThan(3900);
  await env.sleep(9 * hour);
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ breachedAt: dueAt });
  expect(dueAt).toBeGreaterThan(begin + 3 * day);
});

test('another priority finds another policy, and what was counted stays counted', async () => {
  const urgent = aPolicy({ id: 'urgent', match: [{ field: 'priority', op: 'in', values: ['urgent'] }], rungs: [] });
  const ticket = await openUnder([urgent, aPolicy()]);
  const begin = createdAt(ticket);
  await env.sleep(30 * minute);
  await ticket.send('priority', { priority: 'urgent' });
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ dueAt: begin + hour, breachedAt: null });
  await env.sleep(hour);
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ breachedAt: begin + hour });
  expect(await ticket.rungs()).toEqual([]);
});

test('acknowledged in time, the next rung waits for its own instant; fulfilled, nothing more comes', async () => {
  const ticket = await openUnder([aPolicy()]);
  await env.sleep(8 * hour + 10 * minute);
  await ticket.send('acknowledgeEscalation', { escalation: 1 });
  await env.sleep(2 * hour);
  expect((await ticket.rungs()).map(({ rung }) => rung)).toEqual(['r50', 'r100']);
  await ticket.send('resolve', {});
  await env.sleep(day);
  expect((await ticket.rungs()).map(({ rung }) => rung)).toEqual(['r50', 'r100']);
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ phase: 'fulfilled' });
});

test('mail that came late breaches at its true deadline', async () => {
  const set = await publishPolicies(database.db, [aPolicy({ targets: { first_response: { medium: 3600 } }, rungs: [] })]);
  const receivedAt = (await env.currentTimeMs()) - 2 * hour;
  const ticket = await desk.open({ sla: { set }, requester: asCustomerId(demo.customers[0] ?? '') }, 1000, {
    receivedAt,
    role: 'customer',
  });
  const clock = (await ticket.clocks())['first_response#1'];
  expect(clock).toMatchObject({ breachedAt: Math.floor(receivedAt / 1000) * 1000 + hour });
  expect((await ticket.row()).types).toEqual(['ticket.created', 'sla.activated', 'sla.breached']);
});

test('a ticket that waits for two years leaves a short history, and counts on afterwards', async () => {
  const ticket = await openUnder([aPolicy({ rungs: [] })]);
  await ticket.send('awaitCustomer', {});
  await env.sleep(2 * 365 * day);
  const { historyLength } = await ticket.handle.describe();
  expect(historyLength).toBeLessThan(4000);
  await ticket.receive();
  const clock = (await ticket.clocks())['resolution#1'];
  expect(clock).toMatchObject({ phase: 'running', breachedAt: null });
  expect(clock?.dueAt ?? 0).toBeGreaterThan(await env.currentTimeMs());
});

test('a clock that runs for months has its open hours fetched anew in time', async () => {
  const ticket = await openUnder([aPolicy({ targets: { resolution: { medium: 100 * 24 * 3600 } }, rungs: [] })]);
  const begin = createdAt(ticket);
  await env.sleep(101 * day);
  expect((await ticket.clocks())['resolution#1']).toMatchObject({ breachedAt: begin + 100 * day });
});
