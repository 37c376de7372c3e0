/** How often words occur: what decides the way a search goes. No single query serves common and rare ones. Source: performance.md, section 4. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';

/** Of the newest tickets, looked at for an estimate. */
const looked = 1_000;
/** From here on, so many of the newest match that a page is soon full; below, the index of words has few enough to fetch them all. */
const frequent = 0.02;
const keptMs = 10 * 60_000;
const mostKept = 1_000;

const known = new Map<string, { readonly isFrequent: boolean; readonly until: number }>();

/** Whether a search finds a fair share of the newest tickets; what was found out is kept for ten minutes. */
export async function isFrequent(tx: TenantTx, tenant: TenantId, text: string): Promise<boolean> {
  const key = `${tenant} ${text}`;
  const before = known.get(key);
  if (before !== undefined && before.until > Date.now()) return before.isFrequent;
  const { rows } = await sql<{ share: number }>`
    select count(*) filter (where hit)::float8 / greatest(count(*), 1) as share
    from (
      select search @@ websearch_to_tsquery('english', ${text}) as hit from ticket
      where tenant_id = ${tenant} order by updated_at desc, id desc limit ${looked}
    ) newest`.execute(tx);
  const found = { isFrequent: (rows[0]?.share ?? 0) >= frequent, until: Date.now() + keptMs };
  known.delete(key);
  known.set(key, found);
  for (const oldest of known.keys()) {
    if (known.size <= mostKept) break;
    known.delete(oldest);
  }
  return found.isFrequent;
}
