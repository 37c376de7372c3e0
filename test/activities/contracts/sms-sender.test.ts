/** What the port promises of SMS, asked of the Twilio adapter and the stand-in for Twilio as the process that `npm start` runs. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTwilioSms } from '../../../activities/adapters/twilio-sms.js';
import { judge } from '../../../activities/failures.js';
import { SendError } from '../../../activities/ports.js';
import type { SmsSender } from '../../../activities/ports.js';
import { silent } from '../../../local/log.js';
import { freePort } from '../../../local/ports.js';
import { createSmsPart } from '../../../local/stack-parts.js';
import type { SmsPart } from '../../../local/stack-parts.js';

const account = { accountSid: `AC${'0123456789abcdef'.repeat(2)}`, authToken: 'token of the tests', from: '+15005550006' };
const to = '+12025550122';

let provider: SmsPart;
let sms: SmsSender;

beforeAll(async () => {
  const path = await mkdtemp(join(tmpdir(), 'usher-sms-'));
  const ports = { sms: await freePort() };
  provider = createSmsPart({ ports, sms: account, path }, silent, () => () => undefined);
  await provider.start();
  return async () => {
    await provider.stop();
    await rm(path, { recursive: true, force: true });
  };
});

beforeEach(async () => {
  sms = createTwilioSms({ ...account, publicUrl: 'http://api.test', apiUrl: provider.url });
  await provider.setFault({ mode: 'ok' });
  await provider.clear();
});

afterEach(() => void vi.unstubAllEnvs());

const never = new AbortController().signal;
const ready = () => Promise.resolve();
const send = (number = to, text = 'Some words. Ref 7K3Q9DAB', signal = never) =>
  sms.send({ to: number, text, reportPath: null }, { signal, beforeWire: ready });

/** How a send failed, and what is made of it once the wire was reached. */
async function failure(sending: Promise<unknown>) {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SendError)) throw new Error(`not a failed send: ${String(error)}`);
  return { error, verdict: judge(error, true) };
}

const taken = async () => (await provider.messages()).map(({ to: number, body }) => [number, body]);

describe('a message', () => {
  test('is handed over once, and the provider’s name for it comes back', async () => {
    const receipt = await send();
    expect(await provider.messages()).toEqual([
      { sid: receipt.providerId, to, from: account.from, body: 'Some words. Ref 7K3Q9DAB', receivedAt: expect.any(String) },
    ]);
    expect(receipt).toEqual({ providerId: expect.stringMatching(/^SM[0-9a-f]{32}$/), text: 'queued' });
  });

  test('passes the point of no return before anything is sent', async () => {
    const before: unknown[] = [];
    await sms.send({ to, text: 'x', reportPath: null }, { signal: never, beforeWire: async () => void before.push(await taken()) });
    expect(before).toEqual([[]]);
  });

  test('is not sent when it may not pass that point', async () => {
    const reason = new Error('somebody else has it');
    const { error } = await failure(
      sms.send({ to, text: 'x', reportPath: null }, { signal: never, beforeWire: () => Promise.reject(reason) }),
    );
    expect(error.cause).toBe(reason);
    expect(await taken()).toEqual([]);
  });

  test('is reported on where there is somebody to report to', async () => {
    const forms: URLSearchParams[] = [];
    const server = createServer((request, response) => {
      void readText(request).then((body) => {
        forms.push(new URLSearchParams(body));
        response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ sid: 'SM1', status: 'queued' }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const asked = createTwilioSms({ ...account, apiUrl, publicUrl: 'https://desk.example/api' });
    for (const reportPath of ['/v1/hooks/twilio/demo.sms', null])
      await asked.send({ to, text: 'x', reportPath }, { signal: never, beforeWire: ready });
    server.close();
    expect(forms.map((form) => form.get('StatusCallback'))).toEqual(['https://desk.example/api/v1/hooks/twilio/demo.sms', null]);
  });

  test('goes where it is told to, whatever Twilio’s own variables say', async () => {
    vi.stubEnv('TWILIO_REGION', 'ie1');
    vi.stubEnv('TWILIO_EDGE', 'dublin');
    await send();
    expect(await taken()).toHaveLength(1);
  });
});

describe('a clear no', () => {
  // Twilio's own test numbers.
  test.each([
    ['12', 'http_400_21211'],
    ['+15005550001', 'http_400_21211'],
    ['+15005550004', 'http_400_21610'],
    ['+15005550009', 'http_400_21614'],
  ])('F25 to %s is final: %s', async (number, code) => {
    const { verdict } = await failure(send(number));
    expect(verdict).toMatchObject({ kind: 'failed', code, badAddress: false });
    expect(await taken()).toEqual([]);
  });

  test('so is one to our login', async () => {
    const stranger = createTwilioSms({ ...account, publicUrl: 'http://api.test', authToken: 'another', apiUrl: provider.url });
    const { verdict } = await failure(stranger.send({ to, text: 'x', reportPath: null }, { signal: never, beforeWire: ready }));
    expect(verdict).toMatchObject({ kind: 'failed', code: 'http_401_20003' });
  });

  test('F25 to our haste is not, and says how long to wait; nothing is tried again behind our back', async () => {
    await provider.setFault({ mode: 'throttle', times: 1, delayMs: 7_000 });
    const { verdict } = await failure(send());
    expect(verdict).toMatchObject({ kind: 'retry', code: 'http_429_20429', retryAfterMs: 7_000 });
    expect(await taken()).toEqual([]);
    await send();
    expect(await taken()).toHaveLength(1);
  });
});

describe('no clear answer', () => {
  test.each([
    ['error_before', 0],
    ['error_after', 1],
    ['reset_before', 0],
    ['reset_after', 1],
  ] as const)('F25 %s leaves it unknown', async (mode, sent) => {
    await provider.setFault({ mode });
    const { verdict } = await failure(send());
    expect(verdict).toMatchObject({ kind: 'unknown', code: 'no_reply' });
    expect(await taken()).toHaveLength(sent);
  });

  test('F25 silence ends with the attempt, as unknown', async () => {
    await provider.setFault({ mode: 'execute_then_timeout' });
    const attempt = new AbortController();
    const sending = failure(send(to, 'x', attempt.signal));
    await expect.poll(taken).toHaveLength(1);
    attempt.abort();
    expect((await sending).verdict).toMatchObject({ kind: 'unknown', code: 'no_reply' });
  });

  test('a provider that cannot be reached was certainly not asked', async () => {
    const nowhere = createTwilioSms({ ...account, publicUrl: 'http://api.test', apiUrl: 'http://127.0.0.1:1' });
    const { verdict } = await failure(nowhere.send({ to, text: 'x', reportPath: null }, { signal: never, beforeWire: ready }));
    expect(verdict).toMatchObject({ kind: 'retry', code: 'not_sent' });
  });
});

describe('what the provider has', () => {
  test('is found by number and reference, also after a restart', async () => {
    const { providerId } = await send(to, 'First. Ref AAAAAAAA');
    await send(to, 'Second. Ref BBBBBBBB');
    await provider.restart();
    expect(await sms.find(to, 'Ref AAAAAAAA', never)).toBe(providerId);
    expect(await sms.find(to, 'Ref CCCCCCCC', never)).toBeNull();
    expect(await sms.find('+12025550123', 'Ref AAAAAAAA', never)).toBeNull();
  });

  test('is not known when it cannot be asked', async () => {
    await provider.setFault({ mode: 'list_error' });
    await failure(sms.find(to, 'Ref AAAAAAAA', never));
  });
});
