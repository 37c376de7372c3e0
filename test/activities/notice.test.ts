import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import PostalMime from 'postal-mime';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSmtpEmail } from '../../activities/adapters/smtp-email.js';
import { createTwilioSms } from '../../activities/adapters/twilio-sms.js';
import type { DeliveryRequest, DeliveryResult } from '../../activities/contract.js';
import { createDelivery } from '../../activities/delivery.js';
import type { DeliveryDeps } from '../../activities/delivery.js';
import { createLedger } from '../../activities/ledger.js';
import { createMailTokens } from '../../activities/mail-tokens.js';
import { referenceOf } from '../../activities/notice.js';
import type { EmailSender, SmsSender } from '../../activities/ports.js';
import { createDiskFiles } from '../../db/files.js';
import type { FileStore } from '../../db/files.js';
import { storeReport } from '../../db/queries/hook-receipts.js';
import { demo } from '../../db/seed.js';
import { parseSigningKeys } from '../../domain/access/signing-key.js';
import type { NoticeAbout } from '../../domain/sla/notice.js';
import { silent } from '../../local/log.js';
import { startTwilio } from '../../local/twilio.js';
import type { TwilioStandIn } from '../../local/twilio.js';
import { openTestDesk, tenant } from './desk.js';
import type { TestDesk } from './desk.js';
import { mailTo, nextId, planNoticeOf } from './notice-stage.js';
import type { Noticed } from './notice-stage.js';
import { startSmtpStandIn } from './smtp-stand-in.js';
import type { SmtpStandIn } from './smtp-stand-in.js';

const domain = 'desk.example';
const tokens = createMailTokens(parseSigningKeys('k1:secret of the tests'), domain);
const account = { accountSid: `AC${'0123456789abcdef'.repeat(2)}`, authToken: 'token of the tests', from: '+15005550006' };
const [one, two, three] = demo.agents;
const phones = { [one]: '+12025550131', [demo.lead]: '+12025550132' };
const seconds = 1_000;

let desk: TestDesk;
let mails: SmtpStandIn;
let provider: TwilioStandIn;
let files: FileStore;
let now = Date.UTC(2026, 0, 15, 12);
let tally: string[] = [];

beforeAll(async () => {
  desk = await openTestDesk(() => now);
  files = createDiskFiles(await mkdtemp(join(tmpdir(), 'usher-files-')));
  const dir = await mkdtemp(join(tmpdir(), 'usher-sms-'));
  provider = await startTwilio({ port: 0, dir, account, log: silent });
  return async () => {
    await provider.stop();
    await desk[Symbol.asyncDispose]();
  };
});

beforeEach(async () => {
  now += 2 * 24 * 3_600 * seconds;
  tally = [];
  mails = await startSmtpStandIn();
  provider.setFault({ mode: 'ok' });
  await provider.clear();
  await desk.see(async (tx) => {
    await tx.updateTable('agent').set({ phone: null, active: true }).execute();
    for (const [id, phone] of Object.entries(phones)) await tx.updateTable('agent').set({ phone }).where('id', '=', id).execute();
    await tx.updateTable('tenant').set({ settings: '{}' }).execute();
  });
  return () => mails[Symbol.asyncDispose]();
});

const deps = (changes: Partial<DeliveryDeps> = {}): DeliveryDeps => ({
  db: desk.database.db,
  email: createSmtpEmail({ url: mails.url }),
  sms: createTwilioSms({ ...account, apiUrl: provider.url, publicUrl: 'http://api.test' }),
  links: (ticket) => [{ name: 'Ticket', url: `https://${domain}/v1/tickets/${ticket}` }],
  tally: {
    settled: (channel, state) => void tally.push(`${channel} ${state}`),
    possibleDuplicate: () => void tally.push('possible duplicate'),
    nobody: () => void tally.push('nobody'),
  },
  files,
  tokens,
  mailDomain: domain,
  newId: randomUUID,
  now: () => now,
  ledger: createLedger({ db: desk.database.db, now: () => now }),
  ...changes,
});

const deliver = (request: DeliveryRequest, changes: Partial<DeliveryDeps> = {}): Promise<DeliveryResult> =>
  new MockActivityEnvironment().run(createDelivery(deps(changes)).deliver, request);

/** All that Temporal sees of a failed call: codes, and when to call again. */
async function retry(request: DeliveryRequest, changes: Partial<DeliveryDeps> = {}): Promise<{ codes: unknown; afterMs: unknown }> {
  const failure: unknown = await deliver(request, changes).catch((error: unknown) => error);
  if (!(failure instanceof ApplicationFailure)) throw new Error(`not a failure: ${JSON.stringify(failure)}`);
  expect(failure).toMatchObject({ type: 'delivery.retry', nonRetryable: false });
  expect(JSON.stringify([failure.message, failure.details])).not.toMatch(/@|\+1|Usher|4711/);
  return { codes: failure.details?.[0], afterMs: failure.nextRetryDelay };
}

const smsTo = (...to: string[]): NoticeAbout['to'] => [{ channel: 'sms', to }];

const noticed = (changes: Noticed = {}) => planNoticeOf(desk, now, changes);

const setPhase = ({ ticketId }: DeliveryRequest, phase: string) =>
  desk.see((tx) => tx.updateTable('slaClock').set({ phase }).where('ticketId', '=', ticketId).execute());

const rows = ({ ticketId }: DeliveryRequest) =>
  desk.see((tx) =>
    tx
      .selectFrom('outboundMessage')
      .selectAll()
      .where('ticketId', '=', ticketId)
      .where('template', '=', 'notice')
      .orderBy('dedupeKey')
      .execute(),
  );

/** `channel recipient state`, with the recipient by the part of the demo data. */
const ledger = async (request: DeliveryRequest): Promise<string[]> =>
  (await rows(request)).map(
    ({ channel, recipientId, state, fallback }) => `${channel} ${nameOf(recipientId)} ${state}${fallback ? ' fallback' : ''}`,
  );

const nameOf = (id: string): string =>
  id === demo.admin ? 'admin' : id === demo.lead ? 'lead' : `agent ${demo.agents.findIndex((agent) => agent === id) + 1}`;

async function row(request: DeliveryRequest) {
  const [first] = await rows(request);
  if (first === undefined) throw new Error('no row');
  return first;
}

const attempts = async (request: DeliveryRequest) => {
  const { id } = await row(request);
  return desk.see((tx) => tx.selectFrom('deliveryAttempt').selectAll().where('outboundId', '=', id).orderBy('attempt').execute());
};

const header = (raw: string, name: string): string | undefined => new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(raw)?.[1]?.trim();

const mailedTo = (): string[] => mails.caught.flatMap(({ to }) => to).toSorted();
const textedTo = (): string[] => provider.messages().map(({ to }) => to);
const counts = (changes: Partial<DeliveryResult>): DeliveryResult => ({ sent: 0, failed: 0, unknown: 0, suppressed: 0, ...changes });

const setFallback = (id: string) =>
  desk.see((tx) =>
    tx
      .updateTable('tenant')
      .set({ settings: JSON.stringify({ fallbackRecipient: id }) })
      .execute(),
  );

describe('a notice', () => {
  test('by mail says what fell due, and nothing that a customer wrote', async () => {
    const request = await noticed();
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    const [mail] = mails.caught;
    const parsed = await PostalMime.parse(mail?.raw ?? '');
    expect(mail).toMatchObject({ from: '', to: ['agent1@usher.localhost'] });
    expect(parsed.subject).toBe(`[${request.ticketId}] resolution breached (medium)`);
    expect(parsed.from?.address).toBe(`support+${demo.product}@${domain}`);
    expect(parsed.text).toMatch(/r75: due .*, 3600 s late\nr100: due .*, on time/);
    expect(parsed.text).toContain(`https://${domain}/v1/tickets/${request.ticketId}`);
    expect(parsed.html).toContain('resolution#1');
    expect(mail?.raw).not.toContain('It does not start');
    expect(header(mail?.raw ?? '', 'Auto-Submitted')).toBe('auto-generated');
    expect(header(mail?.raw ?? '', 'X-Usher-Loop')).toBe(request.ticketId);
    expect(header(mail?.raw ?? '', 'Usher-Possible-Duplicate')).toBeUndefined();
    const { id, ...stored } = await row(request);
    expect(stored).toMatchObject({
      dedupeKey: `${request.ticketId}/resolution#1/r100/email/${one}`,
      recipientKind: 'agent',
      automatic: true,
      possibleDuplicate: false,
      delivery: 'accepted',
    });
    expect(tokens.readMessageId(tenant, parsed.messageId ?? '')).toEqual({ ticket: request.ticketId, outbound: id });
    expect(tally).toEqual(['email sent']);
  });

  test('by SMS is one message with a reference of its own', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    const [sms] = provider.messages();
    const { id, providerId, messageId } = await row(request);
    expect(sms).toMatchObject({ sid: providerId, to: phones[one], from: account.from });
    expect(sms?.body).toMatch(
      new RegExp(`^Usher ${request.ticketId} medium: resolution breached, due .*, 2 rungs\\. demo\\. Ref ${referenceOf(id)}$`),
    );
    expect(messageId).toBeNull();
    expect(mails.caught).toEqual([]);
  });

  test('by SMS names the hook to which Twilio may report, where the tenant has one', async () => {
    const paths: (string | null)[] = [];
    const sms: SmsSender = {
      send: async ({ reportPath }, { beforeWire }) => {
        await beforeWire();
        paths.push(reportPath);
        return { providerId: null, text: 'queued' };
      },
      find: () => Promise.resolve(null),
    };
    await deliver(await noticed({ to: smsTo('assignee') }), { sms });
    const hook = {
      tenantId: tenant,
      id: randomUUID(),
      provider: 'twilio',
      name: 'sms',
      description: '',
      secret: Buffer.of(1),
      createdBy: '',
    };
    await desk.see((tx) => tx.insertInto('hook').values(hook).execute());
    await deliver(await noticed({ to: smsTo('assignee') }), { sms });
    await desk.see((tx) => tx.deleteFrom('hook').where('id', '=', hook.id).execute());
    expect(paths).toEqual([null, '/v1/hooks/twilio/demo.sms']);
  });

  test('goes once to each person by each channel, whoever addressed them how often', async () => {
    const to = [...mailTo('assignee', 'lead', 'role:agent', `user:${one}`, 'on-call'), ...smsTo('assignee', 'lead', `user:${two}`)];
    const request = await noticed({ to });
    expect(await deliver(request)).toEqual(counts({ sent: 6 }));
    expect(await ledger(request)).toEqual([
      'email lead sent',
      'email agent 1 sent',
      'email agent 2 sent',
      'email agent 3 sent',
      'sms lead sent',
      'sms agent 1 sent',
    ]);
    expect(mails.caught).toHaveLength(4);
    expect(textedTo().toSorted()).toEqual(Object.values(phones).toSorted());
  });

  test('reaches only active people who may see the product', async () => {
    await desk.see(async (tx) => {
      await tx.updateTable('agent').set({ active: false }).where('id', '=', two).execute();
      await tx
        .updateTable('agent')
        .set({ products: ['other'] })
        .where('id', '=', three)
        .execute();
    });
    const request = await noticed({ to: mailTo('role:agent', `user:${two}`, `user:${three}`) });
    await deliver(request);
    await desk.see((tx) =>
      tx
        .updateTable('agent')
        .set({ products: [demo.product] })
        .where('id', '=', three)
        .execute(),
    );
    expect(await ledger(request)).toEqual(['email agent 1 sent']);
  });

  test('told again tells nobody again, nor whoever has the ticket by then', async () => {
    const request = await noticed({ to: [...mailTo('assignee'), ...smsTo('assignee')] });
    await deliver(request);
    await desk.see((tx) => tx.updateTable('ticket').set({ assigneeId: two }).where('id', '=', request.ticketId).execute());
    expect(await deliver(request)).toEqual(counts({ sent: 2 }));
    expect(mails.caught).toHaveLength(1);
    expect(provider.messages()).toHaveLength(1);
    expect(tally.toSorted()).toEqual(['email sent', 'sms sent']);
  });

  test('eight calls at once tell each person once', async () => {
    const request = await noticed({ to: mailTo('assignee', 'lead') });
    await Promise.allSettled(Array.from({ length: 8 }, () => deliver(request)));
    expect(await rows(request)).toHaveLength(2);
    // Calls that meet take over from each other, which flags what may be sent twice; never more than twice.
    for (const person of ['agent1', 'lead']) {
      const raws = mails.caught.filter(({ to }) => to.includes(`${person}@usher.localhost`)).map(({ raw }) => raw);
      expect(raws.length).toBeGreaterThan(0);
      expect(raws.length - raws.filter((raw) => header(raw, 'Usher-Possible-Duplicate') === '1').length).toBe(1);
      expect(raws.length).toBeLessThanOrEqual(2);
    }
  });

  test('of SMS goes by mail where SMS is not set up', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    expect(await deliver(request, { sms: null })).toEqual(counts({ sent: 1 }));
    expect(mailedTo()).toEqual(['agent1@usher.localhost']);
  });

  test('without its record waits for it', async () => {
    const { id } = await desk.open({ ticketId: nextId() });
    expect(await retry({ tenant, ticketId: id, message: 'notice/resolution#1/r100' })).toEqual({
      codes: { codes: ['notice_missing'] },
      afterMs: undefined,
    });
  });

  test('does not count among the mails a customer may get', async () => {
    const request = await noticed();
    for (let rung = 1; rung <= 11; rung += 1) {
      const message = `notice/resolution#1/r${rung}`;
      await desk.see((tx) =>
        tx
          .insertInto('notice')
          .columns(['tenantId', 'ticketId', 'message', 'clock', 'about'])
          .expression((eb) =>
            eb
              .selectFrom('notice')
              .select(['tenantId', 'ticketId', eb.val(message).as('message'), 'clock', 'about'])
              .where('ticketId', '=', request.ticketId)
              .where('message', '=', request.message),
          )
          .execute(),
      );
      await deliver({ ...request, message });
    }
    expect(await deliver({ ...request, message: 'acknowledgement' })).toEqual(counts({ sent: 1 }));
  });
});

describe('nobody addressed', () => {
  test('the fallback recipient is told, and the ledger says so', async () => {
    await setFallback(demo.admin);
    const request = await noticed({ to: mailTo('on-call') });
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(await ledger(request)).toEqual(['email admin sent fallback']);
    expect((await PostalMime.parse(mails.caught[0]?.raw ?? '')).text).toContain('nobody it was addressed to was found');
  });

  test.each([
    ['no fallback recipient', () => Promise.resolve()],
    [
      'one who has left',
      async () => {
        await setFallback(demo.admin);
        await desk.see((tx) => tx.updateTable('agent').set({ active: false }).where('id', '=', demo.admin).execute());
      },
    ],
    ['one who is none', () => setFallback('nobody')],
  ])('%s: it is counted and recorded, and no failure', async (_what, prepare) => {
    await prepare();
    const request = await noticed({ to: mailTo('on-call') });
    expect(await deliver(request)).toEqual(counts({}));
    expect(await deliver(request)).toEqual(counts({}));
    expect(tally).toEqual(['nobody']);
    const { about } = await desk.see((tx) =>
      tx.selectFrom('notice').select('about').where('ticketId', '=', request.ticketId).executeTakeFirstOrThrow(),
    );
    expect(about).toMatchObject({ addressed: { recipients: 0 } });
  });
});

describe('a reason that is gone', () => {
  test.each([
    ['fulfilled', 'clock_fulfilled'],
    ['cancelled', 'clock_cancelled'],
  ])('R30 the clock was %s meanwhile', async (phase, reason) => {
    const request = await noticed({ to: [...mailTo('assignee'), ...smsTo('lead')] });
    await setPhase(request, phase);
    expect(await deliver(request)).toEqual(counts({ suppressed: 2 }));
    expect((await rows(request)).map((found) => found.reason)).toEqual([reason, reason]);
    expect([...mails.caught, ...provider.messages()]).toEqual([]);
  });

  test('a paused clock is no reason', async () => {
    const request = await noticed();
    await setPhase(request, 'paused');
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
  });

  test('F39 fulfilled while the mail was on its way, it stops before the wire', async () => {
    const request = await noticed();
    const email = createSmtpEmail({ url: mails.url });
    const slow: EmailSender = {
      send: (mail, options) =>
        email.send(mail, {
          ...options,
          beforeWire: async () => {
            await setPhase(request, 'fulfilled');
            await options.beforeWire();
          },
        }),
    };
    expect(await deliver(request, { email: slow })).toEqual(counts({ suppressed: 1 }));
    expect(mails.caught).toEqual([]);
    expect(await row(request)).toMatchObject({ reason: 'clock_fulfilled', wireAt: null, leaseToken: null });
  });

  test.each([
    ['in_progress', 'acknowledged'],
    ['resolved', 'escalation_over'],
    ['closed', 'escalation_over'],
  ])('an escalation is %s', async (status, reason) => {
    const request = await noticed({ clock: null, reason: 'escalation', escalation: 2, rungs: [], message: 'notice/e2/raised' });
    await desk.see((tx) => tx.updateTable('escalation').set({ status }).where('ticketId', '=', request.ticketId).execute());
    expect(await deliver(request)).toEqual(counts({ suppressed: 1 }));
    expect((await row(request)).reason).toBe(reason);
  });

  test('while it waits, its notice says until when', async () => {
    const request = await noticed({ clock: null, reason: 'exhausted', escalation: 2, rungs: [], message: 'notice/e2/exhausted' });
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    const { text } = await PostalMime.parse(mails.caught[0]?.raw ?? '');
    expect(text).toMatch(/Escalation: e2, level 2, to team, to acknowledge by \d{4}-/);
    expect((await row(request)).dedupeKey).toBe(`${request.ticketId}/e2/exhausted/email/${one}`);
  });

  test('the ticket was removed, or its reader has left', async () => {
    const removed = await noticed();
    await desk.see((tx) => tx.updateTable('ticket').set({ removedAt: new Date() }).where('id', '=', removed.ticketId).execute());
    await deliver(removed);
    expect((await row(removed)).reason).toBe('ticket_removed');
    const left = await noticed();
    mails.set('busy_at_recipient');
    await retry(left);
    await desk.see((tx) => tx.updateTable('agent').set({ active: false }).where('id', '=', one).execute());
    expect(await deliver(left)).toEqual(counts({ suppressed: 1 }));
    expect((await row(left)).reason).toBe('recipient_inactive');
  });
});

const marksOf = (name: string): (string | undefined)[] => mails.caught.map(({ raw }) => header(raw, name));

describe('a mail of which nobody can say whether it arrived', () => {
  test('F23 is sent exactly once more, flagged, under the same Message-ID; then it is unknown', async () => {
    const request = await noticed();
    mails.set('reset_after_dot');
    expect(await retry(request)).toEqual({ codes: { codes: ['no_reply'] }, afterMs: undefined });
    expect(await row(request)).toMatchObject({ state: 'planned', possibleDuplicate: false });
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(marksOf('Usher-Possible-Duplicate')).toEqual([undefined, '1']);
    expect(new Set(marksOf('Message-ID')).size).toBe(1);
    expect(await row(request)).toMatchObject({ attempts: 2, possibleDuplicate: true, errorCode: 'no_reply' });
    expect(await attempts(request)).toMatchObject([{ outcome: 'unknown' }, { outcome: 'unknown' }]);
    expect(tally).toEqual(['possible duplicate', 'email unknown']);
  });

  test('is sent when its repetition is taken', async () => {
    const request = await noticed();
    mails.set('reset_after_dot');
    await retry(request);
    mails.set('ok');
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(await row(request)).toMatchObject({ state: 'sent', possibleDuplicate: true });
  });

  test('F2 left so by a worker that died is repeated too, and once', async () => {
    const request = await noticed();
    mails.set('busy_at_recipient');
    await retry(request);
    const { id } = await row(request);
    const died = { state: 'sending', leaseToken: randomUUID(), leaseUntil: new Date(now + 60_000), wireAt: new Date(now) };
    await desk.see((tx) => tx.updateTable('outboundMessage').set(died).where('id', '=', id).execute());
    mails.set('ok');
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(marksOf('Usher-Possible-Duplicate')).toEqual(['1']);
    await desk.see((tx) => tx.updateTable('outboundMessage').set(died).where('id', '=', id).execute());
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(mails.caught).toHaveLength(1);
  });

  test('stays flagged while its repetition has to wait', async () => {
    const request = await noticed();
    mails.set('reset_after_dot');
    await retry(request);
    mails.set('busy_after_data');
    expect(await retry(request)).toMatchObject({ codes: { codes: ['smtp_452_4.3.1'] } });
    mails.set('ok');
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(marksOf('Usher-Possible-Duplicate')).toEqual([undefined, '1']);
  });

  test('is unknown, not suppressed, when its reason has gone since', async () => {
    const request = await noticed();
    mails.set('reset_after_dot');
    await retry(request);
    await setPhase(request, 'fulfilled');
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(await row(request)).toMatchObject({ reason: 'clock_fulfilled', errorCode: 'no_reply' });
    expect(mails.caught).toHaveLength(1);
  });

  test('and given up is unknown', async () => {
    const request = await noticed();
    mails.set('reset_after_dot');
    await retry(request);
    expect(await new MockActivityEnvironment().run(createDelivery(deps()).giveUp, request)).toEqual(counts({ unknown: 1 }));
  });
});

describe('an SMS of which nobody can say whether it arrived', () => {
  test('R4 is looked for after 15 s, and sent when the provider has it', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    provider.setFault({ mode: 'error_after' });
    expect(await retry(request)).toEqual({ codes: { codes: ['no_reply'] }, afterMs: 15 * seconds });
    const sentAt = now;
    now += 10 * seconds;
    expect(await retry(request)).toEqual({ codes: { codes: ['not_yet'] }, afterMs: 5 * seconds });
    now += 5 * seconds;
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    const [sms] = provider.messages();
    expect(provider.messages()).toHaveLength(1);
    expect(await row(request)).toMatchObject({ providerId: sms?.sid, possibleDuplicate: false, sentAt: new Date(sentAt), errorCode: null });
    expect(await attempts(request)).toMatchObject([{ outcome: 'found' }]);
    expect(tally).toEqual(['sms sent']);
  });

  test('is sent once more when the provider does not have it', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    provider.setFault({ mode: 'reset_before', times: 1 });
    await retry(request);
    now += 15 * seconds;
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(provider.messages()).toHaveLength(1);
    expect(await row(request)).toMatchObject({ attempts: 2, possibleDuplicate: true });
    expect(tally).toEqual(['possible duplicate', 'sms sent']);
  });

  test('lost twice is looked for after 15 s, 60 s and 5 min; then it is unknown', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    provider.setFault({ mode: 'error_before', times: 2 });
    await retry(request);
    now += 15 * seconds;
    expect(await retry(request)).toEqual({ codes: { codes: ['no_reply'] }, afterMs: 15 * seconds });
    now += 15 * seconds;
    expect(await retry(request)).toEqual({ codes: { codes: ['not_yet'] }, afterMs: 45 * seconds });
    now += 45 * seconds;
    expect(await retry(request)).toEqual({ codes: { codes: ['not_yet'] }, afterMs: 240 * seconds });
    now += 240 * seconds;
    expect(await deliver(request)).toEqual(counts({ unknown: 1 }));
    expect(await row(request)).toMatchObject({ attempts: 2, possibleDuplicate: true, errorCode: 'no_reply' });
    expect([...provider.messages(), ...mails.caught]).toEqual([]);
  });

  test('is not sent again while the provider cannot be asked', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    provider.setFault({ mode: 'error_after', times: 1 });
    await retry(request);
    now += 15 * seconds;
    provider.setFault({ mode: 'list_error' });
    expect(await retry(request)).toMatchObject({ codes: { codes: ['not_reconciled'] } });
    provider.setFault({ mode: 'ok' });
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(provider.messages()).toHaveLength(1);
  });

  test('does not keep a mail of the same notice waiting', async () => {
    const request = await noticed({ to: [...smsTo('assignee'), ...mailTo('lead')] });
    provider.setFault({ mode: 'error_after' });
    mails.set('busy_at_recipient');
    expect((await retry(request)).afterMs).toBeUndefined();
    mails.set('ok');
    expect(await retry(request)).toEqual({ codes: { codes: ['not_yet'] }, afterMs: 15 * seconds });
    expect(mailedTo()).toEqual(['lead@usher.localhost']);
  });
});

describe('a channel that does not reach somebody', () => {
  test('F22 F25 is replaced by the other one within the same call', async () => {
    await desk.see((tx) => tx.updateTable('agent').set({ phone: '+15005550004' }).where('id', '=', one).execute());
    const refused = await noticed({ to: smsTo('assignee') });
    expect(await deliver(refused)).toEqual(counts({ sent: 1, failed: 1 }));
    expect(await ledger(refused)).toEqual(['email agent 1 sent', 'sms agent 1 failed']);
    expect(await deliver(refused)).toEqual(counts({ sent: 1, failed: 1 }));
    mails.set('refused_at_recipient');
    const bounced = await noticed({ to: mailTo('lead') });
    expect(await deliver(bounced)).toEqual(counts({ sent: 1, failed: 1 }));
    expect(await ledger(bounced)).toEqual(['email lead failed', 'sms lead sent']);
    expect(mails.caught).toHaveLength(1);
    expect(provider.messages()).toHaveLength(1);
  });

  test('is the last one where there is no other', async () => {
    mails.set('refused_at_recipient');
    const request = await noticed({ to: mailTo(`user:${two}`) });
    expect(await deliver(request)).toEqual(counts({ failed: 1 }));
    expect(tally).toEqual(['email failed']);
  });

  test('F25 and wants to be left alone is left alone', async () => {
    const request = await noticed({ to: smsTo('assignee') });
    provider.setFault({ mode: 'throttle', times: 1, delayMs: 7_000 });
    expect(await retry(request)).toEqual({ codes: { codes: ['http_429_20429'] }, afterMs: 7 * seconds });
    now += 5 * seconds;
    expect(await retry(request)).toEqual({ codes: { codes: ['not_yet'] }, afterMs: 2 * seconds });
    now += 2 * seconds;
    expect(await deliver(request)).toEqual(counts({ sent: 1 }));
    expect(await row(request)).toMatchObject({ attempts: 2, possibleDuplicate: false });
  });

  test('F21 and only says later is tried for an hour', async () => {
    const request = await noticed({ to: mailTo('lead') });
    mails.set('busy_at_recipient');
    await retry(request);
    now += 3_600 * seconds;
    expect(await retry(request)).toMatchObject({ codes: { codes: ['smtp_451_4.7.1'] } });
    now += seconds;
    expect(await deliver(request)).toEqual(counts({ sent: 1, failed: 1 }));
    expect(await ledger(request)).toEqual(['email lead failed', 'sms lead sent']);
  });

  test('of five SMS in an hour, the sixth is a mail', async () => {
    const ends: DeliveryResult[] = [];
    for (let number = 1; number <= 6; number += 1) ends.push(await deliver(await noticed({ to: smsTo('assignee') })));
    expect(ends).toEqual([...Array.from({ length: 5 }, () => counts({ sent: 1 })), counts({ sent: 1, suppressed: 1 })]);
    expect(textedTo()).toHaveLength(5);
    expect(mailedTo()).toEqual(['agent1@usher.localhost']);
    now += 3_601 * seconds;
    // That they were read now does not make them SMS of this hour.
    const read = { status: 'read', code: null };
    await desk.see(async (tx) => {
      const sent = await tx
        .selectFrom('outboundMessage')
        .select('providerId')
        .where('recipientId', '=', one)
        .where('providerId', 'is not', null)
        .execute();
      for (const { providerId } of sent)
        await storeReport(tx, { tenant, actor: 'system/hook-sms', source: 'api' }, providerId ?? '', read, now);
    });
    expect(await deliver(await noticed({ to: smsTo('assignee') }))).toEqual(counts({ sent: 1 }));
    expect(textedTo()).toHaveLength(6);
  });

  test('whose address is none is not tried', async () => {
    await desk.see((tx) => tx.updateTable('agent').set({ email: 'a@example.com, b@example.com' }).where('id', '=', demo.lead).execute());
    const request = await noticed({ to: mailTo('lead') });
    expect(await deliver(request)).toEqual(counts({ sent: 1, failed: 1 }));
    await desk.see((tx) => tx.updateTable('agent').set({ email: 'lead@usher.localhost' }).where('id', '=', demo.lead).execute());
    expect((await row(request)).errorCode).toBe('invalid_address');
    expect(textedTo()).toEqual([phones[demo.lead]]);
  });
});
