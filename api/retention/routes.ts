import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { RetentionView, SweepPage, SweepQuery } from './schema.js';
import type { RetentionService } from './service.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const path = '/v1/retention';
const tags = ['Privacy'];

const get = contract(
  { ...terms, problems: ['forbidden'] },
  {
    method: 'get',
    path,
    operationId: 'getRetention',
    summary: 'Read how long things are kept; the ETag is the revision',
    tags,
    responses: { 200: answer(RetentionView, 'The settings'), 304: { description: 'Not changed' } },
  },
);

const replace = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'version_required', 'version_mismatch'] },
  {
    method: 'put',
    path,
    operationId: 'replaceRetention',
    summary: 'Say how long things are kept; needs If-Match',
    tags,
    request: {
      body: json(RetentionView, { rawMailDays: 14, closedTicketDays: 730, journeyEntryDays: 365, webhookDays: 60, auditDays: 730 }),
    },
    responses: { 200: answer(RetentionView, 'The settings as stored') },
  },
);

const sweeps = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: `${path}/sweeps`,
    operationId: 'listRetentionSweeps',
    summary: 'What was let go of, day by day, newest first',
    tags,
    request: { query: SweepQuery },
    responses: { 200: answer(SweepPage, 'One page') },
  },
);

export const retentionRoutes = (service: RetentionService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(get, async (c) => {
      const { view, etag } = await service.get(readerOf(c.var));
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(replace, (c) => write(c, (caller) => service.replace(caller, c.req.valid('json'))))
    .openapi(sweeps, async (c) => c.json(await service.sweeps(readerOf(c.var), c.req.valid('query')), 200));
