/** Finds out whom notices go to. */
import { log } from '@temporalio/activity';
import { planNotices } from '../db/queries/notices.js';
import type { NoticeRows, NoticesRequest } from '../db/queries/notices.js';
import type { TenantId } from '../domain/ids.js';
import type { AttemptDeps } from './attempt.js';
import { inTenant } from './recipients.js';

/**
 * Finds the recipients of each notice, once, and their rows in the ledger. That nobody is there is no failure: it is recorded, counted and logged.
 *
 * @returns those that exist
 */
export async function addressNotices(
  deps: Pick<AttemptDeps, 'db' | 'sms' | 'newId' | 'now' | 'tally'>,
  tenant: TenantId,
  which: NoticesRequest['which'],
): Promise<NoticeRows[]> {
  const { sms, newId, now, tally } = deps;
  const found = await inTenant(deps, tenant, (tx) => planNotices(tx, { tenant, which, sms: sms !== null, newId, now: now() }));
  for (const { ticket, message, recipients, isNew } of found) {
    if (recipients > 0 || !isNew) continue;
    tally.nobody();
    log.warn('a notice found nobody to go to', { ticket, message });
  }
  return found;
}
