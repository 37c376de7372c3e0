import { WorkflowNotFoundError } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { closeDesk, openDesk } from '../support/ticket-run.js';
import type { Desk } from '../support/ticket-run.js';
import { timeEnvironment } from '../support/time-env.js';

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;

beforeAll(async () => {
  env = await timeEnvironment();
  database = await freshDatabase();
  const { operatorService } = env.connection;
  await operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: { Tenant: KEYWORD, Product: KEYWORD, Priority: KEYWORD, Status: KEYWORD },
  });
  desk = await openDesk({ client: env.client, connection: env.nativeConnection, database });
});

afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const days = (count: number): number => count * 24 * 3600 * 1000;

test('a resolved ticket closes by itself when its window of 7 days ends, and not before', async () => {
  const ticket = await desk.open();
  await ticket.send('resolve', {});
  await env.sleep(days(7) - 5 * 60_000);
  expect((await ticket.row()).status).toBe('resolved');
  await env.sleep(10 * 60_000);
  await ticket.handle.result();
  expect(await ticket.row()).toEqual({
    status: 'closed',
    version: 3,
    seqs: [1, 2, 3],
    types: ['ticket.created', 'ticket.resolved', 'ticket.closed'],
  });
});

test('a customer message inside the window reopens, and the timer of the first cycle closes nothing', async () => {
  const ticket = await desk.open();
  await ticket.send('resolve', {});
  await env.sleep(days(3));
  const answer = await ticket.receive();
  expect(answer.ticket).toMatchObject({ status: 'in_progress', cycle: 2 });
  await env.sleep(days(10));
  expect((await ticket.row()).status).toBe('in_progress');
  await ticket.send('resolve', {});
  await ticket.send('close', {});
  await ticket.handle.result();
});

test('each later public message of the desk gives the whole window again', async () => {
  const ticket = await desk.open();
  await ticket.send('resolve', {});
  await env.sleep(days(6));
  await ticket.reply();
  await env.sleep(days(6));
  expect((await ticket.row()).status).toBe('resolved');
  await env.sleep(days(2));
  await ticket.handle.result();
  expect((await ticket.row()).status).toBe('closed');
});

test('after the window a message finds no workflow, and the follow-up opened for it is linked', async () => {
  const ticket = await desk.open();
  await ticket.send('resolve', {});
  await env.sleep(days(8));
  await ticket.handle.result();
  await expect(ticket.receive('mail')).rejects.toThrow(WorkflowNotFoundError);
  const followUp = await desk.open({ followUpOf: ticket.id });
  expect(followUp.opened.ticket.links).toEqual({ followUpOf: ticket.id });
  expect(await followUp.row()).toMatchObject({ status: 'new', version: 1 });
  expect(await ticket.row()).toMatchObject({ status: 'closed', version: 3 });
  await followUp.send('close', { cause: 'spam' });
  await followUp.handle.result();
});

test('waiting ends by itself at its instant', async () => {
  const ticket = await desk.open();
  const until = (await env.currentTimeMs()) + days(2);
  await ticket.send('awaitCustomer', { until });
  await env.sleep(days(3));
  expect(await ticket.row()).toMatchObject({
    status: 'in_progress',
    types: ['ticket.created', 'ticket.status_changed', 'ticket.status_changed'],
  });
  await ticket.send('close', { cause: 'spam' });
  await ticket.handle.result();
});

test('a run that continues as new between commands keeps all it knows, and answers repeated ones as the first time', async () => {
  const ticket = await desk.open({}, 3);
  const first = await ticket.send('priority', { priority: 'urgent' }, { commandId: 'change-priority' });
  for (const version of [4, 5, 6, 7]) expect((await ticket.reply()).version).toBe(version);
  expect((await ticket.send('priority', { priority: 'urgent' }, { commandId: 'change-priority' })).version).toBe(first.version);
  await ticket.send('resolve', {});
  await env.sleep(days(7) + 60_000);
  await ticket.handle.result();
  expect(await ticket.row()).toMatchObject({ status: 'closed', seqs: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
});

test('deliveries are asked for once per message, after the projection', async () => {
  const ticket = await desk.open();
  await ticket.reply('resolved');
  await ticket.send('close', {});
  await ticket.handle.result();
  const asked = desk.deliveries.filter((request) => request.ticketId === ticket.id).map((request) => request.message);
  expect(asked).toHaveLength(2);
  expect(asked[0]).toBe('acknowledgement');
});

test('a run whose open never came completes as never opened', async () => {
  const handle = await env.client.workflow.start('ticketWorkflow', {
    workflowId: 'ticket/TKT-00000000',
    taskQueue: desk.worker.options.taskQueue,
    args: [{ tenant: 'x', ticketId: 'TKT-00000000', outboundQueue: 'none', continueAfter: 1000 }],
  });
  expect(await handle.result()).toEqual({ outcome: 'never_opened' });
});
