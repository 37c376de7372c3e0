import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook } from '../contract.js';
import { onRole } from '../tickets/guard.js';
import { AgentPage, AgentParams, AgentQuery, AgentView, TeamPage, TeamParams, TeamQuery, TeamView } from './schema.js';
import type { DirectoryService } from './service.js';

const guards = [onRole('config.read')];
const listProblems = ['forbidden', 'unknown_parameter', 'cursor_invalid'] as const;

const agents = contract(
  { permission: 'config.read', guards, problems: listProblems },
  {
    method: 'get',
    path: '/v1/agents',
    operationId: 'listAgents',
    summary: 'List agents',
    tags: ['People'],
    request: { query: AgentQuery },
    responses: { 200: answer(AgentPage, 'One page') },
  },
);

const agent = contract(
  { permission: 'config.read', guards, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/agents/{agentId}',
    operationId: 'getAgent',
    summary: 'Read an agent',
    tags: ['People'],
    request: { params: AgentParams },
    responses: { 200: answer(AgentView, 'The agent') },
  },
);

const teams = contract(
  { permission: 'config.read', guards, problems: listProblems },
  {
    method: 'get',
    path: '/v1/teams',
    operationId: 'listTeams',
    summary: 'List teams',
    tags: ['People'],
    request: { query: TeamQuery },
    responses: { 200: answer(TeamPage, 'One page') },
  },
);

const team = contract(
  { permission: 'config.read', guards, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/teams/{teamId}',
    operationId: 'getTeam',
    summary: 'Read a team',
    tags: ['People'],
    request: { params: TeamParams },
    responses: { 200: answer(TeamView, 'The team') },
  },
);

export const directoryRoutes = (service: DirectoryService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(agents, async (c) => c.json(await service.agents(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(agent, async (c) => c.json(await service.agent(readerOf(c.var), c.req.valid('param').agentId), 200))
    .openapi(teams, async (c) => c.json(await service.teams(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(team, async (c) => c.json(await service.team(readerOf(c.var), c.req.valid('param').teamId), 200));
