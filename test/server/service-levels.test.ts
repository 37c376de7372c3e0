/** Service levels on the whole stack, over HTTP, SMTP and Twilio's API: real clocks of a few seconds, a worker that is killed at the deadline. */
import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeskClient } from '../support/desk-client.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

const { TaskQueueType } = proto.temporal.api.enums.v1;

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack({ env: { WORKER_THREADS: '2' } });
  desk = running.desk;
}, 400_000);
afterAll(() => running[Symbol.asyncDispose]());

const lead = 'lead@usher.localhost';
const admin = 'admin@usher.localhost';

interface RungBody {
  readonly id: string;
  readonly clock: string;
  readonly when: unknown;
  readonly level?: number;
  readonly actions: readonly object[];
}

/** Publishes one policy for every ticket, round the clock. */
async function publish(resolutionS: number, rungs: readonly RungBody[]): Promise<void> {
  const policy = {
    id: 'all',
    name: 'All',
    match: [],
    calendar: { use: 'policy', id: '24x7' },
    targets: { resolution: { low: resolutionS, medium: resolutionS, high: resolutionS, urgent: resolutionS } },
    rungs,
  };
  const answer = await desk.call('POST', '/sla/policy-sets', { policies: [policy], mode: 'new_tickets' });
  expect(answer.body).toMatchObject({ revision: expect.any(Number) });
}

async function open(): Promise<{ id: string; dueAt: number }> {
  const created = await desk.createTicket(`c-${randomUUID().slice(0, 8)}@example.com`);
  expect(created.status).toBe(201);
  return { id: created.body.id, dueAt: Date.parse(created.body.dueAt) };
}

const mailsAbout = async (address: string, id: string): Promise<string[]> =>
  (await desk.inbox(address)).filter(({ subject }) => subject.includes(id)).map(({ subject }) => subject);

const events = async (id: string, type: string): Promise<Record<string, unknown>[]> =>
  (
    await desk.sql<{ data: Record<string, unknown> }>('select data from event where subject = $1 and type = $2', [`ticket/${id}`, type])
  ).map(({ data }) => data);

const mailLead = { notify: { to: ['lead'], channel: 'email' } };

test('a worker that is dead at the deadline: one breach at the deadline, one notice, told late', async () => {
  await publish(4, [
    { id: 'half', clock: 'resolution', when: { percent: 50 }, actions: [mailLead] },
    { id: 'late', clock: 'resolution', when: 'at_breach', actions: [mailLead] },
  ]);
  const { id, dueAt } = await open();
  await running.stack.worker.kill('SIGKILL');
  await expect.poll(() => Date.now(), { timeout: 120_000, interval: 100 }).toBeGreaterThan(dueAt + 1_000);
  await running.stack.worker.start();
  await expect.poll(() => mailsAbout(lead, id), { timeout: 120_000, interval: 200 }).toHaveLength(1);
  const breaches = await events(id, 'sla.breached');
  expect(breaches).toEqual([expect.objectContaining({ clock: 'resolution#1', breachedAt: dueAt, cause: 'deadline' })]);
  expect(Number(breaches[0]?.['lateMs'])).toBeGreaterThan(1_000);
  // Both rungs fell due while nobody was there: recorded one by one, told together.
  const rungs = await desk.sql<{ rung: string; due_at: Date }>('select rung, due_at from sla_rung where ticket_id = $1 order by due_at', [
    id,
  ]);
  expect(rungs.map(({ rung, due_at }) => [rung, due_at.getTime()])).toEqual([
    ['half', dueAt - 2_000],
    ['late', dueAt],
  ]);
  expect(await events(id, 'sla.collapsed')).toEqual([expect.objectContaining({ rungs: ['half'], into: 'late' })]);
  const clocks = await desk.call('GET', `/tickets/${id}/clocks`);
  expect(clocks.body.data).toEqual([expect.objectContaining({ clock: 'resolution.1', outcome: 'breached' })]);
  expect((await desk.call('GET', `/tickets/${id}/clocks/resolution.1/explain`)).body).toMatchObject({ check: 'ok' });
  await desk.expectSound(id);
  expect(await mailsAbout(lead, id)).toHaveLength(1);
}, 400_000);

test('deadlines of one moment are told of in batches, each once, though the worker dies while the mail server takes nothing', async () => {
  await publish(6, [{ id: 'late', clock: 'resolution', when: 'at_breach', actions: [mailLead] }]);
  await desk.fault({ mode: 'tempfail', match: lead });
  const opened = await Promise.all(Array.from({ length: 12 }, open));
  const ids = opened.map(({ id }) => id);
  const count = async (condition: string): Promise<number> =>
    Number((await desk.sql<{ n: string }>(`select count(*) as n from ${condition}`, [ids]))[0]?.n);
  try {
    const tried = `outbound_message where ticket_id = any($1) and template = 'notice' and attempts > 0`;
    await expect.poll(() => count(tried), { timeout: 120_000, interval: 100 }).toBe(12);
    await running.stack.worker.kill('SIGKILL');
    await running.stack.worker.start();
  } finally {
    await desk.fault({ mode: 'ok' });
  }
  for (const id of ids) await expect.poll(() => mailsAbout(lead, id), { timeout: 120_000, interval: 200 }).toHaveLength(1);
  await expect.poll(() => count('notice where ticket_id = any($1) and hand_at is not null'), { timeout: 120_000 }).toBe(0);
  const [batches] = await desk.sql<{ n: string }>('select count(distinct batch) as n from notice where ticket_id = any($1)', [ids]);
  expect(Number(batches?.n)).toBeLessThan(12);
  for (const id of ids) {
    await desk.expectSound(id);
    expect(await mailsAbout(lead, id)).toHaveLength(1);
  }
}, 400_000);

test('workflows run in as many threads as asked for, each with a queue of its own for those it has in memory', async () => {
  const connection = await Connection.connect({ address: desk.info.temporalAddress });
  try {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace: desk.info.namespace,
      taskQueue: { name: 'usher-core' },
      taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    const names = new Set(pollers?.map(({ identity }) => identity?.split('@')[0]));
    expect(names).toEqual(new Set(['usher-core-1', 'usher-core-2']));
  } finally {
    await connection.close();
  }
});

test('a notice that the mail server refuses is an event of its ticket', async () => {
  await publish(2, [
    { id: 'late', clock: 'resolution', when: 'at_breach', actions: [{ notify: { to: ['role:admin'], channel: 'email' } }] },
  ]);
  await desk.fault({ mode: 'reject', match: admin });
  try {
    const { id } = await open();
    await expect
      .poll(() => events(id, 'message.failed'), { timeout: 120_000, interval: 100 })
      .toEqual([{ message: 'notice/resolution#1/late' }]);
    await desk.expectSound(id);
  } finally {
    await desk.fault({ mode: 'ok' });
  }
}, 400_000);

test('SMS goes out by Twilio’s API, and an escalation waits until somebody acknowledges it', async () => {
  await publish(2, [
    {
      id: 'late',
      clock: 'resolution',
      when: 'at_breach',
      level: 1,
      actions: [{ notify: { to: ['role:admin'], channel: 'sms' } }, { open_escalation: { to: { kind: 'lead' }, ackWithin: 600 } }],
    },
  ]);
  const { id } = await open();
  const texts = async (): Promise<string[]> => {
    const sent = (await (await fetch(`${desk.info.smsUrl}/api/messages`)).json()) as { body: string }[];
    return sent.map(({ body }) => body).filter((body) => body.includes(id));
  };
  await expect.poll(texts, { timeout: 120_000, interval: 100 }).toHaveLength(1);
  await expect.poll(() => mailsAbout(lead, id), { timeout: 120_000, interval: 100 }).toHaveLength(1);
  const list = await desk.call('GET', `/escalations?ticket=${id}&status=pending`);
  expect(list.body.data).toEqual([expect.objectContaining({ id: `${id}.e1`, level: 1, ackDueAt: expect.any(String) })]);
  const seen = await desk.call('GET', `/tickets/${id}`);
  expect(seen.body).toMatchObject({ slaState: 'breached', slaBreached: true, escalationLevel: 1 });
  const taken = await desk.call('POST', `/escalations/${id}.e1/acknowledge`, { takeOver: true }, { as: 'lead' });
  expect(taken.body).toMatchObject({ status: 'in_progress', ackDueAt: null });
  await desk.expectSound(id);
}, 400_000);

test('a warning whose clock is fulfilled before it is sent never leaves', async () => {
  await publish(6, [
    { id: 'soon', clock: 'resolution', when: { percent: 25 }, actions: [{ notify: { to: ['role:admin'], channel: 'email' } }] },
  ]);
  const { id } = await open();
  // The mail server wants to be asked again later: what is planned waits.
  await desk.fault({ mode: 'tempfail', match: admin });
  try {
    const planned = () => desk.sql('select state from outbound_message where ticket_id = $1 and template = $2', [id, 'notice']);
    await expect.poll(async () => (await planned()).length, { timeout: 120_000, interval: 50 }).toBe(1);
    expect((await desk.call('POST', `/tickets/${id}/resolve`, {})).status).toBe(200);
  } finally {
    await desk.fault({ mode: 'ok' });
  }
  const state = async () =>
    (await desk.sql<{ state: string }>('select state from outbound_message where ticket_id = $1 and template = $2', [id, 'notice']))[0]
      ?.state;
  await expect.poll(state, { timeout: 120_000, interval: 100 }).toBe('suppressed');
  expect(await mailsAbout(admin, id)).toEqual([]);
  expect(await events(id, 'sla.breached')).toEqual([]);
}, 400_000);

test('a revision of a calendar that can never open, or a policy that names nobody, changes nothing', async () => {
  const before = await desk.call('GET', '/sla/policy-sets/current');
  const closed = await desk.call('POST', '/sla/calendars', {
    id: 'never',
    name: 'Never',
    zone: 'UTC',
    weekly: {},
    overrides: {},
  });
  expect(closed.body).toMatchObject({ code: 'calendar_invalid' });
  const policy = {
    id: 'bad',
    name: 'Bad',
    match: [],
    calendar: { use: 'policy', id: 'nowhere' },
    targets: { resolution: { medium: 0 } },
    rungs: [{ id: 'r', clock: 'resolution', when: { before: 600 }, actions: [{ notify: { to: [], channel: 'email' } }] }],
  };
  const refused = await desk.call('POST', '/sla/policy-sets', { policies: [policy], mode: 'new_tickets' });
  expect(refused.status).toBe(422);
  expect(refused.body.errors.length).toBeGreaterThanOrEqual(3);
  expect((await desk.call('GET', '/sla/policy-sets/current')).body).toEqual(before.body);
}, 30_000);
