/** Handoffs as people read them. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { isMyHandoff, rolesOf, visibleJourney } from './journey-scope.js';
import { among, positionOf } from './journeys.js';
import type { Position } from './journeys.js';
import type { Principal } from '../../domain/access/principal.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { HandoffState } from '../../domain/journey/run/effect.js';

export interface HandoffRecord {
  readonly id: string;
  readonly journeyId: string;
  readonly templateKey: string;
  readonly templateVersion: number;
  readonly step: string;
  readonly visit: number;
  readonly extra: boolean;
  readonly state: HandoffState;
  readonly fromPackage: string;
  readonly toPackage: string;
  readonly mode: 'automatic' | 'accept' | 'approve';
  readonly owner: string;
  readonly assignee: string | null;
  readonly people: readonly string[];
  readonly roles: readonly string[];
  readonly data: JsonObject;
  readonly missing: readonly string[];
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly dueAt: Date | null;
  readonly attempts: number;
  readonly version: number;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** Whether there is a vote, open or closed. */
  readonly hasGate: boolean;
}

export interface HandoffFacts extends HandoffRecord {
  /** What templates call the reader: role, keys of teams. */
  readonly readerRoles: readonly string[];
  readonly isMine: boolean;
}

const columns = sql`
    h.id, h.journey_id, j.template_key, j.template_version, h.step, h.visit, h.extra, h.state, h.from_package, h.to_package, h.mode, h.owner, h.assignee,
    h.people, h.roles, h.data, h.missing, h.outcome, h.reason, h.due_at, h.attempts, h.version, h.created_at, h.ended_at,
    exists (select from approval a where a.tenant_id = h.tenant_id and a.id = h.id) as has_gate`;
const source = sql`handoff h join journey j on j.tenant_id = h.tenant_id and j.id = h.journey_id`;

/** A handoff of a journey the reader may see. */
export async function findHandoff(tx: TenantTx, reader: Principal, id: string): Promise<HandoffFacts | undefined> {
  const { rows } = await sql<HandoffFacts>`
    select ${columns}, ${rolesOf(reader)} as reader_roles, ${isMyHandoff(reader)} as is_mine
    from ${source} where h.id = ${id} and ${visibleJourney(reader)}`.execute(tx);
  return rows[0];
}

export interface HandoffFilter {
  readonly state?: readonly string[];
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly journey?: readonly string[];
  /** Only what is the reader's to take or to work on. */
  readonly mine?: boolean;
}

export type ListedHandoff = HandoffRecord & Position;

/** Newest first; one row more than `limit` when there are others. */
export async function listHandoffs(
  tx: TenantTx,
  reader: Principal,
  { state, from, to, journey, mine }: HandoffFilter,
  { after, limit }: { readonly after?: Position; readonly limit: number },
): Promise<ListedHandoff[]> {
  const { rows } = await sql<ListedHandoff>`
    select ${columns}, ${positionOf(sql`h.created_at`)} as position
    from ${source}
    where ${visibleJourney(reader)} ${among(sql`h.state`, state)} ${among(sql`h.from_package`, from)} ${among(sql`h.to_package`, to)}
      ${among(sql`h.journey_id`, journey)} ${mine === true ? sql`and h.ended_at is null and ${isMyHandoff(reader)}` : sql``}
      ${after === undefined ? sql`` : sql`and (h.created_at, h.id) < (${after.position}::text::timestamptz, ${after.id}::text)`}
    order by h.created_at desc, h.id desc limit ${limit + 1}`.execute(tx);
  return rows;
}
