/** Who of a team could have a ticket. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { asAgentId, asTeamId } from '../../domain/ids.js';
import type { AgentId, TeamId, TenantId, TicketId } from '../../domain/ids.js';

/**
 * The active member of a team with the fewest open tickets who may see the ticket's product, the present assignee left out; of equals the one
 * who got a ticket longest ago. Admins come last: they are there for the desk, and get a ticket when nobody else can.
 *
 * @param team null: the ticket's own
 * @returns null when there is no team, or nobody in it
 */
export async function findNextAgent(
  tx: TenantTx,
  { tenant, ticketId, team }: { readonly tenant: TenantId; readonly ticketId: TicketId; readonly team: TeamId | null },
): Promise<{ agent: AgentId; team: TeamId } | null> {
  const { rows } = await sql<{ agent: string; team: string }>`
    select a.id as agent, m.team_id as team
    from ticket t
    join team_member m on m.tenant_id = t.tenant_id and m.team_id = coalesce(${team}::uuid, t.team_id)
    join agent a on a.tenant_id = m.tenant_id and a.id = m.agent_id
    left join lateral (
      select count(*) as open, max(o.updated_at) as latest
      from ticket o where o.tenant_id = t.tenant_id and o.assignee_id = a.id and o.status <> 'closed'
    ) load on true
    where t.tenant_id = ${tenant} and t.id = ${ticketId} and a.active and a.id is distinct from t.assignee_id
      and (a.products is null or t.product = any(a.products))
    order by a.role = 'admin', load.open, load.latest nulls first, a.id
    limit 1`.execute(tx);
  const [found] = rows;
  return found === undefined ? null : { agent: asAgentId(found.agent), team: asTeamId(found.team) };
}
