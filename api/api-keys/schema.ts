import { z } from 'zod';
import { OneLine } from '../../domain/configuration/schema.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';
import { isNetwork } from '../limits/address.js';
import { Scopes } from '../service-accounts/schema.js';
import { Products } from '../users/schema.js';

export const KeyParams = z.object({ keyId: Uuid });

const Owner = z
  .string()
  .regex(/^(?:service|user|customer)\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be service/<id>, user/<id> or customer/<id>')
  .describe('whose it is: `service/<id>`, `user/<id>` or `customer/<id>`; it may what its owner may');

export const KeyQuery = z.strictObject({ owner: z.exactOptional(Owner), ...PageQuery });
export type KeyQuery = z.output<typeof KeyQuery>;

/** Longest life of a key, in days. Source: security.md, section 5. */
const mostDays = 365;
const Days = z.int().min(1).max(mostDays);
/** Longest time in which a key and its successor both count, in hours. */
const mostOverlapHours = 168;

const Addresses = z.array(z.string().max(50).refine(isNetwork, 'must be an address or a network such as 10.0.0.0/8')).min(1).max(50);

export const CreateKey = z
  .strictObject({
    owner: Owner,
    name: OneLine(100).describe('what it is for'),
    scopes: z.exactOptional(Scopes.min(1).describe('of those its service account has; left out: all of them')),
    products: Products.default('*').describe('product keys, or * for all its owner has'),
    addresses: z.exactOptional(Addresses.describe('addresses and networks it may be used from; left out: from anywhere')),
    expiresInDays: Days.default(mostDays),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateKey = z.output<typeof CreateKey>;

export const RotateKey = z
  .strictObject({
    overlapHours: z.int().min(0).max(mostOverlapHours).default(24).describe('how long the present key goes on beside the new one'),
    expiresInDays: Days.default(mostDays),
  })
  .meta({ id: 'RotateApiKey' });
export type RotateKey = z.output<typeof RotateKey>;

const fields = {
  id: Uuid,
  owner: z.string(),
  name: z.string().nullable(),
  prefix: z.string().describe('how it begins'),
  scopes: Scopes.nullable().describe('null: all that its account has'),
  products: z.union([z.literal('*'), z.array(z.string())]),
  addresses: z.array(z.string()).nullable().describe('null: it may be used from anywhere'),
  createdBy: z.string().nullable(),
  createdAt: Moment,
  expiresAt: Moment.nullable(),
  revokedAt: Moment.nullable(),
  lastUsedAt: Moment.nullable().describe('to the minute'),
  replacedBy: Uuid.nullable(),
};

export const KeyView = z.strictObject(fields).meta({ id: 'ApiKey' });
export type KeyView = z.output<typeof KeyView>;
export const KeyPage = pageSchema('ApiKeyPage', KeyView);

export const NewKeyView = z
  .strictObject({
    ...fields,
    key: z.string().nullable().describe('the key itself, shown this once and kept nowhere; null in a repeated answer'),
  })
  .meta({ id: 'NewApiKey' });
export type NewKeyView = z.output<typeof NewKeyView>;
