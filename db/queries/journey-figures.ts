/** What the instances of a version did, by step. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';

export interface StepFigures {
  readonly step: string;
  readonly entered: number;
  readonly open: number;
  readonly incidents: number;
  /** Completed of those that ended; null: none has. */
  readonly conversion: number | null;
  readonly medianDwellS: number | null;
}

/** Steps that were entered, the busiest first. */
export async function stepFigures(tx: TenantTx, tenant: TenantId, key: string, version: number): Promise<StepFigures[]> {
  const { rows } = await sql<StepFigures>`
    select v.step, count(*)::int as entered, (count(*) filter (where v.state = 'open'))::int as open,
      (count(*) filter (where v.state = 'incident'))::int as incidents,
      round((count(*) filter (where v.state = 'completed'))::numeric / nullif(count(*) filter (where v.ended_at is not null), 0), 4)::float8 as conversion,
      (percentile_cont(0.5) within group (order by extract(epoch from v.ended_at - v.entered_at)))::float8 as median_dwell_s
    from journey j join journey_visit v on v.tenant_id = j.tenant_id and v.journey_id = j.id
    where j.tenant_id = ${tenant} and j.template_key = ${key} and j.template_version = ${version}
    group by v.step order by count(*) desc, v.step`.execute(tx);
  return rows;
}
