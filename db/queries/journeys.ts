/** Journeys as people read them: instances, their steps, what happened. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { isMyHandoff, isMyTask, rolesOf, visibleJourney } from './journey-scope.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TenantId } from '../../domain/ids.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import type { JourneyStatus, LateResult, VisitState } from '../../domain/journey/run/state.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';

export interface OpenIncident {
  readonly step: string | null;
  readonly visit: number | null;
  readonly item: string;
  readonly code: string;
  readonly detail: Json;
  /** ISO 8601. */
  readonly openedAt: string;
}

export interface JourneyRecord {
  readonly id: string;
  /** Of the template's version; null: that version is not there. */
  readonly name: string | null;
  readonly templateKey: string;
  readonly templateVersion: number;
  readonly templateHash: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly status: JourneyStatus;
  readonly result: 'won' | 'lost' | null;
  readonly outcome: string | null;
  readonly stage: string | null;
  readonly progress: number;
  readonly currentStep: string | null;
  readonly openSteps: readonly string[];
  readonly context: JsonObject;
  readonly input: JsonObject;
  readonly requester: string | null;
  readonly triggerId: string | null;
  readonly triggerEventId: string | null;
  readonly parentId: string | null;
  readonly dueAt: Date | null;
  readonly awaitsApproval: boolean;
  readonly modified: boolean;
  /** Number of the last event. */
  readonly version: number;
  readonly startedAt: Date;
  readonly lastActivity: Date;
  readonly endedAt: Date | null;
  /** Those not resolved, oldest first. */
  readonly incidents: readonly OpenIncident[];
}

const columns = sql`
    j.id, v.name, j.template_key, j.template_version, j.template_hash, j.subject_type, j.subject_id, j.status, j.result, j.outcome, j.stage,
    j.progress, j.current_step, j.open_steps, j.context, j.input, j.requester, j.trigger_id, j.trigger_event_id, j.parent_id, j.due_at,
    j.awaits_approval, j.modified, j.version, j.started_at, j.last_activity, j.ended_at,
    coalesce((select jsonb_agg(jsonb_build_object('step', i.step, 'visit', i.visit, 'item', i.item, 'code', i.code, 'detail', i.detail,
        'openedAt', to_char(i.opened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by i.seq)
      from journey_incident i where i.tenant_id = j.tenant_id and i.journey_id = j.id and i.resolved_at is null), '[]') as incidents`;
const source = sql`journey j
    left join journey_template_version v on v.tenant_id = j.tenant_id and v.key = j.template_key and v.version = j.template_version`;

/** What is needed to send a journey a command, and to say whether the caller may. */
export interface JourneyFacts extends JourneyRecord {
  /** What templates call the caller: role, keys of teams. */
  readonly roles: readonly string[];
  /** Open steps that are the caller's own. */
  readonly mine: readonly string[];
}

/** A journey the reader may see. */
export async function findJourney(tx: TenantTx, reader: Principal, id: string): Promise<JourneyFacts | undefined> {
  const { rows } = await sql<JourneyFacts>`
    select ${columns}, ${rolesOf(reader)} as roles, array(
      select t.step from journey_visit t where t.tenant_id = j.tenant_id and t.journey_id = j.id and t.state = 'open' and ${isMyTask(reader, 't')}
      union
      select h.step from handoff h where h.tenant_id = j.tenant_id and h.journey_id = j.id and h.state in ('accepted', 'in_progress') and ${isMyHandoff(reader)}
    ) as mine
    from ${source} where j.id = ${id} and ${visibleJourney(reader)}`.execute(tx);
  return rows[0];
}

export interface JourneyFilter {
  readonly template?: readonly string[];
  readonly status?: readonly string[];
  readonly stage?: readonly string[];
  readonly result?: readonly string[];
  /** `<type>/<id>`. */
  readonly subject?: readonly string[];
}

export interface Position {
  /** Sort key of the last row of the page before, to the microsecond. */
  readonly position: string;
  readonly id: string;
}

export const positionOf = (column: RawBuilder<unknown>): RawBuilder<string> =>
  sql<string>`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export const among = (column: RawBuilder<unknown>, values: readonly string[] | undefined): RawBuilder<unknown> =>
  values === undefined ? sql`` : sql`and ${column} = any(${[...values]}::text[])`;

export type ListedJourney = JourneyRecord & Position;

/** Newest first; one row more than `limit` when there are others. */
export async function listJourneys(
  tx: TenantTx,
  reader: Principal,
  { template, status, stage, result, subject }: JourneyFilter,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<ListedJourney[]> {
  const { rows } = await sql<ListedJourney>`
    select ${columns}, ${positionOf(sql`j.started_at`)} as position
    from ${source}
    where ${visibleJourney(reader)} ${among(sql`j.template_key`, template)} ${among(sql`j.status`, status)} ${among(sql`j.stage`, stage)}
      ${among(sql`j.result`, result)} ${among(sql`(j.subject_type || '/' || j.subject_id)`, subject)}
      ${after === undefined ? sql`` : sql`and (j.started_at, j.id) < (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by j.started_at desc, j.id desc limit ${limit + 1}`.execute(tx);
  return rows;
}

/** The template an instance runs on, for readers and in its compiled form; undefined when it is not there. */
export async function findRunTemplate(
  tx: TenantTx,
  tenant: TenantId,
  key: string,
  version: number,
): Promise<{ readonly document: JourneyTemplate; readonly compiled: CompiledTemplate } | undefined> {
  const row = await tx
    .selectFrom('journeyTemplateVersion')
    .select(['document', 'compiled'])
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst();
  // Only what was compiled is stored there.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return row as { document: JourneyTemplate; compiled: CompiledTemplate } | undefined;
}

export interface ActionRecord {
  readonly action: string;
  readonly state: string;
  readonly attempts: number;
  readonly error: string | null;
}

export interface VisitRecord {
  readonly step: string;
  readonly visit: number;
  /** Empty: the step's own. */
  readonly item: string;
  readonly state: VisitState;
  readonly stage: string | null;
  readonly enteredAt: Date;
  readonly endedAt: Date | null;
  readonly outcome: string | null;
  readonly cause: string | null;
  readonly dueAt: Date | null;
  readonly attempts: number;
  readonly incidentCode: string | null;
  readonly incidentDetail: Json;
  readonly output: JsonObject | null;
  readonly lateResult: LateResult | null;
  readonly people: readonly string[] | null;
  readonly roles: readonly string[] | null;
  readonly outcomes: readonly string[] | null;
  readonly assignee: string | null;
  readonly claimedUntil: Date | null;
  readonly actions: readonly ActionRecord[];
}

const visitColumns = sql`
    v.step, v.visit, v.item, v.state, v.stage, v.entered_at, v.ended_at, v.outcome, v.cause, v.due_at, v.attempts, v.incident_code, v.incident_detail,
    v.output, v.late_result, v.people, v.roles, v.outcomes, v.assignee, v.claimed_until`;

/** Visits of a journey, in the order they were entered; one row more than `limit` when there are others. */
export async function listVisits(
  tx: TenantTx,
  tenant: TenantId,
  journeyId: string,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<(VisitRecord & Position)[]> {
  const place = sql`(v.step || ' ' || lpad(v.visit::text, 9, '0') || ' ' || v.item)`;
  const { rows } = await sql<VisitRecord & Position>`
    select ${visitColumns}, ${positionOf(sql`v.entered_at`)} as position, ${place} as id,
      coalesce((select jsonb_agg(jsonb_build_object('action', a.action, 'state', a.state, 'attempts', a.attempts, 'error', a.error) order by a.created_at)
        from journey_action a
        where a.tenant_id = v.tenant_id and a.journey_id = v.journey_id and a.step = v.step and a.visit = v.visit and coalesce(a.item, '') = v.item), '[]') as actions
    from journey_visit v
    where v.tenant_id = ${tenant} and v.journey_id = ${journeyId}
      ${after === undefined ? sql`` : sql`and (v.entered_at, ${place}) > (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by v.entered_at, ${place} limit ${limit + 1}`.execute(tx);
  return rows;
}

/** The newest visit of each step, items of lists left out. */
export async function newestVisits(tx: TenantTx, tenant: TenantId, journeyId: string): Promise<{ step: string; state: VisitState }[]> {
  const { rows } = await sql<{ step: string; state: VisitState }>`
    select distinct on (v.step) v.step, v.state from journey_visit v
    where v.tenant_id = ${tenant} and v.journey_id = ${journeyId} and v.item = ''
    order by v.step, v.visit desc`.execute(tx);
  return rows;
}

export interface LoggedEvent extends Position {
  readonly subject: string;
  readonly seq: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly actorName: string | null;
  readonly role: string;
  readonly source: string;
  readonly commandId: string;
  readonly data: JsonObject;
  /** What the command that caused it gave as a reason or comment. */
  readonly text: string | null;
}

export type SeqEvent = Pick<LoggedEvent, 'seq' | 'type' | 'at' | 'data'>;

/** Events of a journey and its handoffs in the order they were recorded; one row more than `limit` when there are others. */
export async function listJourneyEvents(
  tx: TenantTx,
  tenant: TenantId,
  journeyId: string,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<LoggedEvent[]> {
  const place = sql`(e.subject || ' ' || lpad(e.seq::text, 9, '0'))`;
  const { rows } = await sql<LoggedEvent>`
    select e.subject, e.seq, e.type, e.at, e.actor, e.role, e.source, e.command_id, e.data, ${positionOf(sql`e.recorded_at`)} as position, ${place} as id,
      (select c.body from content c where c.tenant_id = e.tenant_id and c.journey_id = e.journey_id and c.command_id = e.command_id
        and c.linked_at is not null and c.kind in ('reason', 'comment') order by c.kind desc limit 1) as text,
      coalesce((select a.name from agent a where a.tenant_id = e.tenant_id and e.actor = 'user/' || a.id),
        (select s.name from service_account s where s.tenant_id = e.tenant_id and e.actor = 'service/' || s.id)) as actor_name
    from event e
    where e.tenant_id = ${tenant} and e.journey_id = ${journeyId}
      ${after === undefined ? sql`` : sql`and (e.recorded_at, ${place}) > (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by e.recorded_at, ${place} limit ${limit + 1}`.execute(tx);
  return rows;
}

/** A journey's own events up to a number, from the first on. */
export async function listJourneyLog(tx: TenantTx, tenant: TenantId, journeyId: string, until: number): Promise<SeqEvent[]> {
  const { rows } = await sql<SeqEvent>`
    select seq, type, at, data from event
    where tenant_id = ${tenant} and subject = ${`journey/${journeyId}`} and seq <= ${until} order by seq`.execute(tx);
  return rows;
}

export interface CalledOff {
  readonly step: string;
  readonly visit: number;
  readonly item: string;
  readonly state: 'superseded' | 'cancelled';
  readonly endedAt: Date;
}

/** Visits that ended because others did, or the journey. */
export async function listCalledOff(tx: TenantTx, tenant: TenantId, journeyId: string): Promise<CalledOff[]> {
  const { rows } = await sql<CalledOff>`
    select step, visit, item, state, ended_at from journey_visit
    where tenant_id = ${tenant} and journey_id = ${journeyId} and state in ('superseded', 'cancelled') and ended_at is not null`.execute(
    tx,
  );
  return rows;
}

/** Whether a command was recorded for a journey or one of its handoffs. */
export async function wasDone(tx: TenantTx, tenant: TenantId, journeyId: string, commandId: string): Promise<boolean> {
  const { rows } = await sql<{ done: boolean }>`
    select exists (select from event where tenant_id = ${tenant} and journey_id = ${journeyId} and command_id = ${commandId}) as done`.execute(
    tx,
  );
  return rows[0]?.done ?? false;
}

export interface TaskRecord extends Omit<VisitRecord, 'actions'>, Position {
  readonly journeyId: string;
  readonly journeyName: string | null;
  readonly templateKey: string;
  readonly templateVersion: number;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly stepName: string | null;
  readonly form: Json;
}

export interface TaskFilter {
  /** Only what is the reader's own. */
  readonly mine?: boolean;
  readonly template?: readonly string[];
  readonly step?: readonly string[];
  readonly journey?: readonly string[];
}

/** Open steps that people do, the oldest first; one row more than `limit` when there are others. */
export async function listTasks(
  tx: TenantTx,
  reader: Principal,
  { mine, template, step, journey }: TaskFilter,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<TaskRecord[]> {
  const place = sql`(v.journey_id || ' ' || v.step || ' ' || lpad(v.visit::text, 9, '0') || ' ' || v.item)`;
  const { rows } = await sql<TaskRecord>`
    select ${visitColumns}, v.journey_id, n.name as journey_name, j.template_key, j.template_version, j.subject_type, j.subject_id,
      n.document -> 'steps' -> v.step ->> 'name' as step_name, n.document -> 'steps' -> v.step -> 'form' as form,
      ${positionOf(sql`v.entered_at`)} as position, ${place} as id
    from journey_visit v join journey j on j.tenant_id = v.tenant_id and j.id = v.journey_id
    left join journey_template_version n on n.tenant_id = j.tenant_id and n.key = j.template_key and n.version = j.template_version
    where v.tenant_id = ${reader.tenant} and v.state = 'open' and v.people is not null and ${visibleJourney(reader)}
      ${mine === true ? sql`and ${isMyTask(reader)}` : sql``} ${among(sql`j.template_key`, template)} ${among(sql`v.step`, step)}
      ${among(sql`v.journey_id`, journey)}
      ${after === undefined ? sql`` : sql`and (v.entered_at, ${place}) > (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by v.entered_at, ${place} limit ${limit + 1}`.execute(tx);
  return rows;
}
