/** Writes what a handoff's workflow decided: events, the row and the votes of its gate, all or nothing, in one statement. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { gateInserts } from './gate-rows.js';
import { executeLog, isoOf, logInsert, logRows, recordOnce } from './journey-log.js';
import type { ProjectionOptions, ProjectionOutcome } from './journey-log.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { HandoffRecord, HandoffView } from '../../domain/journey/run/record.js';
import { toIso } from '../../domain/time.js';

const handoffSubject = (id: string): string => `handoff/${id}`;

/** Records reactions of one handoff, oldest first; answers as `projectJourney` does. */
export async function projectHandoff(options: ProjectionOptions, records: readonly HandoffRecord[]): Promise<ProjectionOutcome> {
  const last = records.at(-1);
  if (last === undefined) return { stored: 0, conflict: false };
  const { handoffId, view, runId } = last;
  const tenant = asTenantId(last.tenant);
  const { journeyId, step, visit } = view;
  const subject = handoffSubject(handoffId);
  const entity = sql`(select j.subject_type || '/' || j.subject_id from journey j where j.tenant_id = ${tenant} and j.id = ${journeyId})`;
  const gates = records.flatMap(({ gate, view: { version } }) =>
    gate === null ? [] : [{ step, visit, item: null, handoffId, gate, version }],
  );
  return recordOnce(options, {
    tenant,
    subject,
    version: view.version,
    rows: logRows(records, options.newId),
    record: (tx, rows) => {
      const statement = sql`
        with ${logInsert({ tenant, subject, journeyId, entity }, rows)}, written as (
          ${writeHandoff(tenant, view, runId)}
        )${gateInserts(tenant, journeyId, gates)}
        select`;
      return executeLog(tx, statement);
    },
    rewrite: async (tx) => void (await writeHandoff(tenant, view, runId, sql`<=`).execute(tx)),
  });
}

/** Inserts the row, or updates one of a lower version. */
const writeHandoff = (tenant: TenantId, view: HandoffView, runId: string, newer = sql`<`): RawBuilder<unknown> => sql`
    insert into handoff (tenant_id, id, journey_id, step, visit, extra, state, from_package, to_package, mode, owner, assignee, people, roles,
      data, missing, outcome, reason, due_at, attempts, version, run_id, created_at, ended_at)
    select ${tenant}::uuid, ${view.handoffId}, ${view.journeyId}, ${view.step}, ${view.visit}::int, ${view.extra}, ${view.state}, ${view.from},
      ${view.to}, ${view.mode}, ${view.owner}, ${view.assignee}, ${[...(view.people ?? [])]}::text[], ${[...(view.roles ?? [])]}::text[],
      ${JSON.stringify(view.data)}::jsonb, ${[...view.missing]}::text[], ${view.outcome}, ${view.reason}, ${isoOf(view.dueAt)}::timestamptz,
      ${view.attempts}::int, ${view.version}::int, ${runId}, ${toIso(view.createdAt)}::timestamptz, ${isoOf(view.endedAt)}::timestamptz
    on conflict (tenant_id, id) do update set
      state = excluded.state, owner = excluded.owner, assignee = excluded.assignee, people = excluded.people, roles = excluded.roles,
      data = excluded.data, missing = excluded.missing, outcome = excluded.outcome, reason = excluded.reason, due_at = excluded.due_at,
      attempts = excluded.attempts, version = excluded.version, run_id = excluded.run_id, ended_at = excluded.ended_at, updated_at = now()
    where handoff.version ${newer} excluded.version`;
