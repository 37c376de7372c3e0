/** Vectors typed out from api-surfaces.md, section 2, and from Standard Webhooks 1.0.0. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { asTenantId } from '../../../domain/ids.js';
import { secretOwner, secretPrefix, signedText, webhookHeaders } from '../../../domain/webhook/signature.js';

const macOf = (secret: string, text: string): string =>
  createHmac('sha256', Buffer.from(secret.slice(secretPrefix.length), 'base64'))
    .update(text)
    .digest('base64');

test.each([
  [
    'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX',
    'evt_0001',
    1_767_225_600,
    '{"type":"ticket.created"}',
    'v1,UHWAaoeXIKeBrsR0aZ2cHaD+OZ46vQ+b5X8S/DDZn/E=',
  ],
  [
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330,
    '{"test": 2432232314}',
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  ],
])('a secret, an id, an instant and a body make one signature', (secret, id, at, body, signature) => {
  expect(webhookHeaders(id, at, [macOf(secret, signedText(id, at, body))])).toEqual({
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': signature,
  });
});

test('two secrets sign while one takes the place of the other', () => {
  expect(webhookHeaders('e', 1, ['new', 'old'])['webhook-signature']).toBe('v1,new v1,old');
});

test('a secret is of one endpoint of one tenant', () => {
  const tenant = asTenantId('018f3b1e-0000-7000-8000-000000000001');
  expect(secretOwner(tenant, 'a')).not.toBe(secretOwner(tenant, 'b'));
  expect(secretOwner(tenant, 'a')).not.toBe(secretOwner(asTenantId('018f3b1e-0000-7000-8000-000000000002'), 'a'));
});
