/** Mail that Mailgun or SendGrid brings as it came. Source: api-surfaces.md, section 3; security.md, T15. */
import { createHash, createHmac, createPublicKey, createVerify, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { InboundService } from '../inbound/service.js';
import type { GivenCallback } from './callback.js';
import { readForm } from './form.js';
import { refused, stale } from './known.js';
import type { CallbackReceipt } from './schema.js';
import { withTenant } from '../../db/client.js';
import { noteReceipt } from '../../db/queries/hook-receipts.js';
import { isFresh, readMailgun, readSendGrid } from '../../domain/webhook/incoming.js';

export type MailService = ReturnType<typeof createMailService>;

export function createMailService({ db, now }: Pick<Deps, 'db' | 'now'>, { keep }: Pick<InboundService, 'keep'>) {
  /** @param id of what was signed: it brings one mail, once, however long ago it was signed and whatever became of the mail since */
  const store = async ({ hook, requestId }: GivenCallback, id: string, mail: readonly Buffer[]): Promise<CallbackReceipt> => {
    const { tenant, provider, name } = hook;
    const { result } = await keep(
      {
        by: { tenant, actor: `system/hook-${name}`, source: 'mail', requestId },
        within: (work) => withTenant(db, tenant, work),
        isNew: (tx) => noteReceipt(tx, tenant, { provider, id }),
      },
      streamed(mail),
    );
    return { result };
  };

  return {
    /** @throws Refusal `signature_invalid`, `media_type`, `invalid_request` */
    async takeMailgun(given: GivenCallback): Promise<CallbackReceipt> {
      const { hook, header, bytes } = given;
      const field = readForm(header('content-type'), bytes);
      const signed = readMailgun((name) => field(name)?.toString() ?? null);
      if (signed === null) throw new Refusal('signature_invalid');
      const signature = Buffer.from(signed.signature, 'hex');
      const verdicts = hook.secrets.map((key) =>
        timingSafeEqual(createHmac('sha256', key).update(signed.timestamp).update(signed.token).digest(), signature),
      );
      if (!verdicts.includes(true)) throw new Refusal('signature_invalid');
      if (!isFresh('mailgun', signed, now())) throw stale();
      const mail = field('body-mime');
      if (mail === null) throw refused('/body-mime', 'must hold the raw mail; Mailgun sends it to addresses that end with mime');
      return store(given, signed.token, [trace(field('sender')?.toString(), [field('recipient')?.toString()]), mail]);
    },

    /** @throws Refusal `signature_invalid`, `media_type`, `invalid_request` */
    async takeSendGrid(given: GivenCallback): Promise<CallbackReceipt> {
      const { hook, header, bytes } = given;
      const signed = readSendGrid(header);
      if (signed === null) throw new Refusal('signature_invalid');
      const verdicts = hook.secrets.map((key) =>
        createVerify('sha256').update(signed.timestamp).update(bytes).verify(publicKeyOf(key.toString()), signed.signature, 'base64'),
      );
      if (!verdicts.includes(true)) throw new Refusal('signature_invalid');
      if (!isFresh('sendgrid', signed, now())) throw stale();
      const field = readForm(header('content-type'), bytes);
      const mail = field('email');
      if (mail === null) throw refused('/email', 'must hold the raw mail: switch on “POST the raw, full MIME message”');
      const { from, to } = envelopeOf(field('envelope')?.toString() ?? '');
      // Of one text there are several signatures, and who sees one can make another.
      const id = createHash('sha256').update(signed.timestamp).update(bytes).digest('hex');
      return store(given, id, [trace(from, to), mail]);
    },
  };
}

/**
 * SendGrid's key as it shows it: a public key on P-256, in base64.
 *
 * @throws Error when it is none
 */
export function publicKeyOf(text: string): KeyObject {
  const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not a key on P-256');
  return key;
}

async function* streamed(pieces: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

const isAddress = (value: unknown): value is string => typeof value === 'string' && /^[!-;=?-~]{1,320}$/.test(value);

/** What a mail server notes at delivery, before all that the mail says of itself. */
function trace(from: unknown, to: readonly unknown[]): Buffer {
  const lines = to.filter(isAddress).map((address) => `Delivered-To: ${address}\r\n`);
  if (from === '' || isAddress(from)) lines.unshift(`Return-Path: <${from}>\r\n`);
  return Buffer.from(lines.join(''));
}

/** As SendGrid writes it; what is none says nothing. */
function envelopeOf(text: string): { readonly from: unknown; readonly to: readonly unknown[] } {
  try {
    const { from, to }: { from?: unknown; to?: unknown } = Object(JSON.parse(text));
    return { from, to: Array.isArray(to) ? to.slice(0, 50) : [] };
  } catch {
    return { from: undefined, to: [] };
  }
}
