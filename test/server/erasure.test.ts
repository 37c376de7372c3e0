/** The whole system: a customer with an open ticket, a running journey and a planned mail is erased, while the worker is killed in the middle. */
import { createHash, randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reportText } from '../../domain/privacy/erasure.js';
import { fromIso } from '../../domain/time.js';
import type { DeskClient } from '../support/desk-client.js';
import { keepHistory } from '../support/histories.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack({ journeys: true });
  desk = running.desk;
}, 400_000);
afterAll(() => running[Symbol.asyncDispose]());

/** In every text and address of the person; lower-case, as addresses are. */
const mark = `q7mark${randomUUID().slice(0, 8)}`;
const email = `${mark}@example.com`;

/** An admin besides the one of the demo, as administrators make one. */
async function anotherAdmin(): Promise<Record<string, string>> {
  const made = await desk.call('POST', '/users', { name: 'Grace', email: 'grace@example.com', memberships: [{ role: 'admin' }] });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const key = await desk.call('POST', '/api-keys', { owner: `user/${made.body.id}`, name: 'test' });
  return { authorization: `Bearer ${key.body.key}` };
}

/** Tables in which a row holds the mark, past all row rules. */
async function marked(): Promise<string[]> {
  const tables = await desk.sql<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'kysely%'",
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const [hit] = await desk.sql<{ hit: boolean }>(`select exists (select from "${name}" t where t::text ilike $1) as hit`, [`%${mark}%`]);
    if (hit?.hit === true) found.push(name);
  }
  return found;
}

test('asked, confirmed, worker killed: nothing is sent any more, the proof is complete, and no history knows a word', async () => {
  const second = await anotherAdmin();
  const created = await desk.call(
    'POST',
    '/tickets',
    {
      product: 'demo',
      subject: `About ${mark}`,
      description: `My name is ${mark}.`,
      channel: 'api',
      requester: { email, name: mark },
      tags: [mark],
      customFields: { note: mark },
    },
    { key: randomUUID() },
  );
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  const ticket: string = created.body.id;
  const customer: string = created.body.requester;
  await desk.untilMails(email, 1);
  const journeys = () =>
    desk.sql<{ id: string; status: string; outcome: string | null }>('select id, status, outcome from journey where subject_id = $1', [
      ticket,
    ]);
  await expect.poll(async () => (await journeys()).map(({ status }) => status), { timeout: 120_000 }).toEqual(['active']);
  expect((await desk.call('POST', `/tickets/${ticket}/notes`, { body: `A note on ${mark}` })).status).toBe(201);

  // A mail that is planned and cannot leave: the mail server asks to try again later.
  await desk.fault({ mode: 'tempfail', match: email });
  const reply = await desk.call('POST', `/tickets/${ticket}/messages`, { body: `Dear ${mark}` });
  expect(reply.status).toBe(201);
  const tried = () => desk.sql("select from outbound_message where ticket_id = $1 and state = 'planned' and attempts > 0", [ticket]);
  await expect.poll(async () => (await tried()).length, { timeout: 120_000 }).toBe(1);
  expect(await marked()).toEqual(expect.arrayContaining(['content', 'ticket', 'customer', 'customer_contact', 'idempotency']));

  const asked = await desk.call('POST', `/customers/${customer}/erase`);
  expect([asked.status, asked.body.state]).toEqual([202, 'waiting']);
  expect((await desk.call('POST', `/erasures/${asked.body.id}/confirm`)).body.code).toBe('requester_excluded');
  const confirmed = await desk.call('POST', `/erasures/${asked.body.id}/confirm`, undefined, { headers: second });
  expect([confirmed.status, confirmed.body.state]).toEqual([202, 'running']);
  const isMarked = async () => (await desk.sql('select from customer where id = $1 and erasing_at is not null', [customer])).length;
  await expect.poll(isMarked, { timeout: 120_000, interval: 20 }).toBe(1);
  await running.stack.worker.kill('SIGKILL');
  await desk.fault({ mode: 'ok' });
  await running.stack.worker.start();

  const proof = async () => (await desk.call('GET', `/erasures/${asked.body.id}`)).body;
  await expect.poll(async () => (await proof()).state, { timeout: 120_000, interval: 200 }).toBe('done');
  const done = await proof();
  const { id, rows, files, requestedBy, confirmedBy } = done;
  const at = { requestedAt: fromIso(done.requestedAt), confirmedAt: fromIso(done.confirmedAt), erasedAt: fromIso(done.erasedAt) };
  const report = reportText({ erasure: id, customer, requestedBy, confirmedBy, rows, files, ...at });
  expect(done.reportHash).toBe(createHash('sha256').update(report).digest('hex'));
  expect(done.rows).toMatchObject({ ticket: 1, customer: 1, customer_contact: 1 });

  expect(await marked()).toEqual([]);
  const view = await desk.call('GET', `/tickets/${ticket}`);
  expect(view.body).toMatchObject({ status: 'closed', subject: null, description: null, tags: [], customFields: {} });
  expect((await desk.call('GET', `/customers/${customer}`)).body.code).toBe('erased');
  expect((await journeys()).map(({ status, outcome }) => [status, outcome])).toEqual([['cancelled', 'erased']]);
  expect(await desk.inbox(email)).toHaveLength(1);
  const mails = await desk.sql<{ state: string; reason: string | null }>(
    'select state, reason from outbound_message where recipient_id = $1 order by created_at',
    [customer],
  );
  expect(mails).toEqual([
    { state: 'sent', reason: null },
    { state: 'suppressed', reason: 'customer_deleted' },
  ]);
  await desk.expectSound(ticket);

  // What the engine keeps of all of it: ids.
  const connection = await Connection.connect({ address: desk.info.temporalAddress });
  try {
    const client = new Client({ connection, namespace: desk.info.namespace });
    await keepHistory(client, `erasure/${customer}`, 'erasure/0.4-worker-killed');
    const ids = [`ticket/${ticket}`, `erasure/${customer}`, ...(await journeys()).map((journey) => `journey/${journey.id}`)];
    for (const workflowId of ids) {
      const history = await client.workflow.getHandle(workflowId).fetchHistory();
      const text = JSON.stringify(history, (_, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
      );
      expect(text).toContain(workflowId.slice(workflowId.indexOf('/') + 1));
      expect(text.toLowerCase().includes(mark), workflowId).toBe(false);
    }
  } finally {
    await connection.close();
  }

  // Whoever writes from the address is somebody new.
  const again = await desk.call('POST', '/tickets', {
    product: 'demo',
    subject: 'Hello',
    description: 'It is me.',
    channel: 'api',
    requester: { email },
  });
  expect(again.status).toBe(201);
  expect(again.body.requester).not.toBe(customer);
  const repeated = await desk.call('POST', `/customers/${customer}/erase`);
  expect([repeated.status, repeated.body]).toEqual([200, done]);
}, 400_000);
