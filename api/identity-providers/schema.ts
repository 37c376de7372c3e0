import { z } from 'zod';
import { knownPeople, mostLeewayS, tokenAlgorithms, tokenTypes } from '../../domain/access/token.js';
import { OneLine } from '../../domain/configuration/schema.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

export const ProviderParams = z.object({ providerId: Uuid });
export const ProviderQuery = z.strictObject(PageQuery);
export type ProviderQuery = z.output<typeof ProviderQuery>;

const Address = z.string().min(1).max(500);

/** A provider without its issuer, which never changes. */
const fields = {
  name: OneLine(100),
  audience: OneLine(255).describe('what `aud` of its tokens has to hold: this API as the provider knows it'),
  algorithms: z.array(z.enum(tokenAlgorithms)).min(1).max(tokenAlgorithms.length).default(['RS256']).describe('signatures that count'),
  jwksUri: Address.nullable().default(null).describe('where its public keys are; null: as its discovery document says'),
  tokenType: z
    .enum(tokenTypes)
    .default('at+jwt')
    .describe('what `typ` of its access tokens has to be; `any` for providers that do not mark them'),
  leewayS: z.int().min(0).max(mostLeewayS).default(30).describe('seconds by which clocks may differ'),
  people: z.enum(knownPeople).default('users').describe('whom it may speak for'),
  linkByEmail: z
    .boolean()
    .default(false)
    .describe(
      'whether an address that the provider has verified links a person who comes for the first time; otherwise identities are written by hand',
    ),
  active: z.boolean().default(true),
};

export const ReplaceProvider = z.strictObject(fields).meta({ id: 'ReplaceIdentityProvider' });
export type ReplaceProvider = z.output<typeof ReplaceProvider>;

export const CreateProvider = z
  .strictObject({ issuer: Address.describe('`iss` of its tokens, to the letter'), ...fields })
  .meta({ id: 'CreateIdentityProvider' });
export type CreateProvider = z.output<typeof CreateProvider>;

export const ProviderView = z
  .strictObject({
    id: Uuid,
    issuer: z.string(),
    name: z.string(),
    audience: z.string(),
    algorithms: z.array(z.enum(tokenAlgorithms)),
    jwksUri: z.string().nullable(),
    tokenType: z.enum(tokenTypes),
    leewayS: z.int(),
    people: z.enum(knownPeople),
    linkByEmail: z.boolean(),
    active: z.boolean(),
    revision: z.int(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'IdentityProvider' });
export type ProviderView = z.output<typeof ProviderView>;
export const ProviderPage = pageSchema('IdentityProviderPage', ProviderView);
