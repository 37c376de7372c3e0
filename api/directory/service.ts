/** Agents, and the teams they work in. */
import { v7 } from 'uuid';
import { assertRevision, doerOf, etagOf, telling, unlessTaken } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { assertKnown } from '../users/references.js';
import type { AgentQuery, AgentView, ChangeTeam, CreateTeam, ReplaceMembers, TeamQuery, TeamView } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { findAgent, findTeam, listAgents, listTeams } from '../../db/queries/directory.js';
import type { AgentRecord, TeamRecord } from '../../db/queries/directory.js';
import { insertTeam, replaceMembers, updateTeam } from '../../db/queries/users.js';
import { asTeamId } from '../../domain/ids.js';

export type DirectoryService = ReturnType<typeof createDirectoryService>;

export function createDirectoryService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>, forget: () => void) {
  /** Changes a team at the revision the caller has read. */
  const change = async (
    caller: Caller,
    id: string,
    fields: ChangeTeam,
    work: (tx: TenantTx) => Promise<{ readonly type: string; readonly data: Readonly<Record<string, unknown>> }>,
  ): Promise<Answer> => {
    const { tenant } = caller.principal;
    const changed = engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      const present = await findTeam(tx, tenant, id);
      if (present === undefined) throw new Refusal('not_found');
      assertRevision(caller, present.revision);
      if (!(await unlessTaken('/name', updateTeam(tx, tenant, asTeamId(id), present.revision, fields)))) {
        const now = await findTeam(tx, tenant, id);
        throw new Refusal('version_mismatch', { members: { current: now?.revision ?? present.revision } });
      }
      await recordAdminEvent(tx, doerOf(caller), { subject: `team/${id}`, ...(await work(tx)) });
      return findTeam(tx, tenant, id);
    });
    const view = viewOf(await telling(forget, changed));
    return { status: 200, body: view, headers: { etag: etagOf(view) } };
  };

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

    async createTeam(caller: Caller, { name }: CreateTeam): Promise<Answer> {
      const { tenant } = caller.principal;
      const id = v7();
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await unlessTaken('/name', insertTeam(tx, tenant, { id, name }));
        await recordAdminEvent(tx, doerOf(caller), { subject: `team/${id}`, type: 'team.added' });
        return findTeam(tx, tenant, id);
      });
      const view = viewOf(made);
      return { status: 201, body: view, headers: { location: `/v1/teams/${id}`, etag: etagOf(view) } };
    },

    changeTeam: (caller: Caller, id: string, fields: ChangeTeam): Promise<Answer> =>
      change(caller, id, fields, () => Promise.resolve({ type: 'team.changed', data: { changed: Object.keys(fields) } })),

    replaceMembers: (caller: Caller, id: string, { agents }: ReplaceMembers): Promise<Answer> =>
      change(caller, id, {}, async (tx) => {
        const { tenant } = caller.principal;
        await assertKnown(tx, tenant, { agents });
        const moved = await replaceMembers(tx, tenant, asTeamId(id), agents);
        return { type: 'team.members_changed', data: { moved, members: agents } };
      }),
  };
}

function viewOf(row: TeamRecord | undefined): TeamView {
  if (row === undefined) throw new Error('a team just stored is not there');
  return teamView(row);
}

const agentView = ({ products, teams, createdAt, ...rest }: AgentRecord): AgentView => ({
  ...rest,
  products: products === null ? '*' : [...products],
  teams: [...teams],
  createdAt: iso(createdAt),
});

const teamView = ({ members, createdAt, ...rest }: TeamRecord): TeamView => ({ ...rest, members: [...members], createdAt: iso(createdAt) });
