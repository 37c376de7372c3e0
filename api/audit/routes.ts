import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, optionalJson } from '../contract.js';
import { onRole } from '../tickets/guard.js';
import { AuditPage, AuditQuery, AuditVerification, VerifyAudit } from './schema.js';
import type { AuditService } from './service.js';

const tags = ['Audit'];

const list = contract(
  {
    permission: 'audit.read',
    guards: [onRole('audit.read')],
    problems: ['forbidden', 'unknown_parameter', 'cursor_invalid', 'database_unavailable'],
  },
  {
    method: 'get',
    path: '/v1/audit',
    operationId: 'listAudit',
    summary: 'Who did what, newest first; a lead sees what was done to tickets of their teams',
    tags,
    request: { query: AuditQuery },
    responses: { 200: answer(AuditPage, 'One page') },
  },
);

const verify = contract(
  {
    permission: 'audit.verify',
    guards: [onRole('audit.verify')],
    problems: ['forbidden', 'malformed_json', 'invalid_request', 'too_deep', 'too_large', 'media_type', 'database_unavailable'],
  },
  {
    method: 'post',
    path: '/v1/audit/verify',
    operationId: 'verifyAudit',
    summary: 'Look whether every line is as it was sealed; names the first that is not',
    tags,
    request: { body: optionalJson(VerifyAudit, {}) },
    responses: { 200: answer(AuditVerification, 'What was found') },
  },
);

export const auditRoutes = (service: AuditService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(verify, async (c) => c.json(await service.verify(readerOf(c.var), VerifyAudit.parse(c.req.valid('json') ?? {})), 200));
