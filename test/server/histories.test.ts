/**
 * Lives a ticket can have, run on a real server and replayed at once. A life without a file in `test/histories` is recorded there; a file that
 * exists is never written again, because runs like it may be open somewhere.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import type { Policy } from '../../domain/sla/policy.js';
import { devEnvironment } from '../support/dev-env.js';
import { closeDesk, openDesk, publishPolicies } from '../support/ticket-run.js';
import type { Desk, TicketRun } from '../support/ticket-run.js';
import { demo } from '../../db/seed.js';
import { noticeEnded } from '../../workflows/ticket/messages.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;
let failing = false;

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  desk = await openDesk({
    client: env.client,
    connection: env.nativeConnection,
    namespace: 'usher',
    database,
    deliver: () => Promise.resolve({ sent: failing ? 0 : 1, failed: failing ? 1 : 0, unknown: 0, suppressed: 0 }),
  });
});

afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const lead = { notify: { to: ['lead'], channel: 'email' } } as const;

const aPolicy = (changes: Partial<Policy> = {}): Policy => ({
  id: 'all',
  name: 'All',
  match: [],
  calendar: { use: 'policy', id: alwaysOpen },
  targets: {
    first_response: { medium: 3_600 },
    periodic_update: { medium: 7_200 },
    resolution: { medium: 2, high: 36_000, urgent: 18_000 },
  },
  pause: 'default',
  pauseOnApproval: [],
  reopen: 'resume',
  counts: { bot: false, call: false, firstInNext: false },
  rungs: [
    { id: 'half', clock: 'resolution', when: { percent: 50 }, actions: [lead] },
    {
      id: 'late',
      clock: 'resolution',
      when: 'at_breach',
      level: 1,
      actions: [{ open_escalation: { to: { kind: 'lead' }, ackWithin: 1 } }, { raise_priority: { to: 'high' } }, { reassign: {} }],
    },
    { id: 'later', clock: 'resolution', when: { after: 3_600 }, level: 2, actions: [lead] },
  ],
  ...changes,
});

const openUnder = async (policies: readonly Policy[], continueAfter?: number): Promise<TicketRun> =>
  desk.open({ sla: { set: await publishPolicies(database.db, policies) } }, continueAfter);

/** By release and name; each returns the ticket whose first run is kept. */
const lives: Record<string, () => Promise<TicketRun>> = {
  async '0.2-ladder-to-its-end'() {
    const ticket = await openUnder([aPolicy()]);
    await expect.poll(async () => (await ticket.rungs()).map(({ rung }) => rung), { timeout: 120_000 }).toEqual(['half', 'late', 'later']);
    await ticket.send('resolve', {});
    await ticket.send('close', {});
    await ticket.handle.result();
    return ticket;
  },
  async '0.4-notices-in-batches'() {
    // Nothing else falls due while it is closed: a task that both happen in fails, and whoever closes is to try again.
    const soon = { id: 'soon', clock: 'resolution', when: { before: 599 }, actions: [lead] } as const;
    const ticket = await openUnder([aPolicy({ targets: { resolution: { medium: 600 } }, rungs: [soon] })]);
    await expect.poll(async () => (await ticket.rungs()).map(({ rung }) => rung), { timeout: 120_000 }).toContain('soon');
    await ticket.handle.signal(noticeEnded, { tenant: demo.tenant, message: 'notice/resolution#1/soon', outcome: 'unknown' });
    await expect.poll(async () => (await ticket.row()).types, { timeout: 120_000 }).toContain('message.unknown');
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.2-clocks-by-hand'() {
    const urgent = aPolicy({ id: 'urgent', match: [{ field: 'priority', op: 'in', values: ['urgent'] }] });
    const ticket = await openUnder([urgent, aPolicy({ targets: { first_response: { medium: 3_600 }, resolution: { medium: 36_000 } } })]);
    await ticket.send('priority', { priority: 'urgent' });
    await ticket.reply('waiting_on_customer');
    await ticket.receive();
    await ticket.send('pauseClocks', {});
    await ticket.send('resumeClocks', {});
    await ticket.send('overrideTarget', { clock: 'resolution#1', budgetS: 7_200 });
    await ticket.send('replan', { set: await publishPolicies(database.db, [aPolicy({ targets: { resolution: { urgent: 900 } } })]) });
    await ticket.send('resolve', {});
    await ticket.send('reopen', {});
    await ticket.send('close', { cause: 'merged' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.2-escalations'() {
    const ticket = await desk.open();
    const text = await ticket.text('note');
    await ticket.send('escalate', { to: { kind: 'lead' }, level: 2, ackWithinS: 1 });
    await expect.poll(async () => (await ticket.row()).types, { timeout: 120_000 }).toContain('sla.escalated');
    await ticket.send('acknowledgeEscalation', { escalation: 1 });
    await ticket.send('resolveEscalation', { escalation: 1, outcome: 'fixed', text });
    await ticket.send('sendBackEscalation', { escalation: 1, reason: text });
    await ticket.send('escalate', {});
    await ticket.send('withdrawEscalation', { escalation: 2 });
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.2-clocks-continued-as-new'() {
    const ticket = await openUnder([aPolicy({ targets: { resolution: { medium: 36_000 } } })], 2);
    await ticket.send('awaitCustomer', {});
    await ticket.send('start', {});
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-every-verb'() {
    const ticket = await desk.open();
    await ticket.send('edit', { priority: 'high', category: 'Billing' });
    await ticket.send('assign', { agent: '018f3b1e-0000-7000-8000-000000000022' as never });
    await ticket.send('unassign', {});
    await ticket.send('claim', { agent: '018f3b1e-0000-7000-8000-000000000022' as never });
    await ticket.send('note', { content: await ticket.text('note') });
    await ticket.reply('waiting_on_customer');
    await ticket.receive();
    await ticket.send('priority', { priority: 'urgent' });
    await ticket.send('hold', {});
    await ticket.send('start', {});
    await ticket.send('awaitCustomer', { until: Date.now() + 3_600_000 });
    await ticket.send('resolve', {});
    await ticket.send('reopen', {});
    await ticket.reply('resolved');
    await ticket.send('close', {});
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-closed-by-its-window'() {
    const ticket = await desk.open({ settings: { reopenWindowS: 1, mail: { acknowledgement: true, reply: true, resolved: true } } });
    await ticket.send('resolve', {});
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-waiting-ends-by-itself'() {
    const ticket = await desk.open();
    await ticket.send('hold', { until: Date.now() + 1_500 });
    await expect.poll(async () => (await ticket.state())?.status, { timeout: 120_000 }).toBe('in_progress');
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-mail-that-failed'() {
    failing = true;
    const ticket = await desk.open();
    await expect.poll(async () => (await ticket.row()).types, { timeout: 120_000 }).toContain('message.failed');
    failing = false;
    await ticket.send('close', { cause: 'erased' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-continued-as-new'() {
    const ticket = await desk.open({}, 2);
    await ticket.send('hold', {}, { commandId: 'first' });
    await ticket.send('start', {});
    await ticket.send('hold', {}, { commandId: 'first' });
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-cancelled-by-an-operator'() {
    const ticket = await desk.open();
    await ticket.send('resolve', {});
    await ticket.handle.cancel();
    await ticket.handle.result();
    return ticket;
  },
  async '0.1-spam-at-once'() {
    const ticket = await desk.open({ auto: true });
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
};

test.each(Object.keys(lives))('%s replays', async (name) => {
  const ticket = await lives[name]?.();
  if (ticket === undefined) throw new Error(`no life ${name}`);
  const history = await ticket.handle.fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, `ticket/${name}`);
  const file = join(import.meta.dirname, '..', 'histories', 'ticket', `${name}.json`);
  if (!existsSync(file)) await writeFile(file, `${historyToJSON(history)}\n`);
});
