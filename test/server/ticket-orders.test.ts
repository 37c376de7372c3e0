/** Orders of journeys, given to the workflows of real tickets. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketOrders } from '../../activities/actions/ports.js';
import { demo } from '../../db/seed.js';
import { asAgentId, asTeamId, asTicketId } from '../../domain/ids.js';
import { createTicketOrders } from '../../worker/ticket-orders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { closeDesk, openDesk } from '../support/ticket-run.js';
import type { Desk } from '../support/ticket-run.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;
let orders: TicketOrders;

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  desk = await openDesk({ client: env.client, connection: env.nativeConnection, namespace: 'usher', database });
  orders = createTicketOrders(env.client);
});
afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const [one, two] = demo.agents.map(asAgentId);
const team = asTeamId(demo.team);
const agents = () => {
  if (one === undefined || two === undefined) throw new Error('the demo has agents');
  return { one, two };
};

test('a ticket takes its category, and an order given twice gets its first answer', async () => {
  const run = await desk.open();
  const order = { ticketId: run.id, commandId: 'action/0123' };
  await orders.edit(order, { category: 'network' });
  const before = await run.state();
  await orders.edit(order, { category: 'network' });
  expect(await run.state()).toMatchObject({ category: 'network', version: before?.version });
});

test('a ticket goes to one agent, whoever asks later', async () => {
  const run = await desk.open();
  const first = { ticketId: run.id, commandId: 'action/1' };
  expect(await orders.assign(first, { agent: agents().one, team })).toBe(agents().one);
  expect(await orders.assign(first, { agent: agents().two, team })).toBe(agents().one);
  expect(await orders.assign({ ...first, commandId: 'action/2' }, { agent: agents().two, team })).toBeNull();
  expect(await run.state()).toMatchObject({ assignee: agents().one, team });
});

test('a ticket that is closed, or none, is gone; what a ticket refuses is refused for good', async () => {
  const run = await desk.open();
  const order = { ticketId: run.id, commandId: 'action/1' };
  await expect(orders.edit(order, { category: '<none>' })).rejects.toMatchObject({ name: 'CommandRefused', code: 'invalid_request' });
  await run.send('close', { cause: 'spam' });
  await run.handle.result();
  await expect(orders.edit({ ...order, commandId: 'action/2' }, { category: 'network' })).rejects.toMatchObject({ name: 'TicketGone' });
  const none = { ticketId: asTicketId('TKT-ZZZZZZZZ'), commandId: 'action/3' };
  await expect(orders.assign(none, { agent: agents().one, team })).rejects.toMatchObject({ name: 'TicketGone' });
});
