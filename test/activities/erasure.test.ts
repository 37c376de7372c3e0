/** A person whose words are in every table: what is left of them, of others, and of the counts. */
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErasureActivities, ErasurePage, ErasurePageRequest, ErasureRequest } from '../../activities/contract.js';
import { createErasure } from '../../activities/erasure.js';
import { CommandRefused } from '../../activities/ports.js';
import { createDiskFiles, newFileKey } from '../../db/files.js';
import { personalData } from '../../db/personal-data.js';
import { decideErasure, findErasure, insertErasure } from '../../db/queries/erasures.js';
import { customersByAddress } from '../../db/queries/inbound.js';
import { claimMail } from '../../db/queries/outbound-mail.js';
import { claimTouchpoint, findTouchpointTarget } from '../../db/queries/touchpoints.js';
import { demo } from '../../db/seed.js';
import { asContentId, asTicketId } from '../../domain/ids.js';
import type { ContentId, CustomerId, TicketId } from '../../domain/ids.js';
import { erasureStages, reportText } from '../../domain/privacy/erasure.js';
import { hour } from '../../domain/time.js';
import { anEnvelope } from '../support/builders.js';
import { customer, openTestDesk, tenant } from './desk.js';
import type { TestDesk } from './desk.js';

/** In every text of the person, and in no other; lower-case, as addresses are. */
const mark = 'q7mark';
const address = `${mark}@example.com`;
const externalId = `${mark}-crm-1`;
const person = customer(0);
const neighbour = customer(1);
const admins = [`user/${demo.admin}`, `user/${demo.lead}`] as const;

let desk: TestDesk;
let folder: string;
let onlooker: pg.Client;
let keys: Record<'attachment' | 'loose' | 'raw' | 'waiting' | 'others', string>;
let tickets: Record<'open' | 'closed' | 'shared' | 'lost', TicketId>;
let reply: string;

beforeAll(async () => {
  desk = await openTestDesk();
  folder = await mkdtemp(join(tmpdir(), 'usher-erasure-'));
  onlooker = new pg.Client({ connectionString: desk.database.superuser });
  await onlooker.connect();
  keys = {
    attachment: newFileKey('attachment'),
    loose: newFileKey('attachment'),
    raw: newFileKey('raw'),
    waiting: newFileKey('raw'),
    others: newFileKey('attachment'),
  };
  for (const key of Object.values(keys)) await createDiskFiles(folder).put(key, Buffer.from(mark));
  await fill();
});
afterAll(async () => {
  await onlooker.end();
  await desk[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Adds a row; columns the test is not about are left to their defaults. */
const add = (table: string, values: object): Promise<unknown> =>
  desk.see((tx) => {
    const row = Object.entries({ tenantId: tenant, ...values });
    const names = sql.join(row.map(([name]) => sql.ref(name)));
    return sql`insert into ${sql.table(table)} (${names}) values (${sql.join(row.map(([, value]) => value))})`.execute(tx);
  });

async function words(kind: 'opening' | 'message' | 'note', fields: { author?: CustomerId; text?: string } = {}): Promise<ContentId> {
  const { author = person, text = mark } = fields;
  const id = asContentId(randomUUID());
  await add('content', {
    id,
    kind,
    visibility: kind === 'note' ? 'internal' : 'public',
    authorKind: kind === 'note' ? 'agent' : 'customer',
    authorId: kind === 'note' ? demo.agents[0] : author,
    subject: text,
    body: text,
    html: `<p>${text}</p>`,
    data: JSON.stringify({ tags: [text], customFields: { note: text } }),
  });
  return id;
}

/** A journey with a row in each of its tables. */
async function journeyOf(id: string, subjectType: string, subjectId: string): Promise<void> {
  const at = new Date();
  await add('journey', {
    id,
    templateKey: 'renewal',
    templateVersion: 1,
    templateHash: 'a'.repeat(64),
    subjectType,
    subjectId,
    entryKey: id,
    entry: 1,
    status: 'active',
    progress: 10,
    context: JSON.stringify({ plan: mark }),
    input: JSON.stringify({ name: mark }),
    version: 1,
    runId: 'run',
    startedAt: at,
    lastActivity: at,
  });
  await add('journeyVisit', {
    journeyId: id,
    step: 'call',
    visit: 1,
    state: 'open',
    enteredAt: at,
    attempts: 1,
    incidentDetail: JSON.stringify({ said: mark }),
    output: JSON.stringify({ said: mark }),
    lateResult: JSON.stringify({ said: mark }),
    version: 1,
  });
  await add('journeyIncident', { journeyId: id, seq: 1, code: 'failed', detail: JSON.stringify({ said: mark }), openedAt: at });
  const action = {
    journeyId: id,
    step: 'call',
    visit: 1,
    effect: 'once',
    output: JSON.stringify({ said: mark }),
    lateResult: JSON.stringify([mark]),
  };
  await add('journeyAction', { ...action, dedupeKey: `${id}/charge`, action: 'charge@1', state: 'done' });
  await add('handoff', {
    id: `${id}.install.1`,
    journeyId: id,
    step: 'install',
    visit: 1,
    extra: false,
    state: 'offered',
    fromPackage: 'crm',
    toPackage: 'field-ops',
    mode: 'accept',
    owner: 'crm',
    data: JSON.stringify({ street: mark }),
    attempts: 0,
    version: 1,
    runId: 'run',
    createdAt: at,
  });
  await add('content', {
    id: randomUUID(),
    kind: 'variable',
    visibility: 'internal',
    authorKind: 'system',
    body: mark,
    journeyId: id,
    linkedAt: at,
  });
  await add('inboundEvent', {
    id: `of-${id}`,
    type: 'crm:visit',
    source: 'crm',
    journeyId: id,
    data: JSON.stringify({ said: mark }),
    at,
    actor: 'service/x',
  });
}

const journeys = ['JRN-0000000000000001', 'JRN-0000000000000002', 'JRN-0000000000000003'] as const;

async function fill(): Promise<void> {
  await desk.see(async (tx) => {
    await tx.updateTable('customer').set({ name: mark, externalId, tier: mark }).where('id', '=', person).execute();
    await tx.updateTable('customerContact').set({ value: address }).where('customerId', '=', person).execute();
  });
  await add('customerContact', { customerId: person, kind: 'phone', value: `+1${mark}` });
  const open = await desk.open({ ticketId: asTicketId('TKT-000000A1'), content: await words('opening'), requester: person });
  const closed = await desk.open({ ticketId: asTicketId('TKT-000000A2'), content: await words('opening'), requester: person });
  await desk.apply(closed.id, { ...anEnvelope({ commandId: 'spam' }), kind: 'close', cause: 'spam' });
  const lost = await desk.open({ ticketId: asTicketId('TKT-000000A3'), content: await words('opening'), requester: person });
  const shared = await desk.open({
    ticketId: asTicketId('TKT-000000B1'),
    content: await words('opening', { author: neighbour, text: 'of the neighbour' }),
    requester: neighbour,
    copied: [person],
  });
  tickets = { open: open.id, closed: closed.id, lost: lost.id, shared: shared.id };
  await desk.apply(open.id, { ...anEnvelope({ commandId: 'note' }), kind: 'note', content: await words('note') });
  const theirs = await words('message');
  await desk.apply(shared.id, { ...anEnvelope({ commandId: 'copied' }), kind: 'receive', content: theirs, author: person });
  const answer = await words('message', { text: 'of the desk' });
  await desk.apply(shared.id, { ...anEnvelope({ commandId: 'answer' }), kind: 'reply', content: answer });
  const planned = await desk.see((tx) =>
    tx.selectFrom('outboundMessage').select('id').where('recipientId', '=', person).where('ticketId', '=', shared.id).execute(),
  );
  reply = planned[0]?.id ?? '';
  await add('deliveryAttempt', { outboundId: reply, attempt: 1, startedAt: new Date(), outcome: 'retry', providerText: `450 ${address}` });

  const file = { name: `${mark}.pdf`, type: 'application/pdf', size: 6, state: 'clean' };
  await add('attachment', { id: randomUUID(), ticketId: open.id, storageKey: keys.attachment, createdBy: `user/${demo.admin}`, ...file });
  await add('attachment', {
    id: randomUUID(),
    ticketId: shared.id,
    contentId: theirs,
    storageKey: keys.loose,
    createdBy: 'system/mail',
    ...file,
  });
  await add('attachment', {
    id: randomUUID(),
    ticketId: shared.id,
    storageKey: keys.others,
    createdBy: `customer/${neighbour}`,
    ...file,
    name: 'theirs.pdf',
  });
  const mail = { channel: 'email', account: 'demo', size: 6, sender: address, subject: mark, mailId: `<${mark}@mail>` };
  await add('inboundMessage', { ...mail, id: randomUUID(), externalId: `${mark}-1`, rawKey: keys.raw, ticketId: open.id, state: 'done' });
  await add('inboundMessage', {
    ...mail,
    id: randomUUID(),
    externalId: `${mark}-2`,
    rawKey: keys.waiting,
    state: 'quarantined',
    detail: mark,
  });

  await journeyOf(journeys[0], 'customer', person);
  await journeyOf(journeys[1], 'ticket', open.id);
  await journeyOf(journeys[2], 'lead', 'lead-1');
  await desk.see((tx) => tx.updateTable('journey').set({ parentId: journeys[0] }).where('id', '=', journeys[2]).execute());
  await add('journeyAction', {
    journeyId: journeys[0],
    step: 'mail',
    visit: 1,
    dedupeKey: 'touch',
    action: 'touchpoint:email:welcome',
    effect: 'once',
    recipient: `customer:${person}`,
  });
  await add('journeySubject', { type: 'customer', id: person, attributes: JSON.stringify({ email: address }) });
  await add('journeySubject', { type: 'ticket', id: open.id, attributes: JSON.stringify({ email: address }) });
  await add('inboundEvent', {
    id: 'of-them',
    type: 'crm:x',
    source: 'crm',
    customerId: externalId,
    leadId: mark,
    subject: `lead/${mark}`,
    data: JSON.stringify({ mark }),
    at: new Date(),
    actor: 'service/x',
  });
  await add('journeyDedupe', {
    templateKey: 'renewal',
    triggerId: 't',
    dedupeKey: mark,
    eventId: 'of-them',
    until: new Date(Date.now() + hour),
  });
  await add('identity', { issuer: 'https://login.example.com', subject: mark, ownerKind: 'customer', ownerId: person });
  await add('apiKey', {
    id: randomUUID(),
    hash: createHash('sha256').update('k').digest(),
    ownerKind: 'customer',
    ownerId: person,
    prefix: 'usk_AAAA',
    name: mark,
  });
  const leaseUntil = new Date();
  const kept = { requestHash: Buffer.from('00', 'hex'), leaseUntil, headers: JSON.stringify({ location: mark }) };
  await add('idempotency', { ...kept, scope: Buffer.from('01', 'hex'), status: 201, body: JSON.stringify({ id: open.id, subject: mark }) });
  await add('idempotency', { ...kept, scope: Buffer.from('02', 'hex'), status: 201, body: JSON.stringify({ id: person, name: mark }) });
  await add('idempotency', {
    ...kept,
    scope: Buffer.from('03', 'hex'),
    status: 200,
    headers: '{}',
    body: JSON.stringify({ id: shared.id }),
  });
  const endpointId = randomUUID();
  await add('webhookEndpoint', {
    id: endpointId,
    url: 'https://example.com',
    types: ['*'],
    description: '',
    includeText: true,
    secret: Buffer.from('00', 'hex'),
    createdBy: admins[0],
  });
  const delivery = { endpointId, type: 'ticket.created', seq: 1, eventAt: leaseUntil, state: 'succeeded', settledAt: leaseUntil };
  const deliveryId = randomUUID();
  await add('webhookDelivery', { ...delivery, id: deliveryId, eventId: randomUUID(), subject: `ticket/${open.id}` });
  await add('webhookAttempt', { deliveryId, n: 1, round: 1, startedAt: leaseUntil, answer: mark });
}

/** Tables in which a row holds a text, past all row rules; how many rows. */
async function found(text: string): Promise<Record<string, number>> {
  const { rows } = await onlooker.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'kysely%'",
  );
  const counts: Record<string, number> = {};
  for (const { name } of rows) {
    const { rows: hits } = await onlooker.query<{ count: number }>(
      `select count(*)::int as count from "${name}" t where t::text ilike $1`,
      [`%${text}%`],
    );
    if ((hits[0]?.count ?? 0) > 0) counts[name] = hits[0]?.count ?? 0;
  }
  return counts;
}

const request = async (): Promise<ErasureRequest> => {
  const erasure = randomUUID();
  await desk.see(async (tx) => {
    await insertErasure(tx, tenant, { id: erasure, customer: person, by: admins[0] });
    await decideErasure(tx, tenant, erasure, 'running', admins[1]);
  });
  return { tenant, customer: person, erasure };
};

const isThere = (key: string): Promise<boolean> =>
  access(join(folder, key)).then(
    () => true,
    () => false,
  );

/** What no erasure may change: rows, statuses but for the closing, instants, versions. */
const figures = async () => {
  const { rows: events } = await onlooker.query('select subject, count(*)::int as n, max(seq) as last from event group by 1 order by 1');
  const { rows: rowsOf } = await onlooker.query(
    'select id, product, priority, category, channel, cycle, created_at, first_response_at, resolved_at, requester_id from ticket order by id',
  );
  const { rows: counts } = await onlooker.query(
    `select (select count(*) from content) as texts, (select count(*) from attachment) as files, (select count(*) from outbound_message) as mails,
      (select count(*) from journey) as journeys, (select count(*) from journey_visit) as visits, (select count(*) from customer) as customers`,
  );
  return { events, rowsOf, counts };
};

describe('a person whose words are everywhere', () => {
  let erasing: ErasureRequest;
  const env = new MockActivityEnvironment();
  const closed: string[] = [];
  const cancelled: string[] = [];
  let trouble: Error | null = null;

  const activities = () =>
    createErasure({
      db: desk.database.db,
      files: createDiskFiles(folder),
      newId: randomUUID,
      now: Date.now,
      openWork: {
        async closeTicket(id, commandId) {
          if (trouble !== null) throw trouble;
          if (id === tickets.lost) return 'gone';
          await desk.apply(id, { commandId, actor: 'system/erasure', role: 'system', source: 'system', kind: 'close', cause: 'erased' });
          closed.push(id);
          return 'done';
        },
        async cancelJourney(id) {
          if (cancelled.includes(id)) throw new CommandRefused('journey_ended');
          cancelled.push(id);
          await desk.see((tx) =>
            tx.updateTable('journey').set({ status: 'cancelled', outcome: 'erased', endedAt: new Date() }).where('id', '=', id).execute(),
          );
          return 'done';
        },
      },
    });
  const page = (
    stage: ErasurePageRequest['stage'],
    after: string | null = null,
    { limit, erasePage = activities().erasePage }: { limit: number; erasePage?: ErasureActivities['erasePage'] } = { limit: 2 },
  ): Promise<ErasurePage> => {
    const asked: ErasurePageRequest = { ...erasing, stage, after, limit };
    return env.run(erasePage, asked);
  };

  /** All pages of all stages. @returns what changed */
  async function pass(): Promise<number> {
    let changed = 0;
    for (const stage of erasureStages) {
      let after: string | null = null;
      for (;;) {
        const turned = await page(stage, after);
        changed += turned.changed;
        after = turned.last;
        if (turned.isLast) break;
      }
    }
    return changed;
  }

  test('every table that erasure blanks or deletes from has some of it', async () => {
    const expected = personalData.flatMap(({ table, whose }) => (whose === undefined ? [] : [table]));
    expect(Object.keys(await found(mark)).toSorted()).toEqual(expected.toSorted());
  });

  test('nothing begins before the confirmation is there', async () => {
    const unknown = { tenant, customer: person, erasure: randomUUID() };
    expect(await env.run(activities().markErasing, unknown)).toBe('unconfirmed');
    await desk.see((tx) => insertErasure(tx, tenant, { id: unknown.erasure, customer: person, by: admins[0] }));
    expect(await env.run(activities().markErasing, unknown)).toBe('unconfirmed');
    await desk.see((tx) => decideErasure(tx, tenant, unknown.erasure, 'withdrawn', admins[1]));
    expect(await env.run(activities().markErasing, unknown)).toBe('unconfirmed');
    expect(await isThere(keys.raw)).toBe(true);
    expect((await found(address))['customer_contact']).toBe(1);
  });

  test('from the mark on nothing is sent, and whoever writes from the address is somebody new', async () => {
    erasing = await request();
    expect(await env.run(activities().markErasing, erasing)).toBe('erasing');
    expect(await env.run(activities().markErasing, erasing)).toBe('erasing');
    const states = await desk.see((tx) =>
      tx
        .selectFrom('outboundMessage')
        .select(['state', 'reason'])
        .where((eb) => eb.or([eb('recipientId', '=', person), eb('ticketId', 'in', [tickets.open, tickets.lost])]))
        .distinct()
        .execute(),
    );
    expect(states).toEqual([{ state: 'suppressed', reason: 'customer_deleted' }]);
    const neighbours = await desk.see((tx) =>
      tx.selectFrom('outboundMessage').select('state').where('recipientId', '=', neighbour).distinct().execute(),
    );
    expect(neighbours).toEqual([{ state: 'planned' }]);
    expect(await desk.see((tx) => customersByAddress(tx, tenant, [address]))).toEqual(new Map());
    const waiting = await desk.see((tx) => tx.selectFrom('inboundMessage').select('state').where('ticketId', 'is', null).execute());
    expect(waiting).toEqual([{ state: 'discarded' }]);
  });

  test('what was planned is asked again at the wire: a mail to them is suppressed, a touchpoint finds nobody and is over', async () => {
    await onlooker.query("update outbound_message set state = 'planned', reason = null where id = $1", [reply]);
    const claim = { tenant, id: reply, lease: randomUUID(), now: Date.now(), messageId: '<x@y>', domain: 'usher.localhost' };
    expect(await desk.see((tx) => claimMail(tx, claim))).toEqual({ kind: 'ended', state: 'suppressed' });
    // What somebody notes of them later is no way round it; of the ticket it was noted before.
    await add('journeySubject', { type: 'customer', id: person, attributes: JSON.stringify({ email: address }) });
    for (const subject of [
      { type: 'customer', id: person },
      { type: 'ticket', id: tickets.open },
    ]) {
      expect((await desk.see((tx) => findTouchpointTarget(tx, tenant, subject, 'usher.localhost'))).address).toBeNull();
    }
    const row = {
      tenant,
      key: 'touch',
      journeyId: journeys[0],
      step: 'mail',
      visit: 1,
      item: null,
      action: 'touchpoint:email:welcome',
      recipient: `customer:${person}`,
      cap: null,
    };
    expect(await desk.see((tx) => claimTouchpoint(tx, row, Date.now() + hour, Date.now()))).toEqual({ kind: 'over', outcome: 'failed' });
  });

  test('a ticket that gives no answer is no reason to go on without it', async () => {
    trouble = new Error(`something about ${address}`);
    await expect(page('close_tickets')).rejects.toMatchObject({
      type: 'erasure.retry',
      message: 'erasure.retry: no_answer',
      nonRetryable: false,
    });
    trouble = new CommandRefused('version_mismatch');
    await expect(page('close_tickets')).rejects.toMatchObject({ message: 'erasure.retry: version_mismatch' });
    trouble = null;
  });

  test('files that went while PostgreSQL was away are gone once, and counted once', async () => {
    const before = await figures();
    const breaking = {
      ...createDiskFiles(folder),
      remove: async (key: string) => (await rm(join(folder, key), { force: true }), Promise.reject(new Error('disk'))),
    };
    const { erasePage } = createErasure({
      db: desk.database.db,
      files: breaking,
      newId: randomUUID,
      now: Date.now,
      openWork: { closeTicket: () => Promise.resolve('gone'), cancelJourney: () => Promise.resolve('gone') },
    });
    await expect(page('tickets', null, { limit: 10, erasePage })).rejects.toMatchObject({
      type: 'erasure.retry',
    });
    expect((await found(mark))['attachment']).toBe(2);
    expect(await pass()).toBeGreaterThan(0);
    expect(closed).toEqual([tickets.open]);
    expect(cancelled.toSorted()).toEqual([...journeys]);
    const after = await figures();
    // The two that were open have one event more: that they were closed.
    const more = (subject: string): number => (subject === `ticket/${tickets.open}` || subject === `ticket/${tickets.lost}` ? 1 : 0);
    const expected = before.events.map((row: { subject: string; n: number; last: number }) => ({
      ...row,
      n: row.n + more(row.subject),
      last: row.last + more(row.subject),
    }));
    expect(after.events).toEqual(expected);
    expect({ ...after, events: [] }).toEqual({ ...before, events: [] });
    const causes = await desk.see((tx) =>
      tx.selectFrom('ticket').select(['id', 'status', 'closeCause']).where('requesterId', '=', person).orderBy('id').execute(),
    );
    expect(causes).toEqual([
      { id: tickets.open, status: 'closed', closeCause: 'erased' },
      { id: tickets.closed, status: 'closed', closeCause: 'spam' },
      { id: tickets.lost, status: 'closed', closeCause: 'erased' },
    ]);
  });

  test('T40: a second pass finds nothing, and then nothing of the person is left but what they are known as', async () => {
    expect(await pass()).toBe(0);
    expect(await found(mark)).toEqual({ erasure: 1 });
    for (const key of [keys.attachment, keys.loose, keys.raw, keys.waiting]) expect(await isThere(key), key).toBe(false);
    expect(await isThere(keys.others)).toBe(true);
    expect(await found('of the neighbour')).toMatchObject({ content: 1, ticket: 1 });
    expect(await found('theirs.pdf')).toEqual({ attachment: 1 });
    const answers = await desk.see((tx) => tx.selectFrom('idempotency').select(['status', 'body']).orderBy('scope').execute());
    expect(answers).toEqual([
      { status: 410, body: null },
      { status: 410, body: null },
      { status: 200, body: JSON.stringify({ id: tickets.shared }) },
    ]);
  });

  test('the proof says what was done, and its hash can be made again from it', async () => {
    await env.run(activities().finishErasure, erasing);
    expect(await found(mark)).toEqual({});
    const proof = await desk.see((tx) => findErasure(tx, tenant, erasing.erasure));
    if (proof?.erasedAt == null || proof.confirmedAt === null || proof.confirmedBy === null) throw new Error('no proof');
    expect(proof).toMatchObject({
      state: 'done',
      files: 4,
      rows: {
        ticket: 3,
        attachment: 2,
        inbound_message: 2,
        customer: 1,
        customer_contact: 2,
        journey: 3,
        handoff: 3,
        idempotency: 2,
        identity: 1,
      },
    });
    const report = {
      erasure: proof.id,
      customer: proof.customer,
      requestedBy: proof.requestedBy,
      requestedAt: proof.requestedAt.getTime(),
      confirmedBy: proof.confirmedBy,
      confirmedAt: proof.confirmedAt.getTime(),
      erasedAt: proof.erasedAt.getTime(),
      rows: proof.rows,
      files: proof.files,
    };
    expect(proof.reportHash).toBe(createHash('sha256').update(reportText(report)).digest('hex'));
    const { rows } = await onlooker.query('select type, data from event where subject = $1', [`customer/${person}`]);
    expect(rows).toEqual([{ type: 'customer.erased', data: { erasure: proof.id, files: 4 } }]);
    const { rows: tombstone } = await onlooker.query(
      'select name, external_id, tier, erased_at is not null as erased from customer where id = $1',
      [person],
    );
    expect(tombstone).toEqual([{ name: null, external_id: null, tier: null, erased: true }]);
  });

  test('once more: the first proof stands', async () => {
    const proof = await desk.see((tx) => findErasure(tx, tenant, erasing.erasure));
    expect(await env.run(activities().markErasing, erasing)).toBe('over');
    await env.run(activities().finishErasure, erasing);
    expect(await desk.see((tx) => findErasure(tx, tenant, erasing.erasure))).toEqual(proof);
  });
});
