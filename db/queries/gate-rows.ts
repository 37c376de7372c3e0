/** Votes as rows: one for the gate, one for each vote given. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isoOf, lastOf } from './journey-log.js';
import type { TenantId } from '../../domain/ids.js';
import type { GateState } from '../../domain/journey/gate/gate.js';
import { toIso } from '../../domain/time.js';

/** A gate as it stood after a reaction. */
export interface StandingGate {
  readonly step: string;
  readonly visit: number;
  readonly item: string | null;
  readonly handoffId: string | null;
  readonly gate: GateState;
  /** Number of the reaction's last event. */
  readonly version: number;
}

/** `<journey>.<step>.<visit>`, behind it the item of a forEach. Source: api.md, section 1. */
const visitId = (journeyId: string, step: string, visit: number, item: string | null): string =>
  `${journeyId}.${step}.${visit}${item === null ? '' : `.${item}`}`;

/** Parts of a projection's statement; the last word on a gate counts. */
export function gateInserts(tenant: TenantId, journeyId: string, gates: readonly StandingGate[]): RawBuilder<unknown> {
  if (gates.length === 0) return sql``;
  const last = lastOf(gates, ({ step, visit, item }) => visitId(journeyId, step, visit, item));
  return sql`, gates as (
      insert into approval (tenant_id, id, journey_id, handoff_id, step, visit, round, requester, earlier_voters, eligible, voters, required,
        delegations, escalations, evidence_hash, outcome, cause, opened_at, due_at, closed_at, version)
      select ${tenant}, id, ${journeyId}, handoff_id, step, visit, round, requester, earlier_voters, eligible, voters, required,
        delegations, escalations, evidence_hash, outcome, cause, opened_at, due_at, closed_at, version
      from jsonb_to_recordset(${JSON.stringify(last.map((standing) => gateRow(journeyId, standing)))}::jsonb) as g(
        id text, handoff_id text, step text, visit int, round int, requester text, earlier_voters text[], eligible jsonb, voters text[],
        required int, delegations jsonb, escalations jsonb, evidence_hash text, outcome text, cause text, opened_at timestamptz, due_at timestamptz,
        closed_at timestamptz, version int)
      on conflict (tenant_id, id) do update set
        round = excluded.round, eligible = excluded.eligible, voters = excluded.voters, required = excluded.required,
        delegations = excluded.delegations, escalations = excluded.escalations, evidence_hash = excluded.evidence_hash,
        outcome = excluded.outcome, cause = excluded.cause, opened_at = excluded.opened_at, due_at = excluded.due_at,
        closed_at = excluded.closed_at, version = excluded.version
      where approval.version <= excluded.version
    ), votes as (
      insert into approval_vote (tenant_id, approval_id, n, round, by, on_behalf_of, decision, comment_id, at, void)
      select ${tenant}, approval_id, n, round, by, on_behalf_of, decision, comment_id, at, void
      from jsonb_to_recordset(${JSON.stringify(last.flatMap((standing) => voteRows(journeyId, standing)))}::jsonb) as v(
        approval_id text, n int, round int, by text, on_behalf_of text, decision text, comment_id uuid, at timestamptz, void boolean)
      on conflict (tenant_id, approval_id, n) do update set
        round = excluded.round, by = excluded.by, on_behalf_of = excluded.on_behalf_of, decision = excluded.decision,
        comment_id = excluded.comment_id, at = excluded.at, void = excluded.void
    ), voided as (
      update approval_vote v set void = true
      from jsonb_to_recordset(${JSON.stringify(last.map((standing) => votesOf(journeyId, standing)))}::jsonb) as g(approval_id text, round int, given int[])
      where v.tenant_id = ${tenant} and v.approval_id = g.approval_id and v.round < g.round and not v.void and v.n <> all(g.given)
    )`;
}

const gateRow = (journeyId: string, { step, visit, item, handoffId, gate, version }: StandingGate) => ({
  id: visitId(journeyId, step, visit, item),
  handoff_id: handoffId,
  step,
  visit,
  round: gate.round,
  requester: gate.requester,
  earlier_voters: gate.earlierVoters,
  eligible: gate.eligible,
  voters: awaited(gate),
  required: gate.required,
  delegations: gate.delegations,
  escalations: gate.escalations,
  evidence_hash: gate.evidenceHash,
  outcome: gate.outcome,
  cause: gate.cause,
  opened_at: toIso(gate.openedAt),
  due_at: isoOf(gate.dueAt),
  closed_at: isoOf(gate.closedAt),
  version,
});

const voteRows = (journeyId: string, { step, visit, item, gate }: StandingGate) =>
  gate.votes.map((vote) => ({
    approval_id: visitId(journeyId, step, visit, item),
    n: vote.n,
    round: vote.round,
    by: vote.by,
    on_behalf_of: vote.onBehalfOf,
    decision: vote.decision,
    comment_id: vote.comment,
    at: toIso(vote.at),
    void: vote.void,
  }));

/** The votes that were told of: earlier ones the gate may have let go, and all of those are void. */
const votesOf = (journeyId: string, { step, visit, item, gate }: StandingGate) => ({
  approval_id: visitId(journeyId, step, visit, item),
  round: gate.round,
  given: gate.votes.map(({ n }) => n),
});

/** Whose vote is still awaited, and who may give it for them. */
function awaited({ outcome, eligible, votes, delegations }: GateState): string[] {
  if (outcome !== null) return [];
  const given = new Set(votes.flatMap(({ by, onBehalfOf, void: isVoid }) => (isVoid ? [] : [onBehalfOf ?? by])));
  const people = new Set(eligible.flatMap(({ id }) => (given.has(id) ? [] : [id])));
  // A set takes in what is added while it is walked, so that a chain of delegations is followed to its end.
  for (const person of people) for (const { from, to } of delegations) if (from === person) people.add(to);
  return [...people];
}
