import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, optionalJson, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { CreateKey, KeyPage, KeyParams, KeyQuery, KeyView, NewKeyView, RotateKey } from './schema.js';
import type { KeyService } from './service.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Administration'];

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/api-keys',
    operationId: 'listApiKeys',
    summary: 'List API keys, without the keys themselves',
    tags,
    request: { query: KeyQuery },
    responses: { 200: answer(KeyPage, 'One page') },
  },
);

const create = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/api-keys',
    operationId: 'createApiKey',
    summary: 'Make an API key; it is shown this once',
    tags,
    request: {
      body: json(CreateKey, { owner: 'service/018f3b1e-0000-7000-8000-000000000040', name: 'Gateway in the shop', expiresInDays: 90 }),
    },
    responses: { 201: answer(NewKeyView, 'The key') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/api-keys/{keyId}',
    operationId: 'getApiKey',
    summary: 'Read about an API key',
    tags,
    request: { params: KeyParams },
    responses: { 200: answer(KeyView, 'What is known of it') },
  },
);

const rotate = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'key_ended'] },
  {
    method: 'post',
    path: '/v1/api-keys/{keyId}/rotate',
    operationId: 'rotateApiKey',
    summary: 'Replace an API key by one with the same rights; both count for a while',
    tags,
    request: { params: KeyParams, body: optionalJson(RotateKey, { overlapHours: 48 }) },
    responses: { 201: answer(NewKeyView, 'The new key') },
  },
);

const revoke = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found'] },
  {
    method: 'delete',
    path: '/v1/api-keys/{keyId}',
    operationId: 'revokeApiKey',
    summary: 'End an API key at once',
    tags,
    request: { params: KeyParams },
    responses: { 204: { description: 'Revoked' } },
  },
);

export const keyRoutes = (service: KeyService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => c.json(await service.get(readerOf(c.var), c.req.valid('param').keyId), 200))
    .openapi(rotate, (c) => write(c, (caller) => service.rotate(caller, c.req.valid('param').keyId, c.req.valid('json'))))
    .openapi(revoke, (c) => write(c, (caller) => service.revoke(caller, c.req.valid('param').keyId)));
