import { OpenAPIHono } from '@hono/zod-openapi';
import { etagOf } from '../administration.js';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { AccountPage, AccountParams, AccountQuery, AccountView, ChangeAccount, CreateAccount } from './schema.js';
import type { AccountService } from './service.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Administration'];

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/service-accounts',
    operationId: 'listServiceAccounts',
    summary: 'List the programs that may call the API',
    tags,
    request: { query: AccountQuery },
    responses: { 200: answer(AccountPage, 'One page') },
  },
);

const create = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/service-accounts',
    operationId: 'createServiceAccount',
    summary: 'Add a program; a key for it is made by itself',
    tags,
    request: { body: json(CreateAccount, { name: 'Web shop', scopes: ['tickets:write', 'act_for'], products: ['demo'] }) },
    responses: { 201: answer(AccountView, 'The account') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/service-accounts/{accountId}',
    operationId: 'getServiceAccount',
    summary: 'Read a service account; the ETag is its revision',
    tags,
    request: { params: AccountParams },
    responses: { 200: answer(AccountView, 'The account'), 304: { description: 'Not changed' } },
  },
);

const change = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch', 'unknown_reference'] },
  {
    method: 'patch',
    path: '/v1/service-accounts/{accountId}',
    operationId: 'changeServiceAccount',
    summary: 'Change what a program may do, with all its keys; needs If-Match',
    tags,
    request: { params: AccountParams, body: json(ChangeAccount, { scopes: ['tickets:read'] }) },
    responses: { 200: answer(AccountView, 'The account') },
  },
);

export const accountRoutes = (service: AccountService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const found = await service.get(readerOf(c.var), c.req.valid('param').accountId);
      const etag = etagOf(found);
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(found, 200, { etag });
    })
    .openapi(change, (c) => write(c, (caller) => service.change(caller, c.req.valid('param').accountId, c.req.valid('json'))));
