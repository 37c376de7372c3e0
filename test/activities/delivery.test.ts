import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import PostalMime from 'postal-mime';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSmtpEmail } from '../../activities/adapters/smtp-email.js';
import type { DeliveryRequest, DeliveryResult } from '../../activities/contract.js';
import { createDelivery } from '../../activities/delivery.js';
import { createLedger } from '../../activities/ledger.js';
import { createMailTokens } from '../../activities/mail-tokens.js';
import { parseSigningKeys } from '../../domain/access/signing-key.js';
import type { EmailSender } from '../../activities/ports.js';
import { createDiskFiles, newFileKey } from '../../db/files.js';
import type { FileStore } from '../../db/files.js';
import { demo } from '../../db/seed.js';
import { asCustomerId, ticketIdFrom } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { anEnvelope } from '../support/builders.js';
import { customer, openTestDesk, product, tenant } from './desk.js';
import type { TestDesk } from './desk.js';
import { startSmtpStandIn } from './smtp-stand-in.js';
import type { SmtpStandIn } from './smtp-stand-in.js';

const domain = 'desk.example';
const tokens = createMailTokens(parseSigningKeys('k1:secret of the tests'), domain);

let desk: TestDesk;
let server: SmtpStandIn;
let files: FileStore;
let now = Date.UTC(2026, 0, 15, 12);

beforeAll(async () => {
  desk = await openTestDesk(() => now);
  files = createDiskFiles(await mkdtemp(join(tmpdir(), 'usher-files-')));
  return () => desk[Symbol.asyncDispose]();
});

beforeEach(async () => {
  now += 2 * 3_600_000;
  server = await startSmtpStandIn();
  return () => server[Symbol.asyncDispose]();
});

const deps = (email: EmailSender = createSmtpEmail({ url: server.url })) => ({
  db: desk.database.db,
  email,
  sms: null,
  links: () => [],
  tally: { settled: () => undefined, possibleDuplicate: () => undefined, nobody: () => undefined },
  files,
  tokens,
  mailDomain: domain,
  newId: randomUUID,
  now: () => now,
  ledger: createLedger({ db: desk.database.db, now: () => now }),
});

const deliver = (request: DeliveryRequest, email?: EmailSender): Promise<DeliveryResult> =>
  new MockActivityEnvironment().run(createDelivery(deps(email)).deliver, request);

/** The codes of the failure that Temporal would see, and all it would see. */
async function retryCodes(request: DeliveryRequest, email?: EmailSender): Promise<unknown> {
  const failure: unknown = await deliver(request, email).catch((error: unknown) => error);
  if (!(failure instanceof ApplicationFailure)) throw new Error(`not a failure: ${JSON.stringify(failure)}`);
  expect(failure).toMatchObject({ type: 'delivery.retry', nonRetryable: false });
  expect(JSON.stringify([failure.message, failure.details])).not.toMatch(/@|4711/);
  return failure.details?.[0];
}

let numbers = 0;
const nextId = (): TicketId => ticketIdFrom(Buffer.from([1, 2, 3, Math.floor((numbers += 1) / 256), numbers % 256]));

const openTicket = (fields: Parameters<TestDesk['open']>[0] = {}): Promise<Ticket> => desk.open({ ticketId: nextId(), ...fields });

async function replied(
  fields: { html?: string; body?: string; to?: readonly number[]; files?: readonly { name: string; size: number }[] } = {},
) {
  const ticket = await openTicket();
  const content = await desk.text({
    kind: 'message',
    body: fields.body ?? 'Please restart it.',
    ...(fields.html === undefined ? {} : { html: fields.html }),
    author: demo.agents[0] ?? '',
  });
  for (const file of fields.files ?? []) {
    const storageKey = newFileKey('attachment');
    await files.put(storageKey, Buffer.alloc(file.size, 'x'));
    const row = {
      tenantId: tenant,
      id: randomUUID(),
      ticketId: ticket.id,
      contentId: content,
      name: file.name,
      type: 'text/plain',
      size: file.size,
    };
    await desk.see((tx) =>
      tx
        .insertInto('attachment')
        .values({ ...row, state: 'clean', storageKey, createdBy: 'user/x' })
        .execute(),
    );
  }
  const to = (fields.to ?? [0]).map(customer);
  await desk.apply(ticket.id, { kind: 'reply', ...anEnvelope({ commandId: `reply/${ticket.id}` }), content, to });
  return { ticket, request: { tenant, ticketId: ticket.id, message: content } };
}

const acknowledgement = (ticket: Ticket): DeliveryRequest => ({ tenant, ticketId: ticket.id, message: 'acknowledgement' });

const rows = ({ ticketId, message }: DeliveryRequest) =>
  desk.see((tx) =>
    tx
      .selectFrom('outboundMessage')
      .selectAll()
      .where('ticketId', '=', ticketId)
      .where('message', '=', message)
      .orderBy('dedupeKey')
      .execute(),
  );

const row = async (request: DeliveryRequest) => {
  const [first] = await rows(request);
  if (first === undefined) throw new Error('no row');
  return first;
};

const attempts = async (request: DeliveryRequest) => {
  const { id } = await row(request);
  return desk.see((tx) => tx.selectFrom('deliveryAttempt').selectAll().where('outboundId', '=', id).orderBy('attempt').execute());
};

const header = (raw: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*(?:\r\n[ \t].*)*)`, 'im')
    .exec(raw)?.[1]
    ?.replaceAll(/\r\n[ \t]+/g, ' ')
    .trim();

const counts = (changes: Partial<DeliveryResult>): DeliveryResult => ({ sent: 0, failed: 0, unknown: 0, suppressed: 0, ...changes });

describe('a mail', () => {
  test('of a person names the ticket, the thread and the way back', async () => {
    const { ticket, request } = await replied({ html: '<p>Please <strong>restart</strong> it.</p>' });
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    const [mail] = server.caught;
    const parsed = await PostalMime.parse(mail?.raw ?? '');
    expect(mail?.to).toEqual(['customer1@example.com']);
    expect(parsed.from).toEqual({ name: 'Demo Support', address: `support+${product}@${domain}` });
    expect(parsed.to).toEqual([{ name: 'Demo Customer 1', address: 'customer1@example.com' }]);
    expect(parsed.subject).toBe(`Re: [${ticket.id}] It does not start`);
    const token = tokens.replyToken({ tenant, ticket: ticket.id, participant: customer(0) });
    const reply = `reply+${ticket.id.toLowerCase()}.${token}@${domain}`;
    expect(parsed.replyTo?.[0]?.address).toBe(reply);
    expect(mail?.from).toBe(reply);
    expect(reply.indexOf('@')).toBeLessThanOrEqual(64);
    expect(tokens.readMessageId(tenant, parsed.messageId ?? '')).toEqual({ ticket: ticket.id, outbound: (await row(request)).id });
    expect(header(mail?.raw ?? '', 'Auto-Submitted')).toBeUndefined();
    expect(header(mail?.raw ?? '', 'X-Usher-Loop')).toBe(ticket.id);
    expect(header(mail?.raw ?? '', 'X-Mailer')).toBeUndefined();
    expect(parsed.text).toContain('Please restart it.');
    expect(parsed.text).toContain('Demo Agent 1');
    expect(parsed.html).toContain('<p>Please <strong>restart</strong> it.</p>');
    expect(await row(request)).toMatchObject({ state: 'sent', attempts: 1, providerId: 'A4711', delivery: 'accepted', leaseToken: null });
    expect(await attempts(request)).toMatchObject([{ attempt: 1, outcome: 'sent', providerText: expect.stringContaining('queued') }]);
  });

  test('written by the desk itself says so and has no sender to answer to', async () => {
    const ticket = await openTicket();
    expect(await deliver(acknowledgement(ticket))).toEqual(counts({ sent: 1 }));
    const [mail] = server.caught;
    expect(mail?.from).toBe('');
    expect(header(mail?.raw ?? '', 'Auto-Submitted')).toBe('auto-generated');
    expect(header(mail?.raw ?? '', 'X-Auto-Response-Suppress')).toBe('All');
    expect(header(mail?.raw ?? '', 'Subject')).toBe(`[${ticket.id}] It does not start`);
    expect(mail?.raw).not.toContain('Since this morning');
  });

  test('answers what the customer wrote last, and refers to what went before', async () => {
    const { ticket, request } = await replied();
    const inbound = { tenantId: tenant, channel: 'email', account: 'mail', state: 'done', rawKey: 'x', size: 1, ticketId: ticket.id };
    await desk.see((tx) =>
      tx
        .insertInto('inboundMessage')
        .values(
          [1, 2].map((number) => ({
            ...inbound,
            id: randomUUID(),
            externalId: `${ticket.id}-${number}`,
            mailId: `<${number}@c>`,
            receivedAt: new Date(now + number),
          })),
        )
        .execute(),
    );
    await deliver(request);
    const raw = server.caught[0]?.raw ?? '';
    expect(header(raw, 'In-Reply-To')).toBe('<2@c>');
    expect(header(raw, 'References')).toBe('<1@c> <2@c>');
  });

  test('goes to each recipient alone, and one refusal is one recipient’s', async () => {
    const { request } = await replied({ to: [0, 1, 2] });
    server.set('refused_at_recipient', 'customer2@example.com');
    expect(await deliver(request)).toEqual(counts({ sent: 2, failed: 1 }));
    expect(new Set(server.caught.map(({ to }) => to.join()))).toEqual(new Set(['customer1@example.com', 'customer3@example.com']));
    expect((await rows(request)).map(({ state, errorCode }) => [state, errorCode])).toEqual([
      ['sent', null],
      ['failed', 'smtp_550_5.7.1'],
      ['sent', null],
    ]);
  });

  test('carries its files while they fit and names the others', async () => {
    const { request } = await replied({
      files: [
        { name: 'log.txt', size: 1_000 },
        { name: 'big.bin', size: 10 * 1024 * 1024 },
      ],
    });
    await deliver(request);
    const parsed = await PostalMime.parse(server.caught[0]?.raw ?? '');
    expect(parsed.attachments.map(({ filename }) => filename)).toEqual(['log.txt']);
    expect(parsed.text).toContain('big.bin');
  });

  test('cannot be made to reach anybody else, or to say another thing, by a name or a subject', async () => {
    const content = await desk.text({ kind: 'opening', subject: 'Hi\r\nBcc: victim@example.com\r\n\r\n<script>', body: 'x' });
    const evil = asCustomerId(randomUUID());
    await desk.see(async (tx) => {
      await tx
        .insertInto('customer')
        .values({ tenantId: tenant, id: evil, name: 'Eve\r\nBcc: victim@example.com, "x" <victim@example.com>' })
        .execute();
      await tx
        .insertInto('customerContact')
        .values({ tenantId: tenant, customerId: evil, kind: 'email', value: 'eve@example.com' })
        .execute();
    });
    const ticket = await openTicket({ requester: evil, content });
    await deliver(acknowledgement(ticket));
    expect(server.caught.map(({ to }) => to)).toEqual([['eve@example.com']]);
    const parsed = await PostalMime.parse(server.caught[0]?.raw ?? '');
    expect(parsed.bcc).toBeUndefined();
    expect(parsed.to).toHaveLength(1);
    expect(parsed.html).not.toContain('<script>');
  });

  test('to an address that is two is never sent', async () => {
    const odd = asCustomerId(randomUUID());
    await desk.see(async (tx) => {
      await tx.insertInto('customer').values({ tenantId: tenant, id: odd, name: 'Odd' }).execute();
      await tx
        .insertInto('customerContact')
        .values({ tenantId: tenant, customerId: odd, kind: 'email', value: 'a@example.com, b@example.com' })
        .execute();
    });
    const ticket = await openTicket({ requester: odd });
    expect(await deliver(acknowledgement(ticket))).toEqual(counts({ suppressed: 1 }));
    expect((await row(acknowledgement(ticket))).reason).toBe('invalid_address');
    expect(server.caught).toEqual([]);
  });
});

describe('what the server says', () => {
  test.each([
    ['busy_at_recipient', 'smtp_451_4.7.1'],
    ['busy_after_data', 'smtp_452_4.3.1'],
  ] as const)('F21 %s is tried again, and then delivered once under the same Message-ID', async (mode, code) => {
    const { request } = await replied();
    server.set(mode);
    expect(await retryCodes(request)).toEqual({ codes: [code] });
    const planned = await row(request);
    expect(planned).toMatchObject({ state: 'planned', errorCode: code, wireAt: null, leaseToken: null, delivery: 'deferred' });
    server.set('ok');
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(server.caught).toHaveLength(1);
    expect(header(server.caught[0]?.raw ?? '', 'Message-ID')).toBe(planned.messageId);
    expect(await attempts(request)).toMatchObject([{ outcome: 'retry' }, { outcome: 'sent' }]);
  });

  test.each([
    ['refused_at_recipient', 'smtp_550_5.7.1', false],
    ['unknown_recipient', 'smtp_550_5.1.1', true],
    ['refused_after_data', 'smtp_554_5.6.0', false],
  ] as const)('F22 %s is final', async (mode, code, bounced) => {
    const { request } = await replied({ to: [3] });
    server.set(mode);
    expect(await deliver(request)).toEqual(counts({ failed: 1 }));
    expect(await row(request)).toMatchObject({ state: 'failed', errorCode: code });
    expect(await attempts(request)).toMatchObject([{ providerText: expect.stringContaining('4711') }]);
    expect(await deliver(request)).toEqual(counts({ failed: 1 }));
    expect(await attempts(request)).toHaveLength(1);
    const contact = await desk.see((tx) =>
      tx.selectFrom('customerContact').selectAll().where('customerId', '=', customer(3)).executeTakeFirstOrThrow(),
    );
    expect(contact.bounced).toBe(bounced);
    await desk.see((tx) => tx.updateTable('customerContact').set({ bounced: false }).where('customerId', '=', customer(3)).execute());
  });

  test('F23 a reset before the final dot is tried again: one in the sink', async () => {
    const { request } = await replied();
    server.set('reset_before_dot');
    expect(await retryCodes(request)).toEqual({ codes: ['not_sent'] });
    expect(await row(request)).toMatchObject({ state: 'planned', wireAt: null });
    server.set('ok');
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(server.caught).toHaveLength(1);
  });

  test('F23 a reset after the final dot leaves it unknown, and it is never sent again', async () => {
    const { request } = await replied();
    server.set('reset_after_dot');
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    server.set('ok');
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(server.caught).toHaveLength(1);
    expect((await row(request)).wireAt).not.toBeNull();
  });

  test('a server that cannot be reached costs nothing but time', async () => {
    const { request } = await replied();
    expect(await retryCodes(request, createSmtpEmail({ url: 'smtp://127.0.0.1:1' }))).toEqual({ codes: ['not_sent'] });
    expect(await row(request)).toMatchObject({ state: 'planned', attempts: 1 });
  });
});

/** A worker cancelled in mid-send, as by the end of its process. */
const cancelledWhen = async (request: DeliveryRequest, moment: () => Promise<void>): Promise<unknown> => {
  const environment = new MockActivityEnvironment();
  const running = environment.run(createDelivery(deps()).deliver, request).catch((error: unknown) => error);
  await moment();
  environment.cancel();
  return running;
};

describe('attempts that meet', () => {
  test('F23 silence after the final dot ends with the attempt, as unknown', async () => {
    const { request } = await replied();
    server.set('silent_after_dot');
    expect(await cancelledWhen(request, () => server.taken(1))).toEqual(counts({ unknown: 1 }));
    expect(await row(request)).toMatchObject({ state: 'unknown', errorCode: 'no_reply' });
  });

  test('F1 what an ended worker left before the wire is taken over at once', async () => {
    const { request } = await replied();
    const { id } = await row(request);
    const lease = { state: 'sending', leaseToken: randomUUID(), leaseUntil: new Date(now + 60_000), attempts: 1 };
    await desk.see((tx) => tx.updateTable('outboundMessage').set(lease).where('id', '=', id).execute());
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(await row(request)).toMatchObject({ state: 'sent', attempts: 2 });
  });

  test('F2 what it left after the wire is unknown', async () => {
    const { request } = await replied();
    const { id } = await row(request);
    const lease = { state: 'sending', leaseToken: randomUUID(), leaseUntil: new Date(now + 60_000), attempts: 1, wireAt: new Date(now) };
    await desk.see((tx) => tx.updateTable('outboundMessage').set(lease).where('id', '=', id).execute());
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(server.caught).toEqual([]);
  });

  test('F5 a frozen worker that wakes finds its lease gone and stops before the final dot', async () => {
    const { request } = await replied();
    let second: Promise<DeliveryResult> | undefined;
    const email = createSmtpEmail({ url: server.url });
    // The first attempt stands still just before the wire, while another worker finishes.
    const frozen: EmailSender = {
      send: (mail, options) =>
        email.send(mail, {
          ...options,
          beforeWire: async () => {
            second = deliver(request);
            await second;
            await options.beforeWire();
          },
        }),
    };
    expect(await retryCodes(request, frozen)).toEqual({ codes: ['taken_over'] });
    expect(await second).toEqual(counts({ sent: 1 }));
    expect(server.caught).toHaveLength(1);
    expect(await row(request)).toMatchObject({ state: 'sent', attempts: 2 });
    expect(await attempts(request)).toMatchObject([{ outcome: 'lost' }, { outcome: 'sent' }]);
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
  });

  test('F5 a worker frozen behind the wire writes nothing but its own line', async () => {
    const { request } = await replied();
    const email = createSmtpEmail({ url: server.url });
    const frozen: EmailSender = {
      async send(mail, options) {
        const receipt = await email.send(mail, options);
        expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
        return receipt;
      },
    };
    expect(await retryCodes(request, frozen)).toEqual({ codes: ['taken_over'] });
    expect(await row(request)).toMatchObject({ state: 'unknown' });
    expect(await attempts(request)).toMatchObject([{ outcome: 'late_sent', providerText: expect.stringContaining('queued') }]);
    expect(server.caught).toHaveLength(1);
  });

  test('eight calls at once send one mail', async () => {
    const { request } = await replied();
    const ends = await Promise.allSettled(Array.from({ length: 8 }, () => deliver(request)));
    // Each takes over from the one before until one reaches the wire; the last word is the ledger's.
    expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true);
    const [settled] = await rows(request);
    expect(['sent', 'unknown']).toContain(settled?.state);
    expect(server.caught).toHaveLength(1);
  });
});

const suppressed = async (request: DeliveryRequest): Promise<string | null> => {
  expect(await deliver(request)).toEqual(counts({ suppressed: 1 }));
  expect(server.caught).toEqual([]);
  const { state, reason } = await row(request);
  expect(state).toBe('suppressed');
  return reason;
};

describe('a reason that is gone', () => {
  test('a reopened ticket says nothing of being resolved', async () => {
    const ticket = await openTicket();
    await desk.apply(ticket.id, { kind: 'resolve', ...anEnvelope({ commandId: 'resolve' }) });
    await desk.apply(ticket.id, { kind: 'reopen', ...anEnvelope({ commandId: 'reopen' }) });
    expect(await suppressed({ tenant, ticketId: ticket.id, message: 'resolved.1' })).toBe('reopened');
  });

  test('a resolved one does, with its resolution', async () => {
    const ticket = await openTicket();
    const resolution = await desk.text({ kind: 'resolution', body: 'It was <unplugged>.' });
    await desk.apply(ticket.id, { kind: 'resolve', ...anEnvelope({ commandId: 'resolve' }), resolution });
    expect(await deliver({ tenant, ticketId: ticket.id, message: 'resolved.1' })).toEqual(counts({ sent: 1 }));
    const parsed = await PostalMime.parse(server.caught[0]?.raw ?? '');
    expect(parsed.text).toContain('It was <unplugged>.');
    expect(parsed.text).toContain('within 7 days');
    expect(parsed.html).toContain('It was &lt;unplugged&gt;.');
  });

  test('a deleted customer, a bounced or missing address, mail switched off', async () => {
    const { request } = await replied({ to: [1] });
    const change = (work: Parameters<TestDesk['see']>[0]) => desk.see(work);
    const reset = () =>
      change((tx) =>
        tx.updateTable('outboundMessage').set({ state: 'planned', reason: null }).where('message', '=', request.message).execute(),
      );
    const contact = (bounced: boolean) =>
      change((tx) => tx.updateTable('customerContact').set({ bounced }).where('customerId', '=', customer(1)).execute());
    await contact(true);
    expect(await suppressed(request)).toBe('address_bounced');
    await contact(false);
    await reset();
    await change((tx) => tx.updateTable('customer').set({ deletedAt: new Date() }).where('id', '=', customer(1)).execute());
    expect(await suppressed(request)).toBe('customer_deleted');
    await change((tx) => tx.updateTable('customer').set({ deletedAt: null }).where('id', '=', customer(1)).execute());
    await reset();
    const { settings } = await desk.see((tx) => tx.selectFrom('product').select('settings').executeTakeFirstOrThrow());
    const off = JSON.stringify({ ...Object(settings), mail: { acknowledgement: true, reply: false, resolved: true } });
    await change((tx) => tx.updateTable('product').set({ settings: off }).execute());
    expect(await suppressed(request)).toBe('mail_off');
    await change((tx) =>
      tx
        .updateTable('product')
        .set({ settings: JSON.stringify(settings) })
        .execute(),
    );
    await reset();
    await change((tx) =>
      tx
        .updateTable('customerContact')
        .set({ value: `support+demo@${domain}` })
        .where('customerId', '=', customer(1))
        .execute(),
    );
    expect(await suppressed(request)).toBe('own_address');
    await change((tx) =>
      tx.updateTable('customerContact').set({ value: 'customer2@example.com' }).where('customerId', '=', customer(1)).execute(),
    );
  });

  test('T19 one acknowledgement of mail per recipient and hour, also at once', async () => {
    const tickets = await Promise.all(Array.from({ length: 4 }, () => openTicket({ channel: 'email', requester: customer(2) })));
    const ends = await Promise.all(tickets.map((ticket) => deliver(acknowledgement(ticket))));
    expect(ends.reduce((sum, { sent }) => sum + sent, 0)).toBe(1);
    expect(server.caught).toHaveLength(1);
    const states = await Promise.all(tickets.map((ticket) => row(acknowledgement(ticket))));
    expect(states.filter(({ reason }) => reason === 'acknowledged_recently')).toHaveLength(3);
    now += 3_700_000;
    expect(await deliver(acknowledgement(await openTicket({ channel: 'email', requester: customer(2) })))).toEqual(counts({ sent: 1 }));
  });

  test('T19 ten automatic mails per ticket and hour', async () => {
    const ticket = await openTicket();
    const ends: DeliveryResult[] = [];
    for (let cycle = 1; cycle <= 11; cycle += 1) {
      await desk.apply(ticket.id, { kind: 'resolve', ...anEnvelope({ commandId: `resolve ${cycle}` }) });
      ends.push(await deliver({ tenant, ticketId: ticket.id, message: `resolved.${cycle}` }));
      await desk.apply(ticket.id, { kind: 'reopen', ...anEnvelope({ commandId: `reopen ${cycle}` }) });
    }
    expect(ends.map(({ sent }) => sent)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect((await row({ tenant, ticketId: ticket.id, message: 'resolved.11' })).reason).toBe('ticket_mail_limit');
  });
});

const giveUp = (request: DeliveryRequest): Promise<DeliveryResult> =>
  new MockActivityEnvironment().run(createDelivery(deps()).giveUp, request);

describe('giving up', () => {
  test('fails what was not sent, and calls unknown what may have been', async () => {
    const { request } = await replied({ to: [0, 1, 2] });
    const [first, second] = await rows(request);
    const sending = { state: 'sending', leaseToken: randomUUID(), attempts: 1 };
    await desk.see((tx) =>
      tx
        .updateTable('outboundMessage')
        .set({ ...sending, wireAt: new Date(now) })
        .where('id', '=', first?.id ?? '')
        .execute(),
    );
    await desk.see((tx) =>
      tx
        .updateTable('outboundMessage')
        .set(sending)
        .where('id', '=', second?.id ?? '')
        .execute(),
    );
    expect(await giveUp(request)).toEqual(counts({ failed: 2, unknown: 1 }));
    expect((await rows(request)).map(({ state, errorCode }) => [state, errorCode])).toEqual([
      ['unknown', 'no_reply'],
      ['failed', 'gave_up'],
      ['failed', 'gave_up'],
    ]);
    expect(await deliver(request)).toEqual(counts({ failed: 2, unknown: 1 }));
    expect(server.caught).toEqual([]);
  });
});
