import { z } from 'zod';
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

export const TeamView = z.strictObject({ id: Uuid, name: z.string(), members: z.array(Uuid), createdAt: Moment }).meta({ id: 'Team' });
export type TeamView = z.output<typeof TeamView>;
export const TeamPage = pageSchema('TeamPage', TeamView);
