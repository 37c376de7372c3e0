import { z } from 'zod';
import { scopes } from '../../domain/access/principal.js';
import { OneLine } from '../../domain/configuration/schema.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';
import { Products } from '../users/schema.js';

export const AccountParams = z.object({ accountId: Uuid });
export const AccountQuery = z.strictObject(PageQuery);
export type AccountQuery = z.output<typeof AccountQuery>;

export const Scopes = z.array(z.enum(scopes)).max(scopes.length);

export const CreateAccount = z
  .strictObject({ name: OneLine(100), scopes: Scopes.describe('what its keys may do at most'), products: Products.default('*') })
  .meta({ id: 'CreateServiceAccount' });
export type CreateAccount = z.output<typeof CreateAccount>;

export const ChangeAccount = z
  .strictObject({
    name: z.exactOptional(OneLine(100)),
    scopes: z.exactOptional(Scopes),
    products: z.exactOptional(Products),
    active: z.exactOptional(z.boolean().describe('false: none of its keys counts')),
  })
  .meta({ id: 'ChangeServiceAccount' });
export type ChangeAccount = z.output<typeof ChangeAccount>;

export const AccountView = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    scopes: Scopes,
    products: z.union([z.literal('*'), z.array(z.string())]),
    active: z.boolean(),
    revision: z.int(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'ServiceAccount' });
export type AccountView = z.output<typeof AccountView>;
export const AccountPage = pageSchema('ServiceAccountPage', AccountView);
