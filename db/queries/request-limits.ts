/** How much a tenant may ask, and what several processes counted of it. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { tenantLimitNames } from '../../domain/access/limits.js';
import type { TenantLimits } from '../../domain/access/limits.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface StoredLimits {
  readonly limits: TenantLimits;
  readonly revision: number;
}

/** What nobody changed yet. */
const first: StoredLimits = { limits: {}, revision: 1 };

/** What the tenant changed of its limits. */
export async function findLimits(tx: TenantTx, tenant: TenantId): Promise<StoredLimits> {
  const row = await tx.selectFrom('requestLimits').select(['limits', 'revision']).where('tenantId', '=', tenant).executeTakeFirst();
  return row === undefined ? first : { limits: knownLimits(row.limits), revision: row.revision };
}

function knownLimits(stored: unknown): TenantLimits {
  const all: Readonly<Record<string, unknown>> = typeof stored === 'object' && stored !== null ? { ...stored } : {};
  return Object.fromEntries(
    tenantLimitNames.flatMap((name) => {
      const most = all[name];
      return typeof most === 'number' ? [[name, most]] : [];
    }),
  );
}

/**
 * Replaces them by the next revision.
 *
 * @param read the revision that was found
 * @returns null when it is another by now
 */
export async function replaceLimits(tx: TenantTx, tenant: TenantId, read: number, limits: TenantLimits): Promise<StoredLimits | null> {
  const { rows } = await sql<{ revision: number }>`
    insert into request_limits as l (tenant_id, limits, revision) values (${tenant}, ${JSON.stringify(limits)}::jsonb, ${read + 1})
    on conflict (tenant_id) do update set limits = excluded.limits, revision = excluded.revision, updated_at = now()
    where l.revision = ${read} returning revision`.execute(tx);
  return rows[0] === undefined ? null : { limits, revision: rows[0].revision };
}

export interface RequestCount {
  readonly tenant: TenantId;
  /** 32 hex digits. */
  readonly name: string;
  /** The end of the time it was counted in. */
  readonly endsAt: Instant;
  readonly count: number;
}

/** Adds counts of any tenants, each named once, and forgets those whose time is over. @returns what was counted of each by everyone */
export async function shareCounts(db: Db, counts: readonly RequestCount[]): Promise<RequestCount[]> {
  const given = counts.map(({ endsAt, ...rest }) => ({ ...rest, endsAt: toIso(endsAt) }));
  const { rows } = await sql<{ whose: string; name: string; until: Date; total: string }>`
    select * from count_requests(${JSON.stringify(given)}::jsonb)`.execute(db);
  return rows.map(({ whose, name, until, total }) => ({
    tenant: asTenantId(whose),
    name,
    endsAt: until.getTime(),
    count: Number(total),
  }));
}
