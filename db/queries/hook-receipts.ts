/** Callbacks that were here, and what they reported of messages. Source: reliability.md, R10; security.md, T14 to T16. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { recordAudit } from './audit.js';
import type { Accountable } from './audit.js';
import type { TenantId } from '../../domain/ids.js';
import { furthest, statuses } from '../../domain/messaging/report.js';
import type { Report } from '../../domain/messaging/report.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import type { HookProvider } from '../../domain/webhook/incoming.js';

/**
 * Notes that a callback was here.
 *
 * @returns false when it was here before
 */
export async function noteReceipt(
  tx: TenantTx,
  tenant: TenantId,
  receipt: { readonly provider: HookProvider; readonly id: string; readonly code?: string },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('hookReceipt')
    .values({ tenantId: tenant, ...receipt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/**
 * Keeps what Twilio reports of an SMS, also of one whose number is not yet known here: a report may be quicker than the answer to the request.
 *
 * @returns false when it was here before
 */
export async function storeReport(tx: TenantTx, by: Accountable, sid: string, { status, code }: Report, now: Instant): Promise<boolean> {
  await lockSid(tx, sid);
  const isNew = await noteReceipt(tx, by.tenant, { provider: 'twilio', id: receiptId(sid, status), ...(code === null ? {} : { code }) });
  if (isNew) await advance(tx, by, sid, [{ status, code }], now);
  return isNew;
}

/** Catches up with what was reported of an SMS before its number was known here. */
export async function applyReports(tx: TenantTx, tenant: TenantId, sid: string, now: Instant): Promise<void> {
  await lockSid(tx, sid);
  const rows = await tx
    .selectFrom('hookReceipt')
    .select(['id', 'code'])
    .where('tenantId', '=', tenant)
    .where('provider', '=', 'twilio')
    .where(
      'id',
      'in',
      statuses.map((status) => receiptId(sid, status)),
    )
    .execute();
  const reports = rows.map(({ id, code }) => ({ status: id.slice(sid.length + 1), code }));
  if (reports.length > 0) await advance(tx, { tenant, actor: 'system/outbound', source: 'worker' }, sid, reports, now);
}

const receiptId = (sid: string, status: string): string => `${sid}/${status}`;

/** Report and record of the same SMS see each other, whichever comes first. */
const lockSid = (tx: TenantTx, sid: string): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(hashtextextended('usher sms ' || ${sid}, 0))`.execute(tx);

async function advance(tx: TenantTx, by: Accountable, sid: string, reports: readonly Report[], now: Instant): Promise<void> {
  const row = await tx
    .selectFrom('outboundMessage')
    .select(['id', 'ticketId', 'message', 'delivery'])
    .where('tenantId', '=', by.tenant)
    .where('channel', '=', 'sms')
    .where('providerId', '=', sid)
    .forUpdate()
    .executeTakeFirst();
  const next = row === undefined ? null : furthest(row.delivery, reports);
  if (row === undefined || next === null) return;
  await tx
    .updateTable('outboundMessage')
    .set({ delivery: next.delivery, errorCode: next.code, updatedAt: toIso(now) })
    .where('tenantId', '=', by.tenant)
    .where('id', '=', row.id)
    .execute();
  await recordAudit(tx, by, {
    action: `message.${next.delivery}`,
    subject: `ticket/${row.ticketId}`,
    changes: { outbound: row.id, message: row.message },
  });
}
