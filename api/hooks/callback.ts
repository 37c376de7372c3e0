/** Takes a signed callback: verified over the bytes as they came, kept, and answered; a relay does the rest. Source: api-surfaces.md, section 3; reliability.md, R10. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { eventOf } from '../events/service.js';
import { EventBody } from '../events/schema.js';
import { readJson } from '../middleware/body.js';
import { refused, stale } from './known.js';
import type { OpenHook } from './known.js';
import type { CallbackReceipt } from './schema.js';
import { withTenant } from '../../db/client.js';
import { storeInboundEvent } from '../../db/queries/inbound-events.js';
import { isRecord } from '../../domain/fields.js';
import { callbackText, isFresh, readSigned } from '../../domain/webhook/incoming.js';
import type { EventProvider, SignedCallback } from '../../domain/webhook/incoming.js';
import { secretPrefix } from '../../domain/webhook/signature.js';

export type CallbackService = ReturnType<typeof createCallbackService>;

/** A callback as it came, to a hook that is there. */
export interface GivenCallback {
  readonly hook: OpenHook;
  readonly header: (name: string) => string | null;
  readonly bytes: Uint8Array;
  readonly requestId: string;
}

export function createCallbackService({ db, now }: Pick<Deps, 'db' | 'now'>) {
  return {
    /** @throws Refusal `signature_invalid`, `malformed_json`, `too_deep`, `invalid_request` */
    async take(provider: EventProvider, { hook, header, bytes }: GivenCallback): Promise<CallbackReceipt> {
      const signed = readSigned(provider, header);
      // What is not well-formed text was signed by nobody we know.
      const body = Buffer.from(bytes).toString();
      if (signed === null || !isSigned(hook, signed, body)) throw new Refusal('signature_invalid');
      if (!isFresh(provider, signed, now())) throw stale();
      const event = eventOf(eventBody(hook, signed, readJson(bytes)), now(), '');
      const isNew = await withTenant(db, hook.tenant, (tx) => storeInboundEvent(tx, hook.tenant, event, `system/hook-${hook.name}`));
      return { result: isNew ? 'accepted' : 'duplicate' };
    },
  };
}

/** Constant in time; no secret is tried less than another. */
function isSigned({ provider, secrets }: OpenHook, signed: SignedCallback, body: string): boolean {
  const encoding = provider === 'standard' ? 'base64' : 'hex';
  const expected = secrets.map((secret) => createHmac('sha256', keyOf(secret)).update(callbackText(signed, body)).digest());
  const given = signed.signatures.map((signature) => Buffer.from(signature, encoding));
  return expected.some((mac) => given.some((one) => one.length === mac.length && timingSafeEqual(one, mac)));
}

/** A secret in the form of Standard Webhooks holds its bytes in base64, any other is its own text. */
function keyOf(secret: Buffer): Buffer {
  const text = secret.toString();
  return text.startsWith(secretPrefix) ? Buffer.from(text.slice(secretPrefix.length), 'base64') : secret;
}

const kept = ['type', 'subject', 'customerId', 'leadId', 'ticketId', 'journeyId', 'data'] as const;

/** The event a callback is; members that mean nothing to us are left where they are. */
function eventBody({ provider, name }: OpenHook, { id: ofHeader }: SignedCallback, body: unknown): EventBody {
  if (!isRecord(body)) throw refused('', 'must be a JSON object');
  const id = ofHeader ?? body['id'];
  if (typeof id !== 'string' || !/^[!-~]{1,256}$/.test(id)) throw refused('/id', 'must be 1 to 256 visible ASCII characters');
  const time = body['time'] ?? body['timestamp'];
  const parsed = EventBody.safeParse({
    ...Object.fromEntries(kept.flatMap((member) => (body[member] === undefined ? [] : [[member, body[member]]]))),
    id: eventId(`${provider}/${name}/`, id),
    source: `${provider}/${name}`,
    ...(typeof time === 'string' ? { time } : {}),
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(`/${(issue?.path ?? []).join('/')}`, issue?.message ?? 'is not an event');
  }
  return parsed.data;
}

/** Ids of different senders never meet; one that would be too long is told by its hash. */
const eventId = (prefix: string, id: string): string =>
  prefix.length + id.length <= 128 ? prefix + id : prefix + createHash('sha256').update(id).digest('hex');
