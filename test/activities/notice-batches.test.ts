/** Notices that go out in batches: whom each batch takes, that each is sent once, and what of a batch is tried again. */
import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSmtpEmail } from '../../activities/adapters/smtp-email.js';
import type { DeliveryRequest, NoticesRequest } from '../../activities/contract.js';
import { createLedger } from '../../activities/ledger.js';
import { createMailTokens } from '../../activities/mail-tokens.js';
import { createNotices } from '../../activities/notices.js';
import { Precedence } from '../../activities/precedence.js';
import type { NoticeEnd } from '../../activities/ports.js';
import { createDiskFiles } from '../../db/files.js';
import type { FileStore } from '../../db/files.js';
import { withTenant } from '../../db/client.js';
import { giveBackNotices, handNotices } from '../../db/queries/notice-relay.js';
import type { NoticeBatch } from '../../db/queries/notice-relay.js';
import { planNotices } from '../../db/queries/notices.js';
import { demo } from '../../db/seed.js';
import { parseSigningKeys } from '../../domain/access/signing-key.js';
import { asTenantId } from '../../domain/ids.js';
import { createLogger } from '../../logger.js';
import { startNoticeRelay } from '../../worker/notice-relay.js';
import { openTestDesk, tenant } from './desk.js';
import type { TestDesk } from './desk.js';
import { mailTo, planNoticeOf } from './notice-stage.js';
import type { Noticed } from './notice-stage.js';
import { startSmtpStandIn } from './smtp-stand-in.js';
import type { SmtpStandIn } from './smtp-stand-in.js';

const tokens = createMailTokens(parseSigningKeys('k1:a-secret-of-more-than-thirty-two-bytes'), 'desk.test');
const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
let desk: TestDesk;
let mails: SmtpStandIn;
let files: FileStore;
let told: NoticeEnd[];

beforeAll(async () => {
  desk = await openTestDesk();
  files = createDiskFiles(await mkdtemp(join(tmpdir(), 'usher-files-')));
  return () => desk[Symbol.asyncDispose]();
});
beforeEach(async () => {
  told = [];
  mails = await startSmtpStandIn();
  await desk.see((tx) => sql`update notice set hand_at = null, handed_at = null`.execute(tx));
  return () => mails[Symbol.asyncDispose]();
});

const deps = (changes: Partial<Parameters<typeof createNotices>[0]> = {}) => ({
  db: desk.database.db,
  email: createSmtpEmail({ url: mails.url }),
  sms: null,
  links: () => [],
  tally: { settled: () => undefined, possibleDuplicate: () => undefined, nobody: () => undefined },
  files,
  tokens,
  mailDomain: 'desk.test',
  newId: randomUUID,
  now: Date.now,
  ledger: createLedger({ db: desk.database.db, now: Date.now }),
  precedence: new Precedence(),
  tickets: {
    noticeEnded: (end: NoticeEnd) => {
      told.push(end);
      return Promise.resolve();
    },
  },
  ...changes,
});
const deliver = (request: NoticesRequest, changes?: Parameters<typeof deps>[0]) =>
  new MockActivityEnvironment().run(createNotices(deps(changes)).deliverNotices, request);
const giveUp = (request: NoticesRequest) => new MockActivityEnvironment().run(createNotices(deps()).giveUpNotices, request);

const handing = { perBatch: 50, limit: 200, perSecond: 1_000, leaseMs: 60_000 } as const;
const hand = async (changes: Partial<typeof handing> | Record<string, number> = {}): Promise<NoticeBatch[]> =>
  (await handNotices(desk.database.relay, { ...handing, ...changes })) ?? [];
const handOne = async (): Promise<NoticeBatch> => {
  const [batch] = await hand();
  if (batch === undefined) throw new Error('nothing waits');
  return batch;
};

const planned = (changes: Noticed = {}): Promise<DeliveryRequest> => planNoticeOf(desk, Date.now(), { relayed: true, ...changes });
const plannedMany = async (count: number): Promise<DeliveryRequest[]> => {
  const all: DeliveryRequest[] = [];
  for (let n = 0; n < count; n += 1) all.push(await planned());
  return all;
};
const stateOf = async ({ ticketId }: DeliveryRequest): Promise<string[]> =>
  (
    await desk.see((tx) =>
      tx.selectFrom('outboundMessage').select('state').where('ticketId', '=', ticketId).where('template', '=', 'notice').execute(),
    )
  ).map(({ state }) => state);
const isOpen = async ({ ticketId }: DeliveryRequest): Promise<boolean> =>
  (await desk.see((tx) => tx.selectFrom('notice').select('handAt').where('ticketId', '=', ticketId).executeTakeFirstOrThrow())).handAt !==
  null;

describe('a batch', () => {
  test('brings the notices of many tickets, each once, and says how many', async () => {
    const requests = await plannedMany(12);
    const batch = await handOne();
    expect(batch).toMatchObject({ tenant, notices: 12 });
    expect(new Set(batch.tickets)).toEqual(new Set(requests.map(({ ticketId }) => ticketId)));
    expect(await deliver(batch)).toEqual({ sent: 12, failed: 0, unknown: 0, suppressed: 0 });
    expect(mails.caught).toHaveLength(12);
    expect(new Set(mails.caught.map(({ raw }) => /^Message-ID:\s*(<[^>]+>)/im.exec(raw)?.[1])).size).toBe(12);
    for (const request of requests) {
      expect(await stateOf(request)).toEqual(['sent']);
      expect(await isOpen(request)).toBe(false);
    }
    expect(await deliver(batch), 'the same once more').toEqual({ sent: 0, failed: 0, unknown: 0, suppressed: 0 });
    expect(mails.caught).toHaveLength(12);
    expect(await hand()).toEqual([]);
  });

  test('of two attempts of one worker that claim a notice in the same moment one has it, the other waits', async () => {
    await planned();
    const batch = await handOne();
    const planning = { tenant, which: batch, sms: false, newId: randomUUID, now: Date.now() };
    const [notice] = await desk.see((tx) => planNotices(tx, planning));
    const id = notice?.rows[0]?.id ?? '';
    const { ledger } = deps();
    const claim = () =>
      ledger.claimNotice(tenant, {
        tenant,
        id,
        lease: randomUUID(),
        messageId: '<a@desk.test>',
        domain: 'desk.test',
        sms: false,
        now: Date.now(),
      });
    const claims = await Promise.all([claim(), claim()]);
    expect(claims.map(({ kind }) => kind)).toEqual(['claimed', 'wait']);
  });

  test('leaves alone what the run of its ticket delivers', async () => {
    const own = await planned({ relayed: false });
    expect(await hand()).toEqual([]);
    expect(await stateOf(own)).toEqual([]);
  });

  test('one recipient who is busy does not hold up the others, and alone is tried again', async () => {
    const busy = await planned({ to: mailTo('lead') });
    const others = await plannedMany(5);
    const lead = await desk.see((tx) => tx.selectFrom('agent').select('email').where('id', '=', demo.lead).executeTakeFirstOrThrow());
    mails.set('busy_at_recipient', lead.email);
    const batch = await handOne();
    await expect(deliver(batch)).rejects.toMatchObject({ type: 'delivery.retry', details: [{ codes: ['smtp_451_4.7.1'] }] });
    expect(mails.caught).toHaveLength(5);
    for (const request of others) expect(await isOpen(request)).toBe(false);
    expect(await isOpen(busy)).toBe(true);
    mails.set('ok', lead.email);
    expect(await deliver(batch)).toEqual({ sent: 1, failed: 0, unknown: 0, suppressed: 0 });
    expect(mails.caught).toHaveLength(6);
    expect(await isOpen(busy)).toBe(false);
    expect(told).toEqual([]);
  });

  test('tells the ticket of a notice that was refused, before it is settled', async () => {
    const refused = await planned();
    mails.set('refused_at_recipient');
    const batch = await handOne();
    const down = { tickets: { noticeEnded: () => Promise.reject(new Error('the engine is away')) } };
    await expect(deliver(batch, down)).rejects.toThrow();
    expect(await isOpen(refused), 'until the ticket knows').toBe(true);
    await deliver(batch);
    expect(told).toEqual([{ tenant, ticket: refused.ticketId, message: refused.message, outcome: 'failed' }]);
    expect(await isOpen(refused)).toBe(false);
  });

  test('says nothing of a clock that is fulfilled meanwhile', async () => {
    const request = await planned();
    const batch = await handOne();
    await desk.see((tx) => tx.updateTable('slaClock').set({ phase: 'fulfilled' }).where('ticketId', '=', request.ticketId).execute());
    expect(await deliver(batch)).toEqual({ sent: 0, failed: 0, unknown: 0, suppressed: 1 });
    expect(mails.caught).toEqual([]);
  });

  test('given up, ends what is open and tells the tickets', async () => {
    const [first, second] = await plannedMany(2);
    mails.set('busy_after_data');
    const batch = await handOne();
    await expect(deliver(batch)).rejects.toThrow(ApplicationFailure);
    expect(await giveUp(batch)).toEqual({ sent: 0, failed: 2, unknown: 0, suppressed: 0 });
    expect(new Map(told.map(({ ticket, outcome }) => [ticket, outcome]))).toEqual(
      new Map([first, second].map((request) => [request?.ticketId, 'failed'])),
    );
    expect(await giveUp(batch), 'once more').toEqual({ sent: 0, failed: 0, unknown: 0, suppressed: 0 });
  });

  test('breaks off among the sends: what left is not sent again by the next attempt', async () => {
    const requests = await plannedMany(4);
    const batch = await handOne();
    const email = createSmtpEmail({ url: mails.url });
    let sends = 0;
    const failing = {
      send: async (...args: Parameters<typeof email.send>) => {
        sends += 1;
        if (sends > 2) throw new Error('no connection');
        return email.send(...args);
      },
    };
    await expect(deliver(batch, { email: failing })).rejects.toThrow(ApplicationFailure);
    await deliver(batch);
    expect(mails.caught).toHaveLength(4);
    for (const request of requests) expect(await stateOf(request)).toEqual(['sent']);
  });
});

describe('handing over', () => {
  test('takes the oldest first, so many to a batch, and no more in a second than allowed', async () => {
    await plannedMany(7);
    const first = await hand({ perBatch: 2, limit: 3, perSecond: 5 });
    expect(first.map(({ notices }) => notices).toSorted((a, b) => a - b)).toEqual([1, 2]);
    expect(
      (await hand({ perSecond: 5 })).map(({ notices }) => notices),
      'two are left of this second',
    ).toEqual([2]);
    expect(await hand({ perSecond: 5 }), 'none is').toEqual([]);
    await desk.see((tx) => sql`update notice set handed_at = handed_at - interval '2 seconds'`.execute(tx));
    expect(
      (await hand({ perSecond: 5 })).map(({ notices }) => notices),
      'the next second',
    ).toEqual([2]);
  });

  test('keeps tenants apart', async () => {
    await planned();
    const other = asTenantId(randomUUID());
    await withTenant(desk.database.db, other, async (tx) => {
      await tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute();
      const notice = { tenantId: other, ticketId: 'TKT-1', message: 'notice/resolution#1/r100', about: '{}', handAt: new Date(0) };
      await tx.insertInto('notice').values(notice).execute();
    });
    const batches = await hand();
    expect(new Map(batches.map((batch) => [batch.tenant, batch.notices]))).toEqual(
      new Map([
        [other, 1],
        [tenant, 1],
      ]),
    );
    const ours = batches.find((batch) => batch.tenant === tenant);
    expect(await deliver({ tenant, batch: batches.find((batch) => batch.tenant === other)?.batch ?? '' })).toMatchObject({ sent: 0 });
    expect(await deliver({ tenant, batch: ours?.batch ?? '' })).toMatchObject({ sent: 1 });
    await withTenant(desk.database.db, other, (tx) => tx.updateTable('notice').set({ handAt: null, handedAt: null }).execute());
  });

  test('a batch that never began goes out with another one, and one that began is left to its workflow', async () => {
    const request = await planned();
    const lost = await handOne();
    expect(await hand(), 'its lease runs').toEqual([]);
    await desk.see((tx) => sql`update notice set hand_at = now() where hand_at is not null`.execute(tx));
    const next = await handOne();
    expect(next.batch).not.toBe(lost.batch);
    expect(await deliver(lost), 'the lost one comes after all').toMatchObject({ sent: 0 });
    await giveBackNotices(desk.database.relay, next, handing);
    const again = await handOne();
    expect(await deliver(next), 'given back, and begun after all').toMatchObject({ sent: 0 });
    mails.set('busy_after_data');
    await expect(deliver(again)).rejects.toThrow(ApplicationFailure);
    const { handAt } = await desk.see((tx) =>
      tx.selectFrom('notice').select('handAt').where('ticketId', '=', request.ticketId).executeTakeFirstOrThrow(),
    );
    expect(Number(handAt) - Date.now(), 'a day later').toBeGreaterThan(24 * 3_600_000);
    await giveBackNotices(desk.database.relay, again, handing);
    expect(await hand(), 'its start was answered too late: it has begun').toEqual([]);
    await desk.see((tx) => sql`update notice set hand_at = now() where hand_at is not null`.execute(tx));
    const later = await handOne();
    await expect(deliver(later)).rejects.toThrow(ApplicationFailure);
    expect(await hand(), 'known before, and begun once more').toEqual([]);
  });

  test('a relay starts a workflow for each batch, and hands over again what could not be started', async () => {
    await plannedMany(3);
    const tried: NoticeBatch[] = [];
    const start = (batch: NoticeBatch): Promise<void> => {
      tried.push(batch);
      return tried.length === 1 ? Promise.reject(new Error('the engine is away')) : Promise.resolve();
    };
    const relay = startNoticeRelay({ relay: desk.database.relay, start, perSecond: 100, log });
    await vi.waitFor(() => expect(tried).toHaveLength(2), 10_000);
    await relay[Symbol.asyncDispose]();
    expect(tried.map(({ notices }) => notices)).toEqual([3, 3]);
    expect(tried[0]?.batch).not.toBe(tried[1]?.batch);
  });

  test('one tenant’s many do not hold up the few of another', async () => {
    const other = asTenantId(randomUUID());
    await plannedMany(6);
    await withTenant(desk.database.db, other, async (tx) => {
      await tx.insertInto('tenant').values({ tenantId: other, key: 'few', name: 'Few' }).execute();
      const notice = { tenantId: other, ticketId: 'TKT-1', message: 'notice/resolution#1/r100', about: '{}', handAt: new Date() };
      await tx.insertInto('notice').values(notice).execute();
    });
    expect(new Map((await hand({ limit: 2 })).map((batch) => [batch.tenant, batch.notices]))).toEqual(
      new Map([
        [tenant, 1],
        [other, 1],
      ]),
    );
    await withTenant(desk.database.db, other, (tx) => tx.updateTable('notice').set({ handAt: null, handedAt: null }).execute());
  });

  test('less than one a second is one', async () => {
    await plannedMany(2);
    expect(await hand({ perSecond: 0.5 })).toMatchObject([{ notices: 1 }]);
  });

  test('two relays at once hand over each notice once', async () => {
    await plannedMany(20);
    const tried: NoticeBatch[] = [];
    const start = (batch: NoticeBatch): Promise<void> => {
      tried.push(batch);
      return Promise.resolve();
    };
    const options = { relay: desk.database.relay, start, perSecond: 1_000, log };
    const relays = [startNoticeRelay(options), startNoticeRelay(options)];
    await vi.waitFor(() => expect(tried.reduce((sum, { notices }) => sum + notices, 0)).toBeGreaterThanOrEqual(20), 10_000);
    await Promise.all(relays.map((relay) => relay[Symbol.asyncDispose]()));
    expect(tried.reduce((sum, { notices }) => sum + notices, 0)).toBe(20);
  });
});
