/** What of a ticket's service levels is recorded with its events: clocks, their stretches, rungs that fired, escalations, notices. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Places } from '../statement.js';
import type { Clock, Segment } from '../../domain/sla/clock.js';
import type { SlaStep } from '../../domain/sla/desk.js';
import type { FiredRung } from '../../domain/sla/posting.js';
import type { Escalation } from '../../domain/ticket/escalation.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Several steps as one: of a clock or an escalation the last word counts. */
export function merged(steps: readonly SlaStep[]): SlaStep | null {
  if (steps.length === 0) return null;
  return {
    clocks: lastOf(
      steps.flatMap(({ clocks }) => clocks),
      ({ clock }) => clock,
    ),
    segments: steps.flatMap(({ segments }) => segments),
    rungs: steps.flatMap(({ rungs }) => rungs),
    escalations: lastOf(
      steps.flatMap(({ escalations }) => escalations),
      ({ n }) => n,
    ),
    notices: steps.flatMap(({ notices }) => notices),
  };
}

const lastOf = <T>(all: readonly T[], key: (one: T) => string | number): T[] => [...new Map(all.map((one) => [key(one), one])).values()];

/** What a statement needs to keep them: places for the ticket's own values, and for each list as JSON. */
export type SlaPlaces = Places<Pick<Ticket, 'tenant' | 'id' | 'product' | 'version'> & Record<keyof SlaStep, string>>;

/** The parts of the projection's statement that keep the clocks, each written once. */
export const slaInserts: Readonly<Record<keyof SlaStep, (places: SlaPlaces) => RawBuilder<unknown>>> = {
  clocks: ({ tenant, id, product, version, clocks }) => sql`
      insert into sla_clock (tenant_id, ticket_id, clock, kind, product, policy_set, policy, calendar_id, calendar_revision, phase, origin_at,
        budget_s, consumed_s, running_since, causes, due_at, breached_at, breach_cause, late_ms, fulfilled_at, ended_at, reason, waived,
        business_s, calendar_s, state, version, updated_at)
      select ${tenant}, ${id}, clock, kind, ${product}, policy_set, policy, calendar_id, calendar_revision, phase, origin_at,
        budget_s, consumed_s, running_since, causes, due_at, breached_at, breach_cause, late_ms, fulfilled_at, ended_at, reason, waived,
        consumed_s, calendar_s, state, ${version}, now()
      from jsonb_to_recordset(${clocks}::jsonb) as c(
        clock text, kind text, policy_set int, policy text, calendar_id text, calendar_revision int, phase text, origin_at timestamptz,
        budget_s int, consumed_s int, running_since timestamptz, causes text[], due_at timestamptz, breached_at timestamptz, breach_cause text,
        late_ms bigint, fulfilled_at timestamptz, ended_at timestamptz, reason text, waived boolean, calendar_s int, state jsonb)
      on conflict (tenant_id, ticket_id, clock) do update set
        policy_set = excluded.policy_set, policy = excluded.policy, calendar_id = excluded.calendar_id,
        calendar_revision = excluded.calendar_revision, phase = excluded.phase, budget_s = excluded.budget_s, consumed_s = excluded.consumed_s,
        running_since = excluded.running_since, causes = excluded.causes, due_at = excluded.due_at, breached_at = excluded.breached_at,
        breach_cause = excluded.breach_cause, late_ms = excluded.late_ms, fulfilled_at = excluded.fulfilled_at, ended_at = excluded.ended_at,
        reason = excluded.reason, waived = excluded.waived, business_s = excluded.business_s, calendar_s = excluded.calendar_s, state = excluded.state,
        version = excluded.version, updated_at = excluded.updated_at
      where sla_clock.version <= excluded.version`,
  segments: ({ tenant, id, segments }) => sql`
      insert into sla_segment (tenant_id, ticket_id, clock, n, from_at, to_at, state, causes, calendar_id, calendar_revision, open_s, wall_s,
        consumed_after_s)
      select ${tenant}, ${id}, clock, n, from_at, to_at, state, causes, calendar_id, calendar_revision, open_s, wall_s, consumed_after_s
      from jsonb_to_recordset(${segments}::jsonb) as s(
        clock text, n int, from_at timestamptz, to_at timestamptz, state text, causes text[], calendar_id text, calendar_revision int,
        open_s int, wall_s int, consumed_after_s int)
      on conflict (tenant_id, ticket_id, clock, n) do update set
        from_at = excluded.from_at, to_at = excluded.to_at, state = excluded.state, causes = excluded.causes,
        calendar_id = excluded.calendar_id, calendar_revision = excluded.calendar_revision, open_s = excluded.open_s,
        wall_s = excluded.wall_s, consumed_after_s = excluded.consumed_after_s`,
  rungs: ({ tenant, id, rungs }) => sql`
      insert into sla_rung (tenant_id, ticket_id, clock, rung, due_at, fired_at, late_ms, outcome, message)
      select ${tenant}, ${id}, clock, rung, due_at, fired_at, late_ms, outcome, message
      from jsonb_to_recordset(${rungs}::jsonb) as r(
        clock text, rung text, due_at timestamptz, fired_at timestamptz, late_ms bigint, outcome text, message text)
      on conflict (tenant_id, ticket_id, clock, rung) do nothing`,
  escalations: ({ tenant, id, product, version, escalations }) => sql`
      insert into escalation (tenant_id, ticket_id, n, product, level, to_kind, to_id, status, reason_id, raised_by, take_over, clock, rung,
        ack_due_at, acknowledged_at, acknowledged_by, resolved_at, closed_at, outcome, outcome_id, created_at, version, state)
      select ${tenant}, ${id}, n, ${product}, level, to_kind, to_id, status, reason_id, raised_by, take_over, clock, rung,
        ack_due_at, acknowledged_at, acknowledged_by, resolved_at, closed_at, outcome, outcome_id, created_at, ${version}, state
      from jsonb_to_recordset(${escalations}::jsonb) as x(
        n int, level int, to_kind text, to_id uuid, status text, reason_id uuid, raised_by text, take_over boolean, clock text, rung text,
        ack_due_at timestamptz, acknowledged_at timestamptz, acknowledged_by text, resolved_at timestamptz, closed_at timestamptz,
        outcome text, outcome_id uuid, created_at timestamptz, state jsonb)
      on conflict (tenant_id, ticket_id, n) do update set
        status = excluded.status, take_over = excluded.take_over, ack_due_at = excluded.ack_due_at, acknowledged_at = excluded.acknowledged_at,
        acknowledged_by = excluded.acknowledged_by, resolved_at = excluded.resolved_at, closed_at = excluded.closed_at,
        outcome = excluded.outcome, outcome_id = excluded.outcome_id, version = excluded.version, state = excluded.state
      where escalation.version <= excluded.version`,
  notices: ({ tenant, id, notices }) => sql`
      insert into notice (tenant_id, ticket_id, message, clock, about, hand_at)
      select ${tenant}, ${id}, message, about ->> 'clock', about, now()
      from jsonb_to_recordset(${notices}::jsonb) as m(message text, about jsonb)
      on conflict (tenant_id, ticket_id, message) do nothing`,
};

/** The lists of a step as `slaInserts` takes them. */
export const slaValues = ({ clocks, segments, rungs, escalations, notices }: SlaStep): Record<keyof SlaStep, string> => ({
  clocks: JSON.stringify(clocks.map(clockRow)),
  segments: JSON.stringify(segments.map(segmentRow)),
  rungs: JSON.stringify(rungs.map(rungRow(notices))),
  escalations: JSON.stringify(escalations.map(escalationRow)),
  notices: JSON.stringify(notices),
});

const iso = (at: Instant | null): string | null => (at === null ? null : toIso(at));

const clockRow = (clock: Clock) => ({
  clock: clock.clock,
  kind: clock.kind,
  policy_set: clock.set,
  policy: clock.policy,
  calendar_id: clock.calendar.id,
  calendar_revision: clock.calendar.revision,
  phase: clock.phase,
  origin_at: toIso(clock.originAt),
  budget_s: clock.budgetS,
  consumed_s: clock.consumedS,
  running_since: clock.phase === 'running' ? toIso(clock.since) : null,
  causes: clock.causes,
  due_at: iso(clock.dueAt),
  breached_at: iso(clock.breach?.at ?? null),
  breach_cause: clock.breach?.cause ?? null,
  late_ms: clock.breach?.lateMs ?? null,
  fulfilled_at: iso(clock.fulfilledAt),
  ended_at: clock.phase === 'fulfilled' || clock.phase === 'cancelled' ? toIso(clock.since) : null,
  reason: clock.reason,
  waived: clock.waived,
  calendar_s: clock.wallS,
  state: clock,
});

const segmentRow = ({ clock, n, from, to, state, causes, calendar, openS, wallS, consumedAfterS }: Segment) => ({
  clock,
  n,
  from_at: toIso(from),
  to_at: toIso(to),
  state,
  causes,
  calendar_id: calendar.id,
  calendar_revision: calendar.revision,
  open_s: openS,
  wall_s: wallS,
  consumed_after_s: consumedAfterS,
});

/** With the notice that told of it, if any did. */
const rungRow =
  (notices: SlaStep['notices']) =>
  ({ clock, rung, dueAt, firedAt, lateMs, outcome }: FiredRung) => {
    const notice = notices.find(({ about }) => about.clock === clock && about.rungs.some((told) => told.rung === rung));
    return { clock, rung, due_at: toIso(dueAt), fired_at: toIso(firedAt), late_ms: lateMs, outcome, message: notice?.message ?? null };
  };

const escalationRow = (escalation: Escalation) => ({
  n: escalation.n,
  level: escalation.level,
  to_kind: escalation.to.kind,
  to_id: escalation.to.id ?? null,
  status: escalation.status,
  reason_id: escalation.reason,
  raised_by: escalation.raisedBy,
  take_over: escalation.takeOver,
  clock: escalation.from?.clock ?? null,
  rung: escalation.from?.rung ?? null,
  ack_due_at: iso(escalation.ackDueAt),
  acknowledged_at: iso(escalation.acknowledgedAt),
  acknowledged_by: escalation.owner,
  resolved_at: iso(escalation.resolvedAt),
  closed_at: iso(escalation.closedAt),
  outcome: escalation.outcome,
  outcome_id: escalation.outcomeText,
  created_at: toIso(escalation.createdAt),
  state: escalation,
});
