/** What attempts write into the ledger of outbound messages, those of one moment together. Source: reliability.md, R1 and R3. */
import type { Db } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { gathering } from '../db/gather.js';
import { claimNotices, wireNotices } from '../db/queries/notice-claim.js';
import type { ClaimedNotice, NoticeClaim, NoticeClaimRequest, Wire } from '../db/queries/notice-claim.js';
import { settleNotices } from '../db/queries/notice-relay.js';
import type { NoticeRef } from '../db/queries/notices.js';
import { settleOutbound } from '../db/queries/outbound-settle.js';
import type { Ending } from '../db/queries/outbound-settle.js';
import type { TenantId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';

export interface Ledger {
  readonly claimNotice: (tenant: TenantId, request: NoticeClaimRequest) => Promise<NoticeClaim>;
  readonly wireNotice: (tenant: TenantId, notice: ClaimedNotice) => Promise<Wire>;
  /** @returns false when another attempt took the row over */
  readonly settle: (tenant: TenantId, ending: Ending) => Promise<boolean>;
  /** All recipients of a notice are through. */
  readonly closeNotice: (tenant: TenantId, notice: NoticeRef) => Promise<void>;
}

/** Messages of one transaction: what one is slow with, all of them wait for. */
const most = 25;
const byKey = { onePlan: true } as const;

export const createLedger = ({ db, now }: { readonly db: Db; readonly now: () => Instant }): Ledger => ({
  claimNotice: gathering((tenant, requests) => withTenant(db, tenant, (tx) => claimNotices(tx, tenant, requests), byKey), most),
  wireNotice: gathering((tenant, notices) => withTenant(db, tenant, (tx) => wireNotices(tx, tenant, notices, now()), byKey), most),
  settle: gathering((tenant, endings) => withTenant(db, tenant, (tx) => settleOutbound(tx, tenant, endings), byKey), most),
  closeNotice: gathering(async (tenant, notices) => {
    await withTenant(db, tenant, (tx) => settleNotices(tx, tenant, notices), byKey);
    return notices.map(() => undefined);
  }, most),
});
