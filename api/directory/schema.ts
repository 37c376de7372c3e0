import { z } from 'zod';
import { OneLine } from '../../domain/configuration/schema.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

export const AgentParams = z.object({ agentId: Uuid });
export const TeamParams = z.object({ teamId: Uuid });

export const AgentQuery = z.strictObject({ team: z.exactOptional(Uuid), ...PageQuery });
export type AgentQuery = z.output<typeof AgentQuery>;
export const TeamQuery = z.strictObject(PageQuery);
export type TeamQuery = z.output<typeof TeamQuery>;

export const AgentView = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    email: z.string(),
    role: z.enum(['agent', 'lead', 'admin']),
    products: z.union([z.literal('*'), z.array(z.string())]).describe('product keys, or * for all'),
    teams: z.array(Uuid),
    active: z.boolean(),
    createdAt: Moment,
  })
  .meta({ id: 'Agent' });
export type AgentView = z.output<typeof AgentView>;
export const AgentPage = pageSchema('AgentPage', AgentView);

export const CreateTeam = z.strictObject({ name: OneLine(100) }).meta({ id: 'CreateTeam' });
export type CreateTeam = z.output<typeof CreateTeam>;
export const ChangeTeam = z.strictObject({ name: z.exactOptional(OneLine(100)) }).meta({ id: 'ChangeTeam' });
export type ChangeTeam = z.output<typeof ChangeTeam>;
export const ReplaceMembers = z.strictObject({ agents: z.array(Uuid).max(500) }).meta({ id: 'ReplaceTeamMembers' });
export type ReplaceMembers = z.output<typeof ReplaceMembers>;

export const TeamView = z
  .strictObject({ id: Uuid, name: z.string(), members: z.array(Uuid), revision: z.int(), createdAt: Moment })
  .meta({ id: 'Team' });
export type TeamView = z.output<typeof TeamView>;
export const TeamPage = pageSchema('TeamPage', TeamView);
