import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { etagOf } from '../administration.js';
import { CreateProduct, ProductPage, ProductParams, ProductQuery, ProductSettings, ProductView, ReplaceProduct } from './schema.js';
import type { ConfigurationService } from './service.js';

const guards = [onRole('config.read')];

const list = contract(
  { permission: 'config.read', guards, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/products',
    operationId: 'listProducts',
    summary: 'List products',
    tags: ['Configuration'],
    request: { query: ProductQuery },
    responses: { 200: answer(ProductPage, 'One page') },
  },
);

const get = contract(
  { permission: 'config.read', guards, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/products/{key}',
    operationId: 'getProduct',
    summary: 'Read a product; the ETag is its revision, which is that of its settings too',
    tags: ['Configuration'],
    request: { params: ProductParams },
    responses: { 200: answer(ProductView, 'The product'), 304: { description: 'Not changed' } },
  },
);

const managing = { permission: 'admin.manage', guards: [onRole('admin.manage')] } as const;

const create = contract(
  { ...managing, problems: [...writeProblems, 'forbidden', 'already_exists', 'unknown_reference', 'template_invalid'] },
  {
    method: 'post',
    path: '/v1/products',
    operationId: 'createProduct',
    summary: 'Add a product with its settings',
    tags: ['Configuration'],
    request: { body: json(CreateProduct, { key: 'app', name: 'The app', settings: { fromName: 'App support' } }) },
    responses: { 201: answer(ProductView, 'The product') },
  },
);

const rename = contract(
  { ...managing, problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch'] },
  {
    method: 'put',
    path: '/v1/products/{key}',
    operationId: 'replaceProduct',
    summary: 'Rename a product; its key stays; needs If-Match',
    tags: ['Configuration'],
    request: { params: ProductParams, body: json(ReplaceProduct, { name: 'Demo desk' }) },
    responses: { 200: answer(ProductView, 'The product') },
  },
);

const settings = contract(
  { permission: 'config.read', guards, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/products/{key}/settings',
    operationId: 'getProductSettings',
    summary: 'Read a product’s settings; the ETag is their revision',
    tags: ['Configuration'],
    request: { params: ProductParams },
    responses: { 200: answer(ProductSettings, 'The settings'), 304: { description: 'Not changed' } },
  },
);

const replace = contract(
  {
    permission: 'admin.manage',
    guards: [onRole('admin.manage')],
    problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch', 'unknown_reference', 'template_invalid'],
  },
  {
    method: 'put',
    path: '/v1/products/{key}/settings',
    operationId: 'replaceProductSettings',
    summary: 'Publish settings as the next revision; needs If-Match',
    tags: ['Configuration'],
    request: { params: ProductParams, body: json(ProductSettings, { fromName: 'Example Support', categories: ['Billing', 'Technical'] }) },
    responses: { 200: answer(ProductSettings, 'The settings as stored') },
  },
);

export const configurationRoutes = (service: ConfigurationService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const found = await service.product(readerOf(c.var), c.req.valid('param').key);
      const etag = etagOf(found);
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(found, 200, { etag });
    })
    .openapi(rename, (c) => write(c, (caller) => service.replace(caller, c.req.valid('param').key, c.req.valid('json'))))
    .openapi(settings, async (c) => {
      const found = await service.settings(readerOf(c.var), c.req.valid('param').key);
      const etag = `"${found.revision}"`;
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(found.settings, 200, { etag });
    })
    .openapi(replace, (c) => write(c, (caller) => service.replaceSettings(caller, c.req.valid('param').key, c.req.valid('json'))));
