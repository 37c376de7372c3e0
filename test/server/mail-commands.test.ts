import { randomBytes, randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailCommand, TicketCommands } from '../../activities/ports.js';
import { demo } from '../../db/seed.js';
import { asContentId, asCustomerId, ticketIdFrom } from '../../domain/ids.js';
import { createTicketCommands } from '../../worker/ticket-commands.js';
import { taskQueue } from '../../workflows/names.js';
import { anOpen } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { closeDesk, openDesk } from '../support/ticket-run.js';
import type { Desk, TicketRun } from '../support/ticket-run.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;
let commands: TicketCommands;

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  desk = await openDesk({ client: env.client, connection: env.nativeConnection, namespace: 'usher', database });
  const queueSuffix = desk.worker.options.taskQueue.slice(taskQueue('core').length);
  commands = createTicketCommands({ client: env.client, queueSuffix, continueAfter: 1000 });
});
afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const requester = asCustomerId(demo.customers[0] ?? '');
const command = (ticketId = ticketIdFrom(randomBytes(5))): MailCommand => ({
  tenant: demo.tenant,
  ticketId,
  commandId: `mail/${randomUUID()}`,
  actor: `customer/${requester}`,
  role: 'customer',
  source: 'mail',
  receivedAt: Date.now(),
});
const fields = (scope: string) => {
  const {
    tenant: _tenant,
    ticketId: _ticketId,
    ...rest
  } = anOpen({ requester, scope, channel: 'email', content: asContentId(randomUUID()) });
  return rest;
};
const received = () => ({ content: asContentId(randomUUID()), author: requester, auto: false, copied: [] });
const closedRun = async (): Promise<TicketRun> => {
  const run = await desk.open();
  await run.send('close', { cause: 'spam' });
  await run.handle.result();
  return run;
};

describe('commands that mail causes', () => {
  test('open a ticket, the same again changes nothing, and a taken number is told', async () => {
    const first = command();
    expect(await commands.open(first, fields('mail/1'))).toBe('opened');
    expect(await commands.open(first, fields('mail/1'))).toBe('opened');
    expect(await commands.open(command(first.ticketId), fields('mail/2'))).toBe('taken');
    expect(await commands.receive(command(first.ticketId), received())).toBe('received');
  });

  test('to a closed ticket, or to none, find it closed; its number stays taken', async () => {
    const { id } = await closedRun();
    expect(await commands.receive(command(id), received())).toBe('closed');
    expect(await commands.open(command(id), fields('mail/3'))).toBe('taken');
    expect(await commands.receive(command(), received())).toBe('closed');
  });

  test('that a ticket refuses are refused for good', async () => {
    const refused = commands.open(command(), { ...fields('mail/4'), category: '<no category>' });
    await expect(refused).rejects.toMatchObject({ name: 'CommandRefused', code: 'invalid_request' });
  });
});
