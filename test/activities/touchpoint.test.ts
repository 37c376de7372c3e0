/** Messages of journeys to their subjects: each at most once, whatever happens on the way. */
import { MockActivityEnvironment } from '@temporalio/testing';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createSmtpEmail } from '../../activities/adapters/smtp-email.js';
import type { TouchpointRequest } from '../../activities/contract.js';
import type { EmailSender } from '../../activities/ports.js';
import { createTouchpoints } from '../../activities/touchpoint.js';
import { withTenant } from '../../db/client.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { startSmtpStandIn } from './smtp-stand-in.js';
import type { SmtpStandIn } from './smtp-stand-in.js';

const { tenant } = demo;

let database: TestDatabase;
let server: SmtpStandIn;
let now = Date.UTC(2026, 0, 15, 12);
let made = 0;

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
});
beforeEach(async () => {
  now += 30 * 86_400_000;
  server = await startSmtpStandIn();
  return () => server[Symbol.asyncDispose]();
});
afterAll(() => database[Symbol.asyncDispose]());

const aRequest = (fields: Partial<TouchpointRequest> = {}): TouchpointRequest => ({
  journey: {
    tenant,
    journeyId: `JRN-${String((made += 1)).padStart(16, '0')}`,
    template: { key: 'sample', version: 1, hash: '0'.repeat(64) },
    subject: { type: 'customer', id: demo.customers[0] },
  },
  effect: 'welcome.1/touchpoint.1',
  step: 'welcome',
  visit: 1,
  channel: 'email',
  template: 'onboarding.welcome',
  notBefore: null,
  cap: null,
  ...fields,
});

const deliver = (request: TouchpointRequest, email: EmailSender = createSmtpEmail({ url: server.url })) =>
  new MockActivityEnvironment().run(
    createTouchpoints({ db: database.db, email, mailDomain: 'desk.example', now: () => now }).deliverTouchpoint,
    request,
  );

const row = (request: TouchpointRequest) =>
  withTenant(database.db, tenant, (tx) =>
    tx
      .selectFrom('journeyAction')
      .select(['state', 'error', 'attempts', 'recipient', 'dedupeKey'])
      .where('journeyId', '=', request.journey.journeyId)
      .executeTakeFirst(),
  );

test('goes to the customer’s address, as a machine’s mail, and again nowhere', async () => {
  const request = aRequest();
  expect(await deliver(request)).toEqual({ outcome: 'sent' });
  expect(await deliver(request)).toEqual({ outcome: 'sent' });
  expect(server.caught).toHaveLength(1);
  const [mail] = server.caught;
  const parsed = await PostalMime.parse(mail?.raw ?? '');
  expect(parsed).toMatchObject({
    subject: 'Welcome to Demo product',
    to: [{ address: 'customer1@example.com' }],
    from: { address: 'support+demo@desk.example' },
  });
  expect(parsed.headers.find(({ key }) => key === 'auto-submitted')?.value).toBe('auto-generated');
  expect(await row(request)).toMatchObject({
    state: 'done',
    attempts: 1,
    recipient: `customer:${demo.customers[0]}`,
    dedupeKey: expect.stringMatching(/^journey\/JRN-\d{16}\/welcome\/1\//),
  });
});

test('whoever has had enough gets no more, and is told of no failure', async () => {
  const cap = { count: 1, per: 'week' } as const;
  expect(await deliver(aRequest({ cap }))).toEqual({ outcome: 'sent' });
  const second = aRequest({ cap });
  expect(await deliver(second)).toEqual({ outcome: 'capped' });
  expect(await deliver(second)).toEqual({ outcome: 'capped' });
  now += 8 * 86_400_000;
  expect(await deliver(aRequest({ cap }))).toEqual({ outcome: 'sent' });
  expect(server.caught).toHaveLength(2);
});

test.each([
  ['a channel nobody speaks', { channel: 'pigeon' }, 'unknown_channel'],
  ['a template nobody has written', { template: 'nothing' }, 'unknown_template'],
])('%s fails, and is kept as that', async (_, fields, error) => {
  const request = aRequest(fields);
  expect(await deliver(request)).toEqual({ outcome: 'failed' });
  expect(await row(request)).toMatchObject({ state: 'failed', error });
});

test('a subject without an address fails', async () => {
  const base = aRequest();
  const request = { ...base, journey: { ...base.journey, subject: { type: 'lead', id: 'lead-1' } } };
  expect(await deliver(request)).toEqual({ outcome: 'failed' });
  expect(await row(request)).toMatchObject({ state: 'failed', error: 'no_address' });
});

test('a busy server is tried again; a clear no is not', async () => {
  const request = aRequest();
  server.set('busy_at_recipient');
  await expect(deliver(request)).rejects.toMatchObject({ type: 'touchpoint.retry', nonRetryable: false });
  expect(await row(request)).toMatchObject({ state: 'planned' });
  server.set('ok');
  expect(await deliver(request)).toEqual({ outcome: 'sent' });
  server.set('refused_at_recipient');
  expect(await deliver(aRequest())).toEqual({ outcome: 'failed' });
});

test('no answer after the last dot: nobody knows, and it is never sent a second time', async () => {
  const request = aRequest();
  server.set('reset_after_dot');
  expect(await deliver(request)).toEqual({ outcome: 'failed' });
  expect(await row(request)).toMatchObject({ state: 'unknown' });
  server.set('ok');
  expect(await deliver(request)).toEqual({ outcome: 'failed' });
  expect(server.caught.length).toBeLessThanOrEqual(1);
});

test('a worker that died on the wire leaves a message nobody sends again; one that died before leaves it to the next', async () => {
  const died = aRequest();
  const dies: EmailSender = {
    send: async (_mail, { beforeWire }) => {
      await beforeWire();
      throw new Error('killed'); // its end is never recorded
    },
  };
  const before = aRequest();
  const early: EmailSender = { send: () => Promise.reject(new Error('killed')) };
  await expect(deliver(before, early)).rejects.toMatchObject({ type: 'touchpoint.retry' });
  expect(await deliver(before)).toEqual({ outcome: 'sent' });
  expect(await deliver(died, dies)).toEqual({ outcome: 'failed' });
  expect(await row(died)).toMatchObject({ state: 'unknown' });
  expect(await deliver(died)).toEqual({ outcome: 'failed' });
  expect(server.caught).toHaveLength(1);
});
