/** Agents and teams, for reading. */
import type { Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import type { AgentQuery, AgentView, TeamQuery, TeamView } from './schema.js';
import { findAgent, findTeam, listAgents, listTeams } from '../../db/queries/directory.js';
import type { AgentRecord, TeamRecord } from '../../db/queries/directory.js';

export type DirectoryService = ReturnType<typeof createDirectoryService>;

export function createDirectoryService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>) {
  const page = (reader: Reader, list: string, { limit, cursor, ...query }: AgentQuery) => {
    const binding = cursorBinding(reader.principal, list, query);
    const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
    return { limit, ...after, next: ({ id }: { id: string }) => writeCursor(keys, binding, { position: '', id }) };
  };

  return {
    async agents(reader: Reader, query: AgentQuery): Promise<Page<AgentView>> {
      const { next, ...rest } = page(reader, 'agents', query);
      const filter = { ...rest, ...(query.team === undefined ? {} : { team: query.team }) };
      return pageOf(await engine.within(reader, (tx) => listAgents(tx, reader.principal.tenant, filter)), query.limit, agentView, next);
    },

    async agent(reader: Reader, id: string): Promise<AgentView> {
      const found = await engine.within(reader, (tx) => findAgent(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return agentView(found);
    },

    async teams(reader: Reader, query: TeamQuery): Promise<Page<TeamView>> {
      const { next, ...rest } = page(reader, 'teams', query);
      return pageOf(await engine.within(reader, (tx) => listTeams(tx, reader.principal.tenant, rest)), query.limit, teamView, next);
    },

    async team(reader: Reader, id: string): Promise<TeamView> {
      const found = await engine.within(reader, (tx) => findTeam(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return teamView(found);
    },
  };
}

const agentView = ({ products, teams, createdAt, ...rest }: AgentRecord): AgentView => ({
  ...rest,
  products: products === null ? '*' : [...products],
  teams: [...teams],
  createdAt: iso(createdAt),
});

const teamView = ({ members, createdAt, ...rest }: TeamRecord): TeamView => ({ ...rest, members: [...members], createdAt: iso(createdAt) });
