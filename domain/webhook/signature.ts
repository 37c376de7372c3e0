/** What a webhook is signed over, and how the signatures are written. Source: Standard Webhooks 1.0.0; api-surfaces.md, section 2. */
import type { TenantId } from '../ids.js';

/** Bytes of a secret. */
export const secretBytes = 32;
export const secretPrefix = 'whsec_';

/** Whose a sealed secret is: it opens for no other. */
export const secretOwner = (tenant: TenantId, endpoint: string): string => `${tenant}/webhook_endpoint/${endpoint}`;

/** The text of which each signature is the HMAC-SHA256; the body is the very text that is sent. */
export const signedText = (id: string, timestampS: number, body: string): string => `${id}.${timestampS}.${body}`;

/**
 * The headers that make a request a webhook.
 *
 * @param macs in base64, one for each secret that counts
 */
export const webhookHeaders = (id: string, timestampS: number, macs: readonly string[]): Readonly<Record<string, string>> => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestampS),
  'webhook-signature': macs.map((mac) => `v1,${mac}`).join(' '),
});
