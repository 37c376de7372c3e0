import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenAPIHono } from '@hono/zod-openapi';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Env } from '../../api/caller.js';
import type { TicketCommands } from '../../api/commands.js';
import type { Deps } from '../../api/deps.js';
import { errorHandler } from '../../api/errors.js';
import { inboundRoutes } from '../../api/inbound/routes.js';
import { createInboundService } from '../../api/inbound/service.js';
import { createMetrics } from '../../api/metrics.js';
import { keepDenials } from '../../api/audit/denials.js';
import { authenticated, createAuthenticator } from '../../api/middleware/auth.js';
import { request } from '../../api/middleware/request.js';
import { createSigningKeys } from '../../api/signing.js';
import { createHub } from '../../api/stream/hub.js';
import { sourceOf } from '../../api/stream/live.js';
import { createTicketEngine } from '../../api/tickets/engine.js';
import { withTenant } from '../../db/client.js';
import { createDiskFiles } from '../../db/files.js';
import { createSecretBox } from '../../db/secret-box.js';
import type { FileStore } from '../../db/files.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { createLogger } from '../../logger.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { countingAlone } from './counting.js';
import { slowBody } from './slow-body.js';

const away = (): Promise<never> => Promise.reject(new Error('no engine here'));
const keys = {
  admin: newApiKey(),
  lead: newApiKey(),
  agent: newApiKey(),
  customer: newApiKey(),
  gateway: newApiKey(),
  demoLead: newApiKey(),
};
type Who = keyof typeof keys;

let database: TestDatabase;
let files: FileStore;
let folder: string;
let app: OpenAPIHono<Env>;

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, keys);
  // A lead who works for one product only.
  const lead = { tenantId: demo.tenant, id: randomUUID() };
  const key = { ...lead, hash: createHash('sha256').update(keys.demoLead).digest(), prefix: 'usk_', ownerKind: 'user', ownerId: lead.id };
  await withTenant(database.db, demo.tenant, async (tx) => {
    await tx
      .insertInto('agent')
      .values({ ...lead, name: 'Lead', email: 'lead2@usher.localhost', role: 'lead', products: ['demo'] })
      .execute();
    await tx.insertInto('apiKey').values(key).execute();
  });
  folder = await mkdtemp(join(tmpdir(), 'usher-files-'));
  files = createDiskFiles(folder);
  const commands: TicketCommands = { send: away, accept: away, open: away, ping: away };
  const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
  const deps: Deps = {
    db: database.db,
    commands,
    reprojections: { start: away, control: away },
    batches: { start: away, control: away },
    erasures: { start: away },
    journeys: { open: away, send: away, accept: away, sendToHandoff: away, acceptByHandoff: away },
    streams: createHub({ source: sourceOf(database.db, () => undefined), now: Date.now }),
    files,
    keys: createSigningKeys('k1:secret'),
    metrics: createMetrics(),
    requests: countingAlone(),
    denials: keepDenials({ db: database.db, log, now: Date.now }),
    log,
    now: Date.now,
    answerWithin: 60_000,
    publicUrl: 'http://desk.example',
    signIn: { privateTargets: false },
    webhooks: { secrets: createSecretBox('k1:secret'), testMs: 0 },
    webUi: { url: 'http://ui.example', namespace: 'usher' },
  };
  app = new OpenAPIHono<Env>();
  app.onError(errorHandler(log));
  app.use(request(deps), authenticated(createAuthenticator(deps), deps.requests));
  app.route('/', inboundRoutes(createInboundService(deps, createTicketEngine(deps))));
});
afterAll(() => database[Symbol.asyncDispose]());
afterEach(() => {
  vi.useRealTimers();
});

const headers = (who: Who, more: Record<string, string> = {}) => ({ authorization: `Bearer ${keys[who]}`, ...more });

const submit = async (raw: string | Uint8Array<ArrayBuffer>, who: Who = 'gateway', type = 'message/rfc822') => {
  const response = await app.request('/v1/inbound/email', { method: 'POST', headers: headers(who, { 'content-type': type }), body: raw });
  const body: unknown = await response.json();
  return { status: response.status, body: Object(body) as Record<string, unknown> };
};

const post = (path: string, body: unknown, who: Who = 'lead', more: Record<string, string> = {}) =>
  app.request(path, { method: 'POST', headers: headers(who, { 'content-type': 'application/json', ...more }), body: JSON.stringify(body) });

const list = async (query = '', who: Who = 'lead') => {
  const response = await app.request(`/v1/inbound/quarantine${query}`, { headers: headers(who) });
  return (await response.json()) as { data: Record<string, unknown>[]; page: { next: string | null; hasMore: boolean } };
};

const rows = () =>
  withTenant(database.db, demo.tenant, (tx) => tx.selectFrom('inboundMessage').selectAll().orderBy('receivedAt').execute());
const row = async (id: unknown) => (await rows()).find((one) => one.id === id);

const aMail = (id: string | null, more = '', body = 'Hello'): string =>
  `${more}From: "Ann" <Ann@Example.org>\r\nTo: support+demo@desk.example\r\nSubject: =?utf-8?q?=C3=84rger=0D=0Ax?=\r\n${id === null ? '' : `Message-ID: ${id}\r\n`}\r\n${body}\r\n`;

/** A mail of which half has been sent. */
async function halfSent(id: string) {
  const { body, awaited, finish } = slowBody(aMail(id, '', 'x'.repeat(2_000)));
  const type = headers('gateway', { 'content-type': 'message/rfc822' });
  const reply = app.request('/v1/inbound/email', { method: 'POST', headers: type, body, duplex: 'half' });
  await awaited;
  return { reply, finish };
}

describe('POST /v1/inbound/email', () => {
  test('keeps the mail as it is, then says so', async () => {
    const raw = aMail('<one@example.org>');
    const { status, body } = await submit(raw);
    expect([status, body['result']]).toEqual([202, 'accepted']);
    const stored = await row(body['id']);
    expect(stored).toMatchObject({
      state: 'received',
      externalId: '<one@example.org>',
      mailId: '<one@example.org>',
      sender: 'ann@example.org',
      subject: 'Ärger x',
      product: 'demo',
      size: raw.length,
    });
    expect((await files.read(stored?.rawKey ?? '')).toString()).toBe(raw);
  });

  test('G5 the same Message-ID again, also to another of our mailboxes, also eight at once, is one message', async () => {
    const first = await submit(aMail('<two@example.org>'));
    expect(await submit(aMail('<two@example.org>', 'Delivered-To: support+other@desk.example\r\n'))).toEqual({
      status: 200,
      body: { id: first.body['id'], result: 'duplicate' },
    });
    const before = await readdir(join(folder, 'raw'), { recursive: true });
    const all = await Promise.all(Array.from({ length: 8 }, () => submit(aMail('<three@example.org>'))));
    expect(new Set(all.map(({ body }) => body['id'])).size).toBe(1);
    expect(all.filter(({ status }) => status === 202)).toHaveLength(1);
    expect((await rows()).filter(({ externalId }) => externalId === '<three@example.org>')).toHaveLength(1);
    const after = await readdir(join(folder, 'raw'), { recursive: true });
    expect(after.filter((name) => name.length > 3).length - before.filter((name) => name.length > 3).length).toBe(1);
  });

  test('a mail may take 120 seconds to come in, and leaves nothing behind if it takes longer', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const slow = await halfSent('<slow@example.org>');
    await vi.advanceTimersByTimeAsync(119_000);
    slow.finish();
    expect((await slow.reply).status).toBe(202);
    const late = await halfSent('<late@example.org>');
    await vi.advanceTimersByTimeAsync(120_000);
    const response = await late.reply;
    expect([response.status, await response.json()]).toMatchObject([408, { code: 'request_timeout' }]);
    expect((await rows()).filter(({ externalId }) => externalId === '<late@example.org>')).toEqual([]);
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  test('a mail without Message-ID is known by what it says, whatever way it came', async () => {
    const first = await submit(aMail(null, 'Return-Path: <a@b>\r\nDelivered-To: one@desk.example\r\nReceived: by x\r\n'));
    const second = await submit(aMail(null, 'Return-Path: <a@b>\r\nDelivered-To: two@desk.example\r\n'));
    const other = await submit(aMail(null, '', 'Hello again'));
    expect([first.status, second.status, other.status]).toEqual([202, 200, 202]);
    expect(second.body['id']).toBe(first.body['id']);
    expect(await row(first.body['id'])).toMatchObject({ mailId: null, externalId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
  });

  test('one over 25 MB is accepted, and its header kept for a person', async () => {
    const header = aMail('<big@example.org>', '', '');
    const { status, body } = await submit(Buffer.concat([Buffer.from(header), Buffer.alloc(26 * 1024 * 1024, 'x')]));
    expect([status, body['result']]).toEqual([202, 'accepted']);
    const stored = await row(body['id']);
    expect(stored).toMatchObject({ state: 'quarantined', cause: 'too_large', sender: 'ann@example.org' });
    expect(stored?.size).toBeGreaterThan(26 * 1024 * 1024);
    expect((await files.read(stored?.rawKey ?? '')).toString()).toBe(header.slice(0, header.indexOf('\r\n\r\n') + 4));
  });

  test.each([
    ['nothing', ''],
    ['noise', Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 7919) % 256))],
    ['NUL in the Message-ID', 'Message-ID: <a\u0000b@c>\r\nFrom: x\u0000@y\r\n\r\n'],
    ['a header without end', Buffer.alloc(600_000, 'X: y\r\n')],
  ])('%s is kept too', async (_, raw) => {
    expect((await submit(raw)).status).toBe(202);
  });

  test('wants the right media type, a credential and the permission', async () => {
    expect((await submit('x', 'gateway', 'text/plain')).body['code']).toBe('media_type');
    expect((await submit('x', 'agent')).body['code']).toBe('forbidden');
    expect((await submit('x', 'customer')).body['code']).toBe('forbidden');
    expect((await submit(aMail('<admin@example.org>'), 'admin')).status).toBe(202);
    expect((await app.request('/v1/inbound/email', { method: 'POST' })).status).toBe(401);
  });
});

const quarantined = async (id: string, changes: { product?: string | null } = {}): Promise<string> => {
  const { body } = await submit(aMail(`<${id}@quarantine>`));
  const set = { state: 'quarantined', cause: 'not_participant', ...changes };
  await withTenant(database.db, demo.tenant, (tx) =>
    tx.updateTable('inboundMessage').set(set).where('id', '=', String(body['id'])).execute(),
  );
  return String(body['id']);
};

describe('quarantine', () => {
  test('is listed newest first, page by page', async () => {
    const ids = [await quarantined('a'), await quarantined('b'), await quarantined('c')];
    const first = await list('?limit=2');
    expect(first.data.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(first.data[0]).toEqual({
      id: ids[2],
      cause: 'not_participant',
      detail: null,
      sender: 'ann@example.org',
      subject: 'Ärger x',
      product: 'demo',
      size: expect.any(Number),
      receivedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const second = await list(`?limit=2&cursor=${first.page.next ?? ''}`);
    expect(second.data.map(({ id }) => id)).toContain(ids[0]);
    expect(await list('?limit=2&cursor=x')).toMatchObject({ code: 'cursor_invalid' });
    expect(await list('', 'agent')).toMatchObject({ code: 'forbidden' });
    expect(await list('', 'gateway')).toMatchObject({ code: 'forbidden' });
  });

  test('is left by a decision with its reason, once', async () => {
    const [one, two] = [await quarantined('release'), await quarantined('discard')];
    const released = await post(`/v1/inbound/quarantine/${one}/release`, { reason: 'A known sender' });
    expect([released.status, await released.json()]).toEqual([200, { id: one, state: 'released' }]);
    expect(await row(one)).toMatchObject({ state: 'received', releasedBy: `user/${demo.lead}`, releaseReason: 'A known sender' });
    expect((await post(`/v1/inbound/quarantine/${two}/discard`, { reason: 'Spam' })).status).toBe(200);
    expect(await row(two)).toMatchObject({ state: 'discarded', releaseReason: 'Spam' });
    expect((await post(`/v1/inbound/quarantine/${two}/release`, { reason: 'After all' })).status).toBe(404);
    expect((await list()).data.map(({ id }) => id)).not.toContain(one);
  });

  test('a repeated decision under one key is one', async () => {
    const id = await quarantined('key');
    const again = () => post(`/v1/inbound/quarantine/${id}/release`, { reason: 'A known sender' }, 'lead', { 'idempotency-key': 'k' });
    expect([(await again()).status, (await again()).status]).toEqual([200, 200]);
  });

  test('wants a reason and the role, and knows no foreign mail', async () => {
    const id = await quarantined('guard');
    expect((await post(`/v1/inbound/quarantine/${id}/release`, {})).status).toBe(400);
    expect((await post(`/v1/inbound/quarantine/${id}/release`, { reason: 'because' }, 'agent')).status).toBe(403);
    expect((await post(`/v1/inbound/quarantine/${demo.lead}/release`, { reason: 'because' })).status).toBe(404);
    expect((await post('/v1/inbound/quarantine/x/release', { reason: 'because' })).status).toBe(404);
    expect((await row(id))?.state).toBe('quarantined');
  });

  test('shows staff of one product that product’s mail, and mail of no product', async () => {
    const [mine, theirs, nobodys] = [
      await quarantined('mine'),
      await quarantined('theirs', { product: 'other' }),
      await quarantined('nobody', { product: null }),
    ];
    const shown = (await list('?limit=100', 'demoLead')).data.map(({ id }) => id);
    expect([shown.includes(mine), shown.includes(nobodys), shown.includes(theirs)]).toEqual([true, true, false]);
    expect((await post(`/v1/inbound/quarantine/${theirs}/discard`, { reason: 'not mine' }, 'demoLead')).status).toBe(404);
    expect((await post(`/v1/inbound/quarantine/${theirs}/discard`, { reason: 'not mine' }, 'admin')).status).toBe(200);
  });
});
