import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { etagOf } from '../administration.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import {
  AgentPage,
  AgentParams,
  AgentQuery,
  AgentView,
  ChangeTeam,
  CreateTeam,
  ReplaceMembers,
  TeamPage,
  TeamParams,
  TeamQuery,
  TeamView,
} from './schema.js';
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
    summary: 'Read a team; the ETag is its revision',
    tags: ['People'],
    request: { params: TeamParams },
    responses: { 200: answer(TeamView, 'The team') },
  },
);

const managing = { permission: 'config.write', guards: [onRole('config.write')] } as const;
const changeProblems = [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch'] as const;

const createTeam = contract(
  { ...managing, problems: [...writeProblems, 'forbidden', 'already_exists'] },
  {
    method: 'post',
    path: '/v1/teams',
    operationId: 'createTeam',
    summary: 'Add a team',
    tags: ['People'],
    request: { body: json(CreateTeam, { name: 'Billing desk' }) },
    responses: { 201: answer(TeamView, 'The team') },
  },
);

const changeTeam = contract(
  { ...managing, problems: [...changeProblems, 'already_exists'] },
  {
    method: 'patch',
    path: '/v1/teams/{teamId}',
    operationId: 'changeTeam',
    summary: 'Rename a team; needs If-Match',
    tags: ['People'],
    request: { params: TeamParams, body: json(ChangeTeam, { name: 'Billing' }) },
    responses: { 200: answer(TeamView, 'The team') },
  },
);

const members = contract(
  { ...managing, problems: [...changeProblems, 'unknown_reference'] },
  {
    method: 'put',
    path: '/v1/teams/{teamId}/members',
    operationId: 'replaceTeamMembers',
    summary: 'Say who is in a team; counts from the next request on; needs If-Match',
    tags: ['People'],
    request: { params: TeamParams, body: json(ReplaceMembers, { agents: ['018f3b1e-0000-7000-8000-000000000022'] }) },
    responses: { 200: answer(TeamView, 'The team') },
  },
);

export const directoryRoutes = (service: DirectoryService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(agents, async (c) => c.json(await service.agents(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(agent, async (c) => c.json(await service.agent(readerOf(c.var), c.req.valid('param').agentId), 200))
    .openapi(teams, async (c) => c.json(await service.teams(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(team, async (c) => {
      const found = await service.team(readerOf(c.var), c.req.valid('param').teamId);
      return c.json(found, 200, { etag: etagOf(found) });
    })
    .openapi(createTeam, (c) => write(c, (caller) => service.createTeam(caller, c.req.valid('json'))))
    .openapi(changeTeam, (c) => write(c, (caller) => service.changeTeam(caller, c.req.valid('param').teamId, c.req.valid('json'))))
    .openapi(members, (c) => write(c, (caller) => service.replaceMembers(caller, c.req.valid('param').teamId, c.req.valid('json'))));
