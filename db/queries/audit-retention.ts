/** What becomes of old lines of the audit: they leave from the beginning, and the chain begins behind them. Source: security.md, sections 6 and 7. */
import { sql } from 'kysely';
import type { Db } from '../client.js';
import { recordAudit } from './audit.js';
import { findChain, listSealed, sha256 } from './audit-chain.js';
import { findBreak } from '../../domain/audit/chain.js';
import type { BadLine } from '../../domain/audit/chain.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { fromIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Tenants that were not looked through for old lines for a day; they count as looked through now. */
export async function tenantsToCut(relay: Db): Promise<TenantId[]> {
  const { rows } = await sql<{ tenantId: string }>`
    update audit_chain set cut_at = now()
    where seq > cut_seq and (cut_at is null or cut_at < now() - interval '1 day')
    returning tenant_id`.execute(relay);
  return rows.map(({ tenantId }) => asTenantId(tenantId));
}

/**
 * Takes lines from before an instant away, with a line that says so; they are looked through first, since nobody can any more when they are gone.
 * The database lets none go that is younger than 400 days.
 *
 * @returns how many; or the line that is not as it was sealed, and then nothing is taken
 */
export async function cutAudit(relay: Db, tenant: TenantId, before: Instant, limit: number): Promise<number | BadLine> {
  return relay.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`usher audit ${tenant}`}, 0))`.execute(tx);
    const { cut } = await findChain(tx, tenant);
    const lines = await listSealed(tx, tenant, cut.seq, limit);
    const young = lines.findIndex(({ at }) => fromIso(at) >= before);
    const old = young < 0 ? lines : lines.slice(0, young);
    const { good, bad } = findBreak(cut, old, sha256);
    if (bad !== null) return bad;
    if (old.length === 0) return 0;
    await sql`
      update audit_chain set cut_seq = ${good.seq}, cut_hash = decode(${good.hash}, 'hex') where tenant_id = ${tenant}`.execute(tx);
    await sql`delete from audit where tenant_id = ${tenant} and seq <= ${good.seq}`.execute(tx);
    const changes = { first: cut.seq + 1, last: good.seq, removed: old.length };
    await recordAudit(
      tx,
      { tenant, actor: 'system/audit', source: 'worker' },
      { action: 'audit.cut', subject: `tenant/${tenant}`, changes },
    );
    return old.length;
  });
}
