/** Approvals as people read them: who may vote, who has. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { rolesOf, visibleJourney } from './journey-scope.js';
import { among, positionOf } from './journeys.js';
import type { Position } from './journeys.js';
import type { Principal } from '../../domain/access/principal.js';
import type { Delegation, GateState } from '../../domain/journey/gate/gate.js';
import type { Person } from '../../domain/journey/run/effect.js';

export interface VoteRecord {
  readonly by: string;
  readonly onBehalfOf: string | null;
  readonly decision: 'approve' | 'reject';
  /** ISO 8601. */
  readonly at: string;
  readonly comment: string | null;
  readonly round: number;
  readonly void: boolean;
}

export interface ApprovalRecord {
  readonly id: string;
  readonly journeyId: string;
  readonly handoffId: string | null;
  readonly templateKey: string;
  readonly step: string;
  readonly visit: number;
  readonly round: number;
  readonly requester: string | null;
  readonly eligible: readonly Person[];
  readonly required: number;
  readonly delegations: readonly Delegation[];
  readonly escalations: GateState['escalations'];
  readonly evidenceHash: string | null;
  readonly outcome: GateState['outcome'];
  readonly cause: GateState['cause'];
  readonly openedAt: Date;
  readonly dueAt: Date | null;
  readonly closedAt: Date | null;
  readonly version: number;
  readonly votes: readonly VoteRecord[];
  /** The reader's vote is awaited. */
  readonly isMine: boolean;
}

export interface ApprovalFacts extends ApprovalRecord {
  readonly readerRoles: readonly string[];
}

const columns = (reader: Principal) => sql`
    a.id, a.journey_id, a.handoff_id, j.template_key, a.step, a.visit, a.round, a.requester, a.eligible, a.required, a.delegations, a.escalations,
    a.evidence_hash, a.outcome, a.cause, a.opened_at, a.due_at, a.closed_at, a.version, ${reader.id} = any(a.voters) as is_mine,
    coalesce((select jsonb_agg(jsonb_build_object('by', v.by, 'onBehalfOf', v.on_behalf_of, 'decision', v.decision, 'round', v.round, 'void', v.void,
        'at', to_char(v.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'comment', (select c.body from content c where c.tenant_id = v.tenant_id and c.id = v.comment_id)) order by v.n)
      from approval_vote v where v.tenant_id = a.tenant_id and v.approval_id = a.id), '[]') as votes`;
const source = sql`approval a join journey j on j.tenant_id = a.tenant_id and j.id = a.journey_id`;

/** An approval of a journey the reader may see; whoever is asked sees it too. */
export async function findApproval(tx: TenantTx, reader: Principal, id: string): Promise<ApprovalFacts | undefined> {
  const { rows } = await sql<ApprovalFacts>`
    select ${columns(reader)}, ${rolesOf(reader)} as reader_roles
    from ${source} where a.tenant_id = ${reader.tenant} and a.id = ${id} and (${visibleJourney(reader)} or ${reader.id} = any(a.voters))`.execute(
    tx,
  );
  return rows[0];
}

export interface ApprovalFilter {
  readonly state?: readonly ('open' | 'closed')[];
  readonly journey?: readonly string[];
  /** Only those that await the reader's vote. */
  readonly mine?: boolean;
}

export type ListedApproval = ApprovalRecord & Position;

/** Newest first; one row more than `limit` when there are others. */
export async function listApprovals(
  tx: TenantTx,
  reader: Principal,
  { state, journey, mine }: ApprovalFilter,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<ListedApproval[]> {
  const isOpen = sql`case when a.outcome is null then 'open' else 'closed' end`;
  const { rows } = await sql<ListedApproval>`
    select ${columns(reader)}, ${positionOf(sql`a.opened_at`)} as position
    from ${source}
    where a.tenant_id = ${reader.tenant} and (${visibleJourney(reader)} or ${reader.id} = any(a.voters))
      ${among(isOpen, state)} ${among(sql`a.journey_id`, journey)} ${mine === true ? sql`and ${reader.id} = any(a.voters)` : sql``}
      ${after === undefined ? sql`` : sql`and (a.opened_at, a.id) < (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by a.opened_at desc, a.id desc limit ${limit + 1}`.execute(tx);
  return rows;
}
