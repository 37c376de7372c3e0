/** What Twilio reports of an SMS it took. Source: api-surfaces.md, section 3; security.md, T14. */
import { validateRequest } from 'twilio/lib/webhooks/webhooks.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { GivenCallback } from './callback.js';
import { refused } from './known.js';
import type { CallbackReceipt } from './schema.js';
import { withTenant } from '../../db/client.js';
import { storeReport } from '../../db/queries/hook-receipts.js';

export type ReportService = ReturnType<typeof createReportService>;

export function createReportService({ db, publicUrl, now }: Pick<Deps, 'db' | 'publicUrl' | 'now'>) {
  return {
    /**
     * Keeps a report; what is known of the message only moves forward.
     *
     * @param pathAndQuery as Twilio was given it: with our public address before it, it is part of what is signed
     * @throws Refusal `signature_invalid`, `invalid_request`
     */
    async take({ hook, header, bytes, requestId }: GivenCallback, pathAndQuery: string): Promise<CallbackReceipt> {
      const signature = header('x-twilio-signature');
      const form = formOf(bytes);
      // Every secret is tried, so that time does not tell which one it was.
      const verdicts = hook.secrets.map(
        (token) => signature !== null && validateRequest(token.toString(), signature, publicUrl + pathAndQuery, form),
      );
      if (!verdicts.includes(true)) throw new Refusal('signature_invalid');
      const { MessageSid: sid, MessageStatus: status, ErrorCode: code } = form;
      if (typeof sid !== 'string' || !/^[A-Z]{2}[0-9a-f]{32}$/.test(sid)) throw refused('/MessageSid', 'must be the SID of a message');
      if (typeof status !== 'string' || !/^[a-z_-]{1,32}$/.test(status)) throw refused('/MessageStatus', 'must be a status of a message');
      const by = { tenant: hook.tenant, actor: `system/hook-${hook.name}`, source: 'api', requestId } as const;
      const report = { status, code: typeof code === 'string' && /^[0-9]{1,6}$/.test(code) ? `twilio_${code}` : null };
      const isNew = await withTenant(db, hook.tenant, (tx) => storeReport(tx, by, sid, report, now()));
      return { result: isNew ? 'accepted' : 'duplicate' };
    },
  };
}

/** As the package wants it: a list where a name stands more than once. */
function formOf(bytes: Uint8Array): Record<string, string | string[]> {
  const given = new URLSearchParams(Buffer.from(bytes).toString());
  return Object.fromEntries(
    [...new Set(given.keys())].map((name) => {
      const [first = '', ...more] = given.getAll(name);
      return [name, more.length === 0 ? first : [first, ...more]];
    }),
  );
}
