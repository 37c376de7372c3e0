import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v5 as uuidFrom } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIntake } from '../../activities/intake.js';
import type { InboundOutcome, Intake } from '../../activities/intake.js';
import { createMailTokens } from '../../activities/mail-tokens.js';
import { parseSigningKeys } from '../../domain/access/signing-key.js';
import type { TicketCommands } from '../../activities/ports.js';
import { createDiskFiles, newFileKey } from '../../db/files.js';
import type { FileStore } from '../../db/files.js';
import { storeInbound } from '../../db/queries/inbound.js';
import { asTicketId, parseTicketId, ticketIdFrom } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import { replyAddress } from '../../domain/messaging/headers.js';
import { anEnvelope } from '../support/builders.js';
import { createLogger } from '../../logger.js';
import { startIntake } from '../../worker/intake.js';
import { customer, openTestDesk, tenant } from './desk.js';
import type { TestDesk } from './desk.js';

const domain = 'desk.example';
const tokens = createMailTokens(parseSigningKeys('k1:secret of the tests'), domain);
const support = `support+demo@${domain}`;

let desk: TestDesk;
let files: FileStore;
let intake: Intake;

const intakeOn = (tickets: TicketCommands): Intake =>
  createIntake({ db: desk.database.db, files, tokens, tickets, mailDomain: domain, newId: randomUUID, now: Date.now });

beforeAll(async () => {
  desk = await openTestDesk();
  files = createDiskFiles(await mkdtemp(join(tmpdir(), 'usher-files-')));
  intake = intakeOn(desk.commands);
});
afterAll(() => desk[Symbol.asyncDispose]());

let count = 0;
interface Draft {
  readonly from?: string | null;
  readonly to?: string;
  readonly subject?: string;
  readonly id?: string | null;
  readonly headers?: readonly string[];
  readonly body?: string;
}

const aMail = ({
  from = 'Someone <someone@example.org>',
  to = support,
  subject = 'Help',
  id,
  headers = [],
  body = 'Hello.',
}: Draft = {}): string => {
  const messageId = id === undefined ? `<mail-${(count += 1)}@example.org>` : id;
  const lines = [
    ...(from === null ? [] : [`From: ${from}`]),
    `To: ${to}`,
    `Subject: ${subject}`,
    ...(messageId === null ? [] : [`Message-ID: ${messageId}`]),
    'MIME-Version: 1.0',
    ...(headers.some((header) => header.toLowerCase().startsWith('content-type')) ? [] : ['Content-Type: text/plain; charset=utf-8']),
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}\r\n`;
};

/** Keeps a mail as the API would. */
async function store(raw: string | Buffer, cause: 'too_large' | null = null): Promise<string> {
  const text = raw.toString('latin1');
  const mailId = /^Message-ID: (\S+)/im.exec(text)?.[1] ?? null;
  const externalId = mailId ?? createHash('sha256').update(raw).digest('hex');
  const rawKey = newFileKey('raw');
  await files.put(rawKey, Buffer.from(raw));
  const id = uuidFrom(`mail/${externalId}`, tenant);
  const row = {
    id,
    channel: 'email' as const,
    account: 'mail',
    externalId,
    cause,
    rawKey,
    size: raw.length,
    sender: null,
    subject: null,
    mailId,
    product: null,
  };
  return (await desk.see((tx) => storeInbound(tx, tenant, row))).id;
}

const take = async (raw: string | Buffer, by: Intake = intake): Promise<InboundOutcome> =>
  by.processInbound({ tenant, id: await store(raw), attempts: 1 });

const row = (id: string) => desk.see((tx) => tx.selectFrom('inboundMessage').selectAll().where('id', '=', id).executeTakeFirstOrThrow());

async function opened(raw: string | Buffer): Promise<TicketId> {
  const outcome = await take(raw);
  if (outcome.kind !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
  return outcome.ticket;
}

const ticketRow = (id: TicketId) => desk.see((tx) => tx.selectFrom('ticket').selectAll().where('id', '=', id).executeTakeFirstOrThrow());
const texts = (id: TicketId) => desk.see((tx) => tx.selectFrom('content').selectAll().where('ticketId', '=', id).orderBy('seq').execute());
const contactOf = (address: string) =>
  desk.see((tx) => tx.selectFrom('customerContact').selectAll().where('value', '=', address).executeTakeFirst());
const version = (id: TicketId): number => desk.tickets.get(id)?.version ?? 0;
const release = (id: string) =>
  desk.see((tx) => tx.updateTable('inboundMessage').set({ state: 'received', releasedBy: 'user/lead' }).where('id', '=', id).execute());

const signed = (ticket: TicketId): string => tokens.messageId({ tenant, ticket, outbound: randomUUID() });
const reply = (ticket: TicketId): string => replyAddress(ticket, tokens.replyToken({ tenant, ticket, participant: customer(0) }), domain);

describe('a new conversation', () => {
  test('becomes a ticket of its sender, with text and files', async () => {
    const boundary = 'b1';
    const part = (headers: string, body: string): string => `--${boundary}\r\n${headers}\r\n\r\n${body}\r\n`;
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const body =
      part('Content-Type: text/html; charset=utf-8', '<p>Hello <script>alert(1)</script><b onclick="x()">you</b></p>') +
      part(
        'Content-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="../../etc/p\u202Egnp.pdf"\r\nContent-Transfer-Encoding: base64',
        png,
      ) +
      part('Content-Type: text/plain\r\nContent-Disposition: attachment; filename="run.exe"', 'MZ') +
      `--${boundary}--`;
    const raw = aMail({
      from: '"Ann Example" <Ann@Example.org>',
      subject: 'Re: =?utf-8?q?=C3=84rger?=',
      headers: [
        `Content-Type: multipart/mixed; boundary=${boundary}`,
        'Cc: Bob <bob@example.org>, agent1@usher.localhost, support+demo@desk.example',
      ],
      body,
    });
    const id = await opened(Buffer.from(raw, 'utf8'));
    const ann = await contactOf('ann@example.org');
    const bob = await contactOf('bob@example.org');
    expect(await ticketRow(id)).toMatchObject({
      requesterId: ann?.customerId,
      subject: 'Ärger',
      channel: 'email',
      product: 'demo',
      copied: [bob?.customerId],
    });
    const [text] = await texts(id);
    expect(text).toMatchObject({ kind: 'opening', body: 'Hello you', authorId: ann?.customerId, auto: false, channel: 'email' });
    expect(text?.html).toBe('<p>Hello <b>you</b></p>');
    const attachments = await desk.see((tx) =>
      tx.selectFrom('attachment').selectAll().where('ticketId', '=', id).orderBy('name').execute(),
    );
    expect(attachments.map(({ name, type, state, contentId }) => [name, type, state, contentId])).toEqual([
      ['pgnp.pdf', 'image/png', 'clean', text?.id],
      ['run.exe', 'application/x-msdownload', 'rejected', text?.id],
    ]);
    expect((await files.read(attachments[0]?.storageKey ?? '')).toString('base64')).toBe(png);
    expect(
      (
        await desk.see((tx) =>
          tx
            .selectFrom('customer')
            .selectAll()
            .where('id', '=', ann?.customerId ?? '')
            .executeTakeFirst(),
        )
      )?.name,
    ).toBe('Ann Example');
  });

  test('G5 the same mail worked off twice, or eight times at once, is one ticket and one message', async () => {
    const raw = aMail({ from: 'twice@example.org' });
    const id = await opened(raw);
    const again = await store(raw);
    expect(await intake.processInbound({ tenant, id: again, attempts: 1 })).toEqual({ kind: 'over' });
    const other = aMail({ from: 'eight@example.org' });
    const stored = await Promise.all(Array.from({ length: 8 }, () => store(other)));
    expect(new Set(stored).size).toBe(1);
    const ends = await Promise.all(stored.map((one) => intake.processInbound({ tenant, id: one, attempts: 1 })));
    const tickets = new Set(ends.flatMap((end) => (end.kind === 'done' ? [end.ticket] : [])));
    expect(tickets.size).toBe(1);
    const [ticket] = [...tickets];
    expect(await texts(ticket ?? id)).toHaveLength(1);
    expect(version(ticket ?? id)).toBe(1);
  });

  test('eight mails at once from one unknown sender make one customer', async () => {
    const ends = await Promise.all(
      Array.from({ length: 8 }, () => take(aMail({ from: 'crowd@example.org', headers: ['Cc: a@crowd.example, b@crowd.example'] }))),
    );
    const rows = await Promise.all(ends.map((end) => (end.kind === 'done' ? ticketRow(end.ticket) : Promise.reject(new Error(end.kind)))));
    expect(new Set(rows.map(({ requesterId }) => requesterId)).size).toBe(1);
  });

  test('whose number is taken by another ticket takes the next one', async () => {
    const raw = aMail();
    const id = await store(raw);
    const number = (n: number): TicketId => ticketIdFrom(createHash('sha256').update(`mail/${id}\u001f${n}`).digest());
    await desk.open({ ticketId: number(0), scope: 'of another' });
    expect(await intake.processInbound({ tenant, id, attempts: 1 })).toEqual({ kind: 'done', ticket: number(1) });
    const attached = await ticketRow(number(1));
    expect(attached.scope).toBe(`mail/${id}`);
  });

  test('survives a crash after each of its steps', async () => {
    const raw = aMail({ from: 'crash@example.org' });
    const id = await store(raw);
    const crashing = intakeOn({ ...desk.commands, open: () => Promise.reject(new Error('crash before the command')) });
    await expect(crashing.processInbound({ tenant, id, attempts: 1 })).rejects.toThrow('crash');
    const half = intakeOn({
      ...desk.commands,
      open: async (...args) => {
        await desk.commands.open(...args);
        throw new Error('crash after the command');
      },
    });
    await expect(half.processInbound({ tenant, id, attempts: 2 })).rejects.toThrow('crash');
    const end = await intake.processInbound({ tenant, id, attempts: 3 });
    expect(end.kind).toBe('done');
    expect(await row(id)).toMatchObject({ state: 'done', ticketId: end.kind === 'done' ? end.ticket : '' });
    expect(desk.tickets.get(end.kind === 'done' ? end.ticket : asTicketId(''))?.version).toBe(1);
  });
});

describe('an answer', () => {
  const from = 'Demo Customer 1 <customer1@example.com>';
  let numbers = 0;
  const openTicket = () =>
    desk.open({ ticketId: ticketIdFrom(Buffer.from([9, 9, 9, 9, (numbers += 1)])), requester: customer(0), copied: [customer(1)] });

  test('finds its ticket by our Message-ID, by a stored one, or by the answer address', async () => {
    const { id } = await openTicket();
    expect(await opened(aMail({ from, id: '<first@c>', headers: [`In-Reply-To: ${signed(id).toUpperCase()}`] }))).toBe(id);
    expect(await opened(aMail({ from, headers: [`References: <x@y>\r\n\t${signed(id)} <z@y>`] }))).toBe(id);
    expect(await opened(aMail({ from, headers: ['In-Reply-To: <first@c>'] }))).toBe(id);
    expect(await opened(aMail({ from, to: reply(id).toUpperCase() }))).toBe(id);
    expect(await opened(aMail({ from: 'customer2@example.com', to: reply(id) }))).toBe(id);
    expect(await texts(id)).toHaveLength(6);
  });

  test('G9 a number in the subject, a forged signature or a foreign token prove nothing', async () => {
    const { id } = await openTicket();
    const foreign = tokens.replyToken({ tenant, ticket: id, participant: customer(3) });
    const forged = signed(id).replace(/\.[0-9a-z]{26}@/, '.00000000000000000000000000@');
    expect(await opened(aMail({ from, subject: `Re: [${id}] Help` }))).not.toBe(id);
    expect(await opened(aMail({ from, headers: [`In-Reply-To: ${forged}`] }))).not.toBe(id);
    expect(await opened(aMail({ from, to: replyAddress(id, foreign, domain) }))).not.toBe(id);
    expect(version(id)).toBe(1);
  });

  test('T17 of a stranger opens a ticket that is linked, and never touches the one it quotes', async () => {
    const { id } = await openTicket();
    const other = await opened(aMail({ from: 'mallory@example.org', headers: [`In-Reply-To: ${signed(id)}`] }));
    expect(other).not.toBe(id);
    expect(await ticketRow(other)).toMatchObject({
      followUpOf: id,
      requesterId: (await contactOf('mallory@example.org'))?.customerId,
      copied: [],
    });
    expect(version(id)).toBe(1);
  });

  test('T17 of a stranger waits for a person where the product says so, and so does an agent’s', async () => {
    const { id } = await openTicket();
    const raw = aMail({ from: 'agent1@usher.localhost', headers: [`In-Reply-To: ${signed(id)}`] });
    expect(await take(raw)).toEqual({ kind: 'quarantined', cause: 'not_participant' });
    const { settings } = await desk.see((tx) => tx.selectFrom('product').select('settings').executeTakeFirstOrThrow());
    const careful = JSON.stringify({ ...Object(settings), strangerPolicy: 'quarantine' });
    await desk.see((tx) => tx.updateTable('product').set({ settings: careful }).execute());
    const held = await store(aMail({ from: 'stranger2@example.org', headers: [`In-Reply-To: ${signed(id)}`] }));
    expect(await intake.processInbound({ tenant, id: held, attempts: 1 })).toEqual({ kind: 'quarantined', cause: 'not_participant' });
    await release(held);
    expect((await intake.processInbound({ tenant, id: held, attempts: 1 })).kind).toBe('done');
    expect(version(id)).toBe(1);
    await desk.see((tx) =>
      tx
        .updateTable('product')
        .set({ settings: JSON.stringify(settings) })
        .execute(),
    );
  });

  test('G4 to a resolved ticket reopens it, to a closed one opens a follow-up', async () => {
    const { id } = await openTicket();
    await desk.apply(id, { kind: 'resolve', ...anEnvelope({ commandId: 'resolve' }) });
    expect(await opened(aMail({ from, headers: [`In-Reply-To: ${signed(id)}`] }))).toBe(id);
    expect(desk.tickets.get(id)?.status).toBe('in_progress');
    await desk.apply(id, { kind: 'edit', ...anEnvelope({ commandId: 'category' }), category: 'Billing' });
    await desk.apply(id, { kind: 'close', ...anEnvelope({ commandId: 'close' }), cause: 'spam' });
    const raw = aMail({ from: 'customer2@example.com', subject: `Re: [${id}] It does not start`, headers: [`In-Reply-To: ${signed(id)}`] });
    const next = await opened(raw);
    expect(next).not.toBe(id);
    expect(await ticketRow(next)).toMatchObject({
      followUpOf: id,
      requesterId: customer(0),
      copied: [customer(1)],
      category: 'Billing',
      subject: 'It does not start',
    });
    // The old one is closed: what was written for it meanwhile stays unlinked.
    expect(await texts(id)).toHaveLength(2);
  });

  test('adds whom it copies', async () => {
    const { id } = await openTicket();
    await opened(aMail({ from, headers: [`In-Reply-To: ${signed(id)}`, 'Cc: helper@example.org'] }));
    expect(desk.tickets.get(id)?.copied).toEqual([customer(1), (await contactOf('helper@example.org'))?.customerId]);
  });

  test('to a mail that is not worked off yet waits for it', async () => {
    const first = await store(aMail({ from, id: '<slow@c>' }));
    const second = await store(aMail({ from, headers: ['In-Reply-To: <slow@c>'] }));
    expect(await intake.processInbound({ tenant, id: second, attempts: 1 })).toEqual({ kind: 'later', reason: 'thread_not_ready' });
    const end = await intake.processInbound({ tenant, id: first, attempts: 1 });
    expect(await intake.processInbound({ tenant, id: second, attempts: 2 })).toEqual(end);
  });
});

describe('G7 automatic mail', () => {
  test('is kept on its ticket, and neither reopens nor is answered', async () => {
    const { id } = await desk.open({ ticketId: asTicketId('TKT-AAAAAAA1'), requester: customer(0) });
    await desk.apply(id, { kind: 'resolve', ...anEnvelope({ commandId: 'resolve' }) });
    const raw = aMail({
      from: 'customer1@example.com',
      headers: [`In-Reply-To: ${tokens.messageId({ tenant, ticket: id, outbound: randomUUID() })}`, 'Auto-Submitted: auto-replied'],
    });
    expect(await opened(raw)).toBe(id);
    expect(desk.tickets.get(id)?.status).toBe('resolved');
    expect((await texts(id)).at(-1)).toMatchObject({ auto: true });
  });

  test.each([
    ['out of office', aMail({ from: 'away@example.org', headers: ['Auto-Submitted: auto-replied'] })],
    [
      'a bounce',
      `Return-Path: <>\r\n${aMail({ from: 'MAILER-DAEMON@example.org', headers: ['Content-Type: multipart/report; boundary=x'] })}`,
    ],
    ['our own mailbox', aMail({ from: `support+demo@${domain}` })],
    ['a mail of ours', aMail({ from: 'forwarder@example.org', headers: ['X-Usher-Loop: TKT-00000000'] })],
  ])('%s starts nothing; a person sees it', async (_, raw) => {
    const id = await store(raw);
    expect(await intake.processInbound({ tenant, id, attempts: 1 })).toEqual({ kind: 'quarantined', cause: 'loop_suspected' });
    expect(await row(id)).toMatchObject({ state: 'quarantined', auto: true, ticketId: null });
  });

  test('let through by a person opens a ticket that is not acknowledged', async () => {
    const id = await store(aMail({ from: 'list@example.org', headers: ['Precedence: bulk'] }));
    await intake.processInbound({ tenant, id, attempts: 1 });
    await release(id);
    const end = await intake.processInbound({ tenant, id, attempts: 1 });
    const planned = await desk.see((tx) =>
      tx
        .selectFrom('outboundMessage')
        .select('id')
        .where('ticketId', '=', end.kind === 'done' ? end.ticket : '')
        .execute(),
    );
    expect([end.kind, planned]).toEqual(['done', []]);
  });
});

describe('hostile mail', () => {
  test.each([
    ['no sender', aMail({ from: null }), 'no_sender'],
    ['an empty sender', aMail({ from: '' }), 'no_sender'],
    ['a list of senders', aMail({ from: 'a@example.org, b@example.org' }), 'no_sender'],
    ['two From lines', aMail({ from: 'a@example.org', headers: ['From: b@example.org'] }), 'no_sender'],
    ['a sender that is no address', aMail({ from: '<a b@example.org>' }), 'no_sender'],
    ['nothing at all', '', 'no_sender'],
    ['noise', Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7919) % 256)), 'no_sender'],
  ])('%s goes to quarantine', async (_, raw, detail) => {
    const id = await store(raw);
    expect(await intake.processInbound({ tenant, id, attempts: 1 })).toEqual({ kind: 'quarantined', cause: 'unparsable' });
    expect((await row(id)).detail).toBe(detail);
  });

  test('300 nested parts go to quarantine, and the others go on', async () => {
    let body = 'Content-Type: text/plain\r\n\r\ndeep\r\n';
    for (let depth = 300; depth > 0; depth -= 1)
      body = `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n${body}--b${depth}--\r\n`;
    const raw = `From: deep@example.org\r\nTo: ${support}\r\nMessage-ID: <deep@example.org>\r\n${body}`;
    expect(await take(raw)).toEqual({ kind: 'quarantined', cause: 'unparsable' });
  });

  test('encoded line breaks, bidi marks and NUL stay out of subject, names and text', async () => {
    const id = await opened(
      aMail({
        from: `=?utf-8?b?${Buffer.from('Eve\r\nBcc: x@y\u202Ecod').toString('base64')}?= <eve@example.org>`,
        subject: '=?utf-8?q?Hi=0D=0ABcc:_victim=40example.org=00?=',
        body: 'nul\u0000 bell\u0007 end',
      }),
    );
    expect((await ticketRow(id)).subject).toBe('Hi Bcc: victim@example.org');
    expect((await texts(id))[0]?.body).toBe('nul bell end');
    const eve = await contactOf('eve@example.org');
    expect(
      (
        await desk.see((tx) =>
          tx
            .selectFrom('customer')
            .select('name')
            .where('id', '=', eve?.customerId ?? '')
            .executeTakeFirstOrThrow(),
        )
      ).name,
    ).toBe('Eve Bcc: x@ycod');
  });

  test('a raw file that is gone, and a ticket that refuses, go to a person', async () => {
    const lost = await store(aMail());
    await files.remove((await row(lost)).rawKey);
    expect(await intake.processInbound({ tenant, id: lost, attempts: 1 })).toEqual({ kind: 'quarantined', cause: 'unparsable' });
    const { CommandRefused } = await import('../../activities/ports.js');
    const refusing = intakeOn({ ...desk.commands, open: () => Promise.reject(new CommandRefused('invalid_request')) });
    const refused = await store(aMail());
    expect(await refusing.processInbound({ tenant, id: refused, attempts: 1 })).toEqual({ kind: 'quarantined', cause: 'unparsable' });
    expect((await row(refused)).detail).toBe('invalid_request');
  });

  test('one that was too large keeps its header and can be let through', async () => {
    const id = await store(aMail({ body: '' }), 'too_large');
    await release(id);
    const end = await intake.processInbound({ tenant, id, attempts: 1 });
    expect((await texts(end.kind === 'done' ? end.ticket : asTicketId('')))[0]?.body).toContain('too large');
  });

  test('mail to none of our mailboxes finds the only product, and with two of them a person', async () => {
    expect((await ticketRow(await opened(aMail({ to: 'help@example.com' })))).product).toBe('demo');
    await desk.see((tx) =>
      tx
        .insertInto('product')
        .values({ tenantId: tenant, key: 'second', name: 'Second', settings: JSON.stringify({ fromName: 'Second' }) })
        .execute(),
    );
    const id = await store(aMail({ to: 'help@example.com' }));
    await intake.processInbound({ tenant, id, attempts: 1 });
    expect(await row(id)).toMatchObject({ state: 'quarantined', cause: 'unparsable', detail: 'no_mailbox' });
    expect(
      (await ticketRow(await opened(aMail({ to: 'help@example.com', headers: ['Delivered-To: support+second@desk.example'] })))).product,
    ).toBe('second');
  });
});

describe('the relay', () => {
  test('works off what waits, with one bad mail among them, and two relays at once do each once', async () => {
    const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
    let failures = 3;
    const flaky = intakeOn({
      ...desk.commands,
      open: (command, fields) => {
        if (failures > 0) {
          failures -= 1;
          return Promise.reject(new Error('engine away'));
        }
        return desk.commands.open(command, fields);
      },
    });
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, index) => store(index === 5 ? aMail({ from: null }) : aMail({ from: `relay${index}@example.org` }))),
    );
    const results: string[] = [];
    const relay = { relay: desk.database.relay, intake: flaky, log, onResult: (result: string) => void results.push(result) };
    {
      await using first = startIntake(relay);
      await using second = startIntake(relay);
      for (const loop of [first, second]) loop.wake();
      await expect
        .poll(
          async () =>
            (
              await desk.see((tx) =>
                tx.selectFrom('inboundMessage').select('id').where('id', 'in', ids).where('state', '=', 'received').execute(),
              )
            ).length,
          {
            timeout: 120_000,
            interval: 100,
          },
        )
        .toBe(0);
    }
    expect(results.filter((result) => result === 'done')).toHaveLength(11);
    expect(results.filter((result) => result === 'failed')).toHaveLength(3);
    expect(results.filter((result) => result === 'quarantined')).toHaveLength(1);
    expect(parseTicketId((await row(ids[0] ?? '')).ticketId ?? '')).not.toBeNull();
  });
});
