/** Goals of journeys whose workflow is over. Source: journeys.md, section 2. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { journeySubject } from './journey-projection.js';
import type { TenantId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface GoalReached {
  readonly journeyId: string;
  readonly goal: string;
  readonly value: number | null;
  readonly eventId: string;
  readonly at: Instant;
}

/**
 * Records a goal of a journey that has ended, once, with its line of the log under the next number of the journey.
 *
 * @returns false when it was reached before, or the journey is open
 */
export async function reachGoal(
  tx: TenantTx,
  tenant: TenantId,
  { journeyId, goal, value, eventId, at }: GoalReached,
  { commandId, id }: { readonly commandId: string; readonly id: string },
): Promise<boolean> {
  const data = JSON.stringify({ goal, eventId, value });
  const digest = createHash('sha256')
    .update(JSON.stringify([commandId, data]))
    .digest();
  const { rows } = await sql`
    with over as (
      select j.version + 1 as seq, j.run_id, j.subject_type || '/' || j.subject_id as entity from journey j
      where j.tenant_id = ${tenant} and j.id = ${journeyId} and j.ended_at is not null for update
    ), reached as (
      insert into journey_goal (tenant_id, journey_id, goal, reached_at, event_id, value)
      select ${tenant}, ${journeyId}, ${goal}, ${toIso(at)}::timestamptz, ${eventId}, ${value}::float8 from over
      on conflict (tenant_id, journey_id, goal) do nothing
      returning 1
    ), told as (
      insert into event (tenant_id, subject, seq, id, type, at, actor, role, source, command_id, run_id, digest, data, journey_id, entity)
      select ${tenant}, ${journeySubject(journeyId)}, seq, ${id}::uuid, 'journey.goal.reached', ${toIso(at)}::timestamptz, 'system/relay', 'system', 'system',
        ${commandId}, run_id, ${digest}::bytea, ${data}::jsonb, ${journeyId}, entity
      from over where exists (select from reached)
    ), audited as (
      insert into audit (tenant_id, id, at, actor, source, action, subject, changes)
      select ${tenant}, ${id}::uuid, ${toIso(at)}::timestamptz, 'system/relay', 'worker', 'journey.goal', ${journeySubject(journeyId)},
        jsonb_build_object('events', jsonb_build_array(jsonb_build_object('seq', seq, 'type', 'journey.goal.reached', 'data',
          jsonb_build_object('goal', ${goal}::text))))
      from over where exists (select from reached)
    )
    update journey j set version = over.seq, updated_at = now() from over
    where j.tenant_id = ${tenant} and j.id = ${journeyId} and exists (select from reached)
    returning 1`.execute(tx);
  return rows.length > 0;
}
