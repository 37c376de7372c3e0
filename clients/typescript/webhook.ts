/** Whether a webhook is Usher's: Standard Webhooks, HMAC-SHA256 over id, time and body. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface ReceivedWebhook {
  readonly headers: { readonly id: string; readonly timestamp: string; readonly signature: string };
  /** Exactly the bytes that came. */
  readonly body: string | Uint8Array;
}

/** How much older or newer than now a webhook may say it is, in seconds. */
const toleranceS = 300;

/**
 * @param secret `whsec_…`, as shown when the endpoint was made
 * @param now epoch milliseconds
 */
export function isFromUsher(secret: string, { headers: { id, timestamp, signature }, body }: ReceivedWebhook, now = Date.now()): boolean {
  const at = Number(timestamp);
  if (!Number.isInteger(at) || Math.abs(now / 1_000 - at) > toleranceS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // While a secret is replaced there are two signatures.
  return signature.split(' ').some((one) => {
    const [version, value = ''] = one.split(',');
    const given = Buffer.from(value, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
