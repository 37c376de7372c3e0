/** Connections that are kept between mails: fewer of them, and never a mail twice for it. */
import { beforeEach, expect, test } from 'vitest';
import { createSmtpEmail } from '../../activities/adapters/smtp-email.js';
import type { SmtpEmail } from '../../activities/adapters/smtp-email.js';
import type { OutgoingMail } from '../../activities/ports.js';
import { startSmtpStandIn } from './smtp-stand-in.js';
import type { SmtpStandIn } from './smtp-stand-in.js';

let server: SmtpStandIn;
let email: SmtpEmail;

beforeEach(async () => {
  server = await startSmtpStandIn();
  email = createSmtpEmail({ url: server.url });
  return async () => {
    email.close();
    await server[Symbol.asyncDispose]();
  };
});

const mail = (n: number): OutgoingMail => ({
  from: { name: 'Desk', address: 'desk@desk.test' },
  to: { name: 'Somebody', address: `somebody${n}@elsewhere.test` },
  replyTo: { name: 'Desk', address: 'desk@desk.test' },
  envelopeFrom: null,
  messageId: `<${n}@desk.test>`,
  inReplyTo: null,
  references: [],
  headers: {},
  subject: `Mail ${n}`,
  text: 'Hello.',
  html: null,
  attachments: [],
});
const send = async (n: number, beforeWire = (): Promise<void> => Promise.resolve()): Promise<number> => {
  let passed = 0;
  const hook = async (): Promise<void> => {
    passed += 1;
    await beforeWire();
  };
  await email.send(mail(n), { signal: AbortSignal.timeout(10_000), beforeWire: hook });
  return passed;
};

test('mails one after the other share a connection, and each passes the wire by its own hook', async () => {
  for (let n = 1; n <= 3; n += 1) expect(await send(n)).toBe(1);
  expect(server.connections()).toBe(1);
  expect(server.caught.map(({ to }) => to[0])).toEqual([1, 2, 3].map((n) => `somebody${n}@elsewhere.test`));
});

test('mails at once have a connection each, up to what a server commonly allows', async () => {
  await Promise.all(Array.from({ length: 50 }, (_, n) => send(n)));
  expect(server.caught).toHaveLength(50);
  expect(server.connections()).toBeGreaterThan(1);
  expect(server.connections()).toBeLessThanOrEqual(20);
});

test('a kept connection that the server has closed meanwhile: the mail goes by another one, once', async () => {
  await send(1);
  server.hangUp();
  expect(await send(2)).toBe(1);
  expect(server.caught).toHaveLength(2);
  expect(server.connections()).toBe(2);
});

test('a connection that breaks after the final dot: nothing goes by itself again', async () => {
  await send(1);
  server.set('reset_after_dot');
  let passed = 0;
  await expect(
    send(2, () => {
      passed += 1;
      return Promise.resolve();
    }),
  ).rejects.toThrow();
  expect(passed).toBe(1);
  // The next mail shows that all that was under way has ended.
  server.set('ok');
  await send(3);
  expect(server.caught.filter(({ to }) => to[0] === 'somebody2@elsewhere.test').length).toBeLessThanOrEqual(1);
});

test('what must not be sent after all is not, and its connection is not used again', async () => {
  await send(1);
  await expect(send(2, () => Promise.reject(new Error('acknowledged meanwhile')))).rejects.toThrow('stopped before the wire');
  await send(3);
  expect(server.caught.map(({ to }) => to[0])).toEqual(['somebody1@elsewhere.test', 'somebody3@elsewhere.test']);
});
