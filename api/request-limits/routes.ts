import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { RequestLimitsView } from './schema.js';
import type { LimitService } from './service.js';

const path = '/v1/request-limits';
const tags = ['Administration'];
const permission = 'admin.manage';
const guards = [onRole(permission)];

const get = contract(
  { permission, guards, problems: ['forbidden'] },
  {
    method: 'get',
    path,
    operationId: 'getRequestLimits',
    summary: 'Read how much may be asked in which time; the ETag is the revision',
    tags,
    responses: { 200: answer(RequestLimitsView, 'The limits'), 304: { description: 'Not changed' } },
  },
);

const replace = contract(
  { permission, guards, problems: [...writeProblems, 'forbidden', 'version_required', 'version_mismatch'] },
  {
    method: 'put',
    path,
    operationId: 'replaceRequestLimits',
    summary: 'Say how much may be asked in which time; what is left out is as usual; needs If-Match',
    tags,
    request: { body: json(RequestLimitsView, { service: 2_400, customer: 120 }) },
    responses: { 200: answer(RequestLimitsView, 'The limits as stored') },
  },
);

export const limitRoutes = (service: LimitService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(get, async (c) => {
      const { view, etag } = await service.get(readerOf(c.var));
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(replace, (c) => write(c, (caller) => service.replace(caller, c.req.valid('json'))));
