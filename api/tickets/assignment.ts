import type { Caller } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { findAssignment } from '../../db/queries/directory.js';
import type { Assignment } from '../../db/queries/directory.js';
import type { TicketFacts } from '../../db/queries/tickets.js';
import type { TicketEngine } from './engine.js';
import { unknownReference } from './refusals.js';

const rememberMs = 30_000;
const mostRemembered = 10_000;

/**
 * Checks whom a ticket is given to: there, active, and at home in the product and team.
 *
 * @throws Refusal `unknown_reference`, `not_permitted_agent`
 */
export type CheckAssignment = (
  caller: Caller,
  row: Pick<TicketFacts, 'product' | 'team'>,
  to: { readonly agent: string | null; readonly team: string | null | undefined },
  pointers: { readonly agent: string; readonly team: string },
) => Promise<void>;

export function createAssignmentCheck({ now }: Pick<Deps, 'now'>, engine: Pick<TicketEngine, 'look'>): CheckAssignment {
  /** Memberships may be half a minute old, as everywhere; only what was found is remembered. */
  const remembered = new Map<string, { found: Assignment; until: number }>();
  const lookUp = async (caller: Caller, agent: string | null, team: string | null): Promise<Assignment> => {
    const { tenant } = caller.principal;
    const name = `${tenant} ${agent ?? '-'} ${team ?? '-'}`;
    const known = remembered.get(name);
    if (known !== undefined && known.until > now()) return known.found;
    const found = await engine.look(caller, (tx) => findAssignment(tx, tenant, { agent, team }));
    if (remembered.size >= mostRemembered) remembered.clear();
    if ((agent === null || found.agent !== null) && (team === null || found.teamExists))
      remembered.set(name, { found, until: now() + rememberMs });
    return found;
  };

  return async (caller, row, { agent, team }, pointers) => {
    if (agent === null && (team === null || team === undefined)) return;
    const found = await lookUp(caller, agent, team ?? null);
    if (typeof team === 'string' && !found.teamExists) throw unknownReference(pointers.team);
    if (agent === null) return;
    if (found.agent === null || !found.agent.active) throw unknownReference(pointers.agent);
    const missing = [
      ...(found.agent.products === null || found.agent.products.includes(row.product) ? [] : ['product']),
      ...atHome(found.agent, team === undefined ? row.team : team),
    ];
    if (missing[0] !== undefined) throw new Refusal('not_permitted_agent', { members: { missing: missing[0] } });
  };
}

const atHome = (agent: { role: string; teams: readonly string[] }, team: string | null): string[] =>
  team === null || agent.role === 'admin' || agent.teams.includes(team) ? [] : ['team'];
