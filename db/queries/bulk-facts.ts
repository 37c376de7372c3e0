/** Instances a batch is about, and what of them decides what it would do. Source: journeys-change.md, section 6. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { isMyHandoff, visibleJourney } from './journey-scope.js';
import type { Principal } from '../../domain/access/principal.js';
import type { GateFacts, HandoffFacts, JourneyFacts } from '../../domain/bulk/forecast.js';
import type { HandoffState } from '../../domain/journey/run/effect.js';
import type { IncidentCode, JourneyStatus } from '../../domain/journey/run/state.js';

/** All that are named must fit. Without `ids` and `status` only what has not ended counts. */
export interface JourneyFilter {
  readonly ids?: readonly string[];
  readonly template?: string;
  readonly version?: number;
  readonly status?: readonly JourneyStatus[];
  readonly stage?: string;
  /** One that is open, or parked. */
  readonly step?: string;
  /** An open incident of one of these codes. */
  readonly incident?: readonly IncidentCode[];
  readonly subject?: { readonly type: string; readonly id: string };
}

export interface HandoffFilter {
  readonly ids?: readonly string[];
  readonly state?: readonly HandoffState[];
  readonly from?: string;
  readonly to?: string;
  readonly journey?: string;
  readonly template?: string;
  readonly step?: string;
}

type Condition = RawBuilder<unknown>;
const when = <Value>(value: Value | undefined, condition: (value: Value) => Condition): Condition[] =>
  value === undefined ? [] : [condition(value)];
const all = (conditions: readonly Condition[]): Condition => sql.join([sql`true`, ...conditions], sql` and `);

/** Votes as facts; of each step the newest. */
const gatesOf = (journey: Condition, condition: Condition): Condition => sql`
  coalesce((
    select jsonb_agg(jsonb_build_object('step', a.step, 'visit', a.visit, 'item', a.item, 'requester', a.requester, 'voters', to_jsonb(a.voters),
      'isOpen', a.outcome is null, 'voted', coalesce((
        select jsonb_agg(v.by) || coalesce(jsonb_agg(v.on_behalf_of) filter (where v.on_behalf_of is not null), '[]')
        from approval_vote v where v.tenant_id = a.tenant_id and v.approval_id = a.id and v.round = a.round and not v.void), '[]')))
    from (
      select distinct on (step, item) * from (
        select g.*, nullif(substr(g.id, length(concat_ws('.', g.journey_id, g.step, g.visit)) + 2), '') as item
        from approval g where g.tenant_id = x.tenant_id and g.journey_id = ${journey} and ${condition}) named
      order by step, item, visit desc) a), '[]')`;

export interface FoundJourney extends JourneyFacts {
  readonly template: { readonly key: string; readonly version: number };
}

/** Journeys the reader may see that fit, the oldest first; one row more than `limit` when there are others. */
export async function findJourneyFacts(tx: TenantTx, reader: Principal, filter: JourneyFilter, limit: number): Promise<FoundJourney[]> {
  const { ids, template, version, status, stage, step, incident, subject } = filter;
  const conditions = [
    ...when(ids, (list) => sql`x.id = any(${[...list]}::text[])`),
    ...when(template, (key) => sql`x.template_key = ${key}`),
    ...when(version, (n) => sql`x.template_version = ${n}`),
    ...when(status, (list) => sql`x.status = any(${[...list]}::text[])`),
    ...when(stage, (name) => sql`x.stage = ${name}`),
    ...when(subject, ({ type, id }) => sql`x.subject_type = ${type} and x.subject_id = ${id}`),
    ...when(
      step,
      (name) => sql`exists (
        select from journey_visit v where v.tenant_id = x.tenant_id and v.journey_id = x.id and v.step = ${name} and v.state in ('open', 'incident'))`,
    ),
    ...when(
      incident,
      (codes) => sql`exists (
        select from journey_incident i where i.tenant_id = x.tenant_id and i.journey_id = x.id and i.resolved_at is null
          and i.code = any(${[...codes]}::text[]))`,
    ),
    ...(ids === undefined && status === undefined ? [sql`x.ended_at is null`] : []),
  ];
  const { rows } = await sql<FoundJourney>`
    select x.id, x.status, jsonb_build_object('key', x.template_key, 'version', x.template_version) as template,
      coalesce((
        select jsonb_agg(jsonb_build_object('step', i.step, 'visit', i.visit, 'item', nullif(i.item, '')) order by i.seq)
        from journey_incident i
        where i.tenant_id = x.tenant_id and i.journey_id = x.id and i.resolved_at is null and i.step is not null and i.visit is not null), '[]') as parked,
      ${gatesOf(sql`x.id`, sql`g.handoff_id is null`)} as gates
    from journey x where ${visibleJourney(reader, 'x')} and ${all(conditions)}
    order by x.started_at, x.id limit ${limit + 1}`.execute(tx);
  return rows;
}

/** Handoffs of such journeys that fit, the oldest first; one row more than `limit` when there are others. */
export async function findHandoffFacts(tx: TenantTx, reader: Principal, filter: HandoffFilter, limit: number): Promise<HandoffFacts[]> {
  const { ids, state, from, to, journey, template, step } = filter;
  const conditions = [
    ...when(ids, (list) => sql`x.id = any(${[...list]}::text[])`),
    ...when(state, (list) => sql`x.state = any(${[...list]}::text[])`),
    ...when(from, (name) => sql`x.from_package = ${name}`),
    ...when(to, (name) => sql`x.to_package = ${name}`),
    ...when(journey, (id) => sql`x.journey_id = ${id}`),
    ...when(step, (name) => sql`x.step = ${name}`),
    ...when(template, (key) => sql`j.template_key = ${key}`),
    ...(ids === undefined && state === undefined ? [sql`x.ended_at is null`] : []),
  ];
  const { rows } = await sql<Omit<HandoffFacts, 'gate'> & { gates: GateFacts[] }>`
    select x.id, x.state, coalesce(${isMyHandoff(reader, 'x')}, false) as is_mine, ${gatesOf(sql`x.journey_id`, sql`g.handoff_id = x.id`)} as gates
    from handoff x join journey j on j.tenant_id = x.tenant_id and j.id = x.journey_id
    where ${visibleJourney(reader)} and ${all(conditions)}
    order by x.created_at, x.id limit ${limit + 1}`.execute(tx);
  return rows.map(({ gates, ...handoff }) => ({ ...handoff, gate: gates[0] ?? null }));
}
