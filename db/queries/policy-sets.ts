/** Policy sets of service levels as numbered revisions, and what has to be known to check, publish and match them. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Actor } from '../../domain/actor.js';
import type { ContentId, CustomerId, TenantId } from '../../domain/ids.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import type { MatchFacts } from '../../domain/sla/match.js';
import type { Policy } from '../../domain/sla/policy.js';
import { CalendarBody, policiesOf, PolicySetBody } from '../../domain/sla/schema.js';
import type { KnownNames } from '../../domain/sla/validate.js';

export const publishModes = ['new_tickets', 'reproject'] as const;
/** Whom a new revision concerns: tickets opened from now on, or open ones too. */
export type PublishMode = (typeof publishModes)[number];

export interface PolicySetRecord {
  readonly revision: number;
  /** In the order in which they are tried. */
  readonly policies: readonly Policy[];
  readonly mode: PublishMode;
  readonly createdAt: Date;
  readonly createdBy: string;
}

const columns = ['revision', 'policies', 'mode', 'createdAt', 'createdBy'] as const;

/** What is stored was checked; parsing fills in what a later version of Usher added. */
const read = <T extends { policies: unknown; mode: string }>({ policies, mode, ...row }: T) => ({
  ...row,
  policies: policiesOf(PolicySetBody.parse({ policies })),
  mode: publishModes.find((name) => name === mode) ?? 'new_tickets',
});

/** One revision; undefined when it was never published. */
export async function findPolicySet(tx: TenantTx, tenant: TenantId, revision: number): Promise<PolicySetRecord | undefined> {
  const row = await tx
    .selectFrom('slaPolicySet')
    .select(columns)
    .where('tenantId', '=', tenant)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row && read(row);
}

/** The revision new tickets run under; undefined when nothing was published yet. */
export async function currentPolicySet(tx: TenantTx, tenant: TenantId): Promise<PolicySetRecord | undefined> {
  const row = await tx
    .selectFrom('slaPolicySet')
    .select(columns)
    .where('tenantId', '=', tenant)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && read(row);
}

/** Revisions, newest first; one row more than `limit` when there are others. */
export async function listPolicySets(
  tx: TenantTx,
  tenant: TenantId,
  { after, limit }: { after?: number; limit: number },
): Promise<PolicySetRecord[]> {
  const rows = await tx
    .selectFrom('slaPolicySet')
    .select(columns)
    .where('tenantId', '=', tenant)
    .$if(after !== undefined, (query) => query.where('revision', '<', after ?? 0))
    .orderBy('revision', 'desc')
    .limit(limit + 1)
    .execute();
  return rows.map(read);
}

/** The number of the newest revision, 0 before the first, kept as it is until the transaction ends. */
export async function lockPolicySets(tx: TenantTx, tenant: TenantId): Promise<number> {
  // Not the stronger lock: every row that is written anywhere holds its tenant by the key.
  await sql`select from tenant where tenant_id = ${tenant} for no key update`.execute(tx);
  const { rows } = await sql<{ revision: number }>`select ${currentRevision(sql`${tenant}`)} as revision`.execute(tx);
  return rows[0]?.revision ?? 0;
}

/** Number of a tenant's newest policy set, 0 when there is none, as an expression; for queries that open tickets. */
export const currentRevision = (tenant: ReturnType<typeof sql>) =>
  sql<number>`coalesce((select max(s.revision) from sla_policy_set s where s.tenant_id = ${tenant}), 0)`;

export interface NewPolicySet {
  readonly revision: number;
  readonly policies: readonly Policy[];
  readonly mode: PublishMode;
  readonly by: Actor;
}

/** Publishes a revision; the sets are locked, and the number the next one. */
export async function insertPolicySet(tx: TenantTx, tenantId: TenantId, { revision, policies, mode, by }: NewPolicySet): Promise<void> {
  await tx
    .insertInto('slaPolicySet')
    .values({ tenantId, revision, policies: JSON.stringify(policies), mode, createdBy: by })
    .execute();
}

/** All that decides whether a policy set can be published, but the arithmetic. */
export interface PolicyWorld extends Omit<KnownNames, 'calendars' | 'reaches'> {
  /** Newest revision by calendar. */
  readonly calendars: ReadonlyMap<string, { readonly retired: boolean; readonly body: Calendar }>;
}

/**
 * What a policy set may name in this tenant.
 *
 * @param calendars ids whose rows are kept as they are until the transaction ends, so that none is retired or deleted meanwhile
 */
export async function findPolicyWorld(tx: TenantTx, tenant: TenantId, calendars: readonly string[]): Promise<PolicyWorld> {
  const locked = await sql<{ id: string; retired: boolean }>`
    select id, retired_at is not null as retired from sla_calendar
    where tenant_id = ${tenant} and id = any(${[...calendars]}::text[]) order by id for share`.execute(tx);
  const { rows } = await sql<WorldRow>`
    select
      coalesce((select jsonb_object_agg(c.id, (
          select r.body from sla_calendar_revision r where r.tenant_id = c.tenant_id and r.calendar_id = c.id order by r.revision desc limit 1))
        from sla_calendar c where c.tenant_id = ${tenant} and c.id = any(${[...calendars]}::text[])), '{}') as bodies,
      coalesce((select jsonb_object_agg(a.id, a.role) from agent a where a.tenant_id = ${tenant} and a.active), '{}') as users,
      coalesce((select jsonb_object_agg(t.id, (
          select count(*) from team_member m join agent a on a.tenant_id = m.tenant_id and a.id = m.agent_id and a.active
          where m.tenant_id = t.tenant_id and m.team_id = t.id))
        from team t where t.tenant_id = ${tenant}), '{}') as teams,
      array(select p.key from product p where p.tenant_id = ${tenant}) as products,
      exists (
        select from tenant n join agent a on a.tenant_id = n.tenant_id and a.active and a.id::text = n.settings ->> 'fallbackRecipient'
        where n.tenant_id = ${tenant}) as fallback`.execute(tx);
  const [{ bodies, users, teams, products, fallback } = nothing] = rows;
  return {
    calendars: new Map(locked.rows.map(({ id, retired }) => [id, { retired, body: CalendarBody.parse(bodies[id]) }])),
    users: new Map(Object.entries(users)),
    teams: new Map(Object.entries(teams)),
    products: new Set(products),
    fallbackRecipient: fallback,
  };
}

interface WorldRow {
  readonly bodies: Readonly<Record<string, unknown>>;
  readonly users: Readonly<Record<string, string>>;
  readonly teams: Readonly<Record<string, number>>;
  readonly products: readonly string[];
  readonly fallback: boolean;
}
const nothing: WorldRow = { bodies: {}, users: {}, teams: {}, products: [], fallback: false };

/** What conditions ask about a ticket that its workflow does not know; a customer or text that is gone has none of it. */
export async function findMatchFacts(
  tx: TenantTx,
  tenant: TenantId,
  { requester, tags }: { requester: CustomerId; tags: ContentId },
): Promise<Pick<MatchFacts, 'customerTier' | 'tags'>> {
  const { rows } = await sql<Pick<MatchFacts, 'customerTier' | 'tags'>>`
    select
      (select tier from customer where tenant_id = ${tenant} and id = ${requester}) as customer_tier,
      array(
        select jsonb_array_elements_text(case when jsonb_typeof(data -> 'tags') = 'array' then data -> 'tags' else '[]' end)
        from content where tenant_id = ${tenant} and id = ${tags}) as tags`.execute(tx);
  return rows[0] ?? { customerTier: null, tags: [] };
}
