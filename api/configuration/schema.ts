import { z } from 'zod';
import { OneLine, ProductSettings } from '../../domain/configuration/schema.js';
import { keyPattern } from '../../domain/ids.js';
import { Moment, PageQuery, pageSchema, storable } from '../contract.js';

export { ProductSettings } from '../../domain/configuration/schema.js';

export const ProductParams = z.object({ key: storable.min(1).max(64) });
export const ProductQuery = z.strictObject(PageQuery);
export type ProductQuery = z.output<typeof ProductQuery>;

export const CreateProduct = z
  .strictObject({
    key: z.string().regex(keyPattern, 'must be lower-case letters, digits, - and _, beginning with a letter or digit, 63 at most'),
    name: OneLine(100),
    settings: ProductSettings,
  })
  .meta({ id: 'CreateProduct' });
export type CreateProduct = z.output<typeof CreateProduct>;
export const ReplaceProduct = z.strictObject({ name: OneLine(100) }).meta({ id: 'ReplaceProduct' });
export type ReplaceProduct = z.output<typeof ReplaceProduct>;

export const ProductView = z
  .strictObject({
    key: z.string(),
    name: z.string(),
    displayName: z.string(),
    categories: ProductSettings.shape.categories.unwrap(),
    revision: z.int().describe('of the settings'),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'Product' });
export type ProductView = z.output<typeof ProductView>;
export const ProductPage = pageSchema('ProductPage', ProductView);
