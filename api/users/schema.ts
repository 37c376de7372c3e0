import { z } from 'zod';
import { OneLine } from '../../domain/configuration/schema.js';
import { keyPattern } from '../../domain/ids.js';
import { commaList, Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';

export const UserParams = z.object({ userId: Uuid });

const Role = z.enum(['agent', 'lead', 'admin']);
const Flag = z.stringbool({ truthy: ['true'], falsy: ['false'] });

export const UserQuery = z.strictObject({
  email: z.exactOptional(storable.min(1).max(254)),
  role: z.exactOptional(commaList(Role)),
  active: z.exactOptional(Flag),
  ...PageQuery,
});
export type UserQuery = z.output<typeof UserQuery>;

/** An address of ours to sign in with: one form, so that one person is one. */
const Email = z
  .email()
  .max(254)
  .transform((text) => text.toLowerCase());

export const Products = z
  .union([z.literal('*'), z.array(z.string().regex(keyPattern, 'must be a product key')).max(100)])
  .describe('product keys, or * for all');

export const Membership = z
  .strictObject({
    role: Role,
    products: Products.default('*'),
    teams: z.array(Uuid).max(100).default([]),
  })
  .refine(({ role, products }) => role !== 'admin' || products === '*', {
    path: ['products'],
    message: 'must be * for an admin, who manages the whole tenant',
  })
  .meta({ id: 'Membership' });
export type Membership = z.output<typeof Membership>;

const Memberships = z.array(Membership).length(1).describe('exactly one: a role, and where it counts');

const IssuedName = z
  .strictObject({ issuer: storable.min(1).max(500), subject: storable.min(1).max(255) })
  .meta({ id: 'IssuedName', description: 'a person as an identity provider names them' });

export const CreateUser = z
  .strictObject({ name: OneLine(100), email: Email, memberships: Memberships, identities: z.array(IssuedName).max(10).default([]) })
  .meta({ id: 'CreateUser' });
export type CreateUser = z.output<typeof CreateUser>;

export const ChangeUser = z
  .strictObject({ name: z.exactOptional(OneLine(100)), email: z.exactOptional(Email), active: z.exactOptional(z.boolean()) })
  .meta({ id: 'ChangeUser' });
export type ChangeUser = z.output<typeof ChangeUser>;

export const ReplaceMemberships = z.strictObject({ memberships: Memberships }).meta({ id: 'ReplaceMemberships' });
export type ReplaceMemberships = z.output<typeof ReplaceMemberships>;

export const ReplaceIdentities = z.strictObject({ identities: z.array(IssuedName).max(10) }).meta({ id: 'ReplaceIdentities' });
export type ReplaceIdentities = z.output<typeof ReplaceIdentities>;

export const UserView = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    email: z.string(),
    active: z.boolean(),
    memberships: z.array(z.strictObject({ role: Role, products: z.union([z.literal('*'), z.array(z.string())]), teams: z.array(Uuid) })),
    identities: z.array(IssuedName),
    revision: z.int(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'User' });
export type UserView = z.output<typeof UserView>;
export const UserPage = pageSchema('UserPage', UserView);
