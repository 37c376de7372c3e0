/** Open tickets of a sample desk live on: their workflows take commands. */
import { randomBytes } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSample } from '../../db/sample/load.js';
import { demo } from '../../db/seed.js';
import { startWorkflows } from '../../local/sample-workflows.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import type { Desk } from '../support/ticket-run.js';
import { closeDesk, openDesk, storeText } from '../support/ticket-run.js';
import { ticketWorkflowId } from '../../workflows/ticket/start.js';
import { state, updates } from '../../workflows/ticket/messages.js';

const queueSuffix = `-${randomBytes(4).toString('hex')}`;

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  desk = await openDesk({ client: env.client, connection: env.nativeConnection, namespace: 'usher', database, queueSuffix });
});
afterAll(async () => {
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

test('an open ticket goes on from its history, and a second start changes nothing', async () => {
  const { open } = await loadSample({
    url: database.superuser,
    tenant: demo.tenant,
    size: 'small',
    until: Date.now(),
    onProgress: () => undefined,
  });
  const told: number[] = [];
  const options = { queueSuffix, continueAfter: 1000, onProgress: (started: number) => void told.push(started) };
  await startWorkflows(env.client, open, options);
  expect(told).toEqual(open.map((_, index) => index + 1));
  await startWorkflows(env.client, open, options);
  for (const ticket of open) {
    const handle = env.client.workflow.getHandle(ticketWorkflowId(ticket.id));
    expect(await handle.query(state)).toMatchObject({ status: ticket.status, version: ticket.version, assignee: ticket.assignee });
    const content = await storeText(database.db, 'note', { body: 'Seen.' });
    const note = { content, commandId: `seen-${ticket.id}`, actor: 'user/test', role: 'admin', source: 'api' } as const;
    expect(await handle.executeUpdate(updates.note, { args: [note] })).toMatchObject({ version: ticket.version + 1 });
  }
});
