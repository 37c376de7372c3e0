/** Attempts at a real receiver: what it gets, what each of its answers leads to, and where nothing is sent at all. Source: api-surfaces.md, section 2; security.md, T13. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import PostalMime from 'postal-mime';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHttpWebhooks } from '../../activities/adapters/http-webhook.js';
import { createSmtpEmail } from '../../activities/adapters/smtp-email.js';
import type { WebhookActivities } from '../../activities/contract.js';
import { createWebhooks } from '../../activities/webhook.js';
import type { WebhookSender } from '../../activities/webhook.js';
import { listAttempts } from '../../db/queries/webhook-deliveries.js';
import type { AttemptRecord } from '../../db/queries/webhook-deliveries.js';
import { disableEndpoint, findEndpoint, replaceSecret } from '../../db/queries/webhook-endpoints.js';
import type { EndpointRecord } from '../../db/queries/webhook-endpoints.js';
import { createSecretBox } from '../../db/secret-box.js';
import type { DueDelivery } from '../../db/queries/webhook-relay.js';
import { secretOwner } from '../../domain/webhook/signature.js';
import { answering, startReceiver } from '../support/webhook-receiver.js';
import type { WebhookReceiver } from '../support/webhook-receiver.js';
import { tenant } from './desk.js';
import { startSmtpStandIn } from './smtp-stand-in.js';
import type { SmtpStandIn } from './smtp-stand-in.js';
import { box, openWebhookStage, secret } from './webhook-stage.js';
import type { WebhookStage } from './webhook-stage.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const shown = `whsec_${secret.toString('base64')}`;
const newSecret = Buffer.from('another one of 32 bytes as well!');

let stage: WebhookStage;
let receiver: WebhookReceiver;
let smtp: SmtpStandIn;
let now: number;
let outcomes: string[];

beforeAll(async () => {
  stage = await openWebhookStage();
  return () => stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  now = Date.now();
  outcomes = [];
  receiver = await startReceiver(() => [shown, `whsec_${newSecret.toString('base64')}`]);
  smtp = await startSmtpStandIn();
  return async () => {
    await receiver[Symbol.asyncDispose]();
    await smtp[Symbol.asyncDispose]();
  };
});

const activities = (
  webhooks: WebhookSender = createHttpWebhooks({ privateTargets: true, patienceMs: 20_000 }),
  secrets = box,
): WebhookActivities =>
  createWebhooks({
    db: stage.desk.database.db,
    webhooks,
    secrets,
    email: createSmtpEmail({ url: smtp.url }),
    mailDomain: 'desk.example',
    newId: randomUUID,
    chance: () => 0.5,
    now: () => now,
    onWebhook: (outcome) => void outcomes.push(outcome),
    onWebhookDisabled: () => undefined,
  });

/** Gives up soon, for answers that do not come. */
const impatient = () => activities(createHttpWebhooks({ privateTargets: true, patienceMs: 1_000 }));

/** An event on its way to an endpoint of its own. */
async function aDelivery({
  subject = randomUUID(),
  url = receiver.url,
}: { readonly subject?: string; readonly url?: string } = {}): Promise<DueDelivery> {
  const endpoint = await stage.endpoint({ url });
  await stage.event(subject);
  await stage.bring();
  const due = (await stage.due()).find((one) => one.endpoint === endpoint);
  if (due === undefined) throw new Error('its turn has come');
  // The clock of the database goes on while a test is slow.
  now = Math.max(now, Date.now());
  return due;
}

/** @returns the answer, or after which time another attempt is due, and why */
async function attempt(due: DueDelivery, use = activities()): Promise<unknown> {
  const { id: delivery, endpoint, round } = due;
  try {
    return await new MockActivityEnvironment().run(use.attemptWebhook, { tenant, endpoint, delivery, round });
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || error.nonRetryable === true) throw error;
    return { afterMs: error.nextRetryDelay, why: error.message };
  }
}

const log = (due: DueDelivery): Promise<readonly AttemptRecord[]> => stage.desk.see((tx) => listAttempts(tx, tenant, due.id));
const state = async (due: DueDelivery): Promise<string | undefined> =>
  (await stage.deliveries(due.endpoint)).find(({ id }) => id === due.id)?.state;
const endpointOf = async (due: DueDelivery): Promise<EndpointRecord> => {
  const found = await stage.desk.see((tx) => findEndpoint(tx, tenant, due.endpoint));
  if (found === undefined) throw new Error('the endpoint is there');
  return found;
};

describe('what a receiver gets', () => {
  test('one signed request with the event, of which the same bytes are signed', async () => {
    const due = await aDelivery();
    expect(await attempt(due)).toEqual({ state: 'succeeded', disabled: false });
    const [one, ...others] = receiver.received;
    expect(others).toEqual([]);
    expect(one).toMatchObject({ id: due.event, signedBy: [shown], path: '/hooks', timestampS: Math.floor(now / second) });
    expect(JSON.parse(one?.body ?? '')).toMatchObject({
      id: due.event,
      type: due.type,
      subject: due.subject,
      seq: 1,
      tenant,
      product: null,
    });
    expect(await log(due)).toMatchObject([{ n: 1, outcome: 'succeeded', status: 204, code: 'http_204', answer: '' }]);
    expect(outcomes).toEqual(['succeeded']);
  });

  test('both secrets sign until the overlap is over, then the new one alone', async () => {
    const due = await aDelivery();
    const sealed = box.seal(secretOwner(tenant, due.endpoint), newSecret);
    await stage.desk.see((tx) => replaceSecret(tx, tenant, due.endpoint, sealed, new Date(now + hour)));
    receiver.behave = answering(500);
    await attempt(due);
    now += 2 * hour;
    await attempt(due);
    expect(receiver.received.map(({ signedBy }) => signedBy.length)).toEqual([2, 1]);
    expect(receiver.received[1]?.signedBy).not.toEqual([shown]);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
  });

  test('no text, unless the endpoint asked for it', async () => {
    const [thin, told] = [await stage.endpoint({ url: receiver.url }), await stage.endpoint({ url: receiver.url, includeText: true })];
    const content = await stage.desk.text({ kind: 'opening', subject: 'It does not start', body: 'Since this “morning”.' });
    await stage.desk.open({ content });
    await stage.bring();
    const bodies = new Map<string, unknown>();
    for (const one of (await stage.due()).filter(({ endpoint, type }) => [thin, told].includes(endpoint) && type === 'ticket.created')) {
      await attempt(one);
      bodies.set(one.endpoint, JSON.parse(receiver.received.at(-1)?.body ?? ''));
    }
    expect(bodies.get(thin)).toMatchObject({ content, product: 'demo' });
    expect(JSON.stringify(bodies.get(thin))).not.toMatch(/start|morning/);
    expect(bodies.get(told)).toMatchObject({ text: { subject: 'It does not start', body: 'Since this “morning”.', truncated: false } });
  });
});

describe('what its answers lead to', () => {
  test('a failure: the next attempt after the schedule’s pause', async () => {
    const due = await aDelivery();
    receiver.behave = answering(500, {}, `no\u0000 ${'é'.repeat(4_000)}`);
    const pauses: unknown[] = [];
    for (let n = 0; n < 3; n += 1) {
      const failed = (await attempt(due)) as { afterMs: number };
      pauses.push(failed.afterMs);
      now += failed.afterMs;
    }
    expect(pauses).toEqual([5 * second, 5 * minute, 30 * minute]);
    receiver.behave = answering(200);
    expect(await attempt(due)).toEqual({ state: 'succeeded', disabled: false });
    const attempts = await log(due);
    expect(attempts.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['failed', 500],
      ['failed', 500],
      ['failed', 500],
      ['succeeded', 200],
    ]);
    expect(attempts[0]?.answer?.startsWith('no é')).toBe(true);
    expect(Buffer.byteLength(attempts[0]?.answer ?? '')).toBeLessThanOrEqual(1_024);
    expect(receiver.received.map(({ id }) => id)).toEqual(Array(4).fill(due.event));
  });

  test('ten attempts, and no more', async () => {
    const due = await aDelivery();
    receiver.behave = answering(500);
    let waited = 0;
    for (let n = 0; n < 9; n += 1) {
      const { afterMs } = (await attempt(due)) as { afterMs: number };
      waited += afterMs;
      now += afterMs;
    }
    expect(waited).toBe(75 * hour + 35 * minute + 5 * second);
    expect(await attempt(due)).toEqual({ state: 'failed', disabled: true });
    expect(receiver.received).toHaveLength(10);
    expect(await attempt(due)).toEqual({ state: 'failed', disabled: true });
    expect(receiver.received).toHaveLength(10);
  });

  test('who asks for rest gets it', async () => {
    const due = await aDelivery();
    receiver.behave = answering(429, { 'retry-after': '3600' });
    expect(await attempt(due)).toMatchObject({ afterMs: hour });
    receiver.behave = answering(503, { 'retry-after': new Date(now + 90 * day).toUTCString() });
    now += hour;
    expect(await attempt(due)).toMatchObject({ afterMs: day });
  });

  test('a redirect is a failure, and is not followed', async () => {
    const due = await aDelivery();
    receiver.behave = answering(302, { location: `${receiver.url}/elsewhere` });
    expect(await attempt(due)).toMatchObject({ why: 'webhook.retry: http_302' });
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hooks']);
  });

  test('an answer that does not come is a failure', async () => {
    const due = await aDelivery();
    receiver.behave = () => undefined;
    expect(await attempt(due, impatient())).toMatchObject({ why: 'webhook.retry: timeout' });
    expect(await log(due)).toMatchObject([{ outcome: 'failed', code: 'timeout', status: null, answer: null }]);
  });

  test('an answer that never ends is no longer read than it has to be', async () => {
    const due = await aDelivery();
    receiver.behave = (response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
        response.once('drain', pour);
      };
      pour();
    };
    expect(await attempt(due)).toEqual({ state: 'succeeded', disabled: false });
    const drip = await aDelivery();
    receiver.behave = (response) => void response.writeHead(200).write('a beginning');
    expect(await attempt(drip, impatient())).toEqual({ state: 'succeeded', disabled: false });
    expect(await log(drip)).toMatchObject([{ status: 200, answer: 'a beginning' }]);
  });

  test('one that dies is found when it is back', async () => {
    const due = await aDelivery();
    await receiver.stop();
    expect(await attempt(due)).toMatchObject({ why: 'webhook.retry: connection', afterMs: 5 * second });
    await receiver.start();
    receiver.behave = (response) => void response.destroy();
    now += 5 * second;
    expect(await attempt(due)).toMatchObject({ why: 'webhook.retry: connection', afterMs: 5 * minute });
    receiver.behave = answering(200);
    now += 5 * minute;
    expect(await attempt(due)).toMatchObject({ state: 'succeeded' });
    expect(await endpointOf(due)).toMatchObject({ failures: 0 });
  });

  test('a secret that cannot be read any more sends nothing, and says so', async () => {
    const due = await aDelivery();
    const other = activities(undefined, createSecretBox('k9:another key'));
    expect(await attempt(due, other)).toMatchObject({ why: 'webhook.retry: secret_unreadable' });
    expect(receiver.received).toEqual([]);
  });
});

const events = (due: DueDelivery) =>
  stage.desk.see((tx) =>
    tx.selectFrom('event').select(['type', 'actor', 'data']).where('subject', '=', `webhook_endpoint/${due.endpoint}`).execute(),
  );

describe('an endpoint is disabled', () => {
  test('at once by 410: event, mail to the owner once, and nothing more is sent', async () => {
    const due = await aDelivery({ subject: 'left' });
    await stage.event('left');
    await stage.bring();
    receiver.behave = answering(410);
    expect(await attempt(due)).toEqual({ state: 'failed', disabled: true });
    expect(await endpointOf(due)).toMatchObject({ state: 'disabled', cause: 'gone' });
    expect(await events(due)).toEqual([{ type: 'webhook_endpoint.disabled', actor: 'system/webhooks', data: { cause: 'gone' } }]);
    expect((await stage.deliveries(due.endpoint)).map((one) => [one.state, one.reason])).toEqual([
      ['failed', null],
      ['dropped', 'disabled'],
    ]);
    const tell = () => new MockActivityEnvironment().run(activities().tellOwner, { tenant, endpoint: due.endpoint });
    await tell();
    await tell();
    expect(smtp.caught).toHaveLength(1);
    const mail = await PostalMime.parse(smtp.caught[0]?.raw ?? '');
    expect(mail.to?.[0]?.address).toBe('lead@usher.localhost');
    expect(mail.subject).toContain('disabled');
    expect(mail.text).toContain(due.endpoint);
  });

  test('not while anything has arrived within three days', async () => {
    const due = await aDelivery();
    await stage.desk.see((tx) => sql`update webhook_delivery set failed = 9 where id = ${due.id}`.execute(tx));
    await stage.desk.see((tx) => sql`update webhook_endpoint set succeeded_at = now() where id = ${due.endpoint}`.execute(tx));
    receiver.behave = answering(500);
    now += 2 * day;
    expect(await attempt(due)).toEqual({ state: 'failed', disabled: false });
    expect(await endpointOf(due)).toMatchObject({ state: 'active' });
  });

  test('a mail nobody knows of is sent once more, marked', async () => {
    const due = await aDelivery();
    await stage.desk.see((tx) => disableEndpoint(tx, tenant, due.endpoint, 'failing', new Date(now)));
    const lost: Parameters<typeof createWebhooks>[0]['email'] = {
      send: async (mail, options) => {
        await createSmtpEmail({ url: smtp.url }).send(mail, options);
        throw new Error('the answer is lost');
      },
    };
    const tell = (email = lost) =>
      new MockActivityEnvironment().run(
        createWebhooks({
          db: stage.desk.database.db,
          webhooks: createHttpWebhooks({ privateTargets: true }),
          secrets: box,
          email,
          mailDomain: 'desk.example',
          newId: randomUUID,
          chance: () => 0.5,
          now: () => now,
          onWebhook: () => undefined,
          onWebhookDisabled: () => undefined,
        }).tellOwner,
        { tenant, endpoint: due.endpoint },
      );
    await expect(tell()).rejects.toMatchObject({ type: 'webhook.owner' });
    await expect(tell()).rejects.toMatchObject({ message: 'webhook.owner: not_yet' });
    now += 31 * second;
    await tell();
    await tell();
    const mails = await Promise.all(smtp.caught.map(({ raw }) => PostalMime.parse(raw)));
    expect(mails).toHaveLength(2);
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
    expect(mails.map(({ headers }) => headers.some(({ key }) => key === 'usher-possible-duplicate'))).toEqual([false, true]);
  });
});

describe('a worker that dies in an attempt', () => {
  test('the event is sent again after its lease, under the same id, and its death costs no attempt', async () => {
    const due = await aDelivery();
    receiver.behave = () => undefined;
    const dying: WebhookSender = {
      send: async (webhook, signal) => {
        await createHttpWebhooks({ privateTargets: true, patienceMs: 1_000 }).send(webhook, signal);
        return new Promise(() => undefined);
      },
    };
    void attempt(due, activities(dying));
    await expect.poll(() => receiver.received.length, { interval: 10 }).toBe(1);
    expect(await attempt(due)).toMatchObject({ why: 'webhook.retry: not_yet' });
    now += 26 * second;
    receiver.behave = answering(500);
    expect(await attempt(due)).toMatchObject({ afterMs: 5 * second });
    expect(receiver.received.map(({ id }) => id)).toEqual([due.event, due.event]);
    expect(await log(due)).toMatchObject([
      { n: 1, outcome: null },
      { n: 2, outcome: 'failed' },
    ]);
  });

  test('who comes back late writes nothing', async () => {
    const due = await aDelivery();
    const gate: { open?: () => void } = {};
    const slow: WebhookSender = {
      send: async () => {
        await new Promise<void>((resolve) => {
          gate.open = resolve;
        });
        return { answer: { kind: 'answered', status: 500, retryAfter: null }, text: '' };
      },
    };
    const late = attempt(due, activities(slow));
    await expect.poll(() => gate.open !== undefined, { interval: 10 }).toBe(true);
    now += 26 * second;
    expect(await attempt(due)).toMatchObject({ state: 'succeeded' });
    gate.open?.();
    expect(await late).toMatchObject({ why: 'webhook.retry: taken_over' });
    expect(await state(due)).toBe('succeeded');
  });
});

const outward = () => activities(createHttpWebhooks({ privateTargets: false, patienceMs: 2_000 }));

describe('T13: where a tenant may not send us', () => {
  test.each([
    'http://hooks.example.com/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://172.16.0.1/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://localhost/',
    'https://hooks.localhost/',
    'https://hooks.example.com:22/',
    'https://user:password@hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
  ])('%s is not gone to, however it came to be stored', async (url) => {
    const due = await aDelivery({ url });
    expect(await attempt(due, outward())).toMatchObject({ why: 'webhook.retry: target_not_allowed' });
    expect(await log(due)).toMatchObject([{ outcome: 'failed', code: 'target_not_allowed', status: null }]);
  });
});
