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
import { devEnvironment } from '../support/dev-env.js';
import { closeDesk, openDesk } from '../support/ticket-run.js';
import type { Desk, TicketRun } from '../support/ticket-run.js';

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

/** Each returns the handles of the runs to keep, the first run's first. */
const lives: Record<string, () => Promise<TicketRun>> = {
  async 'every-verb'() {
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
  async 'closed-by-its-window'() {
    const ticket = await desk.open({ settings: { reopenWindowS: 1, mail: { acknowledgement: true, reply: true, resolved: true } } });
    await ticket.send('resolve', {});
    await ticket.handle.result();
    return ticket;
  },
  async 'waiting-ends-by-itself'() {
    const ticket = await desk.open();
    await ticket.send('hold', { until: Date.now() + 1_500 });
    await expect.poll(async () => (await ticket.state())?.status, { timeout: 20_000 }).toBe('in_progress');
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async 'mail-that-failed'() {
    failing = true;
    const ticket = await desk.open();
    await expect.poll(async () => (await ticket.row()).types, { timeout: 20_000 }).toContain('message.failed');
    failing = false;
    await ticket.send('close', { cause: 'erased' });
    await ticket.handle.result();
    return ticket;
  },
  async 'continued-as-new'() {
    const ticket = await desk.open({}, 2);
    await ticket.send('hold', {}, { commandId: 'first' });
    await ticket.send('start', {});
    await ticket.send('hold', {}, { commandId: 'first' });
    await ticket.send('close', { cause: 'spam' });
    await ticket.handle.result();
    return ticket;
  },
  async 'cancelled-by-an-operator'() {
    const ticket = await desk.open();
    await ticket.send('resolve', {});
    await ticket.handle.cancel();
    await ticket.handle.result();
    return ticket;
  },
  async 'spam-at-once'() {
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
  const file = join(import.meta.dirname, '..', 'histories', 'ticket', `0.1-${name}.json`);
  if (!existsSync(file)) await writeFile(file, `${historyToJSON(history)}\n`);
});
