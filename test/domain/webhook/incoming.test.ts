import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { callbackText, isFresh, readMailgun, readSendGrid, readSigned } from '../../../domain/webhook/incoming.js';

const header =
  (headers: Readonly<Record<string, string>>) =>
  (name: string): string | null =>
    headers[name] ?? null;

const standard = {
  'webhook-id': 'evt_0001',
  'webhook-timestamp': '1767225600',
  'webhook-signature': 'v1,UHWAaoeXIKeBrsR0aZ2cHaD+OZ46vQ+b5X8S/DDZn/E=',
};

test('the vector of api-surfaces.md, read from the other side', () => {
  const signed = readSigned('standard', header(standard));
  if (signed === null) throw new Error('it is signed');
  const secret = Buffer.from('AAECAwQFBgcICQoLDA0ODxAREhMUFRYX', 'base64');
  const mac = createHmac('sha256', secret).update(callbackText(signed, '{"type":"ticket.created"}')).digest('base64');
  expect(signed.signatures).toEqual([mac]);
});

test('of several signatures those of the version we know', () => {
  const [mac] = standard['webhook-signature'].split(',').slice(1);
  const signed = readSigned('standard', header({ ...standard, 'webhook-signature': `v1a,xyz v1,${mac} v2,${mac} v1,short` }));
  expect(signed?.signatures).toEqual([mac]);
});

test.each([
  ['no id', { 'webhook-id': '' }],
  ['an id with a space', { 'webhook-id': 'a b' }],
  ['no instant', { 'webhook-timestamp': '' }],
  ['an instant in words', { 'webhook-timestamp': 'now' }],
  ['an instant below zero', { 'webhook-timestamp': '-5' }],
  ['no signature', { 'webhook-signature': '' }],
  ['a signature of another version', { 'webhook-signature': 'v2,UHWAaoeXIKeBrsR0aZ2cHaD+OZ46vQ+b5X8S/DDZn/E=' }],
])('%s: not signed', (_, changes) => expect(readSigned('standard', header({ ...standard, ...changes }))).toBeNull());

test.each(Object.keys(standard))('without %s: not signed', (name) => {
  const { [name as 'webhook-id']: _left, ...rest } = standard;
  expect(readSigned('standard', header(rest))).toBeNull();
});

const plain = { 'usher-timestamp': '1767225600', 'usher-signature': 'ab'.repeat(32) };

test('headers of our own: the instant and the body are signed', () => {
  const signed = readSigned('crm', header(plain));
  expect(signed).toEqual({ id: null, timestamp: '1767225600', signatures: ['ab'.repeat(32)] });
  expect(signed && callbackText(signed, '{}')).toBe('1767225600.{}');
});

test.each([
  { 'usher-timestamp': '1767225600' },
  { 'usher-signature': 'ab'.repeat(32) },
  { ...plain, 'usher-timestamp': 'x' },
  { ...plain, 'usher-signature': 'AB'.repeat(32) },
  { ...plain, 'usher-signature': 'ab' },
])('%j: not signed', (headers) => expect(readSigned('crm', header(headers as Record<string, string>))).toBeNull());

// T16: 300 s both ways; mail as long as its provider goes on trying, 8 hours and 72.
test.each([
  ['standard', 0, true],
  ['standard', -300, true],
  ['standard', 300, true],
  ['standard', -301, false],
  ['standard', 301, false],
  ['crm', 300, true],
  ['crm', 301, false],
  ['mailgun', 8 * 3_600, true],
  ['mailgun', 9 * 3_600 + 1, false],
  ['mailgun', -300, true],
  ['mailgun', -301, false],
  ['sendgrid', 72 * 3_600, true],
  ['sendgrid', 73 * 3_600 + 1, false],
  ['sendgrid', -301, false],
] as const)('%s, signed %i s ago: fresh %s', (provider, ago, fresh) =>
  expect(isFresh(provider, { timestamp: '1767225600' }, (1_767_225_600 + ago) * 1_000)).toBe(fresh),
);

const mailgun = { timestamp: '1767225600', token: 'a'.repeat(50), signature: 'ab'.repeat(32) };
const sendGrid = {
  'x-twilio-email-event-webhook-timestamp': '1767225600',
  'x-twilio-email-event-webhook-signature': `${'A'.repeat(95)}=`,
};

test('a mail says when it was signed, and how', () => {
  expect(readMailgun(header(mailgun))).toEqual(mailgun);
  expect(readSendGrid(header(sendGrid))).toEqual({ timestamp: '1767225600', signature: `${'A'.repeat(95)}=` });
});

test.each([
  { timestamp: 'now' },
  { timestamp: '1767225600.5' },
  { token: 'short' },
  { token: `${'a'.repeat(49)} ` },
  { token: 'a'.repeat(129) },
  { signature: 'AB'.repeat(32) },
  { signature: 'ab' },
])('Mailgun with %j: not signed', (changes) => expect(readMailgun(header({ ...mailgun, ...changes }))).toBeNull());

test.each([
  { 'x-twilio-email-event-webhook-timestamp': '' },
  { 'x-twilio-email-event-webhook-signature': 'x' },
  { 'x-twilio-email-event-webhook-signature': 'A'.repeat(300) },
])('SendGrid with %j: not signed', (changes) => expect(readSendGrid(header({ ...sendGrid, ...changes }))).toBeNull());
