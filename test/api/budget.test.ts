/** Transactions per request, and statements in them, not counting begin, set_config and commit. Source: performance.md, section 9. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kysely, PostgresDialect, CamelCasePlugin } from 'kysely';
import pg from 'pg';
import { createApp } from '../../api/app.js';
import { keepDenials } from '../../api/audit/denials.js';
import { createMetrics } from '../../api/metrics.js';
import { createSigningKeys } from '../../api/signing.js';
import { createHub } from '../../api/stream/hub.js';
import { sourceOf } from '../../api/stream/live.js';
import type { Db } from '../../db/client.js';
import { createDiskFiles } from '../../db/files.js';
import { createSecretBox } from '../../db/secret-box.js';
import type { DB } from '../../db/schema.js';
import { createLogger } from '../../logger.js';
import { countingAlone } from './counting.js';
import { demo, secretKeys, useStage } from './support.js';

const stage = useStage();
const statements: string[] = [];
let transactions = 0;
const open: { db?: Db } = {};

/** The stage's app on a pool that writes down what it is asked. */
beforeAll(() => {
  // One connection: a request that held it while it waits for another would never end.
  const pool = new pg.Pool({ connectionString: stage.database.url, options: '-c role=usher_app', max: 1 });
  open.db = new Kysely<DB>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    log: ({ query }) => {
      if (query.sql.startsWith('begin')) transactions += 1;
      else if (!/^(?:commit|rollback)|find_api_key|last_used_at/.test(query.sql)) statements.push(query.sql);
    },
  });
});
afterAll(() => open.db?.destroy());

interface Cost {
  readonly transactions: number;
  readonly statements: number;
}

/** What a request costs once all that is remembered between requests is known. */
async function cost(method: string, path: string, body?: unknown, { keyed = true } = {}): Promise<Cost> {
  if (open.db === undefined) throw new Error('no database');
  const app = createApp({
    db: open.db,
    commands: stage.desk,
    reprojections: stage.jobs,
    batches: stage.batches,
    erasures: stage.erasures,
    journeys: stage.journeys,
    streams: createHub({ source: sourceOf(open.db, () => undefined), now: Date.now }),
    metrics: createMetrics(),
    requests: countingAlone(),
    denials: keepDenials({ db: open.db, log: createLogger({ level: 'silent', pretty: false, name: 'test' }), now: () => Date.now() }),
    files: createDiskFiles('/nowhere'),
    keys: createSigningKeys(secretKeys),
    log: createLogger({ level: 'silent', pretty: false, name: 'test' }),
    now: () => Date.now(),
    answerWithin: 60_000,
    publicUrl: 'http://api.test',
    signIn: { privateTargets: false },
    webhooks: { secrets: createSecretBox(secretKeys), testMs: 0 },
    webUi: { url: 'http://ui.test', namespace: 'usher' },
  });
  const send = (key: string, to: string, how: string, what?: unknown) =>
    app.request(to, {
      method: how,
      headers: {
        authorization: `Bearer ${stage.keys.lead}`,
        'content-type': 'application/json',
        ...(keyed ? { 'idempotency-key': key } : {}),
      },
      ...(what === undefined ? {} : { body: JSON.stringify(what).replace('%', key) }),
    });
  // Warm: who asks, and what is remembered, is known already.
  await send('warm', '/v1/agents?limit=1', 'GET');
  const tickets = [await stage.ticket(), await stage.ticket()];
  await send(randomUUID(), path.replace(':id', tickets[0] ?? ''), method, body);
  statements.length = 0;
  transactions = 0;
  const reply = await send(randomUUID(), path.replace(':id', tickets[1] ?? ''), method, body);
  expect(reply.status, await reply.text()).toBeLessThan(300);
  return { transactions, statements: statements.length };
}

const requester = { customerId: demo.customers[0] };
const create = { product: 'demo', subject: 's', description: 'd', channel: 'api' };
/** A look with the claim of the key and the texts, the answer that is kept. */
const change = { transactions: 2, statements: 3 };
/** A message is answered with what is planned to deliver it, which PostgreSQL alone knows. */
const message = { transactions: 3, statements: 4 };

test.each([
  ['POST', '/v1/tickets', { ...create, requester }, change],
  ['POST', '/v1/tickets', { ...create, requester: { email: '%@example.com' } }, change],
  [
    'POST',
    '/v1/tickets',
    { ...create, requester, attachments: [{ name: 'a.txt', type: 'text/plain', size: 1 }] },
    { transactions: 2, statements: 4 },
  ],
  ['POST', '/v1/tickets/:id/start', undefined, change],
  ['POST', '/v1/tickets/:id/resolve', { resolution: 'Done' }, change],
  ['POST', '/v1/tickets/:id/assign', { agentId: demo.agents[1], reason: 'Knows it' }, change],
  ['POST', '/v1/tickets/:id/messages', { body: 'Hello' }, message],
  ['POST', '/v1/tickets/:id/notes', { body: 'Hello' }, message],
  ['POST', '/v1/tickets/:id/attachments', { name: 'a.txt', type: 'text/plain', size: 1 }, { transactions: 2, statements: 4 }],
  ['PATCH', '/v1/tickets/:id', { subject: 'x', customFields: { a: 1 }, priority: 'low', category: 'Billing' }, change],
])('%s %s', async (method, path, body, most) => {
  expect(await cost(method, path, body), statements.join('\n')).toEqual(most);
});

test.each([
  ['/v1/tickets', { ...create, requester }, { transactions: 1, statements: 2 }],
  ['/v1/tickets/:id/start', undefined, { transactions: 1, statements: 1 }],
  ['/v1/tickets/:id/resolve', { resolution: 'Done' }, { transactions: 1, statements: 2 }],
  ['/v1/tickets/:id/messages', { body: 'Hello' }, { transactions: 2, statements: 3 }],
])('POST %s without a key', async (path, body, most) => {
  expect(await cost('POST', path, body, { keyed: false }), statements.join('\n')).toEqual(most);
});

test.each([
  ['/v1/tickets/:id', { transactions: 1, statements: 1 }],
  ['/v1/tickets/:id?include=requester,assignee,messages', { transactions: 1, statements: 3 }],
  ['/v1/tickets?product=*&include=requester,messages&q=start', { transactions: 1, statements: 2 }],
  ['/v1/tickets/count?product=*', { transactions: 1, statements: 1 }],
  ['/v1/tickets/:id/messages', { transactions: 1, statements: 2 }],
  ['/v1/tickets/:id/history', { transactions: 1, statements: 2 }],
  [`/v1/customers/${demo.customers[0]}/history`, { transactions: 2, statements: 2 }],
])('GET %s', async (path, most) => {
  expect(await cost('GET', path), statements.join('\n')).toEqual(most);
});
