/** What a day's sweep lets go of and what it leaves alone, tenant by tenant. */
import { randomUUID } from 'node:crypto';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { createDiskFiles, newFileKey } from '../../db/files.js';
import { findRetention, listSweeps, replaceRetention } from '../../db/queries/retention.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { usualRetention } from '../../domain/privacy/retention.js';
import { createRetention } from '../../worker/retention.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';

const other = asTenantId('018f3b1e-0000-7000-8000-000000000002');
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'usher-retention-'));
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  await see((tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute(), other);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const see = <T>(work: (tx: TenantTx) => Promise<T>, tenant: TenantId = demo.tenant): Promise<T> => withTenant(database.db, tenant, work);
const daysAgo = (days: number) => sql<Date>`now() - make_interval(days => ${days})`;
const sweep = (now = Date.now) => createRetention({ db: database.db, relay: database.relay, files: createDiskFiles(folder), now })();

async function file(kind: 'raw' | 'attachment'): Promise<string> {
  const key = newFileKey(kind);
  await createDiskFiles(folder).put(key, Buffer.from('words'));
  return key;
}
/** What was swept so far was swept the day before. */
async function nextDay(): Promise<void> {
  for (const tenant of [demo.tenant, other]) {
    // By one, the oldest first: no two days may meet.
    await see(async (tx) => {
      const swept = await tx.selectFrom('retentionSweep').select('day').orderBy('day').execute();
      for (const { day } of swept) await sql`update retention_sweep set day = day - 1 where day = ${day}`.execute(tx);
    }, tenant);
  }
}

const isThere = (key: string): Promise<boolean> =>
  access(join(folder, key)).then(
    () => true,
    () => false,
  );

/** A mail of so many days. */
async function mail(days: number, state: string, tenant = demo.tenant): Promise<{ id: string; key: string }> {
  const id = randomUUID();
  const key = await file('raw');
  const row = {
    tenantId: tenant,
    id,
    channel: 'email',
    account: 'demo',
    externalId: id,
    rawKey: key,
    size: 5,
    state,
    sender: 'ada@example.com',
  };
  await see(
    (tx) =>
      tx
        .insertInto('inboundMessage')
        .values({ ...row, receivedAt: daysAgo(days) })
        .execute(),
    tenant,
  );
  return { id, key };
}

/** A ticket that was closed so many days ago, with a text and a file; null: it is open. */
async function ticket(id: string, closedDays: number | null): Promise<{ id: string; key: string }> {
  const key = await file('attachment');
  const contentId = randomUUID();
  await see(async (tx) => {
    await tx
      .insertInto('content')
      .values({
        tenantId: demo.tenant,
        id: contentId,
        kind: 'opening',
        visibility: 'public',
        authorKind: 'customer',
        body: 'words',
        ticketId: id,
        seq: 1,
      })
      .execute();
    await tx
      .insertInto('attachment')
      .values({
        tenantId: demo.tenant,
        id: randomUUID(),
        ticketId: id,
        contentId,
        name: 'words.pdf',
        type: 'application/pdf',
        size: 5,
        state: 'clean',
        storageKey: key,
        createdBy: 'x',
      })
      .execute();
    await tx
      .insertInto('ticket')
      .values({
        tenantId: demo.tenant,
        id,
        uuid: randomUUID(),
        product: demo.product,
        scope: 'x',
        status: closedDays === null ? 'in_progress' : 'closed',
        priority: 'low',
        channel: 'api',
        requesterId: demo.customers[0],
        subject: 'words',
        version: 1,
        cycle: 1,
        createdAt: daysAgo(2_000),
        updatedAt: daysAgo(0),
        closedAt: closedDays === null ? null : daysAgo(closedDays),
        state: '{}',
      })
      .execute();
  });
  return { id, key };
}

const wordsOf = (id: string) =>
  see((tx) =>
    tx
      .selectFrom('ticket')
      .innerJoin('content', 'content.ticketId', 'ticket.id')
      .innerJoin('attachment', 'attachment.ticketId', 'ticket.id')
      .select(['ticket.subject', 'content.body', 'attachment.name', 'attachment.state', 'ticket.status'])
      .where('ticket.id', '=', id)
      .executeTakeFirstOrThrow(),
  );

test('mails lose their bytes after 30 days, and whoever has not looked at one by then cannot any more', async () => {
  const [old, young, held, waiting] = await Promise.all([
    mail(31, 'done'),
    mail(29, 'done'),
    mail(31, 'quarantined'),
    mail(31, 'received'),
  ]);
  const kept = await ticket('TKT-000000C1', 4_000);
  const swept = await sweep();
  expect(swept).toContainEqual({ tenant: demo.tenant, counts: { inbound_message: 2, files: 2 } });
  expect(await Promise.all([old, young, held, waiting].map(({ key }) => isThere(key)))).toEqual([false, true, false, true]);
  const states = await see((tx) => tx.selectFrom('inboundMessage').select(['id', 'state', 'sender']).execute());
  expect(Object.fromEntries(states.map(({ id, state }) => [id, state]))).toEqual({
    [old.id]: 'done',
    [young.id]: 'done',
    [held.id]: 'discarded',
    [waiting.id]: 'received',
  });
  expect(states.every(({ sender }) => sender === 'ada@example.com')).toBe(true);
  // Tickets are kept for ever unless somebody says otherwise.
  expect(await isThere(kept.key)).toBe(true);
  expect((await wordsOf(kept.id)).subject).toBe('words');
});

test('a tenant is swept once a day, and one whose worker died is taken over', async () => {
  expect(await sweep()).toEqual([]);
  await see((tx) => tx.updateTable('retentionSweep').set({ endedAt: null }).execute());
  expect(await sweep()).toEqual([]);
  await see((tx) =>
    tx
      .updateTable('retentionSweep')
      .set({ startedAt: sql<Date>`now() - interval '2 hours'` })
      .execute(),
  );
  expect(await sweep()).toEqual([{ tenant: demo.tenant, counts: {} }]);
  const [today] = await see((tx) => listSweeps(tx, demo.tenant, { limit: 5 }));
  expect(today?.endedAt).not.toBeNull();
  const lines = await see((tx) =>
    tx.selectFrom('audit').select(['actor', 'action', 'changes']).where('action', '=', 'retention.swept').orderBy('at').execute(),
  );
  expect(lines[0]).toMatchObject({ actor: 'system/retention', changes: { inbound_message: 2, files: 2 } });
});

test('by the tenant’s own days: closed tickets lose texts and files, open ones and other tenants nothing', async () => {
  await see(async (tx) => {
    const { revision } = await findRetention(tx, demo.tenant);
    await replaceRetention(tx, demo.tenant, revision, { ...usualRetention, rawMailDays: 3, closedTicketDays: 365, journeyEntryDays: 90 });
  });
  await nextDay();
  const [old, young, open] = [await ticket('TKT-000000C2', 366), await ticket('TKT-000000C3', 364), await ticket('TKT-000000C4', null)];
  const [mine, theirs] = [await mail(4, 'done'), await mail(29, 'done', other)];
  const entry = { tenantId: demo.tenant, templateKey: 'renewal', result: 'refused', actor: 'system/x' };
  await see((tx) =>
    tx
      .insertInto('journeyEntry')
      .values([
        { ...entry, id: randomUUID(), at: daysAgo(91) },
        { ...entry, id: randomUUID(), at: daysAgo(89) },
      ])
      .execute(),
  );
  const swept = await sweep();
  // The ticket of 4,000 days from before, and the mail of 29 days that 30 days kept.
  expect(swept).toContainEqual({
    tenant: demo.tenant,
    counts: { inbound_message: 2, attachment: 2, content: 2, ticket: 2, files: 4, journey_entry: 1 },
  });
  expect(swept).toContainEqual({ tenant: other, counts: {} });
  expect(await wordsOf(old.id)).toEqual({ subject: null, body: null, name: '', state: 'rejected', status: 'closed' });
  for (const { id } of [young, open]) expect(await wordsOf(id)).toMatchObject({ subject: 'words', body: 'words', name: 'words.pdf' });
  expect(await Promise.all([old, young, open, mine, theirs].map(({ key }) => isThere(key)))).toEqual([false, true, true, false, true]);
});

/** An endpoint with deliveries that came to an end so many days ago, each after two attempts; null: one is still on its way. */
async function endpoint(tenant: TenantId, ends: readonly (number | null)[], removedDays: number | null = null): Promise<string> {
  const id = randomUUID();
  const gone = removedDays !== null;
  await see(async (tx) => {
    await tx
      .insertInto('webhookEndpoint')
      .values({
        tenantId: tenant,
        id,
        url: '',
        types: ['*'],
        description: '',
        includeText: false,
        secret: Buffer.from(''),
        createdBy: 'user/x',
        state: gone ? 'removed' : 'active',
        disabledAt: gone ? daysAgo(removedDays) : null,
      })
      .execute();
    for (const days of ends) {
      const { id: deliveryId } = await tx
        .insertInto('webhookDelivery')
        .values({
          tenantId: tenant,
          endpointId: id,
          eventId: randomUUID(),
          type: 'ticket.created',
          subject: `days/${days}`,
          seq: 1,
          eventAt: daysAgo(400),
          state: days === null ? 'pending' : 'succeeded',
          settledAt: days === null ? null : daysAgo(days),
          tries: 2,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      for (const n of [1, 2]) {
        await tx
          .insertInto('webhookAttempt')
          .values({ tenantId: tenant, deliveryId, n, round: 1, startedAt: daysAgo(days ?? 400), answer: 'words' })
          .execute();
      }
    }
  }, tenant);
  return id;
}

const sentTo = (tenant: TenantId) =>
  see(async (tx) => {
    const deliveries = await tx.selectFrom('webhookDelivery').select('subject').orderBy('settledAt').execute();
    const { count } = await tx
      .selectFrom('webhookAttempt')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    return { sent: deliveries.map(({ subject }) => subject), attempts: Number(count) };
  }, tenant);

test('by the tenant’s own days: what was sent to webhook endpoints, with its attempts and endpoints that are gone', async () => {
  await see(async (tx) => {
    const { revision } = await findRetention(tx, demo.tenant);
    await replaceRetention(tx, demo.tenant, revision, { ...usualRetention, webhookDays: 90 });
  });
  await nextDay();
  const kept = await endpoint(demo.tenant, [89, null]);
  const gone = await endpoint(demo.tenant, [91], 91);
  const young = await endpoint(demo.tenant, [], 89);
  await endpoint(other, [91, 31, 29, null]);
  const theirs = await endpoint(other, [], 31);
  const replay = { tenantId: demo.tenant, fromAt: daysAgo(400), untilAt: daysAgo(0), total: 0, startedBy: 'user/x', state: 'done' };
  await see((tx) =>
    tx
      .insertInto('webhookReplay')
      .values([
        { ...replay, id: randomUUID(), endpointId: gone, startedAt: daysAgo(91) },
        { ...replay, id: randomUUID(), endpointId: kept, startedAt: daysAgo(89) },
      ])
      .execute(),
  );
  const swept = await sweep();
  const counts = { webhook_delivery: 1, webhook_attempt: 2, webhook_replay: 1, webhook_endpoint: 1 };
  expect(swept).toContainEqual({ tenant: demo.tenant, counts });
  expect(swept).toContainEqual({ tenant: other, counts: { webhook_delivery: 2, webhook_attempt: 4, webhook_endpoint: 1 } });
  expect(await sentTo(demo.tenant)).toEqual({ sent: ['days/89', 'days/null'], attempts: 4 });
  expect(await sentTo(other)).toEqual({ sent: ['days/29', 'days/null'], attempts: 4 });
  const ends = (tenant: TenantId) => see((tx) => tx.selectFrom('webhookEndpoint').select('id').execute(), tenant);
  expect((await ends(demo.tenant)).map(({ id }) => id).toSorted()).toEqual([kept, young].toSorted());
  expect((await ends(other)).map(({ id }) => id)).not.toContain(theirs);
  // As whoever answers for it sees it, and in the audit.
  const [today] = await see((tx) => listSweeps(tx, demo.tenant, { limit: 1 }));
  expect(today?.counts).toEqual(counts);
  const lines = await see((tx) => tx.selectFrom('audit').select('changes').where('action', '=', 'retention.swept').orderBy('at').execute());
  expect(lines.at(-1)?.changes).toEqual(counts);
});

test('more than one statement takes are let go of too', async () => {
  await nextDay();
  const days = Array.from({ length: 250 }, () => 31);
  await endpoint(other, days);
  expect(await sweep()).toContainEqual({ tenant: other, counts: { webhook_delivery: 250, webhook_attempt: 500 } });
  expect(await sentTo(other)).toEqual({ sent: ['days/29', 'days/null'], attempts: 4 });
});
