import { OpenAPIHono } from '@hono/zod-openapi';
import { etagOf } from '../administration.js';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { CreateProvider, ProviderPage, ProviderParams, ProviderQuery, ProviderView, ReplaceProvider } from './schema.js';
import type { ProviderService } from './service.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Administration'];

const example = { name: 'Example staff', audience: 'https://desk.example.com', algorithms: ['RS256' as const], people: 'users' as const };

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/identity-providers',
    operationId: 'listIdentityProviders',
    summary: 'List the identity providers whose access tokens count',
    tags,
    request: { query: ProviderQuery },
    responses: { 200: answer(ProviderPage, 'One page') },
  },
);

const create = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'already_exists', 'target_not_allowed'] },
  {
    method: 'post',
    path: '/v1/identity-providers',
    operationId: 'createIdentityProvider',
    summary: 'Trust the access tokens of an identity provider',
    tags,
    request: { body: json(CreateProvider, { issuer: 'https://login.example.com', ...example, linkByEmail: true }) },
    responses: { 201: answer(ProviderView, 'The provider') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/identity-providers/{providerId}',
    operationId: 'getIdentityProvider',
    summary: 'Read an identity provider; the ETag is its revision',
    tags,
    request: { params: ProviderParams },
    responses: { 200: answer(ProviderView, 'The provider'), 304: { description: 'Not changed' } },
  },
);

const replace = contract(
  {
    ...terms,
    problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch', 'target_not_allowed'],
  },
  {
    method: 'put',
    path: '/v1/identity-providers/{providerId}',
    operationId: 'replaceIdentityProvider',
    summary: 'Change how tokens of an issuer are checked; needs If-Match',
    tags,
    request: { params: ProviderParams, body: json(ReplaceProvider, { ...example, active: false }) },
    responses: { 200: answer(ProviderView, 'The provider') },
  },
);

const remove = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch'] },
  {
    method: 'delete',
    path: '/v1/identity-providers/{providerId}',
    operationId: 'deleteIdentityProvider',
    summary: 'Trust an identity provider no more, and forget whom it named; needs If-Match',
    tags,
    request: { params: ProviderParams },
    responses: { 204: { description: 'Removed' } },
  },
);

export const providerRoutes = (service: ProviderService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const found = await service.get(readerOf(c.var), c.req.valid('param').providerId);
      const etag = etagOf(found);
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(found, 200, { etag });
    })
    .openapi(replace, (c) => write(c, (caller) => service.replace(caller, c.req.valid('param').providerId, c.req.valid('json'))))
    .openapi(remove, (c) => write(c, (caller) => service.remove(caller, c.req.valid('param').providerId)));
