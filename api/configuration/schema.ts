import { z } from 'zod';
import { ProductSettings } from '../../domain/configuration/schema.js';
import { Moment, PageQuery, pageSchema, storable } from '../contract.js';

export { ProductSettings } from '../../domain/configuration/schema.js';

export const ProductParams = z.object({ key: storable.min(1).max(64) });
export const ProductQuery = z.strictObject(PageQuery);
export type ProductQuery = z.output<typeof ProductQuery>;

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
