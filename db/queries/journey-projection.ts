/** Writes what a journey's workflow decided: events, the row, visits, votes, incidents and goals, all or nothing, in one statement. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { gateInserts } from './gate-rows.js';
import { executeLog, isoOf, lastOf, logInsert, logRows, recordOnce } from './journey-log.js';
import type { LogRow, ProjectionOptions, ProjectionOutcome } from './journey-log.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { Json } from '../../domain/journey/json.js';
import type { JourneyEvent } from '../../domain/journey/run/event.js';
import type { JourneyRecord, JourneyView } from '../../domain/journey/run/record.js';
import type { VisitView } from '../../domain/journey/run/state.js';
import { toIso } from '../../domain/time.js';

export const journeySubject = (id: string): string => `journey/${id}`;

/**
 * Records reactions of one journey, oldest first; a repeated call changes nothing.
 *
 * @returns the highest version stored; `conflict` when another run or command holds some of these versions, and nothing was written
 */
export async function projectJourney(options: ProjectionOptions, records: readonly JourneyRecord[]): Promise<ProjectionOutcome> {
  const last = records.at(-1);
  if (last === undefined) return { stored: 0, conflict: false };
  const { view, runId } = last;
  return recordOnce(options, {
    tenant: asTenantId(last.tenant),
    subject: journeySubject(last.journeyId),
    version: view.version,
    rows: logRows(records, options.newId),
    record: (tx, rows) => record(tx, records, last, rows),
    rewrite: async (tx) => void (await writeJourney(view, { runId, isModified: isModified(records) }).execute(tx)),
  });
}

async function record(tx: TenantTx, records: readonly JourneyRecord[], last: JourneyRecord, rows: readonly LogRow[]): Promise<void> {
  const { journeyId, view, runId } = last;
  const tenant = asTenantId(last.tenant);
  const { subject } = view.start;
  const place = { tenant, subject: journeySubject(journeyId), journeyId, entity: sql`${`${subject.type}/${subject.id}`}` };
  const gates = records.flatMap(({ gates: standing, view: { version } }) =>
    standing.map(({ step, visit, item = null, gate }) => ({ step, visit, item, handoffId: null, gate, version })),
  );
  const statement = sql`
    with ${logInsert(place, rows)}, written as (
      ${writeJourney(view, { runId, isModified: isModified(records) })}
    )${visitInserts(tenant, journeyId, records)}${gateInserts(tenant, journeyId, gates)}${incidentInserts(tenant, journeyId, records)}${goalInserts(tenant, journeyId, records)}
    select`;
  await executeLog(tx, statement);
}

const isModified = (records: readonly JourneyRecord[]): boolean =>
  records.some(({ events }) => events.some(({ type }) => type === 'journey.modified'));

/** Inserts the row, or updates one of no higher version: what is open stands in it too, and changes without an event. */
function writeJourney(
  view: JourneyView,
  { runId, isModified: modified }: { readonly runId: string; readonly isModified: boolean },
): RawBuilder<unknown> {
  const { start } = view;
  return sql`
    insert into journey (tenant_id, id, template_key, template_version, template_hash, subject_type, subject_id, entry_key, entry, status, result,
      outcome, stage, progress, current_step, open_steps, context, input, requester, trigger_id, trigger_event_id, parent_id, due_at,
      awaits_approval, modified, version, run_id, started_at, last_activity, ended_at)
    select ${start.tenant}::uuid, ${start.journeyId}, ${start.template.key}, ${start.template.version}::int, ${start.template.hash},
      ${start.subject.type}, ${start.subject.id}, ${start.entryKey}, ${start.entry}::int, ${view.status}, ${view.result},
      ${view.outcome}, ${view.stage}, ${view.progress}::int, ${view.currentStep}, ${[...view.openSteps]}::text[],
      ${JSON.stringify(view.context)}::jsonb, ${JSON.stringify(start.input)}::jsonb, ${start.requester}, ${start.trigger?.id ?? null},
      ${start.trigger?.eventId ?? null}, ${start.parent?.journeyId ?? null}, ${isoOf(view.dueAt)}::timestamptz, ${view.awaitsApproval},
      ${modified}, ${view.version}::int, ${runId}, ${toIso(start.startedAt)}::timestamptz, ${toIso(view.lastActivity)}::timestamptz,
      ${isoOf(view.endedAt)}::timestamptz
    on conflict (tenant_id, id) do update set
      template_version = excluded.template_version, template_hash = excluded.template_hash, status = excluded.status, result = excluded.result,
      outcome = excluded.outcome, stage = excluded.stage, progress = excluded.progress, current_step = excluded.current_step,
      open_steps = excluded.open_steps, context = excluded.context, input = excluded.input, due_at = excluded.due_at,
      awaits_approval = excluded.awaits_approval, modified = journey.modified or excluded.modified, version = excluded.version,
      run_id = excluded.run_id, last_activity = excluded.last_activity, ended_at = excluded.ended_at, updated_at = now()
    where journey.version <= excluded.version`;
}

function visitInserts(tenant: TenantId, journeyId: string, records: readonly JourneyRecord[]): RawBuilder<unknown> {
  const all = records.flatMap(({ visits, view: { version } }) => visits.map((visit) => visitRow(visit, version)));
  if (all.length === 0) return sql``;
  const rows = lastOf(all, ({ step, visit, item }) => JSON.stringify([step, visit, item]));
  return sql`, visits as (
      insert into journey_visit (tenant_id, journey_id, step, visit, item, state, stage, entered_at, ended_at, outcome, cause, due_at, attempts,
        incident_code, incident_detail, output, late_result, people, roles, outcomes, assignee, claimed_until, version)
      select ${tenant}, ${journeyId}, step, visit, item, state, stage, entered_at, ended_at, outcome, cause, due_at, attempts,
        incident_code, incident_detail, output, late_result, people, roles, outcomes, assignee, claimed_until, version
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as v(
        step text, visit int, item text, state text, stage text, entered_at timestamptz, ended_at timestamptz, outcome text, cause text,
        due_at timestamptz, attempts int, incident_code text, incident_detail jsonb, output jsonb, late_result jsonb, people text[], roles text[], outcomes text[],
        assignee text, claimed_until timestamptz, version int)
      on conflict (tenant_id, journey_id, step, visit, item) do update set
        state = excluded.state, stage = excluded.stage, ended_at = excluded.ended_at, outcome = excluded.outcome, cause = excluded.cause,
        due_at = excluded.due_at, attempts = excluded.attempts, incident_code = excluded.incident_code,
        incident_detail = excluded.incident_detail, output = excluded.output, late_result = excluded.late_result, people = excluded.people, roles = excluded.roles,
        outcomes = excluded.outcomes, assignee = excluded.assignee, claimed_until = excluded.claimed_until, version = excluded.version
      where journey_visit.version <= excluded.version
    )`;
}

const visitRow = ({ task, incident, output, lateResult, ...visit }: VisitView, version: number) => ({
  step: visit.step,
  visit: visit.visit,
  item: visit.item ?? '',
  state: visit.state,
  stage: visit.stage,
  entered_at: toIso(visit.enteredAt),
  ended_at: isoOf(visit.endedAt),
  outcome: visit.outcome,
  cause: visit.cause,
  due_at: isoOf(visit.dueAt),
  attempts: visit.attempts,
  incident_code: incident?.code ?? null,
  incident_detail: incident?.detail ?? null,
  output: output ?? null,
  late_result: lateResult ?? null,
  people: task?.people ?? null,
  roles: task?.roles ?? null,
  outcomes: task?.outcomes ?? null,
  assignee: task?.assignee ?? null,
  claimed_until: isoOf(task?.claimedUntil ?? null),
  version,
});

interface Resolution {
  readonly at: string;
  readonly resolution: string;
  readonly by: string;
}

/** Incidents that were opened, and what ended those of now and before; the end of a journey ends them all. */
function incidentInserts(tenant: TenantId, journeyId: string, records: readonly JourneyRecord[]): RawBuilder<unknown> {
  const opened: (ReturnType<typeof incidentRow> & Partial<Resolution>)[] = [];
  const resolved: (Place & Resolution)[] = [];
  for (const { events, visits, doer } of records) {
    for (const event of events) {
      if (event.type === 'journey.incident.opened') opened.push(incidentRow(event, visits));
      if (event.type !== 'journey.incident.resolved') continue;
      const resolution = { ...placeOf(event), at: toIso(event.at), resolution: text(event.data['how']) ?? doer.kind, by: doer.actor };
      resolved.push(resolution);
      // What this statement inserts, its own update does not see.
      const index = opened.findLastIndex((incident) => incident.at === undefined && isSame(incident, resolution));
      const mine = opened[index];
      if (mine !== undefined) opened[index] = { ...mine, ...resolution };
    }
  }
  const { view, doer } = records.at(-1) ?? {};
  const end = view?.endedAt == null || doer === undefined ? null : { at: toIso(view.endedAt), resolution: view.status, by: doer.actor };
  if (opened.length === 0 && resolved.length === 0 && end === null) return sql``;
  const rows = end === null ? opened : opened.map((incident) => ({ ...end, ...incident }));
  return sql`, incidents as (
      insert into journey_incident (tenant_id, journey_id, seq, step, visit, item, code, detail, opened_at, resolved_at, resolution, resolved_by)
      select ${tenant}, ${journeyId}, seq, step, visit, item, code, detail, opened_at, at, resolution, by
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as i(
        seq int, step text, visit int, item text, code text, detail jsonb, opened_at timestamptz, at timestamptz, resolution text, by text)
      on conflict (tenant_id, journey_id, seq) do nothing
    ), resolutions as (
      update journey_incident i set resolved_at = r.at, resolution = r.resolution, resolved_by = r.by
      from jsonb_to_recordset(${JSON.stringify(end === null ? resolved : [...resolved, { ...end, all: true }])}::jsonb) as r(
        step text, visit int, item text, "all" boolean, at timestamptz, resolution text, by text)
      where i.tenant_id = ${tenant} and i.journey_id = ${journeyId} and i.resolved_at is null
        and (r."all" or (i.step is not distinct from r.step and i.visit is not distinct from r.visit and i.item = r.item))
    )`;
}

interface Place {
  readonly step: string | null;
  readonly visit: number | null;
  readonly item: string;
}

const placeOf = ({ data: { step = null, visit = null, item = null } }: JourneyEvent): Place => ({
  step: typeof step === 'string' ? step : null,
  visit: typeof visit === 'number' ? visit : null,
  item: typeof item === 'string' ? item : '',
});

const isSame = (one: Place, other: Place): boolean => one.step === other.step && one.visit === other.visit && one.item === other.item;

/** Code and detail stand in the event; what it leaves out, in the visit. */
function incidentRow(event: JourneyEvent, visits: readonly VisitView[]) {
  const place = placeOf(event);
  const visit = visits.find(({ step, visit: n, item }) => isSame(place, { step, visit: n, item: item ?? '' }));
  const { reason, detail = visit?.incident?.detail ?? null } = event.data;
  return { ...place, seq: event.seq, code: text(reason) ?? visit?.incident?.code ?? 'unknown', detail, opened_at: toIso(event.at) };
}

function goalInserts(tenant: TenantId, journeyId: string, records: readonly JourneyRecord[]): RawBuilder<unknown> {
  const rows = records.flatMap(({ events }) =>
    events.flatMap(({ type, at, data }) =>
      type === 'journey.goal.reached'
        ? [{ goal: text(data['goal']), at: toIso(at), event_id: text(data['eventId']), value: number(data['value']) }]
        : [],
    ),
  );
  if (rows.length === 0) return sql``;
  return sql`, goals as (
      insert into journey_goal (tenant_id, journey_id, goal, reached_at, event_id, value)
      select ${tenant}, ${journeyId}, goal, at, event_id, value
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as g(goal text, at timestamptz, event_id text, value double precision)
      on conflict (tenant_id, journey_id, goal) do nothing
    )`;
}

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
const number = (value: Json | undefined): number | null => (typeof value === 'number' ? value : null);
