/** Who entered a template, and who was kept out. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';

export type EntryResult = 'started' | 'existing' | 'signalled' | 'refused';

export interface EntryRecord {
  readonly id: string;
  readonly at: Date;
  readonly result: EntryResult;
  readonly reason: string | null;
  readonly triggerId: string | null;
  readonly eventId: string | null;
  readonly subjectType: string | null;
  readonly subjectId: string | null;
  readonly templateVersion: number | null;
  readonly journeyId: string | null;
  readonly actor: string;
  readonly detail: unknown;
  /** `at` to the microsecond, for the cursor. */
  readonly position: string;
}

export type Position = Pick<EntryRecord, 'position' | 'id'>;

export interface EntryFilter {
  readonly result?: readonly EntryResult[];
  readonly reason?: readonly string[];
}

/** Newest first; one row more than `limit` when there are others. `after` is the last row of the page before. */
export async function listEntries(
  tx: TenantTx,
  tenant: TenantId,
  template: string,
  { result, reason }: EntryFilter,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<EntryRecord[]> {
  const { rows } = await sql<EntryRecord>`
    select id, at, result, reason, trigger_id, event_id, subject_type, subject_id, template_version, journey_id, actor, detail, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position
    from journey_entry
    where tenant_id = ${tenant} and template_key = ${template}
      ${result === undefined ? sql`` : sql`and result = any(${[...result]}::text[])`}
      ${reason === undefined ? sql`` : sql`and reason = any(${[...reason]}::text[])`}
      ${after === undefined ? sql`` : sql`and (at, id) < (${after.position}::text::timestamptz, ${after.id}::uuid)`}
    order by at desc, id desc limit ${limit + 1}`.execute(tx);
  return rows;
}
