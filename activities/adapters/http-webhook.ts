/** Sends webhooks over HTTP, in one attempt, to where tenants may send them. Source: security.md, T13; api-surfaces.md, section 2. */
import { createHmac } from 'node:crypto';
import { signedText, webhookHeaders } from '../../domain/webhook/signature.js';
import type { NoAnswer } from '../../domain/webhook/verdict.js';
import { NotPublic, post } from '../../reach.js';
import type { WebhookSender } from '../webhook.js';

export interface HttpWebhookOptions {
  /** Lets endpoints be anywhere, also in this network and without TLS. */
  readonly privateTargets: boolean;
  /** Milliseconds of one attempt. */
  readonly patienceMs?: number;
}

const patience = 15_000;
const mostBytes = 64 * 1024;

export const createHttpWebhooks = ({ privateTargets, patienceMs = patience }: HttpWebhookOptions): WebhookSender => ({
  async send({ url, id, body, timestampS, secrets }, signal) {
    const macs = secrets.map((secret) =>
      createHmac('sha256', secret)
        .update(signedText(id, timestampS, body))
        .digest('base64'),
    );
    const headers = { ...webhookHeaders(id, timestampS, macs), 'user-agent': 'usher', accept: '*/*' };
    try {
      const { status, retryAfter, text } = await post(url, body, headers, {
        anywhere: privateTargets,
        timeoutMs: patienceMs,
        mostBytes,
        signal,
      });
      return { answer: { kind: 'answered', status, retryAfter }, text };
    } catch (error) {
      return { answer: { kind: 'lost', reason: reasonOf(error) }, text: null };
    }
  },
});

function reasonOf(error: unknown): NoAnswer {
  if (error instanceof NotPublic) return 'target_not_allowed';
  if (!(error instanceof Error)) return 'connection';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (error.name === 'AbortError' || error.name === 'TimeoutError' || code === 'ABORT_ERR') return 'timeout';
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME'].includes(code)) return 'name';
  return /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test(code) ? 'tls' : 'connection';
}
