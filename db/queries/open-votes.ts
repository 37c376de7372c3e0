/** Votes that are open, for those who have to hear that roles have changed. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';

export interface VoteQuery {
  /** Versions of templates whose votes are meant; gates of handoffs are meant in any case. */
  readonly versions: readonly { readonly key: string; readonly version: number }[];
}

/** Where votes are open, each journey and each handoff once. */
export async function findOpenVotes(
  tx: TenantTx,
  tenant: TenantId,
  { versions }: VoteQuery,
): Promise<{ readonly journeyId: string; readonly handoffId: string | null }[]> {
  const wanted = JSON.stringify(versions);
  const { rows } = await sql<{ journeyId: string; handoffId: string | null }>`
    select distinct a.journey_id, a.handoff_id from approval a
    where a.tenant_id = ${tenant} and a.closed_at is null
      and (a.handoff_id is not null or exists (
        select from journey j join jsonb_to_recordset(${wanted}::jsonb) as v(key text, version int) on v.key = j.template_key and v.version = j.template_version
        where j.tenant_id = a.tenant_id and j.id = a.journey_id))
    order by a.journey_id, a.handoff_id`.execute(tx);
  return rows;
}
