/** Statements per request, not counting begin, set_config and commit. Source: performance.md, section 9. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kysely, PostgresDialect, CamelCasePlugin } from 'kysely';
import pg from 'pg';
import { createApp } from '../../api/app.js';
import { createMetrics } from '../../api/metrics.js';
import { createSigningKeys } from '../../api/signing.js';
import type { Db } from '../../db/client.js';
import { createDiskFiles } from '../../db/files.js';
import type { DB } from '../../db/schema.js';
import { createLogger } from '../../logger.js';
import { demo, secretKeys, useStage } from './support.js';

const stage = useStage();
const most = { write: 4, read: 3 } as const;
const statements: string[] = [];
const open: { db?: Db } = {};

/** The stage's app on a pool that writes down what it is asked. */
beforeAll(() => {
  const pool = new pg.Pool({ connectionString: stage.database.url, options: '-c role=usher_app', max: 3 });
  open.db = new Kysely<DB>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    log: ({ query }) => void (/^(?:begin|commit)|set_config|find_api_key|last_used_at/.test(query.sql) || statements.push(query.sql)),
  });
});
afterAll(() => open.db?.destroy());

async function counted(method: string, path: string, body?: unknown): Promise<number> {
  if (open.db === undefined) throw new Error('no database');
  const app = createApp({
    db: open.db,
    commands: stage.desk,
    metrics: createMetrics(),
    files: createDiskFiles('/nowhere'),
    keys: createSigningKeys(secretKeys),
    log: createLogger({ level: 'silent', pretty: false, name: 'test' }),
    now: () => Date.now(),
    publicUrl: 'http://api.test',
    webUi: { url: 'http://ui.test', namespace: 'usher' },
  });
  const send = (key: string, to: string, how: string, what?: unknown) =>
    app.request(to, {
      method: how,
      headers: { authorization: `Bearer ${stage.keys.lead}`, 'content-type': 'application/json', 'idempotency-key': key },
      ...(what === undefined ? {} : { body: JSON.stringify(what).replace('%', key) }),
    });
  // Warm: who asks, and what is remembered, is known already.
  await send('warm', '/v1/agents?limit=1', 'GET');
  const tickets = [await stage.ticket(), await stage.ticket()];
  await send(randomUUID(), path.replace(':id', tickets[0] ?? ''), method, body);
  statements.length = 0;
  const reply = await send(randomUUID(), path.replace(':id', tickets[1] ?? ''), method, body);
  expect(reply.status, await reply.text()).toBeLessThan(300);
  return statements.length;
}

const requester = { customerId: demo.customers[0] };
test.each([
  ['POST', '/v1/tickets', { product: 'demo', subject: 's', description: 'd', channel: 'api', requester }],
  ['POST', '/v1/tickets', { product: 'demo', subject: 's', description: 'd', channel: 'api', requester: { email: '%@example.com' } }],
  ['POST', '/v1/tickets/:id/start', undefined],
  ['POST', '/v1/tickets/:id/resolve', { resolution: 'Done' }],
  ['POST', '/v1/tickets/:id/assign', { agentId: demo.agents[1], reason: 'Knows it' }],
  ['POST', '/v1/tickets/:id/messages', { body: 'Hello' }],
  ['POST', '/v1/tickets/:id/notes', { body: 'Hello' }],
  ['PATCH', '/v1/tickets/:id', { subject: 'x', customFields: { a: 1 }, priority: 'low' }],
])('%s %s', async (method, path, body) => {
  expect(await counted(method, path, body), statements.join('\n')).toBeLessThanOrEqual(most.write);
});

test.each([
  ['/v1/tickets/:id'],
  ['/v1/tickets/:id?include=requester,assignee,messages'],
  ['/v1/tickets?product=*&include=requester,messages&q=start'],
  ['/v1/tickets/count?product=*'],
  ['/v1/tickets/:id/messages'],
  ['/v1/tickets/:id/history'],
  [`/v1/customers/${demo.customers[0]}/history`],
])('GET %s', async (path) => {
  expect(await counted('GET', path), statements.join('\n')).toBeLessThanOrEqual(most.read);
});
