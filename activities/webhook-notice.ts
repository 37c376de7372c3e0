/** Tells the owner of an endpoint by mail that it was disabled. Lost is worse than double: one more mail, where nobody knows of the first. Source: reliability.md, R3. */
import { cancellationSignal, log } from '@temporalio/activity';
import { v5 as uuidFrom } from 'uuid';
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { findOwnerNotice, markTold } from '../db/queries/webhook-notice.js';
import type { OwnerNotice } from '../db/queries/webhook-notice.js';
import { oneLine, parseAddress } from '../domain/messaging/headers.js';
import { second, toIso } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { disabledSubject, disabledText } from '../domain/webhook/notice.js';
import type { WebhookActivities } from './contract.js';
import { judge, LeaseLost, tryAgain, withoutText } from './failures.js';
import type { EmailSender, OutgoingMail } from './ports.js';

export interface OwnerNoticeDeps {
  readonly db: Db;
  readonly email: EmailSender;
  readonly mailDomain: string;
  readonly now: () => Instant;
}

/** A send ends within this time, before the activity does: 25 s. */
const callLimit = 20 * second;
/** After that, whoever had the mail has it no more. */
const wiredFor = 30 * second;

export function createOwnerNotice({ db, email, mailDomain, now }: OwnerNoticeDeps): WebhookActivities['tellOwner'] {
  return async ({ tenant, endpoint }) => {
    const mark = (from: Parameters<typeof markTold>[3]['from'], to: Parameters<typeof markTold>[3]['to']): Promise<boolean> =>
      withTenant(db, tenant, (tx) => markTold(tx, tenant, endpoint, { from, to }, now()));

    await withoutText('webhook.owner', async () => {
      const notice = await withTenant(db, tenant, (tx) => findOwnerNotice(tx, tenant, endpoint));
      if (notice === null) return;
      const [before, wired] = notice.repeats ? (['wired', 'repeated'] as const) : (['planned', 'wired'] as const);
      const wait = notice.repeats && notice.wiredAt !== null ? notice.wiredAt + wiredFor - now() : 0;
      if (wait > 0) throw tryAgain('webhook.owner', ['not_yet'], wait);
      const mail = mailTo(notice, endpoint, mailDomain);
      if (mail === null) {
        log.warn('nobody could be told that a webhook endpoint was disabled', { endpoint });
        await mark(before, 'failed');
        return;
      }
      const signal = AbortSignal.any([cancellationSignal(), AbortSignal.timeout(callLimit)]);
      let isWired = false;
      const beforeWire = async (): Promise<void> => {
        if (!(await mark(before, wired))) throw new LeaseLost('another attempt has this mail');
        signal.throwIfAborted();
        isWired = true;
      };
      try {
        await email.send(mail, { signal, beforeWire });
      } catch (error) {
        if (error instanceof Error && error.cause instanceof LeaseLost) return;
        const { kind, code } = judge(error, isWired);
        const present = isWired ? wired : before;
        if (kind === 'failed') return void (await mark(present, notice.repeats ? 'unknown' : 'failed'));
        if (kind === 'unknown' && notice.repeats) return void (await mark(present, 'unknown'));
        if (kind === 'retry') await mark(present, before);
        throw tryAgain('webhook.owner', [code], kind === 'unknown' ? wiredFor : undefined);
      }
      await mark(wired, 'sent');
    });
  };
}

/** @returns null when nobody has a usable address */
function mailTo(notice: OwnerNotice, endpoint: string, domain: string): OutgoingMail | null {
  const { recipient, disabledAt, repeats } = notice;
  const address = recipient === null ? null : parseAddress(recipient.email);
  if (recipient === null || address === null) return null;
  const words = { ...notice, id: endpoint };
  const usher = { name: 'Usher', address: `usher@${domain}` };
  return {
    from: usher,
    to: { name: oneLine(recipient.name, 100), address },
    replyTo: usher,
    envelopeFrom: null,
    messageId: `<${uuidFrom(`webhook_endpoint/${endpoint}/${toIso(disabledAt)}`, endpoint)}@${domain}>`,
    inReplyTo: null,
    references: [],
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      ...(repeats ? { 'Usher-Possible-Duplicate': '1' } : {}),
    },
    subject: oneLine(disabledSubject(words), 200),
    text: disabledText(words),
    html: null,
    attachments: [],
  };
}
