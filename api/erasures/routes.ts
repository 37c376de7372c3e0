import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook } from '../contract.js';
import { CustomerParams } from '../customers/schema.js';
import { write } from '../middleware/idempotency.js';
import type { ProblemCode } from '../problems.js';
import { onRole } from '../tickets/guard.js';
import { ErasurePage, ErasureParams, ErasureQuery, ErasureView } from './schema.js';
import type { ErasureService } from './service.js';

const permission = 'privacy.erase';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Privacy'];
/** Of a write without a body. */
const problems = [
  'idempotency_key_invalid',
  'idempotency_in_flight',
  'idempotency_key_reused',
  'erased',
  'database_unavailable',
  'forbidden',
  'not_found',
] as const satisfies readonly ProblemCode[];

const request = contract(
  { ...terms, problems },
  {
    method: 'post',
    path: '/v1/customers/{customerId}/erase',
    operationId: 'eraseCustomer',
    summary: 'Ask for the erasure of a customer; another admin has to confirm it',
    tags,
    request: { params: CustomerParams },
    responses: {
      200: answer(ErasureView, 'The customer is erased: the proof of the first request'),
      202: answer(ErasureView, 'Asked for; it waits for the confirmation, or runs'),
    },
  },
);

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/erasures',
    operationId: 'listErasures',
    summary: 'List erasures, newest first',
    tags,
    request: { query: ErasureQuery },
    responses: { 200: answer(ErasurePage, 'One page') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/erasures/{erasureId}',
    operationId: 'getErasure',
    summary: 'Read an erasure; once it is done, the proof',
    tags,
    request: { params: ErasureParams },
    responses: { 200: answer(ErasureView, 'The erasure') },
  },
);

const confirm = contract(
  {
    ...terms,
    problems: [...problems, 'requester_excluded', 'erasure_withdrawn', 'engine_unavailable', 'engine_busy', 'command_unconfirmed'],
  },
  {
    method: 'post',
    path: '/v1/erasures/{erasureId}/confirm',
    operationId: 'confirmErasure',
    summary: 'Confirm the erasure another person has asked for; it runs from then on and cannot be stopped',
    tags,
    request: { params: ErasureParams },
    responses: { 200: answer(ErasureView, 'It is done'), 202: answer(ErasureView, 'It runs') },
  },
);

const withdraw = contract(
  { ...terms, problems: [...problems, 'erasure_pending'] },
  {
    method: 'post',
    path: '/v1/erasures/{erasureId}/withdraw',
    operationId: 'withdrawErasure',
    summary: 'Take a request back that nobody has confirmed',
    tags,
    request: { params: ErasureParams },
    responses: { 200: answer(ErasureView, 'It is withdrawn') },
  },
);

export const erasureRoutes = (service: ErasureService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(request, (c) => write(c, (caller) => service.request(caller, c.req.valid('param').customerId)))
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => c.json(await service.get(readerOf(c.var), c.req.valid('param').erasureId), 200))
    .openapi(confirm, (c) => write(c, (caller) => service.confirm(caller, c.req.valid('param').erasureId)))
    .openapi(withdraw, (c) => write(c, (caller) => service.withdraw(caller, c.req.valid('param').erasureId)));
